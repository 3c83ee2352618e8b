--- A batch: many downloads, a few at once, that may wait for each other, and a summary of all.
-- SPDX-License-Identifier: MIT
--
-- Whoever runs it starts what may start and waits for news: the end of a download, what a source
-- brings. Sources are asked in a task of their own, when there is a place, so that one that waits
-- (a pipe, a page of an API) holds up nothing. What has ended is forgotten.

local claims = require("luadl.batch.claims")
local context = require("luadl.context")
local course = require("luadl.batch.course")
local errors = require("luadl.errors")
local feed = require("luadl.batch.feed")
local item = require("luadl.batch.item")
local memory = require("luadl.batch.memory")
local options = require("luadl.options")
local waiting = require("luadl.batch.waiting")

local batch = {}

---@class luadl.batch
local methods = {}
local metatable = { __name = "luadl.batch", __index = methods }

local OF_THIS = "an item of this batch is expected"

--- What became of a batch.
---@class luadl.batch.summary
---@field done integer how many files are there
---@field failed integer how many are not
---@field skipped integer how many needed no download
---@field total integer how many there were, as far as their sources were asked
---@field first_error luadl.error? of the first that failed
---@field stopped luadl.error? why it ended before all had their turn

-- How the command looks on; each may be missing.
---@class luadl.batch.hooks
---@field event (fun(item: luadl.item, event: luadl.item.event))?
---@field notice (fun(message: string))? is told a warning
---@field tick (fun())? is called ten times a second
---@field interrupted (fun(): boolean)? says whether the user wants to stop

-- It is waited for at the end alone; what it throws ends the batch.
local function observer(self, on_item)
  local function ended(task)
    self.observing = self.observing - 1
    self:ring()
    if not task.failure then return end
    course.fail(self, task.failure)
    course.stop(self, task.failure, "an observer has failed")
  end
  return function(...)
    self.observing = self.observing + 1
    local task = self.loop:spawn("on_item", on_item, ...)
    task.ended:listen(function() ended(task) end)
  end
end

local function new_waiting(session, per_host)
  local hosts = session.hosts
  return waiting.new({
    now = session.core.now,
    delay = function(origin) return hosts:delay(origin) end,
  }, per_host)
end

--- A batch of a session; see luadl.session's `batch`.
---@param session luadl.session
---@param opts luadl.options.batch|nil
---@param hooks luadl.batch.hooks|nil
---@return luadl.batch|nil
---@return luadl.error|nil err of its archive or journal
---@package
function batch.new(session, opts, hooks)
  local checked = options.check(opts, "batch", nil, 3)
  local kept, err = memory.open(checked)
  if not kept then return nil, err end
  local self = setmetatable({
    session = session,
    loop = session.loop,
    hooks = hooks or {},
    memory = kept,
    claims = claims.new(),
    jobs = checked.jobs,
    fail_fast = checked.fail_fast,
    waiting = new_waiting(session, checked.per_host),
    order = 0, -- of the youngest item
    active = {}, -- a set of items
    active_count = 0,
    without_room = 0, -- failures in a row for which a full disk is to blame
    observing = 0, -- how many calls of the observer haven't ended
    ended = {}, -- items of whose end nobody has been told yet
    summary = { done = 0, failed = 0, skipped = 0, total = 0 },
  }, metatable)
  self.feed = feed.new(self, checked.shard)
  if checked.on_item then self.hooks.event = observer(self, checked.on_item) end
  return self
end

-- For its parts

--- There is something to do.
---@package
function methods:ring()
  self.has_news = true
  if self.news then self.news:fire() end
end

--- An item's download has ended.
---@param each luadl.item
---@package
function methods:note_end(each)
  course.note_end(self, each)
end

local function new_item(self, opts, priority)
  self.summary.total = self.summary.total + 1
  self.order = self.order + 1
  return item.new(self, opts, priority, self.order)
end

local function split_priority(opts)
  local priority = rawget(opts, "priority")
  if priority == nil then return opts, 0 end
  local rest = {}
  for name, value in pairs(opts) do rest[name] = value end
  rest.priority = nil
  if type(priority) ~= "number" or priority ~= priority then
    return nil, "option 'priority': expected a number"
  end
  return rest, priority
end

-- An archive or a journal is asked before the session, which checks them in any case.
local function problem_of(self, opts)
  if self.memory:is_empty() then return nil end
  return select(2, options.read(opts, "download", self.session.defaults))
end

--- A source has brought this.
---@param opts table
---@package
function methods:take_in(opts)
  local rest, priority = split_priority(opts)
  local problem = not rest and priority or problem_of(self, rest)
  if not problem then return course.enqueue(self, new_item(self, rest, priority)) end
  local url = type(opts.url) == "string" and opts.url or nil
  self:refuse(errors.new("usage", problem, { url = url }))
end

--- A source has brought what nobody can use.
---@param err luadl.error
---@package
function methods:refuse(err)
  local each = new_item(self, {}, 0)
  each.url, each.error = err.url, err
  course.note_end(self, each)
end

--- How many items it wants from its sources now.
---@return integer
---@package
function methods:appetite()
  if self.stopping then return 0 end
  return self.jobs - self.active_count - self.waiting:count_ready()
end

-- For who adds

local function check_not_over(self, level)
  if not self.is_over then return end
  error("the batch is over: what is added now would never begin", level + 1)
end

local function check_opts(self, opts, level)
  if type(opts) ~= "table" then error("the options of a download are expected", level + 1) end
  local rest, priority = split_priority(opts)
  if not rest then error(priority, level + 1) end
  local checked = options.check(rest, "download", self.session.defaults, level + 1)
  if not checked.url and type(checked.resume) ~= "string" then
    error("a download needs the option 'url'", level + 1)
  end
  return rest, priority
end

--- Adds a download.
---@param opts luadl.options.download and `priority`, a number: the higher starts first
---@return luadl.item
function methods:add(opts)
  check_not_over(self, 2)
  local rest, priority = check_opts(self, opts, 2)
  local each = new_item(self, rest, priority)
  course.enqueue(self, each)
  return each
end

local function check_earlier(self, list)
  if item.is(list) then list = { list } end
  if type(list) ~= "table" then error("after: " .. OF_THIS, 3) end
  for _, each in ipairs(list) do
    if not item.is(each) or each.batch ~= self then error("after: " .. OF_THIS, 3) end
  end
  return list
end

local function later_item(self, opts)
  if not item.is(opts) then
    check_not_over(self, 3)
    local rest, priority = check_opts(self, opts, 3)
    return new_item(self, rest, priority)
  end
  if opts.batch ~= self then error("after: " .. OF_THIS, 3) end
  if opts.state ~= "waiting" then error("after: the item has begun", 3) end
  return opts
end

--- Adds a download that starts when others are done. When one of them fails it isn't started, and
--- fails, too.
---@param earlier luadl.item|luadl.item[]
---@param opts luadl.options.download|luadl.item as for `add`; or an item that hasn't begun
---@return luadl.item
function methods:after(earlier, opts)
  local list, failed = check_earlier(self, earlier), nil
  local each = later_item(self, opts)
  for _, other in ipairs(list) do
    if not each:follow(other) then error("after: the items would wait for each other", 2) end
    failed = failed or other.error
  end
  self.waiting:remove(each)
  if failed then
    course.give_up(self, each, failed)
  elseif each.needs == 0 then
    course.enqueue(self, each)
  end
  return each
end

--- Adds a source: a function that is asked whenever there is a place for a download, and may wait.
--- It answers the options of the next one, or a URL; nil at the end; false alone when there is none
--- yet; false and an error for one that is none. Sources are asked one after the other.
---@param source fun(ctx: luadl.context): luadl.options.download|string|false|nil, any
function methods:source(source)
  check_not_over(self, 2)
  if type(source) ~= "function" then error("source: a function is expected", 2) end
  self.feed:add(source)
  self:ring()
end

-- Running

local function check_run(self, ctx)
  if ctx ~= nil and not context.is(ctx) then error("run: a context is expected", 3) end
  if self.started then error("run: a batch runs once", 3) end
end

local function warn_of_unreadable(self)
  local count = self.memory:count_unreadable()
  if count == 0 or not self.hooks.notice then return end
  self.hooks.notice(("archive or journal: %d lines can't be read"):format(count))
end

--- Downloads what is in it and what is added meanwhile, and waits for the end; once.
---@param ctx luadl.context|nil what ends it; its values reach the policies
---@return luadl.batch.summary
function methods:run(ctx)
  check_run(self, ctx)
  self.started, self.context = true, ctx
  warn_of_unreadable(self)
  local watch = ctx and ctx:listen(function(err) course.stop(self, err, "cancelled") end)
  course.run(self)
  if watch then ctx:ignore(watch) end
  local failure = self.memory:close()
  if failure then course.stop_noting(self, failure) end
  self.summary.stopped, self.is_over = self.stopping, true
  return self.summary
end

return batch
