--- The command with many files: lists that come slowly or are long, parts of them, what was done
--- before, and ends before the end.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local lfs = require("lfs")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local LINES = 1000000
local MOST_MEMORY = 60 * 1024 -- KiB

local origin, folder

local function answer(connection, request)
  local name = request.target:match("([^/?]*)[^/]*$")
  connection:reply(200, { { "ETag", '"' .. name .. '"' } }, "the file " .. name .. "\n")
end

-- Says how many were asked for at once.
local function counting(connection, _, _, state)
  state.now = (state.now or 0) + 1
  state.most = math.max(state.most or 0, state.now)
  connection:sleep(0.05)
  state.now = state.now - 1
  connection:reply(200, {}, tostring(state.most))
end

local function missing(connection)
  connection:reply(404, {}, "no\n")
end

local function serve(names, behaviour, parameters)
  local urls = {}
  for name in names:gmatch("%S+") do
    origin:serve("/" .. name, behaviour or answer, parameters)
    urls[#urls + 1] = origin.url .. "/" .. name
  end
  return urls
end

local function write_list(urls, name)
  helper.write(folder .. "/" .. (name or "list"), table.concat(urls, "\n") .. "\n")
end

local function luadl(...)
  return helper.luadl_in(folder, "--retry", "0", ...)
end

local function script(text, timeout)
  local command = text:gsub("LUADL", helper.root .. "/scripts/luadl --retry 0")
  return helper.run(command, { cwd = folder, timeout = timeout })
end

-- The names of the files of this spec's server that are there and right, sorted.
local function files(where)
  local names = {}
  for name in lfs.dir(folder .. "/" .. (where or "")) do
    local bytes = helper.read(folder .. "/" .. (where and where .. "/" or "") .. name)
    if bytes == "the file " .. name .. "\n" then names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, " ")
end

local function assert_status(status, result)
  assert.equal(status, result.status, result.stderr)
end

local function last_line(result)
  return result.stderr:match("([^\n]*)\n$")
end

local function asked(name)
  return #origin:requests("/" .. name)
end

setup(function() origin = server.start() end)

teardown(function() origin:stop() end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
end)

after_each(helper.finish)

describe("a list", function()
  it("comes after the arguments, and further ones after it", function()
    local urls = serve("n1 n2 n3 n4")
    write_list({ urls[2] }, "one")
    write_list({ urls[3] }, "two")
    local result = luadl("-i", "one", "-i", "two", "--json", "-j1", urls[1])
    assert_status(0, result)
    local order = {}
    for line in result.stdout:gmatch("[^\n]+") do
      local object = dkjson.decode(line)
      if object.type == "start" then order[#order + 1] = object.url:match("[^/]*$") end
    end
    assert.equal("n1 n2 n3", table.concat(order, " "))
  end)

  it("may come slowly: what has come is downloaded meanwhile", function()
    local urls = serve("s1 s2")
    local result = script(([[
      mkfifo go
      { echo %s; cat go; echo %s; } | LUADL -i - & child=$!
      for _ in $(seq 500); do [ -e s1 ] && break; sleep 0.01; done
      [ -e s1 ] && ! [ -e s2 ] && echo early
      : > go
      wait $child; echo $?
      rm go
    ]]):format(urls[1], urls[2]))
    assert.equal("early\n0\n", result.stdout)
    assert.equal("s1 s2", files())
  end)

  it("that is still open doesn't keep Ctrl-C from ending the command", function()
    local urls = serve("o1")
    local result = script(([[
      mkfifo pipe
      LUADL -i - < pipe & child=$!
      exec 3> pipe
      echo %s >&3
      for _ in $(seq 500); do [ -e o1 ] && break; sleep 0.01; done
      kill -INT $child
      wait $child; echo $?
      rm pipe
    ]]):format(urls[1]))
    assert.equal("7\n", result.stdout)
    assert.equal("o1", files())
  end)

  it("that can't be read is a wrong command line, and nothing is asked", function()
    local urls = serve("r1")
    assert_status(28, luadl("-i", "none", urls[1]))
    assert.equal(0, asked("r1"))
    local result = luadl("-i", ".", urls[1])
    assert.not_equal(0, result.status)
    assert.matches("cannot read the list", result.stderr)
  end)

  it("is none when something else has standard input", function()
    local result = script("echo http://127.0.0.1:9/ | LUADL -i - --data @-")
    assert_status(28, result)
    assert.matches("standard input can be read once", result.stderr)
  end)

  it("has wrong lines, which are told, and others, which are downloaded", function()
    local urls = serve("w1 w2")
    write_list({ urls[1], "what is this", urls[2] })
    local result = luadl("-i", "list")
    assert_status(28, result)
    assert.matches("list:2: ", result.stderr)
    assert.equal("w1 w2", files())
    assert.matches("^2 of 3 files, 1 failed", last_line(result))
  end)

  it("of a million lines takes little memory", function()
    write_list({})
    local file = assert(io.open(folder .. "/list", "wb"))
    for first = 1, LINES, 1000 do
      local block = {}
      for number = first, first + 999 do
        block[#block + 1] = ("http://127.0.0.1:9/a/folder/and/a/name-%07d.bin\n"):format(number)
      end
      file:write(table.concat(block))
    end
    file:close()
    -- One part of so many has about one line in it; nobody listens on that port.
    local result = script(([[
      LUADL -i list --shard 1/%d > out 2>&1 & child=$!
      most=0
      while kill -0 $child 2>/dev/null; do
        now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$child/status 2>/dev/null)
        [ "${now:-0}" -gt $most ] && most=$now
        sleep 0.05
      done
      echo $most
    ]]):format(LINES), 120)
    local most = tonumber(result.stdout)
    print(("a million lines: %d KiB, %.1f s"):format(most, result.elapsed))
    assert.is_true(most > 1000 and most < MOST_MEMORY, result.stdout)
  end)
end)

describe("a URL that a list has twice", function()
  it("is one download, at once and one after the other, and though its name is taken", function()
    local urls = serve("b1")
    helper.write(folder .. "/b1", "somebody else's")
    for _, jobs in ipairs({ "1", "4" }) do
      os.remove(folder .. "/b1 (1)")
      local result = luadl("-v", "-j", jobs, urls[1], urls[1] .. "#again", urls[1])
      assert_status(0, result)
      assert.equal("the file b1\n", helper.read(folder .. "/b1 (1)"))
      assert.is_nil(lfs.attributes(folder .. "/b1 (2)"))
      assert.matches("^1 of 3 files, 2 skipped", last_line(result))
    end
  end)

  it("is several under several names, and so are several parts of it", function()
    local url = serve("b2")[1]
    assert_status(0, luadl("-o", "{n}", url, url))
    assert.truthy(lfs.attributes(folder .. "/1") and lfs.attributes(folder .. "/2"))
    local form = "curl -d a=%d " .. serve("b3")[1]
    local result = luadl("--journal", "journal", "--curl", form:format(1), "--curl",
      form:format(2))
    assert_status(0, result)
    assert.equal(2, asked("b3"))
    assert.truthy(lfs.attributes(folder .. "/b3 (1)"))
  end)
end)

describe("--shard", function()
  it("has each line in one part, whatever its order", function()
    local urls = serve("p1 p2 p3 p4 p5 p6")
    write_list(urls)
    table.sort(urls, function(a, b) return a > b end)
    write_list(urls, "turned")
    for part = 1, 3 do
      local list = part == 2 and "turned" or "list"
      assert_status(0, luadl("-d", "all", "-i", list, "--shard", part .. "/3"))
    end
    assert.equal("p1 p2 p3 p4 p5 p6", files("all"))
    for number = 1, 6 do assert.equal(1, asked("p" .. number)) end
  end)

  it("says when nothing of the list falls into a part", function()
    write_list(serve("alone"))
    local said = {}
    for part = 1, 2 do
      local result = luadl("-d", "parts", "-i", "list", "--shard", part .. "/2")
      assert_status(0, result)
      said[#said + 1] = result.stderr:match("warning: shard %d/2: nothing of the list")
      local quiet = luadl("-q", "-d", "more", "-i", "list", "--shard", part .. "/2")
      assert.equal("", quiet.stderr)
    end
    assert.equal(1, #said)
  end)

  it("refuses what is no part", function()
    for _, wrong in ipairs({ "0/3", "4/3", "1", "a/b", "1/0", "-1/3" }) do
      local result = luadl("--shard=" .. wrong, "http://127.0.0.1:9/")
      assert_status(28, result)
      assert.matches("'%-%-shard': expected I/N", result.stderr)
    end
  end)
end)

describe("--fail-fast", function()
  it("ends all with the first failure, whose status counts", function()
    local urls = serve("f1 f2", server.hanging, { size = 1000000 })
    urls[#urls + 1] = serve("f3", missing)[1]
    urls[#urls + 1] = serve("f4")[1]
    local result = luadl("-j3", "--fail-fast", table.unpack(urls))
    assert_status(3, result)
    assert.equal(0, asked("f4"))
    assert.matches("^0 of 4 files, 1 failed, 2 stopped", last_line(result))
  end)

  it("is not the default, nor with --keep-going", function()
    local urls = serve("k1", missing)
    urls[2] = serve("k2")[1]
    assert_status(3, luadl("-j1", "--keep-going", urls[1], urls[2]))
    assert.equal("k2", files())
  end)
end)

describe("--per-host", function()
  it("bounds how many of a host are asked at once", function()
    local url = serve("h", counting)[1]
    assert_status(0, luadl("-j3", "--per-host", "1", "-o", "{n}", url .. "?1", url .. "?2",
      url .. "?3"))
    for number = 1, 3 do assert.equal("1", helper.read(folder .. "/" .. number)) end
  end)
end)

describe("--archive", function()
  it("skips what was finished before, wherever that is now", function()
    local urls = serve("a1 a2")
    assert_status(0, luadl("--archive", "archive", urls[1]))
    os.remove(folder .. "/a1")
    write_list(urls)
    local result = luadl("--archive", "archive", "-v", "-i", "list")
    assert_status(0, result)
    assert.equal("a2", files())
    assert.equal(1, asked("a1"))
    assert.matches("/a1  in the archive, skipped\n", result.stderr)
    assert.matches("^1 of 2 files, 1 skipped", last_line(result))
  end)

  it("knows a file under another URL by its digest, or a link by its ETag and size", function()
    local urls = serve("d1")
    local sum = helper.run("printf 'the file d1\\n' | sha256sum").stdout:match("^%x+")
    assert_status(0, luadl("--archive", "archive", "--checksum", "sha256:" .. sum, urls[1]))
    assert_status(0, luadl("--archive", "archive", "--checksum", sum, origin.url .. "/nowhere"))
    local same = serve("e", function(connection)
      connection:reply(200, { { "ETag", '"' .. ("0f"):rep(16) .. '"' } }, "the file e\n")
    end)[1]
    assert_status(0, luadl("--archive", "archive", same .. "?token=1"))
    os.remove(folder .. "/e")
    local result = luadl("--archive", "archive", "--json", same .. "?token=2")
    assert_status(0, result)
    assert.matches('"skipped":"in the archive"', result.stdout)
  end)

  it("takes no other file for one that has its ETag, as nginx makes them", function()
    local urls = serve("q1 q2 q3", function(connection, request)
      local name = request.target:match("[^/]*$")
      connection:reply(200, { { "ETag", '"6b027e42-c"' } }, "the file " .. name .. "\n")
    end)
    write_list(urls)
    assert_status(0, luadl("-j1", "--archive", "archive", "-i", "list"))
    assert.equal("q1 q2 q3", files())
  end)

  it("isn't written over what it is none of", function()
    local urls = serve("m1")
    write_list(urls)
    for _, option in ipairs({ "--archive", "--journal" }) do
      local result = luadl(option, "list", "-i", "list")
      assert_status(28, result)
      assert.matches("it has something else in it %(list%)", result.stderr)
    end
    assert.equal(urls[1] .. "\n", helper.read(folder .. "/list"))
    assert.equal(0, asked("m1"))
  end)

  it("says why nothing can be noted any more, and ends", function()
    write_list(serve("v1 v2 v3 v4 v5 v6 v7 v8 v9"))
    for _, option in ipairs({ "--archive", "--journal" }) do
      os.remove(folder .. "/kept")
      local result = script("ulimit -f 1; LUADL --exists replace -j1 -i list " .. option .. " kept")
      assert.not_equal(0, result.status)
      assert.matches("warning: cannot write the " .. option:sub(3) .. ": File too large %(kept%)",
        result.stderr)
      assert.is_true(asked("v9") == 0)
    end
  end)

  it("notes nothing that has failed", function()
    local url = serve("g1", missing)[1]
    assert_status(3, luadl("--archive", "archive", url))
    serve("g1")
    assert_status(0, luadl("--archive", "archive", url))
    assert.equal("g1", files())
  end)

  it("fails when it can't be used or written, and says so", function()
    local urls = serve("i1 i2")
    local result = luadl("--archive", "none/archive", urls[1])
    assert_status(1, result)
    assert.matches("cannot open the archive: No such file or directory %(none/archive%)",
      result.stderr)
    assert.equal(0, asked("i1"))
    result = script(("ulimit -f 0; LUADL --archive archive --max-size 1K %s"):format(urls[1]))
    assert.not_equal(0, result.status)
  end)

  it("belongs to one command at a time", function()
    local urls = serve("l1", server.hanging, { size = 1000000 })
    local result = script(([[
      LUADL -q --archive archive %s & child=$!
      while ! [ -s l1.part ]; do sleep 0.01; done
      LUADL -q --archive archive %s; echo $?
      kill -INT $child; wait $child; echo $?
    ]]):format(urls[1], urls[1]))
    assert.equal("11\n7\n", result.stdout)
    assert.matches("another luadl has it", result.stderr)
  end)
end)

describe("--journal", function()
  it("goes on where the list was interrupted", function()
    local urls = serve("j1")
    urls[2] = serve("j2", server.hanging, { size = 1000000 })[1]
    urls[3] = serve("j3")[1]
    write_list(urls)
    local result = script([[
      LUADL -q -j1 -i list --journal journal & child=$!
      while ! [ -s j2.part ]; do sleep 0.01; done
      kill -9 $child; wait $child; echo $?
    ]])
    assert.equal("137\n", result.stdout)
    serve("j2")
    os.remove(folder .. "/j2.part")
    result = luadl("-i", "list", "--journal", "journal")
    assert_status(0, result)
    assert.equal("j1 j2 j3", files())
    assert.equal(1, asked("j1"))
    assert.matches("^2 of 3 files, 1 skipped", last_line(result))
    assert_status(0, luadl("-i", "list", "--journal", "journal"))
    assert.equal(1, asked("j3"))
  end)

  it("knows the items of a list that has changed", function()
    local urls = serve("c1 c2 c3")
    write_list({ urls[1], urls[2] })
    assert_status(0, luadl("-i", "list", "--journal", "journal"))
    write_list({ urls[3], urls[2], urls[1] })
    assert_status(0, luadl("-i", "list", "--journal", "journal"))
    for _, name in ipairs({ "c1", "c2", "c3" }) do assert.equal(1, asked(name)) end
  end)

  it("tries again what has failed, and brings again what is gone", function()
    local urls = serve("t1", missing)
    urls[2] = serve("t2")[1]
    write_list(urls)
    assert_status(3, luadl("-i", "list", "--journal", "journal"))
    serve("t1")
    os.remove(folder .. "/t2")
    assert_status(0, luadl("-i", "list", "--journal", "journal"))
    assert.equal("t1 t2", files())
  end)

  it("has one item of each URL and place", function()
    local urls = serve("u1")
    write_list({ urls[1], urls[1], urls[1] })
    local result = luadl("-i", "list", "--journal", "journal")
    assert_status(0, result)
    assert.equal("u1", files())
    assert.equal(1, asked("u1"))
    assert.matches("^1 of 3 files, 2 skipped", last_line(result))
  end)
end)
