--- Header fields: order, case, several values of one name.
-- SPDX-License-Identifier: MIT

local headers = require("luadl.headers")

describe("luadl.headers", function()
  local fields

  before_each(function()
    fields = headers.new({
      { "Content-Type", "text/plain" },
      { "Set-Cookie", "a=1" },
      { "ETag", '"x"' },
      { "set-cookie", "b=2" },
    })
  end)

  local function text()
    local lines = {}
    for name, value in fields:each() do lines[#lines + 1] = name .. ": " .. value end
    return table.concat(lines, ", ")
  end

  it("finds the first value of a name in any case", function()
    assert.equal("text/plain", fields:get("content-TYPE"))
    assert.equal("a=1", fields:get("Set-Cookie"))
    assert.is_nil(fields:get("Content"))
  end)

  it("finds all values of a name in order", function()
    assert.same({ "a=1", "b=2" }, fields:all("SET-COOKIE"))
    assert.same({}, fields:all("Accept"))
  end)

  it("walks over the fields in order with names as they were written", function()
    assert.equal('Content-Type: text/plain, Set-Cookie: a=1, ETag: "x", set-cookie: b=2', text())
  end)

  it("appends a field", function()
    fields:add("etag", '"y"')
    assert.same({ '"x"', '"y"' }, fields:all("ETag"))
    assert.equal(5, #fields)
  end)

  it("replaces all fields of a name at the place of the first", function()
    fields:set("SET-COOKIE", "c=3")
    assert.equal('Content-Type: text/plain, SET-COOKIE: c=3, ETag: "x"', text())
  end)

  it("appends a field that is set for the first time", function()
    fields:set("Accept", "*/*")
    assert.equal("*/*", fields:list()[5][2])
  end)

  it("removes all fields of a name and says how many", function()
    assert.equal(2, fields:remove("set-cookie"))
    assert.equal(0, fields:remove("set-cookie"))
    assert.equal('Content-Type: text/plain, ETag: "x"', text())
  end)

  it("counts its fields", function()
    assert.equal(4, #fields)
    assert.equal(4, fields:len())
    assert.equal(0, headers.new():len())
  end)

  it("hands out copies", function()
    local list = fields:list()
    list[1][2] = "changed"
    assert.equal("text/plain", fields:get("content-type"))
  end)

  it("does not keep the tables that it was made from", function()
    local given = { { "A", "1" } }
    local copy = headers.new(given)
    given[1][2] = "2"
    assert.equal("1", copy:get("a"))
  end)

  it("refuses names and values that are not strings, and is unchanged by it", function()
    assert.has_error(function() fields:add("", "x") end, "a header name must be a string")
    assert.has_error(function() fields:add("A", 5) end, "the value of header 'A' must be a string")
    assert.has_error(function() fields:set("ETag", nil) end)
    assert.equal(4, #fields)
  end)
end)
