--- An answer in memory: asked for, tried again as the policies say, compared with what is kept.
-- SPDX-License-Identifier: MIT
--
-- One task does all of it, so a policy may wait, and what it throws fails this fetch alone.

local asking = require("luadl.asking")
local attempt = require("luadl.attempt")
local errors = require("luadl.errors")
local headers = require("luadl.headers")
local host = require("luadl.host")
local lifetime = require("luadl.lifetime")
local message = require("luadl.message")
local page = require("luadl.page")
local penalties = require("luadl.penalties")
local requesting = require("luadl.requesting")
local revalidation = require("luadl.revalidation")
local scheme = require("luadl.scheme")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")

local fetch = {}

---@class luadl.fetch
local methods = {}
local metatable = { __name = "luadl.fetch", __index = methods }

local ENDED = { cancelled = true, deadline = true, closed = true, callback = true }

-- One try

local function describe_request(self)
  local sent = self.message
  local request, err = requesting.of(self, self.own)
  if not request then return nil, err end
  request.range = self.opts.range
  request.url, request.method, request.body = self.wish.url or sent.url, sent.method, sent.body
  request.headers = self.fields:list()
  request.user = self.wish.user or request.user
  request.in_memory = true
  request.deadline = lifetime.for_engine(self)
  request.trace = trace.is_wanted(self)
  return request
end

-- DONE, or nil: nobody will ever answer.
local function ask_engine(self)
  self.answered = self.loop:signal()
  local request, wrong = describe_request(self)
  if not request then return { error = wrong } end
  local id, err = self.engine:new(request)
  if not id then return { error = err } end
  self.id = id
  self.session:enter(self)
  self.loop:await(self.answered)
  if not self.event then return nil end
  self.session:drop(self)
  self.engine:forget(id)
  local event = self.event
  self.id, self.event = nil, nil
  return event
end

local function explain(self, err)
  if self.reason and (self.reason.kind == err.kind or err.kind == "cancelled") then
    return self.reason
  end
  err = transfer.from_core(err)
  err.url, err.attempt = err.url or self.url, self.attempt
  return err
end

local DECODERS = { gzip = "gunzip", ["x-gzip"] = "gunzip", deflate = "inflate" }

-- What was asked for coded (Accept-Encoding), or came so unasked. A part can't be decoded.
local function decode(self, answer)
  local coding = (answer.headers:get("content-encoding") or ""):lower()
  if not DECODERS[coding] or answer.body == "" or answer.status == 206 then return answer end
  local codec = require("luadl.codec")
  local body, err = codec[DECODERS[coding]](answer.body, { max_size = self.opts.max_size })
  if not body then return nil, explain(self, err) end
  answer.headers:remove("content-encoding")
  answer.headers:remove("content-length")
  answer.body = body
  return answer
end

local function is_reading(self)
  return self.message.method == "GET" and not self.message.body and not self.opts.range
end

-- What is sent in this try only: as the policy `request` says, and with the cache's conditions.
local function prepare(self, fault)
  local wish, own = attempt.ask(self, fault)
  self.wish, self.own = wish or {}, own or self.opts
  self.fields = headers.new(self.wish.headers or self.own.headers)
  self.kept = self.opts.cache and is_reading(self) and not self.refuted
    and revalidation.find(self.opts.cache, self.message.url, self.fields)
  if self.kept then revalidation.condition(self.kept, self.fields) end
end

-- What is sent may tell as much as headers do, which stay behind.
local function check_body(self, opts, url)
  if opts == self.opts or not self.message.body then return true end
  return nil, errors.new("redirect_forbidden", "what is sent isn't taken elsewhere", { url = url })
end

local function try(self, fault)
  prepare(self, fault)
  if self.reason then return nil, self.reason end
  local ok, err = check_body(self, self.own, self.wish.url)
  if not ok then return nil, err end
  self.attempt = self.attempt + 1
  local event = ask_engine(self)
  if not event then return nil, self.reason end
  if event.error then return nil, explain(self, event.error) end
  return decode(self, page.new(event, self.core.decode))
end

-- Another try

-- What the server's answer would be as an error; nil: nothing is wrong with it.
local function error_of(self, answer)
  if answer.status < 400 then return nil end
  answer.attempt = self.attempt
  local _, err = answer:check()
  return err
end

-- As policies see it; nil where nobody is asked.
local function fault_of(self, answer, err)
  err = err or error_of(self, answer)
  if not err or ENDED[err.kind] then return nil end
  if not requesting.is_idempotent(self.message.method) and not err.unsent then return nil end
  return {
    error = err,
    stage = "request",
    url = err.url,
    attempt = self.attempt,
    progress = false,
    received = 0,
    active = 0,
    extra = false,
    redirected = false,
    restarts = 0,
    saved = 0,
    renewable = false,
    host_delay = penalties.delay(self, err.url),
  }
end

local function note_host(self, fault, delay)
  local err, most = fault.error, self.opts.max_retry_after
  if err.kind ~= "rate_limited" or not err.retry_after then return end
  if delay or err.retry_after <= most then
    penalties.wait(self, err.url, math.min(err.retry_after, most))
  end
end

-- Returns why it ended meanwhile.
local function pause(self, seconds)
  if self.reason then return self.reason end
  local left = lifetime.left(self)
  self.answered = self.loop:signal()
  self.session:enter(self)
  self.loop:await(self.answered, math.max(0, math.min(seconds, left)))
  self.session:drop(self)
  return self.reason or (left <= seconds and lifetime.too_late(self)) or nil
end

local function aim(self, url)
  self.message.url, self.url = url, self.core.redact(url)
  self.origin = host.origin(self.url)
end

local function turn(self, url)
  local opts = requesting.options_at(self, url, "fetch")
  local ok, err = check_body(self, opts, url)
  if not ok then return nil, err end
  self.opts = opts
  aim(self, url)
  return true
end

-- True when it is to be asked again; false when it isn't, nil and an error when it can't be.
local function try_again(self, fault)
  trace.fault(self, fault)
  local delay, change = asking.retry(self, fault)
  note_host(self, fault, delay)
  requesting.learn(self, fault.error)
  if not delay then return false end
  trace.retry(self, fault, delay, change)
  local err = asking.tell(self, "on_retry", fault, delay, change)
    or pause(self, delay)
  if err then return nil, err end
  if change and change.url then return turn(self, change.url) end
  return true
end

-- The whole

-- What is kept is of another resource than the one that answers now.
local function is_refuted(self, answer)
  return self.kept and answer and answer.status == 304
    and not revalidation.confirms(self.kept, answer)
end

local function settle(self, answer)
  answer.elapsed, answer.attempt = self.core.now() - self.began, self.attempt
  if self.kept and answer.status == 304 then
    revalidation.restore(self.kept, answer)
  elseif self.opts.cache and is_reading(self) then
    local sent = self.message
    revalidation.keep(self.opts.cache, sent.url, answer, sent.headers, self.opts.user)
  end
  if self.opts.check then return answer:check() end
  return answer
end

local function try_all(self)
  local fault
  while true do
    local answer, err = try(self, fault)
    fault = fault_of(self, answer, err)
    local again = is_refuted(self, answer)
    if again then
      self.refuted = true
    elseif fault then
      local failure
      again, failure = try_again(self, fault)
      if failure then return nil, failure end
    end
    if not again and answer then return settle(self, answer) end
    if not again then return nil, err end
  end
end

local function note_end(self, answer, err)
  if err then return trace.failed(self, err) end
  local text = ("status %d, %d bytes"):format(answer.status, #answer.body)
  trace.note(self, "done", answer.cached and text .. ", from the cache" or text, {
    url = answer.url, seconds = answer.elapsed,
  })
end

local function work(self)
  local wrong
  self.message, wrong = message.new(self.opts)
  if not self.message then return nil, wrong end
  if scheme.is_single(self.message.url) then
    return nil, errors.new("bad_url", "a fetch is over http or https", { url = self.url })
  end
  self.opts.headers = self.message.headers:list()
  aim(self, self.message.url)
  trace.note(self, "start", self.message.method, { url = self.url })
  local peace, err, answer = requesting.delay(self), nil, nil
  if peace > 0 then err = pause(self, peace) end
  if not err then answer, err = try_all(self) end
  self.due = nil
  note_end(self, answer, err)
  local failure = trace.finish(self)
  if failure then return nil, failure end
  return answer, err
end

-- Birth

local function stop(self, err)
  if self.id then return transfer.fail(self, err) end
  self.reason = self.reason or err
  lifetime.give_up(self, err)
  if self.answered then self.answered:fire() end
end

local function new(session, opts)
  local self = setmetatable({
    session = session,
    engine = session.engine,
    core = session.core,
    loop = session.loop,
    hosts = session.hosts,
    opts = opts,
    url = session.core.redact(opts.url),
    within = asking.within(session.loop),
    scripts = asking.scripts(opts, session.policies, asking.within(session.loop)),
    attempt = 0,
    ended = session.loop:signal(),
    hidden = true, -- from observers
  }, metatable)
  lifetime.begin(self)
  self.due = self.ends_at
  return self
end

local function finish(self, answer, err)
  self.ended:fire()
  lifetime.finish(self, err)
  return answer, err
end

--- Asks, and waits for the answer.
---@param session luadl.session
---@param opts table checked options of a fetch
---@return luadl.page|nil
---@return luadl.error|nil
function fetch.run(session, opts)
  local self = new(session, opts)
  local over = lifetime.refusal(self)
  if over then return finish(self, nil, over) end
  lifetime.follow(self, stop)
  local task = self.loop:spawn_for(self, "fetch", work, self)
  self.loop:await(task.ended)
  if task.failure then return finish(self, nil, task.failure) end
  return finish(self, task.results[1] or nil, task.results[2])
end

-- For the session

--- Takes an event of the engine.
function methods:handle(event)
  if event.kind == "trace" then return trace.take(self, event) end
  self.event = event
  self.answered:fire()
end

--- The session is about to go: nobody will answer any more.
function methods:abandon()
  local err = errors.new("closed", "the session was closed", { url = self.url })
  self.reason, self.id = self.reason or err, nil
  if self.answered then self.answered:fire() end
end

--- Whether its policies have no time left.
function methods:overdue()
  return self.due ~= nil and self.core.now() >= self.due
end

return fetch
