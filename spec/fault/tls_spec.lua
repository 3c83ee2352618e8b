-- TLS against real nginx, connections that are used again (H65), and proxies.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")
local trial = require("spec.support.trial")

local SIZE = 300000
local FILE = { size = SIZE, seed = 1 }

-- A certificate of our CA that ended long ago; "ca" is the one openssl command that can date back.
local EXPIRED = [[
set -e
cd "$1"
openssl req -new -key server.key -subj "/CN=localhost" -out expired.csr
cat >ca.cnf <<END
[ca]
default_ca = this
[this]
database = $1/index
serial = $1/serial
new_certs_dir = $1
default_md = sha256
policy = any
[any]
commonName = supplied
END
: >index
echo 01 >serial
openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in expired.csr -extfile server.ext \
  -startdate 20200101000000Z -enddate 20200201000000Z -notext -out expired.pem
]]

local EXPIRED_SERVER = [[
  ssl_session_timeout 1m;
}
server {
  listen 127.0.0.1:%d ssl;
  ssl_certificate %s/expired.pem;
  ssl_certificate_key %s/server.key;
  root "%s";
]]

describe("TLS", function()
  local tls, expired_port

  setup(function()
    tls = nginx.start({ tls = true })
    helper.write(tls.root .. "/file", server.content(1, 0, SIZE - 1))
    expired_port = helper.free_port()
  end)
  teardown(function() tls:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function hellos()
    return select(2, tls:log():gsub("\n", ""))
  end

  it("S1: a file comes whole over several connections when the CA is known", function()
    local opts = trial.split({ connections = 8, cacert = tls.ca })
    local outcome = trial.succeeds(tls.tls_url .. "/file", FILE, opts)
    assert.is_true(outcome.result.length_verified)
  end)

  it("S1: an unknown CA is refused, at once and before any request", function()
    local before = hellos()
    local outcome = trial.fails(tls.tls_url .. "/file", "tls_verify")
    assert.same({}, outcome.faults)
    assert.equal(before, hellos())
  end)

  it("S1: a CA file that isn't there is refused", function()
    trial.fails(tls.tls_url .. "/file", "tls_verify", { cacert = "/nonexistent/ca.pem" })
  end)

  it("S1: insecure takes any certificate", function()
    trial.succeeds(tls.tls_url .. "/file", FILE, { insecure = true })
  end)

  it("S1: a certificate for another name is refused", function()
    local url = ("https://other.localhost:%d/file"):format(tls.tls_port)
    local outcome = trial.fails(url, "tls_verify", { cacert = tls.ca })
    assert.same({}, outcome.faults)
    trial.succeeds(("https://localhost:%d/file"):format(tls.tls_port), FILE, { cacert = tls.ca })
  end)

  it("S1: what one download takes on trust another one of the same session doesn't", function()
    local session = luadl.session({ dir = helper.tmpdir(), loops = 1, retry = 0 })
    assert(session:get({ url = tls.tls_url .. "/file", insecure = true }))
    local _, err = session:get({ url = tls.tls_url .. "/file" })
    session:close()
    assert.equal("tls_verify", err.kind)
  end)

  it("S1: a redirect to an unknown CA is refused", function()
    local origin = server.start()
    local url = origin:redirect("/to-tls", tls.tls_url .. "/file")
    trial.fails(url, "tls_verify")
    origin:stop()
  end)

  it("S1: TLS to a plain port fails as TLS", function()
    trial.fails(("https://127.0.0.1:%d/file"):format(tls.port), "tls", { retry = 0 })
  end)

  it("S1: plain HTTP to a TLS port is an HTTP error", function()
    local outcome = trial.fails(("http://127.0.0.1:%d/file"):format(tls.tls_port), "http_status")
    assert.equal(400, outcome.err.status)
  end)

  it("S1: an expired certificate is refused", function()
    local made = helper.run({ "sh", "-c", EXPIRED, "sh", tls.prefix })
    assert.equal(0, made.status, made.stderr)
    local config = EXPIRED_SERVER:format(expired_port, tls.prefix, tls.prefix, tls.root)
    local old = nginx.start({ config = config })
    local url = ("https://127.0.0.1:%d/file"):format(expired_port)
    local ok, problem = pcall(function()
      local outcome = trial.fails(url, "tls_verify", { cacert = tls.ca })
      assert.truthy(outcome.err.message:find("expired", 1, true), outcome.err.message)
      trial.succeeds(url, FILE, { insecure = true })
    end)
    old:stop()
    assert.is_true(ok, problem)
  end)
end)

describe("connections", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function session_with(faults)
    return luadl.session({
      dir = helper.tmpdir(),
      loops = 1,
      connections = 1,
      retry = function(fault)
        faults[#faults + 1] = fault.error.kind
        return false
      end,
    })
  end

  it("are used again", function()
    local faults = {}
    local session = session_with(faults)
    local url = origin:serve("/again", { size = 1000 })
    for _ = 1, 3 do assert(session:get({ url = url })) end
    session:close()
    local log = origin:requests("/again")
    assert.equal(log[1].connection, log[3].connection)
  end)

  for _, how in ipairs({ "close", "reset" }) do
    it("H65: one that the server ends as it is used again costs no try (" .. how .. ")", function()
      local faults = {}
      local session = session_with(faults)
      local url = origin:serve("/race-" .. how, function(connection, request, parameters, state)
        local again = state.used == request.connection_number
        state.used = request.connection_number
        if again then return connection[parameters.how](connection) end
        return connection:file(request, parameters)
      end, { size = 1000, how = how })
      for _ = 1, 4 do
        local result = assert(session:get({ url = url }))
        assert.equal(server.sha256(1, 1000), helper.sha256(result.path))
      end
      session:close()
      assert.same({}, faults)
      assert.truthy(origin:requests("/race-" .. how)[2].ended:find(how, 1, true))
    end)
  end

  it("H65: one that the server ended meanwhile isn't used", function()
    local faults = {}
    local session = session_with(faults)
    local url = origin:serve("/ended", function(connection, request, parameters)
      connection:file(request, parameters)
      return connection:close()
    end, { size = 1000 })
    for _ = 1, 3 do assert(session:get({ url = url })) end
    session:close()
    assert.same({}, faults)
    assert.equal(3, #origin:requests("/ended"))
  end)
end)

describe("a proxy", function()
  local origin, tls

  setup(function()
    origin = server.start()
    tls = nginx.start({ tls = true })
    helper.write(tls.root .. "/file", server.content(1, 0, SIZE - 1))
  end)
  teardown(function()
    tls:stop()
    origin:stop()
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  it("is asked for the whole URL, by all connections", function()
    local url = "http://luadl.invalid/file"
    origin:serve(url, { size = SIZE, rate = 300000, etag = '"a"' })
    trial.succeeds(url, FILE, { proxy = origin.url, connections = 4, min_split = 16384 })
    local log = origin:requests(url)
    assert.is_true(#log >= 4)
    for _, entry in ipairs(log) do assert.equal("luadl.invalid", entry:header("host")) end
  end)

  it("that is not there is a failed connection", function()
    local proxy = "http://127.0.0.1:" .. helper.free_port()
    trial.fails("http://luadl.invalid/file", "connect", { proxy = proxy, retry = 0 })
  end)

  it("that wants a login fails as such", function()
    local url = "http://luadl.invalid/login"
    origin:serve(url, function(connection) return connection:reply(407, {}, "") end)
    assert.equal(407, trial.fails(url, "auth", { proxy = origin.url }).err.status)
  end)

  local function tunnel(connection, _, parameters)
    return connection:tunnel(parameters.port)
  end

  it("tunnels TLS and hears nothing of what is meant for the server", function()
    local path = "127.0.0.1:" .. tls.tls_port
    origin:serve(path, tunnel, { port = tls.tls_port })
    trial.succeeds(tls.tls_url .. "/file", FILE, {
      proxy = origin.url, cacert = tls.ca, connections = 3, min_split = 16384, user = "user:secret",
      headers = { Cookie = "a=1", ["X-Api-Key"] = "key" },
    })
    for _, entry in ipairs(origin:requests(path)) do
      assert.equal("CONNECT", entry.method)
      for _, name in ipairs({ "cookie", "x-api-key", "authorization", "range" }) do
        assert.is_nil(entry:header(name))
      end
    end
  end)

  it("that tunnels changes nothing in what is verified", function()
    origin:serve("127.0.0.1:" .. tls.tls_port, tunnel, { port = tls.tls_port })
    trial.fails(tls.tls_url .. "/file", "tls_verify", { proxy = origin.url })
  end)

  it("that refuses a tunnel fails the download", function()
    local path = "127.0.0.1:" .. tls.tls_port
    origin:serve(path, function(connection) return connection:reply(403, {}, "no") end)
    local opts = { proxy = origin.url, cacert = tls.ca, retry = 0 }
    trial.fails(tls.tls_url .. "/file", "connect", opts)
  end)
end)
