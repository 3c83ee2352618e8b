--- Sizes and times as people write them: "16M" and "1m30s" to numbers, and back.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local units = {}

-- Binary throughout: "16M" means what `min_split` and the page cache mean by it.
local SIZES = { [""] = 1, k = 2 ^ 10, m = 2 ^ 20, g = 2 ^ 30, t = 2 ^ 40 }
local SIZE_NAMES = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }
local SIZE_END = 2 ^ 63

local TIMES = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }
local TIME_NAMES = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } }

local function bad(what, value)
  local shown = type(value) == "string" and ("'%s'"):format(value) or tostring(value)
  return nil, errors.new("usage", ("%s is not %s"):format(shown, what))
end

local function is_amount(number)
  return number and number >= 0 and number < math.huge
end

local function to_size(number, multiplier)
  if not is_amount(number) or number * (multiplier + 0.0) >= SIZE_END then return nil end
  -- Whole numbers stay integers all the way: a double is exact to 2^53 only.
  if math.floor(number) == number then number = math.floor(number) end
  return math.floor(number * math.floor(multiplier))
end

--- Bytes from a number or from text such as "16M", "1.5G", "64KiB", "100B" (binary units).
---@param value string|number
---@return integer? bytes
---@return luadl.error? err kind "usage"
function units.bytes(value)
  local size
  if type(value) == "number" then
    size = math.floor(value) == value and to_size(value, 1)
  elseif type(value) == "string" then
    local digits, unit, rest = value:lower():match("^%s*(%d*%.?%d*)%s*([kmgt]?)(i?b?)%s*$")
    local number = digits and rest ~= "i" and not (unit == "" and rest == "ib") and tonumber(digits)
    local whole = number and (unit ~= "" or math.floor(number) == number)
    size = whole and to_size(number, SIZES[unit])
  end
  if not size then return bad("a size (such as 65536, 64K, 1.5G)", value) end
  return size
end

-- Parts go from the largest unit to the smallest, as in "1h30m": anything else is a slip.
local function seconds_of(text)
  local total, smallest, at = 0, math.huge, 1
  while at <= #text do
    local digits, unit, after = text:match("^(%d*%.?%d*)(%a+)%s*()", at)
    local number, length = tonumber(digits), TIMES[unit]
    if not number or not length or length >= smallest then return nil end
    total, smallest, at = total + number * length, length, after
  end
  return smallest < math.huge and total or nil
end

--- Seconds from a number or from text such as "90", "1m30s", "500ms", "2h", "1d".
---@param value string|number
---@return number? seconds
---@return luadl.error? err kind "usage"
function units.duration(value)
  local seconds
  if type(value) == "number" then
    seconds = value
  elseif type(value) == "string" then
    local text = value:lower():match("^%s*(.*)$")
    local plain = text:match("^(%d*%.?%d*)%s*$")
    seconds = plain and tonumber(plain) or seconds_of(text)
  end
  if not is_amount(seconds) then return bad("a time (such as 30, 1m30s, 500ms)", value) end
  return seconds
end

--- "1.5 GiB"; one decimal, so that a column of sizes doesn't jump.
---@param bytes number
---@return string
function units.format_bytes(bytes)
  if bytes < 1024 then return ("%d B"):format(math.floor(bytes)) end
  local unit = 0
  repeat
    bytes, unit = bytes / 1024, unit + 1
  until bytes < 1023.95 or unit == #SIZE_NAMES -- what would print as 1024.0 is 1.0 of the next
  return ("%.1f %s"):format(bytes, SIZE_NAMES[unit])
end

--- "1.5 MiB/s"
---@param bytes_per_second number
---@return string
function units.format_rate(bytes_per_second)
  return units.format_bytes(bytes_per_second) .. "/s"
end

local function format_long(seconds)
  for index, unit in ipairs(TIME_NAMES) do
    local name, length = unit[1], unit[2]
    if seconds >= length then
      local text = ("%d%s"):format(math.floor(seconds / length), name)
      local below = TIME_NAMES[index + 1]
      local rest = below and math.floor(seconds % length / below[2]) or 0
      return rest > 0 and ("%s%d%s"):format(text, rest, below[1]) or text
    end
  end
end

--- "1m30s": the two largest units, which `duration` reads back; "?" for what is not finite.
---@param seconds number
---@return string
function units.format_duration(seconds)
  if not is_amount(seconds) then return "?" end
  local milliseconds = math.floor(seconds * 1000 + 0.5)
  if milliseconds == 0 then return "0s" end
  if milliseconds < 1000 then return ("%dms"):format(milliseconds) end
  if seconds < 9.95 then return (("%.1fs"):format(seconds):gsub("%.0s", "s")) end
  return format_long(math.floor(seconds + 0.5))
end

return units
