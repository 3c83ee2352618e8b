--- The rate limits of a session, its hosts and its downloads, as the time of day wants them.
-- SPDX-License-Identifier: MIT
--
-- The engine holds the buckets; this tells it when a schedule says something else. The timer for
-- that keeps nothing alive: a session that is dropped is collected.

local schedule = require("luadl.schedule")

local limits = {}

local methods = {}
local metatable = { __name = "luadl.limits", __index = methods }

local SESSION, EACH_HOST = {}, {} -- keys beside the names of hosts

--- No limits yet.
---@param session luadl.session its engine, loop and downloads count
---@param date nil|fun(): table the local time as os.date("*t") has it
---@return luadl.limits
function limits.new(session, date)
  return setmetatable({
    session = session,
    date = date or function() return os.date("*t") end,
    plans = {}, -- by host, SESSION and EACH_HOST
    timer = nil,
  }, metatable)
end

local function apply(self, key, rate)
  local engine = self.session.engine
  if key == SESSION then return engine:limit(0, rate) end
  return engine:limit_host(key ~= EACH_HOST and key or nil, rate)
end

local refresh

-- At the earliest time that somebody wants.
local function look_again(self, seconds)
  local loop, timer = self.session.loop, self.timer
  if not seconds or (timer and timer.index and timer.at <= loop:now() + seconds) then return end
  if timer then loop:forget(timer) end
  local weak = setmetatable({ self }, { __mode = "v" })
  self.timer = loop:after(seconds, function()
    if weak[1] then refresh(weak[1]) end
  end)
end

local function sooner(one, other)
  return one and other and math.min(one, other) or one or other
end

local function refresh_downloads(self, time)
  local soonest
  for _, each in pairs(self.session.downloads) do
    local plan = each.opts and each.opts.file_limit_rate
    if plan and each.id then
      local rate, seconds = schedule.rate(plan, time)
      self.session.engine:limit(each.id, rate)
      soonest = sooner(soonest, seconds)
    end
  end
  return soonest
end

function refresh(self)
  local time = self.date()
  local soonest = refresh_downloads(self, time)
  for key, plan in pairs(self.plans) do
    local rate, seconds = schedule.rate(plan, time)
    apply(self, key, rate)
    soonest = sooner(soonest, seconds)
  end
  look_again(self, soonest)
end

local function set(self, key, plan)
  self.plans[key] = plan
  local rate, seconds = schedule.rate(plan, self.date())
  look_again(self, seconds)
  return apply(self, key, rate)
end

--- Of the session, or of a host.
---@param plan luadl.schedule
---@param host string|nil its name
---@return boolean|nil
---@return table|nil err the engine's
function methods:set(plan, host)
  return set(self, host and host:lower() or SESSION, plan)
end

--- Of each host that has none of its own.
---@param plan luadl.schedule
function methods:set_each_host(plan)
  return set(self, EACH_HOST, plan)
end

--- What a download may have now, which is looked after from now on.
---@param plan luadl.schedule|nil
---@return number|nil rate bytes per second; nil or 0: no limit
function methods:of_file(plan)
  if not plan then return nil end
  local rate, seconds = schedule.rate(plan, self.date())
  look_again(self, seconds)
  return rate
end

--- Looks after nothing any more.
function methods:close()
  if self.timer then self.session.loop:forget(self.timer) end
  self.timer = nil
end

return limits
