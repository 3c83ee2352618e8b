--- scripts/podcast.lua: each episode once, over several runs.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local FEED = [[<?xml version="1.0"?><rss version="2.0"><channel><title>Talks</title>
<item><title>Two: loops</title><guid>id-2</guid><enclosure url="/media/b.mp3?x=1"
  type="audio/mpeg" length="3"/></item>
<item><title>Only text</title><guid>id-0</guid></item>
<item><title>One</title><enclosure url="{site}/media/a.mp3" type="audio/mpeg"/></item>
%s</channel></rss>]]

local THIRD = '<item><title>Three</title><guid>id-3</guid><enclosure url="/media/c.ogg"/></item>'

describe("scripts/podcast.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    site:record("/feed.xml", { headers = { { "ETag", '"1"' } }, body = FEED:format("") })
    site:record("/media/a.mp3", { body = "one" })
    site:record("/media/b.mp3", { body = "two" })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function fetch()
    return recorded.run("podcast", site.url .. "/feed.xml", folder, {
      env = { XDG_DATA_HOME = folder .. "/data" },
    })
  end

  it("names the episodes by their titles", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("one", helper.read(folder .. "/One.mp3"))
    assert.equal("two", helper.read(folder .. "/Two_ loops.mp3"))
  end)

  it("fetches an episode once, and the feed only when it has changed", function()
    fetch()
    os.remove(folder .. "/One.mp3")
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal(1, #site:requests("/media/a.mp3"))
    assert.equal(304, site:requests("/feed.xml")[2].status)
    site:record("/feed.xml", { headers = { { "ETag", '"2"' } }, body = FEED:format(THIRD) })
    site:record("/media/c.ogg", { body = "three" })
    assert.equal(0, fetch().status)
    assert.equal("three", helper.read(folder .. "/Three.ogg"))
  end)

  it("fetches the others when one fails, says so, and tries that one again next time", function()
    site:record("/media/b.mp3", { status = 404 })
    local result = fetch()
    assert.equal(3, result.status)
    assert.matches("^luadl: .* answered 404[^\n]*\n$", result.stderr)
    assert.equal("one", helper.read(folder .. "/One.mp3"))
    site:record("/media/b.mp3", { body = "two" })
    assert.equal(0, fetch().status)
    assert.equal("two", helper.read(folder .. "/Two_ loops.mp3"))
  end)
end)
