--- An item of a batch: what is asked for, what has become of it, and what comes after it.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local host = require("luadl.host")

local item = {}

local TWICE = "twice in the list"

--- What has just become of an item.
---@alias luadl.item.event
---| "started" its download runs
---| "postponed" it starts anew later, or others take its place
---| "skipped" nothing is downloaded
---| "done" the file is there
---| "failed"

--- An item of a batch.
---@class luadl.item
---@field url string? without credentials
---@field state "waiting"|"running"|"skipped"|"done"|"failed"
---@field result luadl.result? when it is done
---@field reason string? why it was skipped
---@field error luadl.error? when it has failed
---@field download luadl.download? once it has started
---@field stopped boolean? all were, while it ran
---@field package batch luadl.batch
---@field package opts luadl.options.download
---@field package host string
---@field package needs integer how many items must end before it
---@field package followers luadl.item[]|nil which come after it
---@field package parent luadl.item|nil which stood for it and others
---@field package owned string|nil the path where it may replace a file
---@field package claim number|nil on a name, as luadl.batch.claims has it
---@field package left integer|nil how many of those that it stood for haven't ended
local methods = {}
local metatable = { __name = "luadl.item", __index = methods }

--- An item that waits.
---@param batch luadl.batch
---@param opts table
---@param priority number the higher starts first
---@param order integer of equals the smaller one
---@param sub integer|nil the order among those that have this place together
---@return luadl.item
---@package
function item.new(batch, opts, priority, order, sub)
  local url = type(opts.url) == "string" and errors.redact_url(opts.url) or nil
  return setmetatable({
    batch = batch, opts = opts, url = url, host = host.origin(url or ""),
    priority = priority, order = order, sub = sub or 0,
    state = "waiting", needs = 0,
    wants_head = not batch.memory:is_empty(), -- so that its file isn't opened before
  }, metatable)
end

--- Whether the value is an item.
---@param value any
---@return boolean
---@package
function item.is(value)
  return getmetatable(value) == metatable
end

-- Whether `other` is this one, or comes after it.
local function leads_to(self, other, seen)
  if self == other then return true end
  if seen[self] then return false end
  seen[self] = true
  for _, follower in ipairs(self.followers or {}) do
    if leads_to(follower, other, seen) then return true end
  end
  return false
end

--- Has it start after another one has ended.
---@param other luadl.item
---@return boolean ok false: that one waits for this one
---@package
function methods:follow(other)
  if leads_to(self, other, {}) then return false end
  if other.state == "done" or other.state == "skipped" then return true end
  other.followers = other.followers or {}
  table.insert(other.followers, self)
  self.needs = self.needs + 1
  return true
end

-- What its download tells it

--- Whether the head makes the download needless, and why.
---@param head luadl.head
---@return string|nil
---@package
function methods:on_head(head)
  return self.batch.memory:known_by_head(self, head)
end

--- The ETag of what is at its place already, as far as that is remembered.
---@param path string
---@param size integer of the file there
---@return string|nil
---@package
function methods:etag_of(path, size)
  return self.batch.memory:etag_of(self, path, size)
end

--- Its file is about to be opened under this name.
---@param path string
---@package
function methods:on_named(path)
  self.batch.claims:take(self, path)
  self.batch.memory:named(self, path)
end

--- Whether it may replace what has this name.
---@param path string
---@return boolean
---@package
function methods:may_replace(path)
  return self.batch.claims:may_replace(self, path)
end

--- Whether what has its name already is what it asks for, and how come.
---@param path string
---@param head luadl.head|nil
---@return string|nil
---@package
function methods:on_taken(path, head)
  if self.batch.claims:is_taken(self, path) then return TWICE end
  return self.batch.memory:owns(self, path, head)
end

--- Its download has ended.
---@package
function methods:on_end()
  self.batch:note_end(self)
end

return item
