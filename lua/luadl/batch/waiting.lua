--- What waits to be started: the higher priority first, then in order; apart from it what waits for
--- its host, which has enough at once or wants peace.
-- SPDX-License-Identifier: MIT

local heap = require("luadl.heap")

local waiting = {}

---@class luadl.waiting
local methods = {}
local metatable = { __name = "luadl.waiting", __index = methods }

local function before(one, other)
  if one.priority ~= other.priority then return one.priority > other.priority end
  if one.order ~= other.order then return one.order < other.order end
  return one.sub < other.sub
end

--- Nothing waits yet.
---@param world { now: (fun(): number), delay: fun(host: string): number } the clock, and how many
--- seconds of peace a host wants
---@param per_host integer|nil how many of a host may run at once
---@return luadl.waiting
function waiting.new(world, per_host)
  return setmetatable({
    world = world,
    per_host = per_host or math.huge,
    ready = heap.new(before),
    running = {}, -- by host
    aside = {}, -- by host: { items = a heap, back_at = when the host wants to be asked again }
    aside_count = 0,
    back_at = math.huge, -- the earliest of them
  }, metatable)
end

--- Adds an item: `priority`, `order`, `sub` (the order within one order) and `host` count.
---@param item table
function methods:add(item)
  self.ready:add(item)
end

local function put_aside(self, item, back_at)
  local host = self.aside[item.host]
  if not host then
    host = { items = heap.new(before), back_at = back_at }
    self.aside[item.host] = host
  end
  host.items:add(item)
  host.back_at = back_at
  self.aside_count = self.aside_count + 1
  self.back_at = math.min(self.back_at, back_at)
end

local function bring_back(self, name)
  local host = self.aside[name]
  local item = host.items:first()
  host.items:remove(item)
  self.aside_count = self.aside_count - 1
  if host.items:count() == 0 then self.aside[name] = nil end
  self.ready:add(item)
end

-- Those whose hosts wanted peace until now; more than may run at once come back for nothing.
local function bring_back_rested(self)
  local now = self.world.now()
  if now < self.back_at then return end
  self.back_at = math.huge
  for name, host in pairs(self.aside) do
    if host.back_at <= now then
      for _ = 1, math.min(self.per_host, host.items:count()) do bring_back(self, name) end
      host.back_at = math.huge
    end
    self.back_at = math.min(self.back_at, host.back_at)
  end
end

-- When a host can be asked; nil: now.
local function obstacle(self, host)
  if (self.running[host] or 0) >= self.per_host then return math.huge end
  local delay = self.world.delay(host)
  return delay > 0 and self.world.now() + delay or nil
end

--- Takes out the first that may start now; it counts as running until `release`.
---@return table|nil item
function methods:take()
  bring_back_rested(self)
  local item = self.ready:first()
  while item do
    self.ready:remove(item)
    local back_at = obstacle(self, item.host)
    if not back_at then
      self.running[item.host] = (self.running[item.host] or 0) + 1
      return item
    end
    put_aside(self, item, back_at)
    item = self.ready:first()
  end
  return nil
end

--- Takes out this one; one that doesn't wait is left alone.
---@param item table
function methods:remove(item)
  local host = self.aside[item.host]
  if item.index and self.ready[item.index] == item then
    self.ready:remove(item)
  elseif item.index and host then
    host.items:remove(item)
    self.aside_count = self.aside_count - 1
    if host.items:count() == 0 then self.aside[item.host] = nil end
  end
end

--- One of this host's doesn't run any more.
---@param host string
function methods:release(host)
  local left = self.running[host] - 1
  self.running[host] = left > 0 and left or nil
  if self.aside[host] then bring_back(self, host) end
end

--- How many may start as soon as there is a place, as far as is known.
---@return integer
function methods:count_ready()
  return self.ready:count()
end

--- How many wait for their hosts.
---@return integer
function methods:count_aside()
  return self.aside_count
end

--- How many wait.
---@return integer
function methods:count()
  return self.ready:count() + self.aside_count
end

--- When to look again though nothing has happened.
---@return number time math.huge: not at all
function methods:next_look()
  return self.back_at
end

return waiting
