--- The command line: words in, a request out.
-- SPDX-License-Identifier: MIT

local argparse = require("argparse")
local attached = require("luadl.cli.attached")
local errors = require("luadl.errors")
local foreign = require("luadl.cli.foreign")
local options = require("luadl.options")
local taken = require("luadl.cli.foreign.taken")
local template = require("luadl.template")
local urls = require("luadl.cli.urls")

local arguments = {}

local REPEATED = { list = true, texts = true, headers = true, host_headers = true }

local function add_flag(parser, option, flag)
  if flag.arg then
    local added = parser:option(flag.flag):target(option.name):args(1)
    if REPEATED[option.type] or option.joined then added:count("*") end
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
    if flag.value == raw then return flag.flag:match("%-%-[%w-]+") end
  end
  return flags[1].flag:match("%-%-[%w-]+")
end

local function read_value(request, option, raw, argv)
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

local CONTRADICTIONS = {
  { "--quiet", "--verbose" },
  { "--resume", "--output" },
  { "--resume", "--dir" },
  { "--resume", "--info" },
  { "--exists", "--conditional" },
  { "--exists", "--timestamps" },
  { "--adopt", "--restart" },
  { "--adopt", "--no-resume" },
  { "--range", "--resume" },
  { "--range", "--adopt" },
  { "--range", "--info" },
  { "--data", "--info" },
  { "--user", "--bearer" },
  { "--progress", "--quiet" },
  { "--progress", "--info" },
  { "--report", "--info" },
  { "--write-out", "--info" },
}

local NOT_OF_AN_ANSWER = { "--resume", "--adopt", "--range" }

-- Only what a GET brings has parts.
local function check_method(request, typed)
  local method = request.each.method or "GET"
  if method == "HEAD" then return nil, "option '--request': a HEAD brings no file: use --info" end
  local sent = request.each.body and "--data" or method ~= "GET" and "--request"
  for _, flag in ipairs(sent and NOT_OF_AN_ANSWER or {}) do
    if typed[flag] then return nil, ("choose one of '%s' and '%s'"):format(sent, flag) end
  end
  return true
end

local function rules_out(typed, option)
  for _, flag in ipairs(options.flags(option)) do
    local long = flag.flag:match("%-%-[%w-]+")
    if typed[long] then return true end
    for _, pair in ipairs(CONTRADICTIONS) do
      local other = pair[1] == long and pair[2] or pair[2] == long and pair[1]
      if typed[other] then return true end
    end
  end
  return false
end

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

local BESIDE_JSON = { json = true, none = true }

-- What is configured gives way to what was typed.
local function choose_form(command, typed)
  local is_other = not BESIDE_JSON[command.progress or "none"]
  if not typed["--json"] and (typed["--write-out"] or typed["--progress"] and is_other) then
    command.json = false
  elseif typed["--json"] then
    command.write_out = typed["--write-out"] and command.write_out or nil
    if is_other and not typed["--progress"] then command.progress = nil end
  end
end

-- Standard output has one form.
local function check_json(request, typed)
  local command = request.command
  choose_form(command, typed)
  if not command.json then return true end
  local other = command.write_out and "--write-out" or request.each.output == "-" and "--output -"
    or command.progress and not BESIDE_JSON[command.progress] and "--progress " .. command.progress
  if not other then return true end
  return nil, ("choose one of '--json' and '%s'; '--progress json' is JSON on standard error")
    :format(other)
end

-- A script may know what a word stands for.
local function check_urls(request, argv)
  request.check_url = request.command.scripts and urls.check_word or urls.check
  if request.command.glob then return true end -- what the patterns stand for is looked at then
  for _, url in ipairs(request.urls) do
    local ok, message = request.check_url(url, argv)
    if not ok then return nil, message end
  end
  return true
end

-- The option that has swallowed the URL, of which another tool has one without an argument.
local function find_url(request)
  for _, option in options.each() do
    local raw = request.written[option.name]
    if type(raw) == "string" and raw:find("^%a[%w+.-]*://") and not option.secret then
      return typed_flag(option, raw), errors.redact_url(raw)
    end
  end
  return nil
end

-- What is continued has a URL already.
local function check_count(request, continued)
  local command = request.command
  local count = #request.urls + #(command.curl or {})
  request.is_one = math.max(count, continued and 1 or 0) == 1
    and not command.glob and not command.input_file
  if continued and not request.is_one then
    return nil, "option '--resume' continues one file: name one URL at most"
  end
  if continued or count > 0 or command.input_file then return true end
  local option, taken_url = find_url(request)
  if option then
    return nil, ("no URL given: '%s' is the value of '%s'"):format(taken_url, option)
  end
  local hint = command.verbose and "--version tells the version" or "usage: luadl [options] URL..."
  return nil, "no URL given; " .. hint
end

local SEVERAL = "option '--output' names one file, but there are several URLs: use -d DIR (--dir),"
  .. " fields like '{name}{ext}', or a list (-i) with an 'out=' for each"

-- Of a file on the disk, or of several at once.
local NOT_ON_STDOUT = {
  "--dir", "--category", "--exists", "--trust-redirect-name", "--resume", "--resume-check",
  "--restart", "--adopt", "--conditional", "--timestamps", "--info", "--input-file", "--archive",
  "--journal", "--shard", "--jobs", "--per-host", "--keep-going",
}

local function check_output(request, typed)
  local output = request.each.output
  if typed["--ahead"] and output ~= "-" then
    return nil, "option '--ahead' is for what is read in order: write to standard output with -o -"
  end
  for _, flag in ipairs(output == "-" and NOT_ON_STDOUT or {}) do
    if typed[flag] then return nil, ("choose one of '%s' and '--output -'"):format(flag) end
  end
  if not output or output == "-" then return true end
  local has_parts = request.command.glob and output:find("#%d")
  if request.is_one or has_parts then return true end
  return nil, SEVERAL
end

local function check_single(request)
  local renew = type(request.options.renew) == "string" -- a configured policy is of all
  local flag = request.each.checksum and "--checksum" or renew and "--renew"
  if not flag or request.is_one then return true end
  return nil, ("option '%s' is of one file, but there are several URLs"):format(flag)
end

-- With fields in it, it is a template; "{host}/" leaves the file its name.
local function take_template(request)
  local output = request.each.output
  if not output or not template.is(output) then return true end
  if output:sub(-1) == "/" then output = output .. "{name}{ext}" end
  local read, message = options.parse("template", output)
  if not read then return nil, "option '--output': " .. message end
  request.each.template, request.each.output = read, nil
  return true
end

-- As curl and aria2 do it: -d says where, -o says what. "out/" is a folder (F9).
local function join_output(request)
  local output, dir = request.each.output, request.options.dir
  if not output or output == "-" then return end
  if dir and output:sub(1, 1) ~= "/" then output = dir:gsub("/*$", "/") .. output end
  local folder = output:match("^(.*/)$")
  request.each.output = not folder and output or nil
  request.options.dir = folder or dir
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

local function count_of(word, raw)
  local count = 0
  for _, each in ipairs(type(raw) == "table" and raw or { raw }) do
    if each == word then count = count + 1 end
  end
  return count
end

-- Who comes second would find nothing there, and say nothing.
local function check_stdin(request)
  local count = count_of("-", request.written.input_file)
  for _, option in options.each() do
    if option.file then count = count + count_of("@-", request.written[option.name]) end
  end
  if count < 2 then return true end
  return nil, "standard input can be read once: '-i -' and '@-' stand for all of it"
end

local function check(request, typed, argv)
  for _, step in ipairs({
    function() return check_count(request, typed["--resume"]) end,
    function() return check_urls(request, argv) end,
    function() return check_output(request, typed) end,
    function() return check_single(request) end,
    function() return check_typed(typed) end,
    function() return check_method(request, typed) end,
    function() return check_json(request, typed) end,
    function() return check_stdin(request) end,
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
    ok, message = configure(request, function(option) return not rules_out(typed, option) end)
    if not ok then return nil, message end
  end
  request.command = options.check(request.command, "command")
  if request.command.help or request.command.version or is_partial then return request end
  local named, wrong = take_template(request)
  if not named then return nil, wrong end
  join_output(request)
  type_body(request)
  return check(request, typed, argv)
end

return arguments
