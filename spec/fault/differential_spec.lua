-- The comparison of `make differential`, its judgement and a sample of its cases with luadl alone.
-- SPDX-License-Identifier: MIT

local cases = require("spec.bench.differential.cases")
local cell = require("spec.bench.differential.cell")
local child = require("spec.bench.differential.child")
local helper = require("spec.support.helper")
local jobs = require("spec.bench.differential.jobs")
local report = require("spec.bench.differential.report")
local rivals = require("spec.bench.differential.rivals")
local server = require("spec.support.server")

-- By title: the row, and what luadl has to come to.
local SAMPLE = {
  ["The link behind the redirect expires midway (403)"] = { "H28", "right" },
  ["The file is replaced midway, same size"] = { "H20", "right" },
  ["kill -9, then the same command"] = { "P2", "right" },
  ["kill -9; replaced, same size"] = { "H21", "right" },
  ["Ctrl-C; a login page in the file's place"] = { "H30", "fails" },
  ["Ctrl-C; all of the partial file becomes zeros (as after a power cut)"] = { "F17", "right" },
}

local SHORT = 0.5 -- seconds for what doesn't end
local COMPLETE, CTRL_C = "Complete, then the same command", "Ctrl-C in the middle"
local FETCH = 'curl -s -o file.bin "$1"'

-- Programs that do what a line of shell does, and what is to be thought of them.
local STAND_INS = {
  ["calls status 0 with the right file right"] = { "right", COMPLETE, FETCH },
  ["calls status 0 with another file corrupt"] = {
    "corrupt", COMPLETE, FETCH .. "; echo >>file.bin",
  },
  ["calls status 0 without a file corrupt"] = { "corrupt", COMPLETE, "true" },
  ["calls another status a failure"] = { "fails", COMPLETE, "exit 3" },
  ["calls a wrong file corrupt that follows on a failure"] = {
    "corrupt", COMPLETE, "test -e 2 && exit 0; test -e 1 && touch 2; touch 1; exit 3",
  },
  ["ends what doesn't end"] = { "hangs", COMPLETE, "exec sleep 60", SHORT },
  ["interrupts in the middle"] = {
    "fails", CTRL_C, 'curl -s -o got "$1" & trap "mv got file.bin; kill $!; exit 7" INT; wait',
  },
}

local function case_of(title)
  for _, case in ipairs(cases) do
    if case.title == title then return case end
  end
  error("no case is called " .. title)
end

local function stand_in(name, script)
  return {
    name = (name:gsub("%W+", "-")),
    command = function(url) return { "sh", "-c", script, "sh", url } end,
    data = "file.bin",
    control = "file.bin.control",
  }
end

describe("the comparison", function()
  local origin
  local found = {} -- by title or name

  setup(function()
    origin = server.start()
    local tasks = {}
    for title in pairs(SAMPLE) do
      tasks[#tasks + 1] = function()
        found[title] = cell.play(origin, case_of(title), rivals.list[1])
      end
    end
    for name, given in pairs(STAND_INS) do
      tasks[#tasks + 1] = function()
        local _, title, script, bound = table.unpack(given)
        found[name] = cell.play(origin, case_of(title), stand_in(name, script), bound)
      end
    end
    jobs.run(tasks, #tasks)
  end)
  teardown(function()
    child.kill_all()
    origin:stop()
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  for name, given in pairs(STAND_INS) do
    it(name, function() assert.equal(given[1], found[name]) end)
  end

  it("interrupts once half of the file was sent, and before all of it was", function()
    local requests = origin:requests("/interrupts-in-the-middle/Ctrl-C-in-the-middle/file.bin")
    local size = case_of(CTRL_C).right[1].size
    assert.is_true(requests[1].sent >= size / 2 and requests[1].sent < size)
  end)

  it("writes a table into the README's place for it, and nothing else", function()
    local path = helper.tmpdir() .. "/README.md"
    local text = "before\n<!-- differential: what `make differential` found -->\nold\n"
      .. "<!-- differential: end -->\nafter\n"
    helper.write(path, text)
    local program = { name = "one", version = "1.2" }
    report.into(path, report.table({ { title = "A fault" } }, { program }, {
      ["A fault"] = { one = "corrupt" },
    }))
    local expected = "|  | one 1.2 |\n|-|-|\n| A fault | **corrupt, exit 0** |\n"
    assert.equal((text:gsub("old\n", function() return expected end)), helper.read(path))
  end)

  for title, row in pairs(SAMPLE) do
    it(row[1] .. ": luadl, " .. title, function() assert.equal(row[2], found[title]) end)
  end
end)
