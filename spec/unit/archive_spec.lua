--- The archive: what it skips, and what it doesn't.
-- SPDX-License-Identifier: MIT

local archive = require("luadl.batch.archive")
local codec = require("luadl.codec")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")

local SUM = ("ab"):rep(32)
local DIGEST = '"' .. ("cd"):rep(16) .. '"'

describe("an archive", function()
  local path, kept

  before_each(function()
    helper.begin()
    path = helper.tmpdir() .. "/archive"
    kept = assert(archive.open(path))
  end)

  after_each(function()
    kept.records:close()
    helper.finish()
  end)

  local function item(opts)
    opts.url = opts.url or "http://me:secret@a/x#part"
    return { opts = opts, batch = { session = { defaults = {} } } }
  end

  local function finish(opts, result)
    local all = merged({ path = "x", size = 5, etag = '"1"' }, result)
    kept:ended(item(opts), all)
    kept.records:close()
    kept = assert(archive.open(path))
  end

  local function knows(opts)
    return kept:known(item(opts)) == "in the archive"
  end

  it("knows a URL again, whatever its login and fragment are", function()
    finish({})
    assert.is_true(knows({ url = "http://a/x" }))
    assert.is_true(knows({ url = "http://you@a/x#other" }))
    assert.is_false(knows({ url = "http://a/x?" }))
    assert.is_false(knows({ url = "http://b/x" }))
    assert.is_nil(helper.read(path):find("secret", 1, true))
  end)

  it("knows a file by its digest, however that is written", function()
    finish({ checksum = "sha-256:" .. SUM:upper() })
    local base64 = codec.base64_encode(("\xab"):rep(32))
    assert.is_true(knows({ url = "http://b/y", checksum = "sha256:" .. SUM }))
    assert.is_true(knows({ url = "http://b/y", checksum = "sha256-" .. base64 }))
    assert.is_false(knows({ url = "http://b/y", checksum = "sha256:" .. ("ac"):rep(32) }))
  end)

  local function knows_head(url, etag, total)
    return kept:known_by_head(item({ url = url }), { etag = etag, total = total }) ~= nil
  end

  it("knows a link that was signed anew by its ETag and size, when there is an answer", function()
    finish({ url = "http://A/x?signed=1" }, { etag = DIGEST })
    assert.is_true(knows_head("http://a/x?signed=2", DIGEST, 5))
    assert.is_true(knows_head("http://a/x", DIGEST, 5))
    assert.is_false(knows_head("http://a/x?signed=2", DIGEST, 6))
    assert.is_false(knows_head("http://a/x?signed=2", '"' .. ("1"):rep(32) .. '"', 5))
    assert.is_false(knows_head("http://b/x?signed=2", DIGEST, 5))
    assert.is_false(knows_head("http://a/y?signed=2", DIGEST, 5))
    assert.is_false(knows_head("http://a/x?signed=2", nil, 5))
    assert.is_false(knows_head("http://a/x?signed=2", DIGEST, nil))
  end)

  it("takes no ETag of date and size for one file's", function()
    finish({ url = "http://a/get?1" }, { etag = '"6b027e42-12"' })
    assert.is_false(knows_head("http://a/get?2", '"6b027e42-12"', 5))
  end)

  it("skips nothing of which the server is to say whether it has changed", function()
    finish({})
    assert.is_false(knows({ conditional = true }))
    assert.is_false(knows({ timestamps = true }))
  end)

  it("tells the ETag of what is still there, if it is one", function()
    finish({})
    assert.equal('"1"', kept:etag_of(item({}), "x", 5))
    assert.is_nil(kept:etag_of(item({}), "x", 6))
    for _, etag in ipairs({ "5", [["\"1\r\nX: y\""]], "[]", [["W/\"1\""]] }) do
      kept.records:close()
      helper.write(path, '{"url":"http://a/x","path":"x","size":5,"etag":' .. etag .. "}\n")
      kept = assert(archive.open(path))
      assert.is_truthy(kept:find("http://a/x"))
      assert.is_nil(kept:etag_of(item({}), "x", 5), etag)
    end
  end)

  it("takes no weak ETag for a proof", function()
    finish({}, { etag = "W/" .. DIGEST })
    assert.is_false(knows_head("http://a/x", "W/" .. DIGEST, 5))
  end)

  it("keeps nothing of failures, of what was skipped, of parts of files, of forms", function()
    kept:ended(item({}), nil, { kind = "dns" })
    finish({}, { skipped = true })
    local others = { { range = { 0, 1 } }, { body = "a=1" }, { method = "PUT" } }
    for _, opts in ipairs(others) do finish(opts) end
    assert.is_false(knows({}))
    finish({ method = "GET" })
    assert.is_true(knows({}))
    for _, opts in ipairs(others) do assert.is_false(knows(opts)) end
  end)

  it("tells what it has of a URL", function()
    finish({ checksum = "sha256:" .. SUM })
    local found = kept:find("http://a/x")
    assert.near(os.time(), found.time, 5)
    found.time, found.keys = nil, nil
    assert.same({
      url = "http://a/x", path = "x", size = 5, etag = '"1"', digest = "sha256:" .. SUM,
    }, found)
  end)

  it("may be written by hand: a URL is enough", function()
    kept.records:close()
    helper.write(path, '{"url":"http://a/x"}\n{"url": "http://b/y", "digest": "sha256:' .. SUM
      .. '"}\n{"url":5}\n')
    kept = assert(archive.open(path))
    assert.is_true(knows({}))
    assert.is_true(knows({ url = "http://c/z", checksum = "sha256:" .. SUM }))
    assert.equal(1, kept.records.unreadable)
  end)

  it("has no room for names that JSON can't express, but for their URLs", function()
    finish({}, { path = "\xff" })
    assert.is_true(knows({}))
    assert.is_nil(kept:find("http://a/x").path)
  end)
end)
