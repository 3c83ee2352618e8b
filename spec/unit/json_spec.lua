--- JSON for scripts: exact integers, arrays that stay arrays, and what is refused.
-- SPDX-License-Identifier: MIT

local json = require("luadl.json")

local function again(text)
  return json.encode((assert(json.decode(text))))
end

describe("json.decode", function()
  it("keeps every digit of 64-bit integers", function()
    for _, text in ipairs({
      "0", "9007199254740993", "9223372036854775807", "-9223372036854775808", "-1",
    }) do
      assert.equal(text, tostring(json.decode(text)))
      assert.equal("integer", math.type(json.decode(text)))
    end
    assert.equal(2 ^ 64, (json.decode("18446744073709551616")))
  end)

  it("keeps null, and arrays and objects, empty ones too", function()
    assert.equal(json.null, json.decode("null"))
    assert.equal('{"a":[],"b":{},"c":[null,[{}]]}', again(' { "b":{}, "a":[],"c":[null,[{}]]}\n'))
  end)

  it("reads escapes and pairs of surrogates", function()
    assert.equal('"\\/\b\f\n\r\té😀', json.decode([["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]]))
  end)

  it("says where it can't read on", function()
    for text, position in pairs({
      [""] = 1, ["[1, 2"] = 6, ["{\"a\": }"] = 7, ["<html>"] = 1, ["[1] x"] = 5, ["nul"] = 1,
    }) do
      local value, err = json.decode(text)
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.equal(position, err.position, text)
      assert.truthy(tostring(err):find("^not JSON"))
    end
    assert.truthy(tostring(select(2, json.decode("[1]\n\n  x"))):find("line 3, column 3", 1, true))
  end)

  it("L-3: refuses what is nested without end", function()
    local value, err = json.decode(("["):rep(1000000))
    assert.is_nil(value)
    assert.equal("protocol", err.kind)
  end)
end)

describe("json.encode", function()
  it("sorts names, so that the same value is the same text", function()
    assert.equal('{"a":1,"b":[1,2],"c":{"x":true}}',
      json.encode({ c = { x = true }, b = { 1, 2 }, a = 1 }))
  end)

  it("has an empty array unless an object is meant", function()
    assert.equal("[]", json.encode({}))
    assert.equal("{}", json.encode(json.object()))
    assert.equal("[]", json.encode(json.array()))
  end)

  it("doesn't take a field n for a length", function()
    assert.equal('{"n":1000000000}', json.encode({ n = 1000000000 }))
    assert.equal('{"n":5}', again('{"n":5}'))
  end)

  it("writes floats so that they are read as the same", function()
    for _, value in ipairs({ 0.1, 0.1 + 0.2, 1 / 3, 1e300, 5e-324, -1.5, 2 ^ 53 + 0.0, 2 ^ 63 }) do
      assert.equal(value, (json.decode(json.encode(value))))
    end
    assert.equal("[0.1,9007199254740993]", json.encode({ 0.1, 9007199254740993 }))
  end)

  it("indents for people", function()
    assert.equal('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}',
      json.encode({ a = { 1, json.object() }, b = {} }, { indent = 2 }))
  end)

  it("refuses what JSON can't express", function()
    local circle = {}
    circle.self = circle
    for _, value in ipairs({
      print, 0 / 0, math.huge, -math.huge, "\255", { ["\xC0"] = 1 }, { 1, nil, 3 }, { 1, x = 2 },
      { [0] = 1 }, { [1.5] = 1 }, { [true] = 1 }, circle, coroutine.create(print),
    }) do
      local text, err = json.encode(value)
      assert.is_nil(text)
      assert.equal("usage", err.kind)
    end
  end)
end)
