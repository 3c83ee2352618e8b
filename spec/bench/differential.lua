-- `make differential`: the same misbehaviours and interruptions against luadl and its rivals, as a
-- table in the README. Fails when luadl has an entry of the bad kinds.
-- SPDX-License-Identifier: MIT
--
--   lua5.4 spec/bench/differential.lua [-v] [PROGRAM [TITLE]]
--
-- With a program, and part of a case's title (a pattern), only those are played, the README stays.

package.path = "./?.lua;" .. package.path

local cases = require("spec.bench.differential.cases")
local cell = require("spec.bench.differential.cell")
local child = require("spec.bench.differential.child")
local jobs = require("spec.bench.differential.jobs")
local helper = require("spec.support.helper")
local report = require("spec.bench.differential.report")
local rivals = require("spec.bench.differential.rivals")
local server = require("spec.support.server")

local AT_ONCE = 6 -- most of them only wait

local verbose = arg[1] == "-v" and table.remove(arg, 1) ~= nil
local wanted_program, wanted_title = arg[1], arg[2]

local function may_mount()
  local folder = helper.make_folder()
  local mounted = helper.run({ "mount", "-t", "tmpfs", "tmpfs", folder }).status == 0
  if mounted then helper.run({ "umount", folder }) end
  helper.remove_folder(folder)
  return mounted
end

local function playable_cases()
  local found, mounts = {}, may_mount()
  for _, case in ipairs(cases) do
    if case.tmpfs and not mounts then
      print("left out, it needs the right to mount: " .. case.title)
    elseif case.title:find(wanted_title or "") then
      found[#found + 1] = case
    end
  end
  return found
end

local function present_programs()
  local found = {}
  for _, rival in ipairs(rivals.list) do
    rival.version = rivals.version(rival)
    if not rival.version then
      print("left out, it isn't there: " .. rival.name)
    elseif rival.name == (wanted_program or rival.name) then
      found[#found + 1] = rival
    end
  end
  return found
end

local function tell(case, rival, outcome, notes)
  print(("%-8s %-8s %s"):format(rival.name, outcome, case.title))
  if verbose then print("  " .. table.concat(notes, "\n"):gsub("\n", "\n  ")) end
end

local function play_all(playable, programs)
  local origin, outcomes, tasks = server.start(), {}, {}
  for _, case in ipairs(playable) do
    outcomes[case.title] = {}
    for _, rival in ipairs(programs) do
      tasks[#tasks + 1] = function()
        local outcome, notes = cell.play(origin, case, rival)
        outcomes[case.title][rival.name] = outcome
        tell(case, rival, outcome, notes)
      end
    end
  end
  local ok, problem = xpcall(jobs.run, debug.traceback, tasks, AT_ONCE)
  child.kill_all()
  origin:stop()
  if not ok then error(problem, 0) end
  return outcomes
end

local function disgraces(outcomes)
  local found = 0
  for title, by_name in pairs(outcomes) do
    if by_name.luadl == "corrupt" or by_name.luadl == "hangs" then
      found = found + 1
      print(("luadl %s: %s"):format(by_name.luadl, title))
    end
  end
  return found
end

local playable, programs = playable_cases(), present_programs()
local outcomes = play_all(playable, programs)
if wanted_program then
  print(report.table(playable, programs, outcomes))
else
  report.into(helper.root .. "/README.md", report.table(playable, programs, outcomes))
end
os.exit(disgraces(outcomes) == 0, true)
