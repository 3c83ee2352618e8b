--- The objects of --json beside their documentation.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local helper = require("spec.support.helper")
local json = require("luadl.cli.json")
local tally = require("luadl.cli.tally")

-- Facts of every name: what is picked shows which names are.
local EVERYTHING = setmetatable({}, { __index = function(_, name)
  return name == "url" and "http://me:secret@a/f" or 1
end })

local FAULT = {
  url = "http://a/f", attempt = 2, error = errors.new("connect", "refused", { range = { 0, 1 } }),
}

local function new_report()
  local written = {}
  local stream = {
    write = function(_, line) written[#written + 1] = line end,
    flush = function() end,
  }
  local world = { now = function() return 1 end, version = "1.2.3", stderr = stream }
  local counts = tally.new(world.now)
  return json.new(world, {}, counts, stream), written
end

local function play()
  local report, written = new_report()
  local download = { url = "http://a/f", stats = function() return EVERYTHING end }
  FAULT.download = download
  report:started(download)
  report:tick()
  report:retry(FAULT, 1, { url = "http://me:secret@b/f", fewer = true, renew = true })
  report:trace({ step = "dns", time = 1, message = "m", stream = 1, download = download })
  report:finished(download, EVERYTHING)
  report:started(download)
  report:postponed(download)
  report:started(download)
  report:finished(download, nil, errors.new("io", "no", { attempt = 2, url = "http://a" }))
  report:skip({ url = "http://a/g" }, { url = "http://a/g", skipped = "in the archive" })
  report:summary({ done = 1, failed = 1, skipped = 1, total = 3 }, 17)
  return written
end

local function objects()
  local list = {}
  for index, line in ipairs(play()) do list[index] = assert(dkjson.decode(line)) end
  return list
end

local function set(list)
  local names = {}
  for _, name in ipairs(list) do names[name] = true end
  return names
end

describe("--json", function()
  it("shows no key of a URL in what --why tells", function()
    local report, written = new_report()
    report:trace({ step = "redirect", time = 1, message = "from h?sig=abc", download = {},
      url = "http://h/f?X-Amz-Signature=def&x=1" })
    assert.matches('"message":"from h%?sig=%.%.%."', written[1])
    assert.matches('"url":"http://h/f%?X%-Amz%-Signature=%.%.%.&x=1"', written[1])
  end)

  it("begins with its version also where a line of a list fails first", function()
    local report, written = new_report()
    report:finished({}, nil, errors.new("usage", "list:1: no URL"))
    assert.matches('^{"type":"version"', written[1])
    assert.matches('^{"type":"error"', written[2])
  end)

  it("begins with its version", function()
    assert.same({ type = "version", version = json.VERSION, luadl = "1.2.3" }, objects()[1])
  end)

  it("has the fields that are documented, and no others", function()
    local seen = {}
    for _, object in ipairs(objects()) do
      local known = set(assert(json.FIELDS[object.type], object.type))
      seen[object.type] = true
      for name in pairs(object) do
        assert.is_true(name == "type" or known[name], object.type .. " has " .. name)
      end
    end
    for kind in pairs(json.FIELDS) do assert.is_true(seen[kind] or kind == "info", kind) end
  end)

  it("has no logins", function()
    for _, line in ipairs(play()) do
      assert.is_nil(line:match('"next_url".*secret'))
    end
  end)

  it("is in the README as it is", function()
    local readme = helper.read(helper.root .. "/README.md")
    local rows = readme:match("<!%-%- json %-%->\n(.-)<!%-%- json: end %-%->")
    if not rows then return pending("the README has no such table yet") end
    local documented = {}
    for kind, fields in rows:gmatch("\n| (%l+) |[^|\n]*| ([^|\n]*) |") do
      documented[kind] = {}
      for name in fields:gmatch("[%w_]+") do table.insert(documented[kind], name) end
    end
    assert.same(json.FIELDS, documented)
  end)
end)
