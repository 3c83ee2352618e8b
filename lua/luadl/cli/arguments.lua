--- The command line: words in, a request out.
-- SPDX-License-Identifier: MIT

local argparse = require("argparse")
local errors = require("luadl.errors")
local foreign = require("luadl.cli.foreign")
local options = require("luadl.options")

local arguments = {}

local REPEATED = { list = true, headers = true }

local function add_flag(parser, option)
  if option.off then parser:flag(option.off.flag):target(option.name):action("store_false") end
  if option.type == "boolean" then
    parser:flag(option.flag):target(option.name)
    return
  end
  local added = parser:option(option.flag):target(option.name):args(1)
  if REPEATED[option.type] then added:count("*") end
end

local function new_parser()
  local parser = argparse("luadl"):add_help(false)
  parser:argument("urls"):args("*")
  for _, option in options.each() do
    if option.flag then add_flag(parser, option) end
  end
  return parser
end

-- One line, and the word that this user was looking for if it has another name here.
local function explain(message, argv)
  local word = message:match("^unknown option '(.-)'")
  local typed, advice = nil, nil
  if word then typed, advice = foreign.advice(word, argv) end
  if typed then return ("unknown option '%s': %s"):format(typed, advice) end
  if word and #word == 2 then return ("unknown option '%s'"):format(word) end
  return (message:gsub("\nDid", ": did"))
end

local function typed_flag(option, raw)
  local typed = raw == false and option.off.flag or option.flag
  return typed:match("%-%-[%w-]+")
end

local function read_value(request, option, raw)
  local value, message = options.parse(option.name, raw)
  if value == nil then
    return nil, ("option '%s': %s"):format(typed_flag(option), message)
  end
  if option.scope == "command" then
    request.command[option.name] = value
  elseif option.each then
    request.each[option.name] = value
  else
    request.options[option.name] = value
  end
  return true
end

local function is_given(raw)
  return raw ~= nil and not (type(raw) == "table" and #raw == 0)
end

-- Also returns what was typed, by long flag.
local function read_values(request, parsed)
  local typed = {}
  for _, option in options.each() do
    local raw = parsed[option.name]
    if option.flag and is_given(raw) then
      local ok, message = read_value(request, option, raw)
      if not ok then return nil, message end
      typed[typed_flag(option, raw)] = true
    end
  end
  return typed
end

local CONTRADICTIONS = {
  { "--quiet", "--verbose" },
  { "--resume", "--output" },
  { "--resume", "--dir" },
  { "--resume", "--info" },
  { "--adopt", "--restart" },
  { "--adopt", "--no-resume" },
  { "--range", "--resume" },
  { "--range", "--adopt" },
  { "--range", "--info" },
}

local NEEDS_SCRIPT = { "--set", "--sandbox" }

local function check_typed(typed)
  for _, flag in ipairs(NEEDS_SCRIPT) do
    if typed[flag] and not typed["--script"] then
      return nil, ("option '%s' is for scripts: name one with -s"):format(flag)
    end
  end
  for _, pair in ipairs(CONTRADICTIONS) do
    if typed[pair[1]] and typed[pair[2]] then
      return nil, ("choose one of '%s' and '%s'"):format(pair[1], pair[2])
    end
  end
  return true
end

local function without_user(word)
  if word:find("://", 1, true) then return errors.redact_url(word) end
  return errors.redact_url("x://" .. word):sub(#"x://" + 1)
end

local function check_url(word)
  if word == "" then return nil, "a URL is empty" end
  local scheme, host = word:match("^(%a[%w+.-]*)://([^/?#]*)")
  word = without_user(word)
  if word:find("%c") then return nil, ("'%s' has control characters"):format(word) end
  if not scheme then
    local advice = foreign.bare(word) or ("did you mean 'https://%s'?"):format(word)
    return nil, ("'%s' is not a URL: %s"):format(word, advice)
  end
  scheme = scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then
    return nil, ("'%s' is neither an http nor an https URL"):format(word)
  end
  if host == "" then return nil, ("'%s' names no host"):format(word) end
  return true
end

-- What is continued has a URL already.
local function check_count(count, continued)
  if continued and count > 1 then
    return nil, "option '--resume' continues one file: name one URL at most"
  end
  if continued or count > 0 then return true end
  return nil, "no URL given; usage: luadl [options] URL..."
end

-- A script may know what it stands for.
local function check_word(word)
  if word == "" then return nil, "a URL is empty" end
  if word:find("%c") then return nil, "a URL has control characters" end
  return true
end

local function check_urls(request, continued)
  local right, wrong = check_count(#request.urls, continued)
  if not right then return nil, wrong end
  for _, url in ipairs(request.urls) do
    local ok, message = (request.command.scripts and check_word or check_url)(url)
    if not ok then return nil, message end
  end
  return true
end

local function check_output(request)
  local output = request.each.output
  if not output then return true end
  if output == "-" then
    return nil, "option '--output': luadl can't write to standard output yet"
  end
  if #request.urls > 1 then
    return nil, "option '--output' names one file, but there are several URLs: use -d DIR (--dir)"
  end
  return true
end

local function check_checksum(request)
  if not request.each.checksum or #request.urls <= 1 then return true end
  return nil, "option '--checksum' is of one file, but there are several URLs"
end

-- As curl and aria2 do it: -d says where, -o says what. "out/" is a folder (F9).
local function join_output(request)
  local output, dir = request.each.output, request.options.dir
  if not output then return end
  if dir and output:sub(1, 1) ~= "/" then output = dir:gsub("/*$", "/") .. output end
  local folder = output:match("^(.*/)$")
  request.each.output = not folder and output or nil
  request.options.dir = folder or dir
end

local function check(request, typed)
  for _, step in ipairs({
    function() return check_urls(request, typed["--resume"]) end,
    function() return check_output(request) end,
    function() return check_checksum(request) end,
    function() return check_typed(typed) end,
  }) do
    local ok, message = step()
    if not ok then return nil, message end
  end
  return request
end

-- What is pasted often brings blanks along.
local function trimmed(words)
  local list = {}
  for index, word in ipairs(words) do list[index] = word:match("^%s*(.-)%s*$") end
  return list
end

--- Reads the command line.
---@param argv string[]
---@return { urls: string[], command: table, options: table, each: table }|nil request `command`
--- has its own options with their defaults, `options` the session's as given, `each` a download's
---@return string|nil message one line, what is wrong
function arguments.parse(argv)
  local ok, parsed = new_parser():pparse(argv)
  if not ok then return nil, explain(parsed, argv) end
  local request = { urls = trimmed(parsed.urls), command = {}, options = {}, each = {} }
  local typed, message = read_values(request, parsed)
  if not typed then return nil, message end
  request.command = options.check(request.command, "command")
  if request.command.help or request.command.version then return request end
  join_output(request)
  return check(request, typed)
end

return arguments
