--- Walking from page to page along their Link headers.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local page = require("luadl.page")
local pages = require("luadl.pages")
local merged = require("spec.support.merged")

describe("pages", function()
  local asked

  before_each(function() asked = {} end)

  -- `chain`: what each URL leads to; false: it fails.
  local function over(chain, opts)
    local function fetch(given)
      asked[#asked + 1] = given
      local next_url = chain[given.url]
      if next_url == false then return nil, errors.new("timeout") end
      local fields = next_url and { { "Link", ("<%s>; rel=next"):format(next_url) } } or {}
      return page.new({ status = chain.status or 200, headers = fields, url = given.url })
    end
    local given = merged({ url = "http://host/1" }, opts)
    local urls = {}
    for each, err in pages.each(fetch, given) do
      urls[#urls + 1] = each and each.url or err.kind
    end
    return urls
  end

  it("go on as long as there is a next one", function()
    assert.same({ "http://host/1", "http://host/2", "http://host/3" },
      over({ ["http://host/1"] = "2", ["http://host/2"] = "3" }))
  end)

  it("end with an error", function()
    assert.same({ "http://host/1", "timeout" },
      over({ ["http://host/1"] = "2", ["http://host/2"] = false }))
  end)

  it("end when they go in a circle", function()
    assert.same({ "http://host/1", "http://host/2", "protocol" },
      over({ ["http://host/1"] = "2", ["http://host/2"] = "1" }))
  end)

  it("end when there are too many", function()
    assert.same({ "http://host/1", "too_large" }, over({ ["http://host/1"] = "2" }, {
      max_pages = 1,
    }))
    assert.error_matches(function() over({}, { max_pages = 0 }) end, "max_pages")
  end)

  it("end with an answer that isn't one of success", function()
    assert.same({ "http://host/1" }, over({ ["http://host/1"] = "2", status = 404 }))
  end)

  it("are asked with the first one's options, but for its query and its body", function()
    over({ ["http://host/1"] = "2" }, { headers = { A = "b" }, query = { q = 1 }, retry = 3 })
    assert.same({ url = "http://host/1", headers = { A = "b" }, query = { q = 1 }, retry = 3 },
      asked[1])
    assert.same({ url = "http://host/2", headers = { A = "b" }, retry = 3 }, asked[2])
  end)

  it("get neither headers nor a login at another origin", function()
    over({ ["http://host/1"] = "http://other/2" }, { headers = { A = "b" }, user = "me:x" })
    assert.same({ url = "http://other/2" }, asked[2])
    asked = {}
    over({ ["http://host/1"] = "http://host:81/2" }, { user = "me:x" })
    assert.same({ url = "http://host:81/2" }, asked[2])
  end)
end)
