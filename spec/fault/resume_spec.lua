-- Resume (faults H11, H20 to H29, F14 to F20): interrupted, and gone on with, or not, and never wrong.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local MIB = 2 ^ 20
local SIZE = 6 * MIB
local ETAG, OTHER_ETAG = '"one"', '"two"'
local MONDAY, TUESDAY = "Mon, 06 May 2024 10:00:00 GMT", "Tue, 07 May 2024 10:00:00 GMT"

-- Sends so many bytes in all, and then nothing more until it is told to (parameters.limit = nil).
local function limited(connection, request, parameters, state)
  local range = request.range
  local first = range and range.first or 0
  local last = range and range.last or parameters.size - 1
  if not parameters.limit then return connection:file(request, parameters) end
  state.sent = state.sent or 0
  local share = math.max(0, math.min(last - first + 1, parameters.limit - state.sent))
  state.sent = state.sent + share
  if share == 0 then return connection:reply(503, {}, "") end
  local options = {}
  for name, value in pairs(parameters) do options[name] = value end
  options.cut = share
  return connection:file(request, options)
end

describe("a resumed download", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function merged(...)
    local all = {}
    for _, fields in ipairs({ ... }) do
      for name, value in pairs(fields) do all[name] = value end
    end
    return all
  end

  -- One run in `dir`.
  local function get(url, dir, opts)
    local session = assert(luadl.session())
    local options = oracle.options(merged({ url = url, output = "file", dir = dir }, opts or {}))
    local result, err = session:get(options)
    session:close()
    return result, err
  end

  -- About half of it, then an error; the part and its journal are left.
  local function interrupt(path, fields, opts)
    local dir = helper.tmpdir()
    local url = origin:serve(path, limited,
      merged({ size = SIZE, etag = ETAG, limit = SIZE / 2 }, fields or {}))
    local result, err = get(url, dir, merged({ retry = 0, min_split = MIB }, opts or {}))
    assert.is_nil(result)
    assert.is_truthy(err)
    assert.is_true(helper.exists(dir .. "/file.part.lj"))
    return url, dir, err
  end

  local function sha(seed) return server.sha256(seed or 1, SIZE) end

  local function asked_later(path, since)
    local bytes = 0
    for index, request in ipairs(origin:requests(path)) do
      if index > since then bytes = bytes + (request.sent or 0) end
    end
    return bytes
  end

  local function requests_of(path) return #origin:requests(path) end

  it("P2: goes on where it stopped, and asks for no byte twice", function()
    local url, dir = interrupt("/p2")
    local before = requests_of("/p2")
    origin:serve("/p2", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > SIZE / 4)
    assert.is_true(asked_later("/p2", before) < SIZE - result.resumed + 8192)
    assert.is_false(helper.exists(dir .. "/file.part"))
    assert.is_false(helper.exists(dir .. "/file.part.lj"))
  end)

  it("H21: asks with If-Range, and never splices what changed between two runs", function()
    local url, dir = interrupt("/h21")
    origin:serve("/h21", { size = SIZE, seed = 2, etag = OTHER_ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(2), helper.sha256(result.path))
    local found
    for _, request in ipairs(origin:requests("/h21")) do
      found = found or request.head:match("If%-Range: (%C+)")
    end
    assert.equal(ETAG, found)
  end)

  it("H21: with changed = 'fail' the part stays as it is", function()
    local url, dir = interrupt("/h21/fail")
    local part = helper.sha256(dir .. "/file.part")
    origin:serve("/h21/fail", { size = SIZE, seed = 2, etag = OTHER_ETAG })
    local result, err = get(url, dir, { changed = "fail" })
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    assert.equal(part, helper.sha256(dir .. "/file.part"))
    origin:serve("/h21/fail", { size = SIZE, etag = ETAG })
    result, err = get(url, dir, { changed = "fail" })
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
  end)

  -- (more below)
end)
