-- The command with spec/support/crashfs.c before it: ended at a change that it makes to its folder,
-- run again, and judged by what is there then.
-- SPDX-License-Identifier: MIT
--
-- A site is a download into a folder of its own: of one file that the command names, or of several
-- that the server does. Its clock is fast: a checkpoint comes every 20 ms, and the time limits are
-- multiplied to match.

local lfs = require("lfs")
local disklog = require("spec.support.disklog")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")

local crash = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.crash" }

local MIB = 2 ^ 20
local SPEED = 50
local KILLED = 137
local EXISTS = 13
local NAME = "file.bin"

--- Whether all is to be run (`make torture`), or a sample of it.
crash.full = os.getenv("LUADL_TORTURE") ~= nil

local shim = helper.build .. "/crashfs.so"
local usual = { "--timeout", 1000, "--connect-timeout", 500, "--min-split", "256K", "-n4", "-q" }

--- A download that nothing is there of yet. `words`: further ones for the command. For several
--- files: `files`, bytes by name, in the place of `bytes`, and `urls` in that of `url`.
---@param opts { url: string, bytes: string, words: string[]|nil, folder: string|nil }
function crash.site(opts)
  local self = setmetatable({ opts = opts, words = opts.words or {}, kills = 0 }, metatable)
  self.folder = opts.folder or helper.tmpdir()
  self.path = self.folder .. "/" .. NAME
  self.files = opts.files or { [NAME] = opts.bytes }
  return self
end

--- The same download into another folder.
function methods:at(folder)
  return crash.site(merged(self.opts, { folder = folder }))
end

--- From now on the one file has to have these bytes.
function methods:want(bytes)
  self.opts.bytes = bytes
  self.files = { [NAME] = bytes }
end

--- From now on the command continues what is there, wherever that came from.
function methods:continue()
  self.moved = true
end

local function targets(self)
  if self.moved then return { "--resume", self.path .. ".part", self.opts.url } end
  if self.opts.url then return { "-o", self.path, self.opts.url } end
  return { "-d", self.folder, "--exists", "skip", table.unpack(self.opts.urls) }
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
    opts.bare and {} or environment(self, opts),
    opts.moment and { "timeout", "-s", "KILL", opts.moment } or {},
    { helper.root .. "/scripts/luadl" },
    usual,
    self.words,
    opts.words or {},
    targets(self),
  }
  for _, list in ipairs(parts) do table.move(list, 1, #list, #words + 1, words) end
  return words
end

--- Runs the command. `opts`: kill ("12", "12+"), stop, log, lie: as in crashfs.c; moment: SIGKILL
--- after so many seconds; bare: without the shim and its clock; words: further ones. Adds `killed`
--- to helper.run's result.
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
  return helper.entries(self.folder)
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

-- Whether the file is there; if so, it's the right one.
local function check_file(self, name, bytes)
  local found = helper.read(self.folder .. "/" .. name)
  if found and found ~= bytes then
    error(("a wrong file of %d bytes, from offset %d"):format(#found,
      first_difference(found, bytes)), 0)
  end
  return found ~= nil
end

--- Fails unless each final name is absent or the whole file; says whether all are there.
function methods:check_final()
  local complete = true
  for name, bytes in pairs(self.files) do
    complete = check_file(self, name, bytes) and complete
  end
  return complete
end

local function check_alone(self)
  for _, name in ipairs(self:names()) do
    if not self.files[name] then error("left in the folder: " .. name, 0) end
  end
end

-- Over 1 MiB and without a valid record, a part may be anybody's: it's refused, and not touched.
local function was_refused(self, result, files)
  local part = files[NAME .. ".part"]
  if result.status ~= 1 or not part or #part <= MIB then return false end
  for name, bytes in pairs(self:state()) do
    if files[name] ~= bytes then error(name .. " was touched", 0) end
  end
  return true
end

--- The same command again ends well, whatever was left. Where all was there it tidies up.
---@param refusable boolean|nil whether the record may be lost, so that it takes --restart
function methods:check_recovery(refusable)
  local complete, files = self:check_final(), refusable and self:state()
  local result = self:run()
  if refusable and was_refused(self, result, files) then
    result = self:run({ words = { "--restart" } })
  end
  if not (complete and result.status == EXISTS) then expect(result, 0) end
  if not self:check_final() then error("status 0, and no file", 0) end
  check_alone(self)
end

return crash
