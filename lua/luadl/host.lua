--- What is known of each host: how many connections it bears, and until when it wants peace.
-- SPDX-License-Identifier: MIT
--
-- Pure: the clock is handed in. Only hosts that complained are remembered.

local host = {}

local methods = {}
local metatable = { __name = "luadl.host", __index = methods }

local RAMP = 30 -- seconds until one more connection is tried
local BURST = 1 -- seconds within which refusals are one sign: they were all on their way together

--- Nothing is known yet.
---@param now fun(): number monotonic seconds
function host.new(now)
  return setmetatable({ now = now, known = {} }, metatable)
end

local function entry(self, origin)
  local known = self.known[origin]
  if not known then
    known = { penalty_until = -math.huge, changed_at = -math.huge }
    self.known[origin] = known
  end
  return known
end

local function grown(known, now)
  return known.limit + math.floor((now - known.changed_at) / RAMP)
end

--- Whom a URL belongs to: its scheme, host and port as they are written there.
---@param url string without credentials
---@return string
function host.origin(url)
  return (url:match("^(%a[%w+.-]*://[^/?#]*)") or url):lower()
end

--- How many connections to open, of `wanted`: the learned limit, one more for every quiet 30 s.
---@param origin string
---@param wanted integer
---@return integer
function methods:limit(origin, wanted)
  local known = self.known[origin]
  if not known or not known.limit then return wanted end
  return math.max(1, math.min(wanted, grown(known, self.now())))
end

--- The host refused a connection: half of what is in use is its new limit.
---@param origin string
---@param in_use integer connections to it when it refused
---@param retry_after number|nil seconds
function methods:failed(origin, in_use, retry_after)
  local known, now = entry(self, origin), self.now()
  if retry_after then self:wait(origin, retry_after) end
  if now - known.changed_at < BURST then return end
  known.limit = math.max(1, math.floor(self:limit(origin, in_use) / 2))
  known.changed_at = now
end

--- The host wants peace for so long.
---@param origin string
---@param seconds number
function methods:wait(origin, seconds)
  local known = entry(self, origin)
  known.penalty_until = math.max(known.penalty_until, self.now() + seconds)
end

--- Seconds until the host may be asked again; 0 when it may be now.
---@param origin string
---@return number
function methods:delay(origin)
  local known = self.known[origin]
  if not known then return 0 end
  return math.max(0, known.penalty_until - self.now())
end

return host
