--- luadl: downloads that Lua decides.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local filename = require("luadl.filename")
local retry = require("luadl.retry")
local session = require("luadl.session")

local luadl = {
  version = core.version,
  session = session.new,
  filename = filename,
  retry = retry,
}

local shared

-- One session serves all plain calls: its connections are used again.
local function shared_session()
  if not shared or not shared.engine then shared = assert(session.new()) end
  return shared
end

--- Downloads one file; blocks, also outside any coroutine.
---@param url string
---@param opts table|nil as in luadl.options
---@return table|nil result { path, size, elapsed, url, length_verified, ... }
---@return luadl.error|nil
function luadl.get(url, opts)
  if opts ~= nil and type(opts) ~= "table" then
    error("options: expected a table, got a " .. type(opts), 2)
  end
  local request = {}
  for name, value in next, opts or {} do request[name] = value end
  request.url = url
  return shared_session():get(request)
end

--- Waits; other tasks of the shared session go on.
---@param seconds number
function luadl.sleep(seconds)
  shared_session().loop:sleep(seconds)
end

return luadl
