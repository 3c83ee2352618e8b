--- Error values: kinds, facts, one line of text.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

-- faults.md 1.3, retyped: a kind that is added or lost must be noticed here.
local KINDS = [[
  usage bad_url closed cancelled deadline
  dns connect tls tls_verify timeout stalled
  http_status not_found auth rate_limited redirect_limit redirect_forbidden
  range_ignored range_mismatch remote_changed short_body overlong_body protocol encoding
  too_large checksum
  no_space quota io read_only permission bad_name exists locked not_regular local_changed
  journal_corrupt
  fd_limit no_memory callback script_budget
]]

describe("luadl.errors", function()
  it("knows every kind and no other", function()
    local expected = {}
    for kind in KINDS:gmatch("%S+") do
      expected[kind] = true
      assert.equal("boolean", type(errors.kinds[kind]), kind)
    end
    for kind in pairs(errors.kinds) do assert.is_true(expected[kind], kind) end
  end)

  it("keeps kind, message and facts", function()
    local err = errors.new("short_body", "the body ended early", { status = 206, attempt = 2 })
    assert.equal("short_body", err.kind)
    assert.equal("the body ended early", err.message)
    assert.equal(206, err.status)
    assert.equal(2, err.attempt)
  end)

  it("takes facts in as a copy", function()
    local facts = { status = 500 }
    local err = errors.new("http_status", "refused", facts)
    facts.status = 200
    assert.equal(500, err.status)
    assert.is_nil(facts.kind)
  end)

  it("does not let facts change kind or message", function()
    local err = errors.new("io", "the disk failed", { kind = "usage", message = "no" })
    assert.equal("io", err.kind)
    assert.equal("the disk failed", err.message)
  end)

  it("names the kind where no message was given", function()
    assert.equal("no space", errors.new("no_space").message)
  end)

  it("calls network failures retriable and refusals not", function()
    for _, kind in ipairs({ "dns", "connect", "tls", "timeout", "stalled", "rate_limited" }) do
      assert.is_true(errors.new(kind).retriable, kind)
    end
    for _, kind in ipairs({ "tls_verify", "usage", "bad_url", "no_space", "cancelled" }) do
      assert.is_false(errors.new(kind).retriable, kind)
    end
  end)

  it("lets the HTTP status decide whether a refusal is retriable", function()
    for _, status in ipairs({ 408, 425, 429, 500, 502, 503, 504, 599 }) do
      assert.is_true(errors.new("http_status", nil, { status = status }).retriable, status)
    end
    for _, status in ipairs({ 204, 304, 400, 403, 404, 410, 451, 999 }) do
      assert.is_false(errors.new("http_status", nil, { status = status }).retriable, status)
    end
    assert.is_false(errors.new("http_status").retriable)
  end)

  it("lets a fact overrule what the kind says about trying again", function()
    assert.is_false(errors.new("rate_limited", nil, { retriable = false }).retriable)
    assert.is_true(errors.new("io", nil, { retriable = true }).retriable)
  end)

  it("refuses a kind that does not exist", function()
    assert.has_error(function() errors.new("tiemout") end, "unknown error kind 'tiemout'")
    assert.has_error(function() errors.new("io"):is("disk") end, "unknown error kind 'disk'")
    assert.has_error(function() errors.is(errors.new("io"), "disk") end)
  end)

  it("tells its own kind, and an error from other values", function()
    local err = errors.new("io")
    assert.is_true(err:is("io"))
    assert.is_false(err:is("dns"))
    assert.is_true(errors.is(err))
    assert.is_true(errors.is(err, "io"))
    assert.is_false(errors.is(err, "dns"))
    for _, other in ipairs({ "io", 5, { kind = "io" } }) do assert.is_false(errors.is(other)) end
    assert.is_false(errors.is(nil))
  end)

  it("prints one line with the facts that help", function()
    local err = errors.new("http_status", "the server refused", {
      status = 503,
      attempt = 3,
      url = "https://example.org/a",
      path = "out/a",
    })
    assert.equal(
      "the server refused (HTTP 503, tried 3 times, out/a, https://example.org/a)",
      tostring(err)
    )
  end)

  it("tells a status once", function()
    local err = errors.new("http_status", "a answered 503", { status = 503, url = "http://a/1503" })
    assert.equal("a answered 503 (http://a/1503)", tostring(err))
    assert.matches("HTTP 503", tostring(errors.new("http_status", "15030 times", { status = 503 })))
  end)

  it("prints a bare message without brackets", function()
    assert.equal("no space left", tostring(errors.new("no_space", "no space left")))
  end)

  it("does not repeat a fact that the message has already", function()
    local err = errors.new("exists", "out/a exists", { path = "out/a" })
    assert.equal("out/a exists", tostring(err))
  end)

  it("prints the error beneath after its own text", function()
    local cause = errors.new("io", "the disk failed", { path = "a.part" })
    local err = errors.new("closed", "the session ended", { cause = cause })
    assert.equal("the session ended: the disk failed (a.part)", tostring(err))
  end)

  it("stays on one line whatever the facts hold", function()
    local err = errors.new("io", "two\nlines\27[31m", { path = "a\nb" })
    assert.is_nil(tostring(err):find("%c"))
  end)

  it("takes user name and password out of a URL", function()
    local err = errors.new("dns", "no", { url = "https://me:p@ss@host:8080/a@b?c=d@e" })
    assert.equal("https://host:8080/a@b?c=d@e", err.url)
    assert.equal("https://host?x=a@b", errors.redact_url("https://host?x=a@b"))
    assert.equal("not a url@all", errors.redact_url("not a url@all"))
    assert.equal("http:/host/a@b", errors.redact_word("http:/me:p@ss@host/a@b"))
    assert.equal("host:8/a@b", errors.redact_word("me:p@ss@host:8/a@b"))
  end)

  it("wraps what a policy threw, with where and the traceback", function()
    local function policy() error("broken name") end
    local _, err = xpcall(policy, function(value)
      return errors.wrap_thrown(value, "name policy")
    end)
    assert.is_true(err:is("callback"))
    assert.is_false(err.retriable)
    assert.matches("^name policy: .*broken name$", err.message)
    assert.matches("stack traceback", err.traceback)
    assert.matches("errors_spec.lua:%d+: in function", err.traceback)
  end)

  it("wraps what ended a coroutine, with the coroutine's traceback", function()
    local thread = coroutine.create(function() error({ code = 7 }) end)
    local _, thrown = coroutine.resume(thread)
    local err = errors.wrap_thrown(thrown, "retry policy", thread)
    assert.equal(7, err.cause.code)
    assert.matches("errors_spec", err.traceback)
  end)

  it("says once what a script has thrown on, and finds it again", function()
    local facts = { status = 404, url = "http://h/" }
    local cause = errors.new("http_status", "host answered 404", facts)
    local inner = errors.wrap_thrown(cause, "resolve policy")
    local outer = errors.wrap_thrown(inner, "run")
    assert.equal("run: resolve policy: host answered 404 (http://h/)", tostring(outer))
    assert.equal(cause, errors.root(outer))
    local own = errors.wrap_thrown("broken", "name policy")
    assert.equal(own, errors.root(own))
    assert.equal("text", errors.root("text"))
  end)

  it("survives a thrown value that can not be printed", function()
    local hostile = setmetatable({}, { __tostring = function() error("no") end })
    assert.matches("can't be shown", errors.wrap_thrown(hostile, "on_done").message)
  end)
end)
