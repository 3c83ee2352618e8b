--- Rates that depend on the time of day: "09:00-18:00=2M,10M" to what holds now, and until when.
-- SPDX-License-Identifier: MIT
--
-- Pure: the local time is handed in. Nobody should trust an answer for longer than a minute:
-- clocks are set, machines sleep, and summer time begins and ends.

local units = require("luadl.units")

local schedule = {}

local rawlen = rawlen or function(list) return #list end -- Lua 5.1 asks no metamethod

local DAY = 86400 -- seconds
local LONGEST = 60 -- seconds that an answer holds at most
local DAYS = { sun = 1, mon = 2, tue = 3, wed = 4, thu = 5, fri = 6, sat = 7 } -- as os.date has it

local EXAMPLE = "a rate like '2M', or '09:00-18:00=2M,10M'"

-- Reading

local function read_rate(value)
  if value == "none" then return 0 end
  return units.bytes(type(value) == "string" and value:gsub("/[sS]$", "") or value)
end

local function read_time(text)
  local hours, minutes = text:match("^(%d%d?):(%d%d)$")
  hours, minutes = tonumber(hours), tonumber(minutes)
  local right = hours and minutes < 60 and hours * 60 + minutes <= 24 * 60
  return right and hours * 3600 + minutes * 60 or nil
end

-- "mon-fri" to { [2] = true, ... }; "fri-mon" goes over the weekend.
local function read_days(text)
  if text == "" then return nil end
  local first, last = text:match("^(%a+)%-(%a+)$")
  first, last = DAYS[first or text], DAYS[last or text]
  if not first or not last then return nil, ("'%s' names no days"):format(text) end
  local days, day = {}, first
  while day ~= last do
    days[day] = true
    day = day % 7 + 1
  end
  days[last] = true
  return days
end

-- Days alone are whole ones.
local function read_period(text)
  local whole = text:lower():gsub("^(%a[%a%-]*)%s*=", "%1 00:00-24:00=")
  local days_text, from_text, to_text, rate_text =
    whole:match("^([%a%-]*)%s*(%d+:%d+)%s*%-%s*(%d+:%d+)%s*=%s*(.-)$")
  if not from_text then return nil, ("'%s' is not %s"):format(text, EXAMPLE) end
  local from, to, rate = read_time(from_text), read_time(to_text), read_rate(rate_text)
  local days, wrong = read_days(days_text)
  if wrong then return nil, wrong end
  if not from or not to or from == to or from == DAY then
    return nil, ("'%s-%s' is no time of day"):format(from_text, to_text)
  end
  if not rate then return nil, ("'%s' is not a rate like '2M'"):format(rate_text) end
  return { days = days, from = from, to = to, rate = rate }
end

local function add(self, item)
  local text = type(item) == "string" and item:match("^%s*(.-)%s*$") or item
  if type(text) == "string" and text:find("=", 1, true) then
    local period, message = read_period(text)
    self.periods[#self.periods + 1] = period
    return period ~= nil, message
  end
  local rate = read_rate(text)
  if not rate then return false, ("'%s' is not %s"):format(tostring(item), EXAMPLE) end
  if self.plain then return false, "more than one rate holds at all other times" end
  self.plain = rate
  return true
end

local function items_of(value)
  local items = {}
  if type(value) == "string" then
    for item in (value .. ","):gmatch("(.-),") do items[#items + 1] = item end
    return items
  end
  if type(value) ~= "table" then return { value } end
  for index = 1, rawlen(value) do
    for _, item in ipairs(items_of(rawget(value, index))) do items[#items + 1] = item end
  end
  return items
end

--- Reads a rate or a schedule of rates: bytes per second, "2M", "none", "09:00-18:00=2M",
--- "mon-fri 22:00-06:00=none"; several with a comma between or in a list. Of the periods the first
--- that holds counts; the rate without a period counts when none does.
---@param value number|string|table
---@return luadl.schedule|nil
---@return string|nil message what is wrong
function schedule.read(value)
  if type(value) == "table" and rawget(value, "periods") then return value end -- was read before
  local self = { periods = {} }
  local items = items_of(value)
  if #items == 0 then return nil, "expected " .. EXAMPLE end
  for _, item in ipairs(items) do
    local ok, message = add(self, item)
    if not ok then return nil, message end
  end
  return self
end

-- What holds

-- After midnight a period counts to the day on which it began.
local function holds(period, time, seconds)
  local yesterday = (time.wday + 5) % 7 + 1
  local days, overnight = period.days, period.from > period.to
  local late = seconds >= period.from and (overnight or seconds < period.to)
  if late then return not days or days[time.wday] ~= nil end
  return overnight and seconds < period.to and (not days or days[yesterday] ~= nil)
end

local function next_change(self, seconds)
  local soonest = DAY - seconds
  for _, period in ipairs(self.periods) do
    for _, at in ipairs({ period.from, period.to }) do
      if at > seconds then soonest = math.min(soonest, at - seconds) end
    end
  end
  return math.min(soonest, LONGEST)
end

--- The rate that holds at this time of day, and for how many seconds at most; nil: for ever.
---@param self luadl.schedule
---@param time { wday: integer, hour: integer, min: integer, sec: integer } local, as os.date("*t")
---@return number rate bytes per second; 0: no limit
---@return number|nil seconds
function schedule.rate(self, time)
  local plain = self.plain or 0
  if not self.periods[1] then return plain, nil end
  local seconds = time.hour * 3600 + time.min * 60 + math.min(time.sec, 59) -- a leap second
  for _, period in ipairs(self.periods) do
    if holds(period, time, seconds) then return period.rate, next_change(self, seconds) end
  end
  return plain, next_change(self, seconds)
end

return schedule
