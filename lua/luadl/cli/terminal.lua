--- Reports on a terminal: a live line for each active file, permanent lines above them.
-- SPDX-License-Identifier: MIT
--
-- The live lines are the last ones on the screen. A redraw goes up over them, clears, and writes
-- the new permanent lines and the live ones in one write: nothing flickers, and what has scrolled
-- past is never touched again. When the window becomes narrower, terminals wrap what they show: the
-- rows that a line takes are counted in the width of the moment.

local lines = require("luadl.cli.lines")
local progress = require("luadl.progress")
local text = require("luadl.text")
local why = require("luadl.cli.why")

local terminal = {}

local methods = {}
local metatable = { __name = "luadl.cli.terminal", __index = methods }

local INTERVAL = 0.1 -- at most ten redraws a second
local MOST_LIVE_LINES = 12
local OTHER_ROWS = 3 -- "... and more", the cursor's, and one to see what is permanent

local UP_AND_CLEAR = "\27[A\27[2K" -- row by row: a cleared screen goes to tmux's history each time
local GREEN, RED, YELLOW, PLAIN = "\27[32m", "\27[31m", "\27[33m", "\27[0m"

---@param world table see luadl.cli.output
---@param volume { quiet: boolean, verbose: boolean }
function terminal.new(world, volume)
  return setmetatable({
    world = world,
    verbose = volume.verbose,
    why = why.new(),
    active = {}, -- downloads in the order of their start
    permanent = {}, -- lines not yet written
    live = {}, -- lines on the screen that the next redraw erases
    drawn_at = -math.huge,
  }, metatable)
end

local function say(self, line, color)
  if self.world.color and color then line = color .. line .. PLAIN end
  self.permanent[#self.permanent + 1] = line
end

local function live_line(download, columns)
  local stats = download:stats() or {}
  local shown = { url = download.url }
  for name, value in pairs(stats) do shown[name] = value end
  return progress.line(shown, columns)
end

-- A block taller than the screen could not be erased.
local function most_lines(self)
  return math.max(1, math.min(MOST_LIVE_LINES, self.world.rows() - OTHER_ROWS))
end

local function live_lines(self)
  local columns = self.world.columns() - 1 -- the last column would wrap
  local shown = {}
  for index = 1, math.min(#self.active, most_lines(self)) do
    shown[index] = live_line(self.active[index], columns)
  end
  local more = #self.active - #shown
  if more > 0 then shown[#shown + 1] = ("... and %d more"):format(more) end
  return shown
end

local function rows_of(live, columns)
  local rows = 0
  for _, line in ipairs(live) do
    rows = rows + math.max(1, math.ceil(text.width(line) / columns))
  end
  return rows
end

local function erase(self)
  local rows = rows_of(self.live, self.world.columns())
  return rows > 0 and UP_AND_CLEAR:rep(rows) .. "\r" or ""
end

local function draw(self, live)
  local parts = { erase(self) }
  for _, line in ipairs(self.permanent) do parts[#parts + 1] = line .. "\n" end
  for _, line in ipairs(live) do parts[#parts + 1] = line .. "\n" end
  self.permanent, self.live = {}, live
  self.world.stderr:write(table.concat(parts))
end

function methods:started(download)
  self.active[#self.active + 1] = download
end

local function forget(active, download)
  for index, each in ipairs(active) do
    if each == download then return table.remove(active, index) end
  end
end

function methods:postponed(download)
  forget(self.active, download)
end

function methods:finished(download, result, err)
  forget(self.active, download)
  if not result then return say(self, lines.failed(err), RED) end
  say(self, lines.saved(result), not result.skipped and GREEN or nil)
  for _, warning in ipairs(result.warnings or {}) do say(self, lines.warning(warning), YELLOW) end
end

function methods:retry(fault, delay, change)
  if self.verbose then say(self, lines.retry(fault, delay, change), YELLOW) end
end

function methods:trace(event, number)
  say(self, self.why:line(event, number))
end

function methods:notice(message)
  say(self, lines.warning(message), YELLOW)
end

function methods:tick()
  local now = self.world.now()
  if now - self.drawn_at < INTERVAL then return end
  self.drawn_at = now
  draw(self, live_lines(self))
end

function methods:summary(summary)
  if summary.total > 1 then say(self, lines.summary(summary)) end
end

--- Leaves the permanent lines alone on the screen.
function methods:close()
  draw(self, {})
end

return terminal
