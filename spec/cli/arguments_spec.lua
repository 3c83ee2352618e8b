--- The command line, through the parser; no engine.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local help = require("luadl.cli.help")
local options = require("luadl.options")

local URL = "http://example.org/file"

local function parse(...)
  return assert(arguments.parse({ ... }))
end

local function refusal(...)
  local request, message = arguments.parse({ ... })
  assert.is_nil(request)
  assert.is_nil(message:find("\n"), "more than one line: " .. message)
  return message
end

-- What the command promises, written down apart from the schema.
local PROMISED = {
  "-o --output", "-d --dir", "-n --connections", "-j --jobs", "-H --header", "-A --user-agent",
  "-u --user", "-x --proxy", "-k --insecure", "--cacert", "--retry", "--timeout",
  "--connect-timeout", "--deadline", "--max-size", "--min-split", "--exists", "--info", "--json",
  "-q --quiet", "-v --verbose", "--version", "-h --help", "--resume", "--restart",
  "--resume-check", "--changed", "--adopt",
}

describe("the command's help", function()
  local text = help.text()

  it("shows every option that is promised, as the schema has it", function()
    local flags = {}
    for _, option in options.each() do
      if option.flag then flags[option.flag] = option end
    end
    for _, flag in ipairs(PROMISED) do
      assert.is_table(flags[flag], flag)
      assert.is_truthy(text:find(" " .. flag:gsub(" ", ", "), 1, true), flag)
    end
  end)

  it("shows the flag that turns an option off", function()
    assert.matches("\n      %-%-no%-resume  +neither ", text)
  end)

  it("tells the defaults", function()
    assert.matches("connections per file %(default: 8%)", text)
    assert.matches("files at once %(default: 4%)", text)
  end)

  it("fits 80 columns", function()
    for line in text:gmatch("[^\n]+") do assert.is_true(#line <= 80, line) end
  end)
end)

describe("arguments", function()
  it("are URLs and options in any order", function()
    local request = parse(URL, "-n", "3", "http://b/", "-k")
    assert.same({ URL, "http://b/" }, request.urls)
    assert.same({ connections = 3, insecure = true }, request.options)
  end)

  it("take values apart, glued, and after an equals sign", function()
    for _, words in ipairs({ { "-n", "5" }, { "-n5" }, { "--connections", "5" },
      { "--connections=5" }, { "-kn5" } }) do
      words[#words + 1] = URL
      assert.equal(5, arguments.parse(words).options.connections)
    end
  end)

  it("hold only what was given, save the command's own", function()
    local request = parse(URL)
    assert.same({}, request.options)
    assert.same({}, request.each)
    assert.same({
      jobs = 4, info = false, json = false, quiet = false, verbose = false, version = false,
      why = false, help = false, sandbox = false,
    }, request.command)
  end)

  it("become values of the options' types", function()
    local request = parse("--min-split", "16M", "--timeout=1m30s", "--retry", "0", "-j9",
      "-H", "A: b", "-H", "C: d:e", "--trusted-host", "h", "--exists", "skip", "-u", "me:pw", URL)
    assert.same({
      min_split = 16777216, timeout = 90, retry = 0, headers = { { "A", "b" }, { "C", "d:e" } },
      trusted_hosts = { "h" }, exists = "skip", user = "me:pw",
    }, request.options)
    assert.equal(9, request.command.jobs)
  end)

  it("take the last of an option given twice", function()
    assert.equal(4, parse("-n", "2", "-n", "4", URL).options.connections)
  end)

  it("end the options with two dashes", function()
    assert.matches("'%-n' is not a URL", refusal("--", "-n"))
    assert.same({ URL }, parse("-q", "--", URL).urls)
  end)

  it("put a named file below the directory", function()
    assert.equal("d/f", parse("-d", "d", "-o", "f", URL).each.output)
    assert.equal("d/f", parse("-d", "d//", "-o", "f", URL).each.output)
    assert.equal("/f", parse("-d", "d", "-o", "/f", URL).each.output)
    assert.equal("f", parse("-o", "f", URL).each.output)
  end)

  it("need no URL to ask for help or the version", function()
    assert.is_true(parse("-h").command.help)
    assert.is_true(parse("--version").command.version)
    assert.matches("^no URL given; usage: luadl ", refusal())
  end)

  it("take --resume with a .part and at most one URL", function()
    local request = parse("--resume", "d/f.part")
    assert.same({ resume = "d/f.part" }, request.options)
    assert.same({}, request.urls)
    assert.same({ URL }, parse("--resume=f.part.lj", URL).urls)
    assert.matches("name one URL at most", refusal("--resume", "f.part", URL, URL))
    assert.matches("^option '%-%-resume': 'http://.*' is no .part: ", refusal("--resume", URL))
    assert.matches("is no .part", refusal("--resume", "d/.part"))
  end)

  it("take --no-resume without an argument", function()
    assert.same({ resume = false }, parse("--no-resume", URL).options)
    assert.equal("no URL given; usage: luadl [options] URL...", refusal("--no-resume"))
  end)

  it("refuse two options that contradict each other", function()
    for _, words in ipairs({
      { "--resume", "f.part", "--output", "f" }, { "--resume", "f.part", "--dir", "d" },
      { "--resume", "f.part", "--info" }, { "--adopt", "--restart", URL },
      { "--adopt", "--no-resume", URL },
    }) do
      assert.matches("^choose one of '%-%-[%w-]+' and '%-%-[%w-]+'$",
        refusal(table.unpack(words)), table.concat(words, " "))
    end
  end)

  it("take -o with a slash at its end for a folder", function()
    local request = parse("-o", "out/", URL, "http://b/")
    assert.is_nil(request.each.output)
    assert.equal("out/", request.options.dir)
    assert.equal("d/out/", parse("-d", "d", "-o", "out/", URL).options.dir)
  end)

  it("refuse one name for several files", function()
    assert.matches("use %-d DIR", refusal("-o", "f", URL, "http://b/"))
  end)

  it("refuse what is not an http URL", function()
    assert.matches("did you mean 'https://example.org/x'", refusal("example.org/x"))
    assert.matches("did you mean 'http://example.org/x'", refusal("http:/example.org/x"))
    for _, word in ipairs({ "-", "./x" }) do
      assert.equal(("'%s' is not a URL"):format(word), refusal(word))
    end
    assert.matches("of a scheme that luadl doesn't fetch: it has http.*sftp",
      refusal("gopher://example.org/x"))
  end)

  it("take a URL without the blanks around it, and no empty one", function()
    assert.equal(URL, parse("  " .. URL .. "\n").urls[1])
    assert.equal("a URL is empty", refusal(""))
  end)

  it("refuse wrong values and name the option", function()
    for expected, words in pairs({
      ["option '--connections': 300 is above the maximum, 256"] = { "-n300" },
      ["option '--retry': expected an integer, got 'x'"] = { "--retry", "x" },
      ["option '--exists': expected fail, rename, replace or skip, got 'ask'"] = { "--exists=ask" },
      ["option '--header': 'A b' is not a header name"] = { "-H", "A b: c" },
      ["option '--header': the value of 'A' has control characters"] = { "-H", "A: b\r\nC: d" },
      ["option '-o' requires an argument"] = { "-o" },
      ["choose one of '--dir' and '--output -'"] = { "-o", "-", "-d", "x", URL },
      ["choose one of '--resume' and '--output -'"] = { "-o", "-", "--resume", "x.part" },
      ["choose one of '--info' and '--output -'"] = { "-o", "-", "--info", URL },
      ["choose one of '--data' and '--info'"] = { "--data", "x", "--info", URL },
      ["choose one of '--request' and '--info'"] = { "-X", "DELETE", "--info", URL },
      ["choose one of '--shard' and '--info'"] = { "--shard", "1/2", "--info", "-i", "list" },
      ["choose one of '--archive' and '--info'"] = { "--archive", "a", "--info", "-i", "list" },
      ["option '--ahead' is for what is read in order: write to standard output with -o -"] = {
        "--ahead", "1M", URL,
      },
      ["choose one of '--quiet' and '--verbose'"] = { "-q", "-v", URL },
      ["standard input can be read once: '-i -' and '@-' stand for all of it"] = {
        "-i", "-", "-i", "-",
      },
      ["option '--info' does not take arguments"] = { "--info=yes" },
    }) do
      assert.equal(expected, refusal(table.unpack(words)))
    end
  end)

  it("suggest the nearest long option", function()
    assert.equal("unknown option '--conections': did you mean '--connections'?",
      refusal("--conections=3", URL))
  end)
end)
