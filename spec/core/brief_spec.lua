--- Downloads of a batch that need no decision: their end is one event each, and they are whole ones
--- for everybody who wants something of them.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local luadl = require("luadl")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 4096
local DATE = "Wed, 21 Oct 2015 07:28:00 GMT"

local origin, folder, session

local function named_by_server(connection, request, parameters)
  parameters.headers = { { "Content-Disposition", 'attachment; filename="told.bin"' } }
  return connection:file(request, parameters)
end

local function missing(connection)
  return connection:reply(404, {}, "")
end

local function busy_once(connection, request, parameters, state)
  state.asked = (state.asked or 0) + 1
  if state.asked == 1 then return connection:reply(503, { { "Retry-After", "0" } }, "") end
  return connection:file(request, parameters)
end

-- Whoever asks first is answered last.
local function late_once(connection, request, parameters, state)
  state.asked = (state.asked or 0) + 1
  if state.asked == 1 then
    while state.asked < parameters.requests do connection:sleep(0.005) end
    connection:sleep(0.1)
  end
  return connection:file(request, parameters)
end

-- How often the engine began one: as a brief download, and as a whole one.
local function count_calls(engine)
  local counts = { like = 0, new = 0 }
  return setmetatable({}, {
    __index = function(_, call)
      return function(_, ...)
        if counts[call] then counts[call] = counts[call] + 1 end
        return engine[call](engine, ...)
      end
    end,
  }), counts
end

describe("a download of a batch that needs no decision", function()
  local counts

  local function open(opts)
    opts.dir, opts.retry = folder, opts.retry or oracle.quick()
    session = assert(luadl.session(opts))
    session.engine, counts = count_calls(session.engine)
  end

  local function run(list, opts)
    local batch = session:batch(opts)
    local items = {}
    for index, each in ipairs(list) do items[index] = batch:add(each) end
    return batch:run(), items
  end

  local function serve(path, behaviour)
    local parameters = { size = SIZE, seed = 3, etag = '"1"' }
    if not behaviour then return origin:serve(path, parameters) end
    return origin:serve(path, behaviour, parameters)
  end

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(function()
    session:close()
    helper.finish()
  end)

  it("is begun from the model that all of them share", function()
    open({})
    local summary, items = run({ { url = serve("/a") }, { url = serve("/b") } })
    assert.equal(2, summary.done)
    assert.same({ like = 2, new = 0 }, counts)
    assert.equal(folder .. "/b", items[2].result.path)
    assert.equal(server.sha256(3, SIZE), helper.sha256(folder .. "/b"))
  end)

  it("has the result that a whole one has", function()
    open({})
    local url = serve("/same")
    local _, items = run({ { url = url } })
    local other = assert(session:get({ url = url }))
    assert.equal(1, counts.like)
    local brief = items[1].result
    other.path, other.elapsed = brief.path, brief.elapsed
    assert.same(other, brief)
  end)

  it("has the name that the server says", function()
    open({})
    local _, items = run({ { url = serve("/script", named_by_server) } })
    assert.equal(folder .. "/told.bin", items[1].result.path)
    assert.same({ like = 1, new = 0 }, counts)
    assert.is_false(helper.exists(folder .. "/script.part"))
  end)

  it("gets another name where its own is taken", function()
    open({})
    helper.write(folder .. "/taken", "mine")
    local _, items = run({ { url = serve("/taken") } })
    assert.equal(folder .. "/taken (1)", items[1].result.path)
    assert.equal("mine", helper.read(folder .. "/taken"))
  end)

  it("is one download however often the batch has it", function()
    open({})
    local url = serve("/twice")
    local summary = run({ { url = url }, { url = url } }, { jobs = 1 })
    assert.same({ 1, 1 }, { summary.done, summary.skipped })
  end)

  it("is one download whoever of them is answered first", function()
    open({})
    local url = origin:serve("/raced", late_once, { size = SIZE, seed = 3, requests = 3 })
    local summary = run({ { url = url }, { url = url }, { url = url } }, { jobs = 3 })
    assert.same({ 1, 2 }, { summary.done, summary.skipped })
    assert.is_false(helper.exists(folder .. "/raced (1)"))
  end)

  it("says what would leave out a file that is there already", function()
    open({})
    local dated = { size = SIZE, headers = { { "Last-Modified", DATE } } }
    local url = origin:serve("/again", dated)
    run({ { url = url } })
    local _, items = run({ { url = url } })
    assert.equal(folder .. "/again (1)", items[1].result.path)
    assert.matches("/again is there with the same size and date", items[1].result.warnings[1])
    assert.same({ like = 2, new = 0 }, counts)
  end)

  it("replaces what was there, and no file of its batch", function()
    open({ exists = "replace" })
    helper.write(folder .. "/name", "old")
    local other = origin:serve("/other/name", { size = SIZE, seed = 4 })
    local summary = run({ { url = serve("/name") }, { url = other } }, { jobs = 1 })
    assert.equal(2, summary.done)
    assert.equal(server.sha256(3, SIZE), helper.sha256(folder .. "/name"))
    assert.equal(server.sha256(4, SIZE), helper.sha256(folder .. "/name (1)"))
  end)

  it("fails as a whole one does", function()
    open({})
    local summary, items = run({ { url = serve("/none", missing) } })
    assert.equal(1, summary.failed)
    assert.same({ "http_status", 404 }, { items[1].error.kind, items[1].error.status })
    assert.is_nil(items[1].error.path)
  end)

  it("names the file that can't be written", function()
    open({})
    assert(lfs.link("nowhere", folder .. "/linked.part", true))
    local _, items = run({ { url = serve("/linked") } })
    os.remove(folder .. "/linked.part")
    assert.same({ "not_regular", folder .. "/linked" }, {
      items[1].error.kind, items[1].error.path,
    })
  end)

  it("is tried again, and its observer is told", function()
    open({})
    local told = {}
    local url = serve("/busy", busy_once)
    local summary = run({ { url = url, on_retry = function(fault) told[#told + 1] = fault end } })
    assert.equal(1, summary.done)
    assert.same({ 503, url }, { told[1].error.status, told[1].url })
    assert.same({ like = 1, new = 0 }, counts)
  end)

  it("is a whole one for who cancels it", function()
    open({})
    local url = origin:serve("/slow", server.hanging, { size = SIZE })
    local seen
    local summary, items = run({ { url = url } }, {
      on_item = function(item, event)
        if event ~= "started" then return end
        seen = item.download:stats()
        item.download:cancel("enough")
      end,
    })
    assert.equal(1, summary.failed)
    assert.equal("enough", items[1].error.message)
    assert.equal(folder .. "/slow", seen.path)
    assert.equal(1, counts.like)
  end)

  it("ends with its session", function()
    open({})
    local url = origin:serve("/held", server.hanging, { size = SIZE })
    local download
    local batch = session:batch({
      on_item = function(item) download = download or item.download end,
    })
    batch:add({ url = url })
    session.loop:spawn("batch", function() batch:run() end)
    while not download do session:step(0.05) end
    session:close()
    assert.equal("closed", select(2, download:wait()).kind)
  end)

  it("isn't one where somebody decides, or a file has wishes of its own", function()
    open({ policies = { { on_done = function() end } } })
    run({ { url = serve("/observed") } })
    assert.same({ like = 0, new = 1 }, counts)
    session:close()
    open({})
    run({ { url = serve("/own"), output = "other" }, { url = serve("/query") .. "?x=1" } })
    assert.same({ like = 0, new = 2 }, counts)
    session:use({ accept = function() end })
    run({ { url = serve("/late") } })
    assert.same({ like = 0, new = 3 }, counts)
  end)
end)
