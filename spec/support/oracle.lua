-- One download and its judgement: a result if and only if the file is right, byte for byte.
-- SPDX-License-Identifier: MIT
--
-- Also: with a result there is nothing but the file; after an error nothing, or a part with its
-- journal, which another run could go on with.

local lfs = require("lfs")
local luadl = require("luadl")
local merged = require("spec.support.merged")
local server = require("spec.support.server")
local helper = require("spec.support.helper")

local oracle = {}

local TIME_LIMIT = 20 -- seconds; what takes longer hangs
local WORTH_KEEPING = 2 ^ 20 -- bytes

--- Retries that don't keep a spec waiting.
function oracle.quick(opts)
  return luadl.retry.backoff(merged({ base = 0.01, max = 0.05 }, opts))
end

--- `download` options with which small files are split and faults are quick.
function oracle.options(opts)
  return merged({
    connections = 4,
    min_split = 65536,
    retry = oracle.quick(),
    deadline = TIME_LIMIT,
    connect_timeout = 3,
    timeout = 3,
  }, opts)
end

local function whole(version)
  return version.size > 0 and server.content(version.seed or 1, 0, version.size - 1) or ""
end

local function matching(bytes, versions)
  for index, version in ipairs(versions) do
    if #bytes == version.size and bytes == whole(version) then return index end
  end
  return nil
end

local function first_difference(bytes, expected)
  for index = 1, math.min(#bytes, #expected) do
    if bytes:byte(index) ~= expected:byte(index) then return index - 1 end
  end
  return math.min(#bytes, #expected)
end

local function describe(bytes, versions)
  local words = { #bytes .. " bytes" }
  for index, version in ipairs(versions) do
    words[#words + 1] = ("not version %d of %d bytes from offset %d"):format(index, version.size,
      first_difference(bytes, whole(version)))
  end
  return table.concat(words, ", ")
end

local function check_file(result, folder, versions)
  local bytes = helper.read(result.path) or error("the result names no file: " .. result.path, 0)
  local index = matching(bytes, versions)
  if not index then error("a wrong file: " .. describe(bytes, versions), 0) end
  if result.size ~= #bytes then error("the result says " .. result.size .. " bytes", 0) end
  local names = helper.entries(folder)
  if #names ~= 1 then error("beside the file: " .. table.concat(names, " "), 0) end
  return index
end

-- A part is only worth something with its journal, and only if it is large.
local function check_leftovers(folder, err)
  local names = helper.entries(folder)
  local pair = #names == 2 and names[1]:find("%.part$") and names[2] == names[1] .. ".lj"
  if names[1] and not pair then
    error(("after '%s' there is %s"):format(tostring(err), table.concat(names, " ")), 0)
  end
  if pair and lfs.attributes(folder .. "/" .. names[1], "size") <= WORTH_KEEPING then
    error(("after '%s' a small part is left"):format(tostring(err)), 0)
  end
end

--- Judges an outcome. `versions`: list of { seed (1), size }, of which the file must be one.
---@return integer|nil index of the version that came
function oracle.judge(result, err, folder, versions)
  if result then return check_file(result, folder, versions) end
  check_leftovers(folder, err)
  return nil
end

--- Downloads in a session of its own into a fresh folder, and judges the outcome.
---@param url string
---@param versions table one { seed, size } or a list of them
---@param opts? table
---@return table|nil result
---@return luadl.error|nil err
---@return integer|nil index
function oracle.get(url, versions, opts)
  if versions.size then versions = { versions } end
  local session = assert(luadl.session())
  local options = oracle.options(opts)
  options.url, options.dir = url, helper.tmpdir()
  local result, err = session:get(options)
  session:close()
  return result, err, oracle.judge(result, err, options.dir, versions)
end

return oracle
