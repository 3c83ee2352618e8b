--- Policies: the tables in which scripts say what they decide, and the observers that look on.
-- SPDX-License-Identifier: MIT
--
-- A decision is a value or a function that may wait; nil is no opinion, false is no. Every function
-- gets the download's context as its last argument. Settings are declared with their defaults and
-- keep their types; the script reads them from its own table.

local hostname = require("luadl.hostname")
local nearest = require("luadl.options.nearest")
local options = require("luadl.options")
local retry = require("luadl.retry")
local types = require("luadl.options.types")

local policy = {}

--- What a script decides, and what it looks at.
---@class luadl.policy
---@field label string|nil names the script in errors, its settings and its store
---@field hosts string[]|nil whom it may have asked, as "example.org" or "*.example.org"; nil: all
---@field settings table<string, string|number|boolean>|nil
---@field resolve boolean|string|table|luadl.policy.resolve|nil
---@field request luadl.attempt.changes|luadl.policy.request|nil
---@field name string|luadl.policy.name|nil
---@field exists "fail"|"rename"|"replace"|"skip"|luadl.policy.exists|nil
---@field accept luadl.policy.accepted|luadl.policy.accept|nil
---@field retry integer|luadl.policy.retry|nil further tries without progress
---@field renew string|luadl.policy.renew|nil
---@field changed "restart"|"fail"|luadl.policy.changed|nil
---@field mirror string[]|luadl.policy.mirror|nil
---@field verify string|luadl.policy.verify|nil text: a checksum
---@field on_start luadl.observer.start|nil
---@field on_progress luadl.observer.progress|nil
---@field on_retry luadl.observer.retry|nil
---@field on_done luadl.observer.done|nil
---@field on_error luadl.observer.error|nil
---@field on_trace luadl.observer.trace|nil

-- What may stand in a function's place is as in the schema of the options.
local DECISIONS = {
  "resolve", "request", "name", "exists", "accept", "retry", "renew", "changed", "mirror", "verify",
}
local OBSERVERS = { "on_start", "on_progress", "on_retry", "on_done", "on_error", "on_trace" }

local FIELDS = {
  { name = "label", type = "string" },
  { name = "hosts", type = "list" },
  { name = "settings", type = "settings" },
}
local NAMES = {}

for _, names in ipairs({ DECISIONS, OBSERVERS }) do
  for _, name in ipairs(names) do
    FIELDS[#FIELDS + 1], NAMES[#NAMES + 1] = options.get(name), name
  end
end

--- The names of all decisions and observers.
---@return string[]
function policy.names()
  return NAMES
end

--- A checked copy; only `settings` stays the script's own table, which `policy.set` changes.
---@param given any
---@return luadl.policy|nil
---@return string|nil message what is wrong with it
function policy.read(given)
  if type(given) ~= "table" then return nil, "expected a policy table, got a " .. type(given) end
  local copy, message = types.read_fields(FIELDS, given, "policy")
  if not copy then
    local label = rawget(given, "label")
    return nil, label and ("%s: %s"):format(tostring(label), message) or message
  end
  if type(copy.retry) == "number" then copy.retry = retry.backoff({ tries = copy.retry }) end
  return copy
end

-- Settings

local function as_boolean(text)
  if text == "true" or text == "yes" or text == "1" then return true end
  if text == "false" or text == "no" or text == "0" then return false end
  return nil
end

local READERS = {
  string = function(text) return text end,
  number = tonumber,
  boolean = as_boolean,
}

local function unknown(script, name)
  local names = {}
  for known in next, script.settings or {} do names[#names + 1] = known end
  local meant = nearest.word(name, names)
  return ("%s has no setting '%s'%s"):format(script.label or "the script", name,
    meant and (": did you mean '%s'?"):format(meant) or "")
end

--- Whether the script declares this setting.
---@param script luadl.policy
---@param name string
---@return boolean
function policy.has_setting(script, name)
  return script.settings ~= nil and rawget(script.settings, name) ~= nil
end

--- Gives a setting another value, which is text or of the default's type.
---@param script luadl.policy
---@param name string
---@param value string|number|boolean
---@return boolean|nil
---@return string|nil message
function policy.set(script, name, value)
  if not policy.has_setting(script, name) then return nil, unknown(script, name) end
  local kind = type(rawget(script.settings, name))
  if type(value) == "string" then value = READERS[kind](value) end
  if type(value) ~= kind then
    return nil, ("the setting '%s' is a %s"):format(name, kind)
  end
  rawset(script.settings, name, value)
  return true
end

-- Hosts

--- Whether the script may have this URL asked: its host is declared, or that of `asked`, a URL that
--- somebody else has named.
---@param script luadl.policy
---@param url string
---@param asked string|nil
---@return boolean
function policy.may_ask(script, url, asked)
  if not script.hosts then return true end
  local host = hostname.of(url)
  if not host then return false end
  if asked and host == hostname.of(asked) then return true end
  for _, pattern in ipairs(script.hosts) do
    if hostname.matches(host, pattern) then return true end
  end
  return false
end

return policy
