--- Names that items of a batch have taken: who asks for the same under the same name finds it.
-- SPDX-License-Identifier: MIT

local claims = require("luadl.batch.claims")
local merged = require("spec.support.merged")

describe("claims", function()
  local kept

  before_each(function() kept = claims.new(10) end)

  local function item(more)
    return { opts = merged({ url = "http://me:secret@a/x#part" }, more) }
  end

  -- The name is taken when the item wants it: whether by another one of the batch.
  local function is_taken(each, path)
    kept:take(each, path or "x")
    return kept:is_taken(each, path or "x")
  end

  it("are found by who asks for the same, as long as there is a file", function()
    local first = item()
    kept:take(first, "x")
    assert.is_true(is_taken(item()))
    assert.is_true(is_taken(item({ url = "http://a/x" })), "the one before had none")
    kept:drop(first)
    assert.is_false(is_taken(item()))
  end)

  it("are of one request and one name", function()
    kept:take(item(), "x")
    assert.is_false(is_taken(item(), "x (1)"))
    for _, other in ipairs({ { url = "http://a/x?" }, { range = { 0, 3 } }, { body = "a" } }) do
      assert.is_false(is_taken(item(other)))
    end
  end)

  it("are nobody's when the name turns out to be somebody else's", function()
    local first = item()
    assert.is_false(is_taken(first))
    assert.is_false(is_taken(item()))
    kept:take(first, "x (1)")
    assert.is_true(is_taken(item(), "x (1)"))
  end)

  it("are of all that want the name, whoever opens the file first", function()
    local first, second = item(), item()
    kept:take(first, "x")
    kept:take(second, "x")
    assert.is_true(kept:is_taken(first, "x"))
    assert.is_false(kept:is_taken(second, "x"), "the other one has given way")
  end)

  it("let nobody replace the file of another request", function()
    local first, other = item(), item({ url = "http://b/x" })
    assert.is_true(kept:may_replace(first, "x"))
    assert.is_true(kept:may_replace(item(), "x"))
    assert.is_false(kept:may_replace(other, "x"))
    kept:drop(first)
    assert.is_true(kept:may_replace(other, "x"), "the first one has no file")
  end)

  it("are given up for another name", function()
    local first = item()
    kept:take(first, "x")
    kept:take(first, "told")
    assert.is_false(is_taken(item()))
    assert.is_true(is_taken(item(), "told"))
  end)

  it("are forgotten after many others", function()
    local first = item()
    kept:take(first, "x")
    for number = 1, 15 do kept:take(item({ url = "http://a/" .. number }), "x") end
    assert.is_true(is_taken(item()))
    for number = 16, 25 do kept:take(item({ url = "http://a/" .. number }), "x") end
    assert.is_false(is_taken(item()))
  end)

  it("outlast another try of their item", function()
    local first = item()
    kept:take(first, "x")
    assert.is_false(is_taken(first))
  end)
end)
