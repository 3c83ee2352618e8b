-- How often something may begin.
-- SPDX-License-Identifier: MIT

local pacing = require("luadl.pacing")

describe("a pace", function()
  it("is read as how many in a second, and read again the same", function()
    for value, often in pairs({
      ["30/min"] = 0.5, ["30/m"] = 0.5, ["5/s"] = 5, ["7200/h"] = 2, ["1/day"] = 1 / 86400,
      [" 9 / 15m "] = 0.01, ["0.5/sec"] = 0.5, [4] = 4,
    }) do
      assert.equal(often, pacing.read(value))
      assert.equal(often, pacing.read(pacing.read(value)))
    end
  end)

  it("is refused with an example", function()
    for _, value in ipairs({
      "30", "0/s", "-1/s", "5/fortnight", "5/0s", "/s", "x/s", "1.2.3/s", 0, -1, 1e9,
    }) do
      local seconds, message = pacing.read(value)
      assert.is_nil(seconds)
      assert.equal(("expected a pace like '30/min', got '%s'"):format(value), message)
    end
    assert.is_nil(pacing.read(0 / 0))
    assert.is_nil(pacing.read({}))
  end)

  it("lets the first begin at once and the others at even distances", function()
    local pace = pacing.new(0.5)
    local delays = {}
    for index = 1, 4 do delays[index] = pace:take(100) end
    assert.same({ 0, 2, 4, 6 }, delays)
  end)

  it("doesn't make up for turns that nobody took", function()
    local pace = pacing.new(0.5)
    pace:take(100)
    assert.equal(0, pace:take(1000))
    assert.equal(2, pace:take(1000))
    assert.equal(0.5, pace:take(1003.5))
  end)
end)
