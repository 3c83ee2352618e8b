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

  it("doesn't begin anew what would never be as expected", function()
    local message = "expected 1000 bytes, the server has 12"
    assert.matches("another file", advice.on(errors.new("remote_changed", message)))
  end)

  it("tells the kinds of failed connections apart", function()
    local function on(kind, message) return advice.on(errors.new(kind, message)) end
    assert.matches("%-x", on("bad_url", "not a usable proxy: it is [scheme://]host[:port]"))
    assert.matches("be read", on("tls_verify", "error setting certificate file: /nope"))
    assert.matches("another name", on("tls_verify", "SSL: certificate subject name 'a' does not"))
    assert.matches("clock", on("tls_verify", "SSL certificate problem: certificate has expired"))
    assert.matches("plain http", on("tls", "wrong version number"))
    assert.matches("%-%-connect%-timeout", on("timeout", "no connection for 10 s"))
    assert.matches("%-%-connect%-timeout", on("timeout", "Failed to connect: Timeout was reached"))
    assert.matches("%-%-timeout", on("timeout", "no answer for 30 s"))
  end)

  it("tells what the disk forbids, and a file to be adopted, from the rest", function()
    local function on(kind, message) return advice.on(errors.new(kind, message)) end
    assert.matches("ulimit", on("too_large", "cannot reserve space for f: File too large"))
    assert.matches("%-%-max%-size", on("too_large", "the file has 3 bytes"))
    assert.matches("%-%-exists replace", on("local_changed", "not what was to be adopted"))
  end)

  it("says when the server wants to see us again", function()
    local err = errors.new("rate_limited", "later", { status = 429, retry_at = 86400 * 365 })
    assert.matches("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", advice.on(err))
  end)

  it("says how a .part goes on, where it can go on as it is", function()
    local function on(kind, facts)
      facts = facts or {}
      facts.resumable, facts.path = true, "a/f"
      return advice.on(errors.new(kind, "x", facts))
    end
    assert.equal("the same command again continues it", on("cancelled"))
    assert.equal("make room, or use -d DIR elsewhere; the same command again continues it",
      on("quota"))
    assert.equal("--resume 'a/f.part' URL continues it from another one",
      on("auth", { status = 403 }))
    assert.equal("--restart fetches it anew", on("checksum"))
    assert.equal("--restart begins anew", on("remote_changed"))
    assert.equal("--restart begins anew, --adopt checks and keeps it", on("journal_corrupt"))
  end)

  it("tells whose the .part is that is in the way", function()
    local function on(message) return advice.on(errors.new("exists", message)) end
    assert.matches("^%-%-resume PART URL continues it", on("its .part belongs to another URL"))
    assert.equal("--restart drops it", on("x.part of an earlier run is in the way"))
  end)

  it("tells a link that has run out from a refusal", function()
    local function on(status, url, message)
      return advice.on(errors.new("http_status", message or "x", { status = status, url = url }))
    end
    local message = "cdn.example.org answered 403 after a redirect"
    assert.matches("^the link may have expired: .*%-%-renew URL$",
      on(403, "https://cdn.example.org/f", message))
    assert.matches("^a signed link", on(403, "https://example.org/f?X-Amz-Signature=0"))
    assert.is_nil(on(403, "https://example.org/f"))
    assert.equal("check the URL", on(404, "https://cdn.example.org/f"))
  end)

  it("sends nobody to -d DIR for a report", function()
    local message = "cannot write the report a/r.csv: a/r.csv.new: No such file or directory"
    assert.equal("make its folder first", advice.on(errors.new("bad_name", message, { errno = 2 })))
  end)

  it("is silent where it knows nothing, and about what isn't an error", function()
    assert.is_nil(advice.on(errors.new("closed")))
    assert.is_nil(advice.on("text"))
    assert.is_nil(advice.on(nil))
  end)
end)
