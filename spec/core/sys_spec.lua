-- luadl.sys in processes of its own, whose signals, limits and terminals no other spec shares.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local sys = require("luadl.sys")

local LUA = "lua" .. _VERSION:match("%d+%.%d+")
local ENOENT, ENOTDIR = 2, 20

-- The signal is pending before kill ends, so it was handled when popen's close has waited for it.
local PRELUDE = [[
  local sys = assert(package.loadlib(%q, "luaopen_luadl_sys"))()
  local function kill(name) io.popen("kill -s " .. name .. " $PPID"):close() end
]]

-- Under a sanitizer the process needs its runtime, as this one does.
local RUNTIME = os.getenv("LUADL_SANITIZER")
local ENVIRONMENT = RUNTIME
    and ("env LD_PRELOAD=%s:%s/sanitized.so "):format(RUNTIME, os.getenv("LUADL_BUILD"))
  or ""

local function absolute(path)
  return path:sub(1, 1) == "/" and path or lfs.currentdir() .. "/" .. path
end

local LIBRARY = absolute(package.searchpath("luadl.sys", package.cpath))

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local scratch

--- A command that runs the Lua program in a fresh process.
local function command(program)
  local path = scratch .. "/program.lua"
  local file = assert(io.open(path, "w"))
  file:write(PRELUDE:format(LIBRARY), program)
  file:close()
  return "exec " .. ENVIRONMENT .. LUA .. " " .. path
end

--- What a shell line prints on both outputs, and its exit status, after 10 seconds at most.
local function shell(line)
  local bounded = "cd " .. scratch .. "; timeout -k 1 10 sh -c " .. quoted(line)
  local pipe = assert(io.popen("exec 2>&1; " .. bounded .. "; printf ' %d' $?"))
  local text, status = pipe:read("*a"):match("^(.-)%s*(%d+)$")
  pipe:close()
  return text, tonumber(status)
end

local function run(program, before)
  return shell((before or "") .. command(program))
end

before_each(function()
  local pipe = io.popen("mktemp -d")
  scratch = pipe:read("*l")
  pipe:close()
end)

after_each(function()
  os.execute("rm -rf " .. quoted(scratch))
end)

describe("signals", function()
  it("are counted", function()
    local text, status = run([[
      sys.catch_signals()
      kill("HUP") kill("INT")
      print(sys.interrupted())
    ]])
    assert.same({ "2", 0 }, { text, status })
  end)

  it("write eight bytes to the descriptor that wakes, each time", function()
    run("assert(sys.catch_signals(9)) kill('INT') kill('HUP')", "exec 9>wake; ")
    assert.equal("16", (shell("stat -c %s wake")))
  end)

  it("wake nothing after the descriptor was taken back", function()
    local _, status = run("sys.catch_signals(9) sys.catch_signals() kill('INT')", "exec 9>wake; ")
    assert.equal(0, status)
    assert.equal("0", (shell("stat -c %s wake")))
  end)

  for _, name in ipairs({ "INT", "TERM" }) do
    it("end the process with 7 at the second SIG" .. name, function()
      local text, status = run(([[
        sys.catch_signals()
        kill("%s")
        io.stderr:write("alive")
        kill("%s")
        io.stderr:write("too late")
      ]]):format(name, name))
      assert.same({ "alive", 7 }, { text, status })
    end)
  end

  it("of a lost terminal never end it at once", function()
    local text, status = run([[
      sys.catch_signals()
      kill("HUP") kill("HUP") kill("TERM") kill("HUP")
      print(sys.interrupted())
    ]])
    assert.same({ "4", 0 }, { text, status })
  end)

  it("stay ignored where the caller ignores them", function()
    local text, status = run([[
      sys.catch_signals()
      kill("HUP") kill("TERM")
      print(sys.interrupted())
    ]], "trap '' HUP TERM; ")
    assert.same({ "0", 0 }, { text, status })
  end)

  it("of closed pipes and size limits kill nobody", function()
    local text, status = run("sys.catch_signals() kill('PIPE') kill('XFSZ') print('alive')")
    assert.same({ "alive", 0 }, { text, status })
  end)

  it("of a changed terminal are told once", function()
    local text = run([[
      sys.catch_signals()
      print(sys.resized()) kill("WINCH") print(sys.resized(), sys.resized())
    ]])
    assert.equal("false\ntrue\tfalse", text)
  end)

  it("of a process that goes on are told once", function()
    local text = run([[
      sys.catch_signals()
      print(sys.continued()) kill("CONT") print(sys.continued(), sys.continued())
    ]])
    assert.equal("false\ntrue\tfalse", text)
  end)

  it("refuse a descriptor that is not open", function()
    local text = run("print(sys.catch_signals(99))")
    assert.matches("^nil\tBad file descriptor\t9$", text)
  end)
end)

describe("terminal", function()
  local PROGRAM = "print(sys.is_terminal(1), sys.columns(1))"

  it("has a width", function()
    local inner = "stty cols 123; " .. command(PROGRAM)
    local text = shell("script -qec " .. quoted(inner) .. " /dev/null </dev/null")
    assert.matches("true\t123", text, 1, true)
  end)

  it("has none when it doesn't say", function()
    local inner = "stty cols 0; " .. command(PROGRAM)
    local text = shell("script -qec " .. quoted(inner) .. " /dev/null </dev/null")
    assert.matches("true\tnil", text, 1, true)
  end)

  it("belongs to the job in the foreground", function()
    local inner = ("set -m; %s & wait; (%s)"):format(
      command("print(sys.in_background(1))"), command("print(sys.in_background(1))"))
    local text = shell("script -qec " .. quoted("bash -c " .. quoted(inner))
      .. " /dev/null </dev/null")
    assert.matches("^true%s.*%sfalse$", text)
    assert.is_false(sys.in_background(-1))
  end)

  it("is not a pipe, a file or a closed descriptor", function()
    assert.equal("false\tnil", (run(PROGRAM)))
    assert.is_false(sys.is_terminal(-1))
    assert.is_nil(sys.columns(-1))
  end)
end)

describe("make_directories", function()
  local function mode(path)
    return (shell("stat -c %a " .. quoted(path)))
  end

  it("makes the whole way, with the umask", function()
    assert.equal("true", (run("print(sys.make_directories('a/b/c'))", "umask 027; ")))
    assert.same({ "750", "750" }, { mode("a"), mode("a/b/c") })
  end)

  it("takes doubled and trailing slashes", function()
    assert.is_true(sys.make_directories(scratch .. "//x///y//"))
    assert.equal("directory", (shell("stat -c %F x/y")))
  end)

  it("is content with what is there", function()
    assert.is_true(sys.make_directories(scratch))
    assert.is_true(sys.make_directories("/"))
    assert.is_true(sys.make_directories("."))
  end)

  it("goes through a symlink to a directory", function()
    shell("mkdir real; ln -s real link")
    assert.is_true(sys.make_directories(scratch .. "/link/sub"))
    assert.equal("directory", (shell("stat -c %F real/sub")))
  end)

  it("names a file in the way", function()
    shell("echo data >file")
    for _, path in ipairs({ "/file", "/file/sub" }) do
      local ok, message, errno = sys.make_directories(scratch .. path)
      assert.is_nil(ok)
      assert.equal("Not a directory", message)
      assert.equal(ENOTDIR, errno)
    end
    assert.equal("data", (shell("cat file")))
  end)

  it("does not follow a symlink to nowhere", function()
    shell("ln -s nowhere link")
    local ok, _, errno = sys.make_directories(scratch .. "/link/sub")
    assert.is_nil(ok)
    assert.equal(ENOENT, errno)
  end)

  it("refuses what is no path", function()
    assert.has_error(function() sys.make_directories("") end)
    assert.has_error(function() sys.make_directories("a\0b") end)
    assert.has_error(function() sys.make_directories() end)
  end)
end)

describe("hide", function()
  local function arguments_after(program, ...)
    local words = { command(program .. [[
      local file = io.open("/proc/self/cmdline")
      io.write((file:read("a"):gsub("%z", "|")))
    ]]) }
    for index = 1, select("#", ...) do words[index + 1] = quoted((select(index, ...))) end
    return shell(table.concat(words, " ")):match("program%.lua|(.*)$")
  end

  it("overwrites a secret at the end of an argument, or before an @", function()
    local seen = arguments_after([[sys.hide("me:pw")]], "-ume:pw", "me:pw", "http://me:pw@host/")
    assert.equal("-u*****|*****|http://*****@host/|", seen)
  end)

  it("leaves all else as it is, and what the program knows of it", function()
    local seen = arguments_after([[
      sys.hide("pw")
      sys.hide("")
      sys.hide("absent")
      assert(arg[1] == "pwd" and arg[2] == "pw" and arg[3] == "pwpw")
    ]], "pwd", "pw", "pwpw")
    assert.equal("pwd|**|pw**|", seen)
  end)
end)

describe("writable", function()
  it("says whether files can be made in a directory", function()
    assert.is_true(sys.writable("."))
    local ok, message, errno = sys.writable("/nowhere/at/all")
    assert.is_nil(ok)
    assert.equal("No such file or directory", message)
    assert.equal(2, errno)
  end)
end)

describe("raise_fd_limit", function()
  local PROGRAM = "print(sys.raise_fd_limit()) io.write(io.popen('ulimit -Sn'):read('*a'))"

  it("raises the soft limit to the hard one", function()
    assert.equal("100\n100", (run(PROGRAM, "ulimit -Sn 50; ulimit -Hn 100; ")))
  end)

  it("leaves a limit that is high enough", function()
    assert.equal("100\n100", (run(PROGRAM, "ulimit -n 100; ")))
  end)

  it("stops at 65536", function()
    local hard = shell("ulimit -Hn")
    if hard ~= "unlimited" and tonumber(hard) <= 65536 then
      pending("the hard limit is " .. hard)
      return
    end
    assert.equal("65536\n65536", (run(PROGRAM, "ulimit -Sn 50; ")))
  end)
end)

describe("lock", function()
  local function path()
    return scratch .. "/lock"
  end

  it("is had by one at a time, until it is released", function()
    local lock = assert(sys.lock(path(), 0))
    local other, message, errno = sys.lock(path(), 0)
    assert.is_nil(other)
    assert.equal("Resource temporarily unavailable", message)
    assert.equal(11, errno)
    lock:release()
    lock:release()
    assert(sys.lock(path(), 0)):release()
  end)

  it("waits for as long as it was told", function()
    local lock = assert(sys.lock(path(), 0))
    local text = run(("print(sys.lock(%q, 0.05))"):format(path()))
    assert.truthy(text:find("temporarily unavailable"))
    lock:release()
  end)

  it("is given back by the collector, and by the end of a process", function()
    assert(sys.lock(path(), 0))
    collectgarbage()
    collectgarbage()
    run(("lock = sys.lock(%q, 0) os.exit(true, false)"):format(path()))
    assert(sys.lock(path(), 0)):release()
  end)

  it("doesn't follow a link, and says where there is no folder", function()
    shell("ln -s elsewhere lock")
    assert.equal(40, (select(3, sys.lock(path(), 0))))
    assert.equal(ENOENT, (select(3, sys.lock(scratch .. "/none/lock", 0))))
  end)
end)

describe("replace", function()
  local function path()
    return scratch .. "/file"
  end

  local function read(name)
    local file = io.open(name, "rb")
    if not file then return nil end
    local bytes = file:read("*a")
    file:close()
    return bytes
  end

  it("makes a file or changes it, and its stamp", function()
    assert.is_nil(sys.stamp(path()))
    assert.is_true(sys.replace(path(), "one"))
    local stamp = sys.stamp(path())
    assert.equal(stamp, sys.stamp(path()))
    assert.is_true(sys.replace(path(), "\0two"))
    assert.equal("\0two", read(path()))
    assert.not_equal(stamp, sys.stamp(path()))
    assert.equal("600", (shell("stat -c %a file")))
    assert.is_nil(read(path() .. ".new"))
  end)

  it("takes over what a killed one left behind", function()
    shell("echo rest >file.new")
    assert.is_true(sys.replace(path(), "x"))
    assert.equal("x", read(path()))
  end)

  it("works in the current folder, where a path names no other", function()
    assert.equal("true", (run("print(sys.replace('here', ''))")))
    assert.equal("", read(scratch .. "/here"))
  end)

  it("leaves the file alone where it can't", function()
    shell("mkdir file")
    local ok, _, errno = sys.replace(path(), "x")
    assert.is_nil(ok)
    assert.equal(21, errno)
    assert.is_nil(read(path() .. ".new"))
    assert.equal(ENOENT, (select(3, sys.replace(scratch .. "/none/file", "x"))))
  end)
end)
