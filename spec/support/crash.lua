-- The command with spec/support/crashfs.c before it: ended at a change that it makes to its folder,
-- run again, and judged by what is there then.
-- SPDX-License-Identifier: MIT
--
-- A site is one download into a folder of its own: crash.site{ url =, bytes =, words = }. Its clock
-- is fast: a checkpoint comes every 20 ms, and the time limits are multiplied to match.

local lfs = require("lfs")
local disklog = require("spec.support.disklog")
local helper = require("spec.support.helper")

local crash = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.crash" }

local SPEED = 50
local KILLED = 137
local EXISTS = 13
local NAME = "file.bin"

--- Whether all is to be run (`make torture`), or a sample of it.
crash.full = os.getenv("LUADL_TORTURE") ~= nil

local shim = helper.build .. "/crashfs.so"
local usual = { "--timeout", 1000, "--connect-timeout", 500, "--min-split", "256K", "-n4", "-q" }

--- A download that nothing is there of yet. `words`: further ones for the command.
---@param opts { url: string, bytes: string, words: string[]|nil, folder: string|nil }
function crash.site(opts)
  local self = setmetatable({
    url = opts.url,
    bytes = opts.bytes,
    words = opts.words or {},
    folder = opts.folder or helper.tmpdir(),
    kills = 0,
  }, metatable)
  self.path = self.folder .. "/" .. NAME
  return self
end

--- The same download into another folder.
function methods:at(folder)
  return crash.site({ url = self.url, bytes = self.bytes, words = self.words, folder = folder })
end

local function environment(self, opts)
  local preload = os.getenv("LD_PRELOAD")
  return {
    "LD_PRELOAD=" .. ((preload and preload ~= "") and preload .. ":" .. shim or shim),
    "LUADL_CRASH_FOLDER=" .. self.folder,
    "LUADL_CRASH_CLOCK=" .. SPEED,
    "LUADL_CRASH_KILL=" .. (opts.kill or ""),
    "LUADL_CRASH_STOP=" .. (opts.stop or ""),
    "LUADL_CRASH_SYNC=" .. (opts.stop and 1 or ""),
    "LUADL_CRASH_LOG=" .. (opts.log or ""),
    "LUADL_CRASH_LIE=" .. (opts.lie or ""),
  }
end

--- Its command as a list of words. `opts` as for run.
function methods:command(opts)
  local words = { "env" }
  local parts = {
    environment(self, opts),
    opts.moment and { "timeout", "-s", "KILL", opts.moment } or {},
    { helper.root .. "/scripts/luadl" },
    usual,
    self.words,
    opts.words or {},
    { "-o", self.path, self.url },
  }
  for _, list in ipairs(parts) do table.move(list, 1, #list, #words + 1, words) end
  return words
end

--- Runs the command. `opts`: kill ("12", "12+"), stop, log, lie: as in crashfs.c; moment: SIGKILL
--- after so many seconds; words: further ones. Adds `killed` to helper.run's result.
function methods:run(opts)
  local result = helper.run(self:command(opts or {}))
  result.killed = result.status == KILLED
  if result.killed then self.kills = self.kills + 1 end
  return result
end

local function expect(result, status)
  if result.status ~= status then
    error(("status %d: %s"):format(result.status, result.stderr), 0)
  end
end

--- Runs the command, which is either killed or ends well; says whether it was killed.
function methods:interrupt(opts)
  local result = self:run(opts)
  if not result.killed then expect(result, 0) end
  return result.killed
end

--- The names in the folder, sorted.
function methods:names()
  local names = {}
  for name in lfs.dir(self.folder) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- What is in the folder: bytes by name.
function methods:state()
  local files = {}
  for _, name in ipairs(self:names()) do files[name] = helper.read(self.folder .. "/" .. name) end
  return files
end

--- Runs the command to its good end; what was recorded of it, as spec.support.disklog reads it.
---@param opts table|nil as for run
function methods:record(opts)
  local path = os.tmpname()
  local present = {}
  for name, bytes in pairs(self:state()) do
    present[name] = { bytes = bytes, inode = lfs.attributes(self.folder .. "/" .. name, "ino") }
  end
  expect(self:run({ log = path, lie = opts and opts.lie }), 0)
  local log = disklog.read(path, present)
  os.remove(path)
  return log
end

--- Puts these files into the folder, and nothing else.
function methods:restore(files)
  for _, name in ipairs(self:names()) do os.remove(self.folder .. "/" .. name) end
  for name, bytes in pairs(files) do helper.write(self.folder .. "/" .. name, bytes) end
end

local function first_difference(found, wanted)
  local low, high = 0, math.min(#found, #wanted) -- all before low is equal
  while low < high do
    local middle = (low + high + 1) // 2
    if found:sub(low + 1, middle) == wanted:sub(low + 1, middle) then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

--- Fails unless the final name is absent or the whole file; says whether it is there.
function methods:check_final()
  local found = helper.read(self.path)
  if found and found ~= self.bytes then
    error(("a wrong file of %d bytes, from offset %d"):format(#found,
      first_difference(found, self.bytes)), 0)
  end
  return found ~= nil
end

local function check_alone(self)
  local names = table.concat(self:names(), " ")
  if names ~= NAME then error("in the folder: " .. names, 0) end
end

-- Nothing is left to be done but to tidy up, and the file is not touched.
local function check_again(self)
  local result = self:run()
  if result.status ~= EXISTS then expect(result, 0) end
  self:check_final()
  check_alone(self)
end

--- The same command again ends well, whatever was left.
function methods:check_recovery()
  if self:check_final() then return check_again(self) end
  expect(self:run(), 0)
  if not self:check_final() then error("status 0, and no file", 0) end
  check_alone(self)
end

return crash
