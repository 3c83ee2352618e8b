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

-- By title: what luadl has to come to.
local SAMPLE = {
  ["The link behind the redirect expires midway (403)"] = "right",
  ["The file is replaced midway, same size"] = "right",
  ["kill -9, then the same command"] = "right",
  ["kill -9; replaced, same size"] = "right",
  ["Ctrl-C; a login page in the file's place"] = "fails",
  ["Ctrl-C; all of the partial file becomes zeros (as after a power cut)"] = "right",
}

local SHORT = 0.5 -- seconds for what doesn't end

local function case_of(title)
  for _, case in ipairs(cases) do
    if case.title == title then return case end
  end
  error("no case is called " .. title)
end

-- A program that does what a line of shell does.
local function stand_in(script)
  return {
    name = "stand-in",
    command = function(url) return { "sh", "-c", script, "sh", url } end,
    data = "file.bin",
    control = "file.bin.control",
  }
end

describe("the comparison", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function()
    child.kill_all()
    origin:stop()
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function judge(title, script, bound)
    local outcome
    jobs.run({ function()
      outcome = cell.play(origin, case_of(title), stand_in(script), bound)
    end }, 1)
    return outcome
  end

  local fetch = 'curl -s -o file.bin "$1"'

  it("calls status 0 with the right file right", function()
    assert.equal("right", judge("Complete, then the same command", fetch))
  end)

  it("calls status 0 with another file corrupt", function()
    assert.equal("corrupt", judge("Complete, then the same command", fetch .. "; echo >>file.bin"))
  end)

  it("calls status 0 without a file corrupt", function()
    assert.equal("corrupt", judge("Complete, then the same command", "true"))
  end)

  it("calls another status a failure", function()
    assert.equal("fails", judge("Complete, then the same command", "exit 3"))
  end)

  it("calls a wrong file corrupt that follows on a failure", function()
    local script = "test -e failed && exit 0; test -e once && touch failed; touch once; exit 3"
    assert.equal("corrupt", judge("Complete, then the same command", script))
  end)

  it("ends what doesn't end", function()
    assert.equal("hangs", judge("Complete, then the same command", "exec sleep 60", SHORT))
  end)

  it("interrupts in the middle, once half of the file was sent", function()
    local script = 'curl -s -o got "$1" & trap "mv got file.bin; kill $!; exit 7" INT; wait'
    assert.equal("fails", judge("Ctrl-C in the middle", script))
    local requests = origin:requests("/stand-in/Ctrl-C-in-the-middle/file.bin")
    local size = case_of("Ctrl-C in the middle").right[1].size
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

  it("H21, H28, H30, F17: finds luadl right, or failing where there is nothing to get", function()
    local found, tasks = {}, {}
    for title in pairs(SAMPLE) do
      tasks[#tasks + 1] = function()
        found[title] = cell.play(origin, case_of(title), rivals.list[1])
      end
    end
    jobs.run(tasks, #tasks)
    assert.same(SAMPLE, found)
  end)
end)
