--- Reports on a terminal: a live line for each active file, permanent lines above them.
-- SPDX-License-Identifier: MIT
--
-- The live lines are the last ones on the screen. A redraw goes up over them, clears, and writes
-- the new permanent lines and the live ones in one write: nothing flickers, and what has scrolled
-- past is never touched again. When the window becomes narrower, terminals wrap what they show: the
-- rows that a line takes are counted in the width of the moment. Where the process was stopped the
-- shell has written below: they stay. In the background it is the shell's terminal: only permanent
-- lines are written.

local chunkmap = require("luadl.chunkmap")
local lines = require("luadl.cli.lines")
local progress = require("luadl.progress")
local text = require("luadl.text")
local why = require("luadl.cli.why")

local terminal = {}

local methods = {}
local metatable = { __name = "luadl.cli.terminal", __index = methods }

local INTERVAL = 0.1 -- at most ten redraws a second
local MOST_FILES = 12
local MOST_MAP_ROWS = 8 -- of one file
local OTHER_ROWS = 2 -- the cursor's, and one to see what is permanent

local CLEAR = "\r\27[2K" -- the cursor's row, which has what was typed
local UP_AND_CLEAR = "\27[A\27[2K" -- row by row: a cleared screen goes to tmux's history each time
local GREEN, RED, YELLOW, PLAIN = "\27[32m", "\27[31m", "\27[33m", "\27[0m"

---@param world table see luadl.cli.output
---@param command { verbose: boolean, progress: string|nil }
---@param tally table
function terminal.new(world, command, tally)
  return setmetatable({
    world = world,
    verbose = command.verbose,
    tally = tally,
    why = why.new(),
    maps = command.progress == "chunks" and {} or nil, -- the labels of streams, by download
    active = {}, -- downloads in the order of their start
    waits = {}, -- what they wait for, by download: { error =, till = }
    permanent = {}, -- lines not yet written
    unfinished = "", -- the beginning of one
    said = 0, -- permanent lines since the first failure
    live = {}, -- lines on the screen that the next redraw erases
    drawn_at = -math.huge,
  }, metatable)
end

-- Permanent lines

local function say(self, line, color)
  if not self.world.utf8 then line = text.ascii(line) end
  if self.world.color and color then line = color .. line .. PLAIN end
  self.permanent[#self.permanent + 1] = line
  if self.tally.failed > 0 then self.said = self.said + 1 end
end

--- What others write to this terminal, as it is.
---@param bytes string
function methods:write(bytes)
  bytes = self.unfinished .. bytes
  for line in bytes:gmatch("([^\n]*)\n") do self.permanent[#self.permanent + 1] = line end
  self.unfinished = bytes:match("[^\n]*$")
end

-- Live lines

local function stats_of(self, download)
  local shown = { url = download.url }
  for name, value in pairs(download:stats() or {}) do shown[name] = value end
  local wait, now = self.waits[download], self.world.now()
  if wait and now < wait.till and (shown.connections or 0) == 0 then
    shown.note = lines.waiting(wait.error, wait.till - now)
  end
  return shown
end

local function map_lines(self, download, columns, rows)
  local map = download.map and download:map()
  if not map then return {} end
  self.maps[download] = chunkmap.labels(map.streams, self.maps[download])
  return chunkmap.lines(map, self.maps[download], columns, rows, self.world)
end

local function map_rows(self, room)
  if not self.maps or room < 2 then return 0 end
  local share = math.floor(room / math.max(1, #self.active))
  return math.max(1, math.min(MOST_MAP_ROWS, share - 1))
end

-- How many files are shown, and how many rows the map of each has. A block taller than the screen
-- could not be erased.
local function layout(self, room)
  local rows = map_rows(self, room)
  local files = math.min(MOST_FILES, math.floor(room / (1 + rows)))
  if files >= #self.active then return #self.active, rows end
  return math.min(MOST_FILES, math.floor((room - 1) / (1 + rows))), rows -- one is for "and more"
end

local function append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
end

local function file_lines(self, all, columns, room)
  local shown = {}
  local files, rows = layout(self, room)
  for index = 1, files do
    shown[#shown + 1] = progress.line(all[index], columns, self.world.utf8)
    if rows > 0 then append(shown, map_lines(self, self.active[index], columns, rows)) end
  end
  local more = #self.active - files
  if more > 0 and room > 0 then
    shown[#shown + 1] = text.fit(("... and %d more"):format(more), columns)
  end
  return shown
end

local function live_lines(self)
  local columns = self.world.columns() - 1 -- the last column would wrap
  local room = math.max(1, self.world.rows() - OTHER_ROWS)
  local all = {}
  for index, download in ipairs(self.active) do all[index] = stats_of(self, download) end
  if not self.tally:is_several() then return file_lines(self, all, columns, room) end
  local shown = file_lines(self, all, columns, room - 1)
  local total = self.tally:stats(all)
  total.name, total.short = lines.count(self.tally)
  shown[#shown + 1] = progress.line(total, columns, self.world.utf8)
  return shown
end

-- Drawing

-- On a single row there is nowhere to go up to.
local function can_draw(self)
  return self.world.rows() > 1 and not self.world.in_background()
end

local function rows_of(live, columns)
  local rows = 0
  for _, line in ipairs(live) do
    local width = text.width((line:gsub("\27%[%d*m", "")))
    rows = rows + math.max(1, math.ceil(width / columns))
  end
  return rows
end

local function erase(self)
  if self.world.continued() then self.live = {} end
  local rows = rows_of(self.live, self.world.columns())
  return rows > 0 and CLEAR .. UP_AND_CLEAR:rep(rows) .. "\r" or ""
end

local function draw(self, live)
  local parts = { erase(self) }
  for _, line in ipairs(self.permanent) do parts[#parts + 1] = line .. "\n" end
  for _, line in ipairs(live) do parts[#parts + 1] = line .. "\n" end
  self.permanent, self.live = {}, live
  self.world.stderr:write(table.concat(parts))
end

-- Reports

function methods:started(download)
  self.active[#self.active + 1] = download
end

local function forget(self, download)
  self.waits[download] = nil
  if self.maps then self.maps[download] = nil end
  for index, each in ipairs(self.active) do
    if each == download then return table.remove(self.active, index) end
  end
end

function methods:postponed(download)
  forget(self, download)
end

function methods:finished(download, result, err, stopped)
  forget(self, download)
  if self.tally:tells_at_end(stopped) then return end
  if not result then return say(self, lines.failed(err, download), RED) end
  say(self, lines.saved(result), not result.skipped and GREEN or nil)
  for _, warning in ipairs(result.warnings or {}) do say(self, lines.warning(warning), YELLOW) end
end

function methods:skip(_, result)
  if self.verbose then say(self, lines.saved(result)) end
end

function methods:retry(fault, delay, change)
  if self.verbose then say(self, lines.retry(fault, delay, change), YELLOW) end
  if not fault.download or delay <= 0 then return end
  self.waits[fault.download] = { error = fault.error, till = self.world.now() + delay }
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
  draw(self, can_draw(self) and live_lines(self) or {})
end

function methods:summary(summary)
  if summary.total < 2 then return end
  if self.said >= self.world.rows() - OTHER_ROWS then
    local columns = self.world.columns() - 1
    for _, line in ipairs(lines.failures(self.tally, columns, self.world.utf8)) do
      say(self, line, RED)
    end
  end
  if self.tally:tells_at_end(self.tally.stopped > 0) then
    say(self, lines.stopped(self.tally), RED)
  end
  say(self, lines.summary(summary, self.tally))
end

--- Leaves the permanent lines alone on the screen.
function methods:close()
  draw(self, {})
  self.world.stderr:write(self.unfinished)
end

return terminal
