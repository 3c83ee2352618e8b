--- The row of those who want to be told: order, removal, also in the midst of telling.
-- SPDX-License-Identifier: MIT

local listeners = require("luadl.listeners")
local random = require("spec.support.random")

local function told(row)
  local list = {}
  row:tell_all(function(value) list[#list + 1] = value end)
  return list
end

describe("listeners", function()
  it("are told once, in the order in which they came", function()
    local row = listeners.new()
    for number = 1, 4 do row:add(number) end
    assert.same({ 1, 2, 3, 4 }, told(row))
    assert.is_true(row:is_empty())
    assert.same({}, told(row))
  end)

  it("that were removed aren't told", function()
    local row = listeners.new()
    local handle = row:add("one")
    row:add("two")
    assert.is_true(row:remove(handle))
    assert.is_false(row:remove(handle))
    assert.same({ "two" }, told(row))
  end)

  it("may remove each other while they are told", function()
    local row, log = listeners.new(), {}
    local third
    row:add(function() row:remove(third) end)
    row:add(function() log[#log + 1] = "second" end)
    third = row:add(function() log[#log + 1] = "third" end)
    row:tell_all(function(listener) listener() end)
    assert.same({ "second" }, log)
  end)

  it("that come and go by the thousand leave no trace", function()
    local row = listeners.new()
    row:add("stays")
    for _ = 1, 10000 do row:remove(row:add("goes")) end
    assert.is_true(row.last - row.first < 20)
    assert.same({ "stays" }, told(row))
  end)

  it("keep their order whatever comes and goes between", function()
    for seed = 1, 50 do
      local draw, row, model = random.new(seed), listeners.new(), {}
      for number = 1, 300 do
        local what = draw(1, 5)
        if what <= 2 or #model == 0 then
          model[#model + 1] = { number, row:add(number) }
        elseif what <= 4 then
          row:remove(table.remove(model, draw(1, #model))[2])
        else
          assert.equal(table.remove(model, 1)[1], row:take_first())
        end
      end
      local list = told(row)
      assert.equal(#model, #list)
      for index, entry in ipairs(model) do assert.equal(entry[1], list[index]) end
    end
  end)
end)
