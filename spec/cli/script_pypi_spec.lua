--- scripts/pypi.lua: a page of links whose fragments are digests.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local PAGE = [[<!DOCTYPE html><html><head><link href="/style.css"></head><body>
<a href="../../files/it-1.0.tar.gz#sha256=%s" data-requires-python="&gt;=3">it-1.0.tar.gz</a>
<a href="{site}/files/it-1.1%%2Blocal-py3-none-any.whl#sha256=%s">it-1.1</a>
<a href="../../files/it-0.9.tar.gz#md5=00" data-yanked="broken">it-0.9.tar.gz</a>]]

describe("scripts/pypi.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    local page = PAGE:format(digest.hex("sha256", "source"), digest.hex("sha256", "wheel"))
    site:record("/simple/it/", { headers = { { "Content-Type", "text/html" } }, body = page })
    site:record("/files/it-1.0.tar.gz", { body = "source" })
    site:record("/files/it-1.1%2Blocal-py3-none-any.whl", { body = "wheel" })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function fetch(...)
    return recorded.load("pypi", "-d", folder, site.url .. "/simple/it/", ...)
  end

  it("fetches the files of a package, but none that was taken back", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal("source", helper.read(folder .. "/it-1.0.tar.gz"))
    assert.equal("wheel", helper.read(folder .. "/it-1.1+local-py3-none-any.whl"))
    assert.same({}, site:requests("/files/it-0.9.tar.gz"))
  end)

  it("fetches only what matches", function()
    assert.equal(0, fetch("--set", "match=whl$").status)
    assert.equal("wheel", helper.read(folder .. "/it-1.1+local-py3-none-any.whl"))
    assert.is_nil(helper.read(folder .. "/it-1.0.tar.gz"))
  end)

  it("keeps no file whose digest is another", function()
    site:record("/files/it-1.0.tar.gz", { body = "Source" })
    local result = fetch()
    assert.equal(32, result.status)
    assert.is_truthy(result.stderr:find("its sha256 is", 1, true), result.stderr)
    assert.is_nil(helper.read(folder .. "/it-1.0.tar.gz"))
    assert.equal("wheel", helper.read(folder .. "/it-1.1+local-py3-none-any.whl"))
  end)
end)
