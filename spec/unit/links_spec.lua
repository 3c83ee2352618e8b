--- The Link header field as RFC 8288 and its hostile authors write it.
-- SPDX-License-Identifier: MIT

local links = require("luadl.links")

describe("links", function()
  it("finds targets by relation, the first of each", function()
    assert.same({ next = "/b?page=2", last = "/b?page=9" }, links.by_relation({
      '</b?page=2>; rel="next", </b?page=9>; rel="last"', '</other>; rel="next"',
    }))
  end)

  it("reads several relations of one link, tokens without quotes, names of any case", function()
    assert.same({ next = "a", ["http://x/rel"] = "a", prev = "c,d" },
      links.by_relation({ "<a> ; REL=\"Next http://x/rel\" , <c,d>;rel=prev" }))
  end)

  it("keeps commas, semicolons and escapes inside of quotes", function()
    assert.same({
      { target = "a", title = 'one, "two"; three', rel = "next" },
      { target = "b", rel = "prev" },
    }, links.parse({ [[<a>; title="one, \"two\"; three"; rel="next", <b>; rel=prev]] }))
  end)

  it("takes the first parameter of a name, and those without a value", function()
    assert.same({ { target = "a", rel = "x", crossorigin = "" } },
      links.parse({ "<a>; rel=x; rel=y; crossorigin" }))
  end)

  it("leaves out links of something else", function()
    assert.same({}, links.by_relation({ '<a>; rel="next"; anchor="#chapter"' }))
  end)

  it("skips what it can't read, up to the next comma", function()
    assert.same({ { target = "b", rel = "next" } }, links.parse({
      'nonsense, <unclosed; rel=next, <b>; rel=next', '<', "", ",,,",
    }))
    assert.same({ { target = "a" } }, links.parse({ '<a>; title="never closed, <b>; rel=next' }))
  end)

  it("takes no longer for what is made to take long", function()
    local began = os.clock()
    for _, piece in ipairs({ "<", "<a", "<a>;", ' ', '<a>; x="\\', ",", "<a>;=", '"' }) do
      links.by_relation({ piece:rep(65536) })
    end
    assert.is_true(os.clock() - began < 2, os.clock() - began)
  end)
end)
