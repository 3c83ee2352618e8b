--- What is known of each host: who is at it, how many connections it bears in all, and until when
--- it wants peace.
-- SPDX-License-Identifier: MIT
--
-- Pure: the clock is handed in. Where nobody is, only hosts that complained are remembered.

local host = {}

local methods = {}
local metatable = { __name = "luadl.host", __index = methods }

local RAMP = 30 -- seconds until one more connection is tried
local BURST = 1 -- seconds within which refusals are one sign: they were all on their way together

--- Nothing is known yet.
---@param now fun(): number monotonic seconds
function host.new(now)
  return setmetatable({
    now = now,
    known = {}, -- of those that complained
    users = {}, -- by origin: { count =, set = }
    place = {}, -- by user: the origin
  }, metatable)
end

local function entry(self, origin)
  local known = self.known[origin]
  if not known then
    known = { penalty_until = -math.huge, changed_at = -math.huge }
    self.known[origin] = known
  end
  return known
end

-- Of all who are at it together.
local function tolerated(self, origin)
  local known = self.known[origin]
  if not known or not known.limit then return math.huge end
  return known.limit + math.floor((self.now() - known.changed_at) / RAMP)
end

local latest, latest_origin = "\0", "" -- most URLs of a list are of one origin

--- Whom a URL belongs to: its scheme, host and port as they are written there.
---@param url string without credentials
---@return string
function host.origin(url)
  if url:sub(1, #latest) == latest then return latest_origin end
  local origin, after = url:match("^(%a[%w+.-]*://[^/?#]*)(/?)")
  local lower = (origin or url):lower()
  if after == "/" then latest, latest_origin = origin .. "/", lower end
  return lower
end

--- Somebody is at this host now, and at no other.
---@param origin string
---@param user table
function methods:enter(origin, user)
  if self.place[user] then self:leave(user) end
  local users = self.users[origin] or { count = 0, set = {} }
  users.count, users.set[user] = users.count + 1, true
  self.users[origin], self.place[user] = users, origin
end

--- Is at no host any more.
---@param user table
function methods:leave(user)
  local origin = self.place[user]
  local users = origin and self.users[origin]
  if not users then return end
  users.count, users.set[user], self.place[user] = users.count - 1, nil, nil
  if users.count == 0 then self.users[origin] = nil end
end

--- All who are at this host, as keys.
---@param origin string
---@return table<table, boolean>
function methods:users_of(origin)
  local users = self.users[origin]
  return users and users.set or {}
end

--- How many connections one of its users may open, of `wanted`: an equal part of the learned limit,
--- which is one more for every quiet 30 s.
---@param origin string
---@param wanted integer
---@return integer
function methods:limit(origin, wanted)
  local most, users = tolerated(self, origin), self.users[origin]
  if most == math.huge then return wanted end
  return math.max(1, math.min(wanted, math.floor(most / (users and users.count or 1))))
end

--- The host refused a connection: half of what is in use is its new limit.
---@param origin string
---@param in_use integer connections of all to it when it refused
function methods:failed(origin, in_use)
  local known, now = entry(self, origin), self.now()
  if now - known.changed_at < BURST then return end
  known.limit = math.max(1, math.floor(math.min(in_use, tolerated(self, origin)) / 2))
  known.changed_at = now
end

--- The host wants peace for so long.
---@param origin string
---@param seconds number
function methods:wait(origin, seconds)
  local known = entry(self, origin)
  known.penalty_until = math.max(known.penalty_until, self.now() + seconds)
end

--- HTTP/2 with it came to grief: HTTP/1.1 is spoken from now on (H51).
---@param origin string
function methods:speak_http1(origin)
  entry(self, origin).http1 = true
end

--- Whether that is so.
---@param origin string
---@return boolean
function methods:speaks_http1(origin)
  local known = self.known[origin]
  return known ~= nil and known.http1 == true
end

--- Whether there is anything to remember of this host.
---@param origin string
---@return boolean
function methods:is_known(origin)
  return self.known[origin] ~= nil
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
