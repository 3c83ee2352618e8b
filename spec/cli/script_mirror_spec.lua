--- scripts/mirror.lua: folders below an index, and then only what has changed.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local INDEX = [[<html><h1>Index of /pub</h1><a href="?C=N;O=D">Name</a> <a href="/">Parent</a>
<a href="a%20b.txt">a b.txt</a> <a href="a%20b.txt"><img src="/icon.png"></a> <a href="sub/">sub</a>
<a href="http://other.example/pub/x">x</a><a href="..%2Fescaped">odd</a>]]
local JANUARY, MAY = "Mon, 01 Jan 2024 00:00:00 GMT", "Wed, 01 May 2024 00:00:00 GMT"

describe("scripts/mirror.lua", function()
  local site, folder

  local function record(path, date, body)
    site:record(path, { headers = { { "Last-Modified", date } }, body = body })
  end

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir() .. "/copy"
    site:record("/pub/", { body = INDEX })
    site:record("/pub/sub/", { body = '<a href="../">..</a><a href="deep.txt">deep.txt</a>' })
    record("/pub/a%20b.txt", JANUARY, "one")
    record("/pub/sub/deep.txt", JANUARY, "two")
    record("/pub/..%2Fescaped", JANUARY, "three")
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function mirror()
    return recorded.run("mirror", site.url .. "/pub/", folder)
  end

  local function statuses(path)
    local list = {}
    for index, request in ipairs(site:requests(path)) do list[index] = request.status end
    return list
  end

  it("fetches what is below the index, into the same folders", function()
    local result = mirror()
    assert.equal(0, result.status, result.stderr)
    assert.equal("one", helper.read(folder .. "/a b.txt"))
    assert.equal("two", helper.read(folder .. "/sub/deep.txt"))
    assert.equal(1, #site:requests("/pub/a%20b.txt"))
    assert.same({}, site:requests("/"))
    assert.is_false(helper.exists(folder .. "/../escaped"))
  end)

  it("fetches nothing again that hasn't changed, and what has takes its place", function()
    assert.equal(0, mirror().status)
    record("/pub/sub/deep.txt", MAY, "two, new")
    local result = mirror()
    assert.equal(0, result.status, result.stderr)
    assert.same({ 206, 304 }, statuses("/pub/a%20b.txt"))
    assert.equal("one", helper.read(folder .. "/a b.txt"))
    assert.equal("two, new", helper.read(folder .. "/sub/deep.txt"))
    assert.equal(folder .. "/sub/deep.txt\n", result.stdout)
  end)

  it("fetches a file again that was removed here", function()
    assert.equal(0, mirror().status)
    os.remove(folder .. "/a b.txt")
    assert.equal(0, mirror().status)
    assert.equal("one", helper.read(folder .. "/a b.txt"))
  end)

  it("fetches the others when a file is missing there, and says so", function()
    site:record("/pub/a%20b.txt", { status = 404 })
    local result = mirror()
    assert.equal(3, result.status, result.stderr)
    assert.equal("two", helper.read(folder .. "/sub/deep.txt"))
  end)
end)
