--- A session: one engine, and the defaults of its downloads; routes events to them.
-- SPDX-License-Identifier: MIT

local batch = require("luadl.batch")
local brief = require("luadl.brief")
local cookies = require("luadl.cookies")
local core = require("luadl.core")
local download = require("luadl.download")
local errors = require("luadl.errors")
local fetch = require("luadl.fetch")
local host = require("luadl.host")
local hostname = require("luadl.hostname")
local hosts = require("luadl.options.hosts")
local hub = require("luadl.hub")
local limits = require("luadl.limits")
local options = require("luadl.options")
local pacing = require("luadl.pacing")
local pages = require("luadl.pages")
local policy = require("luadl.policy")
local reading = require("luadl.reading")
local run = require("luadl.run")
local schedule = require("luadl.schedule")
local script = require("luadl.script")
local stream = require("luadl.stream")

local session = {}

---@class luadl.session
---@field loop luadl.loop all sessions share it
local methods = {}
local metatable = { __name = "luadl.session", __index = methods }

local function read_policies(list, level)
  local policies = {}
  for index, given in ipairs(list or {}) do
    local read, message = policy.read(given)
    if not read then error("option 'policies': " .. message, level + 1) end
    policies[index] = read
  end
  return policies
end

-- Its cookies outlive it in a file, when there is one for them.
local function new_engine(defaults)
  local from, to = defaults.load_cookies, defaults.save_cookies
  local keeps = defaults.cookies or from ~= nil or to ~= nil
  local engine, err = core.session({ loops = defaults.loops, cookies = keeps })
  if not engine then return nil, errors.new(err.kind, err.message) end
  if not from then return engine end
  local ok, wrong = cookies.load(engine, from)
  if ok then return engine, nil, wrong end
  engine:close()
  return nil, wrong
end

local function begin_limits(self, defaults)
  self.limits = limits.new(self)
  self.pace = defaults.rate and pacing.new(defaults.rate)
  if defaults.limit_rate then self.limits:set(defaults.limit_rate) end
  if defaults.host_limit_rate then self.limits:set_each_host(defaults.host_limit_rate) end
  for name, plan in next, self.by_host:limit_rates() do self.limits:set(plan, name) end
end

--- A session; its options are for all its downloads and fetches, where they don't say otherwise.
---@param opts luadl.options.session|nil
---@return luadl.session|nil
---@return luadl.error|nil
function session.new(opts)
  local defaults = options.check(opts, "session")
  local policies = read_policies(defaults.policies, 2)
  local by_host, message = hosts.new(defaults.host, defaults, core.redact)
  if not by_host then error(message, 2) end
  local engine, err, notice = new_engine(defaults)
  if not engine then return nil, err end
  local self = setmetatable({
    core = core,
    engine = engine,
    defaults = defaults,
    by_host = by_host, -- other defaults
    hosts = host.new(core.now),
    policies = policies, -- of scripts; the first with an opinion decides
    notice = notice, -- worth telling, or nil
    downloads = {}, -- by the engine's id, while it has none by itself; none of them is collected
  }, metatable)
  self.briefs = brief.new(self)
  self.hub = hub.get()
  self.loop = self.hub.loop
  begin_limits(self, defaults)
  local ok, wrong = self.hub:join(self, engine:pollfd())
  if not ok then return nil, wrong end
  return self
end

local function check_open(self, level)
  if not self.engine then error("the session is closed", level or 3) end
end

-- Errors are for the line that called the method which calls this.
local function begin(self, opts, purpose)
  check_open(self, 4)
  local defaults = self.by_host:defaults_for(type(opts) == "table" and rawget(opts, "url"))
  local checked = options.check(opts, "download", defaults, 3)
  if not checked.url and type(checked.resume) ~= "string" then
    error("a download needs the option 'url'", 3)
  end
  return download.new(self, checked, purpose)
end

--- Has a policy table decide and look on, after those that are there, for downloads that begin from
--- now on.
---@param given luadl.policy
function methods:use(given)
  check_open(self)
  local read, message = policy.read(given)
  if not read then error(message, 2) end
  self.policies[#self.policies + 1] = read
end

--- Starts a download.
---@param opts luadl.options.download with `url`, or with `resume = PART`
---@return luadl.download
function methods:download(opts)
  local begun = begin(self, opts) -- no tail call: the level of errors counts on this frame
  return begun
end

--- Starts a download for an item of a batch, which is told of its name and its end.
---@param keeper luadl.item
---@param opts luadl.options.download
---@return luadl.download|nil
---@return luadl.error|nil err the options are wrong
---@package
function methods:download_for(keeper, opts)
  check_open(self)
  local short = self.briefs:begin(keeper, opts)
  if short then return short end
  local checked, message = options.read(opts, "download", self.by_host:defaults_for(opts.url))
  if not checked then return nil, errors.new("usage", message, { url = keeper.url }) end
  if checked.url == nil and type(checked.resume) ~= "string" then
    return nil, errors.new("usage", "a download needs the option 'url'")
  end
  if keeper.context and not checked.context then checked.context = keeper.context end
  return download.new(self, checked, "file", keeper)
end

--- A batch of downloads: many, a few at once.
---@param opts luadl.options.batch|nil
---@return luadl.batch|nil
---@return luadl.error|nil err of its archive or journal
function methods:batch(opts)
  check_open(self)
  local made, err = batch.new(self, opts) -- no tail call: the level of errors counts on this frame
  return made, err
end

--- Starts a download and waits for it.
---@param opts luadl.options.download
---@return luadl.result|nil
---@return luadl.error|nil
function methods:get(opts)
  return begin(self, opts):wait()
end

--- Loads a script, a Lua file that returns a policy table, and has it decide and look on. In the
--- sandbox it has no files, no programs, little time, and no hosts but those that it declares.
---@param path string
---@param opts { sandbox: boolean?, settings: table?, instructions: integer?, memory: integer? }|nil
--- `settings` by name; of one call in the sandbox at most so many `instructions`, bytes of `memory`
---@return luadl.policy|nil
---@return luadl.error|nil
function methods:load(path, opts)
  check_open(self)
  local read, err = script.load(self, path, opts)
  if not read then return nil, err end
  self.policies[#self.policies + 1] = read
  return read
end

--- What a URL stands for, as the policy `resolve` says: none, one or many requests, each for
--- `download` or `get`.
---@param opts luadl.options.download
---@return luadl.options.download[]|nil requests
---@return luadl.error|nil
function methods:resolve(opts)
  return begin(self, opts, "unfold"):wait()
end

--- What the server says about a resource; nothing is saved.
---@param opts luadl.options.download
---@return luadl.head|nil
---@return luadl.error|nil
function methods:info(opts)
  return begin(self, opts, "info"):wait()
end

--- A resource as a stream: its bytes in order, while many connections bring them. As an iterator:
--- `for block, err in session:stream(url) do`.
---@param url string|luadl.options.stream
---@param opts luadl.options.stream|nil
---@return luadl.stream stream; then nil, nil and the stream, for `for` to close it
function methods:stream(url, opts)
  local given = options.with_url(url, opts)
  local refused = type(given) == "table" and reading.refusal(given)
  if refused then error(refused, 2) end
  local begun = stream.new(begin(self, given, "reading"))
  return begun, nil, nil, begun
end

-- The session's headers and login are meant for whom the user named: what a policy asks of another
-- host than its download's goes without.
local function defaults_for(self, url)
  local owner = self.loop:owner()
  local is_own = not owner or not owner.origin or type(url) ~= "string"
    or host.origin(errors.redact_url(url)) == owner.origin:lower()
  return self.by_host:defaults_for(url, not is_own and options.impersonal(self.defaults) or nil)
end

-- Errors are for the line that called the method which calls this.
local function check_fetch(self, url, opts)
  check_open(self, 4)
  local given = options.with_url(url, opts, 3)
  local checked = options.check(given, "fetch", defaults_for(self, rawget(given, "url")), 3)
  if not checked.url then error("a fetch needs a URL", 3) end
  return checked
end

--- An answer in memory, whatever its status is; the same policies, cookies and limits.
---@param url string|luadl.options.fetch a table: the options, with `url`
---@param opts luadl.options.fetch|nil
---@return luadl.page|nil
---@return luadl.error|nil
function methods:fetch(url, opts)
  return fetch.run(self, check_fetch(self, url, opts))
end

--- One page after the other, as their Link headers lead to the next one.
---@param url string|luadl.options.pages
---@param opts luadl.options.pages|nil
---@return fun(): luadl.page|false|nil, luadl.error|nil false with an error, and then it's over
function methods:pages(url, opts)
  local given = options.with_url(url, opts)
  check_open(self)
  return pages.each(function(each) return self:fetch(each) end, given)
end

local NO_HOST = "limit: expected a host like 'cdn.example.org', without scheme and port, got '%s'"

--- Limits the rate of all downloads and fetches together, or of all that comes from a host, from
--- now on.
---@param rate number|string|table bytes per second, as in the option `limit_rate`; 0: no limit
---@param of_host string|nil its name, without scheme and port
---@return boolean|nil
---@return luadl.error|nil
function methods:limit(rate, of_host)
  check_open(self)
  local plan, message = schedule.read(rate)
  if not plan then error("limit: " .. message, 2) end
  if of_host ~= nil and not hostname.is_name(of_host) then
    error(NO_HOST:format(tostring(of_host)), 2)
  end
  local ok, err = self.limits:set(plan, of_host)
  if not ok then return nil, errors.new(err.kind, err.message) end
  return true
end

--- Runs a program; see luadl.run.
---@param program fun(ctx: luadl.context): ...
---@return any ...
function methods:run(program)
  check_open(self)
  local loop = self.loop
  return run(loop, program)
end

--- Waits at most so long and does all that is due, for all sessions.
---@param seconds number|nil
function methods:step(seconds)
  check_open(self)
  self.loop:step(seconds)
end

--- A descriptor; eight bytes written to it wake the session, also from a signal handler.
---@return integer
function methods:wake_fd()
  check_open(self)
  return self.engine:pollfd()
end

local function shut(self)
  local engine, file = self.engine, self.defaults.save_cookies
  if not engine then return true end
  self.hub:leave(self, engine:pollfd())
  self.limits:close()
  self.engine = nil
  local downloads = self.downloads
  self.downloads = {}
  for _, each in pairs(downloads) do each:abandon() end
  local ok, err = true, nil
  if file then ok, err = cookies.save(engine, file) end
  engine:close()
  return ok, err
end

--- Ends all downloads, joins the engine's threads, and writes the cookies where that was asked for.
---@return boolean|nil closed true, also where it was already
---@return luadl.error|nil err the cookies couldn't be written
function methods:close()
  if not self.engine then return true end
  local ok, err = shut(self)
  self.loop:step(0)
  return ok, err
end

-- For the hub and downloads

---@package
function methods:take_events()
  local event = self.engine and self.engine:next()
  while event do
    local target = self.downloads[event.id]
    if target then target:handle(event) end
    event = self.engine and self.engine:next()
  end
end

---@package
function methods:enter(each)
  self.downloads[each.id or each] = each
  self.loop:stir()
end

---@package
function methods:drop(each)
  self.downloads[each.id or each] = nil
end

metatable.__close = methods.close
metatable.__gc = shut -- nobody waits; and tasks of others don't run wherever memory runs out

return session
