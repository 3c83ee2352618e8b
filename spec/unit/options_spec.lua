--- The one schema: what it accepts, fills in, and refuses.
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")
local nearest = require("luadl.options.nearest")
local schema = require("luadl.options.schema")
local types = require("luadl.options.types")

local function refusal(given, scope)
  local values, message = options.read(given, scope or "download")
  assert.is_nil(values)
  return message
end

describe("options", function()
  it("have readable defaults, each of them", function()
    for _, option in ipairs(schema) do
      if option.default ~= nil then
        assert.is_not_nil((types.read(option, option.default)), option.name)
      end
    end
  end)

  it("have one name and one flag each", function()
    local seen = {}
    local function see(word)
      assert.is_nil(seen[word], word)
      seen[word] = true
    end
    for _, option in ipairs(schema) do
      see((option.scope == "command" and "command " or "") .. option.name) -- `json` of a fetch
      for flag in (option.flag or ""):gmatch("%S+") do see(flag) end
    end
  end)

  it("of a range are two bytes, both included", function()
    local function read(range) return options.check({ range = range }, "download").range end
    assert.same({ 0, 99 }, read({ 0, 99 }))
    assert.same({ 0, 99 }, read("0-99"))
    assert.same({ 1048576, 2097152 }, read(" 1M-2M "))
    assert.same({ 5, 5 }, read({ "5", 5 }))
    local bad = { "5", "5-", "-5", "a-b", "1-2-3", { 1 }, { -1, 3 }, { 1, 2.5 }, {}, 7 }
    for _, wrong in ipairs(bad) do
      assert.truthy(refusal({ range = wrong }):find("first and the last byte", 1, true))
    end
    assert.equal("option 'range': 6 comes after 5", refusal({ range = { 6, 5 } }))
    assert.equal("choose one of 'resume' and 'range'",
      refusal({ range = { 0, 1 }, resume = "a.part" }))
  end)

  it("of a fetch are some of a download's, and its own", function()
    local values = options.check({ url = "http://a/" }, "fetch", { max_size = 5, retry = 7 })
    assert.equal(16 * 1048576, values.max_size)
    assert.equal(7, values.retry)
    assert.is_nil(values.connections)
    assert.truthy(refusal({ connections = 2 }, "fetch"))
    assert.truthy(refusal({ json = {} }, "download"))
    local cache = {}
    assert.equal(cache, options.check({ cache = cache }, "fetch").cache)
  end)

  it("are filled with the documented defaults", function()
    local values = options.check({ url = "http://a/" }, "download")
    assert.equal(8, values.connections)
    assert.equal(1048576, values.min_split)
    assert.equal(20, values.stall_timeout)
    assert.equal(30, values.first_byte_timeout)
    assert.equal(10, values.connect_timeout)
    assert.equal(5, values.retry)
    assert.equal(10, values.max_redirects)
    assert.equal(300, values.max_retry_after)
    assert.is_false(values.insecure)
    assert.is_nil(values.deadline)
    assert.is_nil(values.max_size)
    assert.equal(4, options.check({}, "command").jobs)
  end)

  it("read sizes and times as text and as numbers", function()
    local given = { min_split = "16M", max_size = 5, deadline = "1m30s" }
    local values = options.check(given, "download")
    assert.same({ 16777216, 5, 90 }, { values.min_split, values.max_size, values.deadline })
  end)

  it("let one timeout set both watchdogs, but not one that has its own", function()
    local values = options.check({ timeout = 3, stall_timeout = 7 }, "download")
    assert.same({ 3, 7 }, { values.first_byte_timeout, values.stall_timeout })
  end)

  it("take a session's values before the schema's", function()
    local session = options.check({ connections = 3, timeout = 4 }, "session")
    local values = options.check({ retry = 1 }, "download", session)
    assert.same({ 3, 4, 1 }, { values.connections, values.stall_timeout, values.retry })
    assert.equal(9, options.check({ timeout = 9 }, "download", session).stall_timeout)
  end)

  it("keep an existing file from a name that was typed, and rename what a server chose", function()
    assert.equal("fail", options.check({ output = "x" }, "download").exists)
    assert.equal("rename", options.check({}, "download").exists)
    assert.is_nil(options.check({}, "session").exists)
    assert.equal("skip", options.check({ output = "x", exists = "skip" }, "download").exists)
  end)

  it("never share a table with the caller", function()
    local given = { headers = { { "A", "1" } }, expect = { size = 3 }, trusted_hosts = { "h" } }
    local values = options.check(given, "download")
    given.headers[1][2], given.expect.size, given.trusted_hosts[1] = "2", 4, "i"
    assert.same({ { "A", "1" } }, values.headers)
    assert.equal(3, values.expect.size)
    assert.same({ "h" }, values.trusted_hosts)
    local session = options.check({ headers = { "A: 1" } }, "session")
    assert.are_not.equal(session.headers, options.check({}, "download", session).headers)
  end)

  it("ignore metamethods", function()
    local given = setmetatable({}, { __index = function() return 3 end })
    assert.equal(8, options.check(given, "download").connections)
  end)

  it("name an unknown option and the nearest known one", function()
    assert.equal("unknown option 'conections': did you mean 'connections'?",
      refusal({ conections = 3 }))
    assert.equal("unknown option 'zzzzzzzz'", refusal({ zzzzzzzz = 3 }))
    assert.equal("unknown option '1'", refusal({ "http://a/" }))
  end)

  it("refuse in one scope what belongs to another", function()
    assert.matches("unknown option 'json'", refusal({ json = true }))
    assert.matches("unknown option 'loops'", refusal({ loops = 2 }))
    assert.matches("unknown option 'url'", refusal({ url = "http://a/" }, "session"))
    assert.equal(2, options.check({ loops = 2 }, "session").loops)
  end)

  it("name what is wrong with a value", function()
    for expected, given in pairs({
      ["option 'connections': expected an integer, got '8'"] = { connections = "8" },
      ["option 'connections': expected an integer, got 1.5"] = { connections = 1.5 },
      ["option 'connections': 0 is below the minimum, 1"] = { connections = 0 },
      ["option 'connections': 257 is above the maximum, 256"] = { connections = 257 },
      ["option 'insecure': expected true or false, got 1"] = { insecure = 1 },
      ["option 'min_split': expected bytes like 4096, '512K' or '16M', got '16X'"] =
        { min_split = "16X" },
      ["option 'deadline': expected seconds like 90, '1m30s' or '500ms', got 'soon'"] =
        { deadline = "soon" },
      ["option 'exists': expected fail, rename, replace or skip, got 'ask'"] = { exists = "ask" },
      ["option 'expect': unknown field 'sise': did you mean 'size'?"] = { expect = { sise = 1 } },
      ["option 'user': expected 'name:password'"] = { user = "me" },
      ["option 'on_done': expected a function, got true"] = { on_done = true },
      ["option 'user_agent': control characters are not allowed"] = { user_agent = "a\r\nB: c" },
      ["option 'output': a path has no NUL"] = { output = "a\0b" },
      ["option 'proxy': a proxy is [scheme://]host:port; for 16 connections write -n 16"] =
        { proxy = "16" },
    }) do
      assert.equal(expected, refusal(given))
    end
  end)

  it("refuse numbers that aren't", function()
    for _, number in ipairs({ 0 / 0, math.huge, -math.huge, 2 ^ 60 }) do
      assert.matches("connections", refusal({ connections = number }))
      assert.matches("deadline", number ~= 2 ^ 60 and refusal({ deadline = number }) or "deadline")
    end
    assert.equal("integer", math.type(options.check({ connections = 8.0 }, "download").connections))
  end)

  it("blame the caller of the function that checks", function()
    local function library(given)
      local values = options.check(given, "download")
      return values
    end
    local function user() library({ nonsense = 1 }) end
    local line = debug.getinfo(user, "S").linedefined
    local ok, message = pcall(user)
    assert.is_false(ok)
    assert.matches(("options_spec.lua:%d: unknown option 'nonsense'"):format(line), message)
  end)

  it("take a function in the place of a policy only", function()
    local function policy() end
    local values = options.check({ retry = policy, exists = policy, name = policy }, "download")
    assert.same({ policy, policy, policy }, { values.retry, values.exists, values.name })
    assert.matches("expected an integer, got a function", refusal({ connections = policy }))
  end)
end)

describe("the option resume", function()
  it("is true by default; false and a .part take its place", function()
    assert.is_true(options.check({}, "download").resume)
    assert.is_false(options.check({ resume = false }, "session").resume)
    assert.equal("a/b.part", options.check({ resume = "a/b.part" }, "download").resume)
    assert.matches("^option 'resume': expected a path, got 7", refusal({ resume = 7 }))
    assert.matches("^option 'resume': 'a/b' is no .part", refusal({ resume = "a/b" }))
  end)

  it("has no folder or name beside a .part, save a session's folder", function()
    assert.equal("choose one of 'resume' and 'output'",
      refusal({ resume = "a.part", output = "b" }))
    assert.equal("choose one of 'resume' and 'dir'", refusal({ resume = "a.part", dir = "b" }))
    local session = options.check({ dir = "b" }, "session")
    assert.equal("a.part", options.check({ resume = "a.part" }, "download", session).resume)
  end)
end)

describe("the option headers", function()
  local function headers(given)
    return options.check({ headers = given }, "download").headers
  end

  it("is a list of pairs however it was written", function()
    assert.same({ { "A", "1" }, { "B", "2" }, { "B", "3" } }, headers({ B = { "2", "3" }, A = 1 }))
    assert.same({ { "b", "2" }, { "a", "1" } }, headers({ { "b", "2" }, { "a", "1" } }))
    assert.same({ { "a", "1:2" }, { "b", "" } }, headers({ "a: 1:2 ", "b:" }))
  end)

  it("refuses what could inject a header", function()
    for _, given in ipairs({
      { ["A\r\nB"] = "1" }, { A = "1\r\nB: 2" }, { A = "1\n2" }, { A = "\0" }, { A = "\127" },
      { ["Authorization "] = "x" }, { [""] = "x" }, { "no colon" }, { "Sp ace: 1" }, { A = true },
      { {} },
    }) do
      assert.matches("^option 'headers': ", refusal({ headers = given }))
    end
    assert.same({ { "A", "1\t2" } }, headers({ A = "1\t2" }))
  end)

  it("refuses those that only the engine can get right", function()
    local owned = { "Range", "if-range", "Content-Length", "TRANSFER-ENCODING", "Connection" }
    for _, name in ipairs(owned) do
      assert.matches("set by luadl itself", refusal({ headers = { [name] = "x" } }))
    end
  end)
end)

describe("the nearest word", function()
  it("is told by edit distance", function()
    assert.equal(0, nearest.distance("abc", "abc"))
    assert.equal(3, nearest.distance("", "abc"))
    assert.equal(3, nearest.distance("kitten", "sitting"))
  end)

  it("is none when nothing is near", function()
    assert.is_nil(nearest.word("xyzzy", { "connections", "url" }))
    assert.equal("retry", nearest.word("retry_count", { "url", "retry" }))
  end)
end)
