--- What is there already: whether it is asked about, and what becomes of it.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local world = require("spec.support.world")

local CONTENT = ("x"):rep(100)
local BEFORE = 1000000000 -- seconds since the epoch; the file's date here

local OLDER = "Sun, 09 Sep 2001 01:46:39 GMT"
local EQUAL = "Sun, 09 Sep 2001 01:46:40 GMT"
local NEWER = "Sun, 09 Sep 2001 01:46:41 GMT"
local SECONDS = { [OLDER] = BEFORE - 1, [EQUAL] = BEFORE, [NEWER] = BEFORE + 1 }

describe("a file that is there", function()
  local folder, path, one

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
    helper.write(path, CONTENT)
    assert.equal(0, helper.run({ "touch", "-d", "@" .. BEFORE, path }).status)
    one = world.new()
    one.session.core.date = function(text) return SECONDS[text] end
  end)

  after_each(helper.finish)

  local function begin(opts)
    opts.dir = folder
    local download = one:download(opts)
    one:settle()
    return download, one:told("new")[1][1]
  end

  local function refuse(status)
    one:fault(1, { error = { kind = "http_status", message = "answered", status = status } })
    one:settle()
  end

  describe("is asked about on condition", function()
    it("by its date", function()
      local _, request = begin({ conditional = true })
      assert.equal(BEFORE, request.if_modified_since)
      assert.is_nil(request.if_none_match)
      assert.is_nil(request.target)
    end)

    it("by its ETag, where that is known", function()
      local _, request = begin({ conditional = true, known_etag = '"1"' })
      assert.equal('"1"', request.if_none_match)
    end)

    it("under the name that was given", function()
      helper.write(folder .. "/other", "")
      local _, request = begin({ conditional = true, output = "other" })
      assert.is_true(request.if_modified_since > BEFORE)
    end)

    it("if nobody else names it", function()
      local _, request = begin({ conditional = true, name = function() return "other" end })
      assert.is_nil(request.if_modified_since)
    end)

    for template, since in pairs({
      ["{name}{ext}"] = BEFORE, ["{modified:%Y}/../{name}{ext}"] = false,
    }) do
      it("if its place is known, as that of " .. template, function()
        assert(lfs.mkdir(folder .. "/" .. os.date("%Y")))
        local _, request = begin({ conditional = true, template = template })
        assert.equal(since, request.if_modified_since or false)
      end)
    end

    for _, date in ipairs({ -5, 0 }) do
      it("if it has a date that can be said, unlike " .. date, function()
        assert(lfs.touch(path, date, date))
        local download, request = begin({ conditional = true })
        assert.is_nil(request.if_modified_since)
        refuse(304)
        assert.equal("http_status", select(2, download:wait(0)).kind)
      end)
    end

    it("and stays when it still holds", function()
      local download = begin({ conditional = true })
      refuse(304)
      local result = assert(download:wait(0))
      assert.equal("not modified", result.skipped)
      assert.equal(path, result.path)
    end)

    it("and gives way when it doesn't", function()
      begin({ conditional = true })
      one:head(1, { headers = {} })
      one:settle()
      assert.is_true(one:told("start")[1][2].replace)
    end)
  end)

  it("isn't asked about unless that is wanted", function()
    local _, request = begin({})
    assert.is_nil(request.if_modified_since)
    one:head(1, { headers = {} })
    one:settle()
    assert.is_falsy(one:told("start")[1][2].replace)
  end)

  it("isn't asked about when there is none", function()
    os.remove(path)
    local download, request = begin({ conditional = true })
    assert.is_nil(request.if_modified_since)
    refuse(304)
    assert.equal("http_status", select(2, download:wait(0)).kind)
  end)

  describe("though nobody has said what to do then, makes the new one", function()
    local function warnings(head)
      local download = begin({})
      head.total = head.total or 100
      one:head(1, head)
      one:settle()
      one:fault(1, { stage = "open", error = { kind = "exists", message = "exists", errno = 17 } })
      one:settle()
      assert.equal("file (1).bin", one:told("start")[2][2].name)
      one:done(1, { path = folder .. "/file (1).bin" })
      one:settle()
      return assert(download:wait(0)).warnings
    end

    it("a second one, which is told of the first that looks the same", function()
      local head = { headers = { { "Last-Modified", EQUAL } } }
      local told = warnings(head)
      assert.equal(1, #told)
      assert.matches("file.bin is there with the same size and date: timestamps %(%-N%)", told[1])
    end)

    it("another one, if it looks so", function()
      assert.same({}, warnings({ headers = {} }))
    end)

    it("another one, if it is larger", function()
      assert.same({}, warnings({ headers = { { "Last-Modified", EQUAL } }, total = 101 }))
    end)
  end)

  for what, case in pairs({
    ["older, and as large"] = { OLDER, 100, false },
    ["as old, and as large"] = { EQUAL, 100, false },
    ["as old, and of unknown size"] = { EQUAL, nil, false },
    ["newer"] = { NEWER, 100, true },
    ["of another size"] = { OLDER, 101, true },
    ["without a date"] = { nil, 100, true },
  }) do
    it(("is compared with what is %s on the server"):format(what), function()
      local download = begin({ timestamps = true })
      local headers = case[1] and { { "Last-Modified", case[1] } } or {}
      one:head(1, { total = case[2] or false, headers = headers })
      one:settle()
      local start = one:told("start")[1]
      if case[3] then return assert.is_true(start[2].replace) end
      assert.is_nil(start)
      assert.equal("not modified", download:wait(0).skipped)
    end)
  end
end)
