--- The engine against a real nginx: ranges, keep-alive, rates, login, TLS.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local luadl = require("luadl")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SEED, SIZE = 7, 512 * 1024
local FILES = 8
local RATE = 256 * 1024

local CONFIG = [[
    add_header X-Connection $connection;
    location /slow/ { alias %s/; limit_rate %d; }
]]

describe("against nginx", function()
  local root, web, locked, sum, folder, session

  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    sum = server.sha256(SEED, SIZE)
    web = nginx.start({ root = root, tls = true, config = CONFIG:format(root, RATE) })
    locked = nginx.start({ root = root, auth = { "me", "secret" } })
  end)

  teardown(function()
    web:stop()
    locked:stop()
    helper.remove_folder(root)
  end)

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = luadl.session({ dir = folder, min_split = 65536 })
  end)

  after_each(function()
    session:close()
    helper.finish()
  end)

  local function assert_right(result, err)
    assert.is_nil(err)
    assert.equal(sum, helper.sha256(result.path))
    return result
  end

  local function ranges_served()
    return select(2, web:log():gsub('" 206 ', ""))
  end

  it("a file comes in ranges over several connections", function()
    local before = ranges_served()
    assert_right(session:get({ url = web.url .. "/file.bin", connections = 4 }))
    assert.is_true(ranges_served() - before > 1)
  end)

  it("files that follow each other share connections", function()
    local seen, count = {}, 0
    local function note(head)
      local connection = head.headers:get("X-Connection")
      count = count + (seen[connection] and 0 or 1)
      seen[connection] = true
    end
    for _ = 1, FILES do
      assert_right(session:get({ url = web.url .. "/file.bin", connections = 1, name = note }))
    end
    assert.is_true(count < FILES, count .. " connections")
  end)

  it("a rate for each connection is shared out over several", function()
    local before = ranges_served()
    assert_right(session:get({ url = web.url .. "/slow/file.bin", connections = 8 }))
    assert.is_true(ranges_served() - before >= 4) -- it logs the last ones a moment later
  end)

  it("a login is asked for, and taken", function()
    local url = locked.url .. "/file.bin"
    local result, err = session:get({ url = url })
    assert.is_nil(result)
    assert.equal("auth", err.kind)
    assert_right(session:get({ url = url, user = "me:secret" }))
  end)

  it("ranges come over TLS, too", function()
    assert_right(session:get({
      url = web.tls_url .. "/file.bin", cacert = web.ca, connections = 4,
    }))
  end)
end)
