--- Folders by rule: "video=*.mp4,video/*,@*.example.org" puts what one of these fits into video.
-- SPDX-License-Identifier: MIT
--
-- A pattern with a "/" is for the media type, one that begins with "@" for the host, others are for
-- the name; "*" is any text, "?" one byte, and case doesn't count. The first rule that fits is the
-- one that counts.

local text = require("luadl.text")

local category = {}

---@class luadl.category.facts
---@field name string
---@field type string? media type, without parameters
---@field host string?

-- What stands between the stars, each as a pattern of Lua's that takes so many bytes.
local function read_wildcard(wildcard)
  local pieces = {}
  for piece in (wildcard:lower() .. "*"):gmatch("([^*]*)%*") do
    local pattern = piece:gsub("%p", "%%%0"):gsub("%%%?", ".")
    pieces[#pieces + 1] = { pattern = pattern, size = #piece }
  end
  return pieces
end

-- Each piece as early as possible, the last one at the end: a server's name isn't tried again and
-- again, however many stars there are.
local function is_like(fact, pieces)
  local last = pieces[#pieces]
  local _, behind = fact:find("^" .. pieces[1].pattern)
  if #pieces == 1 then return behind == #fact end
  for index = 2, #pieces - 1 do
    if behind then _, behind = fact:find(pieces[index].pattern, behind + 1) end
  end
  local tail = #fact - last.size
  return behind ~= nil and tail >= behind and fact:find("^" .. last.pattern, tail + 1) ~= nil
end

local function read_pattern(word)
  if word:find("^@.") then return { fact = "host", pieces = read_wildcard(word:sub(2)) } end
  return { fact = word:find("/", 1, true) and "type" or "name", pieces = read_wildcard(word) }
end

-- An address of IPv6 has several colons.
local function check_host(word)
  local is_more = word:find("^@[^:]*:[^:]*$") or word:find("^@%[.*%]:") or word:find("^@.*/")
  if not is_more then return true end
  return nil, ("a host stands in a rule without scheme, port and path, not as '%s'"):format(word)
end

local function check_folder(rule)
  local folder = rule.folder
  if not folder:find("^/") and not ("/" .. folder .. "/"):find("/../", 1, true) then return rule end
  return nil, ("the folder '%s' isn't below that of the downloads"):format(folder)
end

local function read_rule(given)
  local folder, words = given:match("^([^=]+)=(.+)$")
  local rule = { folder = text.trim(folder or "") }
  for word in (words or ""):gmatch("[^,]+") do
    local ok, message = check_host(text.trim(word))
    if not ok then return nil, message end
    if word:find("%S") then rule[#rule + 1] = read_pattern(text.trim(word)) end
  end
  if rule.folder ~= "" and rule[1] then return check_folder(rule) end
  return nil, ("expected FOLDER=PATTERN,..., like 'video=*.mp4,*.mkv', got '%s'"):format(given)
end

--- Reads rules.
---@param list string[]
---@return table[]|nil rules
---@return string|nil message
function category.read(list)
  local rules = {}
  for index, given in ipairs(list) do
    local rule, message = read_rule(given)
    if not rule then return nil, message end
    rules[index] = rule
  end
  return rules
end

local function fits(rule, facts)
  for _, each in ipairs(rule) do
    local fact = facts[each.fact]
    if fact and is_like(fact:lower(), each.pieces) then return true end
  end
  return false
end

--- The folder for a file, or nil when no rule fits.
---@param rules table[]
---@param facts luadl.category.facts
---@return string|nil
function category.folder(rules, facts)
  for _, rule in ipairs(rules) do
    if fits(rule, facts) then return rule.folder end
  end
  return nil
end

return category
