--- scripts/sitemap.lua: an index of sitemaps, gzip, folders, and which pages are wanted.
-- SPDX-License-Identifier: MIT

local codec = require("luadl.codec")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local OPEN = '<?xml version="1.0"?><%s xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'

local function sitemap(root, entry, urls)
  local lines = { OPEN:format(root) }
  for _, url in ipairs(urls) do
    lines[#lines + 1] = ("<%s><loc> %s </loc></%s>"):format(entry, url, entry)
  end
  return table.concat(lines, "\n") .. ("</%s>"):format(root)
end

describe("scripts/sitemap.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    for _, page in ipairs({ "/docs/a.html", "/docs/deep%20er/b.html", "/c.pdf" }) do
      site:record(page, { body = "this is " .. page })
    end
    local docs = { site.url .. "/docs/a.html", site.url .. "/docs/deep%20er/b.html" }
    site:record("/docs.xml.gz", { body = codec.gzip(sitemap("urlset", "url", docs)) })
    site:record("/more.xml", { body = sitemap("urlset", "url", { "{site}/c.pdf" }) })
    site:record("/sitemap.xml", {
      body = sitemap("sitemapindex", "sitemap", { "{site}/docs.xml.gz", "{site}/more.xml" }),
    })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function copy(...)
    return recorded.load("sitemap", "-d", folder, ...)
  end

  it("follows an index, unpacks gzip, and makes the folders of the site", function()
    local result = copy(site.url .. "/sitemap.xml")
    assert.equal(0, result.status, result.stderr)
    assert.equal("this is /docs/a.html", helper.read(folder .. "/docs/a.html"))
    assert.equal("this is /docs/deep%20er/b.html", helper.read(folder .. "/docs/deep er/b.html"))
    assert.equal("this is /c.pdf", helper.read(folder .. "/c.pdf"))
  end)

  it("takes the pages that match", function()
    local result = copy("--set", "match=%.pdf$", site.url .. "/sitemap.xml")
    assert.equal(0, result.status, result.stderr)
    assert.equal("this is /c.pdf", helper.read(folder .. "/c.pdf"))
    assert.is_nil(helper.read(folder .. "/docs/a.html"))
    assert.same({}, site:requests("/docs/a.html"))
  end)

  it("has no opinion about other URLs", function()
    local result = copy(site.url .. "/c.pdf")
    assert.equal(0, result.status, result.stderr)
    assert.equal("this is /c.pdf", helper.read(folder .. "/c.pdf"))
  end)

  it("keeps the login from other hosts", function()
    local other = recorded.start()
    local page = other:record("/page.html", { with = { authorization = "^$" }, body = "other" })
    local more = other:record("/more.xml", {
      with = { authorization = "^$" }, body = sitemap("urlset", "url", { page }),
    })
    site:record("/sitemap.xml", {
      with = { authorization = "^Basic" }, body = sitemap("sitemapindex", "sitemap", { more }),
    })
    local result = copy("-u", "me:secret", site.url .. "/sitemap.xml")
    other:stop()
    assert.equal(0, result.status, result.stderr)
    assert.equal("other", helper.read(folder .. "/page.html"))
  end)

  it("says which sitemap can't be read", function()
    site:record("/more.xml", { body = "<urlset><url>" })
    local result = copy(site.url .. "/sitemap.xml")
    assert.equal(22, result.status)
    assert.is_truthy(result.stderr:find("not XML", 1, true), result.stderr)
  end)
end)
