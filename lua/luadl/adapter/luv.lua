--- Drives luadl's loop from libuv's: in Neovim, or in a program with luv.
-- SPDX-License-Identifier: MIT
--
--   local session = luadl.session()
--   require("luadl.adapter.luv")(session.loop)
--   session.loop:spawn("update", function() ... session:get({ url = url }) ... end)
--
-- What waits outside of a task still blocks. The handles keep uv.run() going only while luadl has
-- something to do.

local MILLISECONDS = 1000

local function find_uv()
  local vim = rawget(_G, "vim")
  return vim and (vim.uv or vim.loop) or require("luv")
end

-- In Neovim a callback of libuv may not touch the editor; what is scheduled may.
local function in_safe_place(run)
  local vim, waiting = rawget(_G, "vim"), false
  if not vim then return run end
  local function run_once()
    waiting = false
    run()
  end
  return function()
    if waiting then return end
    waiting = true
    vim.schedule(run_once)
  end
end

local function open(loop, uv)
  local self = { poll = uv.new_poll(loop:pollfd()), timer = uv.new_timer(), eve = uv.new_prepare() }
  uv.unref(self.poll)
  uv.unref(self.timer)
  return self
end

-- Before libuv blocks: for how long it may.
local function arm(self, loop, uv, step)
  local seconds = loop:timeout()
  if not seconds then
    uv.timer_stop(self.timer)
    return uv.unref(self.eve)
  end
  uv.timer_start(self.timer, math.ceil(math.min(seconds, 3600) * MILLISECONDS), 0, step)
end

local function close(self, loop, uv)
  if self.closed then return end
  self.closed = true
  loop:driven_by(nil)
  for _, name in ipairs({ "poll", "timer", "eve" }) do uv.close(self[name]) end
end

--- Attaches the loop to libuv's.
---@param loop luadl.loop a session's
---@param uv table|nil luv's module; vim.uv or vim.loop in Neovim, else require("luv")
---@return { close: fun() } close: detaches it again
return function(loop, uv)
  uv = uv or find_uv()
  loop:driven_by({ stirred = function() end }) -- from here on the descriptor stays
  local self = open(loop, uv)
  local step = in_safe_place(function()
    if not self.closed then loop:step(0) end
  end)
  loop:driven_by({ stirred = function() uv.ref(self.eve) end })
  uv.poll_start(self.poll, "r", step)
  uv.prepare_start(self.eve, function() arm(self, loop, uv, step) end)
  return { close = function() close(self, loop, uv) end }
end
