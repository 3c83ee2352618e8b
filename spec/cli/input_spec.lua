--- What the command reads words from: lists in three forms, patterns, and copied curl commands.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local CONTENT = "what the server has\n"

local origin, folder

local function answer(connection, request)
  if request.method == "POST" then connection:read_body(request) end
  connection:reply(200, { { "ETag", '"1"' } }, "what the server has\n")
end

local function luadl(...)
  return helper.luadl_in(folder, "--retry", "0", ...)
end

local function read_list(content, ...)
  helper.write(folder .. "/urls.txt", content:gsub("URL", origin.url))
  return luadl("-i", "urls.txt", ...)
end

local NOTHING = "luadl: warning: %s: there is nothing to download in it\n"

local function assert_there(...)
  for _, name in ipairs({ ... }) do
    assert.equal(CONTENT, helper.exists(folder .. "/" .. name)
      and helper.read(folder .. "/" .. name), name)
  end
end

local function assert_said(result, words)
  assert.is_truthy(result.stderr:find(words, 1, true), result.stderr)
end

local function last_request(path)
  local requests = origin:requests(path)
  return requests[#requests]
end

setup(function() origin = server.start() end)

teardown(function() origin:stop() end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
  for _, path in ipairs({ "/a", "/b", "/c", "/1", "/2", "/3" }) do origin:serve(path, answer) end
end)

after_each(helper.finish)

describe("a list", function()
  it("is read in all its forms at once", function()
    local result = read_list('# mine\r\nURL/a\r\n\r\nURL/b\n  out=deep/b.txt\n  header=X-One: 1\n'
      .. '{"url": "URL/c", "output": "c.txt", "headers": {"X-Two": "2"}, "size": '
      .. #CONTENT .. "}\n")
    assert.equal(0, result.status, result.stderr)
    assert_there("a", "deep/b.txt", "c.txt")
    assert.equal("1", last_request("/b"):header("x-one"))
    assert.equal("2", last_request("/c"):header("x-two"))
  end)

  it("puts its folders below the one of the command", function()
    local result = read_list('URL/a\n dir=x\nURL/b\n', "-d", "base")
    assert.equal(0, result.status, result.stderr)
    assert_there("base/x/a", "base/b")
  end)

  it("turns to a mirror when the first URL fails", function()
    local result = read_list("URL/none\tURL/a\n  out=a.txt\n")
    assert.equal(0, result.status, result.stderr)
    assert_there("a.txt")
  end)

  it("goes on after wrong lines, says where they are, and fails in the end", function()
    local result = read_list('URL/a\nexample.org\nURL/b\n  outt=x\n{"url": 5}\nURL/c\n')
    assert.equal(28, result.status, result.stderr)
    for _, words in ipairs({
      "urls.txt:2: 'example.org' is not a URL: did you mean 'https://example.org'?",
      "urls.txt:4: unknown option 'outt': did you mean 'out'?",
      "urls.txt:5: field 'url': expected a string, got 5",
    }) do
      assert_said(result, words)
    end
    assert_there("a", "c")
    assert.is_false(helper.exists(folder .. "/b"))
  end)

  it("can't leave the folder, unless the user vouches for it", function()
    local lines = "URL/a\n  out=../stolen\nURL/b\n  dir=" .. folder .. "/there\n"
    local result = read_list(lines, "-d", "base")
    assert.equal(28, result.status, result.stderr)
    assert_said(result, "--trust-list")
    assert.is_false(helper.exists(folder .. "/stolen"))
    result = read_list(lines, "-d", "base", "--trust-list")
    assert.equal(0, result.status, result.stderr)
    assert_there("stolen", "there/b")
  end)

  it("names no file of this machine, unless the user vouches for it", function()
    helper.write(folder .. "/private", "mine\n")
    local link = "file:" .. folder .. "/private"
    local lines = ('%s\n{"url": "%s"}\nURL/a\t%s\n'):format(link, link:upper(), link)
    local result = read_list(lines, "-d", "base")
    assert.equal(28, result.status, result.stderr)
    assert_said(result, "--trust-list")
    assert.is_false(helper.exists(folder .. "/base/private"))
    local there = link:gsub("file:", "file://")
    result = read_list(there .. "\n", "-d", "base", "--trust-list")
    assert.equal(0, result.status, result.stderr)
    assert.is_true(helper.exists(folder .. "/base/private"))
  end)

  it("fails an item whose size or digest is another one", function()
    local result = read_list('{"url": "URL/a", "size": 3}\n{"url": "URL/b", "sha256": "'
      .. ("0"):rep(64) .. '"}\n')
    assert.is_not.equal(0, result.status)
    assert.is_false(helper.exists(folder .. "/a"))
    assert.is_false(helper.exists(folder .. "/b"))
  end)

  it("asks once for a file of another size, and says what was expected", function()
    origin:serve("/long", answer)
    local result = read_list('{"url": "URL/long", "size": 3}\n', "--retry", "5")
    assert.equal(22, result.status)
    assert_said(result, "expected 3 bytes, the server has 20")
    assert.equal(1, #origin:requests("/long"))
  end)

  it("turns to a mirror when the first has a file of another size", function()
    origin:serve("/short", function(connection) connection:reply(200, {}, "short") end)
    local result = read_list('{"url": "URL/short", "mirrors": ["URL/c"], "size": 20}\n')
    assert.equal(0, result.status, result.stderr)
    assert_there("short")
    assert.equal(1, #origin:requests("/short"))
  end)

  it("says why a mirror of another origin isn't asked where something is sent", function()
    local elsewhere = origin.url:gsub("127%.0%.0%.1", "localhost")
    local record = '{"url": "http://127.0.0.1:1/b", "mirrors": ["%s/b"]}\n'
    local result = read_list(record:format(elsewhere), "--data", "x=1")
    assert.equal(23, result.status)
    assert_said(result, ("what is sent isn't taken elsewhere (%s/b); --trusted-host HOST")
      :format(elsewhere))
  end)

  it("says that there is nothing in it, unless it is to be quiet", function()
    for _, content in ipairs({ "", "# a comment\n\n" }) do
      for _, words in ipairs({ {}, { "--info" } }) do
        local result = read_list(content, table.unpack(words))
        assert.equal(0, result.status)
        assert.equal(NOTHING:format("urls.txt"), result.stderr)
        assert.equal("", read_list(content, "-q", table.unpack(words)).stderr)
      end
    end
    assert.equal(NOTHING:format("standard input"), luadl("-i", "-").stderr)
  end)

  it("says nothing of that where what is in it is wrong", function()
    local result = read_list("nonsense\n")
    assert.equal(28, result.status)
    assert.is_nil(result.stderr:find("nothing to download", 1, true), result.stderr)
  end)

  it("adds its headers to those of the command line", function()
    local result = read_list("URL/a\n  header=X-One: 1\n", "-H", "X-Two: 2", "-H", "x-ONE: 2")
    assert.equal(0, result.status, result.stderr)
    assert.equal("1", last_request("/a"):header("x-one"))
    assert.equal("2", last_request("/a"):header("x-two"))
  end)

  it("says once what of aria2's options it leaves out", function()
    local result = read_list("URL/a\n  seed-time=1\nURL/b\n  seed-time=1\n")
    assert.equal(0, result.status, result.stderr)
    local _, count = result.stderr:gsub("leaves the option 'seed%-time' out", "")
    assert.equal(1, count, result.stderr)
  end)
end)

describe("standard input", function()
  it("is an empty list where it is closed", function()
    local result = helper.run(helper.root .. "/scripts/luadl -i - 0<&- 1>&-", { timeout = 10 })
    assert.equal(0, result.status, result.stderr)
  end)
end)

describe("--glob", function()
  it("downloads all that a pattern stands for, under names with its parts", function()
    local result = luadl("--glob", "-o", "x-#1.txt", origin.url .. "/{a,b}",
      origin.url .. "/[1-3:2]")
    assert.equal(0, result.status, result.stderr)
    assert_there("x-a.txt", "x-b.txt", "x-1.txt", "x-3.txt")
  end)

  it("makes the folders that are named by them", function()
    local result = luadl("--glob", "-o", "all/#1/x.txt", origin.url .. "/{a,b}", "-d", "base")
    assert.equal(0, result.status, result.stderr)
    assert_there("base/all/a/x.txt", "base/all/b/x.txt")
  end)

  it("looks at each URL as at one that was typed", function()
    local result = luadl("--glob", "{example.org," .. origin.url .. "}/a")
    assert.equal(28, result.status, result.stderr)
    assert_said(result, "'example.org/a' is not a URL: did you mean 'https://example.org/a'?")
    assert_there("a")
  end)

  it("says where a pattern is wrong", function()
    local result = luadl("--glob", "http://h/[5-1]")
    assert.equal(28, result.status)
    assert_said(result, "a bad range, [5-1], at position 10")
  end)

  it("asks for nothing where a name has more parts than a URL", function()
    local before = #origin:requests("/a")
    for output, unknown in pairs({ ["x#9"] = "#9", ["#1-#3"] = "#3", ["#0"] = "#0" }) do
      local result = luadl("--glob", "-o", output, origin.url .. "/{a,b}?[1-2]")
      assert.equal(28, result.status)
      assert_said(result, "'--output': nothing in braces or brackets for '" .. unknown .. "' in ")
    end
    assert.equal(28, luadl("--glob", "-o", "{name}#2", origin.url .. "/{a,b}").status)
    assert.equal(before, #origin:requests("/a"))
    assert.equal(0, luadl("--glob", "-o", "#1-#2", origin.url .. "/{a,b}?[1-2]").status)
    assert_there("a-1", "b-2")
  end)

  it("is needed: otherwise a URL is what it is", function()
    origin:serve("/[1-3]", answer)
    local result = luadl(origin.url .. "/[1-3]", "-o", "x#1.txt")
    assert.equal(0, result.status, result.stderr)
    assert_there("x#1.txt")
  end)
end)

describe("--curl", function()
  it("asks what the copied command would", function()
    local result = luadl("--curl", ("curl '%s/a' \\\n  -H 'X-One: it'\\''s' -b 'k=v' \\\n"
      .. "  --compressed --data-raw $'x=\\u00fc' -o out.txt"):format(origin.url))
    assert.equal(0, result.status, result.stderr)
    assert_there("out.txt")
    local request = last_request("/a")
    assert.equal("POST", request.method)
    assert.equal("it's", request:header("x-one"))
    assert.equal("k=v", request:header("cookie"))
    assert.equal("4", request:header("content-length"))
    assert.equal("identity", request:header("accept-encoding"))
  end)

  it("sends the headers of the command line, too", function()
    local result = luadl("--curl", "curl -H 'X-One: 1' " .. origin.url .. "/a", "-H", "x-one: 2",
      "-H", "X-Two: 2")
    assert.equal(0, result.status, result.stderr)
    assert.equal("1", last_request("/a"):header("x-one"))
    assert.equal("2", last_request("/a"):header("x-two"))
  end)

  it("names a URL that luadl can ask", function()
    local result = luadl("--curl", "curl gopher://h/")
    assert.equal(28, result.status)
    assert_said(result, "is of a scheme that luadl doesn't fetch")
  end)

  it("warns of what it leaves out", function()
    local result = luadl("--curl", "curl -i " .. origin.url .. "/a")
    assert.equal(0, result.status, result.stderr)
    assert_said(result, "curl's option '-i': it is left out")
  end)

  it("says what it can't do", function()
    local result = luadl("--curl", "curl -F a=b " .. origin.url .. "/a")
    assert.equal(28, result.status)
    assert_said(result, "sends no forms")
  end)

  it("is soon out of sight of ps, with all that is secret in it", function()
    local url = origin:serve("/slow", function(connection)
      connection:status(200, { { "Content-Length", 10 } })
      connection:send("some")
      connection:hold()
    end)
    local script = ([[
      %s/scripts/luadl -q --curl "curl %s -H 'Cookie: s3cret'" & child=$!
      while ! [ -e slow.part ]; do sleep 0.01; done
      tr '\0' ' ' </proc/$child/cmdline
      kill -INT $child; wait $child
    ]]):format(helper.root, url)
    local line = helper.run(script, { timeout = 10, cwd = folder }).stdout
    assert.is_truthy(line:find("--curl", 1, true), line)
    assert.is_nil(line:find("s3cret", 1, true), line)
    os.remove(folder .. "/slow.part")
  end)

  it("is asked about beside others", function()
    local result = luadl("--curl", "curl " .. origin.url .. "/a", origin.url .. "/b")
    assert.equal(0, result.status, result.stderr)
    assert_there("a", "b")
  end)
end)
