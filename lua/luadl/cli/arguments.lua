--- The command line: words in, a request out.
-- SPDX-License-Identifier: MIT

local argparse = require("argparse")
local attached = require("luadl.cli.attached")
local checks = require("luadl.cli.checks")
local foreign = require("luadl.cli.foreign")
local options = require("luadl.options")
local taken = require("luadl.cli.foreign.taken")
local template = require("luadl.template")

local arguments = {}

local REPEATED = { list = true, texts = true, headers = true, host_headers = true }

local function add_flag(parser, option, flag)
  if flag.arg then
    local added = parser:option(flag.flag):target(option.name):args(1)
    if REPEATED[option.type] or option.joined or option.paired then added:count("*") end
    return
  end
  parser:flag(flag.flag):target(option.name)
    :action(function(parsed, name) parsed[name] = flag.value end)
end

local function new_parser()
  local parser = argparse("luadl"):add_help(false)
  parser:argument("urls"):args("*")
  for _, option in options.each() do
    for _, flag in ipairs(options.flags(option)) do add_flag(parser, option, flag) end
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
  local bare = message:match("^option '(.-)' requires an argument$")
  local wanted = bare and foreign.missing(bare)
  if wanted then return ("%s: %s"):format(message, wanted) end
  return (message:gsub("\nDid", ": did"))
end

local function typed_flag(option, raw)
  local flags = options.flags(option)
  for _, flag in ipairs(flags) do
    if flag.value == raw then return flag.long end
  end
  return flags[1].long
end

local function read_value(request, option, raw, argv)
  if option.paired then raw = raw[#raw] end
  request.written[option.name] = raw
  local value, message = raw, foreign.value(option.name, raw, argv)
  if message then return nil, ("option '%s': %s"):format(typed_flag(option), message) end
  if option.file then value, message = attached.read(option.file, raw) end
  if option.joined and value then value = table.concat(value, option.joined) end
  if value ~= nil then value, message = options.parse(option.name, value) end
  if value == nil then
    return nil, ("option '%s': %s"):format(typed_flag(option), message)
  end
  if option.scope == "command" or option.scope == "batch" then
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
local function read_values(request, parsed, argv)
  local typed = {}
  for _, option in options.each() do
    local raw = parsed[option.name]
    if is_given(raw) and options.flags(option)[1] then
      local ok, message = read_value(request, option, raw, argv)
      if not ok then return nil, message end
      typed[typed_flag(option, raw)] = true
    end
  end
  return typed
end

-- As curl and aria2 do it: -d says where, -o says what. "out/" is a folder (F9).
local function join_output(output, dir)
  if dir and output:sub(1, 1) ~= "/" then output = dir:gsub("/*$", "/") .. output end
  local folder = output:match("^(.*/)$")
  return { output = not folder and output or nil, dir = folder or "." }
end

-- Where a file goes by what was typed. With fields in it, it is a template; "{host}/" leaves the
-- file its name, and so does "#1/" with --glob.
local function read_output(output, dir, has_parts)
  if output == "-" then return { output = output } end
  local is_template = template.is(output) or (has_parts and output:find("#%d.*/$"))
  if not is_template then return join_output(output, dir) end
  if output:sub(-1) == "/" then output = output .. "{name}{ext}" end
  local read, message = options.parse("template", output)
  return read and { template = read }, message
end

local function take_output(request)
  if not request.each.output then return true end
  local place, message =
    read_output(request.each.output, request.options.dir, request.command.glob)
  if not place then return nil, "option '--output': " .. message end
  request.each.output, request.each.template = place.output, place.template
  if place.dir and not place.output then request.options.dir = place.dir end
  return true
end

local function all_alike(list)
  for _, item in ipairs(list) do
    if item ~= list[1] then return false end
  end
  return true
end

-- As curl has it: "-o a URL -o b URL", each for the URL in its place.
local function pair_outputs(request, names)
  if #names < 2 or all_alike(names) then return true end
  request.each.output, request.outputs = nil, {}
  for index, name in ipairs(names) do
    local read, message = options.parse("output", name)
    if read then read, message = read_output(name, request.options.dir) end
    if not read then return nil, "option '--output': " .. message end
    read.make_dirs = read.output == nil and read.template == nil or nil
    request.outputs[index] = read
  end
  return true
end

-- As curl does it: what is sent without a word about its type is a form.
local function type_body(request)
  if not request.each.body then return end
  local fields = request.options.headers or {}
  for _, field in ipairs(fields) do
    if field[1]:lower() == "content-type" then return end
  end
  fields[#fields + 1] = { "Content-Type", "application/x-www-form-urlencoded" }
  request.options.headers = fields
end

-- What is pasted often brings blanks along.
local function trimmed(words)
  local list = {}
  for index, word in ipairs(words) do list[index] = word:match("^%s*(.-)%s*$") end
  return list
end

--- Reads the command line.
---@param argv string[]
---@param configure (fun(request: table, is_free: fun(option: table): boolean): boolean|nil,
--- string|nil)|nil adds what a configuration says, where what was typed isn't against it
---@return { urls: string[], command: table, options: table, each: table }|nil request `command`
--- has its own options with their defaults, `options` the session's as given, `each` a download's
---@return string|nil message one line, what is wrong
---@param is_partial boolean|nil it need not name what to download
function arguments.parse(argv, configure, is_partial)
  local ok, parsed = new_parser():pparse(taken.rewrite(argv))
  if not ok then return nil, explain(parsed, argv) end
  local request = {
    urls = trimmed(parsed.urls), command = {}, options = {}, each = {}, written = {},
  }
  local typed, message = read_values(request, parsed, argv)
  if not typed then return nil, message end
  if configure and (is_partial or not (parsed.help or parsed.version)) then
    ok, message = configure(request, function(option) return checks.is_free(option, typed) end)
    if not ok then return nil, message end
  end
  request.command = options.check(request.command, "command")
  if request.command.help or request.command.version or is_partial then return request end
  ok, message = pair_outputs(request, parsed.output)
  if ok then ok, message = take_output(request) end
  if not ok then return nil, message end
  type_body(request)
  ok, message = checks.all(request, typed, argv)
  if not ok then return nil, message end
  return request
end

return arguments
