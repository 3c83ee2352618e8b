-- `make bench`: luadl beside curl and aria2 on the same work, in one run. Only ratios mean a thing.
-- SPDX-License-Identifier: MIT

package.path = "./?.lua;" .. package.path

local helper = require("spec.support.helper")
local measure = require("spec.bench.measure")
local nginx = require("spec.support.nginx")
local relay = require("spec.support.server")

local MIB = 1048576
local BIG = tonumber(os.getenv("BENCH_MIB") or 2048) * MIB
local LIMITED = 256 * MIB
local RATE = 8 * MIB
local TEN_SECONDS = 10 * RATE
local MANY, SMALL = 10000, 4096

local function has(command)
  return helper.run("command -v " .. command).status == 0
end

local function luadl(arguments, out, url)
  return ("%s/scripts/luadl -q %s -o %s %s"):format(helper.root, arguments, out, url)
end

local function curl(out, url)
  return ("curl -s -o %s %s"):format(out, url)
end

local function aria2(out, url)
  local dir, name = out:match("^(.*)/([^/]*)$")
  return ("aria2c -q -x16 -s16 -d %s -o %s %s"):format(dir, name, url)
end

local function entries(list)
  local present = {}
  for _, entry in ipairs(list) do
    if has(entry.command:match("^%S+")) then present[#present + 1] = entry end
  end
  return present
end

local function make_file(path, bytes)
  local made = helper.run(("head -c %d /dev/urandom > %s"):format(bytes, path), { timeout = 120 })
  assert(made.status == 0, made.stderr)
end

local function on_tmpfs(server, folder)
  local url, out = server.url .. "/big", folder .. "/out"
  measure.compare({
    title = ("%d MiB from nginx to tmpfs"):format(BIG / MIB),
    folder = folder,
    size = BIG,
    entries = entries({
      { name = "curl -o", command = curl(out, url) },
      { name = "aria2c -x16 -s16", command = aria2(out, url) },
      { name = "luadl -n 8", command = luadl("-n 8", out, url) },
      { name = "luadl -n 1", command = luadl("-n 1", out, url) },
    }),
  })
end

local function on_disk(server, folder)
  local url, out = server.url .. "/big", folder .. "/out"
  measure.compare({
    title = ("%d MiB from nginx to disk, synced"):format(BIG / MIB),
    folder = folder,
    size = BIG,
    entries = entries({
      { name = "curl -o, then sync", command = curl(out, url) .. " && sync " .. out },
      { name = "aria2c -x16 -s16, then sync", command = aria2(out, url) .. " && sync " .. out },
      { name = "luadl -n 8 (syncs itself)", command = luadl("-n 8", out, url) },
    }),
  })
end

-- What it costs that an interrupted download can go on: both sync before they publish.
local function journalled(server, folder)
  local url, out = server.url .. "/big", folder .. "/out"
  measure.compare({
    title = ("%d MiB from nginx to disk: the journal's cost"):format(BIG / MIB),
    folder = folder,
    size = BIG,
    rounds = 9,
    entries = entries({
      { name = "luadl --no-resume -n 8", command = luadl("--no-resume -n 8", out, url) },
      { name = "luadl -n 8", command = luadl("-n 8", out, url) },
    }),
  })
end

local function limited(server, folder)
  local url, out = server.url .. "/part", folder .. "/out"
  local ideal = LIMITED / (16 * RATE)
  local figures = measure.compare({
    title = ("%d MiB, 16 connections of 8 MiB/s each: ideal %.2f s"):format(LIMITED / MIB, ideal),
    folder = folder,
    size = LIMITED,
    rounds = 3,
    entries = entries({
      { name = "luadl -n 16", command = luadl("-n 16", out, url) },
      { name = "aria2c -x16 -s16", command = aria2(out, url) },
    }),
  })
  print(("  luadl: %.3f of the ideal"):format(figures["luadl -n 16"].wall / ideal))
end

-- Reading in order, through connections each of which has its own rate, however many requests it
-- serves.
local function in_order(server, folder)
  local origin = relay.start()
  local _, base = origin:delay_proxy(server.port, 0, RATE)
  local url, out = base .. "/big", folder .. "/out"
  local script = helper.root .. "/scripts/luadl"
  local figures = measure.compare({
    title = ("%d MiB, 8 connections of 8 MiB/s each: ideal %.2f s"):format(
      BIG / MIB, BIG / (8 * RATE)),
    folder = folder,
    size = BIG,
    rounds = 1,
    entries = entries({
      { name = "luadl -n 8 to a file", command = luadl("-n 8", out, url) },
      { name = "luadl -n 8 -o -", command = ("%s -q -n 8 -o - %s | cat >%s"):format(
        script, url, out) },
    }),
  })
  origin:stop()
  local file, stream = figures["luadl -n 8 to a file"], figures["luadl -n 8 -o -"]
  print(("  -o -: %.3f of the time to a file, %.0f MiB"):format(
    stream.wall / file.wall, stream.memory))
end

-- A rate that was asked for, over ten seconds.
local function throttled(server, folder)
  local url, out = server.url .. "/ten", folder .. "/out"
  local list = {
    { name = "curl --limit-rate 8M", command = "curl -s --limit-rate 8M -o " .. out .. " " .. url },
    {
      name = "aria2c -x16 -s16, limited to 8M",
      command = aria2(out, url) .. " --max-overall-download-limit=8M",
    },
  }
  for index, count in ipairs({ 1, 8, 16 }) do
    local words = ("--limit-rate 8M -n %d"):format(count)
    table.insert(list, index, { name = "luadl " .. words, command = luadl(words, out, url) })
  end
  local figures = measure.compare({
    title = ("%d MiB at 8 MiB/s: ideal %.2f s"):format(TEN_SECONDS / MIB, TEN_SECONDS / RATE),
    folder = folder,
    size = TEN_SECONDS,
    rounds = 1,
    entries = entries(list),
  })
  for _, entry in ipairs(entries(list)) do
    local share = TEN_SECONDS / RATE / figures[entry.name].wall
    print(("  %s: %.3f of the rate"):format(entry.name, share))
  end
end

-- The same URLs for all, as each of them takes a list.
local function write_lists(server, folder)
  local urls, config = {}, {}
  for index = 1, MANY do
    local url = ("%s/small/%05d"):format(server.url, index)
    urls[index] = url
    config[index] = ('url = "%s"\noutput = "%s/out/%05d"'):format(url, folder, index)
  end
  helper.write(folder .. "/urls", table.concat(urls, "\n") .. "\n")
  helper.write(folder .. "/curl.conf", table.concat(config, "\n") .. "\n")
end

local function many(server, folder)
  write_lists(server, folder)
  local figures = measure.compare({
    title = ("%d files of %d bytes from nginx to tmpfs, 16 at once"):format(MANY, SMALL),
    folder = folder,
    size = MANY * SMALL,
    entries = entries({
      {
        name = "curl -Z --parallel-max 16",
        command = ("curl -s -Z --parallel-max 16 --create-dirs -K %s/curl.conf"):format(folder),
      },
      {
        name = "aria2c -j16 -i",
        command = ("aria2c -q -j16 -d %s/out -i %s/urls"):format(folder, folder),
      },
      {
        name = "luadl -j 16 -i",
        command = ("%s/scripts/luadl -q -j 16 -d %s/out -i %s/urls"):format(helper.root, folder,
          folder),
      },
    }),
  })
  for _, rival in ipairs({ "curl -Z --parallel-max 16", "aria2c -j16 -i" }) do
    local other = figures[rival]
    if other then
      local ratio = other.wall / figures["luadl -j 16 -i"].wall
      print(("  luadl: %.2f of the files per second of %s"):format(ratio, rival))
    end
  end
end

local function make_small_files(folder)
  local line = "mkdir %s && head -c %d /dev/urandom | split -b %d -a 5 --numeric-suffixes=1 - %s/"
  local made = helper.run(line:format(folder, MANY * SMALL, SMALL, folder))
  assert(made.status == 0, made.stderr)
end

local function with(start, stop, work)
  local thing = start()
  local ok, err = xpcall(work, debug.traceback, thing)
  stop(thing)
  if not ok then error(err, 0) end
end

local function in_folder(parent, work)
  with(function()
    return (helper.run({ "mktemp", "-d", "-p", parent }).stdout:gsub("\n", ""))
  end, helper.remove_folder, work)
end

local function serve(opts, work)
  with(function() return nginx.start(opts) end, function(server) server:stop() end, work)
end

in_folder("/dev/shm", function(memory)
  local root = memory .. "/root"
  assert(helper.run({ "mkdir", root }).status == 0)
  make_file(root .. "/big", BIG)
  make_file(root .. "/part", LIMITED)
  make_file(root .. "/ten", TEN_SECONDS)
  make_small_files(root .. "/small")
  serve({ root = root }, function(server)
    on_tmpfs(server, memory)
    many(server, memory)
    throttled(server, memory)
    in_order(server, memory)
    in_folder(helper.root .. "/build", function(disk)
      on_disk(server, disk)
      journalled(server, disk)
    end)
  end)
  serve({ root = root, rate = "8m" }, function(server) limited(server, memory) end)
end)
