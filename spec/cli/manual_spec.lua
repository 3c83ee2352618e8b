--- What users read and complete: help, topics, the manual page, completions; all from the schema.
-- SPDX-License-Identifier: MIT

local completion = require("luadl.cli.completion")
local exit = require("luadl.cli.exit")
local help = require("luadl.cli.help")
local helper = require("spec.support.helper")
local manual = require("luadl.cli.manual")
local options = require("luadl.options")
local topics = require("luadl.cli.topics")

local function long_flags()
  local flags = {}
  for _, option in options.each() do
    for _, flag in ipairs(options.flags(option)) do
      flags[#flags + 1] = flag.long
    end
  end
  return flags
end

local function check_has(text, words)
  for _, word in ipairs(words) do
    assert.truthy(text:find(word, 1, true), word .. " is not there")
  end
end

describe("the topics", function()
  it("have each option that has a flag, once", function()
    local seen = {}
    for _, topic in ipairs(topics.all()) do
      for _, flag in ipairs(topic.flags) do
        assert.is_nil(seen[flag.flag], flag.flag .. " stands twice")
        seen[flag.flag] = true
      end
    end
    for _, option in options.each() do
      for _, flag in ipairs(options.flags(option)) do
        assert.is_true(seen[flag.flag], flag.flag .. " stands in no topic")
        assert.is_string(flag.help, flag.flag .. " has no help")
      end
    end
  end)
end)

describe("the help", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("has all flags and all statuses, in 80 columns", function()
    local text = help.text()
    check_has(text, long_flags())
    for _, each in ipairs(exit.meanings()) do assert.truthy(text:find(each[2], 1, true)) end
    for line in text:gmatch("[^\n]+") do assert.is_true(#line <= 80, line) end
  end)

  it("has a topic alone, and says which there are", function()
    local result = helper.luadl("--help", "speed")
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("--limit-rate", 1, true))
    assert.is_nil(result.stdout:find("--cacert", 1, true))
    local wrong = helper.luadl("--help", "sped")
    assert.equal(28, wrong.status)
    assert.truthy(wrong.stderr:find("did you mean 'speed'", 1, true), wrong.stderr)
    assert.truthy(wrong.stderr:find("network", 1, true))
  end)
end)

describe("the manual page", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("has all flags and statuses, and no errors", function()
    local path = helper.tmpdir() .. "/luadl.1"
    helper.write(path, manual.text())
    check_has((manual.text():gsub("\\%-", "-")), long_flags())
    local checked = helper.run({ "mandoc", "-Tlint", "-Wwarning", path })
    assert.equal("", checked.stdout)
    local shown = helper.run({ "mandoc", "-Tascii", path }).stdout:gsub(".\b", "")
    check_has(shown, { "--limit-rate RATE", "the file has another checksum", "luadl config" })
  end)
end)

describe("the completions", function()
  local folder

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    for _, shell in ipairs({ "bash", "zsh", "fish" }) do
      helper.write(folder .. "/luadl." .. shell, completion.text(shell))
    end
  end)
  after_each(helper.finish)

  local function words_of(text)
    local set = {}
    for word in text:gmatch("%S+") do set[word] = true end
    return set
  end

  it("name all flags, for each shell", function()
    for _, shell in ipairs({ "bash", "zsh" }) do check_has(completion.text(shell), long_flags()) end
    for _, flag in ipairs(long_flags()) do
      assert.truthy(completion.text("fish"):find("-l " .. flag:sub(3), 1, true), flag)
    end
    assert.is_nil(completion.text("tcsh"))
    assert.equal(28, helper.luadl("completion", "tcsh").status)
  end)

  it("work in bash", function()
    local function complete(...)
      local words = { ... }
      local line = ("COMP_WORDS=(%s); COMP_CWORD=%d; _luadl; echo ${COMPREPLY[@]}")
        :format(table.concat(words, " "), #words - 1)
      local program = (". %s/luadl.bash; %s"):format(folder, line)
      return words_of(helper.run({ "bash", "--norc", "-c", program }).stdout)
    end
    assert.is_true(complete("luadl", "--limit")["--limit-rate"])
    assert.same({ rename = true, replace = true }, complete("luadl", "--exists", "re"))
    assert.is_true(complete("luadl", "doc")["doctor"])
    assert.same({ speed = true }, complete("luadl", "--help", "sp"))
    assert.same({ bash = true, zsh = true, fish = true }, complete("luadl", "completion", "''"))
  end)

  it("work in fish", function()
    local function complete(line)
      return helper.run({
        "fish", "--no-config", "-c", ". " .. folder .. "/luadl.fish; complete -C '" .. line .. "'",
      }, { env = { HOME = folder } }).stdout
    end
    assert.truthy(complete("luadl --limit"):find("--limit-rate\tbytes per second", 1, true))
    assert.truthy(complete("luadl --exists re"):find("^rename\n?.*replace"))
    assert.truthy(complete("luadl --help sp"):find("^speed"))
    assert.truthy(complete("luadl completion "):find("bash\n.*zsh"))
  end)

  -- A terminal of its own, in which Tab is pressed.
  it("work in zsh", function()
    helper.write(folder .. "/_luadl", completion.text("zsh"))
    local program = [[
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump"
      zpty -w shell "print rea''dy"
      zpty -r -m shell line '*ready*'
      zpty -w -n shell "$2"$'\t'"; print do''ne"$'\n'
      zpty -r -m shell line '*done*'
      print -r -- $line
    ]]
    helper.write(folder .. "/try.zsh", program)
    for typed, meant in pairs({
      ["luadl --limit-r"] = "luadl --limit-rate", ["luadl --help sp"] = "luadl --help speed",
      ["luadl completion z"] = "luadl completion zsh",
      ["luadl http://a/b --limit-r"] = "luadl http://a/b --limit-rate",
      ["luadl config --limit-r"] = "luadl config --limit-rate",
    }) do
      local words = { "zsh", "-f", folder .. "/try.zsh", folder, typed }
      local shown = helper.run(words, { timeout = 10 })
      assert.truthy(shown.stdout:find(meant, 1, true), shown.stdout .. shown.stderr)
    end
  end)
end)
