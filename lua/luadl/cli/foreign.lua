--- What someone meant who typed another download tool's words, and luadl's own ones for it.
-- SPDX-License-Identifier: MIT

local words = require("luadl.cli.foreign.words")

local foreign = {}

local exact, prefixes = {}, {}
for _, row in ipairs(words) do
  for word in row[2]:gmatch("%S+") do
    local prefix = word:match("^(.*)%*$")
    if prefix then prefixes[#prefixes + 1] = { prefix, row[1] } else exact[word] = row[1] end
  end
end

local function known(word)
  if exact[word] then return exact[word] end
  for _, row in ipairs(prefixes) do
    if word:sub(1, #row[1]) == row[1] then return row[2] end
  end
  return nil
end

local function find(argv, pattern)
  for _, typed in ipairs(argv) do
    local found = typed:match(pattern)
    if found then return typed, found end
  end
  return nil
end

-- The word before one, that the parser may have split off from it.
local function before(word, argv)
  for index, each in ipairs(argv or {}) do
    if each == word then return argv[index - 1] or "" end
  end
  return ""
end

local RANGES = "luadl takes ranges from a first to a last byte: 0-99"

-- "-k1M" is aria2's smallest piece; to us -k takes no argument and the rest is a riddle. Others
-- take -1 for no limit.
local function of_number(word, argv)
  if not word:match("^%-[%d.]$") then return nil end
  local typed, size = find(argv, "^%-k(%d.*)$")
  if typed then return typed, ("use --min-split %s"):format(size) end
  typed = find(argv, "^(%" .. word .. "%d*)$")
  local option = typed and before(typed, argv) or ""
  if option == "--range" then return typed, RANGES end
  if not option:find("^%-%-") then return nil end
  return typed, ("'%s' takes nothing below 0"):format(option)
end

local SILENCE = "-s is for scripts here; use -q for silence, and -o - for standard output"

-- In "-fsSL" the first letter is the least of what has to be said.
local function of_silence(word, argv)
  local typed = find(argv, "^%-[fLSO#k]*s[fLSOI#k]*$")
  if typed and typed:find(word:sub(2), 1, true) then return typed, SILENCE end
  return nil
end

--- What to write instead of an option that luadl doesn't have.
---@param word string as the parser met it, such as "-s" of "-s16"
---@param argv string[] the whole command line
---@return string|nil word as the user typed it
---@return string|nil advice
function foreign.advice(word, argv)
  local typed, advice = of_number(word, argv)
  if not typed then typed, advice = of_silence(word, argv) end
  if typed then return typed, advice end
  advice = known(word)
  if not advice then return nil end
  return word, advice
end

local MISSING = {
  ["-d"] = "a folder; what is sent is --data TEXT",
  ["-i"] = "a list; --info shows what the server says",
  ["-n"] = "a number of connections; --netrc logs in as ~/.netrc says",
  ["-s"] = "a script; -q is silence",
  ["-x"] = "a proxy",
}

--- What an option takes of which other tools have one without an argument.
---@param word string
---@return string|nil
function foreign.missing(word)
  return MISSING[word]
end

local HOST = "^[%w-]+[.:][%w.:-]*/"
local NO_PEERS = "luadl has neither BitTorrent nor Metalink"

--- What someone meant who left among the URLs a bare number, the argument of such an option, a
--- list, or a word for the help.
---@param word string
---@param argv string[]|nil the whole command line
---@return string|nil advice
function foreign.bare(word, argv)
  local previous = before(word, argv)
  if word == "help" then return "use --help" end
  if previous:find("^%-%w*O$") and not word:find(HOST) then return ("use -o %s"):format(word) end
  if previous:find("^%-%w*c$") then return ("use --save-cookies %s"):format(word) end
  if word:find("^magnet:") or word:find("%.torrent$") or word:find("%.metalink$")
    or word:find("%.meta4$") then
    return NO_PEERS
  end
  if word:match("^%d+$") then return ("use -n %s for connections"):format(word) end
  if word:match("^%d+[KMGkmg]i?[Bb]?$") then
    return ("use --min-split %s for pieces"):format(word)
  end
  if word:find("^[{%[]") then return "use --data TEXT for what is to be sent" end
  if word:find("^[^/:]+%.txt$") then
    return ("use -i %s for a list, or https://%s"):format(word, word)
  end
  return nil
end

local MIRRORS = "each of these URLs is a download of its own; mirrors of one file stand on one line"
  .. " of a list (-i), with a tab between"

--- What someone has to know to whom several URLs are mirrors of one file, as to aria2.
---@param urls string[]
---@return string|nil notice
function foreign.mirrors(urls)
  local seen, wanted = {}, nil
  for _, url in ipairs(urls) do
    local host, path = url:match("^%a[%w+.-]*://([^/?#]*)([^?#]*)")
    local name = path and path:match("[^/]+$")
    wanted = wanted or name
    if not name or name ~= wanted or seen[host] then return nil end
    seen[host] = true
  end
  return #urls > 1 and MIRRORS or nil
end

local function is_short(letter, raw, argv)
  for index, word in ipairs(argv) do
    if word == letter .. raw or (word == letter and argv[index + 1] == raw) then return true end
  end
  return false
end

-- With a method, but nothing for it to send.
local function is_sending(argv)
  return find(argv, "^%-X.*") and not find(argv, "^%-%-data.*")
end

local SENT = "what is to be sent is --data here, and -d a folder (--dir)"

local values = {}

-- curl's -d: what is meant for a server would become a folder's name, and be asked for with GET.
function values.dir(raw, argv)
  if raw:find("://", 1, true) then return "expected a folder, got a URL" end
  local is_data = raw:find("^@") or raw:find("^[^/]*=") or raw:find("^%s*[{%[<]")
    or (is_sending(argv) and not raw:find("/", 1, true))
  return is_data and is_short("-d", raw, argv) and SENT or nil
end

function values.connections(raw)
  if raw:find("^%d") then return nil end
  if raw:find("://", 1, true) then
    return "expected a number; --netrc logs in as ~/.netrc says"
  end
  if raw == "p" then return "expected a number; luadl doesn't follow links into pages" end
  return nil
end

function values.input_file(list)
  for _, name in ipairs(list) do
    if name:find("^%a[%w+.-]*://") then
      return "a list is a file, or - for standard input; --info shows what the server says"
    end
  end
  return nil
end

function values.write_out(raw)
  if not raw:find("^%d+$") then return nil end
  return "a format has variables, like '%{http_code}'; --rate 30/min makes pauses"
end

function values.progress(raw)
  if raw:find("^bar:") then return "use --progress bar" end
  if raw:find("^dot") then return "use --progress line" end
  return nil
end

--- What is wrong with an option's value that makes sense in another tool alone.
---@param name string of luadl's own option
---@param raw any as typed
---@param argv string[] the whole command line
---@return string|nil message
function foreign.value(name, raw, argv)
  return values[name] and values[name](raw, argv)
end

return foreign
