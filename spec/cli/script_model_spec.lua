--- scripts/model.lua: a snapshot of one commit, behind signed links that run out.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local json = require("luadl.json")
local recorded = require("spec.support.recorded")
local server = require("spec.support.server")

local COMMIT, SIZE = ("c0ffee"):rep(6) .. "c0ff", 300000
local README = "# model\n"
local README_ID = digest.hex("sha1", ("blob %d\0"):format(#README) .. README)

-- Each signature that the hub gives is another one, ...
local function redirect(connection, _, parameters, state)
  state.count = (state.count or 0) + 1
  connection:redirect(("%s?signature=%d"):format(parameters.to, state.count))
end

-- ... and the first one runs out in the middle of the file.
local function give_signed(connection, request, options, state)
  if not request.target:find("signature=1$") then return connection:file(request, options) end
  if state.expired then return connection:reply(403, {}, "expired") end
  state.expired, options.cut = true, 100000
  connection:file(request, options)
  options.cut = nil
end

describe("scripts/model.lua", function()
  local hub, cdn, folder

  local function record_tree(sum)
    local first = { { type = "directory", path = "onnx", oid = "1", size = 0 },
      { type = "file", path = "README.md", oid = README_ID, size = #README } }
    local second = { { type = "file", path = "onnx/a b.bin", oid = "2", size = SIZE,
      lfs = { oid = sum, size = SIZE } } }
    hub:record("/api/models/me/it/tree/" .. COMMIT, {
      { query = "recursive=true", headers = { { "Link", '<?cursor=2>; rel="next"' } },
        body = json.encode(first) },
      { query = "cursor=2", body = json.encode(second) },
    })
  end

  before_each(function()
    helper.begin()
    hub, cdn, folder = recorded.start(), recorded.start(), helper.tmpdir()
    hub:record("/api/models/me/it/revision/v2", { body = ('{"sha":"%s"}'):format(COMMIT) })
    record_tree(server.sha256(7, SIZE))
    hub:record(("/me/it/resolve/%s/README.md"):format(COMMIT), { body = README })
    local weights = { size = SIZE, seed = 7, etag = '"w"' }
    hub.server:serve(("/me/it/resolve/%s/onnx/a%%20b.bin"):format(COMMIT), redirect, {
      to = cdn.server:serve("/weights", give_signed, weights),
    })
  end)

  after_each(function()
    hub:stop()
    cdn:stop()
    helper.finish()
  end)

  local function fetch()
    return recorded.load("model", "--set", "revision=v2", "-d", folder, hub.url .. "/me/it")
  end

  it("asks for a fresh link when one runs out in the middle of a file", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal(README, helper.read(folder .. "/README.md"))
    assert.equal(server.sha256(7, SIZE), helper.sha256(folder .. "/onnx/a b.bin"))
    local last = {} -- request by target
    for _, request in ipairs(cdn:requests("/weights")) do last[request.target] = request end
    assert.equal(403, last["/weights?signature=1"].status)
    assert.equal(206, last["/weights?signature=2"].status)
    assert.is_true(last["/weights?signature=2"].sent < SIZE)
  end)

  it("keeps no large file whose SHA-256 is another", function()
    record_tree(server.sha256(8, SIZE))
    local result = fetch()
    assert.equal(32, result.status, result.stderr)
    assert.is_nil(helper.read(folder .. "/onnx/a b.bin"))
  end)

  it("keeps no small file that has another id in git", function()
    hub:record(("/me/it/resolve/%s/README.md"):format(COMMIT), { body = "# Model\n" })
    local result = fetch()
    assert.equal(32, result.status, result.stderr)
    assert.is_truthy(result.stderr:find("id in git", 1, true), result.stderr)
    assert.is_nil(helper.read(folder .. "/README.md"))
  end)
end)
