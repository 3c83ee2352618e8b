--- The heap of times: order, removal, many of them.
-- SPDX-License-Identifier: MIT

local random = require("spec.support.random")
local timers = require("luadl.timers")

local function nothing() end

local function drain(heap)
  local order = {}
  local timer = heap:take(math.huge)
  while timer do
    order[#order + 1] = timer
    timer = heap:take(math.huge)
  end
  return order
end

describe("timers", function()
  it("come the earliest first, of equals the older one", function()
    local heap = timers.new()
    local late, first, second = heap:add(2, nothing), heap:add(1, nothing), heap:add(1, nothing)
    assert.equal(first, heap:first())
    assert.same({ first, second, late }, drain(heap))
    assert.is_nil(heap:first())
  end)

  it("are taken only when they are due", function()
    local heap = timers.new()
    local timer = heap:add(5, nothing)
    assert.is_nil(heap:take(4.9))
    assert.equal(timer, heap:take(5))
    assert.equal(0, heap:count())
  end)

  it("may be removed at any time, and twice", function()
    local heap = timers.new()
    local timer = heap:add(5, nothing)
    heap:remove(timer)
    heap:remove(timer)
    assert.equal(0, heap:count())
    local taken = heap:add(1, nothing)
    heap:take(1)
    heap:add(7, nothing)
    heap:remove(taken)
    assert.equal(1, heap:count())
  end)

  it("keep their order whatever is added and removed between", function()
    for seed = 1, 50 do
      local draw, heap, model = random.new(seed), timers.new(), {}
      for number = 1, 200 do
        if draw(1, 3) < 3 or #model == 0 then
          model[#model + 1] = heap:add(draw(1, 40), nothing)
          model[#model].number = number
        else
          heap:remove(table.remove(model, draw(1, #model)))
        end
      end
      table.sort(model, function(one, other)
        if one.at ~= other.at then return one.at < other.at end
        return one.number < other.number
      end)
      assert.equal(#model, heap:count())
      for index, timer in ipairs(drain(heap)) do
        assert.is_true(timer == model[index], ("seed %d, place %d"):format(seed, index))
      end
    end
  end)
end)
