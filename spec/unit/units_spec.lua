--- Sizes and times to numbers and back.
-- SPDX-License-Identifier: MIT

local units = require("luadl.units")

local function refuses(parse, value)
  local number, err = parse(value)
  assert.is_nil(number, tostring(value))
  assert.is_true(err:is("usage"))
  assert.is_truthy(err.message:find(tostring(value), 1, true), err.message)
end

describe("units.bytes", function()
  it("reads binary units in every usual spelling", function()
    local sizes = {
      ["0"] = 0,
      ["1000"] = 1000,
      ["100B"] = 100,
      ["1k"] = 1024,
      ["64KiB"] = 65536,
      ["64kb"] = 65536,
      ["16M"] = 16777216,
      [" 16 MiB "] = 16777216,
      ["1.5G"] = 1610612736,
      [".5K"] = 512,
      ["2T"] = 2199023255552,
    }
    for text, size in pairs(sizes) do assert.equal(size, units.bytes(text), text) end
  end)

  it("gives integers", function()
    if not math.type then return end
    for _, value in ipairs({ "1.5G", "16M", "7", 7, 7.0, "0.3K" }) do
      assert.equal("integer", math.type(units.bytes(value)), value)
    end
  end)

  it("is exact past 2^53", function()
    if not math.type then return end
    assert.equal(9007199254740993, units.bytes("9007199254740993"))
    assert.equal(9007199254740993, units.bytes(9007199254740993))
  end)

  it("refuses what is no size and names it", function()
    local values = { "", "M", ".", "12Q", "12 M B", "-1", "1e3", "0x10", "1.5", "12i", "12iB",
      "1,5G", "16M!", -1, 1.5, "8388608T", "99999999999999999999", 2 ^ 63, math.huge, 0 / 0, true }
    for _, value in ipairs(values) do refuses(units.bytes, value) end
    refuses(units.bytes, nil)
  end)
end)

describe("units.duration", function()
  it("reads seconds, single units and compounds", function()
    local times = {
      ["90"] = 90,
      ["2.5"] = 2.5,
      ["500ms"] = 0.5,
      ["45s"] = 45,
      ["1m30s"] = 90,
      ["1m 30s"] = 90,
      ["1.5h"] = 5400,
      ["2H"] = 7200,
      ["1d2h3m4s500ms"] = 93784.5,
    }
    for text, seconds in pairs(times) do assert.equal(seconds, units.duration(text), text) end
    assert.equal(0.25, units.duration(0.25))
    assert.equal(0, units.duration(0))
  end)

  it("refuses what is no time and names it", function()
    local values = { "", "s", "1x", "30s1m", "1m1m", "1m30", "-5s", "1..5s", "m30", "1 2",
      -1, math.huge, 0 / 0, true }
    for _, value in ipairs(values) do refuses(units.duration, value) end
    refuses(units.duration, nil)
  end)
end)

describe("units.format_bytes", function()
  it("writes whole bytes below one KiB and one decimal above", function()
    assert.equal("0 B", units.format_bytes(0))
    assert.equal("1023 B", units.format_bytes(1023))
    assert.equal("1.0 KiB", units.format_bytes(1024))
    assert.equal("1.5 GiB", units.format_bytes(1610612736))
    assert.equal("8.0 EiB", units.format_bytes(2 ^ 63))
  end)

  it("goes to the next unit instead of writing 1024.0", function()
    assert.equal("1.0 MiB", units.format_bytes(2 ^ 20 - 1))
    assert.equal("1.0 GiB", units.format_bytes(2 ^ 30 - 1))
    assert.equal("1023.9 KiB", units.format_bytes(1023.9 * 1024))
  end)

  it("writes rates as sizes per second", function()
    assert.equal("1.5 MiB/s", units.format_rate(1.5 * 2 ^ 20))
    assert.equal("12 B/s", units.format_rate(12.7))
  end)
end)

describe("units.format_duration", function()
  it("writes the two largest units", function()
    local texts = {
      [0] = "0s",
      [0.0001] = "0s",
      [0.5] = "500ms",
      [0.9999] = "1s",
      [4.21] = "4.2s",
      [9.99] = "10s",
      [45] = "45s",
      [59.6] = "1m",
      [90] = "1m30s",
      [3600] = "1h",
      [3661] = "1h1m",
      [93784] = "1d2h",
    }
    for seconds, text in pairs(texts) do assert.equal(text, units.format_duration(seconds)) end
  end)

  it("writes a question mark for what is not finite", function()
    assert.equal("?", units.format_duration(math.huge))
    assert.equal("?", units.format_duration(0 / 0))
    assert.equal("?", units.format_duration(-1))
  end)

  it("writes what duration reads", function()
    for _, seconds in ipairs({ 0, 0.25, 1, 7.5, 59, 60, 61, 3599, 3600, 86400, 90000 }) do
      local back = units.duration(units.format_duration(seconds))
      assert.is_true(math.abs(back - seconds) <= seconds / 60, seconds)
    end
  end)
end)
