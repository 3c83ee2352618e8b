--- The cookies of a session in a cookies.txt: there from the beginning, written at the end.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local cookies = {}

local NO_COOKIES = "%s: no cookies in Netscape's format (first in line %d)"
local BROKEN = "%s: %d lines are no cookies, the first is line %d"

local function explain(what, err)
  local message = ("cannot %s the cookies: %s"):format(what, err.message)
  return errors.new(err.kind, message, { path = err.path, errno = err.errno })
end

--- Fills the engine's jar.
---@param engine luadl.engine
---@param path string
---@return boolean|nil
---@return luadl.error|string|nil err, or what is worth telling
function cookies.load(engine, path)
  local found, err = engine:load_cookies(path)
  if not found then return nil, explain("read", err) end
  if found.broken == 0 then return true end
  if found.read == 0 then
    return nil, errors.new("usage", NO_COOKIES:format(path, found.line), { path = path })
  end
  return true, BROKEN:format(path, found.broken, found.line)
end

--- Writes what is in the jar, for its owner alone.
---@param engine luadl.engine
---@param path string
---@return boolean|nil
---@return luadl.error|nil
function cookies.save(engine, path)
  local ok, err = engine:save_cookies(path)
  if not ok then return nil, explain("write", err) end
  return true
end

return cookies
