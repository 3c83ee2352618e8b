--- Text for a terminal: cleaned of what it would obey, measured in columns, cut to fit.
-- SPDX-License-Identifier: MIT
--
-- Names and messages come from servers. An escape sequence in one could rewrite the screen, a bidi
-- override could make an .exe look like a .jpg.

local text = {}

--- The text without white space around it. (One pattern for both ends would take the square of a
--- long run of spaces.)
---@param bytes string
---@return string
function text.trim(bytes)
  if not bytes:find("%S") then return "" end
  return bytes:match("^%s*(.*%S)")
end

local SMALLEST = { 0, 0x80, 0x800, 0x10000 } -- of each length, or it is an overlong form

local function sequence_length(lead)
  if lead < 0x80 then return 1 end
  if lead >= 0xC2 and lead <= 0xDF then return 2 end
  if lead >= 0xE0 and lead <= 0xEF then return 3 end
  if lead >= 0xF0 and lead <= 0xF4 then return 4 end
  return nil
end

local function is_character(code, length)
  if code < SMALLEST[length] or code > 0x10FFFF then return false end
  return code < 0xD800 or code > 0xDFFF
end

-- The code point at `at` and its length in bytes; nil and 1 where there is none (RFC 3629).
local function decode(bytes, at)
  local lead = bytes:byte(at)
  local length = sequence_length(lead)
  if not length then return nil, 1 end
  local code = length == 1 and lead or lead % 2 ^ (7 - length)
  for offset = 1, length - 1 do
    local continuation = bytes:byte(at + offset)
    if not continuation or continuation < 0x80 or continuation > 0xBF then return nil, 1 end
    code = code * 64 + continuation - 0x80
  end
  if not is_character(code, length) then return nil, 1 end
  return code, length
end

local function each_character(bytes)
  local at = 1
  return function()
    if at > #bytes then return nil end
    local code, length = decode(bytes, at)
    local character = bytes:sub(at, at + length - 1)
    at = at + length
    return character, code
  end
end

-- Sorted pairs of first and last code point.
local UNSAFE = {
  { 0x00, 0x1F }, { 0x7F, 0x9F }, { 0x61C, 0x61C }, { 0x200B, 0x200F }, { 0x2028, 0x202E },
  { 0x2060, 0x2069 }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE007F },
}

local COMBINING = {
  { 0x300, 0x36F }, { 0x483, 0x489 }, { 0x591, 0x5BD }, { 0x610, 0x61A }, { 0x64B, 0x65F },
  { 0x6D6, 0x6DC }, { 0xE31, 0xE31 }, { 0xE34, 0xE3A }, { 0xE47, 0xE4E }, { 0x1AB0, 0x1AFF },
  { 0x1DC0, 0x1DFF }, { 0x20D0, 0x20FF }, { 0x302A, 0x302D }, { 0x3099, 0x309A },
  { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F }, { 0x1F3FB, 0x1F3FF }, { 0xE0100, 0xE01EF },
}

-- East Asian Wide and Fullwidth, in blocks (Unicode Standard Annex 11).
local WIDE = {
  { 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0x33FF }, { 0x3400, 0x4DBF },
  { 0x4E00, 0x9FFF }, { 0xA000, 0xA4CF }, { 0xA960, 0xA97F }, { 0xAC00, 0xD7A3 },
  { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 },
  { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD },
}

local function among(ranges, code)
  for _, range in ipairs(ranges) do
    if code < range[1] then return false end
    if code <= range[2] then return true end
  end
  return false
end

local function columns_of(code)
  if not code or code < 0x300 then return 1 end
  if among(COMBINING, code) then return 0 end
  return among(WIDE, code) and 2 or 1
end

local function escape(bytes)
  return (bytes:gsub(".", function(byte) return ("\\x%02X"):format(byte:byte()) end))
end

--- The text with control characters, bidi controls, invisible characters and bytes that aren't
--- UTF-8 shown as \xNN.
---@param bytes string
---@return string
function text.clean(bytes)
  if not bytes:find("[^\32-\126]") then return bytes end
  local parts = {}
  for character, code in each_character(bytes) do
    local safe = code and not among(UNSAFE, code)
    parts[#parts + 1] = safe and character or escape(character)
  end
  return table.concat(parts)
end

--- Cleaned text for a terminal that knows nothing but ASCII.
---@param clean string
---@return string
function text.ascii(clean)
  return (clean:gsub("[\128-\255]+", escape))
end

--- The text as valid UTF-8, with U+FFFD for each byte that isn't.
---@param bytes string
---@return string
function text.utf8(bytes)
  if not bytes:find("[\128-\255]") then return bytes end
  local parts = {}
  for character, code in each_character(bytes) do
    parts[#parts + 1] = code and character or "\239\191\189"
  end
  return table.concat(parts)
end

--- Columns that cleaned text takes on a terminal.
---@param clean string
---@return integer
function text.width(clean)
  local columns = 0
  for _, code in each_character(clean) do columns = columns + columns_of(code) end
  return columns
end

-- As many characters from the front as fit.
local function head(characters, columns)
  local used, parts = 0, {}
  for _, each in ipairs(characters) do
    used = used + each.columns
    if used > columns then break end
    parts[#parts + 1] = each.character
  end
  return table.concat(parts)
end

-- As many from the end; a combining mark doesn't stay without its base.
local function tail(characters, columns)
  local used, start = 0, #characters + 1
  for index = #characters, 1, -1 do
    used = used + characters[index].columns
    if used > columns then break end
    if characters[index].columns > 0 then start = index end
  end
  local parts = {}
  for index = start, #characters do parts[#parts + 1] = characters[index].character end
  return table.concat(parts)
end

local function measured(clean)
  local characters = {}
  for character, code in each_character(clean) do
    characters[#characters + 1] = { character = character, columns = columns_of(code) }
  end
  return characters
end

local DOTS, ELLIPSIS = "...", "\226\128\166"

--- Cut in the middle to at most `columns`: a file's extension stays in sight.
---@param clean string
---@param columns integer
---@param utf8 boolean|nil whether the mark of the cut may be more than ASCII
---@return string
function text.fit(clean, columns, utf8)
  if text.width(clean) <= columns then return clean end
  local characters = measured(clean)
  if columns < 7 then return head(characters, columns) end
  local mark, room = utf8 and ELLIPSIS or DOTS, columns - (utf8 and 1 or #DOTS)
  return head(characters, math.ceil(room / 2)) .. mark .. tail(characters, math.floor(room / 2))
end

--- Cut or filled with spaces to exactly `columns`.
---@param clean string
---@param columns integer
---@param utf8 boolean|nil
---@return string
function text.pad(clean, columns, utf8)
  local fitted = text.fit(clean, columns, utf8)
  return fitted .. (" "):rep(columns - text.width(fitted))
end

return text
