--- What others left where luadl works: programs, records and links (rows S8, S10, S11).
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local server = require("spec.support.server")

local SMALL, LARGE = 300000, 1500000 -- below and above what gets a record
local SEED = 6

local origin, folder, path

local function serve(name, size)
  return origin:serve(name, { size = size, seed = SEED, etag = '"a"' })
end

local function luadl(...)
  return helper.luadl("--retry", "0", "-n3", "--min-split", "65536", ...)
end

-- Status 0 and the right file, or another one and none.
local function check(result, size)
  assert.is_true(result.status < 100, ("status %d: %s"):format(result.status, result.stderr))
  assert.is_nil(result.stderr:find("internal error", 1, true), result.stderr)
  helper.check_oracle(result.status, path, server.sha256(SEED, size))
end

describe("somebody else's", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
  end)
  after_each(function()
    helper.run("rm -rf " .. folder .. "/*")
    helper.finish()
  end)

  -- Scripts of every name that Lua, libcurl or luadl might look for; each leaves a mark when run.
  local function set_trap()
    local mark = folder .. "/mark"
    local trap = ("io.open(%q, 'w'):close()\n"):format(mark)
    for _, sub in ipairs({ "luadl/cli", ".config/luadl", "lua/luadl" }) do
      helper.run({ "mkdir", "-p", folder .. "/" .. sub })
    end
    for _, name in ipairs({
      "luadl.lua", "luadl/init.lua", "luadl/cli/init.lua", "luadl/config.lua", "argparse.lua",
      "dkjson.lua", "lfs.lua", "socket.lua", "config.lua", "init.lua", ".luadlrc", ".luadl.lua",
      ".config/luadl/config.lua", ".config/luadl/init.lua", "lua/luadl.lua", "lua/luadl/init.lua",
    }) do
      helper.write(folder .. "/" .. name, trap)
    end
    helper.write(folder .. "/.curlrc", "output = " .. mark .. "\nuser-agent = trapped\n")
    return mark
  end

  it("S10: no script in the current or home folder is run, but for the configuration", function()
    local mark = set_trap()
    local url = serve("/file.bin", SMALL)
    local env = {
      HOME = folder, XDG_CONFIG_HOME = folder .. "/configured", CURL_HOME = folder, LUA_INIT = "",
    }
    for _, words in ipairs({ { "--help" }, { "--json", url }, { "--info", url }, { "-nope" } }) do
      words[#words + 1] = { cwd = folder, env = env }
      helper.luadl(table.unpack(words))
    end
    assert.equal(server.sha256(SEED, SMALL), helper.sha256(path))
    assert.is_false(helper.exists(mark))
  end)

  it("S10: scripts in the current folder don't stand in for a module that is missing", function()
    local mark = set_trap()
    local probe = [[package.preload["luadl.cli"] = function()
      return { main = function() return pcall(require, "dkjson_") and 1 or 0 end }
    end
    dofile(arg[1])]]
    helper.write(folder .. "/dkjson_.lua", ("io.open(%q, 'w'):close()\n"):format(mark))
    local words = { "lua5.4", "-e", probe, "-", helper.root .. "/scripts/luadl" }
    assert.equal(0, helper.run(words, { cwd = folder }).status)
    assert.is_false(helper.exists(mark))
  end)

  it("S10: text that looks like Lua stays text", function()
    local code = "os.execute('touch " .. folder .. "/mark')"
    origin:serve("/code", {
      size = 1000, disposition = ('attachment; filename="%s"'):format(code),
      headers = { { "X-Lua", code }, { "ETag", '"' .. code .. '"' } },
    })
    assert.equal(0, helper.luadl("-d", folder, "-A", code, "-H", "X-A: " .. code,
      origin.url .. "/code").status)
    assert.is_false(helper.exists(folder .. "/mark"))
  end)

  -- Records that no luadl wrote.
  local function noise(length)
    local draw, bytes = random.new(length), {}
    for index = 1, length do bytes[index] = string.char(draw(0, 255)) end
    return table.concat(bytes)
  end

  local MAGIC = "LUADLJ1\0"
  local records = {
    ["nothing"] = "",
    ["one byte"] = "L",
    ["zeros"] = ("\0"):rep(16384),
    ["noise"] = noise(16384),
    ["a header alone"] = MAGIC,
    ["a newer version"] = MAGIC .. ("<I4"):pack(2 ^ 31 | 0) .. noise(8180),
    ["endless counts"] = MAGIC .. ("\255"):rep(16376),
    ["the largest counts"] = MAGIC .. ("<I4"):pack(1) .. ("\127"):rep(16372),
    ["a script"] = "#!/bin/sh\ntouch " .. "mark\n",
    ["text"] = ("http://127.0.0.1/\n"):rep(1000),
  }
  for name, bytes in pairs(records) do
    it("S11: record with " .. name .. " beside a large .part is no record", function()
      local part = noise(1000):rep(1500)
      helper.write(path .. ".part", part)
      helper.write(path .. ".part.lj", bytes)
      local url = serve("/file.bin", LARGE)
      local result = luadl("-o", path, url)
      assert.equal(1, result.status, result.stderr)
      assert.equal(part, helper.read(path .. ".part"))
      assert.equal(bytes, helper.read(path .. ".part.lj"))
      assert.is_false(helper.exists(path))
    end)

    it("S11: record with " .. name .. " without a .part leads to no wrong file", function()
      helper.write(path .. ".part.lj", bytes)
      check(luadl("-o", path, serve("/file.bin", LARGE)), LARGE)
    end)
  end

  it("S11: enormous record takes neither time nor memory", function()
    helper.write(path .. ".part", ("x"):rep(LARGE))
    helper.run({ "truncate", "-s", "64G", path .. ".part.lj" })
    local url = serve("/file.bin", LARGE)
    local line = ("ulimit -v 2000000; exec %s/scripts/luadl --retry 0 -o %s %s")
      :format(helper.root, path, url)
    local result = helper.run(line, { timeout = 10 })
    assert.equal(1, result.status, result.stderr)
    assert.equal(LARGE, lfs.attributes(path .. ".part", "size"))
  end)

  -- What can stand under a name that luadl is going to open.
  local victims = {
    { "a link to somebody's file", function(where, victim) lfs.link(victim, where, true) end },
    { "a link that leads nowhere", function(where)
      lfs.link(folder .. "/nowhere", where, true)
    end },
    { "a hard link to somebody's file", function(where, victim) lfs.link(victim, where) end },
    { "a fifo", function(where) helper.run({ "mkfifo", where }) end },
    { "a folder", function(where) lfs.mkdir(where) end },
  }
  for _, each in ipairs(victims) do
    for _, suffix in ipairs({ ".part", ".part.lj" }) do
      it(("S8: file under %s is left alone: %s"):format(suffix, each[1]), function()
        local victim = folder .. "/victim"
        helper.write(victim, "kept")
        each[2](path .. suffix, victim)
        local before = lfs.symlinkattributes(path .. suffix, "mode")
        local result = helper.luadl("--retry", "0", "-o", path, serve("/file.bin", LARGE),
          { timeout = 10 })
        check(result, LARGE)
        assert.equal("kept", helper.read(victim))
        assert.is_false(helper.exists(folder .. "/nowhere"))
        if result.status ~= 0 then
          assert.equal(before, lfs.symlinkattributes(path .. suffix, "mode"))
        end
      end)
    end
  end

  -- The server does it in the middle of the body.
  local function meddling(connection, request, parameters)
    if request.range and request.range.first > 0 then
      return connection:reply(503, {}, "")
    end
    connection:status(200, { { "Content-Length", parameters.size }, { "Accept-Ranges", "none" } })
    connection:body(0, parameters.size / 2)
    connection:await(function()
      local part = io.open(parameters.part)
      return part and part:close()
    end, 5)
    os.execute(parameters.command)
    connection:body(parameters.size / 2 + 1, parameters.size - 1)
  end

  local swaps = {
    { "F15: .part that is deleted meanwhile", "rm %s" },
    { "F15: .part that is replaced meanwhile", "cp %s %s.new && mv %s.new %s" },
    { "F15: .part that is renamed meanwhile", "mv %s %s.moved" },
    { "S8: .part that becomes a link meanwhile", "mv %s %s.moved; ln -s /etc/passwd %s" },
  }
  for _, size in ipairs({ SMALL, LARGE }) do
    for _, swap in ipairs(swaps) do
      it(("%s is not published (%d bytes)"):format(swap[1], size), function()
        local part = path .. ".part"
        local url = origin:serve("/file.bin", meddling, {
          size = size, seed = SEED, part = part, command = swap[2]:gsub("%%s", part),
        })
        local result = helper.luadl("--json", "--retry", "0", "-o", path, url)
        assert.equal(1, result.status, result.stdout)
        assert.truthy(result.stdout:find('"kind":"local_changed"', 1, true), result.stdout)
        assert.is_false(helper.exists(path))
      end)
    end
  end
end)
