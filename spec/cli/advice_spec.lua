--- What the command suggests after a failure.
-- SPDX-License-Identifier: MIT

local advice = require("luadl.cli.advice")
local errors = require("luadl.errors")

describe("advice", function()
  it("names the option that helps", function()
    for kind, option in pairs({
      deadline = "--deadline", redirect_limit = "--max-redirects", stalled = "--timeout",
      tls_verify = "--cacert", too_large = "--max-size", no_space = "-d DIR",
    }) do
      assert.is_truthy(advice.on(errors.new(kind)):find(option, 1, true), kind)
    end
  end)

  it("goes by the status of an answer", function()
    local function on(status)
      return advice.on(errors.new("http_status", "x", { status = status }))
    end
    assert.matches("%-u NAME:PASSWORD", on(401))
    assert.matches("%-x http://NAME:PASSWORD@", on(407))
    assert.matches("URL", on(404))
    assert.matches("%-%-retry", on(502))
    assert.is_nil(on(403))
  end)

  it("tells a taken name from a folder", function()
    local function on(errno)
      return advice.on(errors.new("exists", "cannot write x: taken", { errno = errno }))
    end
    assert.matches("%-%-exists", on(17))
    assert.matches("%-d DIR", on(21))
  end)

  it("tells the kinds of failed connections apart", function()
    local function on(kind, message) return advice.on(errors.new(kind, message)) end
    assert.matches("be read", on("tls_verify", "error setting certificate file: /nope"))
    assert.matches("plain http", on("tls", "wrong version number"))
    assert.matches("%-%-connect%-timeout", on("timeout", "no connection for 10 s"))
    assert.matches("%-%-connect%-timeout", on("timeout", "Failed to connect: Timeout was reached"))
    assert.matches("%-%-timeout", on("timeout", "no answer for 30 s"))
  end)

  it("says when the server wants to see us again", function()
    local err = errors.new("rate_limited", "later", { status = 429, retry_at = 86400 * 365 })
    assert.matches("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", advice.on(err))
  end)

  it("is silent where it knows nothing, and about what isn't an error", function()
    assert.is_nil(advice.on(errors.new("remote_changed")))
    assert.is_nil(advice.on("text"))
    assert.is_nil(advice.on(nil))
  end)
end)
