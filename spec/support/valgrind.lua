-- A download, one that is cancelled and one that the end of the process stops, under valgrind's
-- memcheck. usage: valgrind.lua BUILD (in a built tree: make valgrind)
-- SPDX-License-Identifier: MIT

package.path = "./?.lua;" .. package.path

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local SIZE = 3000000
local OUT = assert(arg[1], "usage: valgrind.lua BUILD")
local LIMIT = 120 -- seconds for a run
local FOUND = 99 -- the status of a run in which memcheck found something

local VALGRIND = {
  "valgrind", "--quiet", "--error-exitcode=" .. FOUND, "--leak-check=full",
  "--errors-for-leak-kinds=definite", "--num-callers=30",
}

local CANCELLING = [[
  local luadl = require("luadl")
  local url, dir = ...
  local session = luadl.session({ dir = dir, connections = 4, min_split = 65536 })
  local download = session:download({ url = url })
  while download:stats().received == 0 do session:step(0.01) end
  download:cancel()
  local _, err = download:wait()
  session:close()
  assert(err.kind == "cancelled", err)
]]

local EXITING = [[
  local luadl = require("luadl")
  local url, dir = ...
  local session = luadl.session({ dir = dir, connections = 4, min_split = 65536 })
  local download = session:download({ url = url })
  while download:stats().received == 0 do session:step(0.01) end
  os.exit(0)
]]

local function check(what, words)
  local line = { table.unpack(VALGRIND) }
  table.move(words, 1, #words, #line + 1, line)
  local run = helper.run(line, {
    env = {
      LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(helper.root, helper.root),
      LUA_CPATH = OUT .. "/?.so;;",
    },
    timeout = LIMIT,
    cwd = helper.root,
  })
  local verdict = run.status == 0 and "clean" or "NOT clean"
  print(("%-10s %s in %.1f s"):format(what, verdict, run.elapsed))
  if run.status ~= 0 then io.stderr:write(run.stdout, run.stderr) end
  return run.status == 0
end

local function check_all(origin, folder)
  local quick = origin:serve("/file", { size = SIZE, etag = '"a"' })
  local slow = origin:serve("/slow", { size = SIZE, etag = '"a"', rate = SIZE / 4 })
  local function lua(name, source)
    helper.write(folder .. "/" .. name, source)
    return { "lua5.4", folder .. "/" .. name, slow, folder }
  end
  local clean = check("download", { OUT .. "/download", quick, folder, "file" })
  clean = helper.sha256(folder .. "/file") == server.sha256(1, SIZE) and clean
  clean = check("cancel", lua("cancel.lua", CANCELLING)) and clean
  return check("exit", lua("exit.lua", EXITING)) and clean
end

local origin, folder = server.start(), helper.make_folder()
local ok, clean = pcall(check_all, origin, folder)
helper.remove_folder(folder)
origin:stop()
if not ok then error(clean, 0) end
os.exit(clean and 0 or 1)
