--- What the command is to download, one after the other: what its arguments name, then its lists.
-- SPDX-License-Identifier: MIT
--
-- Each input is a function that answers a download's options; false and an error for a line that is
-- none; false alone when nothing has come yet; nil at its end. Nothing is read before.

local curlline = require("luadl.curlline")
local errors = require("luadl.errors")
local foreign = require("luadl.cli.foreign")
local glob = require("luadl.glob")
local list = require("luadl.list")
local pipe = require("luadl.cli.pipe")
local template = require("luadl.template")

local inputs = {}

local STDIN = "-"

-- Those of the command line, too, but for what the input has under the same name.
local function add_headers(opts, common)
  if not opts.headers or not common then return end
  local own = {}
  for _, header in ipairs(opts.headers) do own[header[1]:lower()] = true end
  for _, header in ipairs(common) do
    if not own[header[1]:lower()] then opts.headers[#opts.headers + 1] = header end
  end
end

-- What the command line says of each file counts where the input says nothing.
local function complete(request, opts)
  local each = request.each
  local own_place = opts.output or opts.dir
  for name, value in pairs(each) do
    local is_own = opts[name] ~= nil or (name == "template" and opts.output)
    if not is_own then opts[name] = value end
  end
  if each.output and not own_place then opts.dir = "." end -- the output begins with it already
  add_headers(opts, request.options.headers)
  return opts
end

-- Arguments

local function once(opts)
  return function()
    local answer = opts
    opts = nil
    return answer
  end
end

-- Nobody can make the folders that "#1/x" names before.
local function fill(opts, name, matched, escape)
  local given = opts[name]
  if not given then return end
  opts[name] = glob.fill(given, matched, escape)
  if opts[name] ~= given and given:find("/", 1, true) then opts.make_dirs = true end
end

local function of_pattern(request, parts, check)
  local next_url = glob.each(parts)
  return function()
    local url, matched = next_url()
    if not url then return nil end
    local ok, message = check(url)
    if not ok then return false, errors.new("usage", message) end
    local opts = complete(request, { url = url })
    fill(opts, "output", matched)
    fill(opts, "template", matched, template.escape)
    return opts
  end
end

-- Each may have a name of its own.
local function add_urls(add, request)
  for index, url in ipairs(request.urls) do
    local opts = { url = url }
    for name, value in pairs(request.outputs and request.outputs[index] or {}) do
      opts[name] = value
    end
    add(once(complete(request, opts)), 1)
  end
  return true
end

local NO_PART = "option '--output': nothing in braces or brackets for '%s' in %s"

local function add_pattern(add, request, url, world)
  local parts, message = glob.parse(url)
  if not parts then
    return nil, ("option '--glob': %s: %s"):format(errors.redact_url(url), message)
  end
  local unknown = glob.unknown(request.written.output or "", parts)
  if unknown then return nil, NO_PART:format(unknown, errors.redact_url(url)) end
  add(of_pattern(request, parts, world.check), glob.count(parts))
  return true
end

local function add_curl(add, request, line, world)
  local opts, message = curlline.read(line)
  local ok, wrong = opts ~= nil, message
  if ok then ok, wrong = world.check(opts.url) end
  if not ok then return nil, "option '--curl': " .. wrong end
  for _, warning in ipairs(message) do world.warn("option '--curl': " .. warning) end
  add(once(complete(request, opts)), 1)
  return true
end

-- Lists

local function open_list(name)
  if name == STDIN then return io.stdin end
  return io.open(name, "rb")
end

local function read_error(name, problem)
  return errors.new("io", ("cannot read the list: %s"):format(problem), { path = name })
end

local LOCAL = "'%s' is a file of this machine (--trust-list takes it)"

-- Who writes a list needn't be who uses it.
local function check_of(request, check)
  if request.command.trust_list then return check end
  return function(url)
    if url:lower():find("^file:") then return nil, LOCAL:format(errors.redact_word(url)) end
    return check(url)
  end
end

local NOTHING = "%s: there is nothing to download in it"

-- Nothing to do is no failure, but hardly what was meant.
local function told_when_empty(next_item, shown, warn)
  local has_brought = false
  return function()
    local opts, place = next_item()
    if opts == nil and not has_brought then warn(NOTHING:format(shown)) end
    has_brought = has_brought or opts or place ~= nil
    return opts, place
  end
end

local function of_list(request, file, name, world)
  local source = pipe.new(file, world.read)
  local shown = name == STDIN and "standard input" or name
  local next_item = list.open(function() return source:next() end, shown, {
    dir = request.options.dir, trusted = request.command.trust_list,
    check = check_of(request, world.check), warn = world.warn, now = world.now,
  })
  return told_when_empty(function()
    local opts, place = next_item()
    if opts then return complete(request, opts), place end
    if opts == nil and source.problem then
      local problem = source.problem
      source.problem = nil
      return false, read_error(shown, problem)
    end
    return opts, place
  end, shown, world.warn)
end

local function add_list(add, request, name, world)
  local file, message = open_list(name)
  if not file then return nil, ("option '--input-file': %s"):format(message) end
  add(of_list(request, file, name, world))
  return true
end

-- All of them

local function in_turn(all)
  return function()
    while all[1] do
      local opts, place = all[1]()
      if opts ~= nil then return opts, place end
      table.remove(all, 1)
    end
    return nil
  end
end

-- Calls add_one(add, request, word, ...) for each word, until one is wrong.
local function add_each(words, add_one, add, request, ...)
  for _, word in ipairs(words or {}) do
    local ok, message = add_one(add, request, word, ...)
    if not ok then return nil, message end
  end
  return true
end

--- Opens all inputs of a command line.
---@param request table as luadl.cli.arguments reads it
---@param parts table as luadl.cli.main has them: read of its sys, now of its world
---@param warn fun(message: string)
---@return function|nil next
---@return integer|string|nil count how many there are, if that is known; or what is wrong
function inputs.open(request, parts, warn)
  local world = {
    read = parts.sys.read, now = parts.world.now, check = request.check_url, warn = warn,
  }
  local all, count = {}, 0
  local function add(input, number)
    all[#all + 1] = input
    count = number and count and count + number
  end
  local command = request.command
  local ok, message
  if command.glob then
    ok, message = add_each(request.urls, add_pattern, add, request, world)
  else
    ok, message = add_urls(add, request)
  end
  if ok then ok, message = add_each(command.curl, add_curl, add, request, world) end
  if ok then ok, message = add_each(command.input_file, add_list, add, request, world) end
  if not ok then return nil, message end
  local mirrors = foreign.mirrors(request.urls)
  if mirrors then world.warn(mirrors) end
  if not all[1] then add(once(complete(request, {})), 1) end -- a .part brings its URL
  return in_turn(all), count or nil
end

return inputs
