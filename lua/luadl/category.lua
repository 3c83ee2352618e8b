--- Folders by rule: "video=*.mp4,video/*,@*.example.org" puts what one of these fits into video.
-- SPDX-License-Identifier: MIT
--
-- A pattern with a "/" is for the media type, one that begins with "@" for the host, others are for
-- the name; "*" is any text, "?" one byte, and case doesn't count. The first rule that fits is the
-- one that counts.

local category = {}

---@class luadl.category.facts
---@field name string
---@field type string? media type, without parameters
---@field host string?

local function as_pattern(wildcard)
  local escaped = wildcard:lower():gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0")
  return "^" .. escaped:gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

local function read_pattern(word)
  if word:find("^@.") then return { fact = "host", pattern = as_pattern(word:sub(2)) } end
  return { fact = word:find("/", 1, true) and "type" or "name", pattern = as_pattern(word) }
end

local function check_folder(folder)
  local below = not folder:find("^/") and not ("/" .. folder .. "/"):find("/../", 1, true)
  return below or nil, ("the folder '%s' isn't below that of the downloads"):format(folder)
end

local function read_rule(text)
  local folder, words = text:match("^([^=]+)=(.+)$")
  if not folder then
    return nil, ("expected FOLDER=PATTERN,..., like 'video=*.mp4,*.mkv', got '%s'"):format(text)
  end
  local ok, message = check_folder(folder)
  if not ok then return nil, message end
  local rule = { folder = folder }
  for word in words:gmatch("[^,]+") do rule[#rule + 1] = read_pattern(word) end
  return rule
end

--- Reads rules.
---@param list string[]
---@return table[]|nil rules
---@return string|nil message
function category.read(list)
  local rules = {}
  for index, text in ipairs(list) do
    local rule, message = read_rule(text)
    if not rule then return nil, message end
    rules[index] = rule
  end
  return rules
end

local function fits(rule, facts)
  for _, each in ipairs(rule) do
    local fact = facts[each.fact]
    if fact and fact:lower():find(each.pattern) then return true end
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
