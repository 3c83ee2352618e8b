-- Rows H31 to H49: lengths, framings and codings that lie, break off or never end.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")
local trial = require("spec.support.trial")

local SIZE = 200000
local FILE = { size = SIZE }
local LARGE = 3145728 -- enough for three streams: cuts lie on whole MiB
local SPLIT = { size = LARGE }
local RATE = 16777216 -- bytes a second and connection: slow enough for all to be asked

-- Every answer announces its whole range and ends after `step` bytes, by `ending`.
local function short_answers(connection, request, given)
  local first, last = request.range.first, request.range.last or given.size - 1
  connection:status(206, {
    { "ETag", given.etag },
    { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
    { "Content-Length", last - first + 1 },
  })
  connection:body(first, math.min(last, first + given.step - 1))
  connection:sleep(given.pause or 0)
  return connection[given.ending](connection)
end

-- The given header lines and bytes, whatever was asked for.
local function recite(connection, _, given)
  connection:send(given.head:gsub("\n", "\r\n") .. "\r\n")
  connection:send(given.body or "")
  if given.size then
    connection:body(0, given.size - 1)
  end
  return connection:close()
end

describe("framing", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function serve(path, behaviour, changes)
    return origin:serve(path, behaviour, merged({ size = SIZE, etag = '"v1"' }, changes))
  end

  local function serve_large(path, behaviour, changes)
    return serve(path, behaviour, merged({ size = LARGE, rate = RATE }, changes))
  end

  local function asked(path) return #origin:requests(path) end

  describe("a body that ends too early", function()
    it("H31: keeps what came and asks for the rest", function()
      local url = serve_large("/31", short_answers, { step = 300000, ending = "close" })
      local outcome = trial.succeeds(url, SPLIT, trial.split())
      trial.faults_are(outcome, "short_body")
      local first = {}
      for _, entry in ipairs(origin:requests("/31")) do
        local range = entry.head:match("Range: bytes=(%d+)")
        first[range] = (first[range] or 0) + 1
      end
      assert.equal(1, first["0"], "byte 0 was asked for again")
    end)

    it("H31: goes on past its tries as long as every attempt brings a tenth", function()
      local url = serve("/31-progress", short_answers, { step = 25000, ending = "close" })
      local opts = { retry = oracle.quick({ tries = 1 }) }
      trial.faults_are(trial.succeeds(url, FILE, opts), "short_body")
    end)

    it("H31: gives up when nothing comes any more", function()
      local url = serve("/31-nothing", short_answers, { step = 0, ending = "close" })
      trial.fails(url, "short_body", { retry = oracle.quick({ tries = 2 }) })
      assert.equal(3, asked("/31-nothing"))
    end)

    it("H31: begins again where ranges aren't served", function()
      local url = serve("/31-whole", function(connection, request, given, state)
        state.count = (state.count or 0) + 1
        if state.count == 3 then return connection:file(request, given) end
        connection:status(200, {
          { "Content-Type", "application/octet-stream" },
          { "ETag", given.etag },
          { "Content-Length", given.size },
        })
        connection:body(0, 70000 * state.count)
        return connection:close()
      end, { ranges = false })
      trial.faults_are(trial.succeeds(url, FILE), "short_body")
      assert.equal(3, asked("/31-whole"))
    end)

    it("H31: fails where ranges aren't served and the end never comes", function()
      local url = serve("/31-never", function(connection, _, given)
        connection:status(200, { { "Content-Length", given.size } })
        connection:body(0, 70000)
        return connection:close()
      end)
      trial.fails(url, "short_body", { retry = oracle.quick({ tries = 2 }) })
      assert.is_true(asked("/31-never") <= 5)
    end)

    it("H32: keeps what came before a reset", function()
      local url = serve_large("/32", short_answers, {
        step = 300000, ending = "reset", pause = 0.02,
      })
      trial.faults_are(trial.succeeds(url, SPLIT, trial.split()), "short_body")
    end)

    it("H32: gives up when every answer is reset at once", function()
      local url = serve("/32-nothing", short_answers, { step = 1, ending = "reset", pause = 0.02 })
      trial.fails(url, "short_body", { retry = oracle.quick({ tries = 1 }) })
    end)

    it("H33: takes a body without a length as it comes, and says so", function()
      local url = serve("/33", recite, { head = "HTTP/1.1 200 OK\n", size = 123456 })
      local outcome = trial.succeeds(url, { size = 123456 })
      assert.is_false(outcome.result.length_verified)
      assert.equal(123456, outcome.result.size)
      assert.equal(1, asked("/33"))
    end)

    it("H33: knows the length of a body that announces it", function()
      assert.is_true(trial.succeeds(serve("/33-known", nil), FILE).result.length_verified)
    end)

    it("H33: takes a body without length and bytes for an empty file", function()
      local url = serve("/33-empty", function(connection)
        connection:status(200, { { "Connection", "close" } })
        return connection:close()
      end)
      trial.succeeds(url, { size = 0 })
    end)

    it("H34: doesn't take a chunked body without its last chunk for a file", function()
      local url = serve("/34", function(connection, _, given)
        connection:status(200, { { "Transfer-Encoding", "chunked" } })
        connection:chunk(connection:bytes(0, given.size - 1))
        return connection:close()
      end)
      trial.fails(url, "short_body", { retry = oracle.quick({ tries = 1 }) })
    end)

    it("H34: begins a chunked body again and keeps the one that ends", function()
      local url = serve("/34-again", function(connection, _, given, state)
        state.count = (state.count or 0) + 1
        connection:status(200, { { "Transfer-Encoding", "chunked" } })
        connection:chunk(connection:bytes(0, 99999))
        if state.count < 3 then return connection:close() end
        connection:chunk(connection:bytes(100000, given.size - 1))
        return connection:last_chunk()
      end)
      local outcome = trial.succeeds(url, FILE)
      trial.faults_are(outcome, "short_body")
      assert.is_true(outcome.result.length_verified)
    end)

    it("H34: puts a file together from chunked ranges that break off", function()
      local url = serve_large("/34-ranges", function(connection, request, given)
        local first, last = request.range.first, request.range.last or given.size - 1
        connection:status(206, {
          { "ETag", given.etag },
          { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
          { "Transfer-Encoding", "chunked" },
        })
        local stop = math.min(last, first + 399999)
        connection:chunk(connection:bytes(first, stop))
        if stop < last then return connection:close() end
        return connection:last_chunk()
      end)
      trial.faults_are(trial.succeeds(url, SPLIT, trial.split()), "short_body")
    end)

    for name, size in pairs({ letters = "xyz", huge = "fffffffffffffffff", nothing = "" }) do
      it("H34: doesn't take a broken chunk size for an end: " .. name, function()
        local path = "/34-" .. name
        local url = serve(path, function(connection, _, given)
          connection:status(200, { { "Transfer-Encoding", "chunked" } })
          connection:chunk(connection:bytes(0, 999))
          connection:send(given.chunk_size .. "\r\n")
          return connection:close()
        end, { chunk_size = size })
        local outcome = trial.run(url, nil, { retry = oracle.quick({ tries = 1 }) })
        assert.truthy(outcome.err.kind == "short_body" or outcome.err.kind == "protocol")
      end)
    end
  end)

  describe("a length that lies", function()
    it("H35: refuses two lengths that differ, after a second look", function()
      local url = serve("/35", recite, {
        head = "HTTP/1.1 200 OK\nContent-Length: 1000\nContent-Length: 2000\n", size = 2000,
      })
      trial.fails(url, "protocol")
      assert.equal(2, asked("/35"))
    end)

    it("H35: refuses a list of lengths that differ", function()
      local url = serve("/35-list", recite, {
        head = "HTTP/1.1 200 OK\nContent-Length: 2000, 1000\n", size = 2000,
      })
      trial.fails(url, "protocol")
    end)

    it("H35: takes the same length twice, as fields or as a list", function()
      for index, lines in ipairs({
        "Content-Length: 1000\nContent-Length: 1000\n", "Content-Length: 1000, 1000\n",
      }) do
        local url = serve("/35-same" .. index, recite, {
          head = "HTTP/1.1 200 OK\n" .. lines, size = 1000,
        })
        trial.succeeds(url, { size = 1000 })
      end
    end)

    it("H35: refuses two lengths on a later range and asks again", function()
      local url = serve_large("/35-range", function(connection, request, given, state)
        local first, last = request.range.first, request.range.last
        local options = { size = given.size, etag = given.etag, rate = given.rate }
        if first == 0 then
          options.gate = function() return (state.later or 0) > 2 end
          return connection:file(request, options)
        end
        state.later = (state.later or 0) + 1
        if state.later > 1 then return connection:file(request, options) end
        connection:status(206, {
          { "ETag", given.etag },
          { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
          { "Content-Length", last - first + 1 },
          { "Content-Length", 5 },
        })
        return connection:send("wrong")
      end)
      trial.faults_are(trial.succeeds(url, SPLIT, trial.split()), "protocol")
    end)

    for _, length in ipairs({
      "12abc", "1e3", "0x10", "+1000", "1000.0", "-5", "9223372036854775808",
      "99999999999999999999999999",
    }) do
      it("H36: refuses the length " .. length, function()
        local path = "/36" .. length
        local url = serve(path, recite, {
          head = "HTTP/1.1 200 OK\nContent-Length: " .. length .. "\n", size = 1000,
        })
        trial.fails(url, "protocol")
        assert.is_true(asked(path) <= 2)
      end)
    end

    it("H37: goes by the chunks and not by the length beside them", function()
      local url = serve("/37", function(connection, _, given)
        connection:status(200, { { "Content-Length", 9 }, { "Transfer-Encoding", "chunked" } })
        connection:chunk(connection:bytes(0, 99999))
        connection:chunk(connection:bytes(100000, given.size - 1))
        return connection:last_chunk()
      end)
      trial.succeeds(url, FILE)
    end)

    it("H37: allocates nothing for a length beside chunks", function()
      local url = serve("/37-large", function(connection, _, given)
        connection:status(200, {
          { "Content-Length", "4000000000000000000" }, { "Transfer-Encoding", "chunked" },
        })
        connection:chunk(connection:bytes(0, given.size - 1))
        return connection:last_chunk()
      end)
      trial.succeeds(url, FILE)
    end)

    it("H38: keeps the announced bytes and drops what follows them", function()
      local url = serve_large("/38", function(connection, request, given)
        local first = request.range.first
        local last = math.min(request.range.last or given.size - 1, given.size - 1)
        connection:status(206, {
          { "ETag", given.etag },
          { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
          { "Content-Length", last - first + 1 },
        })
        connection:send(connection:bytes(first, last) .. ("surplus"):rep(100))
      end)
      for _ = 1, 3 do trial.succeeds(url, SPLIT, trial.split()) end
    end)

    it("H38: bears surplus bytes that arrive when the connection is used again", function()
      local url = serve("/38-late", function(connection, request, given)
        connection:file(request, given)
        connection:sleep(0.02)
        connection:send(("surplus"):rep(100))
      end)
      local session = assert(luadl.session())
      local dir = helper.tmpdir()
      for index = 1, 5 do
        local result = assert(session:get({
          url = url, output = dir .. "/" .. index, retry = oracle.quick(),
        }))
        assert.equal(server.sha256(1, SIZE), helper.sha256(result.path))
      end
      session:close()
    end)

    -- libcurl 7.88 takes a connection on which bytes wait for alive; the next answer on it is
    -- garbage then, which costs one try. It says nothing of bytes that it read and dropped.
    pending("H38: warns, and leaves the connection")

    it("H38: keeps the announced bytes of a whole body", function()
      local url = serve("/38-whole", recite, {
        head = "HTTP/1.1 200 OK\nContent-Length: 1000\n", size = 5000,
      })
      trial.succeeds(url, { size = 1000 })
    end)
  end)

  describe("codings", function()
    it("H39: asks for the identity", function()
      trial.succeeds(serve("/39-asked", nil), FILE)
      local head = origin:requests("/39-asked")[1].head
      assert.truthy(head:lower():find("\r\naccept-encoding: identity\r\n", 1, true))
    end)

    it("H39: saves coded bytes as they come, in ranges under a strong ETag", function()
      local url = serve_large("/39", nil, { headers = { { "Content-Encoding", "gzip" } } })
      local outcome = trial.succeeds(url, SPLIT, trial.split())
      assert.equal("gzip", outcome.result.content_encoding)
      assert.is_true(asked("/39") > 1)
    end)

    for name, etag in pairs({ weak = 'W/"v1"', none = false }) do
      it("H39: takes coded bytes in one stream with an ETag that is " .. name, function()
        local path = "/39-" .. name
        local url = origin:serve(path, {
          size = LARGE, rate = RATE, etag = etag or nil,
          headers = { { "Content-Encoding", "gzip" } },
        })
        local outcome = trial.succeeds(url, SPLIT, trial.split())
        assert.equal("gzip", outcome.result.content_encoding)
        assert.equal(1, #outcome.faults)
        trial.faults_are(outcome, "encoding")
        assert.equal(2, asked(path))
      end)
    end

    it("H39: never mixes coded and plain bytes", function()
      local url = serve_large("/39-mixed", function(connection, request, given, state)
        local coded = request.range and request.range.first > 0
        local options = { size = given.size, etag = given.etag, rate = given.rate }
        options.gate = not coded and function() return state.coded end or nil
        state.coded = state.coded or coded
        options.headers = coded and { { "Content-Encoding", "gzip" } } or nil
        options.seed = coded and 9 or 1
        return connection:file(request, options)
      end)
      local outcome = trial.run(url, SPLIT, trial.split())
      assert.truthy(outcome.result or outcome.err.kind == "encoding")
      trial.faults_are(outcome, "encoding")
    end)

    for _, coding in ipairs({ "gzip, chunked", "gzip", "deflate", "chunked, chunked" }) do
      it("H40: refuses the transfer coding " .. coding, function()
        local path = "/40-" .. coding:gsub("%W", "")
        local url = serve(path, function(connection, _, given)
          connection:status(200, { { "Transfer-Encoding", given.coding } })
          connection:chunk(connection:bytes(0, 999))
          connection:last_chunk()
          return connection:close()
        end, { coding = coding })
        local outcome = trial.run(url, nil)
        assert.truthy(outcome.err.kind == "encoding" or outcome.err.kind == "protocol")
        assert.is_true(asked(path) <= 2)
      end)
    end

    it("H41: decodes nothing by itself", function()
      local bomb = helper.run("head -c 20000000 /dev/zero | gzip -9").stdout
      local url = serve("/41", function(connection, _, given)
        return connection:reply(200, { { "Content-Encoding", "gzip" } }, given.bomb)
      end, { bomb = bomb })
      local session = assert(luadl.session())
      local result = assert(session:get({ url = url, dir = helper.tmpdir() }))
      session:close()
      assert.equal(bomb, helper.read(result.path))
    end)
  end)

  describe("what never ends", function()
    it("H42: stops an endless body at max_size", function()
      local url = serve("/42", function(connection)
        connection:status(200, { { "Connection", "close" } })
        return connection:body(0, 1e12, { rate = 50e6 })
      end)
      trial.fails(url, "too_large", { max_size = 300000 })
      assert.equal(1, asked("/42"))
      assert.is_true(origin:wait_idle())
      assert.is_true(origin:requests("/42")[1].sent < 20e6)
    end)

    it("H42: stops endless chunks at max_size", function()
      local url = serve("/42-chunks", function(connection)
        connection:status(200, { { "Transfer-Encoding", "chunked" } })
        while true do
          connection:chunk(connection:bytes(0, 9999))
          connection:sleep(0)
        end
      end)
      trial.fails(url, "too_large", { max_size = 300000 })
    end)

    it("H42: refuses an announced length over max_size before a byte is saved", function()
      trial.fails(serve("/42-announced", nil), "too_large", { max_size = SIZE - 1 })
    end)

    it("H42: takes what is exactly max_size, with and without a length", function()
      trial.succeeds(serve("/42-exact", nil), FILE, { max_size = SIZE })
      local url = serve("/42-closed", recite, { head = "HTTP/1.1 200 OK\n" })
      trial.succeeds(url, FILE, { max_size = SIZE })
    end)

    it("H43: stops a flood of headers", function()
      local url = serve("/43", function(connection)
        connection:send("HTTP/1.1 200 OK\r\n")
        for index = 1, 3000 do
          connection:send(("X-Flood-%d: %s\r\n"):format(index, ("x"):rep(60)))
        end
        connection:send("Content-Length: 5\r\n\r\nright")
      end)
      trial.fails(url, "protocol")
      assert.equal(2, asked("/43"))
    end)

    it("H43: stops one endless header", function()
      local url = serve("/43-long", function(connection)
        connection:send("HTTP/1.1 200 OK\r\nX-Long: ")
        for _ = 1, 200 do connection:send(("x"):rep(1000)) end
        connection:send("\r\nContent-Length: 5\r\n\r\nright")
      end)
      trial.fails(url, "protocol")
    end)

    it("H43: stops endless interim responses", function()
      local url = serve("/43-interim", function(connection)
        for _ = 1, 1000 do
          connection:send("HTTP/1.1 102 Processing\r\n\r\n")
          connection:sleep(0)
        end
        connection:reply(200, {}, "right")
      end)
      trial.fails(url, "protocol")
    end)

    it("H43: bears 16 interim responses and a header of 60 KiB", function()
      local url = serve("/43-most", function(connection, request, given)
        for _ = 1, 16 do connection:send("HTTP/1.1 102 Processing\r\n\r\n") end
        local options = { size = given.size, headers = {} }
        for index = 1, 60 do
          options.headers[index] = { "X-Padding", ("x"):rep(1000) }
        end
        return connection:file(request, options)
      end)
      trial.succeeds(url, FILE)
    end)
  end)

  describe("headers in odd places", function()
    it("H44: takes nothing from interim responses", function()
      local url = serve_large("/44", function(connection, request, given)
        connection:send("HTTP/1.1 103 Early Hints\r\nETag: \"other\"\r\nContent-Length: 3\r\n"
          .. "Content-Range: bytes 5-7/9\r\nContent-Encoding: br\r\nRetry-After: 9\r\n"
          .. "Last-Modified: Mon, 01 Jan 2001 00:00:00 GMT\r\n\r\n")
        return connection:file(request, given)
      end)
      local outcome = trial.succeeds(url, SPLIT, trial.split())
      assert.is_nil(outcome.result.content_encoding)
      assert.same({}, outcome.faults)
    end)

    it("H45: takes nothing from trailers", function()
      local url = serve_large("/45", function(connection, request, given)
        local first = request.range.first
        local last = math.min(request.range.last or given.size - 1, given.size - 1)
        connection:status(206, {
          { "ETag", given.etag },
          { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
          { "Transfer-Encoding", "chunked" },
          { "Trailer", "ETag, Content-Length" },
        })
        connection:chunk(connection:bytes(first, last))
        connection:last_chunk({
          { "ETag", '"other"' }, { "Content-Length", 3 }, { "Content-Range", "bytes 0-1/2" },
          { "Content-Encoding", "gzip" }, { "Location", "/elsewhere" },
        })
      end)
      for _ = 1, 2 do
        local outcome = trial.succeeds(url, SPLIT, trial.split())
        assert.is_nil(outcome.result.content_encoding)
        assert.same({}, outcome.faults)
      end
    end)

    it("H46: unfolds a folded header", function()
      local url = serve_large("/46", function(connection, request, given)
        local first = request.range.first
        local last = math.min(request.range.last or given.size - 1, given.size - 1)
        connection:send("HTTP/1.1 206 Partial Content\r\nETag:\r\n \"v1\"\r\n"
          .. ("Content-Range: bytes\r\n\t%d-%d/%d\r\n"):format(first, last, given.size)
          .. ("Content-Length: %d\r\n\r\n"):format(last - first + 1))
        connection:body(first, last)
      end)
      assert.same({}, trial.succeeds(url, SPLIT, trial.split()).faults)
    end)

    it("H46: reads lines that end in a bare line feed", function()
      local url = serve_large("/46-lf", function(connection, request, given)
        local first = request.range.first
        local last = math.min(request.range.last or given.size - 1, given.size - 1)
        connection:send(("HTTP/1.1 206 OK\nContent-Range: bytes %d-%d/%d\nContent-Length: %d\n\n")
          :format(first, last, given.size, last - first + 1))
        connection:body(first, last)
      end)
      assert.same({}, trial.succeeds(url, SPLIT, trial.split()).faults)
    end)

    it("H46: refuses a NUL in a header", function()
      local url = serve("/46-nul", function(connection)
        connection:send("HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 5\r\n\r\nright")
        return connection:close()
      end)
      trial.fails(url, "protocol")
    end)
  end)

  describe("what isn't HTTP/1.1", function()
    for name, bytes in pairs({
      ["HTTP/0.9"] = "just the text of a page\n",
      garbage = "\1\2\3\4\255\254 nothing \r\n\r\n of this",
      ["a wrong version"] = "HTTP/7.3 200 OK\r\nContent-Length: 5\r\n\r\nright",
      ["a status without digits"] = "HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\nright",
      ["a broken status line"] = "HTTP/1.1\r\n\r\nwrong",
    }) do
      it("H47: refuses " .. name, function()
        local path = "/47-" .. name:gsub("%W", "")
        local url = serve(path, function(connection, _, given)
          connection:send(given.bytes)
          return connection:close()
        end, { bytes = bytes })
        trial.fails(url, "protocol")
        assert.equal(2, asked(path))
      end)
    end

    it("H47: tries again after an empty reply", function()
      local url = serve("/47-empty", function(connection, request, given, state)
        state.count = (state.count or 0) + 1
        if state.count < 4 then return connection:close() end
        return connection:file(request, given)
      end)
      trial.succeeds(url, FILE, { retry = oracle.quick({ tries = 3 }) })
      assert.equal(4, asked("/47-empty"))
    end)

    it("H47: fails when all replies are empty", function()
      local url = serve("/47-never", function(connection) return connection:close() end)
      trial.fails(url, "protocol", { retry = oracle.quick({ tries = 3 }) })
      assert.equal(4, asked("/47-never"))
    end)

    it("H48: takes the whole from an HTTP/1.0 server without ranges", function()
      local url = serve_large("/48", recite, {
        head = "HTTP/1.0 200 OK\nContent-Length: " .. LARGE .. "\n",
      })
      assert.is_true(trial.succeeds(url, SPLIT, trial.split()).result.length_verified)
    end)

    it("H48: takes the whole from an HTTP/1.0 server that names no length", function()
      local url = serve_large("/48-none", recite, { head = "HTTP/1.0 200 OK\n" })
      assert.is_false(trial.succeeds(url, SPLIT, trial.split()).result.length_verified)
      assert.equal(1, asked("/48-none"))
    end)
  end)

  describe("a status without a file", function()
    for _, status in ipairs({ 204, 205, 304, 299, 201, 202, 203, 226, 300, 306, 999, 400, 404 }) do
      it("H49: saves nothing of a " .. status, function()
        local path = "/49-" .. status
        local url = serve(path, function(connection, _, given)
          if given.code == 204 or given.code == 304 then
            return connection:status(given.code, {})
          end
          return connection:reply(given.code, {}, "not the file")
        end, { code = status })
        local outcome = trial.fails(url, "http_status")
        assert.equal(status, outcome.err.status)
        assert.equal(1, asked(path))
      end)
    end

    for _, status in ipairs({ 301, 302, 303, 307, 308 }) do
      it("H49: saves nothing of a " .. status .. " without Location", function()
        local path = "/49-" .. status
        local url = serve(path, function(connection, _, given)
          return connection:reply(given.code, {}, "moved")
        end, { code = status })
        assert.equal(status, trial.fails(url, "http_status").err.status)
        assert.equal(1, asked(path))
      end)
    end

    it("H49: takes no bytes of a later range from a 299", function()
      local url = serve_large("/49-later", function(connection, request, given)
        if request.range.first == 0 then return connection:file(request, given) end
        return connection:reply(299, {
          { "Content-Range", ("bytes %d-%d/%d"):format(request.range.first, request.range.last,
            given.size) },
        }, ("x"):rep(request.range.last - request.range.first + 1))
      end)
      trial.run(url, SPLIT, trial.split())
    end)
  end)
end)
