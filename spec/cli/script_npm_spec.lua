--- scripts/npm.lua: the tarballs of a lock file, checked against their integrity.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local json = require("luadl.json")
local recorded = require("spec.support.recorded")

describe("scripts/npm.lua", function()
  local site, folder

  local function package(path, bytes, version)
    local resolved = site:record(path, { body = bytes })
    local integrity = "sha1-AAAA " .. digest.sri("sha512", bytes)
    return { version = version, resolved = resolved, integrity = integrity }
  end

  local function write_lock()
    local packages = {
      [""] = { name = "app", version = "0.1.0" },
      ["node_modules/left-pad"] = package("/left-pad/-/left-pad-1.3.0.tgz", "left", "1.3.0"),
      ["node_modules/@me/core"] = package("/@me/core/-/core-2.0.0.tgz", "core", "2.0.0"),
      ["node_modules/linked"] = { resolved = "packages/linked", link = true },
    }
    packages["node_modules/@me/core/node_modules/left-pad"] = packages["node_modules/left-pad"]
    local lock = json.encode({ lockfileVersion = 3, packages = packages })
    helper.write(folder .. "/package-lock.json", lock)
  end

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    write_lock()
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function fetch()
    return recorded.run("npm", folder .. "/package-lock.json", folder .. "/tarballs")
  end

  local function read(name)
    return helper.read(folder .. "/tarballs/" .. name)
  end

  it("fetches each tarball once, scoped ones under their whole name", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("left", read("left-pad-1.3.0.tgz"))
    assert.equal("core", read("@me_core-2.0.0.tgz"))
    assert.equal(1, #site:requests("/left-pad/-/left-pad-1.3.0.tgz"))
  end)

  it("asks for nothing that is there and right, and fetches again what is not", function()
    assert.equal(0, fetch().status)
    helper.write(folder .. "/tarballs/left-pad-1.3.0.tgz", "LEFT")
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("left", read("left-pad-1.3.0.tgz"))
    assert.equal(1, #site:requests("/@me/core/-/core-2.0.0.tgz"))
  end)

  it("keeps no tarball with another digest", function()
    site:record("/left-pad/-/left-pad-1.3.0.tgz", { body = "malware" })
    local result = fetch()
    assert.equal(32, result.status, result.stderr)
    assert.is_truthy(result.stderr:find("its sha512 is", 1, true), result.stderr)
    assert.is_nil(read("left-pad-1.3.0.tgz"))
  end)
end)
