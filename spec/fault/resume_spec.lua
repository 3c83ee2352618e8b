-- Resume (faults H11, H20 to H29, F14 to F20): interrupted and gone on with, or not; never wrong.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
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
  return connection:file(request, require("spec.support.merged")(parameters, { cut = share }))
end

describe("a resumed download", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  -- One run in `dir`.
  local function get(url, dir, opts)
    local session = assert(luadl.session())
    local options = oracle.options(merged({ url = url, output = "file", dir = dir }, opts))
    options.output = options.output or nil
    local result, err = session:get(options)
    session:close()
    return result, err
  end

  -- About half of it, then an error; the part and its journal are left.
  local function interrupt(path, fields, opts)
    local dir = helper.tmpdir()
    local url = origin:serve(path, limited,
      merged({ size = SIZE, etag = ETAG, limit = SIZE / 2 }, fields))
    local result, err = get(url, dir, merged({ retry = 0, min_split = MIB }, opts))
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

  -- What the requests' ranges name.
  local function body_later(path, since)
    local bytes = 0
    for index, request in ipairs(origin:requests(path)) do
      local first, last = request.head:match("Range: bytes=(%d+)%-(%d+)")
      if index > since then bytes = bytes + last - first + 1 end
    end
    return bytes
  end

  local function requests_of(path) return #origin:requests(path) end

  it("P2: goes on where it stopped, and asks for no byte twice", function()
    local url, dir = interrupt("/p2")
    local before = requests_of("/p2")
    origin:serve("/p2", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir, { connections = 1 })
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > SIZE / 4)
    assert.equal(SIZE - result.resumed, body_later("/p2", before))
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
      found = found or request:header("if-range")
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

  it("H21: a 200 with the same validators is asked again without If-Range", function()
    local url, dir = interrupt("/h21/drops")
    origin:serve("/h21/drops", function(connection, request, parameters)
      if request.headers["if-range"] then request.range = nil end
      return connection:file(request, parameters)
    end, { size = SIZE, etag = ETAG })
    local before = requests_of("/h21/drops")
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
    assert.is_true(asked_later("/h21/drops", before) < 2 * SIZE)
  end)

  it("H21: where ranges aren't served any more it begins at zero", function()
    local url, dir = interrupt("/h21/whole")
    origin:serve("/h21/whole", { size = SIZE, etag = ETAG, ranges = false })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.equal(0, result.resumed)
  end)

  it("H22: another version's bytes are not believed where If-Range is ignored", function()
    local url, dir = interrupt("/h22")
    origin:serve("/h22", function(connection, request, parameters)
      request.headers["if-range"] = nil
      return connection:file(request, parameters)
    end, { size = SIZE, seed = 2, etag = OTHER_ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(2), helper.sha256(result.path))
  end)

  local WEAK = { etag = 'W/"one"', last_modified = MONDAY }
  local NONE = { etag = false }

  for name, validators in pairs({ ["H23: a weak ETag"] = WEAK, ["H25: no validator"] = NONE }) do
    local path = "/" .. name:match("^%w+")

    it(name .. " is never in If-Range, and bytes are compared instead", function()
      local fields = { etag = validators.etag or nil, last_modified = validators.last_modified }
      local dir = helper.tmpdir()
      local url = origin:serve(path, limited, merged({ size = SIZE, limit = SIZE / 2 }, fields))
      assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
      origin:serve(path, merged({ size = SIZE }, fields))
      local before = requests_of(path)
      local result, err = get(url, dir)
      assert.is_nil(err)
      assert.equal(sha(), helper.sha256(result.path))
      assert.is_true(result.resumed > 0)
      assert.is_true(asked_later(path, before) < SIZE - result.resumed + 2 ^ 17)
      for _, request in ipairs(origin:requests(path)) do
        assert.is_nil(request.head:find("If%-Range"))
      end
    end)

    it(name .. " lets no other bytes in, though nothing else differs", function()
      local fields = { etag = validators.etag or nil, last_modified = validators.last_modified }
      local dir = helper.tmpdir()
      local url = origin:serve(path .. "/2", limited,
        merged({ size = SIZE, limit = SIZE / 2 }, fields))
      assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
      origin:serve(path .. "/2", merged({ size = SIZE, seed = 2 }, fields))
      local result, err = get(url, dir)
      assert.is_nil(err)
      assert.equal(sha(2), helper.sha256(result.path))
    end)

    it(name .. " is refused under resume_check = 'strict'", function()
      local fields = { etag = validators.etag or nil, last_modified = validators.last_modified }
      local dir = helper.tmpdir()
      local url = origin:serve(path .. "/3", limited,
        merged({ size = SIZE, limit = SIZE / 2 }, fields))
      assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
      origin:serve(path .. "/3", merged({ size = SIZE }, fields))
      local before = requests_of(path .. "/3")
      local result, err = get(url, dir, { resume_check = "strict" })
      assert.is_nil(result)
      assert.equal("remote_changed", err.kind)
      assert.equal(before, requests_of(path .. "/3"))
      assert.is_true(helper.exists(dir .. "/file.part.lj"))
    end)
  end

  it("H24: without an ETag a Last-Modified that is old enough goes into If-Range", function()
    local dir = helper.tmpdir()
    local fields = { size = SIZE, last_modified = MONDAY }
    local url = origin:serve("/h24", limited, merged(fields, { limit = SIZE / 2 }))
    assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
    origin:serve("/h24", fields)
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    local sent
    for _, request in ipairs(origin:requests("/h24")) do
      sent = sent or request:header("if-range")
    end
    assert.equal(MONDAY, sent)
  end)

  it("H24: and another one tells the change", function()
    local dir = helper.tmpdir()
    local url = origin:serve("/h24/2", limited,
      { size = SIZE, last_modified = MONDAY, limit = SIZE / 2 })
    assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
    origin:serve("/h24/2", { size = SIZE, seed = 2, last_modified = TUESDAY })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(2), helper.sha256(result.path))
  end)

  -- Every answer has another ETag, as if by another node.
  local function by_node(connection, request, parameters, state)
    state.node = (state.node or 0) + 1
    parameters.etag = ('"node-%d"'):format(state.node % 3)
    return connection:file(request, parameters)
  end

  it("H26: an ETag that differs from answer to answer is dropped, bytes are compared", function()
    local url, dir = interrupt("/h26", { last_modified = MONDAY })
    origin:serve("/h26", by_node, { size = SIZE, last_modified = MONDAY })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("H21: another ETag that stays is a change, whatever else is the same", function()
    local url, dir = interrupt("/h21/stays", { last_modified = MONDAY })
    origin:serve("/h21/stays", { size = SIZE, etag = OTHER_ETAG, last_modified = MONDAY })
    local result, err = get(url, dir, { changed = "fail" })
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.equal(0, result.resumed)
  end)

  it("H25: under resume_check = 'strict' bytes don't stand in for an ETag that is gone", function()
    local url, dir = interrupt("/h25/strict", { last_modified = MONDAY })
    origin:serve("/h25/strict", by_node, { size = SIZE, last_modified = MONDAY })
    local result, err = get(url, dir, { resume_check = "strict" })
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    origin:serve("/h25/strict", { size = SIZE, etag = ETAG, last_modified = MONDAY })
    result, err = get(url, dir, { resume_check = "strict" })
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("H12: a 416 that names another length is a change", function()
    local url, dir = interrupt("/h12")
    origin:serve("/h12", { size = SIZE / 8, seed = 2, etag = OTHER_ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(server.sha256(2, SIZE / 8), helper.sha256(result.path))
  end)

  it("H30: a login page in the file's place costs nothing", function()
    local url, dir = interrupt("/h30")
    local part = helper.sha256(dir .. "/file.part")
    origin:serve("/h30", function(connection)
      return connection:reply(200, { { "Content-Type", "text/html" } }, "<p>log in</p>")
    end)
    local result = get(url, dir)
    assert.is_nil(result)
    assert.equal(part, helper.sha256(dir .. "/file.part"))
    origin:serve("/h30", { size = SIZE, etag = ETAG })
    result = assert(get(url, dir))
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("H30: nor where the name comes from the answer", function()
    local dir = helper.tmpdir()
    local fields = { size = SIZE, etag = ETAG }
    local url = origin:serve("/portal.iso", limited, merged(fields, { limit = SIZE / 2 }))
    assert.is_nil((get(url, dir, { output = false, retry = 0, min_split = MIB })))
    local part = helper.sha256(dir .. "/portal.iso.part")
    origin:serve("/portal.iso", function(connection)
      return connection:reply(200, { { "Content-Type", "text/html" } }, "<p>log in</p>")
    end)
    local result, err = get(url, dir, { output = false })
    assert.is_nil(result)
    assert.equal("range_ignored", err.kind)
    assert.equal(part, helper.sha256(dir .. "/portal.iso.part"))
    origin:serve("/portal.iso", fields)
    result = assert(get(url, dir, { output = false }))
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("H30: what is expected of the file is expected of a part, too", function()
    local url, dir = interrupt("/h30/expect")
    origin:serve("/h30/expect", { size = SIZE, etag = ETAG })
    local wrong = {
      remote_changed = { expect = { size = SIZE + 1 } },
      too_large = { max_size = SIZE - 1 },
    }
    for kind, opts in pairs(wrong) do
      local result, err = get(url, dir, opts)
      assert.is_nil(result)
      assert.equal(kind, err.kind)
    end
    local result, err = get(url, dir, { expect = { content_type = "text/css" } })
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    result = assert(get(url, dir, { expect = { size = SIZE } }))
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("H28: a link that expired midway is fetched anew from the first URL", function()
    local dir = helper.tmpdir()
    origin:serve("/h28/target", function(connection, request, parameters, state)
      state.uses = state.uses or {}
      local key = request.target:match("key=(%d+)")
      state.uses[key] = (state.uses[key] or 0) + 1
      if state.uses[key] > 2 then return connection:reply(403, {}, "expired") end
      local options = require("spec.support.merged")(parameters, { cut = 700000 })
      return connection:file(request, options)
    end, { size = SIZE, etag = ETAG })
    local url = origin:serve("/h28", function(connection, _, parameters, state)
      state.key = (state.key or 0) + 1
      return connection:redirect(parameters.target .. "?key=" .. state.key)
    end, { target = origin.url .. "/h28/target" })
    local result, err
    for _ = 1, 12 do
      result, err = get(url, dir, { connections = 1, deadline = 8 })
      if result then break end
    end
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
  end)

  it("H29: another URL goes on with the part when the identity is the same", function()
    local _, dir = interrupt("/h29/old")
    local url = origin:serve("/h29/new", { size = SIZE, etag = ETAG })
    local session = assert(luadl.session())
    local result, err = session:get(oracle.options({ url = url, resume = dir .. "/file.part" }))
    session:close()
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(dir .. "/file"))
    assert.is_true(result.resumed > 0)
  end)

  it("H29: and never when it isn't", function()
    local _, dir = interrupt("/h29/2/old")
    local url = origin:serve("/h29/2/new", { size = SIZE, seed = 2, etag = OTHER_ETAG })
    local session = assert(luadl.session())
    local result, err = session:get(oracle.options({
      url = url, resume = dir .. "/file.part",
    }))
    session:close()
    assert.is_nil(result)
    assert.equal("remote_changed", err.kind)
    assert.is_true(helper.exists(dir .. "/file.part.lj"))
  end)

  it("H29: a running download gets another URL, and what waits goes on at once", function()
    local dir = helper.tmpdir()
    local old = origin:serve("/h29/3/old", limited, { size = SIZE, etag = ETAG, limit = SIZE / 2 })
    local new = origin:serve("/h29/3/new", { size = SIZE, etag = ETAG })
    local session = assert(luadl.session())
    local download
    download = session:download(oracle.options({
      url = old, output = "file", dir = dir, min_split = MIB,
      retry = function() return 60 end,
      on_retry = function() assert(download:renew(new)) end,
    }))
    local result, err = download:wait(15)
    session:close()
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
  end)

  it("F12: the part of another URL isn't touched", function()
    local _, dir = interrupt("/f12")
    local part = helper.sha256(dir .. "/file.part")
    local url = origin:serve("/f12/other", { size = SIZE, seed = 2, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(result)
    assert.equal("exists", err.kind)
    assert.equal(part, helper.sha256(dir .. "/file.part"))
  end)

  it("F14: a part in use is locked", function()
    local dir = helper.tmpdir()
    local url = origin:serve("/f14", { size = SIZE, etag = ETAG, rate = MIB })
    local session = assert(luadl.session())
    local first = session:download(oracle.options({ url = url, output = "file", dir = dir }))
    while (first:stats().received or 0) == 0 do session:step(0.1) end
    local result, err = get(url, dir)
    assert.is_nil(result)
    assert.equal("locked", err.kind)
    first:cancel()
    first:wait(5)
    session:close()
  end)

  local function overwrite(path, offset, bytes)
    local file = assert(io.open(path, "r+b"))
    file:seek("set", offset)
    file:write(bytes)
    file:close()
  end

  it("F16: a part that was cut is fetched again from there", function()
    local url, dir = interrupt("/f16", nil, { connections = 1 })
    assert(helper.run({ "truncate", "-s", "1500000", dir .. "/file.part" }).status == 0)
    origin:serve("/f16", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_truthy(result.warnings[1])
  end)

  it("F17: bytes that were changed since are fetched again", function()
    local url, dir = interrupt("/f17", nil, { connections = 1 })
    overwrite(dir .. "/file.part", 1000000, "changed")
    origin:serve("/f17", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
    assert.is_truthy(result.warnings[1])
  end)

  it("F17: also those at the end of what is held, in no whole block", function()
    local url, dir = interrupt("/f17/2", { limit = SIZE / 2 + 5000 }, { connections = 1 })
    overwrite(dir .. "/file.part", SIZE / 2 + 4000, "changed")
    origin:serve("/f17/2", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
  end)

  it("F18: a large part without a journal is never touched", function()
    local url, dir = interrupt("/f18")
    os.remove(dir .. "/file.part.lj")
    local part = helper.sha256(dir .. "/file.part")
    local result, err = get(url, dir)
    assert.is_nil(result)
    assert.equal("journal_corrupt", err.kind)
    assert.equal(part, helper.sha256(dir .. "/file.part"))
    origin:serve("/f18", { size = SIZE, etag = ETAG })
    result, err = get(url, dir, { restart = true })
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
  end)

  local DAMAGE = {
    ["cut to nothing"] = function(path) helper.write(path, "") end,
    ["zeroed"] = function(path) helper.write(path, ("\0"):rep(#helper.read(path))) end,
    ["replaced"] = function(path) helper.write(path, ("nonsense"):rep(5000)) end,
  }
  for how, damage in pairs(DAMAGE) do
    it("F19: a journal that was " .. how .. " counts nothing", function()
      local path = "/f19/" .. how:gsub("%s", "-")
      local url, dir = interrupt(path)
      damage(dir .. "/file.part.lj")
      local result, err = get(url, dir)
      assert.is_nil(result)
      assert.equal("journal_corrupt", err.kind)
      origin:serve(path, { size = SIZE, etag = ETAG })
      result = assert(get(url, dir, { restart = true }))
      assert.equal(sha(), helper.sha256(result.path))
    end)
  end

  it("F19: another version's journal is left as it is", function()
    local url, dir = interrupt("/f19/version")
    local path = dir .. "/file.part.lj"
    overwrite(path, 8, "\9\0\0\0")
    for _, slot in ipairs({ 0, 1 }) do
      overwrite(path, 4096 + slot * ((#helper.read(path) - 4096) // 2) + 8, "\9\0\0\0")
    end
    local journal = helper.read(path)
    local result, err = get(url, dir)
    assert.is_nil(result)
    assert.equal("journal_corrupt", err.kind)
    assert.equal(journal, helper.read(path))
  end)

  it("F20: a part and its journal may be moved", function()
    local url, dir = interrupt("/f20")
    local other = helper.tmpdir()
    assert(os.rename(dir .. "/file.part", other .. "/file.part"))
    assert(os.rename(dir .. "/file.part.lj", other .. "/file.part.lj"))
    origin:serve("/f20", { size = SIZE, etag = ETAG })
    local result = assert(get(url, other))
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("S2: the journal holds no password", function()
    local dir = helper.tmpdir()
    local url = origin:serve("/s2", limited, { size = SIZE, etag = ETAG, limit = SIZE / 2 })
    url = url:gsub("://", "://alice:secret@")
    assert.is_nil((get(url, dir, { retry = 0, min_split = MIB })))
    local journal = helper.read(dir .. "/file.part.lj")
    assert.is_truthy(journal:find("/s2", 1, true))
    assert.is_nil(journal:find("secret", 1, true))
    assert.is_nil(journal:find("alice", 1, true))
  end)

  -- Complete, but without its name.
  local function unpublished(path)
    local dir = helper.tmpdir()
    local url = origin:serve(path, { size = SIZE, etag = ETAG })
    local run = helper.luadl("-q", "-o", dir .. "/file", url, {
      env = helper.faulty("renameat2:EIO"),
    })
    assert.not_equal(0, run.status)
    assert.is_true(helper.exists(dir .. "/file.part.lj"))
    return url, dir
  end

  it("F26: a second name that a crash left of a published file goes", function()
    local url, dir = unpublished("/f26")
    assert.equal(0, helper.run({ "ln", dir .. "/file.part", dir .. "/file" }).status)
    local result, err = get(url, dir)
    assert.is_nil(result)
    assert.equal("exists", err.kind)
    assert.is_false(helper.exists(dir .. "/file.part"))
    assert.is_false(helper.exists(dir .. "/file.part.lj"))
    assert.equal(sha(), helper.sha256(dir .. "/file"))
  end)

  it("H11: what is complete is published without a further byte", function()
    local url, dir = unpublished("/h11")
    local before = requests_of("/h11")
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.equal(before, requests_of("/h11"))
  end)

  it("the name that a server chose finds its part again", function()
    local dir = helper.tmpdir()
    local fields = { size = SIZE, etag = ETAG, disposition = 'attachment; filename="chosen.bin"' }
    local url = origin:serve("/chosen", limited, merged(fields, { limit = SIZE / 2 }))
    assert.is_nil((get(url, dir, { output = false, retry = 0, min_split = MIB })))
    assert.is_true(helper.exists(dir .. "/chosen.bin.part.lj"))
    origin:serve("/chosen", fields)
    local session = assert(luadl.session())
    local result, err = session:get(oracle.options({ url = url, dir = dir }))
    session:close()
    assert.is_nil(err)
    assert.equal(dir .. "/chosen.bin", result.path)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 0)
  end)

  it("resume = false leaves nothing, and keeps no record", function()
    local dir = helper.tmpdir()
    local url = origin:serve("/none", limited, { size = SIZE, etag = ETAG, limit = SIZE / 2 })
    assert.is_nil((get(url, dir, { retry = 0, resume = false })))
    assert.is_false(helper.exists(dir .. "/file.part"))
    assert.is_false(helper.exists(dir .. "/file.part.lj"))
  end)

  it("resume = false doesn't take away what another run left", function()
    local url, dir = interrupt("/none/2")
    local part = helper.sha256(dir .. "/file.part")
    local result, err = get(url, dir, { resume = false })
    assert.is_nil(result)
    assert.equal("exists", err.kind)
    assert.equal(part, helper.sha256(dir .. "/file.part"))
  end)

  it("restart = true begins anew", function()
    local url, dir = interrupt("/restart")
    origin:serve("/restart", { size = SIZE, etag = ETAG })
    local before = requests_of("/restart")
    local result = assert(get(url, dir, { restart = true }))
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(asked_later("/restart", before) >= SIZE)
  end)

  it("resume_check = 'all' hashes every block that is held", function()
    local url, dir = interrupt("/all")
    origin:serve("/all", { size = SIZE, etag = ETAG })
    local result = assert(get(url, dir, { resume_check = "all" }))
    assert.equal(sha(), helper.sha256(result.path))
  end)

  it("H33: a length that was unknown is gone on with where the server then tells it", function()
    local dir = helper.tmpdir()
    local url = origin:serve("/unknown", function(connection, _, parameters)
      connection:status(200, { { "Transfer-Encoding", "chunked" }, { "ETag", parameters.etag } })
      for first = 0, parameters.size / 2 - 1, 65536 do
        connection:chunk(connection:bytes(first, first + 65535))
      end
      return connection:close()
    end, { size = SIZE, etag = ETAG })
    assert.is_nil((get(url, dir, { retry = 0 })))
    assert.is_true(helper.exists(dir .. "/file.part.lj"))
    origin:serve("/unknown", { size = SIZE, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(sha(), helper.sha256(result.path))
    assert.is_true(result.resumed > 2 ^ 20)
    assert.is_true(result.length_verified)
  end)

  it("H33: also where little of it is missing", function()
    local dir = helper.tmpdir()
    local size = SIZE + 20000
    local url = origin:serve("/unknown/2", function(connection, _, parameters)
      connection:status(200, { { "Transfer-Encoding", "chunked" }, { "ETag", parameters.etag },
        { "Content-Type", "application/octet-stream" } })
      for first = 0, parameters.size - 65536, 65536 do
        connection:chunk(connection:bytes(first, first + 65535))
      end
      return connection:close()
    end, { size = size, etag = ETAG })
    assert.is_nil((get(url, dir, { retry = 0 })))
    origin:serve("/unknown/2", { size = size, etag = ETAG })
    local result, err = get(url, dir)
    assert.is_nil(err)
    assert.equal(server.sha256(1, size), helper.sha256(result.path))
    assert.is_true(result.resumed > 2 ^ 20)
  end)

  describe("of another program's", function()
    local function begin(dir, bytes)
      helper.write(dir .. "/file", server.content(1, 0, bytes - 1))
    end

    it("beginning is adopted when its bytes are the server's", function()
      local dir = helper.tmpdir()
      begin(dir, SIZE / 2 + 77)
      local url = origin:serve("/adopt", { size = SIZE, etag = ETAG })
      local result, err = get(url, dir, { adopt = true })
      assert.is_nil(err)
      assert.equal(sha(), helper.sha256(result.path))
      assert.equal(SIZE / 2 + 77, result.resumed)
    end)

    it("beginning that differs is given back as it was", function()
      local dir = helper.tmpdir()
      helper.write(dir .. "/file", server.content(2, 0, SIZE / 2))
      local before = helper.sha256(dir .. "/file")
      local url = origin:serve("/adopt/2", { size = SIZE, etag = ETAG })
      local result, err = get(url, dir, { adopt = true })
      assert.is_nil(result)
      assert.equal("local_changed", err.kind)
      assert.equal(before, helper.sha256(dir .. "/file"))
      assert.is_false(helper.exists(dir .. "/file.part"))
    end)

    it("complete file is found to be so", function()
      local dir = helper.tmpdir()
      begin(dir, SIZE)
      local url = origin:serve("/adopt/3", { size = SIZE, etag = ETAG })
      local result, err = get(url, dir, { adopt = true })
      assert.is_nil(err)
      assert.equal(sha(), helper.sha256(result.path))
      assert.equal(SIZE, result.resumed)
    end)

    -- Whatever the server does, what isn't shown to be its file stays as it was.
    local function refused(path, behaviour, parameters, bytes)
      local dir = helper.tmpdir()
      helper.write(dir .. "/file", bytes)
      local before = helper.sha256(dir .. "/file")
      local url = origin:serve(path, behaviour, parameters)
      local result, err = get(url, dir, { adopt = true, deadline = 8 })
      assert.is_nil(result)
      assert.equal(before, helper.sha256(dir .. "/file"))
      assert.is_false(helper.exists(dir .. "/file.part"))
      return err.kind
    end

    it("beginning is given back where no answer comes", function()
      local kind = refused("/adopt/5", function(connection)
        return connection:reply(404, {}, "")
      end, nil, server.content(1, 0, SIZE / 2))
      assert.equal("http_status", kind)
    end)

    it("beginning isn't written over where ranges are served no more", function()
      local kind = refused("/adopt/6", function(connection, request, parameters)
        if request.range and request.range.first > 0 then request.range = nil end
        return connection:file(request, parameters)
      end, { size = SIZE, etag = ETAG }, server.content(1, 0, MIB - 1) .. ("x"):rep(MIB))
      assert.equal("local_changed", kind)
    end)

    it("beginning isn't emptied where the file changes meanwhile", function()
      local kind = refused("/adopt/7", function(connection, request, parameters, state)
        state.count = (state.count or 0) + 1
        local later = { size = parameters.size, seed = 2, etag = parameters.other }
        return connection:file(request, state.count > 1 and later or parameters)
      end, { size = SIZE, etag = ETAG, other = OTHER_ETAG }, server.content(1, 0, SIZE / 2))
      assert.equal("local_changed", kind)
    end)

    it("beginning too small for a journal is given back in its length", function()
      local kind = refused("/adopt/8", function(connection, request, parameters)
        local last = request.range.last
        local held = request.range.first == 0 and not last or last and last < parameters.held
        if held then return connection:file(request, parameters) end
        return connection:reply(404, {}, "")
      end, { size = 700000, etag = ETAG, held = 300000 }, server.content(1, 0, 299999))
      assert.equal("http_status", kind)
    end)

    local function kill_before(change, dir)
      local env = helper.faulty("")
      env.LD_PRELOAD = env.LD_PRELOAD:gsub("faultfs", "crashfs")
      env.LUADL_CRASH_FOLDER, env.LUADL_CRASH_KILL = dir, change
      return env
    end

    it("P2: beginning outlives kill -9 at any change, and what runs then", function()
      local dir = helper.tmpdir()
      local held = server.content(1, 0, SIZE / 2 - 1)
      local change = 0
      repeat
        change = change + 1
        os.remove(dir .. "/file.part")
        os.remove(dir .. "/file.part.lj")
        helper.write(dir .. "/file", held)
        local url = origin:serve("/adopt/9", { size = SIZE, etag = ETAG })
        local run = helper.luadl("-q", "--adopt", "-o", dir .. "/file", url, {
          env = kill_before(change, dir),
        })
        origin:serve("/adopt/9", function(connection) return connection:reply(404, {}, "") end)
        helper.luadl("-q", "-o", dir .. "/file", url)
        local found = helper.read(dir .. "/file") or helper.read(dir .. "/file.part") or ""
        assert.is_true(found:sub(1, #held) == held, "lost by the kill before change " .. change)
      until run.status == 0
      assert.is_true(change > 5)
    end)

    it("file isn't touched without that word", function()
      local dir = helper.tmpdir()
      begin(dir, SIZE / 2)
      local url = origin:serve("/adopt/4", { size = SIZE, etag = ETAG })
      local result, err = get(url, dir)
      assert.is_nil(result)
      assert.equal("exists", err.kind)
      assert.equal(server.sha256(1, SIZE / 2), helper.sha256(dir .. "/file"))
    end)
  end)
end)
