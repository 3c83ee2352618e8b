-- What specs share: commands with a time bound, temporary folders, sums, the search for leftovers.
-- SPDX-License-Identifier: MIT
--
--   before_each(helper.begin)
--   after_each(helper.finish)

assert(_VERSION == "Lua 5.4", "the specs run under Lua 5.4")

local lfs = require("lfs")
local socket = require("socket")
local merged = require("spec.support.merged")
local process = require("spec.support.process")

local helper = {}

local leak_methods = {}
local leak_metatable = { __index = leak_methods, __name = "luadl.spec.leaks" }

local TIME_LIMIT = 30 -- seconds for a command
local SETTLE = 1 -- seconds in which joined threads must have left /proc

local folders = {} -- what tmpdir() gave since begin()
local baseline

--- The top of the source tree.
helper.root = process.root

--- The folder of what was built: modules, test programs, shims.
helper.build = os.getenv("LUADL_BUILD") or helper.root .. "/build/5.4"

--- A file's bytes, or nil when it can't be opened.
function helper.read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local bytes = file:read("*a")
  file:close()
  return bytes
end

function helper.write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

--- Whether anything has this name, a dangling link included.
function helper.exists(path)
  return lfs.symlinkattributes(path, "mode") ~= nil
end

--- A fresh folder that the caller removes.
function helper.make_folder()
  local pipe = assert(io.popen("mktemp -d", "r"))
  local path = pipe:read("*l")
  pipe:close()
  return assert(path, "mktemp made no folder")
end

function helper.remove_folder(path)
  os.execute("rm -rf -- " .. process.quote(path))
end

--- A fresh folder that `finish` looks through for leftovers and removes.
function helper.tmpdir()
  folders[#folders + 1] = helper.make_folder()
  return folders[#folders]
end

--- The names in a folder, sorted.
function helper.entries(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Whether files in this folder get their room beforehand: not where they are in memory.
function helper.allocates(folder)
  return helper.run({ "stat", "-f", "-c", "%T", folder }).stdout ~= "tmpfs\n"
end

--- A TCP port of 127.0.0.1 that is free now.
function helper.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

--- A URL that nobody serves.
function helper.dead_url()
  return ("http://127.0.0.1:%d/file"):format(helper.free_port())
end

local function environment(variables)
  local words = { "env", "XDG_CONFIG_HOME=/dev/null" } -- the user's own is no matter of specs
  for name, value in pairs(variables or {}) do
    words[#words + 1] = name .. "=" .. value
  end
  return process.command(words) .. " "
end

local function shell_line(command, opts, folder)
  return ("cd %s && exec %stimeout -k 2 %s %s <%s >%s/stdout 2>%s/stderr"):format(
    process.quote(opts.cwd or "."),
    environment(opts.env),
    opts.timeout or TIME_LIMIT,
    type(command) == "table" and process.command(command) or "sh -c " .. process.quote(command),
    process.quote(opts.stdin or "/dev/null"),
    folder,
    folder
  )
end

--- Runs a command (a list of words, or one line for the shell) and waits for its end. Its status
--- is 124 at the time bound and 128 + n after a signal.
---@param command string[]|string
---@param opts? { timeout: number, cwd: string, env: table, stdin: string } stdin is a path
---@return { status: integer, stdout: string, stderr: string, elapsed: number }
function helper.run(command, opts)
  local folder = helper.make_folder()
  local began = socket.gettime()
  local pipe = assert(io.popen(shell_line(command, opts or {}, folder), "w"))
  local _, how, code = pipe:close()
  local result = {
    status = how == "signal" and 128 + code or code,
    elapsed = socket.gettime() - began,
    stdout = helper.read(folder .. "/stdout"),
    stderr = helper.read(folder .. "/stderr"),
  }
  helper.remove_folder(folder)
  return result
end

--- Runs `scripts/luadl` of this tree; a table as the last argument holds the options of `run`.
function helper.luadl(...)
  local words = { helper.root .. "/scripts/luadl", ... }
  local opts = type(words[#words]) == "table" and table.remove(words) or nil
  return helper.run(words, opts)
end

--- The same in this folder.
function helper.luadl_in(folder, ...)
  local words = { ... }
  local opts = type(words[#words]) == "table" and table.remove(words) or {}
  words[#words + 1] = merged(opts, { cwd = folder })
  return helper.luadl(table.unpack(words))
end

--- The environment in which system calls fail as `fault` says (see spec/support/faultfs.c).
function helper.faulty(fault)
  local others = os.getenv("LD_PRELOAD") or ""
  local preload = others .. (others ~= "" and ":" or "") .. helper.build .. "/faultfs.so"
  return { LUADL_FAULT = fault, LD_PRELOAD = preload }
end

--- The SHA-256 of a file in hexadecimal, or nil when there is none.
function helper.sha256(path)
  return helper.run({ "sha256sum", "--", path }).stdout:match("^\\?(%x+)")
end

--- Status 0 if and only if the file is there and right; otherwise its final name is absent.
function helper.check_oracle(status, path, sha256)
  local found = helper.sha256(path)
  if status == 0 and found ~= sha256 then
    error(("status 0, but %s has %s instead of %s"):format(path, found or "no file", sha256), 2)
  end
  if status ~= 0 and helper.exists(path) then
    error(("status %s, but %s is there"):format(status, path), 2)
  end
end

local function threads()
  local found = {}
  for id in lfs.dir("/proc/self/task") do
    local file = io.open("/proc/self/task/" .. id .. "/comm")
    if file then
      found[id] = "thread " .. file:read("*l")
      file:close()
    end
  end
  return found
end

local function descriptors()
  local found = {}
  for number, target in pairs(process.open_descriptors()) do
    if not process.descriptors[number] then
      found[number] = "descriptor " .. target
    end
  end
  return found
end

local function find_parts(folder, found)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name ~= "." and name ~= ".." and lfs.symlinkattributes(path, "mode") == "directory" then
      find_parts(path, found)
    elseif name:find("%.part$") and not helper.exists(path .. ".lj") then
      found[path] = "file"
    end
  end
end

local function parts(where)
  local found = {}
  for _, folder in ipairs(where) do
    if lfs.attributes(folder, "mode") == "directory" then
      find_parts(folder, found)
    end
  end
  return found
end

local function take_snapshot(where)
  collectgarbage()
  collectgarbage()
  return { threads = threads(), descriptors = descriptors(), parts = parts(where) }
end

local function difference(before, after)
  local new = {}
  for area, items in pairs(after) do
    for key, what in pairs(items) do
      if before[area][key] == nil then
        new[#new + 1] = what .. " " .. key
      end
    end
  end
  table.sort(new)
  return new
end

--- A snapshot of this process's threads and descriptors (those of running servers excepted) and
--- of the .part files without a journal in the given folders and those of `tmpdir`.
function helper.leaks(...)
  return setmetatable({ before = take_snapshot({ ... }), where = { ... } }, leak_metatable)
end

local function new_since(self)
  local where = { table.unpack(self.where) }
  table.move(folders, 1, #folders, #where + 1, where)
  return difference(self.before, take_snapshot(where))
end

--- An error that names what is there now and was not there then.
function leak_methods:check()
  local deadline = socket.gettime() + SETTLE
  local new = new_since(self)
  while new[1] and socket.gettime() < deadline do
    socket.sleep(0.01)
    new = new_since(self)
  end
  if new[1] then
    error("left behind: " .. table.concat(new, ", "), 2)
  end
end

--- For before_each.
function helper.begin()
  folders = {}
  baseline = helper.leaks()
end

--- For after_each: fails a spec that left something behind, and removes its folders.
function helper.finish()
  local ok, problem = pcall(baseline.check, baseline)
  for _, folder in ipairs(folders) do
    helper.remove_folder(folder)
  end
  folders = {}
  if not ok then
    error(problem, 0)
  end
end

return helper
