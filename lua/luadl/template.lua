--- Names by template: "{host}/{date:%Y-%m}/{name}{ext}" and what is known of a download, to a path.
-- SPDX-License-Identifier: MIT
--
-- What is written in the template is its author's word: it may name folders anywhere. What a field
-- brings is somebody else's: every name in the path that has a field in it is made safe as a whole,
-- so a server can neither leave the folder nor hide a file.

local disposition = require("luadl.disposition")
local errors = require("luadl.errors")
local filename = require("luadl.filename")
local hostname = require("luadl.hostname")
local nearest = require("luadl.options.nearest")

local template = {}

--- What the fields are made of.
---@class luadl.template.facts
---@field url string the one that was asked for
---@field name string what the file would be called without a template
---@field now integer seconds since the epoch
---@field modified integer? the same, of the file on the server; `now` where it says nothing
---@field position integer? which of several downloads this is, from 1

-- Fields

-- Without the last name.
local function folders_of(url)
  local path = url:gsub("^%a[%w+.-]*://", ""):match("^[^/?#]*([^?#]*)") or ""
  return disposition.to_utf8((disposition.percent_decode(path:match("^(.*)/") or "")))
end

-- Those of C99; LuaJIT's os.date would take any.
local CONVERSIONS = {
  [""] = "[aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%%]",
  E = "[cCxXyY]",
  O = "[deHImMSuUVwWy]",
}

local function is_form(form)
  if form == "" or form:find("^[!*]") then return false end
  for modifier, letter in form:gmatch("%%([EO]?)(.?)") do
    if not letter:find(CONVERSIONS[modifier]) then return false end
  end
  return true
end

local function check_date(form)
  return is_form(form) or nil, ("'%s' is no form of a date"):format(form)
end

local function check_width(width)
  return width:match("^0?%d$") ~= nil or nil, ("'%s' is no width, like 04"):format(width)
end

local function numbered(position, width)
  return ("%" .. width .. "d"):format(position)
end

-- `folders`: a "/" in it is one; `check`: what may stand behind its colon.
local FIELDS = {
  host = { read = function(facts) return hostname.of(facts.url) or "" end },
  path = { folders = true, read = function(facts) return folders_of(facts.url) end },
  name = { read = function(facts) return (filename.split(facts.name)) end },
  ext = { read = function(facts) return select(2, filename.split(facts.name)) end },
  n = {
    check = check_width,
    read = function(facts, width) return numbered(facts.position or 1, width or "") end,
  },
  date = {
    check = check_date, folders = true,
    read = function(facts, form) return os.date(form or "%Y-%m-%d", facts.now) end,
  },
  modified = {
    check = check_date, folders = true,
    read = function(facts, form)
      return os.date(form or "%Y-%m-%d", facts.modified or facts.now)
    end,
  },
}

local NAMES = { "host", "path", "name", "ext", "n", "date", "modified" }

-- Reading

local function unknown(name)
  local meant = nearest.word(name, NAMES)
  return ("a name has no field '{%s}'%s"):format(name, meant
    and (": did you mean '{%s}'?"):format(meant)
    or ("; there are %s, and {{ for a brace"):format(table.concat(NAMES, ", ")))
end

local function read_field(text)
  local name, argument = text:match("^(.-):(.*)$")
  name = name or text
  local field = FIELDS[name]
  if not field then return nil, unknown(name) end
  if not argument then return { field = field } end
  if not field.check then return nil, ("the field '{%s}' takes nothing behind it"):format(name) end
  local ok, message = field.check(argument)
  if not ok then return nil, message end
  return { field = field, argument = argument }
end

-- One piece, and the position behind it.
local function read_piece(text, at)
  if text:find("^{{", at) then return { text = "{" }, at + 2 end
  if text:find("^}}", at) then return { text = "}" }, at + 2 end
  if text:find("^{", at) then
    local inside = text:match("^{([^{}]*)}", at)
    if not inside then return nil, ("a '{' without its end at position %d"):format(at) end
    local piece, message = read_field(inside)
    return piece, piece and at + #inside + 2 or message
  end
  local literal = text:match("^}?[^{}]*", at)
  return { text = literal }, at + #literal
end

--- Whether a name is a template, and no plain one.
---@param text string
---@return boolean
function template.is(text)
  return text:find("{", 1, true) ~= nil
end

--- Reads a template.
---@param text string
---@return luadl.template|nil pieces
---@return string|nil message
function template.parse(text)
  local pieces, at = {}, 1
  while at <= #text do
    local piece, behind = read_piece(text, at)
    if not piece then return nil, behind end
    pieces[#pieces + 1], at = piece, behind
  end
  return pieces
end

--- Text as a template in which it stands for itself.
---@param text string
---@return string
function template.escape(text)
  return (text:gsub("[{}]", "%0%0"))
end

-- Writing: a path is a list of names, each with what is in it and whether a field has brought some.

local function add(path, text, is_field)
  local current = path[#path]
  current.text = current.text .. text
  current.is_field = current.is_field or is_field
end

local function add_folders(path, text, is_field)
  local first = true
  for name in (text .. "/"):gmatch("([^/]*)/") do
    if not first then path[#path + 1] = { text = "" } end
    add(path, name, is_field)
    first = false
  end
end

local function fill(pieces, facts)
  local path = { { text = "" } }
  for _, piece in ipairs(pieces) do
    if piece.text then
      add_folders(path, piece.text, false)
    else
      local value = piece.field.read(facts, piece.argument)
      local add_value = piece.field.folders and add_folders or add
      add_value(path, value, true)
    end
  end
  return path
end

-- A folder of which nothing is left is left out.
local function safe_names(path, opts)
  local names = {}
  for index, each in ipairs(path) do
    local name = each.text
    if each.is_field then name = filename.sanitise(name, opts) or "" end
    if name ~= "" or index == #path then names[#names + 1] = name end
  end
  return names
end

--- The path that a template makes of what is known.
---@param pieces luadl.template
---@param facts luadl.template.facts
---@param opts luadl.name_options?
---@return string?
---@return luadl.error? err kind "bad_name": nothing is left of the file's name
function template.path(pieces, facts, opts)
  local path = fill(pieces, facts)
  local names = safe_names(path, opts)
  local last = names[#names]
  if last == "" or last == "." or last == ".." then
    return nil, errors.new("bad_name", "the template leaves no name for the file", {
      url = facts.url,
    })
  end
  local is_absolute = path[1].text == "" and #path > 1 and not path[1].is_field
  return (is_absolute and "/" or "") .. table.concat(names, "/")
end

return template
