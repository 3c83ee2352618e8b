--- Filters on the real engine: what they make of the bytes is published as any other file, or not.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local codec = require("luadl.codec")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 1000000
local SEED = 9

local origin, folder, session, plain, packed

local function serve_packed(connection, request, parameters)
  local bytes = parameters.bytes
  local first = request.range and request.range.first or 0
  local last = request.range and math.min(request.range.last or #bytes - 1, #bytes - 1)
    or #bytes - 1
  connection:status(206, {
    { "Content-Length", last - first + 1 }, { "ETag", '"a"' },
    { "Content-Range", ("bytes %d-%d/%d"):format(first, last, #bytes) },
    { "Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT" },
  })
  connection:send(bytes:sub(first + 1, last + 1))
end

local function serve(name, bytes)
  return origin:serve(name, serve_packed, { bytes = bytes or packed })
end

local function check_failed(kind, opts)
  local before = helper.entries(folder)
  local result, err = session:get(opts)
  assert.is_nil(result)
  assert.equal(kind, err.kind, tostring(err))
  assert.same(before, helper.entries(folder))
  return err
end

local function gunzip(opts)
  opts.filter = codec.filter.gunzip()
  return opts
end

describe("a filter", function()
  setup(function()
    origin = server.start()
    plain = server.content(SEED, 0, SIZE - 1)
    packed = codec.gzip(plain)
  end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = assert(luadl.session({
      dir = folder, connections = 4, min_split = 65536, ahead = "300K", retry = oracle.quick(),
    }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  it("unpacks what comes, in order, into the file", function()
    local result = assert(session:get(gunzip({ url = serve("/a.gz"), output = "a" })))
    assert.equal(folder .. "/a", result.path)
    assert.equal(SIZE, result.size)
    assert.is_true(plain == helper.read(result.path))
    assert.equal(1420070400, lfs.attributes(result.path, "modification"))
    assert.same({ "a" }, helper.entries(folder))
  end)

  it("is a function that is called with nil at the end, and may wait", function()
    local result = assert(session:get({
      url = serve("/f"), output = "f", filter = function(bytes)
        luadl.sleep(0)
        if bytes then return #bytes > 0 and "x" or nil end
        return "end"
      end,
    }))
    assert.matches("^x+end$", helper.read(result.path))
  end)

  it("gives the file its name when it is complete", function()
    local seen
    assert(session:get(gunzip({
      url = serve("/atomic"), output = "b", verify = function(path)
        seen = { helper.entries(folder)[1], path, #helper.read(path) }
      end,
    })))
    assert.same({ "b.part", folder .. "/b.part", SIZE }, seen)
  end)

  it("leaves nothing when it fails", function()
    check_failed("encoding", gunzip({ url = serve("/bad", plain) }))
    check_failed("encoding", gunzip({ url = serve("/short", packed:sub(1, 5000)) }))
    local url = serve("/throws")
    local err = check_failed("callback", { url = url, filter = function() error("on purpose") end })
    assert.matches("on purpose", err.message)
    check_failed("callback", { url = url, filter = function() return nil, "no" end })
    check_failed("callback", { url = url, filter = function() return {} end })
    local function throw_late(bytes) return bytes or error("end") end
    check_failed("callback", { url = url, filter = throw_late })
  end)

  it("leaves nothing when it is refused or cancelled", function()
    local url = serve("/refused")
    local wrong = ("0"):rep(64)
    check_failed("checksum", gunzip({ url = url, checksum = "sha256:" .. wrong }))
    check_failed("checksum", gunzip({ url = url, verify = function() return "no" end }))
    local download
    download = session:download({ url = url, filter = function(bytes)
      download:cancel()
      return bytes
    end })
    assert.equal("cancelled", select(2, download:wait()).kind)
    assert.same({}, helper.entries(folder))
  end)

  it("has the checksum of what the server sent", function()
    local sum = require("luadl.digest").hex("sha256", packed)
    local url = serve("/sum")
    local result = assert(session:get(gunzip({ url = url, checksum = "sha256:" .. sum })))
    assert.is_true(result.verified)
  end)

  it("lets the name give way, or not, as ever", function()
    local url = serve("/c")
    helper.write(folder .. "/c", "old")
    check_failed("exists", gunzip({ url = url, output = "c" }))
    assert.equal(folder .. "/c (1)", assert(session:get(gunzip({ url = url }))).path)
    assert.is_true(session:get(gunzip({ url = url, exists = "skip" })).skipped)
    assert.equal("old", helper.read(folder .. "/c"))
    assert(session:get(gunzip({ url = url, output = "c", exists = "replace" })))
    assert.is_true(plain == helper.read(folder .. "/c"))
  end)

  it("never takes a name that was given to another file meanwhile", function()
    local function taken(exists)
      return gunzip({
        url = serve("/d"), output = "d", exists = exists, verify = function()
          helper.write(folder .. "/d", "other")
        end,
      })
    end
    assert.equal("exists", select(2, session:get(taken("fail"))).kind)
    assert.same({ "d" }, helper.entries(folder))
    os.remove(folder .. "/d")
    assert.equal(folder .. "/d (1)", assert(session:get(taken("rename"))).path)
    assert.is_true(session:get(taken("skip")).skipped)
    assert.equal("other", helper.read(folder .. "/d"))
    assert.same({ "d", "d (1)" }, helper.entries(folder))
  end)

  it("leaves alone what another run can continue", function()
    helper.write(folder .. "/e.part", "begun")
    helper.write(folder .. "/e.part.lj", "begun")
    check_failed("locked", gunzip({ url = serve("/e"), output = "e" }))
    assert.equal("begun", helper.read(folder .. "/e.part"))
  end)

  it("is of no use with what is continued", function()
    for name, value in pairs({ resume = "x.part", adopt = true, timestamps = true }) do
      assert.error_matches(function()
        session:get({ url = "http://127.0.0.1/", filter = function() end, [name] = value })
      end, "choose one of")
    end
    assert.error_matches(function()
      session:get({ url = "http://127.0.0.1/", filter = 1 })
    end, "expected a function")
  end)
end)
