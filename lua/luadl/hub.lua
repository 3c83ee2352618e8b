--- The one loop of all sessions, so that a task can wait for any of them while the others go on.
-- SPDX-License-Identifier: MIT
--
-- Nothing here keeps a session or the loop alive: a session that is dropped is collected, and the
-- loop goes with the last one who has it.

local core = require("luadl.core")
local errors = require("luadl.errors")
local loop = require("luadl.loop")
local poll = require("luadl.poll")

local hub = {}

---@class luadl.hub
---@field loop luadl.loop
local methods = {}
local metatable = { __name = "luadl.hub", __index = methods }

local LOOK_UP = 0.025 -- seconds; then an engine answers what its threads fail to (I6)

local current = setmetatable({}, { __mode = "v" }) -- [1]: the hub

-- After how long to look what became of the downloads though no engine called.
local function patience(self)
  for session in pairs(self.sessions) do
    if next(session.downloads) then return LOOK_UP end
  end
  return nil
end

local function open_poller()
  local poller, message, errno = poll.new()
  if not poller then return nil, errors.new("fd_limit", message, { errno = errno }) end
  return poller
end

local function poller_of(self)
  self.poller = self.poller or assert(open_poller())
  return self.poller
end

local function drop_unused_poller(self)
  if not self.poller or next(self.sessions) or self.loop.driver then return end
  self.poller:close()
  self.poller = nil
end

local function wait(self, seconds)
  local most = patience(self)
  if most and (not seconds or most < seconds) then seconds = most end
  if seconds == 0 and not self.poller then return end
  poller_of(self):wait(seconds)
  drop_unused_poller(self)
end

local function take_events(self)
  for session in pairs(self.sessions) do session:take_events() end
end

local function new()
  local self = setmetatable({
    poller = nil, -- open while there are sessions, or when it is needed
    sessions = setmetatable({}, { __mode = "k" }),
  }, metatable)
  self.loop = loop.new({
    now = core.now,
    wait = function(seconds) wait(self, seconds) end,
    poll = function() take_events(self) end,
    patience = function() return patience(self) end,
    pollfd = function() return poller_of(self):pollfd() end,
  })
  return self
end

--- The hub of this Lua state; the first one who asks makes it.
---@return luadl.hub
function hub.get()
  local self = current[1] or new()
  current[1] = self
  return self
end

--- From now on the loop waits for this session, too.
---@param session luadl.session
---@param fd integer what wakes it
---@return boolean|nil true
---@return luadl.error|nil
function methods:join(session, fd)
  local err
  if not self.poller then self.poller, err = open_poller() end
  if err then return nil, err end
  local ok, message, errno = self.poller:add(fd)
  if not ok then return nil, errors.new("no_memory", message, { errno = errno }) end
  self.sessions[session] = true
  return true
end

--- To be called before the descriptor is closed.
---@param session luadl.session
---@param fd integer
function methods:leave(session, fd)
  self.sessions[session] = nil
  if self.poller then self.poller:remove(fd) end
  drop_unused_poller(self)
end

return hub
