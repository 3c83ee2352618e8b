--- Words of a command line or a list that have to be URLs, and what is said of those that aren't.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local foreign = require("luadl.cli.foreign")
local scheme = require("luadl.scheme")

local urls = {}

-- "http:/host" lacks a slash, "host/file" a scheme; of "-x" and "./file" nobody knows.
local function meant(word)
  local whole = word:gsub("^(%a+):/*", "%1://", 1)
  if scheme.of(whole) and scheme.check(whole) then return whole end
  return word:find("^[%w%[]") and "https://" .. word or nil
end

local function explain(shown, argv)
  local instead = meant(shown)
  local advice = foreign.bare(shown, argv) or instead and ("did you mean '%s'?"):format(instead)
  return ("'%s' is not a URL%s"):format(shown, advice and ": " .. advice or "")
end

--- Whether this is a URL that luadl can ask.
---@param word string
---@param argv string[]|nil the command line that it stands in
---@return true|nil
---@return string|nil message
function urls.check(word, argv)
  if scheme.is_plain(word) then return true end
  if word == "" then return nil, "a URL is empty" end
  local shown = errors.redact_word(word)
  if shown:find("%c") then return nil, ("'%s' has control characters"):format(shown) end
  if not scheme.of(word) then return nil, explain(shown, argv) end
  local ok, message = scheme.check(word)
  if not ok then return nil, ("'%s' %s"):format(shown, message) end
  return true
end

--- The same where a script may know what the word stands for.
---@param word string
---@return true|nil
---@return string|nil message
function urls.check_word(word)
  if word == "" then return nil, "a URL is empty" end
  if word:find("%c") then return nil, "a URL has control characters" end
  return true
end

return urls
