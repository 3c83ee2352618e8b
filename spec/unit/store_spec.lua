--- What scripts remember: kept, expired, shared between processes, and safe from a kill.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local json = require("luadl.json")
local store = require("luadl.store")
local sys = require("luadl.sys")

describe("luadl.store", function()
  local folder, time

  before_each(function()
    helper.begin()
    folder, time = helper.tmpdir(), 1000
  end)

  after_each(helper.finish)

  local function open(opts)
    opts = opts or {}
    opts.folder, opts.now = folder, function() return time end
    return store.open("seen", opts)
  end

  local function path()
    return folder .. "/seen.json"
  end

  local function refused(kind, value, err)
    assert.is_nil(value)
    assert.equal(kind, err.kind)
    return tostring(err)
  end

  it("keeps values of every kind for the next run", function()
    local values = {
      text = "é\n", integer = 9007199254740993, float = 0.5, no = false, null = json.null,
      list = { 1, { 2 } }, map = { a = { b = true } }, empty = json.object(),
    }
    local kept = open()
    for key, value in pairs(values) do assert.is_true(kept:set(key, value)) end
    local later = open()
    for key, value in pairs(values) do assert.same(value, later:get(key)) end
    assert.is_nil(later:get("none"))
  end)

  it("is a file that only its owner reads", function()
    open():set("a", 1)
    assert.equal("600\n", helper.run("stat -c %a " .. path()).stdout)
    assert.equal("600\n", helper.run("stat -c %a " .. path() .. ".lock").stdout)
  end)

  it("lies in the user's data folder", function()
    local script = [[
      local store = require("luadl.store")
      local kept = assert(store.open("mine"))
      assert(kept:set("a", 1))
      print(kept.path)
    ]]
    local function run(env)
      env.LUA_PATH, env.LUA_CPATH = "lua/?.lua;;", helper.build .. "/?.so;;"
      return helper.run({ "lua5.4", "-e", script }, { cwd = helper.root, env = env })
    end
    local data = run({ XDG_DATA_HOME = folder .. "/data", HOME = folder })
    assert.equal(folder .. "/data/luadl/store/mine.json\n", data.stdout, data.stderr)
    local home = run({ XDG_DATA_HOME = "relative", HOME = folder })
    assert.equal(folder .. "/.local/share/luadl/store/mine.json\n", home.stdout)
    local none = run({ XDG_DATA_HOME = "", HOME = "" })
    assert.truthy(none.stderr:find("neither XDG_DATA_HOME nor HOME"))
  end)

  it("makes no file until something is kept", function()
    open():get("a")
    assert.is_false(helper.exists(path()))
  end)

  it("forgets what is deleted, and what expires", function()
    local kept = open()
    kept:set("a", 1, { expires = 10 })
    kept:set("b", 2)
    kept:set("c", 3, { expires = 0.5 })
    time = time + 5
    assert.equal(1, kept:get("a"))
    assert.is_nil(kept:get("c"))
    time = time + 5
    assert.is_nil(kept:get("a"))
    assert.is_true(kept:delete("b"))
    assert.is_true(kept:delete("never was"))
    assert.is_nil(kept:get("b"))
    assert.equal('{"entries":{},"version":1}\n', helper.read(path()))
  end)

  it("iterates in the order of the keys, over what was there at the beginning", function()
    local kept, seen = open(), {}
    for _, key in ipairs({ "b", "c", "a" }) do kept:set(key, key:upper()) end
    kept:set("old", 1, { expires = 1 })
    time = time + 1
    for key, value in kept:each() do
      seen[#seen + 1] = key .. value
      kept:delete(key)
    end
    assert.same({ "aA", "bB", "cC" }, seen)
    assert.is_nil((kept:each()()))
  end)

  it("gives and takes copies", function()
    local kept, value = open(), { 1 }
    kept:set("a", value)
    value[1] = 2
    kept:get("a")[1] = 3
    assert.same({ 1 }, kept:get("a"))
  end)

  it("sees what another one keeps", function()
    local one, two = open(), open()
    one:set("a", 1)
    assert.equal(1, two:get("a"))
    two:set("b", 2)
    assert.equal(2, one:get("b"))
    assert.equal(1, one:get("a"))
  end)

  it("makes several changes in one write, or none when the function throws", function()
    local kept = open()
    kept:set("n", 1)
    assert.is_true(kept:update(function(inner)
      inner:set("n", inner:get("n") + 1)
      inner:set("m", inner:get("n"))
      inner:delete("none")
    end))
    assert.same({ 2, 2 }, { kept:get("n"), kept:get("m") })
    assert.error_matches(function()
      kept:update(function(inner)
        inner:set("n", 7)
        error("mine")
      end)
    end, "mine")
    assert.equal(2, kept:get("n"))
    assert.is_true(kept:set("n", 3))
    local function nested(inner) inner:update(print) end
    assert.error_matches(function() kept:update(nested) end, "an update in an update")
  end)

  it("refuses what JSON can't express, and keeps what it has", function()
    local kept = open()
    kept:set("a", 1)
    refused("usage", kept:set("a", print))
    refused("usage", kept:set("a", "\255"))
    refused("usage", kept:set("\255", 1))
    assert.equal(1, kept:get("a"))
  end)

  it("never writes over a file that it can't read", function()
    local kept = open()
    for _, bytes in ipairs({
      "", "{", "[]", '{"version":2,"entries":{}}', '{"version":1}',
      '{"version":1,"entries":{"a":1}}',
      '{"version":1,"entries":{"a":{"expires":1}}}', '{"version":1,"entries":[1]}', "null",
    }) do
      helper.write(path(), bytes)
      assert.truthy(refused("io", open()):find("damaged", 1, true))
      refused("io", kept:get("a"))
      refused("io", kept:set("a", 1))
      refused("io", kept:update(function() end))
      local _, err = kept:each()
      assert.equal("io", err.kind)
      assert.equal(bytes, helper.read(path()))
    end
  end)

  it("says why a file can't be read or written", function()
    os.execute("mkdir " .. path())
    refused("io", open())
    helper.write(folder .. "/file", "")
    refused("io", store.open("a", { folder = folder .. "/file/x" }))
  end)

  it("waits for others who change it, and not for ever", function()
    local kept = open({ patience = 0 })
    local lock = assert(sys.lock(path() .. ".lock", 0))
    assert.truthy(refused("locked", kept:set("a", 1)):find("can't lock", 1, true))
    assert.is_nil(kept:get("a"))
    lock:release()
    lock:release()
    assert.is_true(kept:set("a", 1))
  end)

  it("throws at names, keys and options that are none", function()
    for _, name in ipairs({ "", "../x", ".x", "a/b", "a\0", ("x"):rep(101), 7 }) do
      assert.error_matches(function() store.open(name) end, "a store's name")
    end
    local kept = open()
    assert.error_matches(function() kept:get(7) end, "a key must be a string")
    assert.error_matches(function() kept:set("a", nil) end, "there is no value")
    assert.error_matches(function() kept:set("a", 1, { expire = 7 }) end, "unknown option 'expire'")
    assert.error_matches(function() kept:set("a", 1, { expires = "7" }) end, "number of seconds")
    assert.error_matches(function() store.open("a", { dir = "x" }) end, "'dir'")
  end)

  -- Processes that change the same store.
  local COUNTER = [[
    package.path, package.cpath = %q, %q
    local kept = assert(require("luadl.store").open("seen", { folder = %q, patience = 20 }))
    for _ = 1, %d do
      assert(kept:update(function() kept:set("n", (kept:get("n") or 0) + 1) end))
    end
  ]]

  local function counter(times)
    local path_of_lua = helper.root .. "/lua/?.lua;" .. package.path
    local path_of_c = helper.build .. "/?.so;" .. package.cpath
    helper.write(folder .. "/count.lua", COUNTER:format(path_of_lua, path_of_c, folder, times))
    return "lua5.4 " .. folder .. "/count.lua"
  end

  it("loses nothing when several processes change it", function()
    local line = counter(20)
    local run = helper.run(("%s & %s & %s & wait"):format(line, line, line))
    assert.equal("", run.stderr)
    assert.equal(60, open():get("n"))
  end)

  it("P1: is whole after kill -9 at any moment", function()
    local line = counter(1000000)
    local count, grown = 0, 0
    for attempt = 1, 40 do -- a slow machine needs more of them, each longer than the one before
      helper.run(("timeout -s KILL %.3f %s"):format(attempt * 0.02, line))
      local now = assert(open()):get("n") or 0
      assert.is_true(now >= count)
      if now > count then grown = grown + 1 end
      if grown == 5 then break end
      count = now
    end
    assert.equal(5, grown)
    assert.is_true(open():set("n", 0))
  end)
end)
