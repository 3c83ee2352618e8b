-- Times commands side by side: in turn, several rounds, medians, as ratios to the first one.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local process = require("spec.support.process")

local measure = {}

local ROUNDS = 5
local TIME_LIMIT = 120 -- seconds for one command

-- Memory that a virtual machine gave back to its host costs seconds to regain: whoever comes first
-- would pay for it. So twice as much as a run will need is touched and freed just before it: the
-- last run's file is still there while this one is written.
local function warm(folder, bytes)
  local path = folder .. "/warm"
  local line = "head -c %d /dev/zero > %s; rm -rf %s %s/out"
  helper.run(line:format(bytes, path, path, folder), { timeout = TIME_LIMIT })
end

local function read_figures(path)
  local wall, user, system, memory = helper.read(path):match("([%d.]+) ([%d.]+) ([%d.]+) (%d+)%s*$")
  return {
    wall = tonumber(wall),
    cpu = tonumber(user) + tonumber(system),
    memory = tonumber(memory) / 1024,
  }
end

-- The file's size; of a folder with many files the sum of theirs.
local function size_of(out)
  local line = [[find %s -type f -printf '%%s\n' | awk '{ sum += $1 } END { printf "%%.0f", sum }']]
  return tonumber(helper.run(line:format(out)).stdout)
end

--- One run of a command, checked: what it has brought has the expected size.
local function once(case, entry)
  local out, figures = case.folder .. "/out", case.folder .. "/figures"
  warm(case.folder, case.size)
  local timed = { "/usr/bin/time", "-f", "%e %U %S %M", "-o", figures, "sh", "-c", entry.command }
  local run = helper.run(process.command(timed), { timeout = TIME_LIMIT })
  local size = size_of(out)
  if run.status ~= 0 or size ~= case.size then
    error(("%s failed: status %d, %s bytes: %s"):format(entry.name, run.status, tostring(size),
      run.stderr))
  end
  return read_figures(figures)
end

local function median(values)
  table.sort(values)
  return values[math.floor((#values + 1) / 2)]
end

local function medians(runs)
  local result = {}
  for _, field in ipairs({ "wall", "cpu", "memory" }) do
    local values = {}
    for index, run in ipairs(runs) do values[index] = run[field] end
    result[field] = median(values)
  end
  return result
end

local function print_row(entry, figures, base)
  print(("  %-34s %7.2f s (%.2f)  CPU %6.2f s (%.2f)  %5.0f MiB"):format(
    entry.name, figures.wall, figures.wall / base.wall, figures.cpu, figures.cpu / base.cpu,
    figures.memory
  ))
end

--- Runs the entries of a case in turn and prints a row for each: wall time, CPU time (and as
--- ratios to those of the first entry), peak memory.
---@param case { title: string, folder: string, size: integer, rounds: integer?,
--- entries: { name: string, command: string }[] } each command writes FOLDER/out: a file, or a
--- folder of files; size is that of all
---@return table figures by name
function measure.compare(case)
  print(case.title)
  local runs, figures = {}, {}
  for _ = 1, case.rounds or ROUNDS do
    for _, entry in ipairs(case.entries) do
      runs[entry.name] = runs[entry.name] or {}
      table.insert(runs[entry.name], once(case, entry))
    end
  end
  for _, entry in ipairs(case.entries) do
    figures[entry.name] = medians(runs[entry.name])
    print_row(entry, figures[entry.name], figures[case.entries[1].name])
  end
  return figures
end

return measure
