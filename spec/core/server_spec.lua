-- The scripted server, the proxy, nginx and the helper do what they say, for they judge the rest.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local function curl(...)
  return helper.run({ "curl", "-sS", "--max-time", "10", ... })
end

-- Sends bytes on a raw connection and reads until the other end closes it.
local function exchange(port, bytes)
  local connection = assert(socket.connect("127.0.0.1", port))
  connection:settimeout(10)
  connection:send(bytes)
  local all, err, partial = connection:receive("*a")
  connection:close()
  return all or partial, err
end

describe("the scripted server", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  it("serves the generated file whole", function()
    local url = origin:serve("/whole", { size = 300000, seed = 3 })
    local path = helper.tmpdir() .. "/whole"
    assert.equal(0, curl("-o", path, url).status)
    assert.equal(server.sha256(3, 300000), helper.sha256(path))
  end)

  it("serves a range with its bounds", function()
    local url = origin:serve("/range", { size = 200000 })
    local answer = curl("-i", "-r", "65530-65545", url).stdout
    assert.truthy(answer:find("^HTTP/1.1 206 "))
    assert.truthy(answer:find("Content-Range: bytes 65530-65545/200000\r\n", 1, true))
    assert.equal(server.content(1, 65530, 65545), answer:match("\r\n\r\n(.*)$"))
  end)

  it("answers 416 with the size to a range past the end", function()
    local answer = curl("-i", "-r", "10-", origin:serve("/short", { size = 10 })).stdout
    assert.truthy(answer:find("^HTTP/1.1 416 "))
    assert.truthy(answer:find("Content-Range: bytes */10\r\n", 1, true))
  end)

  it("sends the whole file when If-Range names another ETag", function()
    local url = origin:serve("/if-range", { size = 20, etag = '"a"' })
    assert.equal(5, #curl("-r", "0-4", "-H", 'If-Range: "a"', url).stdout)
    assert.equal(20, #curl("-r", "0-4", "-H", 'If-Range: "b"', url).stdout)
  end)

  it("sends no body to HEAD", function()
    local answer = curl("-I", origin:serve("/head", { size = 12345 }))
    assert.equal(0, answer.status)
    assert.truthy(answer.stdout:find("Content-Length: 12345\r\n", 1, true))
  end)

  it("gives no connection more than its rate", function()
    local answer = curl(origin:serve("/rate", { size = 100000, rate = 200000 }))
    assert.equal(100000, #answer.stdout)
    assert.is_true(answer.elapsed >= 0.4)
  end)

  it("waits before its answer when told to", function()
    assert.is_true(curl(origin:serve("/delay", { size = 1, delay = 0.3 })).elapsed >= 0.3)
  end)

  it("keeps a connection alive", function()
    local url = origin:serve("/alive", { size = 100 })
    assert.equal(200, #curl(url, url).stdout)
    local log = origin:requests("/alive")
    assert.equal(log[1].connection, log[2].connection)
  end)

  it("runs the behaviour with the request, the parameters and a state that lasts", function()
    local url = origin:serve("/own", function(connection, request, parameters, state)
      state.count = (state.count or 0) + 1
      local words = { request.target, request.headers["x-word"], parameters.word, state.count }
      local headers = { "X-Whole: line", { "X-Pair", "too" } }
      return connection:reply(200, headers, table.concat(words, " "))
    end, { word = "p" })
    assert.equal("/own?q h p 1", curl("-H", "X-Word: h", url .. "?q").stdout)
    local second = curl("-i", "-H", "X-Word: h", url).stdout
    assert.truthy(second:find("X-Whole: line\r\nX-Pair: too\r\n\r\n/own h p 2", 1, true))
  end)

  it("takes a new behaviour for a path and goes on counting", function()
    origin:serve("/version", { size = 10, seed = 1 })
    local url = origin.url .. "/version"
    assert.equal(server.content(1, 0, 9), curl(url).stdout)
    origin:serve("/version", { size = 10, seed = 2 })
    assert.equal(server.content(2, 0, 9), curl(url).stdout)
    assert.equal(2, #origin:requests("/version"))
  end)

  it("refuses a behaviour that uses a local of its spec", function()
    local outside = 1
    assert.error_matches(function()
      origin:serve("/upvalue", function() return outside end)
    end, "local 'outside'")
  end)

  it("raises the error of a behaviour in the spec", function()
    curl(origin:serve("/broken", function() error("on purpose") end))
    assert.error_matches(function() origin:requests("/broken") end, "on purpose")
  end)

  it("answers 404 where nothing is served", function()
    assert.truthy(curl("-i", origin.url .. "/nothing").stdout:find("^HTTP/1.1 404 "))
  end)

  it("resets a connection", function()
    local url = origin:serve("/reset", function(connection)
      connection:status(200, { { "Content-Length", 100 } })
      connection:body(0, 49)
      return connection:reset()
    end)
    assert.equal(56, curl(url).status)
    assert.equal("reset", origin:requests("/reset")[1].ended)
  end)

  it("closes a connection before the end", function()
    local url = origin:serve("/close", function(connection)
      connection:status(200, { { "Content-Length", 100 } })
      connection:body(0, 49)
      return connection:close()
    end)
    local answer = curl(url)
    assert.equal(18, answer.status)
    assert.equal(50, #answer.stdout)
  end)

  it("drips", function()
    local url = origin:serve("/drip", function(connection)
      connection:status(200, { { "Content-Length", 5 } })
      return connection:drip("slow!", 0.1)
    end)
    local answer = curl(url)
    assert.equal("slow!", answer.stdout)
    assert.is_true(answer.elapsed >= 0.4)
  end)

  it("sends a chunked body", function()
    local url = origin:serve("/chunked", function(connection)
      connection:status(200, { { "Transfer-Encoding", "chunked" } })
      connection:chunk("one ")
      connection:chunk("two")
      return connection:last_chunk({ { "X-Trailer", "1" } })
    end)
    local answer = curl(url)
    assert.equal(0, answer.status)
    assert.equal("one two", answer.stdout)
  end)

  it("follows what a redirect says", function()
    local target = origin:serve("/target", { size = 10 })
    local url = origin:redirect("/redirect", target)
    assert.equal(10, #curl("-L", url).stdout)
  end)

  it("logs requests as they came", function()
    origin:serve("/log", { size = 1000 })
    local head = "GET /log HTTP/1.0\r\nX-b: 1\r\nx-A:2\r\n\r\n"
    local answer = exchange(origin.port, head)
    local entry = origin:requests("/log")[1]
    assert.equal(head, entry.head)
    assert.same({ { "X-b", "1" }, { "x-A", "2" } }, entry.headers)
    assert.same({ "GET", 200, "complete" }, { entry.method, entry.status, entry.ended })
    assert.equal(#answer, entry.sent)
  end)

  it("sees the client go", function()
    local url = origin:serve("/hold", function(connection) return connection:hold() end)
    assert.equal(28, curl("--max-time", "0.2", url).status)
    assert.is_true(origin:wait_idle())
    assert.equal("client closed", origin:requests("/hold")[1].ended)
  end)

  it("knows how many requests of a path are being answered", function()
    local url = origin:serve("/active", function(connection, request, _, state)
      state.most = math.max(state.most or 0, request.active)
      connection:await(function() return state.most == 2 end, 5)
      return connection:reply(200, {}, tostring(state.most))
    end)
    assert.equal("22", curl("--parallel", "--parallel-immediate", url, url).stdout)
  end)

  it("delays both ways through a proxy", function()
    origin:serve("/far", { size = 500000 })
    local _, url = origin:delay_proxy(origin.port, 0.1)
    local answer = curl(url .. "/far")
    assert.equal(500000, #answer.stdout)
    assert.is_true(answer.elapsed >= 0.4)
  end)

  it("ends with its handle, and so do two that run at once", function()
    local first, second = server.start(), server.start()
    assert.not_equal(first.port, second.port)
    first:stop()
    second:stop()
    assert.is_nil((socket.connect("127.0.0.1", first.port)))
    assert.is_nil((socket.connect("127.0.0.1", second.port)))
  end)
end)

describe("generated content", function()
  it("is the same in every cut", function()
    local whole = server.content(5, 0, 199999)
    assert.equal(whole:sub(65001, 140000), server.content(5, 65000, 139999))
  end)

  it("differs between seeds at every byte", function()
    local one, two = server.content(1, 0, 9999), server.content(2, 0, 9999)
    for index = 1, #one do
      assert.not_equal(one:byte(index), two:byte(index))
    end
  end)

  it("differs between blocks, and past 4 GiB", function()
    local base = server.content(1, 0, 31)
    assert.not_equal(base, server.content(1, 65536, 65567))
    assert.not_equal(base, server.content(1, 2 ^ 32, 2 ^ 32 + 31))
  end)
end)

describe("nginx", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("serves its root, with ranges and over TLS", function()
    local web = nginx.start({ tls = true })
    finally(function() web:stop() end)
    helper.write(web.root .. "/file", "0123456789")
    assert.equal("345", curl("-r", "3-5", web.url .. "/file").stdout)
    assert.equal("0123456789", curl("--cacert", web.ca, web.tls_url .. "/file").stdout)
    assert.equal(60, curl(web.tls_url .. "/file").status)
  end)

  it("limits connections and rates and asks for a password", function()
    local limits = { rate = 100000, limit_conn = 1, limit_status = 429, auth = { "me", "secret" } }
    local web = nginx.start(limits)
    finally(function() web:stop() end)
    helper.write(web.root .. "/file", ("x"):rep(150000))
    local url = web.url .. "/file"
    assert.equal("401", curl("-o", "/dev/null", "-w", "%{http_code}", url).stdout)
    local two = { "-o", "/dev/null", "-o", "/dev/null", url, url }
    local codes = curl("-u", "me:secret", "-Z", "--parallel-immediate", "-w", "%{http_code} ",
      table.unpack(two)).stdout
    assert.equal("429 200 ", codes)
  end)

  it("leaves nothing of itself", function()
    local web = nginx.start()
    web:stop()
    assert.is_nil((socket.connect("127.0.0.1", web.port)))
    assert.is_false(helper.exists(web.prefix))
  end)
end)

describe("the helper", function()
  it("bounds a command in time", function()
    local stopped = helper.run({ "sleep", "20" }, { timeout = 0.2 })
    assert.equal(124, stopped.status)
    assert.is_true(stopped.elapsed < 5)
  end)

  it("gives a command's status and output", function()
    local answer = helper.run("echo out; echo $WORD >&2; exit 3", { env = { WORD = "err" } })
    assert.same({ 3, "out\n", "err\n" }, { answer.status, answer.stdout, answer.stderr })
  end)

  it("finds a descriptor and a .part that are left behind", function()
    helper.begin()
    local path = helper.tmpdir() .. "/x.part"
    local file = assert(io.open(path, "w"))
    local ok, problem = pcall(helper.finish)
    file:close()
    assert.is_false(ok)
    assert.truthy(problem:find("left behind: descriptor .*x%.part.*file .*x%.part"))
    assert.is_false(helper.exists(path))
  end)

  it("knows the oracle", function()
    helper.begin()
    local path = helper.tmpdir() .. "/file"
    helper.write(path, "x")
    local sum = helper.sha256(path)
    helper.check_oracle(0, path, sum)
    assert.has_error(function() helper.check_oracle(0, path, "0") end)
    assert.has_error(function() helper.check_oracle(1, path, sum) end)
    assert.has_error(function() helper.check_oracle(0, path .. "2", sum) end)
    helper.finish()
  end)
end)
