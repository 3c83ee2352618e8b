-- The programs of the comparison: how each is told to use four connections, to continue what is
-- there, to give up after three seconds of silence and to try twice more.
-- SPDX-License-Identifier: MIT
--
-- `data` is the file that grows while they download, `control` what they keep beside it.

local helper = require("spec.support.helper")

local rivals = {}

rivals.FILE = "file.bin"

local function words(line)
  return function(url)
    local list = {}
    for word in line:gmatch("%S+") do list[#list + 1] = word end
    list[#list + 1] = url
    return list
  end
end

rivals.list = {
  {
    name = "luadl",
    command = words(helper.root .. "/scripts/luadl -q -o file.bin --exists skip -n 4"
      .. " --min-split 512K --timeout 3 --connect-timeout 3 --retry 2"),
    data = "file.bin.part",
    control = "file.bin.part.lj",
  },
  {
    name = "aria2c",
    command = words("aria2c -q -o file.bin -c -x4 -s4 -k1M --auto-file-renaming=false"
      .. " --timeout=3 --connect-timeout=3 -m3 --retry-wait=1"),
    data = "file.bin",
    control = "file.bin.aria2",
  },
  {
    name = "axel",
    command = words("axel -q -o file.bin -n4 -T3"),
    data = "file.bin",
    control = "file.bin.st",
  },
  {
    name = "wget2",
    command = words("wget2 -q -c --chunk-size=1M --max-threads=4 -T3 -t3 --waitretry=1"),
    data = "file.bin",
  },
  {
    name = "wget",
    command = words("wget -q -c -T3 -t3 --waitretry=1"),
    data = "file.bin",
  },
  {
    name = "curl",
    command = words("curl -fsSL -o file.bin -C - --retry 2 --retry-all-errors --connect-timeout 3"
      .. " --speed-limit 1 --speed-time 3"),
    data = "file.bin",
  },
}

--- Variables under which a program reads no configuration of the user's and asks no proxy. axel
--- waits 20 s between two tries unless its file says otherwise.
function rivals.environment(folder)
  helper.write(folder .. "/.axelrc", "reconnect_delay = 1\n")
  return { HOME = folder, XDG_CONFIG_HOME = folder, no_proxy = "127.0.0.1" }
end

--- A program's version as it tells it, or nil when it isn't there.
function rivals.version(rival)
  local program = rival.command("")[1]
  local run = helper.run({ program, "--version" })
  return run.status == 0 and run.stdout:match("%d+%.[%d.]*%d") or nil
end

return rivals
