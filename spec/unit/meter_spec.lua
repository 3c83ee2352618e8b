--- Speeds that can be read.
-- SPDX-License-Identifier: MIT

local meter = require("luadl.meter")

describe("a meter", function()
  it("says bytes per second", function()
    assert.equal(100, meter.new():sample(2, 200))
    assert.equal(50, meter.new(10, 1000):sample(12, 1100))
  end)

  it("changes twice a second at most, and smoothly", function()
    local one = meter.new()
    assert.equal(100, one:sample(1, 100))
    assert.equal(100, one:sample(1.4, 5000))
    assert.equal(0.4 * 400 + 0.6 * 100, one:sample(2, 500))
  end)

  it("copes with time that stands still and bytes that are dropped", function()
    assert.equal(0, meter.new(5):sample(5, 100))
    local one = meter.new()
    one:sample(1, 100)
    assert.equal(60, one:sample(2, 0))
  end)
end)
