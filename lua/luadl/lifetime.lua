--- How long a download lasts: the context that it was given, its deadline, the program around it.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")

local lifetime = {}

local SOON = 0.001 -- seconds

--- Notes how long it may last.
---@param self luadl.download
function lifetime.begin(self)
  local opts, now = self.opts, self.core.now()
  self.given = opts.context
  self.began, self.ends_at = now, self.given and self.given:deadline()
  if opts.deadline then self.ends_at = math.min(now + opts.deadline, self.ends_at or math.huge) end
  self.release = self.loop:hold()
end

--- Its own context, below the one in its options: for its policies, which may sleep on it. It ends
--- with the download, and is made when somebody wants it.
---@param self luadl.download
---@return luadl.context
function lifetime.context(self)
  if self.context then return self.context end
  local given = self.given or context.background(self.loop)
  self.context = self.ends_at and given:with_deadline(self.ends_at) or given:with_cancel()
  if self.over then self.context:cancel(self.over) end
  return self.context
end

-- What came first counts.
local function close(self, reason)
  self.over = self.over or reason
  if self.context then self.context:cancel(reason) end
end

--- Why nothing may begin any more: its context had ended before.
---@param self luadl.download
---@return luadl.error|nil
function lifetime.refusal(self)
  local over = self.given and self.given:err()
  return over and lifetime.explain(self, over)
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
  if not self.given then return end
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
  close(self, err)
end

--- It has ended.
---@param self luadl.download
---@param err luadl.error|nil
function lifetime.finish(self, err)
  if self.given then self.given:ignore(self.following) end
  close(self, err or "the download has ended")
  self.release()
end

return lifetime
