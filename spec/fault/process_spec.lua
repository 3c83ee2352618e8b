-- The process that downloads and what happens to it: signals, limits, clocks, its host's settings.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local socket = require("socket")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local process = require("spec.support.process")
local program = require("spec.support.program")
local server = require("spec.support.server")

local SIZE = 3000000
local HELD_AT = 2000000 -- bytes after which the server says nothing more
local HOUR = 3600
local LOW = 28 -- descriptors: about twice what a session without downloads has

local function shim(name)
  return ("LD_PRELOAD=%s/%s.so"):format(helper.build, name)
end

local function holding(connection, _, parameters)
  local headers = { { "Content-Length", parameters.size }, { "ETag", parameters.etag } }
  connection:status(200, headers)
  connection:body(0, parameters.held_at - 1)
  connection:hold()
end

-- A download whose progress is read and that is sent signals.
local running = {}
running.__index = running

local function start(prefix, words, timeout)
  local line = ("exec timeout -k 2 %d sh -c %s"):format(timeout or 20, process.quote(
    ("exec 2>/dev/null; %s exec %s/scripts/luadl --json %s & echo $!; wait $!; echo status $?")
      :format(prefix, helper.root, process.command(words))))
  local self = setmetatable({ pipe = assert(io.popen(line, "r")) }, running)
  self.pid = self.pipe:read("l")
  return self
end

function running:signal(name)
  os.execute(("kill -%s %s"):format(name, self.pid))
  self.signalled = socket.gettime()
end

-- Reads until so many bytes have been received.
function running:await(bytes)
  for line in self.pipe:lines() do
    local received = tonumber(line:match('"progress".-"received":(%d+)'))
    if received and received >= bytes then return end
  end
  error("it ended before it had " .. bytes .. " bytes")
end

function running:finish()
  local status
  for line in self.pipe:lines() do status = line:match("^status (%d+)$") or status end
  self.pipe:close()
  return tonumber(status), self.signalled and socket.gettime() - self.signalled
end

local function sent(origin, path)
  local sum = 0
  for _, request in ipairs(origin:requests(path)) do sum = sum + request.sent end
  return sum
end

describe("a process", function()
  local origin, folder, path

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file"
  end)
  after_each(helper.finish)

  local function serve(name, behaviour, parameters)
    local given = merged({ size = SIZE, held_at = HELD_AT, etag = '"a"' }, parameters)
    return origin:serve(name, behaviour, given)
  end

  local function assert_saved(result)
    assert.equal(0, result.status, result.stderr)
    assert.equal(server.sha256(1, SIZE), helper.sha256(path))
  end

  local function continue(name, url)
    serve(name)
    local before = sent(origin, name)
    assert_saved(helper.luadl("-q", "-o", path, url))
    local again = sent(origin, name) - before
    assert.is_true(again < SIZE - HELD_AT / 2, again .. " bytes were sent again")
    assert.is_false(helper.exists(path .. ".part") or helper.exists(path .. ".part.lj"))
  end

  describe("that is told to stop", function()
    for _, signal in ipairs({ "INT", "TERM", "HUP" }) do
      it("P1: by SIG" .. signal .. " ends in time with 7, and continues when run again", function()
        local name = "/" .. signal
        local url = serve(name, holding)
        local download = start("", { "-o", path, url })
        download:await(HELD_AT / 2)
        download:signal(signal)
        local status, took = download:finish()
        assert.equal(7, status)
        assert.is_true(took < 2, took)
        continue(name, url)
      end)
    end

    it("P1: twice ends at once, whatever the disk does, and continues when run again", function()
      local url = serve("/twice", holding)
      local slow = "LUADL_FAULT=fdatasync:SLOW20:3 " .. shim("faultfs")
      local download = start(slow, { "-o", path, url })
      download:await(HELD_AT / 2)
      download:signal("TERM")
      download:signal("INT")
      local status, took = download:finish()
      assert.equal(7, status)
      assert.is_true(took < 0.5, took)
      serve("/twice")
      assert_saved(helper.luadl("-q", "-o", path, url))
    end)

    -- The kernel and the shell each send one when a terminal goes.
    it("P1: by two SIGHUPs still ends in order", function()
      local url = serve("/hangup", holding)
      local download = start("", { "-o", path, url })
      download:await(HELD_AT / 2)
      download:signal("HUP")
      download:signal("HUP")
      assert.equal(7, (download:finish()))
      continue("/hangup", url)
    end)

    it("P1: by a SIGHUP that nohup has it ignore goes on", function()
      local url = serve("/nohup", nil, { rate = 3000000 })
      local download = start("trap '' HUP;", { "-o", path, url })
      download:await(1)
      download:signal("HUP")
      assert.equal(0, (download:finish()))
      assert.equal(server.sha256(1, SIZE), helper.sha256(path))
    end)
  end)

  it("P2: that is killed continues when run again", function()
    local url = serve("/killed", nil, { rate = 1000000 })
    local download = start("", { "-n1", "-o", path, url })
    download:await(HELD_AT)
    download:signal("KILL")
    assert.equal(137, (download:finish()))
    serve("/killed")
    assert_saved(helper.luadl("-q", "-o", path, url))
  end)

  it("P4: whose reader has gone goes on, and the file is right", function()
    for index, words in ipairs({ "--json", "-v" }) do
      local url = serve("/pipe" .. index, nil, { rate = 3000000 })
      local script = ("{ %s/scripts/luadl %s -o %s%d %s 2>&1; echo $? >&2; } | true"):format(
        helper.root, words, path, index, url)
      assert.equal("0\n", helper.run(script).stderr)
      assert.equal(server.sha256(1, SIZE), helper.sha256(path .. index))
    end
  end)

  it("P4: whose servers reset each connection ends with an error, not by a signal", function()
    local url = origin:serve("/reset", function(connection) connection:reset() end)
    for _ = 1, 5 do
      local result = helper.luadl("-q", "--retry", "0", "-o", path, url)
      assert.is_true(result.status > 0 and result.status < 128, result.status)
    end
  end)

  describe("with few descriptors", function()
    local function limited(limit, ...)
      local words = { helper.root .. "/scripts/luadl", ... }
      return helper.run(("ulimit -n %d; exec %s"):format(limit, process.command(words)))
    end

    it("P6: opens fewer connections", function()
      local url = serve("/few", nil, { rate = 6000000 })
      assert_saved(limited(LOW, "-q", "-n16", "--min-split", "64K", "-o", path, url))
    end)

    it("P6: has fewer downloads at once, and none fails", function()
      local words, count = { "-q", "-n4", "-j6", "--min-split", "64K", "-d", folder }, 8
      for number = 1, count do
        local parameters = { size = 400000, seed = number, rate = 2000000 }
        words[#words + 1] = serve("/many" .. number, nil, parameters)
      end
      local result = limited(LOW, table.unpack(words))
      assert.equal(0, result.status, result.stderr)
      for number = 1, count do
        local sum = server.sha256(number, 400000)
        assert.equal(sum, helper.sha256(folder .. "/many" .. number))
      end
    end)

    it("P6: that don't suffice for one says so and leaves nothing", function()
      for limit = 4, 17 do
        local result = limited(limit, "-q", "--retry", "0", "-o", path, serve("/none"))
        assert.is_true(result.status > 0 and result.status < 128, limit .. ": " .. result.status)
        assert.is_false(helper.exists(path) or helper.exists(path .. ".part"))
      end
      local result = limited(17, "-q", "--retry", "0", "-o", path, serve("/none"))
      assert.matches("[Tt]oo many open files", result.stderr)
    end)
  end)

  describe("whose wall clock jumps", function()
    -- It is told how far, and when, in seconds; the retry below comes after that.
    local function jumping(jump, ...)
      local env = { LUADL_CLOCK = jump .. ":0.3", LD_PRELOAD = helper.build .. "/faultclock.so" }
      local words = { "lua5.4", helper.root .. "/scripts/luadl", ... }
      env.LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(helper.root, helper.root)
      env.LUA_CPATH = helper.build .. "/?.so;;"
      return helper.run(words, { env = env })
    end

    for what, jump in pairs({ forward = 5 * HOUR, back = -5 * HOUR }) do
      it("P8: " .. what .. " waits neither less nor more, and no watchdog bites", function()
        local url = serve("/" .. what, function(connection, request, parameters)
          if request.number == 1 then
            return connection:reply(503, { { "Retry-After", 1 } }, "")
          end
          return connection:file(request, parameters)
        end, { rate = 3000000 })
        local result = jumping(jump, "-q", "-n1", "--deadline", "20s", "--timeout", "5s", "-o",
          path, url)
        assert_saved(result)
        assert.is_true(result.elapsed > 1.5 and result.elapsed < 6, result.elapsed)
      end)
    end
  end)

  describe("in which threads can't be made", function()
    local function starting(skip)
      return program.run([[
        local luadl = require("luadl")
        local url, dir = ...
        local session = luadl.session({ dir = dir, loops = 3, connections = 4, min_split = 65536 })
        local result, err = session:get({ url = url })
        print(result and result.path, err and err.kind)
        session:close()
      ]], { arguments = { serve("/file"), folder }, fault = "pthread_create:EAGAIN:" .. skip })
    end

    it("P10: downloads with those that it has", function()
      for skip = 3, 4 do -- a sanitizer's runtime may have made one of its own
        assert.equal(path .. "\tnil\n", starting(skip).stdout)
        assert.equal(server.sha256(1, SIZE), helper.sha256(path))
        os.remove(path)
      end
    end)

    it("P10: fails clearly without any", function()
      for skip = 0, 1 do assert.equal("nil\tno_memory\n", starting(skip).stdout) end
      assert.is_false(helper.exists(path))
    end)
  end)

  describe("whose host changes", function()
    local function run(source, ...)
      local arguments = { serve("/file", nil, { rate = 6000000 }), folder, ... }
      local result = program.run(source, { arguments = arguments })
      assert.equal("", result.stderr)
      assert.equal(0, result.status)
      return result.stdout
    end

    it("P11: the folder that it works in writes where it was told to", function()
      assert(lfs.mkdir(folder .. "/before"))
      assert(lfs.mkdir(folder .. "/after"))
      assert.equal("out\n", run([[
        local luadl, lfs = require("luadl"), require("lfs")
        local url, folder = ...
        lfs.chdir(folder .. "/before")
        local session = luadl.session()
        local download = session:download({ url = url, output = "out" })
        while download:stats().received == 0 do session:step(0.01) end
        lfs.chdir(folder .. "/after")
        print(assert(download:wait()).path)
        session:close()
      ]]))
      assert.equal(server.sha256(1, SIZE), helper.sha256(folder .. "/before/out"))
    end)

    it("P11: its umask has the file's mode follow", function()
      local umask = "umask 077; exec %s/scripts/luadl -q -o %s %s"
      assert_saved(helper.run(umask:format(helper.root, path, serve("/file"))))
      assert.equal("rw-------", lfs.attributes(path, "permissions"))
    end)

    it("P11: its stack runs on a small one", function()
      local small = "ulimit -s 128; exec %s/scripts/luadl -q -n8 --min-split 64K -o %s %s"
      assert_saved(helper.run(small:format(helper.root, path, serve("/file"))))
    end)

    it("P11: its locale to one with a decimal comma reads and writes numbers as before", function()
      local made = helper.run({ "localedef", "-i", "de_DE", "-f", "UTF-8", folder .. "/de_DE" })
      if not helper.exists(folder .. "/de_DE") then pending("no localedef: " .. made.stderr) end
      local url = serve("/comma", function(connection, request, parameters)
        if request.number == 1 then
          return connection:reply(503, { { "Retry-After", "1" } }, "")
        end
        return connection:file(request, parameters)
      end)
      local source = [[
        local url, folder = ...
        assert(os.setlocale("de_DE"))
        assert(tostring(1.5) == "1,5")
        local luadl = require("luadl")
        local opts = { connections = 4, min_split = "0.25M", stall_timeout = "2.5" }
        local session = luadl.session(opts)
        assert(session:get({ url = url, output = folder .. "/file", max_size = "2.9M" }))
        session:close()
      ]]
      assert_saved(program.run(source, {
        arguments = { url, folder },
        interpreter = { "env", "LOCPATH=" .. folder, "lua5.4" },
      }))
    end)
  end)
end)
