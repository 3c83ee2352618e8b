-- One case with one program: its runs, and a judgement of what came of them.
-- SPDX-License-Identifier: MIT
--
-- right: status 0, and the file is what the server has (or had, as a whole). fails: another
-- status. corrupt: status 0 without a right file. hangs: killed at the bound. After a failure the
-- same command runs once more against a healthy server: it may fail again, but not end corrupt.

local lfs = require("lfs")
local content = require("spec.support.content")
local child = require("spec.bench.differential.child")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local jobs = require("spec.bench.differential.jobs")
local misbehaviour = require("spec.bench.differential.misbehaviour")
local rivals = require("spec.bench.differential.rivals")

local cell = {}

local BOUND = 45 -- seconds for one run; three tries with three seconds of silence fit in
local LINGER = 1.5 -- seconds from the middle to the signal: whoever saves now and then has done so

local function bytes_of(version, gzipped)
  if version.gzipped then return helper.read(gzipped) end
  return content.bytes(version.seed, 0, version.size - 1)
end

local function is_right(self)
  for name in lfs.dir(self.folder) do
    local found = helper.read(self.folder .. "/" .. name) -- nil for a folder
    for _, version in ipairs(self.case.right) do
      if found and #found > 0 and found == bytes_of(version, self.gzipped) then return true end
    end
  end
  return false
end

local function sent(self)
  local sum = 0
  for _, request in ipairs(self.origin:requests(self.path)) do sum = sum + request.sent end
  return sum
end

local function serve(self, number, run)
  local given = merged({ run = number, gzipped = self.gzipped }, run.version, run.given)
  self.url = self.origin:serve(self.path, run.behaviour, given)
end

-- Says whether it came to that.
local function interrupt(self, run, program)
  local before, half = self.sent_before, run.version.size / 2
  local reached = jobs.await(function()
    return program:ended() or sent(self) - before >= half
  end, self.bound)
  if not reached or jobs.await(function() return program:ended() end, LINGER) then return false end
  program:signal(run.signal)
  return true
end

-- The status, nil when it had to be killed; and whether the run's signal came.
local function execute(self, run)
  local program = child.start(self.rival.command(self.url), {
    folder = self.folder,
    log = self.scratch .. "/log",
    env = rivals.environment(self.scratch),
  })
  local interrupted = run.signal ~= nil and interrupt(self, run, program)
  local ended = jobs.await(function() return program:ended() end, self.bound)
  if not ended then program:signal("KILL") end
  local status = program:finish()
  return ended and status or nil, interrupted
end

local function note(self, number, status)
  local log = helper.read(self.scratch .. "/log")
  self.notes[#self.notes + 1] = ("run %d: %s %s"):format(number, status or "killed", log:sub(-300))
end

-- What one run tells about the cell: nil while nothing is decided.
local function play(self, number, run)
  serve(self, number, run)
  if run.before then run.before(self.folder, self.rival) end
  self.sent_before = sent(self)
  local interrupted
  self.status, interrupted = execute(self, run)
  note(self, number, self.status)
  if not self.status then return "hangs" end
  if interrupted and not run.judged then return nil end
  if self.status == 0 and not is_right(self) then return "corrupt" end
  return nil
end

local function healthy(self)
  return { behaviour = misbehaviour.none, version = self.case.runs[#self.case.runs].version }
end

local function decide(self)
  for number, run in ipairs(self.case.runs) do
    local outcome = play(self, number, run)
    if outcome then return outcome end
  end
  if self.status == 0 then return "right" end
  return play(self, #self.case.runs + 1, healthy(self)) or "fails"
end

local function prepare(self)
  self.scratch = helper.make_folder()
  self.folder = self.scratch .. "/work"
  assert(lfs.mkdir(self.folder))
  if not self.case.gzip then return end
  self.gzipped = self.scratch .. "/gzipped"
  helper.write(self.gzipped, bytes_of(self.case.runs[1].version))
  helper.run(("gzip -n %s && mv %s.gz %s"):format(self.gzipped, self.gzipped, self.gzipped))
end

local function clean(self)
  if self.case.tmpfs then helper.run({ "umount", self.folder }) end
  helper.remove_folder(self.scratch)
end

--- Plays a case with a program, inside of `jobs.run`.
---@param origin table a server of spec.support.server
---@param case table see cases.lua
---@param rival table see rivals.lua
---@param bound? number seconds for one run
---@return "right"|"fails"|"corrupt"|"hangs"
---@return string[] notes of each run: its status and the end of what it printed
function cell.play(origin, case, rival, bound)
  local path = ("/%s/%s/%s"):format(rival.name, case.title:gsub("%W+", "-"), rivals.FILE)
  local self = {
    origin = origin, case = case, rival = rival, path = path, bound = bound or BOUND, notes = {},
  }
  prepare(self)
  local ok, outcome = xpcall(decide, debug.traceback, self)
  clean(self)
  if not ok then error(outcome, 0) end
  return outcome, self.notes
end

return cell
