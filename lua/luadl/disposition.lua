--- Content-Disposition (RFC 6266, RFC 8187): the file name that a server suggests.
-- SPDX-License-Identifier: MIT
--
-- One pass with a cursor cuts the value into parameters; four readers then look for a name, from
-- the most explicit form to the least. Servers break every rule of the grammar, so the scanner
-- never fails: it takes what can only be meant. Each step is linear in the length of the value,
-- which is hostile input. The name that comes out is valid UTF-8 and nothing more: luadl.filename
-- makes it safe.

local trim = require("luadl.text").trim

local disposition = {}

---@class luadl.disposition
---@field type string? lower case
---@field filename string? UTF-8, not yet safe
---@field source "filename*"|"filename"|nil
---@field parameters table<string, string> the first of each name (lower case), as it was sent

--- Bytes of a charset as UTF-8, or nil.
---@alias luadl.decode fun(charset: string, bytes: string): string?

-- Text ------------------------------------------------------------------------------------------

-- Well-formed UTF-8, RFC 3629 section 4: no overlong forms, no surrogates, nothing past U+10FFFF.
local UTF8_SEQUENCES = {
  "^[^\128-\255]+()",
  "^[\194-\223][\128-\191]()",
  "^\224[\160-\191][\128-\191]()",
  "^[\225-\236\238\239][\128-\191][\128-\191]()",
  "^\237[\128-\159][\128-\191]()",
  "^\240[\144-\191][\128-\191][\128-\191]()",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]()",
  "^\244[\128-\143][\128-\191][\128-\191]()",
}

local function after_sequence(text, at)
  for _, pattern in ipairs(UTF8_SEQUENCES) do
    local after = text:match(pattern, at)
    if after then return after end
  end
end

local function is_utf8(text)
  local at = 1
  while at and at <= #text do at = after_sequence(text, at) end
  return at ~= nil
end

local function from_latin1(bytes)
  return (bytes:gsub("[\128-\255]", function(char)
    local code = char:byte()
    return string.char(192 + math.floor(code / 64), 128 + code % 64)
  end))
end

--- Bytes of an unknown charset as UTF-8: what they are if they are valid, else Latin-1.
---@param bytes string
---@return string
function disposition.to_utf8(bytes)
  if not bytes:find("[\128-\255]") then return bytes end
  return is_utf8(bytes) and bytes or from_latin1(bytes)
end

--- Percent-decodes once (RFC 3986, section 2.1); a malformed escape stays as it is.
---@param text string
---@return string decoded
---@return boolean clean no malformed escape was seen
function disposition.percent_decode(text)
  if not text:find("%", 1, true) then return text, true end
  local _, percents = text:gsub("%%", "")
  local decoded, escapes = text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  return decoded, escapes == percents
end

local function utf8_or_nil(bytes)
  return is_utf8(bytes) and bytes or nil
end

local function ascii_or_nil(bytes)
  return not bytes:find("[\128-\255]") and bytes or nil
end

local CHARSETS = {
  ["utf-8"] = utf8_or_nil,
  ["utf8"] = utf8_or_nil,
  ["us-ascii"] = ascii_or_nil,
  ["ascii"] = ascii_or_nil,
  ["iso-8859-1"] = from_latin1,
  ["latin1"] = from_latin1,
}

-- The charsets of RFC 8187 are always decoded here, strictly; the given function gets the others.
local function converter(decode)
  return function(charset, bytes)
    local known = CHARSETS[charset:lower()]
    if known then return known(bytes) end
    local text = decode and decode(charset, bytes)
    return text and utf8_or_nil(text)
  end
end

-- Encoded words (RFC 2047) -----------------------------------------------------------------------
-- They have no place in a parameter, but mail libraries put them there.

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function from_base64(text)
  local bytes, held, bits = {}, 0, 0
  for char in text:gmatch("[%w+/]") do
    held, bits = held * 64 + BASE64:find(char, 1, true) - 1, bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(math.floor(held / 2 ^ bits))
      held = held % 2 ^ bits
    end
  end
  return table.concat(bytes)
end

local function from_quoted_printable(text)
  return (text:gsub("_", " "):gsub("=(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local ENCODINGS = { b = from_base64, q = from_quoted_printable }
local WORD = "^(.-)(=%?([^?]+)%?([BbQq])%?([^?]*)%?=)()"

-- Adjacent words of one charset are one: real senders split them inside a character.
local function add_word(pieces, charset, bytes, raw)
  local last = pieces[#pieces]
  if last and last.charset == charset then
    last.bytes, last.raw = last.bytes .. bytes, last.raw .. raw
  else
    pieces[#pieces + 1] = { charset = charset, bytes = bytes, raw = raw }
  end
end

local function add_literal(pieces, bytes)
  if bytes ~= "" then pieces[#pieces + 1] = { raw = bytes } end
end

local function split_words(text)
  local pieces, at = {}, 1
  while true do
    local before, raw, charset, encoding, encoded, after = text:match(WORD, at)
    if not before then break end
    local between = at > 1 and before:find("^%s*$") -- section 6.2: not part of the text
    if not between then add_literal(pieces, before) end
    charset = charset:lower():match("^[^*]*") -- without RFC 2231's language
    add_word(pieces, charset, ENCODINGS[encoding:lower()](encoded), raw)
    at = after
  end
  if at > 1 then add_literal(pieces, text:sub(at)) end
  return pieces
end

local function decode_words(text, decode)
  local pieces = split_words(text)
  for index, piece in ipairs(pieces) do
    local decoded = piece.charset and decode(piece.charset, piece.bytes)
    pieces[index] = decoded or disposition.to_utf8(piece.raw)
  end
  return #pieces > 0 and table.concat(pieces) or nil
end

-- Scanning ----------------------------------------------------------------------------------------

-- More than these in a name are an attack: each of them could be searched for to the very end.
local INNER_QUOTES_MAX = 8

-- The quote that ends a quoted-string: one before a delimiter. A quote elsewhere is taken as part
-- of the name, unless no better one comes.
local function closing_quote(value, at, backslash_escapes)
  local first, quotes = nil, 0
  while quotes <= INNER_QUOTES_MAX do
    local mark = value:find(first and '[\\";]' or '[\\"]', at)
    local char = mark and value:sub(mark, mark)
    if not mark or char == ";" then return first end
    if char == '"' then
      if value:find("^%s*[;,]", mark + 1) or value:find("^%s*$", mark + 1) then return mark end
      first, quotes = first or mark, quotes + 1
    end
    at = mark + (char == "\\" and backslash_escapes and 2 or 1)
  end
  return first
end

-- A quoted-string (RFC 9110, section 5.6.4). Old IE sends its whole path with single backslashes:
-- there they separate, and escape nothing.
local function scan_quoted(value, at)
  local is_path = value:find("^%a:\\", at) or value:find("^\\\\", at)
  local stop = closing_quote(value, at, not is_path)
  if not stop then return nil end
  local text = value:sub(at, stop - 1)
  return is_path and text or text:gsub("\\(.)", "%1"), stop + 1
end

-- A value without quotes, or with only one of them; it may hold spaces.
local function scan_bare(value, at)
  local text, after = value:match("^([^;]*)()", at)
  text = trim(text)
  local inner = text:match("^'(.+)'$") or text:match('^"([^"]*)$') or text:match('^([^"]*)"$')
  return inner and trim(inner) or text, after
end

local function scan_value(value, at)
  local opening = value:match('^%s*"()', at)
  if opening then
    local text, after = scan_quoted(value, opening)
    if text then return text, after end
  end
  return scan_bare(value, at)
end

-- What stands before a `=`: a name, behind other words if a delimiter was forgotten.
local function split_label(label)
  local words, name = label:match("^(.*[%s,])([^%s,]+)$")
  return name or label, words or ""
end

-- The list of { name, text }, and the words in front of the first of them.
local function scan(value)
  local list, lead, at = {}, nil, 1
  while at <= #value do
    local label, mark, after = value:match("^([^=;]*)([=;]?)()", at)
    local name, words = split_label(trim(label):lower())
    if mark == "=" then
      local text
      text, after = scan_value(value, after)
      list[#list + 1] = { name = name, text = text }
    end
    lead = lead or (mark == "=" and words or label)
    at = after
  end
  return list, lead or ""
end

-- Reading -----------------------------------------------------------------------------------------

-- ext-value (RFC 8187, section 3.2.1): charset'language'bytes. Quotes around the last are common.
local function split_extended(text)
  local charset, rest = text:match("^([%w%-_.:+]+)'[^']*'(.*)$")
  return charset, charset and (rest:match('^"(.*)"$') or rest)
end

local function read_extended(list, decode)
  for _, parameter in ipairs(list) do
    local charset, rest = split_extended(parameter.text)
    if parameter.name == "filename*" and charset then
      local bytes, clean = disposition.percent_decode(rest)
      local text = clean and decode(charset, bytes)
      if text and text ~= "" then return text end
    end
  end
end

local function continuation_parts(list)
  local parts = {}
  for _, parameter in ipairs(list) do
    local index, star = parameter.name:match("^filename%*(%d+)(%*?)$")
    index = tonumber(index)
    if index and not parts[index] then
      parts[index] = { text = parameter.text, extended = star == "*" }
    end
  end
  return parts
end

-- RFC 2231, section 3: filename*0*=charset'language'..., filename*1=..., joined before the charset.
local function read_continued(list, decode)
  local parts, bytes, charset = continuation_parts(list), {}, nil
  if parts[0] and parts[0].extended then
    charset, parts[0].text = split_extended(parts[0].text)
    if not charset then return nil end
  end
  local index = 0
  while parts[index] do
    local part = parts[index]
    bytes[#bytes + 1] = part.extended and disposition.percent_decode(part.text) or part.text
    index = index + 1
  end
  local joined = table.concat(bytes)
  if charset then return decode(charset, joined) end
  return decode_words(joined, decode) or disposition.to_utf8(joined)
end

-- Not in the RFC, but browsers decode escapes here and so servers send them. Only where nothing
-- contradicts: "50% off.txt" means what it says.
local function unescaped(text)
  if not text:find("%%") or not ascii_or_nil(text) then return nil end
  local decoded, clean = disposition.percent_decode(text)
  return clean and utf8_or_nil(decoded)
end

local function read_plain(list, decode)
  for _, parameter in ipairs(list) do
    local text = parameter.text
    if parameter.name == "filename" and text ~= "" then
      return decode_words(text, decode) or unescaped(text) or disposition.to_utf8(text)
    end
  end
end

-- The last resort: filename* without charset, with an unknown one, or with broken escapes.
local function read_broken(list)
  for _, parameter in ipairs(list) do
    if parameter.name == "filename*" then
      local decoded = disposition.percent_decode(parameter.text)
      return utf8_or_nil(decoded:match("^[%w%-_.:+]*'[^']*'(.*)$") or decoded)
    end
  end
end

local READERS = {
  { source = "filename*", read = read_extended },
  { source = "filename*", read = read_continued },
  { source = "filename", read = read_plain },
  { source = "filename*", read = read_broken },
}

local function first_of_each(list)
  local parameters = {}
  for _, parameter in ipairs(list) do
    parameters[parameter.name] = parameters[parameter.name] or parameter.text
  end
  return parameters
end

--- Reads the header's value. Any type counts, also none.
---@param value string?
---@param decode luadl.decode? for charsets other than UTF-8, ISO-8859-1 and US-ASCII
---@return luadl.disposition? nil when there is nothing in it
function disposition.parse(value, decode)
  if not value then return nil end
  local list, lead = scan(value)
  local kind = lead:lower():match('[^%s,"]+')
  if not kind and #list == 0 then return nil end
  local result = { type = kind, parameters = first_of_each(list) }
  local convert = converter(decode)
  for _, reader in ipairs(READERS) do
    local name = reader.read(list, convert)
    if name and name ~= "" then
      result.filename, result.source = name, reader.source
      break
    end
  end
  return result
end

return disposition
