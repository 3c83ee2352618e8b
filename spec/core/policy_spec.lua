--- Policies on the real engine: what they answer reaches the requests and the file.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 3000000
local FILE = { size = SIZE, seed = 6, etag = '"a"' }

local origin, folder, session, sum

local function serve(path, behaviour, parameters)
  return origin:serve(path, behaviour, merged(FILE, parameters))
end

-- Gives out tokens, each for three requests.
local function guarded(connection, request, parameters, state)
  state.left = state.left or {}
  if request.target:find("?token", 1, true) then
    state.issued = (state.issued or 0) + 1
    state.left["t" .. state.issued] = 3
    return connection:reply(200, {}, "t" .. state.issued)
  end
  local token = request.headers["x-token"]
  local left = state.left[token] or 0
  if left == 0 then return connection:reply(401, {}, "") end
  state.left[token] = left - 1
  return connection:file(request, parameters)
end

local function refuse(connection)
  return connection:reply(404, {}, "")
end

local function broken_midway(connection, request, parameters, state)
  state.asked = (state.asked or 0) + 1
  if state.asked > 2 then return connection:reply(404, {}, "") end
  return connection:file(request, parameters)
end

local function check_right(result, err)
  assert.is_nil(err)
  assert.equal(sum, helper.sha256(result.path))
  return result
end

describe("a policy", function()
  setup(function()
    origin = server.start()
    sum = server.sha256(FILE.seed, SIZE)
  end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = assert(luadl.session({
      dir = folder, connections = 4, min_split = 65536, retry = oracle.quick(),
    }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  it("request: refreshes a token that runs out, for all further ranges", function()
    local url = serve("/guarded", guarded)
    local result = check_right(session:get({
      url = url,
      headers = { ["X-Token"] = "none", ["X-Kept"] = "1" },
      retry = function(fault) return fault.error.status == 401 and 0 or nil end,
      request = function()
        return { headers = { ["X-Token"] = assert(session:fetch(url .. "?token")).body } }
      end,
    }))
    assert.equal(SIZE, result.size)
    for _, entry in ipairs(origin:requests("/guarded")) do
      local asks = entry.target:find("?token", 1, true) ~= nil
      assert.equal(not asks, entry.head:find("\r\nX-Kept: 1\r\n", 1, true) ~= nil, entry.head)
      assert.is_nil(entry.head:find("X-Token: none", 1, true), entry.head)
    end
  end)

  it("S3: request: brings no header that would smuggle another one", function()
    local result, err = session:get({
      url = serve("/smuggle"), request = function() return { headers = { A = "1\r\nB: 2" } } end,
    })
    assert.is_nil(result)
    assert.equal("callback", err.kind)
    assert.equal(0, #origin:requests("/smuggle"))
  end)

  it("request: signs the URL of each attempt", function()
    check_right(session:get({
      url = serve("/signed", function(connection, request, parameters, state)
        state.asked = (state.asked or 0) + 1
        if state.asked == 1 then return connection:reply(503, {}, "") end
        return connection:file(request, parameters)
      end),
      request = function(attempt) return { url = attempt.url .. "?try=" .. attempt.attempt } end,
    }))
    local log = origin:requests("/signed")
    assert.equal("/signed?try=1", log[1].target)
    assert.equal("/signed?try=2", log[2].target)
  end)

  it("mirror: goes on elsewhere when the first URL is given up", function()
    for index, first in ipairs({ refuse, broken_midway }) do
      local mirror = serve("/mirror-" .. index)
      check_right(session:get({
        url = serve("/first-" .. index, first, { rate = 3000000 }), mirror = { mirror },
      }))
      assert.is_true(#origin:requests("/mirror-" .. index) > 0)
    end
  end)

  it("H20: mirror: with another file is left for the next one, nothing of it kept", function()
    local result = check_right(session:get({
      url = serve("/first", broken_midway, { rate = 3000000 }),
      mirror = function()
        return { serve("/other", nil, { seed = 7, etag = '"b"' }), serve("/same") }
      end,
    }))
    assert.equal(SIZE, result.size)
    assert.is_true(#origin:requests("/other") > 0)
    assert.is_true(#origin:requests("/same") > 0)
  end)

  it("I2: verify: sees the complete file before it has its name", function()
    local seen
    local result = check_right(session:get({
      url = serve("/seen"), output = "seen.bin",
      verify = function(path, about)
        seen = { helper.sha256(path), helper.exists(about.path) }
        luadl.sleep(0.05)
        return true
      end,
    }))
    assert.same({ sum, false }, seen)
    assert.is_true(result.verified)
  end)

  it("I2: verify: may be a checksum, of a script or of its own", function()
    assert.is_true(check_right(session:get({ url = serve("/value"), verify = sum })).verified)
    local _, err = session:get({
      url = serve("/wrong-value"), output = "wrong-value.bin", verify = "md5:" .. ("0"):rep(32),
    })
    assert.equal("checksum", err.kind)
    assert.is_false(helper.exists(folder .. "/wrong-value.bin"))
    assert.error_matches(function() session:use({ verify = "no checksum" }) end, "ALGORITHM:HEX")
  end)

  it("I2: verify: that says no leaves nothing under the name", function()
    local result, err = session:get({
      url = serve("/refused"), output = "refused.bin", verify = function() return "no zip" end,
    })
    assert.is_nil(result)
    assert.equal("checksum", err.kind)
    assert.equal("no zip", err.message)
    assert.is_false(helper.exists(folder .. "/refused.bin"))
  end)

  it("I2: checksum: is compared before the file has its name", function()
    assert.is_true(check_right(session:get({ url = serve("/sum"), checksum = sum })).verified)
    local wrong = "md5:" .. ("0"):rep(32)
    local result, err = session:get({ url = serve("/no"), output = "no.bin", checksum = wrong })
    assert.is_nil(result)
    assert.equal("checksum", err.kind)
    assert.is_false(helper.exists(folder .. "/no.bin"))
  end)

  it("accept: refuses before the file is opened, and chooses the connections", function()
    local result, err = session:get({
      url = serve("/large"), accept = function(head) return head.total < 1000 end,
    })
    assert.is_nil(result)
    assert.equal("cancelled", err.kind)
    assert.is_false(helper.exists(folder .. "/large.part"))
    session:use({ accept = function() return { connections = 1 } end })
    check_right(session:get({ url = serve("/single") }))
    assert.equal(1, #origin:requests("/single"))
  end)

  it("resolve: becomes many files, each in its folder", function()
    session:use({ resolve = function(request)
      if request.url ~= "pack:all" then return nil end
      return {
        { url = serve("/a"), dir = "one" }, { url = serve("/b"), dir = "two/deep", name = "c" },
      }
    end })
    local requests = assert(session:resolve({ url = "pack:all" }))
    assert.equal(2, #requests)
    local downloads = {}
    for index, request in ipairs(requests) do downloads[index] = session:download(request) end
    assert.equal(folder .. "/one/a", check_right(downloads[1]:wait()).path)
    assert.equal(folder .. "/two/deep/c", check_right(downloads[2]:wait()).path)
    local result, err = session:get({ url = "pack:all" })
    assert.is_nil(result)
    assert.equal("usage", err.kind)
  end)
end)
