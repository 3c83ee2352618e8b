--- Streams on a virtual clock: what the reader is given, and when it waits.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local options = require("luadl.options")
local reading = require("luadl.reading")
local run = require("luadl.run")
local stream = require("luadl.stream")
local world = require("spec.support.world")

local here, blocks

local function open(opts)
  return stream.new(here:download(opts, "reading"))
end

-- From then on `bytes` can be read.
local function bring(id, seconds, bytes)
  here:at(seconds, function()
    blocks[#blocks + 1] = bytes
    here:data(id)
  end)
end

-- What the reader is given within so many seconds: bytes, and how it ended.
local function read_all(source)
  local list, ended = {}, nil
  here.loop:spawn("reader", function()
    local bytes, err = source:read()
    while bytes do
      list[#list + 1] = bytes
      bytes, err = source:read()
    end
    ended = err and err.kind or "end"
  end)
  here:run_until(20)
  return list, ended
end

describe("a stream", function()
  before_each(function()
    here, blocks = world.new(), {}
    here.answers.read = function() return table.remove(blocks, 1) end
  end)

  it("asks the engine for a window, and for no target", function()
    open({ ahead = "2M" })
    here:head(1)
    here:settle()
    assert.equal(2097152, here:told("new")[1][1].ahead)
    assert.is_nil(here:told("new")[1][1].target)
    assert.equal(1, here:told("start")[1][1])
    assert.is_nil(here:told("start")[1][2])
  end)

  it("waits for bytes, and ends after the last one", function()
    local source = open()
    here:head(1)
    bring(1, 2, "a")
    bring(1, 5, "b")
    here:at(6, function() here:done(1, { received = 2 }) end)
    local list, ended = read_all(source)
    assert.same({ "a", "b" }, list)
    assert.equal("end", ended)
    assert.equal(2, source:result().size)
  end)

  it("gives what is there without waiting", function()
    local source = open()
    assert.is_nil(source:take())
    blocks[1] = "x"
    assert.equal("x", source:take())
    assert.is_false(source:ended())
  end)

  it("tells its failure once as an iterator", function()
    local source = open()
    here:at(1, function() here:done(1, { error = { kind = "connect", message = "refused" } }) end)
    local answers = {}
    here.loop:spawn("reader", function()
      for _ = 1, 2 do answers[#answers + 1] = { source() } end
    end)
    here:run_until(2)
    assert.is_false(answers[1][1])
    assert.equal("connect", answers[1][2].kind)
    assert.same({}, answers[2])
  end)

  it("begins anew while nothing was read, and never after that", function()
    local changed = { error = { kind = "remote_changed", message = "it has changed" } }
    local source = open()
    here:head(1)
    here:fault(1, changed)
    here:settle()
    assert.is_true(here:told("retry")[1][3].restart)
    blocks[1] = "x"
    source:take()
    here:fault(1, changed)
    here:settle()
    assert.equal(1, #here:told("retry"))
    assert.equal("remote_changed", source.download.error.kind)
  end)

  it("is compared with its checksum while it is read", function()
    for text, kind in pairs({ right = "end", wrong = "checksum" }) do
      here = world.new()
      here.answers.read = function() return table.remove(blocks, 1) end
      local source = open({ checksum = "sha256:" .. digest.hex("sha256", "right") })
      here:head(1)
      bring(1, 1, text)
      here:at(2, function() here:done(1) end)
      local _, ended = read_all(source)
      assert.equal(kind, ended)
      assert.equal(kind == "end" or nil, source:result() and source:result().verified)
    end
  end)

  it("is refused where a policy wants the complete file", function()
    local source = open({ verify = function() end })
    here:settle()
    assert.equal("usage", source.download.error.kind)
    assert.same({}, here:told("new"))
  end)

  it("knows which options are of files", function()
    assert.matches("'output'", reading.refusal({ output = "x" }))
    assert.matches("'resume'", reading.refusal({ resume = "x.part" }))
    assert.is_nil(reading.refusal({ resume = false, ahead = 1, checksum = "x" }))
    assert.matches("below the minimum", select(2, options.read({ ahead = 0 }, "session")))
  end)

  it("is waited for by no program", function()
    run(here.loop, function() open() end) -- would wait for ever
    local download = here.session.downloads[1]
    assert.is_false(download.ended.fired)
    download:cancel()
    here:settle()
    assert.is_true(download.ended.fired)
  end)
end)
