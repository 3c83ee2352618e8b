--- scripts/nightly.lua: what a file of checksums lists, only what changed, and a status that says.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

describe("scripts/nightly.lua", function()
  local site, folder

  local function record(files)
    local lines = {}
    for name, bytes in pairs(files) do
      lines[#lines + 1] = ("%s  %s\n"):format(digest.hex("sha256", bytes), name)
      site:record("/nightly/" .. name:gsub(" ", "%%20"), { body = bytes })
    end
    site:record("/nightly/SHA256SUMS", { body = table.concat(lines) })
  end

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    record({ ["image one.iso"] = "one", ["arm/image.iso"] = "two" })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function run()
    return recorded.load("nightly", "-q", "--jobs", "2", "-d", folder,
      site.url .. "/nightly/SHA256SUMS")
  end

  it("fetches what is listed, without a word", function()
    local result = run()
    assert.equal(0, result.status, result.stderr)
    assert.equal("", result.stdout .. result.stderr)
    assert.equal("one", helper.read(folder .. "/image one.iso"))
    assert.equal("two", helper.read(folder .. "/arm/image.iso"))
  end)

  it("asks for the list alone when nothing has changed", function()
    assert.equal(0, run().status)
    assert.equal(0, run().status)
    assert.equal(1, #site:requests("/nightly/image%20one.iso"))
    assert.equal(1, #site:requests("/nightly/arm/image.iso"))
  end)

  it("replaces what has changed, there or here", function()
    assert.equal(0, run().status)
    record({ ["image one.iso"] = "one, new", ["arm/image.iso"] = "two" })
    helper.write(folder .. "/arm/image.iso", "damaged")
    assert.equal(0, run().status)
    assert.equal("one, new", helper.read(folder .. "/image one.iso"))
    assert.equal("two", helper.read(folder .. "/arm/image.iso"))
  end)

  it("keeps the old file, and fails, when the new one has another digest", function()
    assert.equal(0, run().status)
    record({ ["image one.iso"] = "one, new", ["arm/image.iso"] = "two" })
    site:record("/nightly/image%20one.iso", { body = "one, bad" })
    local result = run()
    assert.equal(32, result.status, result.stderr)
    assert.equal("one", helper.read(folder .. "/image one.iso"))
  end)

  it("fails when there is no list", function()
    site:record("/nightly/SHA256SUMS", { status = 404 })
    assert.equal(3, run().status)
  end)
end)
