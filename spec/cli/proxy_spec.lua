--- The command behind real proxies: HTTP (tinyproxy) and SOCKS (microsocks), with nginx beyond.
-- SPDX-License-Identifier: MIT

local content = require("spec.support.content")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local microsocks = require("spec.support.microsocks")
local nginx = require("spec.support.nginx")
local tinyproxy = require("spec.support.tinyproxy")

local SIZE = 3 * 2 ^ 20 + 17
local PASSWORD = "pass%20word" -- as a URL has it
local CONFIG = [[
    location /away { return 302 %s/file; }
]]

local origin, http, guarded, socks, guarded_socks, sum
local servers = {}

local function add(server)
  servers[#servers + 1] = server
  return server
end

setup(function()
  origin = add(nginx.start({ tls = true }))
  local path = origin.root .. "/file"
  helper.write(path, content.bytes(1, 0, SIZE - 1))
  sum = helper.sha256(path)
  http = add(tinyproxy.start())
  guarded = add(tinyproxy.start({ auth = { "user", "secret" } }))
  socks = add(microsocks.start())
  guarded_socks = add(microsocks.start({ auth = { "user", "pass word" } }))
end)

teardown(function()
  for _, server in ipairs(servers) do server:stop() end
end)

before_each(helper.begin)
after_each(helper.finish)

local CLEAN = { http_proxy = "", https_proxy = "", all_proxy = "", no_proxy = "" }

local function environment(variables)
  return merged(CLEAN, variables)
end

-- Runs luadl with these words; returns its result and where the file is.
local function run(words, variables)
  local folder = helper.tmpdir()
  local all = { "-d", folder, "--retry", "0", "--connect-timeout", "5" }
  for _, word in ipairs(words) do all[#all + 1] = word end
  all[#all + 1] = { env = environment(variables) }
  return helper.luadl(table.unpack(all)), folder .. "/file"
end

local function works(words, variables)
  local result, path = run(words, variables)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(path))
  return result
end

local function fails(status, words, variables)
  local result, path = run(words, variables)
  assert.equal(status, result.status, result.stderr)
  assert.is_false(helper.exists(path))
  return result
end

-- How many requests of this kind the proxy has seen since.
local function watch(proxy, pattern)
  local before = #proxy.requests()
  return function()
    return select(2, proxy.requests():sub(before + 1):gsub(pattern, ""))
  end
end

describe("an HTTP proxy", function()
  it("forwards each range of an http URL", function()
    local seen = watch(http, "Request .-GET http://127.0.0.1:" .. origin.port .. "/file")
    works({ "-n", "3", "--min-split", "256K", "-x", http.url, origin.url .. "/file" })
    assert.is_true(seen() >= 3)
  end)

  it("tunnels https, and the certificate is the server's", function()
    local seen = watch(http, "CONNECT 127.0.0.1:" .. origin.tls_port)
    local url = origin.tls_url .. "/file"
    works({ "-n", "3", "--min-split", "256K", "--cacert", origin.ca, "-x", http.url, url })
    assert.is_true(seen() >= 1)
    assert.equal(6, fails(6, { "-x", http.url, url }).status)
  end)

  it("is asked for where a redirect leads, too", function()
    local first = add(nginx.start({ config = CONFIG:format(origin.url) }))
    local seen = watch(http, "GET http://127.0.0.1:")
    local result, path = run({ "-n", "1", "-x", http.url, "-o", "file", first.url .. "/away" })
    assert.equal(0, result.status, result.stderr)
    assert.equal(sum, helper.sha256(path))
    assert.equal(2, seen())
  end)

  it("gets the login of its URL, and the server doesn't", function()
    local proxy = guarded.url:gsub("//", "//user:secret@")
    works({ "-x", proxy, origin.url .. "/file" })
    works({ "-x", proxy, "--cacert", origin.ca, origin.tls_url .. "/file" })
  end)

  it("that wants a login, or another one, says so", function()
    for _, url in ipairs({ origin.url .. "/file", origin.tls_url .. "/file" }) do
      for _, login in ipairs({ "//", "//user:wrong@" }) do
        local proxy = guarded.url:gsub("//", login)
        local result = fails(24, { "-x", proxy, "--cacert", origin.ca, url })
        assert.matches("40[17]", result.stderr)
        assert.is_nil(result.stderr:find("wrong", 1, true))
      end
    end
    local tls = origin.tls_url .. "/file"
    local unnamed = fails(24, { "-x", guarded.url, "--cacert", origin.ca, tls })
    assert.matches("the proxy wants a login.-; log in to it with %-x", unnamed.stderr)
  end)

  it("that isn't there is no connection", function()
    local dead = "http://127.0.0.1:" .. helper.free_port()
    local result = fails(6, { "-x", dead, origin.url .. "/file" })
    assert.matches("^luadl: [^\n]+\n$", result.stderr)
    fails(6, { "-x", dead, "--cacert", origin.ca, origin.tls_url .. "/file" })
  end)

  it("that can't reach the server answers for it", function()
    local nobody = helper.dead_url()
    fails(29, { "-x", http.url, nobody })
  end)

  it("that is none is refused, and its login isn't shown", function()
    for _, wrong in ipairs({ "http://%s@[bad", "http://%s@h:x", "no://%s@h" }) do
      local proxy = wrong:format("me:secret")
      local result = run({ "-x", proxy, origin.url .. "/file" })
      assert.equal(28, result.status, result.stderr)
      assert.matches("not a usable proxy", result.stderr)
      assert.is_nil(result.stderr:find("secret", 1, true), result.stderr)
    end
  end)

  it("of the environment counts, for those whom no_proxy doesn't name", function()
    local url = origin.url .. "/file"
    local seen = watch(http, "GET http")
    works({ "-n", "1", url }, { http_proxy = http.url })
    works({ "-n", "1", url }, { all_proxy = http.url })
    assert.equal(2, seen())
    works({ "-n", "1", url }, { http_proxy = http.url, no_proxy = "127.0.0.1" })
    works({ "-n", "1", url }, { https_proxy = http.url })
    assert.equal(2, seen())
    local tunnels = watch(http, "%): CONNECT ")
    local tls = origin.tls_url .. "/file"
    works({ "-n", "1", "--cacert", origin.ca, tls }, { https_proxy = http.url })
    assert.equal(1, tunnels())
  end)
end)

describe("a SOCKS server", function()
  it("serves http and https, each range on its own connection", function()
    local proxy = "socks5://" .. socks.address
    local split = { "-n", "3", "--min-split", "256K", "-x", proxy, "--cacert", origin.ca }
    for _, url in ipairs({ origin.url, origin.tls_url }) do
      split[9] = url .. "/file"
      works(split)
    end
  end)

  it("resolves the name when it is a socks5h one", function()
    local url = ("https://localhost:%d/file"):format(origin.tls_port)
    works({ "-x", "socks5h://" .. socks.address, "--cacert", origin.ca, url })
  end)

  it("gets the login of its URL", function()
    local proxy = ("socks5h://user:%s@%s"):format(PASSWORD, guarded_socks.address)
    works({ "-x", proxy, origin.url .. "/file" })
  end)

  it("that wants a login, or another one, says so", function()
    for _, login in ipairs({ "", "user:wrong@" }) do
      local proxy = "socks5://" .. login .. guarded_socks.address
      local result = fails(24, { "-x", proxy, origin.url .. "/file" })
      assert.matches("the proxy wants a login.-; log in to it with %-x", result.stderr)
      assert.is_nil(result.stderr:find("wrong", 1, true))
    end
  end)

  it("that isn't there is no connection", function()
    fails(6, { "-x", "socks5://127.0.0.1:" .. helper.free_port(), origin.url .. "/file" })
  end)

  it("of the environment counts", function()
    works({ origin.url .. "/file" }, { all_proxy = "socks5h://" .. socks.address })
    local dead = "socks5h://127.0.0.1:" .. helper.free_port()
    fails(6, { origin.url .. "/file" }, { all_proxy = dead })
  end)
end)
