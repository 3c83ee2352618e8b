-- `make demo`: a file from a server that limits each connection, by one and by eight; or any URL.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local helper = require("spec.support.helper")
local process = require("spec.support.process")
local server = require("spec.support.server")

local MIB = 1048576
local SIZE = 64 * MIB
local RATE = 8 * MIB
local SEED = 1

local function luadl(folder, ...)
  local line = process.command({ helper.root .. "/scripts/luadl", ... })
  local began = socket.gettime()
  local ok = os.execute(("cd %s && exec %s"):format(process.quote(folder), line))
  return ok == true, socket.gettime() - began
end

local function download(url, folder, connections)
  local name = ("over-%d.bin"):format(connections)
  print(("\n$ luadl -n %d -o %s %s"):format(connections, name, url))
  local ok, elapsed = luadl(folder, "-n", connections, "-o", name, url)
  local right = ok and helper.sha256(folder .. "/" .. name) == server.sha256(SEED, SIZE)
  return { connections = connections, right = right, elapsed = elapsed }
end

local function report(run)
  print(("%2d connection%s %6.2f s %7.1f MiB/s   %s"):format(
    run.connections,
    run.connections == 1 and " " or "s",
    run.elapsed,
    SIZE / MIB / run.elapsed,
    run.right and "SHA-256 right" or "WRONG or incomplete"
  ))
end

local function compare(origin, folder)
  local url = origin:serve("/demo.bin", { size = SIZE, seed = SEED, rate = RATE, etag = '"demo"' })
  print(("%d MiB from a server that gives each connection %d MiB/s"):format(SIZE / MIB, RATE / MIB))
  local one = download(url, folder, 1)
  if not one.right then
    report(one)
    return false
  end
  local eight = download(url, folder, 8)
  print(("\nSHA-256 expected: %s"):format(server.sha256(SEED, SIZE)))
  report(one)
  report(eight)
  print(("%.1f times as fast"):format(one.elapsed / eight.elapsed))
  return eight.right
end

local function demonstrate()
  local folder = helper.make_folder()
  local origin = server.start()
  local ok, result = pcall(compare, origin, folder)
  pcall(origin.stop, origin)
  helper.remove_folder(folder)
  if not ok then
    io.stderr:write("demo: ", tostring(result), "\n")
  end
  return ok and result
end

io.stdout:setvbuf("line") -- in order with what luadl writes to the same terminal

if arg[1] then
  os.exit((luadl(".", arg[1])), true)
end
os.exit(demonstrate(), true)
