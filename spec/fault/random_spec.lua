-- Random composition: whatever a server does to each of its answers, a result is a whole version.
-- SPDX-License-Identifier: MIT
--
-- LUADL_SEEDS=1000 runs more seeds than the usual ones, LUADL_SEED=n that one alone.

local helper = require("spec.support.helper")
local oracle = require("spec.support.oracle")
local plans = require("spec.support.plans")
local server = require("spec.support.server")

local SEEDS = tonumber(os.getenv("LUADL_SEEDS")) or 40
local SINGLE = tonumber(os.getenv("LUADL_SEED"))

local function print_log(requests)
  for _, request in ipairs(requests) do
    print(("%7.3f %s -> %s %s, %d bytes, %s"):format(request.time,
      request:header("range") or "whole", request.status or "nothing",
      request.fault or "right", request.sent, request.ended or "open"))
  end
end

describe("random faults", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function download(seed)
    local plan = plans.make(seed)
    local url = origin:serve("/random/" .. seed, function(connection, request, parameters, state)
      return require("spec.support.chaos").serve(connection, request, parameters, state)
    end, plan)
    local ok, result, err = pcall(oracle.get, url, plan.versions, {
      connections = plan.connections,
      retry = oracle.quick({ tries = 8, base = 0.002, max = 0.02 }),
      expect = { content_type = "application/octet-stream" },
      timeout = 2,
      deadline = 15,
    })
    if ok and err and err.kind == "deadline" then
      ok, result = false, "it hangs: " .. tostring(err)
    end
    if not ok then
      if SINGLE then print_log(origin:requests("/random/" .. seed)) end
      error(("LUADL_SEED=%d: %s\n%s"):format(seed, tostring(result), plans.describe(plan)), 0)
    end
    origin:requests("/random/" .. seed) -- raises what went wrong in the behaviour itself
    return result, err
  end

  if SINGLE then
    it(("seed %d is judged right"):format(SINGLE), function()
      local result, err = download(SINGLE)
      print(result and "a result" or tostring(err))
    end)
    return
  end

  local succeeded, failed = 0, 0

  for seed = 1, SEEDS do
    it(("seed %d: the file is a whole version, or there is none"):format(seed), function()
      local result = download(seed)
      if result then succeeded = succeeded + 1 else failed = failed + 1 end
    end)
  end

  it("end well more often than not, and not always", function()
    assert.is_true(succeeded > failed and failed > 0, succeeded .. " and " .. failed)
  end)
end)
