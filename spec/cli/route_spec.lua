--- The way to the server, through the real command: addresses, DNS over HTTPS, interfaces, proxies.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SIZE = 300000
local SEED = 11
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }

local origin, folder, path, sum

local function run(...)
  return helper.luadl("--min-split", "64K", "--retry", "0", "-d", folder, ...)
end

local function assert_saved(result)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(path))
end

local function serve(name, parameters)
  return origin:serve(name, merged(FILE, parameters))
end

describe("luadl", function()
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

  describe("--resolve", function()
    it("asks a host at this address, with every range and by its name", function()
      local target = serve("/resolved/file.bin", { rate = 300000 })
      local url = server.renamed(target, "files.example.org")
      local entry = ("files.example.org:%d:127.0.0.1"):format(origin.port)
      assert_saved(run("-n4", "--resolve", entry, url))
      local log = origin:requests("/resolved/file.bin")
      assert.is_true(#log >= 3)
      for _, each in ipairs(log) do
        assert.equal("files.example.org:" .. origin.port, each:header("host"))
      end
    end)

    it("takes a host, a port and an address, as they are written", function()
      for _, wrong in ipairs({
        "+a:80:127.0.0.1", "a:80:[::1", "a:80:::1]", "a:0:127.0.0.1", "a",
      }) do
        local result = run("--resolve", wrong, origin.url)
        assert.equal(28, result.status, wrong .. result.stderr)
      end
    end)

    it("takes several, any host, and addresses of IPv6", function()
      local url = server.renamed(serve("/several/file.bin"), "b.example.org")
      assert_saved(run("--resolve", "a.example.org:80:[::1]", "--resolve", "x:1:::1",
        "--resolve", ("*:%d:127.0.0.1"):format(origin.port), url))
    end)

    it("is for its port alone", function()
      local url = server.renamed(serve("/port/file.bin"), "127.0.0.1")
      assert_saved(run("--resolve", "127.0.0.1:1:192.0.2.1", url))
    end)

    it("is of the form HOST:PORT:ADDRESS", function()
      for _, wrong in ipairs({ "a", "a:80", "a:80:host", "a:0:1.2.3.4", "a:99999:1.2.3.4",
        "a:80:1.2.3.4,5.6.7.8", ":80:1.2.3.4" }) do
        local result = run("--resolve", wrong, origin.url)
        assert.equal(28, result.status, wrong)
        local words = "option '--resolve': expected 'HOST:PORT:ADDRESS'"
        assert.truthy(result.stderr:find(words, 1, true), result.stderr)
      end
    end)

    it("says nothing to other downloads of the session", function()
      local url = server.renamed(serve("/own/file.bin", { rate = 300000 }), "files.example.invalid")
      local session = luadl.session({ dir = folder, loops = 1, retry = 0 })
      local addresses = { ("files.example.invalid:%d:127.0.0.1"):format(origin.port) }
      local first = session:get({
        url = url, addresses = addresses, connections = 4, min_split = "64K",
      })
      assert.is_true(#origin:requests("/own/file.bin") >= 3) -- ranges, too
      local second, err = session:get({ url = url, output = "b" })
      session:close()
      assert.is_table(first)
      assert.is_nil(second)
      assert.equal("dns", err.kind)
    end)
  end)

  describe("--doh", function()
    local web

    -- An answer with one address for a question of type A, and with none for others.
    local function resolve(connection, request)
      local query = connection:read_body(request)
      local question = query:match("^............(.-%z....)")
      local is_a = question:sub(-4, -3) == "\0\1"
      local head = query:sub(1, 2) .. "\x81\x80\0\1\0" .. (is_a and "\1" or "\0") .. "\0\0\0\0"
      local record = is_a and "\xc0\x0c\0\1\0\1\0\0\0\60\0\4\127\0\0\1" or ""
      return connection:reply(200, { { "Content-Type", "application/dns-message" } },
        head .. question .. record)
    end

    setup(function()
      local dns = origin:serve("/dns-query", resolve)
      local config = "location /dns-query { proxy_pass " .. dns .. "; }"
      web = nginx.start({ tls = true, config = config })
    end)
    teardown(function() web:stop() end)

    it("asks a server for addresses, over https", function()
      local url = server.renamed(serve("/doh/file.bin", { rate = 300000 }), "files.example.org")
      assert_saved(run("-n4", "--cacert", web.ca, "--doh", web.tls_url .. "/dns-query", url))
      assert.is_true(#origin:requests("/dns-query") >= 1)
      assert.equal("files.example.org:" .. origin.port,
        origin:requests("/doh/file.bin")[1]:header("host"))
    end)

    it("verifies that server, and is no plain http", function()
      local url = server.renamed(serve("/unverified/file.bin"), "files.example.org")
      local result = run("--doh", web.tls_url .. "/dns-query", url)
      assert.equal(19, result.status, result.stderr)
      assert.equal(28, run("--doh", web.url .. "/dns-query", url).status)
      assert.is_false(helper.exists(path))
    end)
  end)

  describe("--interface", function()
    local web

    setup(function()
      web = nginx.start()
      helper.write(web.root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    end)
    teardown(function() web:stop() end)

    it("sends from an address, with every range", function()
      assert_saved(run("-n4", "--interface", "127.0.0.2", web.url .. "/file.bin"))
      local seen = 0
      for line in web:log():gmatch("[^\n]+") do
        assert.matches("^127%.0%.0%.2 ", line)
        seen = seen + 1
      end
      assert.is_true(seen >= 2)
    end)

    it("says which one can't be used", function()
      for _, name in ipairs({ "nonexistent0", "192.0.2.1" }) do
        local result = run("--interface", name, "--retry", "5", web.url .. "/file.bin")
        assert.equal(28, result.status, result.stderr)
        assert.truthy(result.stderr:find("what --interface names", 1, true), result.stderr)
        assert.is_nil(result.stderr:find("tried", 1, true), result.stderr) -- at once
      end
    end)
  end)

  it("-4 and -6 connect over no other protocol", function()
    local url = server.renamed(serve("/family/file.bin"))
    assert_saved(run("-4", url))
    os.remove(path)
    assert_saved(run("--ipv4", url))
    local before = #origin:requests("/family/file.bin")
    local result = run("-6", "--connect-timeout", "2", url)
    assert.truthy(result.status == 6 or result.status == 19, result.stderr) -- nobody listens there
    assert.equal(before, #origin:requests("/family/file.bin"))
  end)

  describe("a proxy", function()
    local proxy, dead

    setup(function()
      proxy = server.start()
      dead = "http://127.0.0.1:" .. helper.free_port()
    end)
    teardown(function() proxy:stop() end)

    it("isn't asked for what --no-proxy names", function()
      local url = serve("/direct/file.bin")
      assert_saved(run("-x", dead, "--no-proxy", "example.org,127.0.0.1", url))
      os.remove(path)
      assert_saved(run("--no-proxy", "*", url, { env = { http_proxy = dead } }))
      os.remove(path)
      assert.equal(6, run("-x", dead, "--no-proxy", "example.org", url).status)
      local env = { http_proxy = dead, no_proxy = "127.0.0.1" }
      assert.equal(6, run("--no-proxy", "example.org", url, { env = env }).status)
    end)

    it("isn't named by a flag without hosts, as of wget", function()
      local result = run("--no-proxy", "http://127.0.0.1/")
      assert.equal(28, result.status)
      assert.truthy(result.stderr:find("'*' for all", 1, true), result.stderr)
    end)

    it("that wants digest authentication gets it", function()
      local url = serve("/digest/file.bin")
      proxy:serve(url, function(connection, request, parameters)
        local digest = require("spec.support.digest")
        local value = request.headers["proxy-authorization"]
        if digest.proves(value, request, "me", "hunter2", "SHA-256") then
          return connection:file(request, parameters)
        end
        return connection:reply(407, {
          { "Proxy-Authenticate", digest.challenge("SHA-256") },
        }, "no\n")
      end, { size = SIZE, seed = SEED, etag = '"1"' })
      local with_login = proxy.url:gsub("//", "//me:hunter2@")
      assert_saved(run("-n1", "--proxy-auth", "digest", "-x", with_login, url))
      assert.equal(24, run("-x", with_login, url, "-o", "b").status)
      assert.equal(0, #origin:requests("/digest/file.bin"))
    end)
  end)
end)
