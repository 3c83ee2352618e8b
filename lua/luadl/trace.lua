--- What a download or a fetch did and decided, step by step, for the observers `on_trace`.
-- SPDX-License-Identifier: MIT
--
-- Steps of the engine and of the policies go through one queue, and one task tells them: observers
-- see them in their order, one at a time, and may wait.

local asking = require("luadl.asking")
local retry = require("luadl.retry")
local transfer = require("luadl.transfer")

local trace = {}

--- What was done or decided.
---@alias luadl.step.name
---| "start" # the download begins
---| "dns" # the host's name was looked up
---| "connect" # a connection is there
---| "tls" # and encrypted
---| "request" # a request was sent
---| "first_byte" # the answer begins
---| "redirect" # the server names another URL
---| "name" # the file has its name
---| "exists" # the name is taken
---| "resume" # what an earlier run left is continued, or isn't
---| "split" # another connection takes a share
---| "steal" # another connection takes over
---| "degrade" # it goes on with less: connections, or ranges
---| "fault" # a request failed
---| "retry" # it is tried again
---| "renew" # there is a fresh link
---| "changed" # the file has changed on the server
---| "done" # the file is there
---| "error" # the download has failed

--- One step or decision.
---@class luadl.step
---@field step luadl.step.name
---@field time number monotonic seconds, as luadl.now()
---@field message string what was done or decided, and why
---@field seconds number|nil how long it took
---@field stream integer|nil which request of the download; nil: it is about the whole
---@field range luadl.range|nil without a last byte: to the end
---@field url string|nil without credentials
---@field delay number|nil "retry": seconds until then
---@field change luadl.change|nil "retry": what is done differently
---@field error luadl.error|nil
---@field path string|nil
---@field download luadl.download|nil

--- Whether anybody looks on.
---@param self table a download or a fetch
---@return boolean
function trace.is_wanted(self)
  return asking.has(self, "on_trace")
end

local function tell_all(self)
  local queue = self.traces
  while queue.first <= queue.last and not queue.failure do
    local event = queue[queue.first]
    queue[queue.first], queue.first = nil, queue.first + 1
    queue.failure = asking.tell(self, "on_trace", event)
  end
  queue.teller = nil
  if queue.failure and self.id then transfer.fail(self, queue.failure) end
end

local function post(self, event)
  local queue = self.traces or { first = 1, last = 0 }
  self.traces = queue
  if queue.failure then return end
  event.download = not self.hidden and self or nil
  queue.last = queue.last + 1
  queue[queue.last] = event
  if not queue.teller then
    queue.teller = self.loop:spawn_for(self, "on_trace", tell_all, self)
  end
end

--- Passes on a step of the engine.
---@param self table
---@param event table
function trace.take(self, event)
  event.kind, event.id = nil, nil
  post(self, event)
end

--- Notes a step.
---@param self table
---@param step string
---@param message string
---@param facts table|nil
function trace.note(self, step, message, facts)
  if not trace.is_wanted(self) then return end
  local event = { step = step, time = self.core.now(), message = message }
  for name, fact in pairs(facts or {}) do event[name] = fact end
  post(self, event)
end

--- Notes that a request failed.
---@param self table
---@param fault table
function trace.fault(self, fault)
  if not trace.is_wanted(self) then return end
  trace.note(self, "fault", fault.error.message, {
    error = fault.error, url = fault.url, range = fault.range, stream = fault.stream,
  })
end

--- Notes what follows from that.
---@param self table
---@param fault table
---@param delay number
---@param change table|nil
function trace.retry(self, fault, delay, change)
  if not trace.is_wanted(self) then return end -- to put it into words is most of the work
  trace.note(self, "retry", retry.describe(delay, change), {
    range = fault.range, stream = fault.stream, delay = delay, change = change,
  })
end

--- Notes why it failed.
---@param self table
---@param err luadl.error
function trace.failed(self, err)
  trace.note(self, "error", err.message, { error = err, url = err.url })
end

--- Waits until everything was told.
---@param self table
---@return luadl.error|nil failure what an observer threw
function trace.finish(self)
  local queue = self.traces
  if not queue then return nil end
  while queue.teller do self.loop:await(queue.teller.ended) end
  return queue.failure
end

return trace
