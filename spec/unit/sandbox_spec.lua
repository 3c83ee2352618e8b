--- The sandbox: what a script that isn't trusted can't reach, and how it is stopped.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local headers = require("luadl.headers")
local policy = require("luadl.policy")
local sandbox = require("luadl.sandbox")

local MANY = 2000000 -- instructions
local MIB = 1024 * 1024

local fetched

local function load_script(text, opts)
  opts = opts or {}
  return sandbox.load(text, "@s.lua", {
    label = "s.lua",
    instructions = opts.instructions or MANY,
    memory = opts.memory or 16 * MIB,
    read = policy.read,
    world = {
      now = function() return 7 end,
      sleep = function() end,
      fetch = function(_, url, options)
        fetched = { url, options }
        return type(opts.page) == "function" and opts.page(url, options) or opts.page
      end,
    },
  })
end

-- What `name` answers whose body this is.
local function ask(body, about, opts)
  local text = "return { name = function(head, ctx) " .. body .. " end }"
  local script = (assert(load_script(text, opts)))
  local thread = coroutine.create(script.name)
  local ok, answer = coroutine.resume(thread, about)
  assert.equal("dead", coroutine.status(thread))
  return ok, answer
end

local function answer_of(body, about, opts)
  local ok, answer = ask(body, about, opts)
  assert.is_true(ok, tostring(answer))
  return answer
end

local function failure_of(body, about, opts)
  local ok, thrown = ask(body, about, opts)
  assert.is_false(ok)
  return thrown
end

describe("the sandbox", function()
  for _, name in ipairs({
    "os", "io", "debug", "package", "dofile", "loadfile", "loadstring", "collectgarbage",
    "coroutine", "print", "arg", "module", "setfenv", "getfenv", "newproxy", "jit", "ffi",
    "_ENV.os",
  }) do
    it("has no " .. name, function()
      assert.is_nil(answer_of("return " .. name))
    end)
  end

  it("has the usual functions", function()
    assert.equal("1-b-3.0-ABC", answer_of([[
      local list = { 3, 1, 2 }
      table.sort(list)
      return ("%d-%s-%.1f-%s"):format(list[1], select(2, "a", "b"), math.max(3, 2), ("abc"):upper())
    ]]))
  end)

  it("loads the text of programs alone, into itself", function()
    assert.is_nil(answer_of([[return load("return os")()]]))
    assert.equal(3, answer_of([[return load("return 1 + 2")()]]))
    assert.is_nil(answer_of(("return (load(%q))"):format(string.dump(function() end))))
    assert.is_nil(answer_of([[return (load(function() return nil end))]]))
    assert.is_nil(answer_of("return string.dump"))
  end)

  it("is not loaded from bytecode", function()
    local script, err = load_script(string.dump(function() return {} end))
    assert.is_nil(script)
    assert.equal("usage", err.kind)
  end)

  it("lends copies of its libraries: nobody else's change", function()
    local format, decode = string.format, require("luadl.units").bytes
    answer_of([[
      string.format, table.insert, math.random = nil, nil, nil
      require("luadl.units").bytes = nil
      rawset(_G, "assert", nil)
    ]])
    assert.equal(format, string.format)
    assert.equal(decode, require("luadl.units").bytes)
    assert.is_function(table.insert)
  end)

  it("shows no metatable but the script's own", function()
    assert.is_nil(answer_of([[return getmetatable("")]]))
    assert.is_nil(answer_of([[return getmetatable(head.headers)]], { headers = headers.new() }))
    assert.equal(5, answer_of([[
      local own = setmetatable({}, { __index = { x = 5 } })
      return getmetatable(own).__index.x
    ]]))
  end)

  it("takes no finalizers: they would run anywhere", function()
    local thrown = failure_of([[setmetatable({}, { __gc = function() end })]])
    assert.truthy(thrown:find("__gc", 1, true), thrown)
  end)

  it("requires harmless modules alone", function()
    assert.equal(1024, answer_of([[return require("luadl.units").bytes("1K")]]))
    for _, name in ipairs({
      "luadl.core", "luadl.sys", "luadl.session", "luadl.script", "os", "lfs",
    }) do
      local thrown = failure_of(("require(%q)"):format(name))
      assert.truthy(thrown:find("no module", 1, true), thrown)
    end
    assert.equal(7, answer_of([[return require("luadl").now()]]))
    assert.is_nil(answer_of([[return require("luadl").session]]))
  end)

  it("has no functions that read files in its modules", function()
    assert.is_nil(answer_of([[return require("luadl.digest").file]]))
  end)

  describe("shows copies", function()
    it("of tables, without functions and unknown objects", function()
      local given = { plain = { 1, { deep = true } }, run = print, file = io.stdout,
        object = setmetatable({}, { __name = "luadl.session" }) }
      assert.equal("table nil nil nil", answer_of([[
        head.plain[2].deep = false
        return type(head.plain) .. " " .. type(head.run) .. " " .. type(head.file) .. " "
          .. type(head.object)
      ]], given))
      assert.is_true(given.plain[2].deep)
    end)

    it("of tables that contain themselves", function()
      local given = {}
      given.self = given
      assert.equal("table", answer_of([[return type(head.self)]], given))
    end)

    it("of headers, which still can be asked", function()
      local fields = headers.new({ { "X-A", "1" } })
      assert.equal("1", answer_of([[return head.headers:get("x-a")]], { headers = fields }))
    end)

    it("of errors, which still have a text", function()
      local err = errors.new("io", "broken", { status = 500, cause = { secret = true } })
      local text = answer_of([[
        return tostring(head.error) .. head.error.kind .. type(head.error.cause)
      ]], { error = err })
      assert.equal(tostring(err) .. "ionil", text)
    end)

    it("of a download: its counters and its end", function()
      local cancelled
      local download = setmetatable({
        url = "u", session = {}, cancel = function() cancelled = true end,
      }, { __name = "luadl.download" })
      assert.equal("unil", answer_of([[
        head.download:cancel()
        return head.download.url .. type(head.download.session)
      ]], { download = download }))
      assert.is_true(cancelled)
    end)
  end)

  it("copies what is answered: no metamethod of it runs later", function()
    local answer = answer_of([[
      return setmetatable({ 1, f = function() end, { x = "y" } }, {
        __index = function() error("asked") end, __tostring = function() while true do end end,
      })
    ]])
    assert.is_nil(getmetatable(answer))
    assert.same({ 1, { x = "y" } }, answer)
  end)

  it("turns what is thrown into text without asking it", function()
    assert.equal("s.lua: it threw a table", failure_of([[
      error(setmetatable({}, { __tostring = function() while true do end end }))
    ]]))
  end)

  describe("L-2: stops what takes too many instructions", function()
    for name, body in pairs({
      ["in a loop"] = "while true do end",
      ["by recursion"] = "local function f() return f() end f()",
      ["in an iterator"] = "for _ in function() return 1 end do end",
      ["in a metamethod"] = [[
        local t = setmetatable({}, { __index = function() while true do end end })
        return t.x
      ]],
      ["in a comparison"] = "table.sort({ 1, 2, 3 }, function() while true do end end)",
      ["in loaded text"] = [[load("while true do end")()]],
      ["though it catches that"] = "while true do pcall(function() while true do end end) end",
      ["though its handler goes on"] = [[
        while true do
          xpcall(function() while true do end end, function() while true do end end)
        end
      ]],
    }) do
      it(name, function()
        local began = os.clock()
        local thrown = failure_of(body)
        assert.is_true(errors.is(thrown, "script_budget"), tostring(thrown))
        assert.is_true(os.clock() - began < 2)
      end)
    end

    it("already while it is loaded", function()
      local script, err = load_script("while true do end")
      assert.is_nil(script)
      assert.equal("script_budget", err.kind)
    end)

    it("of one call: the next has all of them again", function()
      local script = (assert(load_script([[
        return { name = function() for i = 1, 300000 do local x = i end return "x" end }
      ]], { instructions = 1000000 })))
      for _ = 1, 5 do
        local thread = coroutine.create(script.name)
        assert.is_true(coroutine.resume(thread))
        assert.equal("dead", coroutine.status(thread))
      end
    end)
  end)

  it("L-3: stops what takes too much memory", function()
    local thrown = failure_of("local list = {} for i = 1, 1e9 do list[i] = { i } end", nil, {
      instructions = 1e9,
    })
    assert.is_true(errors.is(thrown, "no_memory"), tostring(thrown))
    collectgarbage()
  end)

  it("L-3: makes no string of endless length", function()
    assert.truthy(failure_of([[string.rep("x", 1e12)]]):find("too long", 1, true))
  end)

  it("keeps the guard that was there before", function()
    local looked = 0
    local script = (assert(load_script("return { name = function() while true do end end }",
      { instructions = 1e12 })))
    local thread = coroutine.create(script.name)
    debug.sethook(thread, function()
      looked = looked + 1
      error("the guard", 0)
    end, "", 1000000)
    local ok, thrown = coroutine.resume(thread)
    assert.is_false(ok)
    assert.equal("the guard", thrown)
    assert.equal(1, looked)
  end)

  it("gives the hook back", function()
    local script = (assert(load_script([[return { name = function() return "x" end }]])))
    local hook, count
    local thread = coroutine.create(function()
      script.name()
      local _
      hook, _, count = debug.gethook()
    end)
    local function guard() end
    debug.sethook(thread, guard, "", 12345)
    assert(coroutine.resume(thread))
    assert.equal(guard, hook)
    assert.equal(12345, count)
  end)

  it("may not replace what is there", function()
    local script = (assert(load_script([[return { exists = "replace" }]])))
    assert.is_false((pcall(script.exists)))
    script = (assert(load_script([[return { exists = function() return "rename" end }]])))
    assert.equal("rename", script.exists())
  end)

  it("walks over pages, each fetched as everything else is", function()
    local asked = {}
    local function page_of(url, opts)
      asked[#asked + 1] = url .. opts.headers.A
      local following = url == "http://x/1" and "http://x/2" or nil
      return {
        ok = true, url = url, body = url:sub(-1),
        links = function() return { next = following } end,
      }
    end
    assert.equal("1 2", answer_of([[
      local found = {}
      for page in require("luadl").pages("http://x/1", { headers = { A = "b" } }) do
        found[#found + 1] = page.body
      end
      return table.concat(found, " ")
    ]], nil, { page = page_of }))
    assert.same({ "http://x/1b", "http://x/2b" }, asked)
  end)

  it("passes plain options to a fetch, and shows a copy of the page", function()
    local page = setmetatable({ status = 200, body = "text", hidden = print }, {
      __name = "luadl.page",
    })
    function page.json() return { a = 1 } end
    assert.equal("200text1nil", answer_of([[
      local page = require("luadl").fetch("http://x/", setmetatable({ method = "POST" }, {}))
      return page.status .. page.body .. page:json().a .. type(page.hidden)
    ]], nil, { page = page }))
    assert.equal("http://x/", fetched[1])
    assert.same({ method = "POST" }, fetched[2])
  end)

  it("says what is wrong with a script", function()
    for text, words in pairs({
      ["return {"] = "s.lua:1:", ["error('a mistake')"] = "a mistake",
      ["return 7"] = "policy table",
      ["return { nmae = 1 }"] = "nmae",
    }) do
      local script, err = load_script(text)
      assert.is_nil(script)
      assert.truthy(err.message:find(words, 1, true), err.message)
    end
  end)
end)
