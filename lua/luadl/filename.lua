--- File names: from what a server or a script says to a name that is safe to create.
-- SPDX-License-Identifier: MIT
--
-- The order is fixed, because each wrong order was somebody's security hole: choose a source,
-- parse, decode the charset, decode percent escapes once, take the last component, sanitise, and
-- let an independent check have the last word.

local disposition = require("luadl.disposition")
local errors = require("luadl.errors")
local scheme = require("luadl.scheme")

local filename = {}

--- What is asked of a name.
---@class luadl.name_options
---@field windows boolean? false: names that only Windows can't have are let through
---@field name_max integer? the file system's limit in bytes, 255 if not given

-- Where nothing else gives a name.
local FALLBACK = "download"

local NAME_MAX = 255
-- The longest suffix that luadl puts behind a name of its own accord.
local JOURNAL_SUFFIX = ".part.lj"
-- So much every file system takes.
local PLAIN_MAX = 100
-- A stem and a suffix may each be escaped by one "_" after the cut.
local ESCAPES_MAX = 2
-- What is longer after the last dot is no extension.
local EXTENSION_MAX = 32

local function room_for(opts)
  return (opts.name_max or NAME_MAX) - #JOURNAL_SUFFIX
end

-- Taking names apart ------------------------------------------------------------------------------

--- "a.tar.gz" to "a" and ".tar.gz"; the extension has its dot, or is empty.
---@param name string
---@return string stem
---@return string extension
function filename.split(name)
  local stem, extension = name:match("^(.+)(%.[^%.%s]+)$")
  if not stem or #extension > EXTENSION_MAX then return name, "" end
  local inner = stem:match("^(.+)%.[Tt][Aa][Rr]$")
  if inner then return inner, name:sub(#inner + 1) end
  return stem, extension
end

local function last_component(path)
  return path:match("^.*[/\\](.*)$") or path
end

-- At most `limit` bytes, not cut inside a UTF-8 character.
local function cut(text, limit)
  if #text <= limit then return text end
  while limit > 0 and text:find("^[\128-\191]", limit + 1) do limit = limit - 1 end
  return text:sub(1, math.max(limit, 0))
end

-- Sanitising --------------------------------------------------------------------------------------

-- Without a glyph: they reorder or hide what a person reads ("gpj.exe" shown as "exe.jpg").
local INVISIBLE = {
  "\216\156", -- U+061C
  "\226\128[\139-\143]", -- U+200B to 200F
  "\226\128[\170-\174]", -- U+202A to 202E
  "\226\129[\166-\169]", -- U+2066 to 2069
  "\239\187\191", -- U+FEFF
  "\243\160[\128\129][\128-\191]", -- U+E0000 to E007F
}

local CONTROL = {
  "%c",
  "\194[\128-\159]", -- C1
  "\226\128[\168\169]", -- line and paragraph separator
}

local function replace_all(name, patterns, by)
  for _, pattern in ipairs(patterns) do name = name:gsub(pattern, by) end
  return name
end

-- Nothing that is looked for below is among these.
local function is_plain(name)
  return not name:find("[^%w ._~()+,=-]")
end

local function replace_characters(name, opts)
  if is_plain(name) then return name end
  name = replace_all(name, INVISIBLE, "")
  name = replace_all(name, CONTROL, "_"):gsub("[/\\]", "_")
  if opts.windows == false then return name end
  return (name:gsub('[<>:"|?*]', "_"))
end

-- Greedy, from the end: `[. ]+$` would be quadratic on a long run in the middle.
local function trim_end(name)
  return name:match("^(.*[^. ])") or ""
end

-- A leading dot hides the file, a dash makes it an option, a tilde somebody's home directory.
local function trim_ends(name)
  name = trim_end(name):gsub("^ +", "")
  return (name:gsub("^[.%-~]+", function(lead) return ("_"):rep(#lead) end))
end

local function shorten(name, limit)
  if #name <= limit then return name end
  local stem, extension = filename.split(name)
  if #extension >= limit then stem, extension = name, "" end
  return trim_end(cut(stem, limit - #extension) .. extension)
end

-- Device names, with any extension (learn.microsoft.com: Naming Files, Paths, and Namespaces).
local DEVICES = {
  con = true,
  prn = true,
  aux = true,
  nul = true,
  ["conin$"] = true,
  ["conout$"] = true,
  ["clock$"] = true,
}
local PORTS = { "^com%d$", "^lpt%d$", "^com\194[\178\179\185]$", "^lpt\194[\178\179\185]$" }

local function is_device(stem)
  if DEVICES[stem] then return true end
  if not stem:find("^[cl][op][mt]") then return false end
  for _, pattern in ipairs(PORTS) do
    if stem:find(pattern) then return true end
  end
  return false
end

local function escape_device(name)
  local stem = trim_end(name:match("^[^.]*"))
  if not is_device(stem:lower()) then return name end
  return stem .. "_" .. name:sub(#stem + 1)
end

-- Else the file "x" and the partial file of another one would meet under one name.
local function escape_artefact(name)
  local lower = name:lower()
  local is_ours = lower:find("%.part$") or lower:find("%.part%.lj$")
  return is_ours and name .. "_" or name
end

local function escape(name, opts)
  if opts.windows ~= false then name = escape_device(name) end
  return escape_artefact(name)
end

-- Cut further than needed only where an escape would not fit: what is safe stays as it is.
local function fit(name, opts)
  local room = room_for(opts)
  local escaped = escape(shorten(name, room), opts)
  if #escaped <= room then return escaped end
  return escape(shorten(name, room - ESCAPES_MAX), opts)
end

--- A name as close to the given one as is safe on any system. Separators become "_".
---@param name string
---@param opts luadl.name_options?
---@return string? safe
---@return luadl.error? err kind "bad_name": nothing is left of it
function filename.sanitise(name, opts)
  opts = opts or {}
  local safe = replace_characters(disposition.to_utf8(name), opts)
  safe = fit(trim_ends(safe), opts)
  if safe == "" then return nil, errors.new("bad_name", "nothing is left of the name") end
  return safe
end

local function safe_step(name, opts)
  if name ~= ".." then return filename.sanitise(name, opts) end
  return nil, errors.new("bad_name", "the path leads elsewhere")
end

--- A relative path, each name of it safe, for what a server calls one: "/a//b/./c" is "a/b/c".
---@param path string decoded; "" gives ".", this folder
---@param opts luadl.name_options?
---@return string? safe
---@return luadl.error? err kind "bad_name": a name in it is "..", or nothing is left of one
function filename.path(path, opts)
  local names = {}
  for name in path:gmatch("[^/]+") do
    if name ~= "." then
      local safe, err = safe_step(name, opts)
      if not safe then return nil, err end
      names[#names + 1] = safe
    end
  end
  return names[1] and table.concat(names, "/") or "."
end

-- Checking ----------------------------------------------------------------------------------------
-- Written apart from the above, on code points instead of bytes, and sharing nothing with it.

local FORBIDDEN = {
  { 0x00, 0x1F },
  { 0x2F, 0x2F },
  { 0x5C, 0x5C },
  { 0x7F, 0x9F },
  { 0x061C, 0x061C },
  { 0x200B, 0x200F },
  { 0x2028, 0x202E },
  { 0x2066, 0x2069 },
  { 0xD800, 0xDFFF },
  { 0xFEFF, 0xFEFF },
  { 0xE0000, 0xE007F },
  { 0x110000, math.huge },
}
local FORBIDDEN_ON_WINDOWS = [[<>:"|?*]]
local RESERVED_ON_WINDOWS = "/con/prn/aux/nul/conin$/conout$/clock$"
  .. "/com0/com1/com2/com3/com4/com5/com6/com7/com8/com9/com\194\185/com\194\178/com\194\179"
  .. "/lpt0/lpt1/lpt2/lpt3/lpt4/lpt5/lpt6/lpt7/lpt8/lpt9/lpt\194\185/lpt\194\178/lpt\194\179/"
local LEAST_OF_LENGTH = { 0, 0x80, 0x800, 0x10000 }

local function length_of(lead)
  if lead < 0x80 then return 1 end
  if lead >= 0xC0 and lead < 0xE0 then return 2 end
  if lead >= 0xE0 and lead < 0xF0 then return 3 end
  return lead >= 0xF0 and lead < 0xF8 and 4 or nil
end

-- The code point at a byte position and the position after it; nil if it isn't well formed.
local function code_point(text, at)
  local lead = text:byte(at)
  local length = length_of(lead)
  if not length then return nil end
  local code = length == 1 and lead or lead % 2 ^ (7 - length)
  for index = at + 1, at + length - 1 do
    local byte = text:byte(index) or 0
    if byte < 0x80 or byte > 0xBF then return nil end
    code = code * 64 + byte - 0x80
  end
  return code >= LEAST_OF_LENGTH[length] and code or nil, at + length
end

local function has_forbidden_characters(name)
  if not name:find("[^ -~]") then return name:find("[/\\]") ~= nil end -- of ASCII these alone
  local at = 1
  while at <= #name do
    local code, after = code_point(name, at)
    if not code then return true end
    for _, range in ipairs(FORBIDDEN) do
      if code >= range[1] and code <= range[2] then return true end
    end
    at = after
  end
  return false
end

local function is_impossible_on_windows(name, opts)
  if opts.windows == false then return false end
  local stem = name:match("^[^.]*"):lower()
  while stem:sub(-1) == " " do stem = stem:sub(1, -2) end
  return name:find("[" .. FORBIDDEN_ON_WINDOWS .. "]")
    or RESERVED_ON_WINDOWS:find("/" .. stem .. "/", 1, true)
end

local function ends_as_artefact(name)
  local lower = name:lower()
  return lower:sub(-5) == ".part" or lower:sub(-8) == ".part.lj"
end

-- The first rule that the name breaks.
local function broken_rule(name, opts)
  if name == "" then return "is empty" end
  if #name + 8 > (opts.name_max or 255) then return "is too long" end
  if has_forbidden_characters(name) then return "holds a character that no name may hold" end
  if name:find("^[-.~ ]") then return "begins with one of . - ~ or a space" end
  if name:find("[. ]", #name) then return "ends with a dot or a space" end
  if ends_as_artefact(name) then return "ends as luadl's own files do" end
  if is_impossible_on_windows(name, opts) then return "is not possible on Windows" end
  return nil
end

local NO_OPTIONS = {}

--- Whether a name can be created as it is, in a directory that isn't its own.
---@param name string
---@param opts luadl.name_options?
---@return boolean
---@return string? reason why not
function filename.is_safe(name, opts)
  local reason = broken_rule(name, opts or NO_OPTIONS)
  return reason == nil, reason
end

-- Choosing ----------------------------------------------------------------------------------------

--- The last segment of the URL's path, percent-decoded once; empty if the path ends with "/".
---@param url string
---@return string
function filename.from_url(url)
  local rest = url:match("^%a[%w+.%-]*://(.*)$") or url
  local path = rest:match("^[^/?#]*([^?#]*)")
  return last_component(disposition.to_utf8((disposition.percent_decode(path))))
end

--- The same where nothing in the URL is out of the ordinary, and the name can stay as it is.
---@param url string
---@return string? name nil: the URL needs a closer look
function filename.plain(url)
  local name = scheme.is_plain(url) and url:match("^.*/([%w_][%w._-]*)$")
  return name and #name <= PLAIN_MAX and filename.is_safe(name) and name or nil
end

-- From the strongest to the weakest. A redirect may choose the name only if it is trusted to.
local SOURCES = {
  { "policy", function(sources) return sources.policy end },
  {
    "disposition",
    function(sources)
      local parsed = disposition.parse(sources.disposition, sources.decode)
      return parsed and parsed.filename
    end,
  },
  {
    "final_url",
    function(sources)
      local url = sources.trust_redirect_name and sources.final_url
      return url and filename.from_url(url)
    end,
  },
  { "url", function(sources) return sources.url and filename.from_url(sources.url) end },
  { "default", function() return FALLBACK end },
}

--- Who may name a file.
---@class luadl.name_sources: luadl.name_options
---@field policy string? what the policy `name` returned
---@field disposition string? the header's value
---@field url string? the requested URL
---@field final_url string? the URL that answered; counts only with `trust_redirect_name`
---@field trust_redirect_name boolean?
---@field decode luadl.decode? for charsets that luadl.disposition doesn't know

--- The first usable name of the sources, made safe.
---@param sources luadl.name_sources
---@return string? name
---@return string|luadl.error source a name in SOURCES, or the error
function filename.choose(sources)
  local policy = sources.policy
  if policy ~= nil and type(policy) ~= "string" then
    local message = ("the policy 'name' must return a string, not a %s"):format(type(policy))
    return nil, errors.new("usage", message)
  end
  for _, source in ipairs(SOURCES) do
    local raw = source[2](sources)
    raw = raw and last_component(disposition.to_utf8(raw))
    if raw and filename.is_safe(raw, sources) then return raw, source[1] end -- it stays as it is
    local name = raw and filename.sanitise(raw, sources)
    if name then
      local safe, reason = filename.is_safe(name, sources)
      if safe then return name, source[1] end
      return nil, errors.new("bad_name", "the file's name " .. reason, { path = name })
    end
  end
  return nil, errors.new("bad_name", "the file system has no room for a name")
end

--- The name that luadl gives a download where no policy has an opinion.
---@param head luadl.head
---@param opts luadl.name_sources? more for `choose`, such as `decode` and `name_max`
---@return string? name
---@return string|luadl.error source
function filename.default(head, opts)
  local sources = {}
  for key, value in pairs(opts or {}) do sources[key] = value end
  sources.disposition = head.headers:get("content-disposition")
  sources.url, sources.final_url = head.requested_url, head.url
  return filename.choose(sources)
end

--- The n-th other name for a taken one: "a.tar.gz", 2 to "a (2).tar.gz".
---@param name string
---@param n integer
---@param opts luadl.name_options?
---@return string
function filename.alternative(name, n, opts)
  local stem, extension = filename.split(name)
  local tail = (" (%d)"):format(n) .. extension
  return cut(stem, room_for(opts or {}) - #tail) .. tail
end

return filename
