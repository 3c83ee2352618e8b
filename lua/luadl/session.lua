--- A session: one engine, one loop, and the defaults of its downloads; routes events to them.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local download = require("luadl.download")
local errors = require("luadl.errors")
local host = require("luadl.host")
local loop = require("luadl.loop")
local options = require("luadl.options")

local session = {}

---@class luadl.session
local methods = {}
local metatable = { __name = "luadl.session", __index = methods }

local function take_events(self)
  if not self.engine then return end
  local event = self.engine:next()
  while event do
    local target = self.downloads[event.id]
    if target then target:handle(event) end
    event = self.engine and self.engine:next()
  end
end

--- Options as in luadl.options, for all its downloads where they don't say otherwise.
---@param opts table|nil
---@return luadl.session|nil
---@return luadl.error|nil
function session.new(opts)
  local defaults = options.check(opts, "session")
  local engine, err = core.session({ loops = defaults.loops, cookies = defaults.cookies })
  if not engine then return nil, errors.new(err.kind, err.message) end
  local self = setmetatable({
    core = core,
    engine = engine,
    defaults = defaults,
    hosts = host.new(core.now),
    downloads = {}, -- by the engine's id, while it has none by itself; none of them is collected
  }, metatable)
  self.loop = loop.new({
    now = core.now,
    wait = function(seconds) return self.engine and self.engine:wait(seconds) end,
    poll = function() take_events(self) end,
  })
  return self
end

local function check_open(self, level)
  if not self.engine then error("the session is closed", level or 3) end
end

-- Errors are for the line that called the method which calls this.
local function begin(self, opts, info)
  check_open(self, 4)
  local checked = options.check(opts, "download", self.defaults, 3)
  if not checked.url and type(checked.resume) ~= "string" then
    error("a download needs the option 'url'", 3)
  end
  return download.new(self, checked, info)
end

--- Starts a download.
---@param opts table as in luadl.options, with `url`, or with `resume = PART`
---@return luadl.download
function methods:download(opts)
  local begun = begin(self, opts) -- no tail call: the level of errors counts on this frame
  return begun
end

--- Starts a download and waits for it.
---@return table|nil result
---@return luadl.error|nil
function methods:get(opts)
  return begin(self, opts):wait()
end

--- What the server says about a resource; nothing is saved.
---@return table|nil head
---@return luadl.error|nil
function methods:info(opts)
  return begin(self, opts, true):wait()
end

--- Waits at most so long and does all that is due.
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

--- Ends all downloads and joins the engine's threads.
function methods:close()
  local engine = self.engine
  if not engine then return end
  self.engine = nil
  for _, each in pairs(self.downloads) do each:abandon() end
  self.downloads = {}
  engine:close()
  self.loop:step(0)
end

-- For downloads

function methods:enter(each)
  self.downloads[each.id or each] = each
end

function methods:drop(each)
  self.downloads[each.id or each] = nil
end

metatable.__close = methods.close
metatable.__gc = methods.close

return session
