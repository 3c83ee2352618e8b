--- Counters as text.
-- SPDX-License-Identifier: MIT

local progress = require("luadl.progress")
local text = require("luadl.text")
local merged = require("spec.support.merged")

local MIB = 1048576

local function stats(changes)
  local usual = { name = "big.iso", received = 42 * MIB, total = 100 * MIB, speed = 2 * MIB }
  return merged(usual, changes)
end

describe("progress", function()
  it("says 100 % only when nothing is missing", function()
    assert.equal(42, progress.percent(stats()))
    assert.equal(99, progress.percent({ received = 2 ^ 50 - 1, total = 2 ^ 50 }))
    assert.equal(100, progress.percent({ received = 5, total = 5 }))
  end)

  it("copes with empty files and unknown totals", function()
    assert.equal(100, progress.percent({ received = 0, total = 0 }))
    assert.is_nil(progress.percent({ received = 7 }))
    assert.is_nil(progress.eta({ received = 7, speed = 1 }))
    assert.is_nil(progress.eta(stats({ speed = 0 })))
  end)

  it("tells the time to go from the present speed", function()
    assert.equal(29, progress.eta(stats()))
  end)

  it("draws a bar of the width asked for", function()
    assert.equal("[==>  ]", progress.bar({ received = 60, total = 100 }, 7))
    assert.equal("[     ]", progress.bar({ received = 0, total = 100 }, 7))
    assert.equal("[=====]", progress.bar({ received = 100, total = 100 }, 7))
  end)

  it("marks in the bar what an earlier run brought", function()
    assert.equal("[--=> ]", progress.bar({ received = 80, resumed = 40, total = 100 }, 7))
    assert.equal("[--   ]", progress.bar({ received = 40, resumed = 40, total = 100 }, 7))
    assert.equal("[--===]", progress.bar({ received = 100, resumed = 40, total = 100 }, 7))
  end)

  it("shows name, bar, percent, bytes, speed and time to go on one line", function()
    local line = progress.line(stats(), 100)
    assert.matches("^big%.iso +%[=+> +%] +42%%  +42%.0 MiB  +2%.0 MiB/s  +29s$", line)
  end)

  it("rather leaves bytes and connections out than the bar", function()
    for columns = 60, 200 do
      assert.matches("%[=.* %d+%% .*/s +29s", progress.line(stats(), columns))
    end
  end)

  it("fits every width and never fills more", function()
    local names = { "x", ("long"):rep(30) .. ".iso", ("\230\188\162"):rep(60), "\27]0;evil\7" }
    for _, name in ipairs(names) do
      for columns = 20, 200 do
        local made = stats({ name = name })
        if columns % 3 == 0 then made.total = nil end
        local line = progress.line(made, columns)
        assert.is_true(text.width(line) <= columns, line)
        assert.is_nil(line:find("%c"))
      end
    end
  end)

  it("takes the short name where the long one would be cut", function()
    local made = stats({ name = "1 of 6 files, 2 failed", short = "1/6, 2 failed" })
    assert.matches("^1/6, 2 failed +%[", progress.line(made, 79))
    assert.matches("^1 of 6 files, 2 failed +%[", progress.line(made, 110))
    assert.equal("1/6, 2 failed   42%", progress.line(made, 19))
  end)

  it("names a file that has no name yet by its URL", function()
    local line = progress.line({ url = "http://a/b", received = 0 }, 80)
    assert.matches("^http://a/b ", line)
  end)

  it("says of a finished file its size, time and speed", function()
    local line = progress.finished({ path = "iso/big.iso", size = 24 * MIB, elapsed = 12 })
    assert.equal("iso/big.iso  24.0 MiB in 12s, 2.0 MiB/s", line)
    assert.equal("e  0 B in 1ms", progress.finished({ path = "e", size = 0, elapsed = 0 }))
  end)
end)
