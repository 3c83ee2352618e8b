--- Reports in plain lines, for logs and pipes: one for each file that is finished or failed, and
--- with `--progress line` now and then one for each that is under way.
-- SPDX-License-Identifier: MIT

local lines = require("luadl.cli.lines")
local progress = require("luadl.progress")
local why = require("luadl.cli.why")

local plain = {}

local methods = {}
local metatable = { __name = "luadl.cli.plain", __index = methods }

local LOOK = 0.5 -- seconds between two looks at the files
local SOONEST, LATEST = 1, 10 -- seconds between two lines of a file
local STEP = 10 -- percent

---@param world table see luadl.cli.output
---@param command { quiet: boolean, verbose: boolean }
---@param tally table
---@param logs boolean|nil whether it says how far files are
function plain.new(world, command, tally, logs)
  return setmetatable({
    world = world,
    err = world.stderr,
    quiet = command.quiet,
    verbose = command.verbose,
    tally = tally,
    why = why.new(),
    logged = logs and {} or nil, -- by download: { time =, percent = } of its last line
    looked_at = world.now(),
  }, metatable)
end

local function say(self, line)
  self.err:write(line .. "\n")
end

function methods:started(download)
  if self.logged then self.logged[download] = { time = self.world.now(), percent = 0 } end
end

local function forget(self, download)
  if self.logged then self.logged[download] = nil end
end

function methods:postponed(download)
  forget(self, download)
end

local function log(self, download, last, now)
  local stats = download:stats() or {}
  local percent = progress.percent(stats) or 0
  local due = now - last.time >= LATEST or percent - last.percent >= STEP
  if not due or not stats.received then return end
  last.time, last.percent = now, percent - percent % STEP
  stats.url = download.url
  say(self, progress.log(stats))
end

function methods:tick()
  local now = self.world.now()
  if not self.logged or now - self.looked_at < LOOK then return end
  self.looked_at = now
  for download, last in pairs(self.logged) do
    if now - last.time >= SOONEST then log(self, download, last, now) end
  end
end

function methods:notice(message)
  if not self.quiet then say(self, lines.warning(message)) end
end

function methods:retry(fault, delay, change)
  if self.verbose then say(self, lines.retry(fault, delay, change)) end
end

function methods:trace(event, number)
  say(self, self.why:line(event, number))
end

function methods:finished(download, result, err, stopped)
  forget(self, download)
  if self.tally:tells_at_end(stopped) then return end
  if not result then return say(self, lines.failed(err, download)) end
  if self.quiet then return end
  say(self, lines.saved(result))
  for _, warning in ipairs(result.warnings or {}) do say(self, lines.warning(warning)) end
end

function methods:skip(_, result)
  if self.verbose then say(self, lines.saved(result)) end
end

function methods:summary(summary)
  if summary.total < 2 then return end
  local tally = self.tally
  if tally:tells_at_end(tally.stopped > 0) then say(self, lines.stopped(tally)) end
  if not self.quiet then say(self, lines.summary(summary, tally)) end
end

return plain
