--- The policies that `-s` names: loaded into the session, with the settings that `--set` gives.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local policy = require("luadl.policy")
local sandbox = require("luadl.sandbox")

local scripts = {}

local ROOM = 1024 * 1024 * 1024 -- bytes for all of the command, when a script isn't trusted

-- "name=value" for every script that has the setting, "label.name=value" for one.
local function apply(loaded, given)
  local name, value = given:match("^([^=]+)=(.*)$")
  if not name then return nil, ("option '--set': expected NAME=VALUE, got '%s'"):format(given) end
  local label, own = name:match("^(.+)%.([^.]+)$")
  local used, message = false, nil
  for _, script in ipairs(loaded) do
    local wanted = label and script.label == label and own or not label and name or nil
    if wanted and policy.has_setting(script, wanted) then
      used, message = policy.set(script, wanted, value)
      if not used then break end
    end
  end
  if used then return true end
  message = message or ("no script has a setting '%s'"):format(name)
  return nil, "option '--set': " .. message
end

--- Loads them all.
---@param session luadl.session
---@param sys table luadl.sys
---@param command { scripts: string[]?, set: string[]?, sandbox: boolean }
---@return boolean|nil
---@return luadl.error|nil
function scripts.load(session, sys, command)
  local loaded = {}
  if command.sandbox then
    sandbox.seal()
    sys.limit_memory(ROOM)
  end
  for index, path in ipairs(command.scripts or {}) do
    local script, err = session:load(path, { sandbox = command.sandbox })
    if not script then return nil, err end
    loaded[index] = script
  end
  for _, given in ipairs(command.set or {}) do
    local ok, message = apply(loaded, given)
    if not ok then return nil, errors.new("usage", message) end
  end
  return true
end

return scripts
