--- What a host's refusals mean for all who are at it: fewer connections in all, and peace.
-- SPDX-License-Identifier: MIT

local host = require("luadl.host")

local penalties = {}

-- Where the URL leads, and who answered there: after a redirect that is another host.
local function origins(self, url)
  local answered = url and host.origin(url) or self.origin
  if answered == self.origin then return { self.origin } end
  return { self.origin, answered }
end

--- The host wants peace: nobody who is at it opens a connection, nobody else begins.
---@param self luadl.download|luadl.fetch
---@param url string|nil what was asked
---@param seconds number
function penalties.wait(self, url, seconds)
  for _, origin in ipairs(origins(self, url)) do
    self.hosts:wait(origin, seconds)
    local delay = self.hosts:delay(origin) -- somebody may have been told to wait longer
    for user in pairs(self.hosts:users_of(origin)) do
      if user.id then user.engine:hold(user.id, delay) end
    end
  end
end

--- Seconds until its host may be asked again.
---@param self luadl.download|luadl.fetch
---@param url string|nil what was asked last
---@return number
function penalties.delay(self, url)
  local delay, answered = self.hosts:delay(self.origin), url and host.origin(url)
  if not answered or answered == self.origin then return delay end
  return math.max(delay, self.hosts:delay(answered))
end

local function others(self)
  local list = {}
  for user in pairs(self.hosts:users_of(self.origin)) do
    if user ~= self and user.id then list[#list + 1] = user end
  end
  return list
end

--- The host refused one connection too many: all who are at it share what it seems to bear.
---@param self luadl.download
---@param active integer how many others of its own there are
---@param adjusted fun(user: luadl.download) is told of each whose part has changed
function penalties.refused(self, active, adjusted)
  local hosts, in_use = self.hosts, active + 1
  for _, user in ipairs(others(self)) do in_use = in_use + user:stats().connections end
  hosts:failed(self.origin, in_use)
  for _, user in ipairs(others(self)) do
    user.engine:connections(user.id, hosts:limit(self.origin, user.opts.connections))
    adjusted(user)
  end
end

return penalties
