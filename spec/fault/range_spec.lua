-- Ranges (faults H1 to H17, H19): what a server may do to them, and what becomes of the file.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local MIB = 2 ^ 20
local SIZE = 3 * MIB
local RATE = 16 * MIB -- slow enough for all shares to be asked for before the first stream is done

describe("a range", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function later(path)
    local found = {}
    for _, request in ipairs(origin:requests(path)) do
      local first = request.head:match("Range: bytes=(%d+)")
      if first and first ~= "0" then found[#found + 1] = request end
    end
    return found
  end

  local function check_right(path, behaviour, parameters, opts)
    parameters = parameters or {}
    parameters.size, parameters.rate = parameters.size or SIZE, parameters.rate or RATE
    local url = origin:serve(path, behaviour, parameters)
    local result, err = oracle.get(url, parameters, opts)
    assert.is_nil(err)
    return result
  end

  local function check_fails(kind, path, behaviour, parameters, opts)
    parameters = parameters or {}
    parameters.size, parameters.rate = parameters.size or SIZE, parameters.rate or RATE
    local url = origin:serve(path, behaviour, parameters)
    local result, err = oracle.get(url, parameters, opts)
    assert.is_nil(result)
    assert.equal(kind, err.kind, tostring(err))
    return err
  end

  it("is asked for, and the first request is one", function()
    check_right("/healthy")
    assert.truthy(origin:requests("/healthy")[1].head:find("Range: bytes=0-\r\n", 1, true))
    assert.is_true(#later("/healthy") >= 2)
  end)

  -- H1

  it("H1: 200 with the same total and type: the stream from byte 0 goes on alone", function()
    check_right("/h1/same", function(connection, request, parameters)
      if request.range.first > 0 then
        connection:status(200, {
          { "Content-Type", "application/octet-stream" },
          { "Content-Length", ("%d"):format(parameters.size) },
        })
        return connection:body(0, parameters.size - 1, { rate = parameters.rate })
      end
      return connection:file(request, parameters)
    end)
    local entries = later("/h1/same")
    assert.is_true(#entries >= 1)
    for _, entry in ipairs(entries) do
      assert.is_true(entry.sent < SIZE)
    end
  end)

  it("H1: 200 with the same total, after the first stream broke: begun again whole", function()
    local result = check_right("/h1/broken", function(connection, request, parameters, state)
      if request.range and request.range.first > 0 then
        state.refused = true
        connection:status(200, {
          { "Content-Type", "application/octet-stream" },
          { "Content-Length", ("%d"):format(parameters.size) },
        })
        return connection:body(0, parameters.size - 1)
      end
      connection:status(200, {
        { "Accept-Ranges", "bytes" },
        { "Content-Type", "application/octet-stream" },
        { "Content-Length", ("%d"):format(parameters.size) },
      })
      if state.broken then return connection:body(0, parameters.size - 1) end
      state.broken = true
      connection:body(0, 99999)
      connection:await(function() return state.refused end, 5)
      connection:sleep(0.05)
      return connection:close()
    end)
    assert.is_true(result.length_verified)
    assert.truthy(later("/h1/broken")[1])
  end)

  it("H1: 200 with another total says nothing of the file: the first stream goes on", function()
    check_right("/h1/total", function(connection, request, parameters)
      if request.range.first > 0 then
        return connection:reply(200, { { "Content-Type", "application/octet-stream" } }, "other")
      end
      return connection:file(request, parameters)
    end)
    assert.truthy(later("/h1/total")[1])
  end)

  it("H1: 200 with another type says nothing of the file: the first stream goes on", function()
    check_right("/h1/type", function(connection, request, parameters)
      if request.range.first > 0 then
        connection:status(200, {
          { "Content-Type", "text/html" },
          { "Content-Length", ("%d"):format(parameters.size) },
        })
        return connection:body(0, parameters.size - 1, { seed = 2 })
      end
      return connection:file(request, parameters)
    end)
    assert.truthy(later("/h1/type")[1])
  end)

  -- H2

  it("H2: 200 to the first request is the file, in one stream", function()
    local result = check_right("/h2", function(connection, _, parameters)
      connection:status(200, { { "Content-Length", ("%d"):format(parameters.size) } })
      return connection:body(0, parameters.size - 1, { rate = parameters.rate })
    end)
    assert.is_true(result.length_verified)
    assert.equal(1, #origin:requests("/h2"))
  end)

  -- H3

  it("H3: a 206 with another start is asked for again on a fresh connection", function()
    check_right("/h3/once", function(connection, request, parameters, state)
      local range = request.range
      if range.first > 0 and not state.lied then
        state.lied = connection.number
        range = { first = range.first - 4096, last = range.last - 4096 }
      elseif range.first > 0 and state.lied == connection.number then
        error("the connection that lied was used again")
      end
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(range.first, range.last or parameters.size - 1,
          parameters.size) },
        { "Content-Length", ("%d"):format((range.last or parameters.size - 1) - range.first + 1) },
      })
      return connection:body(range.first, range.last or parameters.size - 1, parameters)
    end)
  end)

  it("H3: a 206 with another start each time: single stream", function()
    check_right("/h3/always", function(connection, request, parameters)
      local first = request.range and request.range.first or 0
      if first == 0 then return connection:file(request, parameters) end
      local last = parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first - 1, last, last + 1) },
        { "Content-Length", ("%d"):format(last - first + 2) },
      })
      return connection:body(first - 1, last, parameters)
    end)
    assert.truthy(later("/h3/always")[1])
  end)

  it("H3: a first answer with another start: asked again without a range", function()
    check_right("/h3/first", function(connection, request, parameters)
      if not request.range then return connection:file(request, parameters) end
      local last = parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes 1-%d/%d"):format(last, last + 1) },
        { "Content-Length", ("%d"):format(last) },
      })
      return connection:body(1, last, parameters)
    end)
  end)

  it("H3: another start whatever is asked is an error", function()
    check_fails("range_mismatch", "/h3/never", function(connection, _, parameters)
      local last = parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes 1-%d/%d"):format(last, last + 1) },
        { "Content-Length", ("%d"):format(last) },
      })
      return connection:body(1, last)
    end)
  end)

  -- H4

  it("H4: a 206 without Content-Range is never written", function()
    check_right("/h4", function(connection, request, parameters)
      if request.range.first == 0 then return connection:file(request, parameters) end
      local length = (request.range.last or parameters.size - 1) - request.range.first + 1
      connection:status(206, { { "Content-Length", ("%d"):format(length) } })
      return connection:body(0, length - 1) -- the head of the file, with the right length
    end)
    assert.truthy(later("/h4")[1])
  end)

  -- H5

  it("H5: a 206 shorter than asked: the rest is asked for again", function()
    check_right("/h5", function(connection, request, parameters)
      local first = request.range.first
      local last = math.min(request.range.last or parameters.size - 1, first + 299999)
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      return connection:body(first, last, parameters)
    end, { rate = 64 * MIB })
    assert.is_true(#origin:requests("/h5") >= 10)
  end)

  it("H5: ranges of one byte each: single stream", function()
    check_right("/h5/crumbs", function(connection, request, parameters)
      if not request.range or request.range.first == 0 then
        return connection:file(request, parameters)
      end
      local first = request.range.first
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, first, parameters.size) },
        { "Content-Length", 1 },
      })
      return connection:body(first, first)
    end)
    assert.is_true(#later("/h5/crumbs") < 20)
  end)

  it("H5: answers of one byte to all requests are an error and no endless loop", function()
    check_fails("range_mismatch", "/h5/one", function(connection, request, parameters)
      local first = request.range and request.range.first or 0
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, first, parameters.size) },
        { "Content-Length", 1 },
      })
      return connection:body(first, first)
    end)
    assert.is_true(#origin:requests("/h5/one") < 100)
  end)

  -- H6

  it("H6: a 206 that announces more than was asked is clipped at its end", function()
    check_right("/h6/announced", function(connection, request, parameters)
      if not request.range.last then return connection:file(request, parameters) end
      local first, last = request.range.first, parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, last + 1) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      connection:body(first, request.range.last, parameters)
      return connection:body(request.range.last + 1, last, { seed = 2 })
    end)
    assert.truthy(later("/h6/announced")[1])
  end)

  it("H6: bytes after the announced range belong to nobody", function()
    check_right("/h6/more", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last
      if not last then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        "Connection: close",
      })
      connection:body(first, last, parameters)
      connection:body(0, 99999, { seed = 2 })
      return connection:close()
    end)
    assert.truthy(later("/h6/more")[1])
  end)

  it("H6: a range whose Content-Length says otherwise is not written", function()
    check_right("/h6/length", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last
      if not last then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 101) },
      })
      return connection:body(first, last + 100, { seed = 2 })
    end)
    assert.truthy(later("/h6/length")[1])
  end)

  -- H7

  it("H7: another total in Content-Range is another file: begun anew once", function()
    local url = origin:serve("/h7/once", function(connection, request, parameters, state)
      if request.range.first > 0 then state.changed = true end
      local size = state.changed and parameters.size + 4096 or parameters.size
      return connection:file(request, { size = size, rate = parameters.rate,
        seed = state.changed and 2 or 1 })
    end, { size = SIZE, rate = RATE })
    local versions = { { size = SIZE }, { size = SIZE + 4096, seed = 2 } }
    local result, err, index = oracle.get(url, versions)
    assert.is_nil(err)
    assert.equal(2, index)
    assert.equal(SIZE + 4096, result.size)
  end)

  it("H7: another total again and again is an error", function()
    check_fails("remote_changed", "/h7/always", function(connection, request, parameters)
      local size = parameters.size + (request.range.first > 0 and 4096 or 0)
      return connection:file(request, { size = size, rate = parameters.rate })
    end)
  end)

  -- H8

  it("H8: a range without a total counts when the total is known", function()
    check_right("/h8/known", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last
      if not last then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/*"):format(first, last) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      return connection:body(first, last, parameters)
    end)
    assert.is_true(#later("/h8/known") >= 2)
  end)

  it("H8: a first answer without a total is asked for again without a range", function()
    check_right("/h8/first", function(connection, request, parameters)
      if not request.range then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Range", ("bytes 0-%d/*"):format(parameters.size - 1) },
        { "Content-Length", ("%d"):format(parameters.size) },
      })
      return connection:body(0, parameters.size - 1, parameters)
    end)
  end)

  it("H8: a 206 with no range but a total is not written", function()
    check_right("/h8/star", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last
      if not last then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Range", ("bytes */%d"):format(parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      return connection:body(0, last - first, { seed = 2 })
    end)
    assert.truthy(later("/h8/star")[1])
  end)

  -- H9

  for name, pattern in pairs({
    equals = "bytes=%d-%d/%d",
    ["no-unit"] = "%d-%d/%d",
    spaces = "bytes   %d - %d / %d",
    ["upper-case"] = "BYTES %d-%d/%d",
    colon = "bytes: %d-%d/%d",
  }) do
    it("H9: forgives '" .. pattern .. "'", function()
      local path = "/h9/" .. name
      check_right(path, function(connection, request, parameters)
        local first, last = request.range.first, request.range.last or parameters.size - 1
        connection:status(206, {
          { "Content-Range", parameters.pattern:format(first, last, parameters.size) },
          { "Content-Length", ("%d"):format(last - first + 1) },
        })
        return connection:body(first, last, parameters)
      end, { pattern = pattern })
      assert.is_true(#later(path) >= 1)
    end)
  end

  for name, value in pairs({
    overflow = "bytes 18446744073709551616-18446744073709551625/18446744073709551626",
    wrapped = "bytes 18446744073710600192-18446744073711648767/3145728",
    reversed = "bytes 2097151-1048576/3145728",
    ["past-the-end"] = "bytes 1048576-3145728/3145728",
    negative = "bytes -1-1048575/3145728",
    hexadecimal = "bytes 0x100000-0x1fffff/0x300000",
    words = "bytes all",
    empty = "",
    other = "items 1048576-2097151/3145728",
    two = "bytes 1048576-2097151/3145728, bytes 0-9/3145728",
  }) do
    it("H9: never writes a range that says '" .. value .. "'", function()
      local path = "/h9/bad/" .. name
      check_right(path, function(connection, request, parameters)
        local first, last = request.range.first, request.range.last
        if not last then return connection:file(request, parameters) end
        connection:status(206, {
          { "Content-Range", parameters.value },
          { "Content-Length", ("%d"):format(last - first + 1) },
        })
        return connection:body(first, last, { seed = 2 })
      end, { value = value })
      assert.truthy(later(path)[1])
    end)
  end

  -- H10

  it("H10: several parts in one answer are not written", function()
    check_right("/h10", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last
      if not last then return connection:file(request, parameters) end
      local part = ("--x\r\nContent-Range: bytes %d-%d/%d\r\n\r\n"):format(first, last,
        parameters.size)
      connection:status(206, {
        { "Content-Type", "multipart/byteranges; boundary=x" },
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      connection:send(part)
      return connection:body(first, last - #part, parameters)
    end)
    assert.truthy(later("/h10")[1])
  end)

  it("H10: several parts as the first answer: asked again without a range", function()
    check_right("/h10/first", function(connection, request, parameters)
      if not request.range then return connection:file(request, parameters) end
      connection:status(206, {
        { "Content-Type", "multipart/byteranges; boundary=x" },
        { "Content-Length", 12 },
      })
      return connection:send("--x\r\n\r\n--x--")
    end)
  end)

  -- H11 to H14

  it("H11: the body of a 416 is never written", function()
    check_right("/h11", function(connection, request, parameters)
      if request.range.first == 0 then return connection:file(request, parameters) end
      return connection:reply(416, {
        { "Content-Range", ("bytes */%d"):format(parameters.size) },
      }, ("wrong "):rep(1000))
    end)
    assert.truthy(later("/h11")[1])
  end)

  it("H12: 416 with another total is another file: begun anew once", function()
    local url = origin:serve("/h12/once", function(connection, request, parameters, state)
      if request.range.first > 0 then state.changed = true end
      return connection:file(request, { seed = state.changed and 2 or 1, rate = parameters.rate,
        size = state.changed and parameters.small or parameters.size })
    end, { size = SIZE, rate = RATE, small = MIB })
    local _, err, index = oracle.get(url, { { size = SIZE }, { size = MIB, seed = 2 } })
    assert.is_nil(err)
    assert.equal(2, index)
  end)

  it("H12: 416 with another total again and again is an error", function()
    check_fails("remote_changed", "/h12/always", function(connection, request, parameters)
      if request.range.first == 0 then return connection:file(request, parameters) end
      return connection:reply(416, { { "Content-Range", "bytes */1000" } }, "")
    end)
  end)

  it("H13: 416 without Content-Range costs at most the ranges", function()
    check_right("/h13", function(connection, request, parameters)
      if request.range.first == 0 then return connection:file(request, parameters) end
      return connection:reply(416, {}, "no")
    end)
    assert.truthy(later("/h13")[1])
  end)

  it("H13: 416 without Content-Range to the first request: asked again without a range", function()
    check_right("/h13/first", function(connection, request, parameters)
      if request.range then return connection:reply(416, {}, "no") end
      connection:status(200, { { "Content-Length", ("%d"):format(parameters.size) } })
      return connection:body(0, parameters.size - 1)
    end)
  end)

  it("H14: 416 to the first request of an empty file is an empty file", function()
    check_right("/h14", nil, { size = 0 })
    local requests = origin:requests("/h14")
    assert.equal(2, #requests)
    assert.equal(416, requests[1].status)
    assert.is_nil(requests[2].head:find("Range:", 1, true))
  end)

  it("H14: 416 whatever is asked is an error", function()
    local err = check_fails("http_status", "/h14/always", function(connection)
      return connection:reply(416, {}, "")
    end)
    assert.equal(416, err.status)
  end)

  -- H15 to H17

  it("H15: without Accept-Ranges, ranges are tried", function()
    check_right("/h15/absent", function(connection, request, parameters)
      local first, last = request.range.first, request.range.last or parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      return connection:body(first, last, parameters)
    end)
    assert.is_true(#later("/h15/absent") >= 2)
  end)

  it("H15: with Accept-Ranges: none, one request is made", function()
    check_right("/h15/none", function(connection, _, parameters)
      connection:status(200, {
        { "Accept-Ranges", "none" },
        { "Content-Length", ("%d"):format(parameters.size) },
      })
      return connection:body(0, parameters.size - 1, parameters)
    end)
    assert.equal(1, #origin:requests("/h15/none"))
  end)

  it("H16: HEAD is never sent", function()
    check_right("/h16", function(connection, request, parameters)
      if request.method ~= "GET" then error("asked with " .. request.method) end
      return connection:file(request, parameters)
    end)
    for _, request in ipairs(origin:requests("/h16")) do
      assert.equal("GET", request.method)
    end
  end)

  for _, status in ipairs({ 401, 403, 404, 410 }) do
    it("H17: a URL that works once, then " .. status .. ": finished on the first stream", function()
      local path = "/h17/" .. status
      check_right(path, function(connection, request, parameters, state)
        if state.used then return connection:reply(parameters.status, {}, "used") end
        state.used = true
        return connection:file(request, parameters)
      end, { status = status })
      assert.truthy(later(path)[1])
    end)
  end

  it("H17: a URL that works once without ranges is one request's work", function()
    check_right("/h17/whole", function(connection, _, parameters, state)
      if state.used then return connection:reply(403, {}, "used") end
      state.used = true
      connection:status(200, { { "Content-Length", ("%d"):format(parameters.size) } })
      return connection:body(0, parameters.size - 1, parameters)
    end)
  end)

  -- H19

  it("H19: a stream that comes late for a taken part writes nothing wrong", function()
    check_right("/h19/stolen", function(connection, request, parameters, state)
      local first, last = request.range.first, request.range.last or parameters.size - 1
      if first > 0 and not state.slow then
        state.slow = true
        connection:sleep(0.4) -- the first stream runs into its part meanwhile
      end
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      return connection:body(first, last, parameters)
    end, { rate = 6 * MIB })
  end)

  it("H19: a part that is taken over whole ends where both agree", function()
    check_right("/h19/stalled", function(connection, request, parameters, state)
      local first, last = request.range.first, request.range.last or parameters.size - 1
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", ("%d"):format(last - first + 1) },
      })
      if first == 0 or state.stalled then return connection:body(first, last, parameters) end
      state.stalled = true
      connection:body(first, first + 199999)
      connection:sleep(1.6)
      return connection:body(first + 200000, last)
    end, { rate = 4 * MIB, size = 4 * MIB })
  end)
end)

describe("a size", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  for _, size in ipairs({
    0, 1, 2, 4095, 4096, 65535, 65536, 65537, MIB - 1, MIB, MIB + 1,
    2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1,
  }) do
    it(("F25: of %d bytes comes whole"):format(size), function()
      local path = ("/size/%d"):format(size)
      local result, err = oracle.get(origin:serve(path, { size = size }), { size = size })
      assert.is_nil(err)
      assert.is_true(result.length_verified)
    end)
  end

  it("F24: of 0 bytes is one request where ranges aren't served", function()
    local url = origin:serve("/empty", { size = 0, ranges = false })
    local result, err = oracle.get(url, { size = 0 })
    assert.is_nil(err)
    assert.is_true(result.length_verified)
    assert.equal(1, #origin:requests("/empty"))
  end)

  it("F25: asks for the last byte by its own number", function()
    local size = 3 * MIB + 1
    local url = origin:serve("/last", { size = size, rate = RATE })
    assert(oracle.get(url, { size = size }))
    local greatest = 0
    for _, request in ipairs(origin:requests("/last")) do
      greatest = math.max(greatest, tonumber(request.head:match("bytes=%d+%-(%d+)")) or 0)
    end
    assert.equal(size - 1, greatest)
  end)

  local function check_broken_once(path, tell_first, tell_later)
    local url = origin:serve(path, function(connection, _, parameters, state)
      local headers = { { "ETag", '"a"' }, { "Accept-Ranges", "none" }, "Connection: close" }
      if parameters[state.broken and "later" or "first"] then
        headers[#headers + 1] = { "Content-Length", ("%d"):format(parameters.size) }
      end
      connection:status(200, headers)
      connection:body(0, state.broken and parameters.size - 1 or 99999)
      if state.broken then return connection:close() end
      state.broken = true
      connection:sleep(0.05)
      return connection:reset()
    end, { size = 300000, first = tell_first, later = tell_later })
    local result, err = oracle.get(url, { size = 300000 })
    assert.is_nil(err)
    return result
  end

  it("F25: that the second answer tells alone is that of the file", function()
    assert.is_true(check_broken_once("/told/later", false, true).length_verified)
  end)

  it("F25: that the first answer told alone is that of the file", function()
    assert.is_true(check_broken_once("/told/first", true, false).length_verified)
  end)

  it("F25: that no answer told is unverified", function()
    assert.is_false(check_broken_once("/told/never", false, false).length_verified)
  end)

  for _, size in ipairs({ 0, 1, 65536, 300001 }) do
    it(("that chunks hide, %d bytes, comes whole and verified"):format(size), function()
      local url = origin:serve("/chunked", function(connection, _, parameters)
        connection:status(200, { { "Transfer-Encoding", "chunked" } })
        for first = 0, parameters.size - 1, 50000 do
          connection:chunk(connection:bytes(first, math.min(first + 49999, parameters.size - 1)))
        end
        return connection:last_chunk()
      end, { size = size })
      local result, err = oracle.get(url, { size = size })
      assert.is_nil(err)
      assert.is_true(result.length_verified)
    end)

    it(("that only the close ends, %d bytes, comes whole and unverified"):format(size), function()
      local url = origin:serve("/close", function(connection, _, parameters)
        connection:status(200, { "Connection: close" })
        connection:body(0, parameters.size - 1)
        return connection:close()
      end, { size = size })
      local result, err = oracle.get(url, { size = size })
      assert.is_nil(err)
      assert.is_false(result.length_verified)
    end)
  end
end)
