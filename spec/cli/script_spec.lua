--- The command with scripts: `-s`, `--set`, `--sandbox`, and `luadl run`.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local server = require("spec.support.server")

local SIZE = 300000
local SEED = 9
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }

local origin, folder, path, sum

local function write_script(text, name)
  local where = folder .. "/" .. (name or "policy.lua")
  helper.write(where, text)
  return where
end

local function serve(name, behaviour, parameters)
  return origin:serve(name, behaviour, merged(FILE, parameters))
end

local function luadl(...)
  return helper.luadl("-d", folder, ...)
end

local function check_saved(result, where)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(where or path))
end

local function check_refused(status, result, ...)
  assert.equal(status, result.status, result.stderr)
  for _, words in ipairs({ ... }) do
    assert.truthy(result.stderr:find(words, 1, true), result.stderr)
  end
  assert.equal("", result.stdout)
end

setup(function()
  origin = server.start()
  sum = server.sha256(SEED, SIZE)
end)

teardown(function() origin:stop() end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
  path = folder .. "/file.bin"
end)

after_each(helper.finish)

describe("a script", function()
  it("decides, and the first with an opinion counts", function()
    local first = write_script([[return { name = function(head)
      if head.url:find("known") then return "first" end
    end }]], "a.lua")
    local second = write_script([[return { name = function() return "second" end }]], "b.lua")
    local result = luadl("-s", first, "--script", second, serve("/known"), serve("/other"))
    check_saved(result, folder .. "/first")
    check_saved(result, folder .. "/second")
  end)

  it("L-2: that never ends is stopped by one Ctrl-C: status 7", function()
    local script = write_script([[return { name = function()
      io.popen("kill -INT $PPID"):close()
      while true do end
    end }]])
    check_refused(7, luadl("-s", script, serve("/busy")), "name policy", "interrupted")
  end)

  it("makes many files in folders of one word that is no URL", function()
    local script = write_script(([[
      local policy = { settings = { count = 1, folder = "x" } }
      function policy.resolve(request)
        local list = {}
        for index = 1, policy.settings.count do
          list[index] = {
            url = "%s", name = "part-" .. index, dir = policy.settings.folder .. "/deep",
          }
        end
        return request.url == "pack:all" and list or nil
      end
      return policy
    ]]):format(serve("/pack")))
    local result = luadl("-s", script, "--set", "count=3", "--set", "policy.lua.folder=album",
      "pack:all")
    for index = 1, 3 do check_saved(result, folder .. "/album/deep/part-" .. index) end
    assert.truthy(result.stderr:find("3 of 3 files", 1, true), result.stderr)
  end)

  it("may fetch with the command's session", function()
    local token = origin:serve("/token", function(connection)
      connection:reply(200, {}, '{"token":"t1"}')
    end)
    local url = serve("/guarded", function(connection, request, parameters)
      if request.headers.authorization == "Bearer t1" then
        return connection:file(request, parameters)
      end
      return connection:reply(401, {}, "")
    end)
    local text = ([[
      local luadl = require("luadl")
      local json = require("luadl.json")
      local policy = { hosts = { "127.0.0.1" } }
      function policy.request()
        local page = assert(luadl.fetch("%s"))
        return { headers = { Authorization = "Bearer " .. json.decode(page.body).token } }
      end
      return policy
    ]]):format(token)
    check_saved(luadl("-s", write_script(text), "-o", "file.bin", url))
    os.remove(path)
    check_saved(luadl("--sandbox", "-s", write_script(text), "-o", "file.bin", url))
  end)

  it("prints nothing between the objects of --json", function()
    local script = write_script('print("said") return { on_done = function() print("done") end }')
    local result = luadl("--json", "-s", script, serve("/print.bin"))
    assert.equal(0, result.status, result.stderr)
    for line in result.stdout:gmatch("[^\n]+") do assert.matches('^{"type"', line) end
    assert.equal("said\ndone\n", result.stderr)
  end)

  it("that can't be read, or is none, fails the command with a clear line", function()
    local url = serve("/never")
    for text, words in pairs({
      ["return {"] = "policy.lua:1:", ["return 7"] = "policy table",
      ["return { nmae = 1 }"] = "did you mean 'name'?", ["error('a mistake')"] = "a mistake",
    }) do
      for _, flags in ipairs({ {}, { "--sandbox" } }) do
        local words_given = { "-s", write_script(text), url, table.unpack(flags) }
        local result = luadl(table.unpack(words_given))
        assert.is_true(result.status == 28 or result.status == 1, result.stderr)
        assert.truthy(result.stderr:find(words, 1, true), result.stderr)
      end
    end
    check_refused(28, luadl("-s", folder .. "/none.lua", url), "none.lua")
    assert.equal(0, #origin:requests("/never"))
  end)

  it("is told of a setting that there isn't", function()
    local script = write_script([[return { settings = { quality = "best", count = 1 } }]])
    check_refused(28, luadl("-s", script, "--set", "quaity=low", "http://x/"), "'quaity'")
    check_refused(28, luadl("-s", script, "--set", "count=many", "http://x/"), "is a number")
    check_refused(28, luadl("-s", script, "--set", "count", "http://x/"), "NAME=VALUE")
    check_refused(28, luadl("--set", "count=1", "http://x/"), "-s")
    check_refused(28, luadl("--sandbox", "http://x/"), "-s")
  end)

  it("L-1: that throws fails its files and names itself", function()
    local script = write_script([[return { on_done = function() error("a mistake") end }]])
    local result = luadl("-s", script, serve("/thrown"))
    check_refused(1, result, "policy.lua: on_done", "a mistake")
  end)

  describe("in the sandbox", function()
    it("sees no header that the user gave, though it is sent beside its own", function()
      local script = write_script([[return { request = function(attempt)
        local seen = {}
        for _, field in ipairs(attempt.headers:list()) do seen[#seen + 1] = field[2] end
        return { headers = { ["X-Seen"] = "<" .. table.concat(seen, ",") .. ">" } }
      end }]])
      local url = serve("/veiled")
      local words = { "-o", "file.bin", "-n1", "-H", "X-Key: hidden", "-s", script, url }
      for seen, flag in pairs({ ["<>"] = "--sandbox", ["<hidden>"] = "--restart" }) do
        check_saved(luadl(flag, table.unpack(words)))
        os.remove(path)
        local log = origin:requests("/veiled")
        assert.equal(seen, log[#log]:header("x-seen"))
        assert.equal("hidden", log[#log]:header("x-key"))
      end
    end)

    it("has no way to files and programs", function()
      local script = write_script([[
        assert(not os and not io and not debug and not package and not dofile and not loadfile)
        assert(not pcall(require, "luadl.core"))
        assert(not ("").dump)
        return { name = function() return "fine" end }
      ]])
      check_saved(luadl("--sandbox", "-s", script, serve("/boxed")), folder .. "/fine")
    end)

    it("S6: leads to declared hosts alone, itself and by redirects", function()
      local elsewhere = server.renamed(serve("/elsewhere"))
      local redirect = origin:serve("/redirect", function(connection, _, parameters)
        connection:reply(302, { { "Location", parameters.to } }, "")
      end, { to = elsewhere })
      local url = serve("/start")
      for _, body in ipairs({
        ("resolve = function() return %q end"):format(elsewhere),
        ("request = function() return { url = %q } end"):format(elsewhere),
        ("name = function() return require('luadl').fetch(%q).body end"):format(elsewhere),
        ("name = function() return assert(require('luadl').fetch(%q)).body end"):format(redirect),
      }) do
        local script = write_script("return { hosts = { '127.0.0.1' }, " .. body .. " }")
        check_refused(1, luadl("--sandbox", "-s", script, url), "declared", "localhost")
      end
      assert.equal(0, #origin:requests("/elsewhere"))
    end)

    it("S6: may ask the host that the user has named, without declaring it", function()
      local token = origin:serve("/name", function(connection) connection:reply(200, {}, "n1") end)
      local script = write_script(([[
        local luadl = require("luadl")
        return { name = function()
          return assert(luadl.fetch(%q, { check = true })).body .. luadl.filename.sanitise("/x")
        end }
      ]]):format(token))
      check_saved(luadl("--sandbox", "-s", script, serve("/named")), folder .. "/n1_x")
      local other = server.renamed(serve("/named"))
      check_refused(1, luadl("--sandbox", "-s", script, other), "declared", "127.0.0.1")
    end)

    it("L-2: that never returns is stopped, and other files come", function()
      local script = write_script([[return { name = function(head)
        while head.url:find("endless") do pcall(function() while true do end end) end
        return "other"
      end }]])
      local result = luadl("--sandbox", "-s", script, serve("/endless"), serve("/other"))
      check_refused(1, result, "instructions")
      assert.equal(sum, helper.sha256(folder .. "/other"))
    end)

    it("L-3: that takes all memory is stopped, and other files come", function()
      local script = write_script([[return { name = function(head)
        local text = "x"
        while head.url:find("huge") do text = text .. text end
        return "other"
      end }]])
      local result = luadl("--sandbox", "-s", script, serve("/huge"), serve("/other"))
      check_refused(1, result, "memory")
      assert.equal(sum, helper.sha256(folder .. "/other"))
    end)

    it("keeps its own store", function()
      local script = write_script([[
        local store = require("luadl").store
        return { name = function()
          local mine = assert(store.open())
          local count = (mine:get("count") or 0) + 1
          assert(mine:set("count", count))
          return "run-" .. count
        end }
      ]])
      for run = 1, 2 do
        local result = helper.run({ helper.root .. "/scripts/luadl", "-d", folder, "--sandbox",
          "-s", script, serve("/stored") }, { env = {
            XDG_DATA_HOME = folder .. "/data", LUA_CPATH = helper.build .. "/?.so;;",
          } })
        check_saved(result, folder .. "/run-" .. run)
      end
    end)
  end)
end)

describe("--checksum", function()
  it("I2: publishes the file that has it", function()
    check_saved(luadl("-o", "file.bin", "--checksum", "SHA256:" .. sum:upper(), serve("/right")))
  end)

  it("I2: may be an integrity text", function()
    local text = digest.sri("sha512", server.content(SEED, 0, SIZE - 1))
    check_saved(luadl("-o", "file.bin", "--checksum", "sha1-AAAA " .. text, serve("/integrity")))
  end)

  it("I2: fails with 32, and nothing gets the name, when the file has another one", function()
    for _, wrong in ipairs({ "sha256:" .. ("0"):rep(64), digest.sri("sha256", "other") }) do
      local result = luadl("-o", "file.bin", "--checksum", wrong, serve("/wrong"))
      check_refused(32, result, "its sha256 is")
      assert.is_false(helper.exists(path))
    end
  end)

  it("is refused when it is none, or there are several files", function()
    check_refused(28, luadl("--checksum", "sha256:abc", "http://x/"), "64 digits")
    check_refused(28, luadl("--checksum", "crc:abcd", "http://x/"), "crc")
    check_refused(28, luadl("--checksum", sum, "http://x/1", "http://x/2"), "several")
  end)
end)

describe("luadl run", function()
  local function run(text, ...)
    return helper.luadl("run", write_script(text, "program.lua"), ...)
  end

  it("runs a program with its arguments and luadl in reach", function()
    local result = run([[
      local luadl = require("luadl")
      io.stdout:write(arg[0]:match("[^/]+$"), " ", select("#", ...), " ", arg[1], " ",
        (select(2, ...)), " ", #arg, " ", type(luadl.get))
    ]], "one", "--two")
    assert.equal(0, result.status, result.stderr)
    assert.equal("program.lua 2 one --two 2 function", result.stdout)
  end)

  it("ends with what the program returns, or exits with", function()
    for text, status in pairs({
      ["return 7"] = 7, ["return"] = 0, ["return true"] = 0, ["return false"] = 1,
      ["os.exit(9)"] = 9, ["return nil, 'lost'"] = 1,
      ["return 0/0"] = 1, ["return 1/0"] = 1, ["return 256 + 7.0"] = 7,
    }) do
      local result = run(text)
      assert.equal(status, result.status, text)
      assert.is_nil(result.stderr:find("traceback", 1, true), result.stderr)
    end
  end)

  it("shows what the program threw, with a traceback", function()
    local result = run("#!/usr/bin/luadl\nlocal function inner() error('a mistake') end\ninner()")
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("program.lua:2: a mistake", 1, true), result.stderr)
    assert.truthy(result.stderr:find("stack traceback", 1, true), result.stderr)
  end)

  it("names a thrown table's kind, and no address", function()
    local result = run("error({})")
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("(error object is a table value)", 1, true), result.stderr)
  end)

  it("ends with 7 at an interrupt, and says so in one line", function()
    local program = write_script([[
      local luadl = require("luadl")
      luadl.run(function(ctx)
        io.popen("kill -INT $PPID"):close()
        ctx:sleep(20)
      end)
    ]])
    check_refused(7, helper.luadl("run", program), "luadl: interrupted\n")
  end)

  it("says what is wrong with the program", function()
    assert.equal(1, run("return {").status)
    local missing = helper.luadl("run", folder .. "/none.lua")
    assert.equal(1, missing.status)
    assert.truthy(missing.stderr:find("none.lua", 1, true))
    for _, none in ipairs({ helper.luadl("run"), helper.luadl("run", "-x", "a.lua") }) do
      assert.equal(28, none.status)
      assert.truthy(none.stderr:find("usage", 1, true))
    end
    assert.truthy(helper.luadl("run", "--help").stdout:find("luadl run PROGRAM", 1, true))
  end)
end)
