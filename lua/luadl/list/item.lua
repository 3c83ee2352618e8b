--- An item of a list: what every format shares, and what a list may not do.
-- SPDX-License-Identifier: MIT

local filename = require("luadl.filename")
local options = require("luadl.options")
local scheme = require("luadl.scheme")
local target = require("luadl.target")
local text = require("luadl.text")

local item = {}

local ELSEWHERE = "'%s' leads out of the folder of the downloads (--trust-list allows it)"
local ODD = "'%s' %s (--trust-list takes it as it is)"

local ANY_SYSTEM = { windows = false }

-- A hidden file may be a program's settings, "-rf" an option of the next command.
local function check_names(path)
  if path:sub(1, 1) == "/" then return nil, ELSEWHERE:format(text.clean(path)) end
  for name in path:gmatch("[^/]+") do
    if name == ".." then return nil, ELSEWHERE:format(text.clean(path)) end
    local safe, reason = filename.is_safe(name, ANY_SYSTEM)
    if not safe and name ~= "." then return nil, ODD:format(text.clean(name), reason) end
  end
  return path
end

--- A path that the list names: for a file or a folder below that of the downloads.
---@param path string
---@param trusted boolean?
---@return string?
---@return string? message
function item.path(path, trusted)
  if path == "" then return nil, "expected a path" end
  if path:find("%c") then return nil, "a path has no control characters" end
  if trusted then return path end
  return check_names(path)
end

--- Whether a URL can be asked at all.
---@param url string
---@param check function?
---@return true?
---@return string? message
function item.check_url(url, check)
  if url == "" then return nil, "a URL is empty" end
  if not scheme.is_plain(url) and url:find("%c") then
    return nil, "a URL has control characters"
  end
  if check then return check(url) end
  return true
end

local TWO = "two URLs: each has a line of its own, or a tab before it where it is a mirror"

local function read_url(word, check)
  local is_plain = scheme.is_plain(word)
  local url = is_plain and word or text.trim(word)
  if not is_plain and url:find("^%a[%w+.-]*://%S*%s+%a[%w+.-]*://") then return nil, TWO end
  local ok, message = item.check_url(url, check)
  if not ok then return nil, message end
  return url
end

local function read_urls(line, check)
  local urls = {}
  for word in line:gmatch("[^\t]+") do
    local url, message = read_url(word, check)
    if not url then return nil, message end
    urls[#urls + 1] = url
  end
  return { url = table.remove(urls, 1), mirror = urls[1] and urls or nil }
end

--- An item of one URL, or of several of the same file.
---@param line string they stand between tabs
---@param check function?
---@return table? given
---@return string? message
function item.of_urls(line, check)
  if line:find("\t", 1, true) then return read_urls(line, check) end
  local url, message = read_url(line, check)
  return url and { url = url }, message
end

-- A mere URL is right already.
local function check_options(given)
  for name in next, given do
    if name ~= "url" and name ~= "mirror" then
      return select(2, options.read(given, "download"))
    end
  end
  return nil
end

--- The options of a complete item.
---@param given table
---@param opts luadl.list.options
---@return table? given
---@return string? message
function item.finish(given, opts)
  if next(given) == "url" and next(given, "url") == nil then return given end
  if given.complete then
    local complete = given.complete
    given.complete = nil
    complete(given)
  end
  if given.output and given.output:sub(-1) == "/" then
    return nil, ("'%s' is a folder: name a file in it"):format(text.clean(given.output))
  end
  if given.dir then given.dir = target.join(opts.dir, given.dir) end
  if given.dir or (given.output or ""):find("/", 1, true) then given.make_dirs = true end
  local message = check_options(given)
  if message then return nil, message end
  return given
end

return item
