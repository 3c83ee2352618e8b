--- Reading in order on the real engine: whatever happens, the bytes come once and in their order.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local core = require("luadl.core")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 3000000
local SEED = 8
local BREAK = 1000003 -- where answers are broken off
local LARGE = 60000000 -- more than sockets hold
local LOCATIONS = [[
location /whole/ { max_ranges 0; alias %s/; }
location /impatient/ { send_timeout 1s; reset_timedout_connection on; alias %s/; }
]]
local ANSWER = 0.25 -- seconds until a cancel is answered

local origin, web, root, session, whole

local function serve(path, behaviour, parameters)
  local given = merged({ size = SIZE, seed = SEED, etag = '"a"', at = BREAK }, parameters)
  return origin:serve(path, behaviour, given)
end

local function open(url, opts)
  return (session:stream(url, opts))
end

-- All of it, or nil, the error, and what came before.
local function collect(stream, most)
  local list, err = {}, nil
  local function next_bytes()
    local bytes
    bytes, err = stream:read(most)
    return bytes
  end
  for bytes in next_bytes do list[#list + 1] = bytes end
  return not err and table.concat(list) or nil, err, table.concat(list)
end

local function check_whole(stream, most)
  local bytes, err = collect(stream, most)
  assert.is_nil(err)
  assert.is_true(bytes == whole, "other bytes")
  local result = assert(stream:result())
  assert.equal(SIZE, result.size)
  return result
end

local function check_failed(kind, stream)
  local bytes, err, before = collect(stream)
  assert.is_true(bytes == nil, "it was brought")
  assert.equal(kind, err.kind, tostring(err))
  assert.is_true(before == whole:sub(1, #before), "other bytes before the failure")
  return before, err
end

local function chunked(connection, _, parameters)
  connection:status(200, { { "Transfer-Encoding", "chunked" } })
  for first = 0, parameters.size - 1, 100000 do
    connection:chunk(connection:bytes(first, math.min(first + 100000, parameters.size) - 1))
  end
  connection:last_chunk()
end

-- Each answer is broken off once it has come to `at` of the file; then it isn't.
local function broken_once(connection, request, parameters, state)
  local range = request.range or { first = 0 }
  local last = math.min(range.last or parameters.size - 1, parameters.size - 1)
  if state.broken or range.first > parameters.at or last < parameters.at then
    return connection:file(request, parameters)
  end
  state.broken = true
  local cut = setmetatable({ cut = parameters.at - range.first }, { __index = parameters })
  return connection:file(request, cut)
end

-- Broken off, and then another version.
local function changing(connection, request, parameters, state)
  state.count = (state.count or 0) + 1
  if state.count > 1 then
    parameters.etag, parameters.seed = '"b"', 99
    return connection:file(request, parameters)
  end
  return connection:file(request, setmetatable({ cut = parameters.at }, { __index = parameters }))
end

-- Broken off, and then its link has run out.
local function expiring(connection, request, parameters, state)
  state.count = (state.count or 0) + 1
  local old = request.target:find("?old", 1, true)
  if old and state.count > 1 then return connection:reply(403, {}, "") end
  local cut = old and parameters.at or nil
  return connection:file(request, setmetatable({ cut = cut }, { __index = parameters }))
end

local function refusing(connection)
  return connection:reply(404, {}, "")
end

local function holding(connection, _, parameters)
  connection:status(200, { { "Content-Length", parameters.size } })
  connection:body(0, 999)
  return connection:hold()
end

local function sent(path)
  local sum = 0
  for _, request in ipairs(origin:requests(path)) do sum = sum + request.sent end
  return sum
end

describe("a stream", function()
  setup(function()
    origin = server.start()
    root = helper.make_folder()
    whole = server.content(SEED, 0, SIZE - 1)
    helper.write(root .. "/file", whole)
    helper.write(root .. "/empty", "")
    assert(helper.run({ "truncate", "-s", LARGE, root .. "/large" }).status == 0)
    web = nginx.start({ root = root, config = LOCATIONS:format(root, root) })
  end)
  teardown(function()
    origin:stop()
    web:stop()
    helper.remove_folder(root)
  end)
  before_each(function()
    helper.begin()
    session = assert(luadl.session({
      connections = 4, min_split = 65536, retry = oracle.quick(),
    }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  it("brings all bytes in order over several connections", function()
    local url = serve("/several", nil, { rate = 1500000 })
    local result = check_whole(open(url, { ahead = "1M" }))
    assert.is_true(result.length_verified)
    local connections, count = {}, 0
    for _, request in ipairs(origin:requests("/several")) do
      if not connections[request.connection] then count = count + 1 end
      connections[request.connection] = true
    end
    assert.is_true(count >= 4)
    assert.is_true(#origin:requests("/several") > 4) -- pieces
  end)

  it("is an iterator, with the error at its end", function()
    local list = {}
    for block, err in session:stream(web.url .. "/file") do list[#list + 1] = assert(block, err) end
    assert.is_true(table.concat(list) == whole)
    local told = {}
    for block, err in session:stream(serve("/refused", refusing)) do
      told[#told + 1] = { block, err.kind }
    end
    assert.same({ { false, "http_status" } }, told)
  end)

  it("gives as much as is asked for at most", function()
    local stream = open(web.url .. "/file")
    local bytes = assert(stream:read(10))
    assert.is_true(#bytes >= 1 and #bytes <= 10)
    assert.error_matches(function() stream:read(0) end, "above 0")
    stream:close()
  end)

  for _, size in ipairs({ 1, 7, 4096 }) do
    it("goes through a window of " .. size .. " bytes", function()
      local url = origin:serve("/narrow" .. size, { size = 3000 * size, seed = 2, etag = '"a"' })
      local bytes = assert(collect(open(url, { ahead = size })))
      assert.is_true(bytes == server.content(2, 0, 3000 * size - 1))
    end)
  end

  it("of an empty file ends at once", function()
    local stream = open(web.url .. "/empty")
    assert.equal("", collect(stream))
    assert.equal(0, stream:result().size)
  end)

  it("brings a part", function()
    local bytes = assert(collect(open(web.url .. "/file", { range = { 500000, 1999999 } })))
    assert.is_true(bytes == whole:sub(500001, 2000000))
  end)

  it("comes from a server without ranges", function()
    check_whole(open(web.url .. "/whole/file", { ahead = "100K" }))
  end)

  it("comes without a length, and says so", function()
    local result = check_whole(open(serve("/chunked", chunked), { ahead = "100K" }))
    assert.equal(SIZE, result.size)
  end)

  it("comes from this machine, too", function()
    check_whole(open("file://" .. root .. "/file", { ahead = "10K" }))
  end)

  it("is larger than it may be", function()
    check_failed("too_large", open(serve("/large", chunked), { max_size = 1500000 }))
  end)

  it("tells the head before the bytes", function()
    local stream = open(serve("/head"))
    local head = assert(stream:head())
    assert.equal(SIZE, head.total)
    assert.equal('"a"', head.etag)
    check_whole(stream)
  end)

  describe("that is broken off", function()
    it("goes on where it was, with ranges", function()
      local faults = 0
      local url = serve("/broken", broken_once)
      check_whole(open(url, { on_retry = function() faults = faults + 1 end }))
      assert.equal(1, faults)
    end)

    it("goes on without ranges where an ETag shows that it is the same", function()
      local url = serve("/broken-whole", broken_once, { ranges = false })
      check_whole(open(url, { ahead = "100K" }))
      assert.equal(2, #origin:requests("/broken-whole"))
    end)

    it("fails without ranges where nothing shows that it is the same", function()
      local url = serve("/broken-blind", broken_once, { ranges = false, etag = 'W/"a"' })
      local before = check_failed("remote_changed", open(url))
      assert.equal(BREAK, #before)
    end)

    it("begins anew where nothing was handed out yet", function()
      local url = serve("/broken-early", broken_once, { ranges = false, etag = 'W/"a"', at = 0 })
      check_whole(open(url))
    end)

    it("fails when the tries are spent, with what came before", function()
      local url = serve("/spent", function(connection, request, parameters)
        if request.range and request.range.first > 0 then return connection:reply(503, {}, "") end
        connection:status(206, {
          { "Content-Length", parameters.size },
          { "Content-Range", ("bytes 0-%d/%d"):format(parameters.size - 1, parameters.size) },
        })
        connection:body(0, parameters.at - 1)
        return connection:close()
      end)
      check_failed("http_status", open(url))
    end)
  end)

  it("fails when the file changes: nothing is taken back", function()
    local stream = open(serve("/changing", changing), { ahead = "300K", connections = 1 })
    local before, err = check_failed("remote_changed", stream)
    assert.is_true(#before > 0)
    assert.is_nil(stream:result())
    assert.equal("remote_changed", err.kind)
  end)

  it("fails where a policy wants what was handed out to begin anew", function()
    local url = serve("/anew", broken_once)
    local stream = open(url, {
      ahead = "100K", connections = 1, retry = function() return 0, { restart = true } end,
    })
    check_failed("short_body", stream)
  end)

  it("has a checksum that is compared at its end", function()
    local url, sum = serve("/sum"), server.sha256(SEED, SIZE)
    assert.is_true(check_whole(open(url, { checksum = "sha256:" .. sum })).verified)
    local wrong = sum:gsub("^.", function(digit) return digit == "0" and "1" or "0" end)
    local before = check_failed("checksum", open(url, { checksum = "sha256:" .. wrong }))
    assert.equal(SIZE, #before)
  end)

  it("waits for its reader, and takes that for nobody's fault", function()
    local faults = 0
    local stream = open(serve("/slow"), {
      ahead = "200K", stall_timeout = 0.3, on_retry = function() faults = faults + 1 end,
    })
    assert(stream:read(1000))
    luadl.sleep(1)
    local most = 200 * 1024 + 4 * 4 * 2 ^ 20 -- what the connections hold
    assert.is_true(sent("/slow") <= most)
    assert.is_true(stream:stats().received <= 201 * 1024)
    local bytes = assert(collect(stream))
    assert.equal(SIZE - 1000, #bytes)
    assert.equal(0, faults)
  end)

  it("goes on where a server has lost its patience with the reader", function()
    local faults, read = 0, 0
    local stream = open(web.url .. "/impatient/large", {
      ahead = "100K", retry = 0, on_retry = function() faults = faults + 1 end,
    })
    assert(stream:read(1000))
    luadl.sleep(1.6)
    for bytes in function() return stream:read() end do read = read + #bytes end
    assert.is_nil(select(2, stream:result()))
    assert.equal(LARGE - 1000, read)
    assert.equal(0, faults)
    assert.is_true(select(2, web:log():gsub("/impatient/", "")) > 4)
  end)

  it("keeps no more than `ahead` for the reader", function()
    local stream = open(serve("/window"), { ahead = 300000 })
    local read = 0
    while true do
      local bytes = stream:read(50000)
      if not bytes then break end
      read = read + #bytes
      luadl.sleep(0.002)
      assert.is_true(stream:stats().received <= read + 300000)
    end
    assert.equal(SIZE, read)
  end)

  it("is read by tasks that run side by side", function()
    local url = serve("/tasks", nil, { rate = 4000000 })
    local group = luadl.group(luadl.context.background())
    local right = 0
    for _ = 1, 3 do
      group:go(function()
        check_whole(open(url, { ahead = "500K" }))
        right = right + 1
        return true
      end)
    end
    assert(group:wait())
    assert.equal(3, right)
  end)

  it("ends by a cancel, in time", function()
    local stream = open(serve("/held", holding))
    assert(stream:read(1000))
    session.loop:after(0.05, function() stream:close() end)
    local began = core.now()
    local bytes, err = stream:read()
    assert.is_nil(bytes)
    assert.equal("cancelled", err.kind)
    assert.is_true(core.now() - began < 0.05 + ANSWER)
  end)

  it("ends with its context", function()
    local ctx = luadl.context.background():with_timeout(0.1)
    local stream = open(serve("/deadline", holding), { context = ctx })
    assert(stream:read(1000))
    local bytes, err = stream:read()
    assert.is_nil(bytes)
    assert.equal("deadline", err.kind)
  end)

  it("ends when its iteration is left", function()
    local download
    for block in session:stream(serve("/left", holding)) do
      assert.equal(1000, #block)
      download = select(2, next(session.downloads))
      if download then break end
    end
    download:wait(1)
    assert.equal("cancelled", download.error.kind)
  end)

  it("ends when nobody has it any more, and no program waits for it", function()
    local download
    luadl.run(function()
      local stream = open(serve("/dropped", holding))
      assert(stream:read())
      download = stream.download
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil((download:wait(1)))
    assert.equal("cancelled", download.error.kind)
  end)

  it("ends with its session", function()
    local other = assert(luadl.session())
    local stream = (other:stream(serve("/closed", holding)))
    assert(stream:read())
    other:close()
    assert.equal("closed", select(2, stream:read()).kind)
  end)

  it("has no file: options of files are refused", function()
    for _, name in ipairs({ "output", "dir", "exists", "name" }) do
      assert.error_matches(function()
        session:stream("http://127.0.0.1/", { [name] = "fail" })
      end, ("option '%s' is of files"):format(name))
    end
    session:use({ verify = function() return true end })
    local _, err = collect(open(web.url .. "/file"))
    assert.equal("usage", err.kind)
  end)

  it("is refused, renewed and looked at by the policies as a file is", function()
    local steps = {}
    local url = serve("/policies", expiring)
    check_whole(open(url .. "?old", {
      ahead = "200K", connections = 1, renew = function() return url .. "?new" end,
      on_trace = function(event) steps[event.step] = true end,
    }))
    for _, name in ipairs({ "start", "fault", "renew", "done" }) do
      assert.is_true(steps[name], name)
    end
    local _, err = collect(open(url, { accept = function() return "not this one" end }))
    assert.equal("not this one", err.message)
  end)
end)
