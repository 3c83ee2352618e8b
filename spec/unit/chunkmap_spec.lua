--- The picture of what is there and who fills what.
-- SPDX-License-Identifier: MIT

local chunkmap = require("luadl.chunkmap")
local text = require("luadl.text")
local merged = require("spec.support.merged")

local function map(changes)
  return merged({ total = 100, written = {}, streams = {} }, changes)
end

local function draw(given, columns, rows, style)
  return chunkmap.lines(given, chunkmap.labels(given.streams), columns, rows or 1, style or {})
end

local UNDER_WAY = map({
  written = { { 0, 24 }, { 50, 52 } },
  streams = {
    { stream = 4, position = 25, last = 49 }, { stream = 19, position = 53, last = 79 },
  },
})

describe("a chunk map", function()
  it("shows what is there, partly there, under way and missing", function()
    assert.same({ "##1--2--.." }, draw(UNDER_WAY, 10))
    assert.same({ "##########1---------", "+2---------........." },
      draw(map({ written = { { 0, 24 }, { 50, 50 } }, streams = {
        { stream = 1, position = 25, last = 49 }, { stream = 2, position = 53, last = 77 },
      } }), 20, 2))
  end)

  it("has block elements and colors where the terminal has them", function()
    assert.same({ "██1──2──··" }, draw(UNDER_WAY, 10, 1, { utf8 = true }))
    assert.same({ "##\27[32m1--\27[33m2--\27[0m.." }, draw(UNDER_WAY, 10, 1, { color = true }))
  end)

  it("shows a part as complete only when nothing of it is missing", function()
    assert.same({ "+" }, draw(map({ total = 2 ^ 40, written = { { 0, 2 ^ 40 - 2 } } }), 1))
    assert.same({ "#" }, draw(map({ total = 2 ^ 40, written = { { 0, 2 ^ 40 - 1 } } }), 1))
    assert.same({ "####" }, draw(map({ written = { { 0, 99 } } }), 4))
  end)

  it("has no more cells than bytes, and none without a total", function()
    assert.same({ "###" }, draw(map({ total = 3, written = { { 0, 2 } } }), 80, 4))
    assert.same({ "." }, draw(map({ total = 0 }), 80))
    assert.same({}, draw({ written = {}, streams = { { stream = 1, position = 5 } } }, 80))
  end)

  it("fills its columns exactly, wherever the parts begin", function()
    for seed = 1, 200 do
      local total = 1000 + seed * 7919
      local at, written = 0, {}
      while at + 40 < total and #written < 20 do
        local first = at + 1 + (seed * 31 + #written * 97) % math.floor(total / 25)
        local last = first + (seed * 17 + #written * 53) % math.floor(total / 30)
        if last >= total then break end
        written[#written + 1], at = { first, last }, last + 1
      end
      local stream = { stream = seed, position = math.min(at, total - 1) }
      local lines = draw(map({ total = total, written = written, streams = { stream } }), 37, 3)
      assert.equal(3, #lines)
      for _, line in ipairs(lines) do assert.equal(37, text.width(line)) end
    end
  end)

  it("survives a stream that is at the file's end", function()
    assert.same({ "###1" }, draw(map({ written = { { 0, 74 } }, streams = {
      { stream = 1, position = 100, last = 99 },
    } }), 4))
  end)
end)

describe("the labels of streams", function()
  local function streams(...)
    local list = {}
    for index, number in ipairs({ ... }) do list[index] = { stream = number, position = 0 } end
    return list
  end

  it("stay with their streams, and are used again", function()
    local labels = chunkmap.labels(streams(1, 2, 3))
    assert.same({ "1", "2", "3" }, labels)
    labels = chunkmap.labels(streams(1, 3, 9), labels)
    assert.same({ [1] = "1", [3] = "3", [9] = "2" }, labels)
  end)

  it("end in a common one", function()
    local many = {}
    for number = 1, 100 do many[number] = { stream = number, position = 0 } end
    local labels = chunkmap.labels(many)
    assert.equal("a", labels[10])
    assert.equal("Z", labels[61])
    assert.equal("+", labels[100])
  end)
end)

describe("the engine's words", function()
  it("are counted from the beginning of the part that is fetched", function()
    local read = chunkmap.read({
      total = 50,
      extents = { { 0, 99 }, { 100, 109 }, { 120, 124 } },
      streams = { { 3, 110, 119 }, { 4, 125 } },
    }, 100)
    assert.same({ { 0, 9 }, { 20, 24 } }, read.written)
    assert.same({ { stream = 3, position = 10, last = 19 }, { stream = 4, position = 25 } },
      read.streams)
  end)
end)
