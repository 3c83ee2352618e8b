-- Redirects: how far, where to, and what goes along (H60 to H64). What was sent is read at the
-- server that received it.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 100000
local FILE = { size = SIZE, seed = 1 }
local BASIC = "Basic dXNlcjpzZWNyZXQ=" -- user:secret

-- Everything a caller can say, and who may hear it.
local SECRET = {
  ["Authorization"] = "Bearer token",
  ["Cookie"] = "session=1",
  ["X-Api-Key"] = "key",
  ["X-Custom"] = "custom",
  ["Proxy-Authorization"] = "Basic cHJveHk=",
  ["Origin"] = "http://inside.example",
  ["Referer"] = "http://inside.example/page",
}
local LOGIN = { ["Authorization"] = BASIC }
local HARMLESS = { ["Accept"] = "application/zip" }
local ALL = merged(SECRET, HARMLESS)

local function with_user(url)
  return (url:gsub("//", "//user:secret@"))
end

describe("redirects", function()
  local one, other, tls

  setup(function()
    one, other = server.start(), server.start()
    tls = nginx.start({
      tls = true,
      config = ([[
        location /echo {
          return 200 "$http_authorization|$http_cookie|$http_x_api_key|$http_x_custom|$http_accept";
        }
        location /down { return 302 %s/plain; }
        location /down-again { return 302 %s/up-again; }
      ]]):format(other.url, other.url),
    })
  end)
  teardown(function()
    tls:stop()
    other:stop()
    one:stop()
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function fetch(url, opts, version)
    return oracle.get(url, version or FILE, merged({ connections = 1, retry = 0 }, opts))
  end

  local function fails(kind, url, opts)
    local result, err = fetch(url, opts)
    assert.is_nil(result)
    assert.equal(kind, err.kind, tostring(err))
    return err
  end

  -- How many hops: /hop?n leads to /hop?n-1, /hop?0 to the file.
  local function hops(path)
    return one:serve(path, function(connection, request, parameters)
      local left = tonumber(request.target:match("%?(%d+)$"))
      if left == 0 then return connection:file(request, parameters) end
      return connection:redirect(("?%d"):format(left - 1))
    end, { size = SIZE })
  end

  describe("H60:", function()
    it("ten are followed", function()
      assert(fetch(hops("/ten") .. "?10"))
      assert.equal(11, #one:requests("/ten"))
    end)

    it("the eleventh is not", function()
      fails("redirect_limit", hops("/eleven") .. "?11")
      assert.equal(11, #one:requests("/eleven"))
    end)

    it("as many are followed as the caller allows", function()
      assert(fetch(hops("/two") .. "?2", { max_redirects = 2 }))
      fails("redirect_limit", hops("/three") .. "?3", { max_redirects = 2 })
      fails("redirect_limit", hops("/none") .. "?1", { max_redirects = 0 })
      assert.equal(1, #one:requests("/none"))
    end)

    it("the same URL twice is a loop", function()
      local url = one:redirect("/self", "/self")
      fails("redirect_limit", url)
      assert.equal(1, #one:requests("/self"))
    end)

    it("a loop over two servers is found when it closes", function()
      local back = other:redirect("/there", one.url .. "/here")
      local err = fails("redirect_limit", one:redirect("/here", back))
      assert.equal(1, #one:requests("/here"))
      assert.equal(1, #other:requests("/there"))
      assert.truthy(err.message:find(one.url .. "/here", 1, true))
    end)

    it("a limit is no reason to try again", function()
      local quick = oracle.quick({ tries = 3 })
      fails("redirect_limit", hops("/again") .. "?3", { max_redirects = 1, retry = quick })
      assert.equal(2, #one:requests("/again"))
    end)
  end)

  describe("H61:", function()
    local places = {
      "file:///etc/passwd", "ftp://127.0.0.1/file", "gopher://127.0.0.1:70/x",
      "dict://127.0.0.1/d:x", "data:text/plain,hello", "javascript:alert(1)",
      "smb://127.0.0.1/share", "scp://127.0.0.1/file",
      "FILE:///etc/passwd", "mailto:somebody@example.org",
    }
    for number, place in ipairs(places) do
      it("a redirect to " .. place .. " is refused", function()
        local url = one:redirect("/to-" .. number, place)
        local err = fails("redirect_forbidden", url)
        assert.truthy(err.url:find("/to-" .. number, 1, true))
      end)
    end

    it("a redirect to what is no URL is refused", function()
      for number, place in ipairs({ "http://", "http://127.0.0.1:99999/" }) do
        fails("redirect_forbidden", one:redirect("/to-no-url-" .. number, place))
      end
    end)

    it("a redirect without a Location fails", function()
      local url = one:serve("/nowhere", function(connection)
        return connection:reply(302, {}, "nowhere")
      end)
      local result, err = fetch(url)
      assert.is_nil(result)
      assert.equal("http_status", err.kind)
    end)
  end)

  describe("H62:", function()
    it("https to http is refused", function()
      other:serve("/plain", FILE)
      local before = #other:requests("/plain")
      local err = fails("redirect_forbidden", tls.tls_url .. "/down", { cacert = tls.ca })
      assert.truthy(err.message:find("https to http", 1, true))
      assert.equal(before, #other:requests("/plain"))
    end)

    local function check_bare(entry)
      for name in pairs(SECRET) do assert.is_nil(entry:header(name), name) end
    end

    it("https to http, when allowed, carries no secret, whatever is trusted", function()
      other:serve("/plain", FILE)
      assert(fetch(tls.tls_url .. "/down", {
        cacert = tls.ca, allow_downgrade = true, headers = ALL, user = "user:secret",
        trusted_hosts = { "127.0.0.1" },
      }))
      local log = other:requests("/plain")
      check_bare(log[#log])
    end)

    it("further ranges after that carry none either", function()
      other:serve("/plain", { size = SIZE, etag = '"a"', rate = 100000 })
      local before = #other:requests("/plain")
      assert(fetch(tls.tls_url .. "/down", {
        cacert = tls.ca, allow_downgrade = true, headers = ALL, user = "user:secret",
        trusted_hosts = { "127.0.0.1" }, connections = 4, min_split = 16384,
      }))
      local log = other:requests("/plain")
      assert.is_true(#log - before >= 4)
      for number = before + 1, #log do check_bare(log[number]) end
    end)

    it("a URL's own user is left behind, too", function()
      other:serve("/plain", FILE)
      assert(fetch(with_user(tls.tls_url) .. "/down", {
        cacert = tls.ca, allow_downgrade = true, trusted_hosts = { "127.0.0.1" },
      }))
      local log = other:requests("/plain")
      check_bare(log[#log])
    end)

    it("a chain that was once on http carries no secret back to https", function()
      other:redirect("/up-again", tls.tls_url .. "/echo")
      local session = assert(require("luadl").session({ dir = helper.tmpdir() }))
      local result = assert(session:get({
        url = tls.tls_url .. "/down-again", cacert = tls.ca, allow_downgrade = true,
        headers = ALL, trusted_hosts = { "127.0.0.1" }, user = "user:secret",
      }))
      session:close()
      assert.equal("||||application/zip", helper.read(result.path))
    end)
  end)

  describe("H63:", function()
    -- From a URL of `one` to these, each with whether it is another origin.
    local places = {
      { name = "the same origin", url = function() return one.url end, same = true },
      { name = "another port", url = function() return other.url end },
      { name = "another host", url = function() return server.renamed(one.url) end },
      { name = "another host and port", url = function() return server.renamed(other.url) end },
    }
    local senders = {
      { name = "headers", opts = { headers = ALL }, expected = SECRET },
      { name = "a user option", opts = { user = "user:secret" }, expected = LOGIN },
      { name = "a user in the URL", in_url = true, expected = LOGIN },
    }

    local function ask(place, sender, opts)
      one:serve("/target", FILE)
      other:serve("/target", FILE)
      local start = one:redirect("/start", place.url() .. "/target")
      local options = merged({ user_agent = "spec/1" }, sender.opts, opts)
      local logs = { one:requests("/target"), other:requests("/target") }
      assert(fetch(sender.in_url and with_user(start) or start, options))
      local log = { one:requests("/target"), other:requests("/target") }
      local entry = #log[1] > #logs[1] and log[1][#log[1]] or log[2][#log[2]]
      local first = one:requests("/start")
      return entry, first[#first]
    end

    local function check(expected, seen, present)
      for name, value in pairs(expected) do
        assert.equal(present and value or nil, seen:header(name), name)
      end
    end

    for _, place in ipairs(places) do
      for _, sender in ipairs(senders) do
        local verb = place.same and "stays with" or "is kept from"
        it(("what came by %s %s %s"):format(sender.name, verb, place.name), function()
          local seen, first = ask(place, sender)
          check(sender.expected, first, true)
          check(sender.expected, seen, place.same or false)
          assert.equal("spec/1", seen:header("user-agent"))
          assert.equal("bytes=0-", seen:header("range"))
        end)

        it(("what came by %s goes to %s, trusted"):format(sender.name, place.name), function()
          local seen = ask(place, sender, { trusted_hosts = { "LocalHost", "127.0.0.1" } })
          check(sender.expected, seen, true)
        end)
      end
    end

    it("Accept goes along to another origin", function()
      check(HARMLESS, (ask(places[4], senders[1])), true)
    end)

    it("a Host header of the caller's stays behind", function()
      local opts = { opts = { headers = { Host = "inside.example" } } }
      local seen, first = ask(places[2], opts)
      assert.equal("inside.example", first:header("host"))
      assert.equal("127.0.0.1:" .. other.port, seen:header("host"))
    end)

    it("nothing goes along from http to https of another origin", function()
      local start = one:redirect("/up", tls.tls_url .. "/echo")
      local session = assert(require("luadl").session({ dir = helper.tmpdir() }))
      local result = assert(session:get({ url = start, cacert = tls.ca, headers = ALL }))
      session:close()
      assert.equal("||||application/zip", helper.read(result.path))
    end)

    it("trusting one host is not trusting the next", function()
      one:serve("/last", FILE)
      local middle = other:redirect("/middle", server.renamed(one.url) .. "/last")
      local start = one:redirect("/from", middle)
      assert(fetch(start, { headers = ALL, trusted_hosts = { "127.0.0.1" } }))
      check(SECRET, other:requests("/middle")[1], true)
      check(SECRET, one:requests("/last")[1], false)
    end)

    it("a chain that another origin leads back carries nothing", function()
      one:serve("/home", FILE)
      local away = other:redirect("/away", one.url .. "/home")
      local start = one:redirect("/leave", away)
      assert(fetch(start, { headers = ALL, user = "user:secret" }))
      check(SECRET, one:requests("/home")[1], false)
    end)

    it("further ranges of a foreign origin carry nothing either", function()
      other:serve("/ranges", { size = SIZE, etag = '"a"', rate = 100000 })
      local start = one:redirect("/to-ranges", other.url .. "/ranges")
      assert(fetch(start, { headers = ALL, connections = 4, min_split = 16384 }))
      local log = other:requests("/ranges")
      assert.is_true(#log >= 4)
      for _, entry in ipairs(log) do check(SECRET, entry, false) end
    end)

    it("a user in the Location serves its own origin, its further ranges, and no other", function()
      local guarded = function(connection, request, parameters)
        if request.headers.authorization == parameters.basic then
          return connection:file(request, parameters)
        end
        return connection:reply(401, {}, "")
      end
      other:serve("/guarded", guarded, { size = SIZE, etag = '"a"', rate = 100000, basic = BASIC })
      local location = with_user(other.url) .. "/guarded"
      local result = assert(fetch(one:redirect("/lends", location), {
        connections = 4, min_split = 16384,
      }))
      assert.is_nil(result.url:find("secret", 1, true))
      local log = other:requests("/guarded")
      assert.is_true(#log >= 4)
      for _, entry in ipairs(log) do assert.equal(206, entry.status) end
    end)

    it("a user in the Location is not handed on", function()
      one:serve("/no-user", FILE)
      other:redirect("/passes", one.url .. "/no-user")
      assert(fetch(one:redirect("/with-user", with_user(other.url) .. "/passes")))
      assert.equal(BASIC, other:requests("/passes")[1]:header("authorization"))
      assert.is_nil(one:requests("/no-user")[1]:header("authorization"))
    end)
  end)

  it("H64: a sibling of the host is a stranger", function()
    other:serve("/sibling", FILE)
    local sibling = ("http://a.localhost:%d/sibling"):format(other.port)
    local start = one:redirect("/parent", sibling)
    assert(fetch(server.renamed(start), { headers = ALL, trusted_hosts = { "localhost" } }))
    local seen = other:requests("/sibling")[1]
    for name in pairs(SECRET) do assert.is_nil(seen:header(name), name) end
  end)

  for _, code in ipairs({ 301, 302, 303, 307, 308 }) do
    it("H60: " .. code .. " is followed with GET", function()
      one:serve("/code-target", FILE)
      assert(fetch(one:redirect("/code", "/code-target", { code = code })))
      local log = one:requests("/code-target")
      assert.equal("GET", log[#log].method)
    end)
  end

  local relative = {
    { "/top", "/top" }, { "beside", "/a/b/beside" }, { "../up", "/a/up" },
    { "./here", "/a/b/here" }, { "/with space", "/with%20space" }, { "/frag#part", "/frag" },
    { "/\195\164", "/%c3%a4" },
    { "/top?x=1&y=2", "/top", "/top?x=1&y=2" },
  }
  for number, row in ipairs(relative) do
    it(("H60: the Location %q is taken relative to its URL"):format(row[1]), function()
      one:serve(row[2], FILE)
      assert(fetch(one:redirect("/a/b/start" .. number, row[1])))
      local log = one:requests(row[2])
      assert.equal(row[3] or row[2], log[#log].target)
    end)
  end

  it("H60: a Location without a scheme keeps that of its URL", function()
    other:serve("/no-scheme", FILE)
    local location = ("//127.0.0.1:%d/no-scheme"):format(other.port)
    assert(fetch(one:redirect("/to-no-scheme", location)))
  end)

  it("H60: a fragment of the request's URL isn't sent", function()
    assert(fetch(one:serve("/fragment", FILE) .. "#part"))
    assert.equal("/fragment", one:requests("/fragment")[1].target)
  end)

  it("H60: a redirect's body, however long, is not the file", function()
    one:serve("/short-way", FILE)
    assert(fetch(one:serve("/long-way", function(connection)
      connection:reply(302, { { "Location", "/short-way" } }, ("x"):rep(300000))
    end)))
  end)

  it("H63: further ranges go straight to the final URL", function()
    one:serve("/final", { size = SIZE, etag = '"a"', rate = 100000 })
    local start = one:redirect("/first", "/final")
    local result = assert(fetch(start, { connections = 4, min_split = 16384 }))
    assert.equal(1, #one:requests("/first"))
    assert.is_true(#one:requests("/final") >= 4)
    assert.equal(one.url .. "/final", result.url)
  end)
end)
