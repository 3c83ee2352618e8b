--- What a request says through the real command: logins, headers for some hosts, methods, bodies.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local server = require("spec.support.server")

local SIZE = 400000
local SEED = 7
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }
local SECRET = "hunter2"

local origin, other, folder, path, sum

local function luadl(...)
  return helper.luadl("--min-split", "64K", "--retry", "0", "-d", folder, ...)
end

local function assert_saved(result)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(path))
end

local function values_of(log, name)
  local values = {}
  for index, entry in ipairs(log) do values[index] = entry:header(name) or "none" end
  return values
end

local function all(value, log, name)
  for _, found in ipairs(values_of(log, name)) do assert.equal(value, found) end
end

local function serve(at, name, behaviour, parameters)
  return at:serve(name, behaviour, merged(FILE, parameters))
end

describe("luadl", function()
  setup(function()
    origin, other = server.start(), server.start()
    sum = server.sha256(SEED, SIZE)
  end)
  teardown(function()
    origin:stop()
    other:stop()
  end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
  end)
  after_each(helper.finish)

  describe("logs in", function()
    local function guarded(connection, request, parameters)
      local digest = require("spec.support.digest")
      local algorithm = parameters.algorithm
      local value = request.headers.authorization
      if digest.proves(value, request, "me", "hunter2", algorithm) then
        return connection:file(request, parameters)
      end
      return connection:reply(401, { { "WWW-Authenticate", digest.challenge(algorithm) } }, "no\n")
    end

    for _, algorithm in ipairs({ "MD5", "SHA-256" }) do
      it("with digest authentication, for every range: " .. algorithm, function()
        local url = serve(origin, "/digest/file.bin", guarded, {
          algorithm = algorithm, rate = 400000,
        })
        assert_saved(luadl("--auth", "digest", "-u", "me:" .. SECRET, "-n4", url))
        local proven = 0
        for _, entry in ipairs(origin:requests("/digest/file.bin")) do
          local value = entry:header("authorization")
          assert.truthy(not value or value:find("^Digest "), value)
          if entry.status == 206 then proven = proven + 1 end
        end
        assert.is_true(proven >= 3)
      end)
    end

    it("with a wrong password once, and says so", function()
      local url = serve(origin, "/wrong/file.bin", guarded, { algorithm = "MD5" })
      local result = luadl("--auth", "digest", "-u", "me:no", url)
      assert.equal(24, result.status, result.stderr)
      assert.truthy(result.stderr:find("401", 1, true), result.stderr)
      assert.is_false(helper.exists(path))
    end)

    it("with digest at its own host alone", function()
      local target = serve(other, "/file.bin", guarded, { algorithm = "MD5" })
      local url = origin:redirect("/file.bin", target)
      assert.equal(24, luadl("--auth", "digest", "-u", "me:" .. SECRET, url).status)
      all("none", other:requests("/file.bin"), "authorization")
    end)

    it("with a token, at its own host alone", function()
      local target = serve(other, "/token/file.bin")
      local url = origin:redirect("/to-token", target)
      assert_saved(luadl("--bearer", SECRET, url, "-o", "file.bin"))
      all("Bearer " .. SECRET, origin:requests("/to-token"), "authorization")
      all("none", other:requests("/token/file.bin"), "authorization")
    end)

    it("with a token or a login that a file has", function()
      helper.write(folder .. "/token", SECRET .. "\n")
      helper.write(folder .. "/login", "me:" .. SECRET .. "\n")
      local url = serve(origin, "/from-file")
      assert.equal(0, luadl("--bearer", "@" .. folder .. "/token", url, "-o", "a").status)
      assert.equal(0, luadl("-u", "@" .. folder .. "/login", url, "-o", "b").status)
      local values = values_of(origin:requests("/from-file"), "authorization")
      assert.equal("Bearer " .. SECRET, values[1])
      assert.equal("Basic bWU6aHVudGVyMg==", values[#values])
    end)

    it("not when the file isn't there", function()
      local result = luadl("--bearer", "@" .. folder .. "/none", origin.url)
      assert.equal(28, result.status)
      assert.truthy(result.stderr:find("option '--bearer': ", 1, true), result.stderr)
      assert.truthy(result.stderr:find("No such file", 1, true), result.stderr)
    end)
  end)

  describe("sends a header of one host", function()
    it("there, wherever the URL was, and nowhere else", function()
      local target = serve(other, "/scoped/file.bin", nil, { rate = 400000 })
      local url = origin:redirect("/to-scoped", server.renamed(target))
      assert_saved(luadl("--host-header", "LOCALHOST X-Key: " .. SECRET, "-n4", url, "-o",
        "file.bin"))
      all("none", origin:requests("/to-scoped"), "x-key")
      local log = other:requests("/scoped/file.bin")
      assert.is_true(#log >= 3)
      all(SECRET, log, "x-key")
    end)

    it("below a domain, but not to the domain itself", function()
      local target = serve(other, "/below/file.bin")
      local named = server.renamed(target, "a.localhost")
      local words = { "--host-header", "*.localhost X-Key: " .. SECRET,
        "--resolve", "*:" .. other.port .. ":127.0.0.1" }
      assert_saved(luadl(words[1], words[2], words[3], words[4], named))
      all(SECRET, other:requests("/below/file.bin"), "x-key")
      local itself = serve(other, "/itself/file.bin")
      assert.equal(0, luadl(words[1], words[2], server.renamed(itself), "-o", "b").status)
      all("none", other:requests("/itself/file.bin"), "x-key")
    end)

    it("in the place of its namesake for all", function()
      local url = serve(origin, "/namesake/file.bin")
      assert_saved(luadl("-H", "X-Key: all", "--host-header", "127.0.0.1 x-key: one", url))
      all("one", origin:requests("/namesake/file.bin"), "x-key")
    end)

    it("only in the form of a host, a name and a value", function()
      for _, line in ipairs({ "X-Key: 1", "host X Key: 1", "host", "ho/st X: 1", "h X: a\rb" }) do
        local result = luadl("--host-header", line, origin.url)
        assert.equal(28, result.status, line)
        assert.truthy(result.stderr:find("option '--host-header'", 1, true), result.stderr)
      end
    end)
  end)

  it("reads headers from a file", function()
    helper.write(folder .. "/headers", "X-A: 1\r\nAuthorization: Bearer " .. SECRET .. "\n\n")
    local url = serve(origin, "/headers/file.bin")
    assert_saved(luadl("-H", "@" .. folder .. "/headers", "-H", "X-B: 2", url))
    local log = origin:requests("/headers/file.bin")
    all("1", log, "x-a")
    all("2", log, "x-b")
    all("Bearer " .. SECRET, log, "authorization")
  end)

  describe("sends", function()
    local function form(connection, request, parameters, state)
      state.bodies = state.bodies or {}
      local body = connection:read_body(request)
      if request.method ~= parameters.method or body ~= parameters.body then
        return connection:reply(400, {}, body)
      end
      return connection:file(request, parameters)
    end

    it("what --data says as a form, and saves the answer in one piece", function()
      local url = serve(origin, "/form/file.bin", form, { method = "POST", body = "a=1&b=2" })
      assert_saved(luadl("--data", "a=1&b=2", "-n8", url))
      local log = origin:requests("/form/file.bin")
      assert.equal(1, #log)
      assert.equal("application/x-www-form-urlencoded", log[1]:header("content-type"))
      assert.is_nil(log[1]:header("range"))
      assert.is_nil(log[1]:header("expect"))
    end)

    it("the bytes of a file as they are", function()
      local bytes = "{ \"a\":\r\n 1 }\n\n"
      helper.write(folder .. "/body", bytes)
      local url = serve(origin, "/json/file.bin", form, { method = "PUT", body = bytes })
      assert_saved(luadl("-X", "PUT", "--data", "@" .. folder .. "/body", "-H",
        "Content-Type: application/json", url))
      all("application/json", origin:requests("/json/file.bin"), "content-type")
    end)

    it("what comes from standard input", function()
      helper.write(folder .. "/stdin", "from stdin")
      local url = serve(origin, "/stdin/file.bin", form, { method = "POST", body = "from stdin" })
      assert_saved(luadl("--data", "@-", url, { stdin = folder .. "/stdin" }))
    end)

    it("another method without a body", function()
      local url = serve(origin, "/report/file.bin", form, { method = "REPORT", body = "" })
      assert_saved(luadl("-X", "REPORT", url))
    end)

    it("a POST once only, when the server has seen it", function()
      local url = serve(origin, "/once/file.bin", function(connection, request)
        connection:read_body(request)
        return connection:close()
      end)
      assert.is_true(luadl("--retry", "3", "--data", "x", url).status ~= 0)
      assert.equal(1, #origin:requests("/once/file.bin"))
    end)

    it("a POST again, when no server has seen it", function()
      local port = helper.free_port()
      local url = ("http://127.0.0.1:%d/unseen"):format(port)
      local result = luadl("--retry", "1", "-v", "--data", "x", url)
      assert.equal(6, result.status)
      assert.truthy(result.stderr:find("luadl: again", 1, true), result.stderr)
    end)

    it("an idempotent method again", function()
      local url = serve(origin, "/again/file.bin", function(connection, request, parameters, state)
        connection:read_body(request)
        state.count = (state.count or 0) + 1
        if state.count == 1 then return connection:reply(503, { { "Retry-After", "0" } }, "") end
        return connection:file(request, parameters)
      end)
      assert_saved(luadl("--retry", "1", "-X", "PUT", "--data", "x", url))
      assert.equal(2, #origin:requests("/again/file.bin"))
    end)

    it("a GET to where a 303 leads, without the body", function()
      local target = serve(origin, "/done/file.bin")
      local url = serve(origin, "/303", function(connection, request, parameters)
        connection:read_body(request)
        return connection:redirect(parameters.location, 303)
      end, { location = target })
      assert_saved(luadl("--data", "x", url, "-o", "file.bin"))
      local log = origin:requests("/done/file.bin")
      assert.equal("GET", log[1].method)
      assert.is_nil(log[1]:header("content-type"))
      assert.is_nil(log[1]:header("content-length"))
    end)

    it("a GET to the same URL after a 303", function()
      local url = serve(origin, "/prg/file.bin", function(connection, request, parameters)
        connection:read_body(request)
        if request.method == "GET" then return connection:file(request, parameters) end
        return connection:redirect("/prg/file.bin", 303)
      end)
      assert_saved(luadl("--data", "x", url))
    end)

    it("the same again where a 307 leads", function()
      local target = serve(origin, "/seven/file.bin", form, { method = "POST", body = "x" })
      local url = serve(origin, "/307", function(connection, request, parameters)
        connection:read_body(request)
        return connection:redirect(parameters.location, 307)
      end, { location = target })
      assert_saved(luadl("--data", "x", url, "-o", "file.bin"))
    end)

    it("nothing to another host, unless that one is trusted", function()
      local target = serve(other, "/elsewhere/file.bin", form, { method = "POST", body = "x" })
      local url = serve(origin, "/to-elsewhere", function(connection, request, parameters)
        connection:read_body(request)
        return connection:redirect(parameters.location, 307)
      end, { location = target })
      local result = luadl("--data", "x", url, "-o", "file.bin")
      assert.equal(23, result.status, result.stderr)
      assert.truthy(result.stderr:find("--trusted-host", 1, true), result.stderr)
      assert.equal(0, #other:requests("/elsewhere/file.bin"))
      assert_saved(luadl("--data", "x", "--trusted-host", "127.0.0.1", url, "-o", "file.bin"))
    end)

    it("no part of a method that has none", function()
      for _, words in ipairs({
        { "--data", "x", "--range", "0-9" }, { "--data", "x", "--adopt" },
        { "-X", "PUT", "--range", "0-9" }, { "-X", "HEAD" }, { "-X", "G ET" },
      }) do
        words[#words + 1] = origin.url
        local result = luadl(table.unpack(words))
        assert.equal(28, result.status, table.concat(words, " ") .. result.stderr)
      end
    end)
  end)
end)
