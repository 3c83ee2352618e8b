--- A curl command line, as browsers copy it, as options of a download.
-- SPDX-License-Identifier: MIT
--
-- What changes the request is taken over or refused, what has no meaning here is passed over, and
-- of what may matter but has no word of luadl's there is a warning. No file is read: `-d @file` and
-- the like are refused.

local errors = require("luadl.errors")
local known = require("luadl.curlline.known")
local nearest = require("luadl.options.nearest")
local options = require("luadl.options")
local shellwords = require("luadl.shellwords")
local text = require("luadl.text")

local curlline = {}

local FLAGS, SHORT, VALUES = known.FLAGS, known.SHORT, known.VALUES

-- Walking over the words

local function apply(import, shown, name, value)
  import.shown = shown
  local read = VALUES[name] or FLAGS[name]
  local message = read(import, value)
  return message and ("curl's option '%s': %s"):format(shown, message)
end

local function unknown(shown, name)
  local names = {}
  for _, set_of in ipairs({ VALUES, FLAGS }) do
    for each in pairs(set_of) do names[#names + 1] = each end
  end
  table.sort(names)
  local meant = nearest.word(name, names)
  return ("curl's option '%s' is unknown here%s"):format(text.clean((shown:gsub("=.*$", "=..."))),
    meant and (": did you mean '--%s'?"):format(meant) or "")
end

local function take_named(import, words, shown, name)
  if FLAGS[name] then return apply(import, shown, name) end
  if not VALUES[name] then return unknown(shown, name) end
  local value = table.remove(words, 1)
  if not value then return ("curl's option '%s' needs a value"):format(shown) end
  return apply(import, shown, name, value)
end

-- "-sSLo", and the value of the last one glued to it or in the next word.
local function take_short(import, words, letters)
  while letters ~= "" do
    local letter = letters:sub(1, 1)
    local name, shown = SHORT[letter], "-" .. letter
    letters = letters:sub(2)
    if not name then return unknown(shown, shown) end
    if VALUES[name] and letters ~= "" then return apply(import, shown, name, letters) end
    local message = take_named(import, words, shown, name)
    if message then return message end
  end
  return nil
end

local function take_url(import, word)
  return apply(import, errors.redact_url(word), "url", word)
end

local function take_word(import, words, word)
  if import.only_urls then return take_url(import, word) end
  if word == "--" then
    import.only_urls = true
    return nil
  end
  if word:find("^%-%-") then return take_named(import, words, word, word:sub(3)) end
  if word:find("^%-.") then return take_short(import, words, word:sub(2)) end
  return take_url(import, word)
end

local function take_words(import, words)
  while words[1] do
    local message = take_word(import, words, table.remove(words, 1))
    if message then return message end
  end
  return nil
end

-- Together

local FORM = "application/x-www-form-urlencoded"

local function has_header(import, wanted)
  for _, header in ipairs(import.headers) do
    if header[1]:lower() == wanted then return true end
  end
  return false
end

local function put_type(import, kind)
  if not has_header(import, "content-type") then
    table.insert(import.headers, { "Content-Type", kind })
  end
  if import.is_json and not has_header(import, "accept") then
    table.insert(import.headers, { "Accept", "application/json" })
  end
end

local function append_query(url, query)
  local before, fragment = url:match("^([^#]*)(.*)$")
  return before .. (before:find("?", 1, true) and "&" or "?") .. query .. fragment
end

local function finish(import)
  local opts = import.opts
  local data = import.data[1] and table.concat(import.data, import.is_json and "" or "&")
  if data and import.as_query then
    opts.url = append_query(opts.url, data)
  elseif data then
    opts.body = data
    put_type(import, import.is_json and "application/json" or FORM)
  end
  if opts.method == "GET" and not opts.body then opts.method = nil end
  if opts.method == "HEAD" then return nil, "curl's option '-X HEAD': use --info" end
  if import.headers[1] then opts.headers = import.headers end
  local _, message = options.read(opts, "download")
  if message then return nil, message end
  return opts, import.warnings
end

local function warn(import, message)
  table.insert(import.warnings, ("curl's option '%s': %s"):format(import.shown, message))
  return nil
end

local BEGINNING = "expected a command that begins with 'curl'"
local FOR_WINDOWS = "it was copied for cmd.exe: copy it for bash"

--- Reads a command line.
---@param line string
---@return luadl.options.download|nil opts
---@return string|string[] message what is wrong; of opts: warnings
function curlline.read(line)
  if line:find('^%s*curl%S* +%^"') then return nil, FOR_WINDOWS end
  local words, message = shellwords.split(line)
  if not words then return nil, message end
  if not (table.remove(words, 1) or ""):find("^[%w%p]-%f[%w]curl%f[^%w]%S*$") then
    return nil, BEGINNING
  end
  local import = { opts = {}, headers = {}, data = {}, warnings = {}, warn = warn }
  message = take_words(import, words)
  if message then return nil, message end
  if not import.opts.url then return nil, "it names no URL" end
  return finish(import)
end

return curlline
