--- What the command writes to its streams arrives, or the command has failed.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local sink = require("luadl.cli.sink")

local COMMAND = helper.root .. "/scripts/luadl "

local root, web

-- A line for the shell, behind the command's name.
local function run(words, redirection)
  return helper.run(("%s %s %s"):format(COMMAND, words:gsub("URL", web.url .. "/f"), redirection),
    { cwd = helper.tmpdir() })
end

describe("what the command writes", function()
  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/f", "some bytes")
    web = nginx.start({ root = root })
  end)
  teardown(function()
    web:stop()
    helper.remove_folder(root)
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  local PRINTING = {
    "--help", "--help speed", "--version", "man", "config", "doctor", "completion bash",
    "--info URL", "--info --json URL", "--json URL", "-w '%{url}' URL",
  }

  local function assert_noticed(redirection, status, reason)
    for _, words in ipairs(PRINTING) do
      local result = run(words, redirection)
      assert.equal(status, result.status, words .. ": " .. result.stderr)
      assert.matches("luadl: cannot write to standard output: " .. reason, result.stderr)
    end
  end

  it("doesn't vanish on a full disk", function()
    assert_noticed(">/dev/full", 9, "No space left")
  end)

  it("doesn't vanish where standard output is closed", function()
    assert_noticed(">&-", 17, "Bad file")
  end)

  it("is nobody's loss where there is nothing to be written", function()
    assert.equal(0, run("URL", ">&-").status)
    assert.equal(0, run("-q URL", ">/dev/full").status)
  end)

  it("counts on standard error where that has results", function()
    assert.equal(9, run("--progress json URL", "2>/dev/full").status)
    assert.equal(0, run("URL", "2>/dev/full").status)
  end)

  it("leaves the status of what failed before", function()
    local result = run("--json URL-missing", ">/dev/full")
    assert.equal(3, result.status)
    assert.matches("cannot write to standard output", result.stderr)
  end)

  it("is nobody's loss either when its reader had enough", function()
    local line = ("(%s --json %s/f; echo $? >&2) | true"):format(COMMAND, web.url)
    assert.equal("0\n", helper.run(line, { cwd = helper.tmpdir() }).stderr)
  end)
end)

describe("a sink", function()
  local function file_with(outcomes)
    local function answer() return table.unpack(table.remove(outcomes, 1) or { true }) end
    return { write = answer, flush = answer }
  end

  it("remembers the first failure, though later writes go well", function()
    local out = sink.new(file_with({ { true }, { nil, "No room", 28 }, { nil, "Other", 5 } }), "it")
    for _ = 1, 4 do out:write("x") end
    local err = out:failure()
    assert.equal("cannot write to it: No room", err.message)
    assert.equal("no_space", err.kind)
  end)

  it("has none where a reader went away", function()
    local out = sink.new(file_with({ { nil, "Broken pipe", 32 } }), "it")
    out:write("x")
    assert.is_nil(out:failure())
  end)
end)
