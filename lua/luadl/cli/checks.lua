--- Whether what a command line says belongs together: flags and URLs, one file or several.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local options = require("luadl.options")
local urls = require("luadl.cli.urls")

local checks = {}

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
  { "--user", "--bearer" },
  { "--progress", "--quiet" },
  { "--progress", "--info" },
  { "--report", "--info" },
  { "--write-out", "--info" },
  { "--archive", "--info" },
  { "--journal", "--info" },
  { "--shard", "--info" },
}

local OF_A_GET = { "--resume", "--adopt", "--range", "--info" }

-- Only what a GET brings has parts, and changes nothing.
local function check_method(request, typed)
  local method = request.each.method or "GET"
  if method == "HEAD" then return nil, "option '--request': a HEAD brings no file: use --info" end
  local sent = request.each.body and "--data" or method ~= "GET" and "--request"
  for _, flag in ipairs(sent and OF_A_GET or {}) do
    if typed[flag] then return nil, ("choose one of '%s' and '%s'"):format(sent, flag) end
  end
  return true
end

--- Whether what was typed leaves room for a configured option.
---@param option table an entry of the schema
---@param typed table<string, true> by long flag
---@return boolean
function checks.is_free(option, typed)
  for _, flag in ipairs(options.flags(option)) do
    if typed[flag.long] then return false end
    for _, pair in ipairs(CONTRADICTIONS) do
      local other = pair[1] == flag.long and pair[2] or pair[2] == flag.long and pair[1]
      if typed[other] then return false end
    end
  end
  return true
end

local NEEDS_SCRIPT = { "--set", "--sandbox" }

local function check_typed(_, typed)
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
local function choose_form(command, typed, output)
  local is_other = not BESIDE_JSON[command.progress or "none"]
  local is_taken = typed["--write-out"] or output == "-" or typed["--progress"] and is_other
  if not typed["--json"] and is_taken then
    command.json = false
  elseif typed["--json"] then
    command.write_out = typed["--write-out"] and command.write_out or nil
    if is_other and not typed["--progress"] then command.progress = nil end
  end
end

-- Standard output has one form.
local function check_json(request, typed)
  local command = request.command
  choose_form(command, typed, request.each.output)
  if not command.json then return true end
  local other = command.write_out and "--write-out" or request.each.output == "-" and "--output -"
    or command.progress and not BESIDE_JSON[command.progress] and "--progress " .. command.progress
  if not other then return true end
  return nil, ("choose one of '--json' and '%s'; '--progress json' is JSON on standard error")
    :format(other)
end

-- A script may know what a word stands for.
local function check_urls(request, _, argv)
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
      return options.flags(option)[1].long, errors.redact_url(raw)
    end
  end
  return nil
end

-- Braces and brackets may stand for several.
local function has_pattern(request)
  return request.command.glob and table.concat(request.urls):find("[{%[]") ~= nil
end

-- What is continued has a URL already.
local function check_count(request, typed)
  local command, continued = request.command, typed["--resume"]
  local count = #request.urls + #(command.curl or {})
  request.is_one = math.max(count, continued and 1 or 0) == 1
    and not has_pattern(request) and not command.input_file
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

local SEVERAL = "option '--output' names one file, but there are several URLs: give each its -o,"
  .. " or use -d DIR (--dir), fields like '{name}{ext}', or a list (-i) with an 'out=' for each"

-- Of a file on the disk, or of several at once.
local NOT_ON_STDOUT = {
  "--dir", "--category", "--exists", "--trust-redirect-name", "--resume", "--resume-check",
  "--restart", "--adopt", "--conditional", "--timestamps", "--info", "--input-file", "--archive",
  "--journal", "--shard", "--jobs", "--per-host", "--keep-going",
}

local PAIRED = "option '--output' is given %d times, for %s: one is for each URL"

-- Nothing else may bring a URL: which name would be whose?
local function check_pairs(request)
  local command, names = request.command, request.outputs
  local others = command.glob and "--glob" or command.curl and "--curl"
    or command.input_file and "--input-file"
  if others then return nil, ("choose one of several '--output' and '%s'"):format(others) end
  for _, name in ipairs(names) do
    if name.output == "-" then return nil, "option '--output': '-' is for all URLs, or for none" end
  end
  if #names == #request.urls then return true end
  local urls_given = #request.urls == 1 and "one URL" or #request.urls .. " URLs"
  return nil, PAIRED:format(#names, urls_given)
end

local function check_output(request, typed)
  if request.outputs then return check_pairs(request) end
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

local NO_CERT = "option '--key' belongs to a certificate: name it with --cert; alone it is for sftp"

-- Whether every URL is known, and none that a key alone is for.
local function is_without_sftp(request)
  local command = request.command
  if command.input_file or command.curl or command.scripts then return false end
  for _, url in ipairs(request.urls) do
    if url:lower():find("^sftp:") then return false end
  end
  return request.urls[1] ~= nil
end

-- Nobody would be shown it.
local function check_key(request, typed)
  local alone = typed["--key"] and not request.options.cert and not request.options.host
  if alone and is_without_sftp(request) then return nil, NO_CERT end
  return true
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

local ALL = {
  check_count, check_urls, check_output, check_single, check_typed, check_method, check_key,
  check_json, check_stdin,
}

--- Looks at all of it.
---@param request table as luadl.cli.arguments has read it; gets `is_one` and `check_url`
---@param typed table<string, true> what was typed, by long flag
---@param argv string[]
---@return true|nil
---@return string|nil message one line, what is wrong
function checks.all(request, typed, argv)
  for _, check in ipairs(ALL) do
    local ok, message = check(request, typed, argv)
    if not ok then return nil, message end
  end
  return true
end

return checks
