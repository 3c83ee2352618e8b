--- scripts/releases.lua: assets of all releases, page by page, with a token that stays at home.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local TOKEN = { authorization = "^Bearer s3cret$" }
local BYTES = { authorization = "^Bearer s3cret$", accept = "^application/octet%-stream$" }

local function release(tag, assets)
  return ('{"tag_name":"%s","assets":[%s]}'):format(tag, table.concat(assets, ","))
end

local function asset(id, name, size, sum)
  return ('{"url":"{site}/repos/me/it/releases/assets/%d","name":"%s","size":%d,"digest":%s}')
    :format(id, name, size, sum and ('"sha256:%s"'):format(digest.hex("sha256", sum)) or "null")
end

describe("scripts/releases.lua", function()
  local host, cdn, folder

  local function record_asset(id, body)
    local location = cdn:record("/bytes/" .. id, { with = { authorization = "^$" }, body = body })
    host:record("/repos/me/it/releases/assets/" .. id, {
      status = 302, headers = { { "Location", location } }, with = BYTES,
    })
  end

  before_each(function()
    helper.begin()
    host, cdn, folder = recorded.start(), recorded.start(), helper.tmpdir()
    host:record("/repos/me/it/releases", {
      {
        query = "per_page=100", with = TOKEN,
        headers = { { "Link", '<{site}/repos/me/it/releases?page=2>; rel="next"' } },
        body = "[" .. release("v2", { asset(1, "it.tar.gz", 3, "two"), asset(2, "it.deb", 3) })
          .. "]",
      },
      { query = "page=2", with = TOKEN, body = "[" .. release("lib/v1", { asset(3, "it.deb", 3) })
        .. "]" },
      { status = 404 },
    })
    record_asset(1, "two")
    record_asset(2, "deb")
    record_asset(3, "old")
  end)

  after_each(function()
    host:stop()
    cdn:stop()
    helper.finish()
  end)

  local function fetch(...)
    local words = { "-d", folder, host.url .. "/repos/me/it", ... }
    words[#words + 1] = { env = { GITHUB_TOKEN = "s3cret" } }
    return recorded.load("releases", table.unpack(words))
  end

  it("puts each release into a folder of its own, those of further pages, too", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("two", helper.read(folder .. "/v2/it.tar.gz"))
    assert.equal("deb", helper.read(folder .. "/v2/it.deb"))
    assert.equal("old", helper.read(folder .. "/lib/v1/it.deb"))
  end)

  it("gives the token to the code host, and not to the one that it redirects to", function()
    assert.equal(0, fetch().status)
    assert.is_nil(cdn:requests("/bytes/1")[1]:header("authorization"))
  end)

  it("fetches only what matches", function()
    assert.equal(0, fetch("--set", "match=^v2/.*gz$").status)
    assert.equal("two", helper.read(folder .. "/v2/it.tar.gz"))
    assert.is_nil(helper.read(folder .. "/v2/it.deb"))
    assert.is_nil(helper.read(folder .. "/lib/v1/it.deb"))
  end)

  it("keeps no file whose digest is another", function()
    record_asset(1, "TWO")
    local result = fetch()
    assert.equal(32, result.status)
    assert.is_nil(helper.read(folder .. "/v2/it.tar.gz"))
    assert.equal("deb", helper.read(folder .. "/v2/it.deb"))
  end)

  it("fails with the host's answer when there is no such project", function()
    local result = fetch(host.url .. "/repos/me/other")
    assert.equal(3, result.status)
    assert.is_truthy(result.stderr:find("404", 1, true), result.stderr)
  end)
end)
