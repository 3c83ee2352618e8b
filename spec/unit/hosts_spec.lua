--- Options for some hosts.
-- SPDX-License-Identifier: MIT

local hosts = require("luadl.options.hosts")
local hostname = require("luadl.hostname")
local options = require("luadl.options")
local world = require("spec.support.world")

local function read(given, defaults)
  return assert(hosts.new(given, options.check(defaults, "session")))
end

describe("hostname", function()
  it("finds the host of a URL", function()
    for url, host in pairs({
      ["https://Example.ORG/a"] = "example.org", ["http://me:se@cret@b.org:81?x"] = "b.org",
      ["http://[::1]:80/"] = "[::1]", ["ftp://c.org."] = "c.org",
      ["http://mine.org?@evil.org"] = "mine.org",
    }) do
      assert.equal(host, hostname.of(url), url)
    end
    assert.is_nil(hostname.of("no url"))
    assert.is_nil(hostname.of("http://mine.org\\@evil.org/"))
  end)

  it("tells names from what else is written in their place", function()
    for _, name in ipairs({ "a.org", "127.0.0.1", "[::1]", "my_host", "b\195\188cher.de" }) do
      assert.is_true(hostname.is_name(name), name)
    end
    local words = { "", "a.org:80", "http://a.org", "a b", "*.a.org", "a.org.", "::1", 5 }
    for _, word in ipairs(words) do
      assert.is_false(hostname.is_name(word), tostring(word))
    end
    for _, word in ipairs({ "*a.org", "*.*.org", "a.*", "**", "*.", "*.a.org:80" }) do
      assert.is_false(hostname.is_pattern(word), word)
    end
    assert.is_true(hostname.is_pattern("*") and hostname.is_pattern("*.a.org"))
  end)

  it("matches a name, what lies below one, or all", function()
    assert.is_true(hostname.matches("a.org", "A.org"))
    assert.is_true(hostname.matches("x.a.org", "*.a.org"))
    assert.is_true(hostname.matches("a.org", "*"))
    assert.is_false(hostname.matches("a.org", "*.a.org"))
    assert.is_false(hostname.matches("ba.org", "*a.org"))
    assert.is_false(hostname.matches("x.a.org", "a.org"))
  end)
end)

describe("options by host", function()
  it("are those of the session where no table is meant", function()
    local by_host = read({ ["a.org"] = { connections = 2 } }, { connections = 5 })
    assert.equal(5, by_host:defaults_for("http://b.org/").connections)
    assert.equal(5, by_host:defaults_for(nil).connections)
  end)

  it("let the nearer pattern count, whatever their order", function()
    local by_host = read({
      ["*"] = { connections = 2, retry = 1 }, ["*.org"] = { connections = 3, timeout = 9 },
      ["*.a.org"] = { connections = 4 }, ["x.a.org"] = { connections = 5 },
    })
    local function at(host) return by_host:defaults_for("https://" .. host .. "/f") end
    assert.same({ 2, 3, 4, 5 }, {
      at("b.net").connections, at("b.org").connections, at("y.a.org").connections,
      at("x.a.org").connections,
    })
    assert.equal(1, at("x.a.org").retry)
    assert.equal(9, at("x.a.org").stall_timeout)
    assert.equal(at("y.a.org"), at("y.a.org"))
  end)

  it("are checked, and say where they are wrong", function()
    for words, given in pairs({
      ["a.org: unknown option 'conections': did you mean 'connections'?"] =
        { ["a.org"] = { conections = 2 } },
      ["a.org: unknown option 'output'"] = { ["a.org"] = { output = "x" } },
      ["got 'http://a.org'"] = { ["http://a.org"] = {} },
      ["without scheme and port, got 'a.org:80'"] = { ["a.org:80"] = {} },
      ["*.a.org: option 'host_limit_rate' is of one host"] =
        { ["*.a.org"] = { host_limit_rate = "1M" } },
      ["expected a table of options, got a number"] = { ["a.org"] = 7 },
    }) do
      local by_host, message = hosts.new(given, options.check({}, "session"))
      assert.is_nil(by_host)
      assert.truthy(message:find(words, 1, true), message)
    end
  end)

  it("are copied, with what a later change does to them", function()
    local given = { ["a.org"] = { connections = 2 } }
    local by_host = read(given)
    given["a.org"].connections = "many"
    assert.equal(2, by_host:defaults_for("http://a.org/").connections)
  end)

  it("have rates of their own for hosts, by name", function()
    local rates = read({
      ["a.org"] = { host_limit_rate = "1M", connections = 2 }, ["*"] = { connections = 3 },
    }):limit_rates()
    assert.equal(2 ^ 20, rates["a.org"].plain)
    assert.is_nil(next(rates, next(rates)))
  end)

  it("know a URL as the engine does", function()
    local function complete(url) return url:find("://") and url or "http://" .. url end
    local tables = { ["a.org"] = { connections = 2 } }
    local by_host = assert(hosts.new(tables, options.check({}, "session"), complete))
    assert.equal(2, by_host:defaults_for("a.org/file").connections)
  end)

  it("reach the requests of downloads and fetches, below their own options", function()
    local here = world.new({
      host = { ["*.a.org"] = { headers = { ["X-Key"] = "k" }, connections = 2 } },
    })
    here:download({ url = "http://x.a.org/f" })
    here:download({ url = "http://x.a.org/f", connections = 7 })
    here:download({ url = "http://b.org/f" })
    here:settle()
    local asked = here:told("new")
    assert.same({ { "X-Key", "k" } }, asked[1][1].headers)
    assert.same({ 2, 7 }, { asked[1][1].connections, asked[2][1].connections })
    assert.is_nil(asked[3][1].headers)
  end)

  it("follow a resolved URL to its own host, and stay behind at another one", function()
    local here = world.new({
      host = { ["a.org"] = { headers = { A = "a" } }, ["b.org"] = { headers = { B = "b" } } },
    })
    here:download({ url = "http://a.org/", resolve = "http://b.org/f" })
    here:download({ url = "http://a.org/", resolve = "http://c.org/f" })
    here:settle()
    local asked = here:told("new")
    assert.same({ { "B", "b" } }, asked[1][1].headers)
    assert.is_nil(asked[2][1].headers)
  end)
end)
