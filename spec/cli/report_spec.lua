--- The rows of --report.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local helper = require("spec.support.helper")
local report = require("luadl.cli.report")
local tally = require("luadl.cli.tally")

local RESULT = {
  path = "f", size = 100, resumed = 20, elapsed = 2, url = "http://a/f", status = 200,
  etag = '"x"', checksum = "sha256:00",
}

local folder

local function counts()
  return tally.new(function() return 0 end)
end

local function play(name, finish)
  local path = folder .. "/" .. name
  local file, err = report.open(path, counts())
  if not file then return nil, err end
  finish(file)
  file:summary({ done = 1, failed = 1, total = 2 }, 3)
  local failure = file:close()
  return helper.read(path), failure
end

local function usual(file)
  file:finished({ url = "http://a/f" }, RESULT)
  file:finished({ url = "http://a/g" }, nil,
    errors.new("http_status", "a answered 404", { status = 404 }))
  file:finished({ url = "http://a/h" }, { skipped = "exists already", size = 5, elapsed = 1 })
end

describe("a report", function()
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)

  after_each(helper.finish)

  it("in JSON has a row for each file, and the summary", function()
    local object = assert(dkjson.decode(assert(play("r.json", usual))))
    assert.equal(report.VERSION, object.version)
    assert.equal(3, #object.files)
    assert.same({
      url = "http://a/f", path = "f", status = "ok", size = 100, fetched = 80, seconds = 2,
      speed = 40, tries = 1, http_status = 200, etag = '"x"', checksum = "sha256:00",
    }, object.files[1])
    assert.same({ "failed", 404, "http_status" }, {
      object.files[2].status, object.files[2].http_status, object.files[2].kind,
    })
    assert.same({ "skipped", 0 }, { object.files[3].status, object.files[3].fetched })
    assert.same({ 3, 1, 1, 2 }, {
      object.summary.status, object.summary.done, object.summary.failed, object.summary.total,
    })
  end)

  it("in CSV has quoted cells and no formulas", function()
    local text = assert(play("r.CSV", function(file)
      usual(file)
      file:finished({ url = "http://a/i" }, { path = "=cmd()|'x',\"y\"", size = 1, elapsed = 1 })
      file:finished({ url = "http://a/j" }, { path = "-2+3", size = 1, elapsed = 1 })
    end))
    local rows = {}
    for row in text:gmatch("([^\r\n]*)\r\n") do rows[#rows + 1] = row end
    assert.equal(table.concat(report.FIELDS, ","), rows[1])
    assert.equal('http://a/f,f,ok,100,80,2,40,1,200,"""x""",sha256:00,,', rows[2])
    assert.matches("^http://a/g,,failed,,0,0,0,1,404,,,http_status,a answered 404", rows[3])
    assert.matches([[^http://a/i,"'=cmd%(%)|'x',""y""",ok]], rows[5])
    assert.matches("^http://a/j,'%-2%+3,ok", rows[6])
    assert.equal(6, #rows)
  end)

  it("is complete JSON without any file, too", function()
    local object = assert(dkjson.decode(assert(play("r.json", function() end))))
    assert.same({}, object.files)
  end)

  it("leaves an earlier one alone until it is complete, and no scratch file", function()
    local path = folder .. "/r.csv"
    helper.write(path, "before")
    local file = assert(report.open(path, counts()))
    usual(file)
    assert.equal("before", helper.read(path))
    assert.is_nil(file:close())
    assert.matches("^url,path", helper.read(path))
    assert.is_false(helper.exists(path .. ".new"))
  end)

  it("never writes through a link in the scratch file's place", function()
    local victim = folder .. "/victim"
    helper.write(victim, "precious")
    assert.equal(0, helper.run({ "ln", "-s", victim, folder .. "/r.csv.new" }).status)
    assert(play("r.csv", usual))
    assert.equal("precious", helper.read(victim))
  end)

  it("that can't be written is refused before anything is asked for", function()
    local text, err = play("nowhere/r.csv", usual)
    assert.is_nil(text)
    assert.matches("^cannot write the report " .. folder:gsub("%p", "%%%0"), err.message)
  end)

  it("is refused, too, where a folder has its name", function()
    assert.equal(0, helper.run({ "mkdir", folder .. "/r.csv" }).status)
    local text, err = play("r.csv", usual)
    assert.is_nil(text)
    assert.matches("^cannot write the report: it is a folder", err.message)
  end)

  it("never replaces what was downloaded to its name", function()
    local path = folder .. "/r.csv"
    local file = assert(report.open(path, counts()))
    helper.write(path, "precious")
    local err = file:close()
    assert.matches("something else has got its name meanwhile; its rows are in ", err.message)
    assert.equal("precious", helper.read(path))
  end)

  it("that can't be published says so, and stays", function()
    local path = folder .. "/r.csv"
    local file = assert(report.open(path, counts()))
    assert.equal(0, helper.run({ "mkdir", path }).status)
    local err = file:close()
    assert.matches("^cannot write the report: .*; its rows are in .*/r%.csv%.new$", err.message)
    assert.matches("^url,path", helper.read(path .. ".new"))
  end)
end)
