--- What observers of a download's trace see: the engine's steps and the policies' decisions.
-- SPDX-License-Identifier: MIT

local merged = require("spec.support.merged")
local world = require("spec.support.world")

local CHANGED = { kind = "remote_changed", message = "another ETag" }

describe("on_trace", function()
  local here, seen

  before_each(function() here, seen = world.new(), {} end)

  local function look(event) seen[#seen + 1] = event end

  local function begin(opts)
    local all = merged({ on_trace = look }, opts)
    local download = here:download(all)
    here:settle()
    return download
  end

  local function steps()
    local words = {}
    for _, event in ipairs(seen) do words[#words + 1] = event.step end
    return table.concat(words, " ")
  end

  local function last(step)
    for index = #seen, 1, -1 do
      if seen[index].step == step then return seen[index] end
    end
    return nil
  end

  local function engine_step(download, name)
    download:handle({
      kind = "trace", id = download.id, step = name, time = here.time, message = "m", stream = 2,
      range = { 0, 9 },
    })
  end

  it("sees the engine's steps among the decisions, in order", function()
    local download = begin()
    assert.is_true(here:told("new")[1][1].trace)
    engine_step(download, "first_byte")
    here:head(download.id)
    here:settle()
    here:fault(download.id, { stream = 2 })
    here:settle()
    engine_step(download, "split")
    here:done(download.id)
    assert(download:wait(10))
    assert.equal("start first_byte name fault retry split done", steps())
    assert.equal(2, last("retry").stream)
    assert.is_number(last("retry").delay)
    assert.equal("file.bin", last("done").path)
    assert.equal(download, last("split").download)
    assert.is_nil(last("split").id)
  end)

  it("sees why the name is another one", function()
    local download = begin()
    here:head(download.id)
    here:settle()
    here:taken(download.id)
    here:settle()
    assert.equal("exists: rename", last("exists").message)
    here:done(download.id)
    assert(download:wait(10))
  end)

  it("sees a changed file, a fresh link and the end in failure", function()
    local download = begin({ changed = "fail" })
    here:head(download.id)
    here:settle()
    assert(download:renew("http://me:pw@host/fresh"))
    here:settle()
    assert.equal(download.url, last("renew").url)
    here:fault(download.id, { error = CHANGED })
    local _, err = download:wait(10)
    assert.equal("remote_changed", err.kind)
    assert.equal("another ETag: fail", last("changed").message)
    assert.equal(err, last("error").error)
  end)

  it("may wait; nothing is lost or reordered, and the end comes after it", function()
    local download
    download = begin({ on_trace = function(event)
      here.loop:sleep(1)
      seen[#seen + 1] = event
    end })
    here:head(download.id)
    here:settle()
    here:done(download.id)
    assert(download:wait(100))
    assert.equal("start name done", steps())
    assert.equal(3, here:elapsed())
  end)

  it("fails its own download by what it throws", function()
    local download = begin({ on_trace = function() error("oops") end })
    local other = here:download()
    here:settle()
    local _, err = download:wait(10)
    assert.equal("callback", err.kind)
    assert.truthy(err.message:find("on_trace", 1, true))
    here:head(other.id)
    here:settle()
    here:done(other.id)
    assert(other:wait(10))
  end)

  it("costs the engine nothing when nobody looks on", function()
    here:download()
    here:settle()
    assert.is_false(here:told("new")[1][1].trace)
  end)
end)
