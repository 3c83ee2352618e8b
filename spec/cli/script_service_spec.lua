--- scripts/service.lua: two accounts at once, each with its own credentials.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local ALICE, BOB = { authorization = "^Bearer a%-token$" }, { authorization = "^Bearer b%-token$" }
local REFUSED = { status = 401 }

describe("scripts/service.lua", function()
  local site, other, folder

  before_each(function()
    helper.begin()
    site, other, folder = recorded.start(), recorded.start(), helper.tmpdir()
    local elsewhere = other:record("/shared.csv", {
      { with = { authorization = "^$" }, body = "shared" }, REFUSED,
    })
    local report = '[{"url":"{site}/reports/1.csv"},{"url":"%s"}]'
    site:record("/reports", {
      { with = ALICE, body = report:format(elsewhere) },
      { with = BOB, body = '[{"url":"{site}/reports/1.csv"}]' },
      REFUSED,
    })
    site:record("/reports/1.csv", {
      { with = ALICE, body = "alice's" }, { with = BOB, body = "bob's" }, REFUSED,
    })
  end)

  after_each(function()
    site:stop()
    other:stop()
    helper.finish()
  end)

  local function fetch(alice)
    return recorded.run("service", site.url, "ALICE", "BOB", {
      env = { ALICE = alice or "a-token", BOB = "b-token" }, cwd = folder,
    })
  end

  it("gives each account what is its own", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("alice's", helper.read(folder .. "/ALICE/1.csv"))
    assert.equal("bob's", helper.read(folder .. "/BOB/1.csv"))
  end)

  it("gives other hosts no credentials", function()
    assert.equal(0, fetch().status)
    assert.equal("shared", helper.read(folder .. "/ALICE/shared.csv"))
    assert.is_nil(other:requests("/shared.csv")[1]:header("authorization"))
  end)

  it("fails as a refused login when a token isn't right", function()
    local result = fetch("wrong")
    assert.equal(24, result.status, result.stderr)
    assert.is_nil(helper.read(folder .. "/ALICE/1.csv"))
  end)
end)
