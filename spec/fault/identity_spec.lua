-- Identity (faults H20, H22 to H27, H30): a file's bytes are all of one version, or there is none.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local MIB = 2 ^ 20
local SIZE = 3 * MIB
local RATE = 16 * MIB
local OLD, NEW = { size = SIZE, seed = 1 }, { size = SIZE, seed = 2 }
local MONDAY, TUESDAY = "Mon, 06 May 2024 10:00:00 GMT", "Tue, 07 May 2024 10:00:00 GMT"

-- Old until a range past 0 is asked for, then new.
local function changes_once(connection, request, parameters, state)
  if request.range and request.range.first > 0 then state.changed = true end
  return connection:file(request, state.changed and parameters.new or parameters.old)
end

-- Old from byte 0, new elsewhere, for ever.
local function changes_always(connection, request, parameters)
  local first = request.range and request.range.first or 0
  return connection:file(request, first > 0 and parameters.new or parameters.old)
end

-- Old to the first request, another version to each later one.
local function changes_each_time(connection, request, parameters, state)
  state.version = (state.version or 0) + 1
  local version = { seed = state.version, etag = ('"%d"'):format(state.version) }
  return connection:file(request, require("spec.support.merged")(parameters, version))
end

describe("the identity", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function later(path)
    local count = 0
    for _, request in ipairs(origin:requests(path)) do
      local first = request.head:match("Range: bytes=(%d+)")
      if first and first ~= "0" then count = count + 1 end
    end
    return count
  end

  local function with(fields, more)
    return merged({ rate = RATE, size = SIZE }, fields, more)
  end

  local function check_new(path, old, new)
    local url = origin:serve(path, changes_once, { old = with(OLD, old), new = with(NEW, new) })
    local versions = { OLD, { size = new.size or SIZE, seed = 2 } }
    local _, err, index = oracle.get(url, versions)
    assert.is_nil(err)
    assert.equal(2, index)
  end

  local function check_refused(path, old, new)
    local url = origin:serve(path, changes_always, { old = with(OLD, old), new = with(NEW, new) })
    local result, err = oracle.get(url, OLD)
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind, tostring(err))
  end

  local function check_right(path, behaviour, parameters)
    if type(behaviour) == "table" then behaviour, parameters = nil, behaviour end
    local url = origin:serve(path, behaviour, with(parameters))
    local result, err = oracle.get(url, OLD)
    assert.is_nil(err)
    return result
  end

  -- H20

  local changes = {
    ["the ETag"] = { { etag = '"a"' }, { etag = '"b"' } },
    ["the ETag, under one date"] = {
      { etag = '"a"', last_modified = MONDAY }, { etag = '"b"', last_modified = MONDAY },
    },
    ["Last-Modified"] = { { last_modified = MONDAY }, { last_modified = TUESDAY } },
    ["the total"] = { { etag = '"a"' }, { etag = '"a"', size = SIZE - 1 } },
    ["the ETag and Last-Modified"] = {
      { etag = '"a"', last_modified = MONDAY }, { etag = '"b"', last_modified = TUESDAY },
    },
    ["Last-Modified under one weak ETag"] = {
      { etag = 'W/"a"', last_modified = MONDAY }, { etag = 'W/"a"', last_modified = TUESDAY },
    },
    ["the ETag, to none"] = { { etag = '"a"' }, {} },
  }

  for what, versions in pairs(changes) do
    local path = "/h20/" .. what:gsub("%W", "-")

    it("H20: another version, seen by " .. what .. ": begun anew, all of the new", function()
      check_new(path .. "/once", versions[1], versions[2])
    end)

    it("H20: two versions at once, seen by " .. what .. ": an error", function()
      check_refused(path .. "/always", versions[1], versions[2])
    end)
  end

  it("H20: another version each time is an error after one new beginning", function()
    local url = origin:serve("/h20/each", changes_each_time, with({}))
    local result, err = oracle.get(url, OLD)
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    local beginnings = 0
    for _, request in ipairs(origin:requests("/h20/each")) do
      if request.head:find("Range: bytes=0-\r\n", 1, true) then beginnings = beginnings + 1 end
    end
    assert.equal(2, beginnings)
  end)

  it("H20: a whole of another version to a later range is never joined", function()
    local url = origin:serve("/h20/whole", function(connection, request, parameters, state)
      if request.range.first > 0 then state.changed = true end
      if not state.changed then return connection:file(request, parameters.old) end
      parameters.new.ranges = false
      return connection:file(request, parameters.new)
    end, { old = with(OLD, { etag = '"a"' }), new = with(NEW, { etag = '"b"' }) })
    local _, err, index = oracle.get(url, { OLD, NEW })
    assert.is_nil(err)
    assert.equal(2, index)
  end)

  it("H20: a broken single stream never goes on with another version", function()
    local url = origin:serve("/h20/single", function(connection, _, parameters, state)
      local seed = state.broken and 2 or 1
      connection:status(200, {
        { "Accept-Ranges", "none" },
        { "ETag", ('"%d"'):format(seed) },
        { "Content-Length", ("%d"):format(parameters.size) },
      })
      if state.broken then return connection:body(0, parameters.size - 1, { seed = seed }) end
      state.broken = true
      connection:body(0, 999999, { seed = seed })
      return connection:close()
    end, { size = SIZE })
    local _, err, index = oracle.get(url, { OLD, NEW })
    assert.is_nil(err)
    assert.equal(2, index)
  end)

  it("H20: a shorter version on a new beginning leaves nothing of the longer one", function()
    check_new("/h20/shorter", { etag = '"a"' }, { etag = '"b"', size = MIB + 1 })
  end)

  it("H20: a file that is empty after the change is empty", function()
    check_new("/h20/empty", { etag = '"a"' }, { etag = '"b"', size = 0 })
  end)

  -- H22 to H25

  it("H22: a part with other validators is not the file, whatever was asked", function()
    check_refused("/h22", { etag = '"a"', last_modified = MONDAY },
      { etag = '"b"', last_modified = TUESDAY })
  end)

  it("H23: a weak ETag that stays is no change", function()
    check_right("/h23/same", { etag = 'W/"a"', last_modified = MONDAY })
    assert.is_true(later("/h23/same") > 0)
  end)

  it("H23: a weak ETag is never sent in If-Range", function()
    check_right("/h23/sent", { etag = 'W/"a"' })
    for _, request in ipairs(origin:requests("/h23/sent")) do
      assert.is_nil(request.head:lower():find("if-range: w/", 1, true))
    end
  end)

  it("H23: another weak ETag is a change", function()
    check_new("/h23/other", { etag = 'W/"a"' }, { etag = 'W/"b"' })
  end)

  it("H23: weak and strong spelling of one ETag is no change", function()
    check_right("/h23/both", function(connection, request, parameters)
      parameters.etag = request.range.first > 0 and 'W/"a"' or '"a"'
      return connection:file(request, parameters)
    end, {})
    assert.is_true(later("/h23/both") > 0)
  end)

  it("H24: Last-Modified that is always now is no change under one strong ETag", function()
    check_right("/h24/now", function(connection, request, parameters, state)
      state.second = (state.second or 0) + 1
      parameters.last_modified = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + state.second)
      return connection:file(request, parameters)
    end, { etag = '"a"' })
    assert.is_true(later("/h24/now") > 0)
  end)

  it("H24: Last-Modified in the future that differs is a change without an ETag", function()
    check_new("/h24/future", { last_modified = "Mon, 06 May 2080 10:00:00 GMT" },
      { last_modified = "Tue, 07 May 2080 10:00:00 GMT" })
  end)

  it("H25: without validators the total must agree", function()
    check_right("/h25/same", {})
    check_new("/h25/total", {}, { size = SIZE + 1 })
  end)

  -- H26, H27

  local function check_flips(path, behaviour, parameters)
    local result = check_right(path, behaviour, parameters)
    assert.is_true(later(path) > 0)
    return result
  end

  it("H26: ETags that differ by node, with one date and total: a warning", function()
    local result = check_flips("/h26", function(connection, request, parameters, state)
      state.node = (state.node or 0) + 1
      parameters.etag = ('"node-%d"'):format(state.node % 3)
      return connection:file(request, parameters)
    end, { last_modified = MONDAY })
    assert.truthy(table.concat(result.warnings):find("ETag", 1, true))
  end)

  it("H26: an ETag that only some nodes send, with one date and total, counts no more", function()
    check_flips("/h26/some", function(connection, request, parameters, state)
      state.node = (state.node or 0) + 1
      parameters.etag = state.node % 2 == 1 and '"a"' or nil
      return connection:file(request, parameters)
    end, { last_modified = MONDAY })
  end)

  it("H26: long answers whose ETag differs are not misplaced", function()
    check_flips("/h26/long", function(connection, request, parameters, state)
      state.node = (state.node or 0) + 1
      parameters.etag = ('"node-%d"'):format(state.node)
      return connection:file({ method = "GET", headers = {}, range = {
        first = request.range.first, -- to the end, whatever was asked
      } }, parameters)
    end, { last_modified = MONDAY })
  end)

  it("H26: ETags that differ without a date are a change", function()
    check_refused("/h26/undated", { etag = '"a"' }, { etag = '"b"' })
  end)

  it("H26: ETags that differ under a date that doesn't count are a change", function()
    check_refused("/h26/epoch", { etag = '"a"', last_modified = "Thu, 01 Jan 1970 00:00:00 GMT" },
      { etag = '"b"', last_modified = "Thu, 01 Jan 1970 00:00:00 GMT" })
  end)

  it("H27: two ETags in one answer are none", function()
    check_right("/h27/two", { headers = { 'ETag: "a"', 'ETag: "b"' } })
    assert.is_true(later("/h27/two") > 0)
  end)

  it("H27: the same ETag twice is one", function()
    check_new("/h27/same", { headers = { 'ETag: "a"', 'ETag: "a"' } }, { etag = '"b"' })
  end)

  it("H27: an ETag without quotes, or that isn't closed, harms nothing", function()
    check_right("/h27/bare", { etag = "abc" })
    check_right("/h27/open", { etag = '"abc' })
    check_right("/h27/empty", { etag = "" })
    check_right("/h27/long", { etag = '"' .. ("x"):rep(5000) .. '"' })
  end)

  -- H30

  local PAGE = "<html>Please log in</html>"

  it("H30: a portal's page to a later range: the first stream runs on", function()
    local url = origin:serve("/h30/later", function(connection, request, parameters)
      if request.range and request.range.first > 0 then
        return connection:reply(200, { { "Content-Type", "text/html" } }, parameters.page)
      end
      return connection:file(request, parameters)
    end, with({ page = PAGE }))
    assert(oracle.get(url, OLD))
    assert.is_true(later("/h30/later") > 0)
    local beginnings = #origin:requests("/h30/later") - later("/h30/later")
    assert.equal(1, beginnings)
  end)

  it("H30: a redirect to a portal's page for a later range: the first stream runs on", function()
    origin:serve("/login", function(connection, _, parameters)
      return connection:reply(200, { { "Content-Type", "text/html" } }, parameters.page)
    end, { page = PAGE })
    local url = origin:serve("/h30/redirect", function(connection, request, parameters)
      if request.range and request.range.first > 0 then return connection:redirect("/login") end
      return connection:file(request, parameters)
    end, with({}))
    assert(oracle.get(url, OLD))
    assert.is_true(later("/h30/redirect") > 0)
  end)

  it("H30: a portal's page as long as the file, to a later range, is not the file", function()
    local url = origin:serve("/h30/long", function(connection, request, parameters)
      if request.range.first == 0 then return connection:file(request, parameters) end
      connection:status(200, {
        { "Content-Type", "text/html" }, { "Content-Length", ("%d"):format(parameters.size) },
      })
      return connection:body(0, parameters.size - 1, { seed = 9 })
    end, with({}))
    assert(oracle.get(url, OLD))
  end)

  it("H30: a portal for a while: tried again until the file is back", function()
    local url = origin:serve("/h30/while", function(connection, request, parameters, state)
      local first = request.range and request.range.first or 0
      if first == 0 and not state.started then
        state.started = true
        connection:status(206, {
          { "Content-Type", "application/octet-stream" },
          { "Content-Range", ("bytes 0-%d/%d"):format(parameters.size - 1, parameters.size) },
          { "Content-Length", ("%d"):format(parameters.size) },
        })
        connection:body(0, 99999)
        connection:await(function() return state.pages end, 5)
        return connection:close()
      end
      state.pages = (state.pages or 0) + 1
      if state.pages > 4 then return connection:file(request, parameters) end
      return connection:reply(200, { { "Content-Type", "text/html" } }, parameters.page)
    end, with({ page = PAGE }))
    local _, err = oracle.get(url, OLD)
    assert.is_nil(err)
  end)

  for what, page in pairs({ short = PAGE, ["as long as the file"] = (" "):rep(SIZE) }) do
    it("H30: a portal's page, " .. what .. ", after the first stream broke is an error", function()
      local path = "/h30/stays/" .. what:gsub(" ", "-")
      local url = origin:serve(path, function(connection, _, parameters, state)
        if state.started then
          return connection:reply(200, { { "Content-Type", "text/html" } }, parameters.page)
        end
        state.started = true
        connection:status(206, {
          { "Content-Type", "application/octet-stream" },
          { "Content-Range", ("bytes 0-%d/%d"):format(parameters.size - 1, parameters.size) },
          { "Content-Length", ("%d"):format(parameters.size) },
        })
        connection:body(0, 99999)
        return connection:close()
      end, with({ page = page }))
      local result, err = oracle.get(url, OLD)
      assert.is_nil(result)
      assert.equal("range_ignored", err.kind, tostring(err))
    end)
  end

  it("H30: a page in a file's place is said", function()
    local url = origin:serve("/h30/first.iso", { size = 100, content_type = "text/html" })
    local result = assert(oracle.get(url, { size = 100 }))
    assert.truthy(table.concat(result.warnings):find("web page", 1, true))
  end)

  it("H30: a page whose name says so is none in a file's place", function()
    local url = origin:serve("/h30/index.html", { size = 100, content_type = "text/html" })
    assert.same({}, assert(oracle.get(url, { size = 100 })).warnings)
  end)

  it("H30: what isn't as expected is an error", function()
    local url = origin:serve("/h30/expect", { size = 100, content_type = "text/html" })
    for _, expect in ipairs({ { size = 101 }, { content_type = "application/zip" } }) do
      local result, err = oracle.get(url, { size = 100 }, { expect = expect })
      assert.is_nil(result)
      assert.equal("remote_changed", err.kind)
    end
    local expect = { size = 100, content_type = "text/html" }
    assert(oracle.get(url, { size = 100 }, { expect = expect }))
  end)

  it("H30: an unannounced length that isn't as expected is an error", function()
    local url = origin:serve("/h30/chunked", function(connection)
      connection:status(200, { { "Transfer-Encoding", "chunked" } })
      connection:chunk("<html>")
      return connection:last_chunk()
    end)
    local result, err = oracle.get(url, { size = 100 }, { expect = { size = 100 } })
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
  end)
end)
