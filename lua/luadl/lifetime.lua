--- How long a download lasts: the context that it was given, its deadline, the program around it.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")

local lifetime = {}

local SOON = 0.001 -- seconds

--- Gives it a context of its own, below the one in its options: for its policies, which may sleep
--- on it; it ends with the download.
---@param self luadl.download
function lifetime.begin(self)
  local opts, now = self.opts, self.core.now()
  self.given = opts.context or context.background(self.loop)
  self.began, self.ends_at = now, self.given:deadline()
  if opts.deadline then self.ends_at = math.min(now + opts.deadline, self.ends_at or math.huge) end
  self.context = self.ends_at and self.given:with_deadline(self.ends_at)
    or self.given:with_cancel()
  self.release = self.loop:hold()
end

--- Why a download ends whose context has ended.
---@param self luadl.download
---@param err luadl.error the context's
---@return luadl.error
function lifetime.explain(self, err)
  local message = err.kind == "deadline" and "not complete in time" or "cancelled"
  return errors.new(err.kind, message, { url = self.url, cause = err.cause or err })
end

--- Has `stop(self, err)` called when its context ends before it.
---@param self luadl.download
---@param stop fun(self: luadl.download, err: luadl.error)
function lifetime.follow(self, stop)
  self.following = self.given:listen(function(err) stop(self, lifetime.explain(self, err)) end)
end

--- Seconds until its deadline.
---@param self luadl.download
---@return number
function lifetime.left(self)
  return self.ends_at and self.ends_at - self.core.now() or math.huge
end

--- The same as the engine wants it: none for no deadline, and more than nothing for one.
---@param self luadl.download
---@return number|nil
function lifetime.for_engine(self)
  local left = lifetime.left(self)
  return left < math.huge and math.max(left, SOON) or nil
end

--- Its deadline has passed.
---@param self luadl.download
---@return luadl.error
function lifetime.too_late(self)
  local message = ("not complete after %.3g s"):format(self.ends_at - self.began)
  return errors.new("deadline", message, { url = self.url })
end

--- Its policies have no time left: those that sleep wake, and none goes on without a wait.
---@param self luadl.download
---@param err luadl.error
function lifetime.give_up(self, err)
  self.due = -math.huge
  self.context:cancel(err)
end

--- It has ended.
---@param self luadl.download
---@param err luadl.error|nil
function lifetime.finish(self, err)
  self.given:ignore(self.following)
  self.context:cancel(err or "the download has ended")
  self.release()
end

return lifetime
