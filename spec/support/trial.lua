-- What a download did on its way: spec.support.oracle's judgement, with the faults beside it.
-- SPDX-License-Identifier: MIT

local assert = require("luassert")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")

local trial = {}

local NOTHING = { size = -1 } -- a version that no file is

--- Options with which several streams share even a small file.
---@param opts table|nil
function trial.split(opts)
  return merged({ connections = 4, min_split = 16384 }, opts)
end

--- Downloads once, with one connection unless told otherwise.
---@param url string
---@param version table|nil { seed, size } of the file as it has to be; nil: none is right
---@param opts table|nil
---@return { result: table|nil, err: luadl.error|nil, faults: table[] } faults: those that were
--- tried again: { error, fault, delay, change }
function trial.run(url, version, opts)
  local faults = {}
  local options = merged({
    connections = 1,
    retry = oracle.quick({ tries = 3 }),
    on_retry = function(fault, delay, change)
      faults[#faults + 1] = { error = fault.error, fault = fault, delay = delay, change = change }
    end,
  }, opts)
  local result, err = oracle.get(url, version or NOTHING, options)
  return { result = result, err = err, faults = faults }
end

--- The download succeeds.
function trial.succeeds(url, version, opts)
  local outcome = trial.run(url, version, opts)
  assert.is_nil(outcome.err)
  return outcome
end

--- The download fails with this kind of error.
function trial.fails(url, kind, opts)
  local outcome = trial.run(url, nil, opts)
  assert.equal(kind, outcome.err.kind, tostring(outcome.err))
  return outcome
end

--- Something was tried again, and each time it was for this kind of error.
function trial.faults_are(outcome, kind)
  assert.is_true(#outcome.faults > 0, "nothing was tried again")
  for _, entry in ipairs(outcome.faults) do
    assert.equal(kind, entry.error.kind, tostring(entry.error))
  end
end

return trial
