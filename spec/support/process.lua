-- Child processes that never outlive their parent: a shell ends them when the pipe from here ends.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")

local process = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.process" }

-- LD_PRELOAD goes because a sanitizer is meant for the engine, not for the servers it talks to.
local WATCH = "unset LD_PRELOAD; PATH=$PATH:/usr/sbin:/sbin; cd %s || exit; "
  .. "timeout -k 2 %d %s </dev/null & child=$!; cat >/dev/null; exec 2>/dev/null; kill $child; wait"

local function absolute(path)
  return path:sub(1, 1) == "/" and path or lfs.currentdir() .. "/" .. path:gsub("^%./", "")
end

--- The top of the source tree, absolute.
process.root = absolute(debug.getinfo(1, "S").source:sub(2)):gsub("/spec/support/process%.lua$", "")

--- Descriptors of this process that belong to running children, as a set: no leaks.
process.descriptors = {}

--- One word for the shell.
function process.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

--- A list of words as one shell command.
function process.command(words)
  local quoted = {}
  for index, word in ipairs(words) do
    quoted[index] = process.quote(word)
  end
  return table.concat(quoted, " ")
end

--- The open descriptors of this process: a table from number to what it refers to.
function process.open_descriptors()
  local numbers, found = {}, {}
  for name in lfs.dir("/proc/self/fd") do
    numbers[#numbers + 1] = tonumber(name)
  end
  for _, number in ipairs(numbers) do -- the one that listed the folder is closed again by now
    found[number] = lfs.symlinkattributes("/proc/self/fd/" .. number, "target")
  end
  return found
end

--- Starts a command in a session of its own, at the top of the tree, for `lifetime` seconds at
--- most.
---@param words string[]
---@param lifetime? number 1200 unless told otherwise
function process.spawn(words, lifetime)
  local script = WATCH:format(process.quote(process.root), lifetime or 1200, process.command(words))
  local before = process.open_descriptors()
  local pipe = assert(io.popen("exec setsid sh -c " .. process.quote(script), "w"))
  local self = setmetatable({ pipe = pipe, owned = {} }, metatable)
  for number in pairs(process.open_descriptors()) do
    if not before[number] then
      self:own(number)
    end
  end
  return self
end

--- Counts a descriptor as part of this child, until it is stopped.
function methods:own(number)
  self.owned[#self.owned + 1] = number
  process.descriptors[number] = true
end

--- Ends the child and waits for its end.
function methods:stop()
  if not self.pipe then
    return
  end
  self.pipe:close()
  self.pipe = nil
  for _, number in ipairs(self.owned) do
    process.descriptors[number] = nil
  end
end

return process
