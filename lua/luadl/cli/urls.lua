--- Words of a command line or a list that have to be URLs, and what is said of those that aren't.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local foreign = require("luadl.cli.foreign")
local scheme = require("luadl.scheme")

local urls = {}

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
  if not scheme.of(word) then
    local advice = foreign.bare(shown, argv) or ("did you mean 'https://%s'?"):format(shown)
    return nil, ("'%s' is not a URL: %s"):format(shown, advice)
  end
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
