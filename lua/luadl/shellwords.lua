--- A command line as a POSIX shell splits it into words, with bash's $'...'; nothing is expanded.
-- SPDX-License-Identifier: MIT
--
-- What a shell would replace ($HOME, `...`), or do besides (a pipe, another command), is refused:
-- to guess would be to ask for something else than the user meant.

local shellwords = {}

local unpack = table.unpack or unpack -- luacheck: ignore unpack

-- Code point to UTF-8; utf8.char isn't everywhere.
local function encode(code)
  if code < 0x80 then return string.char(code) end
  local bytes, lead = {}, code < 0x800 and 0xC0 or code < 0x10000 and 0xE0 or 0xF0
  local count = code < 0x800 and 1 or code < 0x10000 and 2 or 3
  for index = count, 1, -1 do
    bytes[index], code = 0x80 + code % 64, math.floor(code / 64)
  end
  return string.char(lead + code, unpack(bytes))
end

-- $'...'

local LETTERS = {
  a = "\a", b = "\b", e = "\27", E = "\27", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v",
}

local CODES = {
  { "^x(%x%x?)", 16, string.char },
  { "^u(%x%x?%x?%x?)", 16, encode },
  { "^U(%x%x?%x?%x?%x?%x?%x?%x?)", 16, encode },
  { "^([0-7][0-7]?[0-7]?)", 8, function(code) return string.char(code % 256) end },
}

-- Beyond the first 65,536 browsers write two halves (RFC 2781).
local function surrogates(text, at)
  local high, low = text:match("^u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)", at)
  if not high then return nil end
  local code = (tonumber(high, 16) - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00 + 0x10000
  return encode(code), at + #"uD83D\\uDE00"
end

-- The text for an escape, and the position behind it.
local function ansi_escape(text, at)
  local both, behind = surrogates(text, at)
  if both then return both, behind end
  local letter = text:sub(at, at)
  if LETTERS[letter] then return LETTERS[letter], at + 1 end
  for _, each in ipairs(CODES) do
    local digits = text:match(each[1], at)
    local code = digits and tonumber(digits, each[2])
    if code and code <= 0x10FFFF then
      return each[3](code), at + #digits + (each[2] == 16 and 1 or 0)
    end
  end
  if letter:find("[\\'\"?]") then return letter, at + 1 end
  return "\\" .. letter, at + 1
end

-- Each quote: the text inside, and the position behind; nil without its end.
local quotes = {}

function quotes.single(text, at)
  local stop = text:find("'", at, true)
  if not stop then return nil, "' without its end" end
  return text:sub(at, stop - 1), stop + 1
end

function quotes.ansi(text, at)
  local pieces = {}
  while at <= #text do
    local plain = text:match("^[^'\\]+", at) or ""
    pieces[#pieces + 1], at = plain, at + #plain
    local byte = text:sub(at, at)
    if byte == "'" then return table.concat(pieces), at + 1 end
    if byte == "\\" then pieces[#pieces + 1], at = ansi_escape(text, at + 1) end
  end
  return nil, "$' without its end"
end

local REPLACED = "something that a shell would replace"
local EXPANDED = "^%$[%w_({?!@*#$-]"

local function double_escape(text, at)
  local byte = text:sub(at, at)
  if byte == "\n" then return "" end
  return byte:find('[$`"\\]') and byte or "\\" .. byte
end

function quotes.double(text, at)
  local pieces = {}
  while at <= #text do
    local plain = text:match('^[^"\\`$]+', at) or ""
    pieces[#pieces + 1], at = plain, at + #plain
    local byte = text:sub(at, at)
    if byte == '"' then return table.concat(pieces), at + 1 end
    if byte == "`" or text:find(EXPANDED, at) then return nil, REPLACED end
    local escaped = byte == "\\"
    pieces[#pieces + 1] = escaped and double_escape(text, at + 1) or byte
    at = at + (escaped and 2 or 1)
  end
  return nil, '" without its end'
end

local function opening(text, at)
  if text:find("^%$'", at) then return quotes.ansi, at + 2 end
  if text:find("^'", at) then return quotes.single, at + 1 end
  if text:find('^"', at) then return quotes.double, at + 1 end
  return nil
end

local function escaped(text, at)
  local byte = text:match("^\r?(\n)", at) or text:sub(at, at)
  return byte == "\n" and "" or byte
end

-- The next piece of a word that has begun, and the position behind it.
local function read_piece(text, at)
  local read, inside = opening(text, at)
  if read then return read(text, inside) end
  if text:find("^\\", at) then
    local width = text:find("^\r\n", at + 1) and 3 or 2
    return escaped(text, at + 1), at + width
  end
  if text:find("^[;|&<>()]", at) then return nil, "more than one command" end
  if text:find("^`", at) or text:find(EXPANDED, at) then return nil, REPLACED end
  local plain = text:match("^%$", at) or text:match("^[^%s\\'\"`$;|&<>()]+", at)
  return plain, at + #plain
end

local function read_word(text, at)
  local pieces = {}
  while at <= #text and not text:find("^%s", at) do
    local piece, behind = read_piece(text, at)
    if not piece then return nil, ("%s at position %d"):format(behind, at) end
    pieces[#pieces + 1], at = piece, behind
  end
  return table.concat(pieces), at
end

-- Blanks, and lines that go on.
local function skip(text, at)
  while true do
    local behind = text:match("^%s+()", at) or text:match("^\\\r?\n()", at)
    if not behind then return at end
    at = behind
  end
end

--- Splits a command line.
---@param text string
---@return string[]|nil words
---@return string|nil message with a position
function shellwords.split(text)
  local words, at = {}, skip(text, 1)
  while at <= #text do
    local word, behind = read_word(text, at)
    if not word then return nil, behind end
    words[#words + 1], at = word, skip(text, behind)
  end
  return words
end

return shellwords
