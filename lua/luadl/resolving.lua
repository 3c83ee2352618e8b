--- The policy `resolve`: one URL becomes none, one, or many requests with names and folders.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local errors = require("luadl.errors")
local folders = require("luadl.folders")
local options = require("luadl.options")
local requesting = require("luadl.requesting")
local target = require("luadl.target")

local resolving = {}

local rawlen = rawlen or function(list) return #list end -- Lua 5.1 asks no metamethod

local NOT_PASSED_ON = {
  url = true, output = true, resume = true, checksum = true, expect = true,
  known_etag = true,
}

local function describe(self)
  return { url = self.opts.url, dir = self.opts.dir, labels = self.opts.labels }
end

-- A folder below the download's own.
local function join_dir(self, dir)
  for part in dir:gmatch("[^/]+") do
    if part == ".." then return nil, ("the folder '%s' leads elsewhere"):format(dir) end
  end
  return target.join(self.opts.dir, dir)
end

-- What a script that isn't trusted may ask for.
local HARMLESS = {
  url = true, name = true, dir = true, headers = true, user = true, labels = true,
  checksum = true, expect = true, connections = true, max_size = true,
}

local function check_harmless(given)
  for name in next, given do
    if not HARMLESS[name] then return nil, ("the option '%s' is not for it"):format(name) end
  end
  if type(given.dir) == "string" and given.dir:sub(1, 1) == "/" then
    return nil, ("the folder '%s' leads elsewhere"):format(given.dir)
  end
  return true
end

local function read_request(self, script, given)
  if script and script.sandboxed then
    local harmless, message = check_harmless(given)
    if not harmless then return nil, message end
  end
  local asked = { resolve = false }
  for name, value in next, given do asked[name] = value end
  if type(asked.dir) == "string" then
    local message
    asked.dir, message = join_dir(self, asked.dir)
    if not asked.dir then return nil, message end
  end
  asking.check_host(self, script, asked.url)
  local inherited = options.all(requesting.options_at(self, asked.url, "download"))
  for name, value in pairs(inherited) do
    if asked[name] == nil and not NOT_PASSED_ON[name] then asked[name] = value end
  end
  return options.read(asked, "download")
end

-- A URL, a request, or a list of such.
local function as_list(answer)
  if type(answer) == "string" then return { { url = answer } } end
  if type(answer) ~= "table" then return nil end
  if rawget(answer, "url") ~= nil then return { answer } end
  local list = {}
  for index = 1, rawlen(answer) do
    local item = rawget(answer, index)
    list[index] = type(item) == "string" and { url = item } or item
  end
  return list
end

local function read_list(self, script, answer)
  local list = as_list(answer)
  if not list then asking.refuse(script, "the resolve policy must answer requests") end
  for index, item in ipairs(list) do
    local request, message = nil, "it is no table"
    if type(item) == "table" then request, message = read_request(self, script, item) end
    if not request then
      asking.refuse(script, ("the resolve policy's request %d: %s"):format(index, message))
    end
    list[index] = request
  end
  return list
end

local function make_dirs(self, list)
  local made = { [self.opts.dir] = true }
  for _, request in ipairs(list) do
    local ok, err = made[request.dir], nil
    if not ok then ok, err = folders.make(require("luadl.sys"), request.dir) end
    if not ok then return nil, err end
    made[request.dir] = true
  end
  return list
end

--- What a download's URL stands for.
---@param self luadl.download
---@return table[]|nil requests checked options, which aren't resolved again
---@return luadl.error|nil
function resolving.ask(self)
  local answer, _, script = asking.ask(self, "resolve", describe(self))
  if answer == nil or answer == true then
    self.opts.resolve = false
    return { self.opts }
  end
  if answer == false then
    return nil, errors.new("cancelled", "the resolve policy refused the URL", { url = self.url })
  end
  return make_dirs(self, read_list(self, script, answer))
end

return resolving
