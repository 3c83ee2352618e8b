--- The course of a batch: its items start, end, make way for others, and let others start.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local item = require("luadl.batch.item")

local course = {}

local STOP_WITHIN = 1.5 -- seconds for cancelled downloads to end
local NO_ROOM = { no_space = true, quota = true, read_only = true }
local MOST_WITHOUT_ROOM = 5 -- failures in a row
local EXISTS = "exists already"
local TICK = 0.1 -- seconds between two looks of who wants to look

-- What everybody needs

--- Somebody looks on.
---@param self luadl.batch
---@param each luadl.item
---@param event luadl.item.event
local function tell(self, each, event)
  if self.hooks.event then self.hooks.event(each, event) end
end

--- Something has failed; the first counts.
---@param self luadl.batch
---@param err luadl.error|nil
function course.fail(self, err)
  self.summary.first_error = self.summary.first_error or err
end

local function in_order(active)
  local list = {}
  for each in pairs(active) do list[#list + 1] = each end
  table.sort(list, function(a, b)
    return a.order < b.order or (a.order == b.order and a.sub < b.sub)
  end)
  return list
end

--- Lets nothing start any more, and cancels what runs.
---@param self luadl.batch
---@param reason luadl.error
---@param words string for those that are cancelled
function course.stop(self, reason, words)
  if self.stopping then return end
  self.stopping = reason
  self.stop_at = self.session.core.now() + STOP_WITHIN
  self.feed:stop()
  for _, each in ipairs(in_order(self.active)) do
    each.stopped = each.download ~= nil or nil
    if each.download then each.download:cancel(words) end
  end
  self:ring()
end

--- An item waits for its turn.
---@param self luadl.batch
---@param each luadl.item
function course.enqueue(self, each)
  self.waiting:add(each)
  self:ring()
end

--- An item has ended; nobody has been told yet.
---@param self luadl.batch
---@param each luadl.item
function course.note_end(self, each)
  self.ended[#self.ended + 1] = each
  self:ring()
end

--- An item isn't started, since one that it comes after has failed.
---@param self luadl.batch
---@param each luadl.item
---@param cause luadl.error
function course.give_up(self, each, cause)
  local message = "not started: what it comes after has failed"
  each.error = errors.new("cancelled", message, { url = each.url, cause = cause })
  course.note_end(self, each)
end

-- Ends

local function free_followers(self, each)
  if not each.followers then return end
  for _, follower in ipairs(each.followers) do
    follower.needs = follower.needs - 1
    if each.error and not follower.error then
      course.give_up(self, follower, each.error)
    elseif follower.needs == 0 and not follower.error then
      course.enqueue(self, follower)
    end
  end
  each.followers = nil
end

-- It has ended when the last of those has that it stood for.
local function settle_parent(self, each)
  local parent = each.parent
  if not parent then return end
  parent.left = parent.left - 1
  parent.error = parent.error or each.error
  if parent.left > 0 then return end
  parent.state = parent.error and "failed" or "done"
  free_followers(self, parent)
end

local function settle(self, each, state)
  each.state, each.download = state, nil
  self.summary[state] = self.summary[state] + 1
  free_followers(self, each)
  settle_parent(self, each)
end

-- A full disk fails them all (B7); one large file that has no room on it says little of the others.
local function look_at_room(self, err)
  if not err then self.without_room = 0 end
  if not err or not NO_ROOM[err.kind] then return end
  self.without_room = self.without_room + 1
  if self.without_room >= MOST_WITHOUT_ROOM then course.stop(self, err, "the disk is full") end
end

local function conclude(self, each, result, err)
  local skipped = result and result.skipped
  each.result, each.error, each.reason = result, err, skipped == true and EXISTS or skipped or nil
  if each.looked_up then self.memory:ended(each, result, err) end
  if err then self.claims:drop(each) end
  course.fail(self, err)
  local state = err and "failed" or skipped and "skipped" or "done"
  tell(self, each, state)
  settle(self, each, state)
  look_at_room(self, err)
  if err and self.fail_fast then course.stop(self, err, "another one has failed") end
end

-- What the process can't open now it can when others have ended; then fewer run at once (P6).
local function postpone(self, each)
  self.jobs = math.max(1, math.min(self.jobs, self.active_count))
  tell(self, each, "postponed")
  each.state, each.download = "waiting", nil
  course.enqueue(self, each)
end

-- Its URL stood for others, which come next.
local function unfold(self, each, requests)
  self.memory:unfolded(each)
  tell(self, each, "postponed")
  each.download, each.left = nil, #requests
  self.summary.total = self.summary.total + #requests - 1
  for index, opts in ipairs(requests) do
    local child = item.new(self, opts, each.priority, each.order, index)
    child.parent = each
    course.enqueue(self, child)
  end
  if #requests > 0 then return end
  each.state = "done"
  free_followers(self, each)
end

local function leave(self, each)
  if not self.active[each] then return end
  self.active[each] = nil
  self.active_count = self.active_count - 1
  self.waiting:release(each.host)
end

local function finish(self, each)
  leave(self, each)
  local download = each.download
  if not download then return conclude(self, each, nil, each.error) end -- it never began
  if download.requests then return unfold(self, each, download.requests) end
  local result, err = download:wait()
  if err and err.kind == "fd_limit" and not each.alone and not self.stopping then
    return postpone(self, each)
  end
  conclude(self, each, result, err)
end

--- What is finished can't be noted any more; it is said once.
---@param self luadl.batch
---@param failure luadl.error
function course.stop_noting(self, failure)
  course.fail(self, failure)
  if self.hooks.notice and not self.unnoted then self.hooks.notice(tostring(failure)) end
  self.unnoted = true
  course.stop(self, failure, "what is finished can't be noted any more")
end

local function save(self)
  local failure = self.memory:save(self.session.core.now())
  if failure then course.stop_noting(self, failure) end
end

local function reap(self)
  local index = 1
  while self.ended[index] do -- there may be more meanwhile
    finish(self, self.ended[index])
    index = index + 1
  end
  self.ended = {}
  save(self)
end

-- Beginnings

local function skip(self, each, reason)
  each.reason = reason
  self.waiting:release(each.host)
  tell(self, each, "skipped")
  settle(self, each, "skipped")
end

local function begin(self, each)
  self.active[each] = true
  self.active_count = self.active_count + 1
  each.state, each.alone, each.context = "running", self.jobs == 1, self.context
  each.download, each.error = self.session:download_for(each, each.opts)
  if each.download then return tell(self, each, "started") end
  course.note_end(self, each)
end

local function start(self, each)
  local reason = not each.looked_up and self.memory:known(each)
  each.looked_up = true
  if reason then return skip(self, each, reason) end
  begin(self, each)
end

local function fill(self)
  while self.active_count < self.jobs and not self.stopping do
    local each = self.waiting:take()
    if not each then break end
    start(self, each)
  end
  self.feed:look()
end

-- From the first to the last

local function is_over(self)
  if self.active_count > 0 or self.ended[1] or self.observing > 0 then
    return self.stopping and self.session.core.now() >= self.stop_at
  end
  return self.stopping or (self.waiting:count() == 0 and self.feed:is_over())
end

local function patience(self)
  local next_look = self.stopping and self.stop_at or self.waiting:next_look()
  local seconds = next_look - self.session.core.now()
  if self.hooks.tick then seconds = math.min(seconds, TICK) end
  return seconds < math.huge and math.max(0, seconds) or nil
end

local function wait_for_news(self)
  if not self.has_news then
    self.news = self.loop:signal()
    self.loop:await(self.news, patience(self))
    self.news = nil
  end
  self.has_news = false
end

local function look_around(self)
  if self.hooks.tick then self.hooks.tick() end
  if self.hooks.interrupted and self.hooks.interrupted() then
    course.stop(self, errors.new("cancelled", "interrupted"), "interrupted")
  end
end

--- Runs it until nothing is left to do, or what runs must be left behind.
---@param self luadl.batch
function course.run(self)
  fill(self)
  while not is_over(self) do
    wait_for_news(self)
    reap(self)
    look_around(self)
    fill(self)
  end
end

return course
