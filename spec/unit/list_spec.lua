--- Lists: plain, aria2's and JSON Lines, from their lines to options.
-- SPDX-License-Identifier: MIT

local list = require("luadl.list")
local options = require("luadl.options")
local random = require("spec.support.random")

local NAME = "urls.txt"

local function line_source(content)
  local rest = content
  return function()
    if not rest then return nil end
    local line, behind = rest:match("^([^\n]*)\n(.*)$")
    line, rest = line or rest, behind
    if not rest and line == "" then return nil end
    return line
  end
end

local function read(content, opts)
  local items, problems = {}, {}
  for item, where in list.open(line_source(content), NAME, opts) do
    if item then
      items[#items + 1] = item
    else
      problems[#problems + 1] = where
    end
  end
  return items, problems
end

local function read_one(content, opts)
  local items, problems = read(content, opts)
  assert.is_nil(problems[1], tostring(problems[1]))
  assert.equal(1, #items)
  return items[1]
end

local function refusal(content, opts)
  local items, problems = read(content, opts)
  assert.equal(0, #items)
  assert.equal(1, #problems, tostring(problems[2]))
  assert.equal("usage", problems[1].kind)
  return problems[1].message
end

local function assert_refused(content, words, opts)
  local message = refusal(content, opts)
  assert.is_truthy(message:find(words, 1, true), message)
end

describe("a plain list", function()
  it("has one URL in a line", function()
    local items = read("http://a/1\nhttp://b/2\n")
    assert.same({ { url = "http://a/1" }, { url = "http://b/2" } }, items)
  end)

  it("needs no line feed at its end", function()
    assert.same({ url = "http://a/1" }, read_one("http://a/1"))
  end)

  it("takes what stands between tabs as mirrors", function()
    assert.same({ url = "http://a/", mirror = { "http://b/", "http://c/" } },
      read_one("http://a/\thttp://b/ \t http://c/\t\n"))
  end)

  it("passes over blank lines, comments, carriage returns and a byte order mark", function()
    assert.same({ url = "http://a/#part" },
      read_one("\239\187\191\r\n# http://b/\r\n  \r\nhttp://a/#part\r\n\n"))
  end)

  it("may have indented URLs", function()
    assert.same({ url = "http://a/?out=1" }, read_one("   http://a/?out=1\n"))
  end)

  it("tells the place of each item", function()
    local places = {}
    for _, where in list.open(line_source("\nhttp://a/\n  out=x\nhttp://b/"), NAME) do
      places[#places + 1] = where
    end
    assert.same({ "urls.txt:2", "urls.txt:4" }, places)
  end)

  it("has its URLs looked at", function()
    local function check(url) return url:find("://", 1, true) and true, url .. " is none" end
    assert_refused("example.org\n  out=x\n", "urls.txt:1: example.org is none", { check = check })
    assert_refused("http://a/\texample.org", "example.org is none", { check = check })
  end)

  it("goes on after a line that is wrong", function()
    local items, problems = read("http://a/\nhttp://\1/\nhttp://b/\n")
    assert.same({ { url = "http://a/" }, { url = "http://b/" } }, items)
    assert.equal("urls.txt:2: control characters", problems[1].message)
  end)

  for what, case in pairs({
    ["a NUL"] = { "http://a/\0b", "control characters" },
    ["an escape"] = { "http://a/\27[2J", "control characters" },
    ["a carriage return within"] = { "http://a/\rHost: b", "control characters" },
    ["bytes that are no UTF-8"] = { "http://a/\255", "no UTF-8" },
    ["UTF-16"] = { "\255\254h\0t\0", "UTF-16" },
    ["a line of more than 1 MiB"] = { "http://a/" .. ("x"):rep(2 ^ 20), "1 MiB" },
    ["a JSON array"] = { '[{"url": "http://a/"}]', "one JSON object per line" },
    ["a web page"] = { "<!doctype html>", "web page" },
  }) do
    it("refuses " .. what, function() assert_refused(case[1], case[2]) end)
  end

  it("tells URLs from each other by tabs alone, and says so", function()
    assert_refused("http://a/1 http://a/2", "two URLs: each has a line of its own")
    assert.equal("http://a/b c", read_one("http://a/b c").url)
    assert.equal("http://a/?to=http://b/", read_one("http://a/?to=http://b/").url)
  end)

  it("takes a line of 64 KiB", function()
    assert.equal(2 ^ 16 + 9, #read_one("http://a/" .. ("x"):rep(2 ^ 16)).url)
  end)
end)

describe("aria2's list", function()
  local function with(...)
    local option_lines = table.concat({ ... }, "\n  ")
    return read_one("http://a/f\n  " .. option_lines .. "\n")
  end

  it("has options below a URL", function()
    local items = read("http://a/1\n out=one\n\n# b\n\tdir=d\nhttp://a/2\n", { dir = "base" })
    assert.same({
      { url = "http://a/1", output = "one", dir = "base/d", make_dirs = true },
      { url = "http://a/2" },
    }, items)
  end)

  it("names files, folders and checksums", function()
    local sum = ("ab"):rep(32)
    assert.same({
      url = "http://a/f", output = "sub folder/x.bin", make_dirs = true,
      checksum = "sha-256=" .. sum,
    }, with("out = sub folder/x.bin ", "checksum=sha-256=" .. sum))
  end)

  it("sends headers", function()
    assert.same({
      { "X-One", "1" }, { "X-One", "2" }, { "Referer", "http://a/f" },
    }, with("header=X-One: 1", "header=X-One: 2", "referer=*").headers)
    assert.equal("me/1", with("user-agent=me/1").user_agent)
  end)

  it("opens as many connections as both its numbers allow", function()
    assert.equal(5, with("split=5").connections)
    assert.equal(4, with("max-connection-per-server=4").connections)
    assert.equal(3, with("split=3", "max-connection-per-server=16").connections)
    assert.equal(256, with("split=1000").connections)
  end)

  it("logs in where the URL's scheme is meant", function()
    assert.equal("me:secret", with("http-user=me", "http-passwd=secret").user)
    assert.equal("me:", with("http-user=me").user)
    assert.is_nil(with("ftp-user=me", "ftp-passwd=secret").user)
  end)

  it("goes through the proxy of the URL's scheme", function()
    assert.equal("http://p:1", with("all-proxy=http://p:1").proxy)
    assert.equal("http://p:2", with("all-proxy=http://p:1", "http-proxy=http://p:2").proxy)
    assert.is_nil(with("https-proxy=http://p:2").proxy)
  end)

  it("counts all tries, the first one included", function()
    assert.equal(4, with("max-tries=5").retry)
    assert.equal(1000, with("max-tries=0").retry)
  end)

  it("may say what luadl does anyway", function()
    assert.same({ url = "http://a/f" }, with("continue=true", "remote-time=true", "gid=1"))
  end)

  it("is warned of what is left out, once", function()
    local told = {}
    read("http://a/\n  seed-time=1\nhttp://b/\n  seed-time=1\n  pause=true\n", {
      warn = function(message) told[#told + 1] = message end,
    })
    assert.same({
      "urls.txt:2: luadl leaves the option 'seed-time' out",
      "urls.txt:5: luadl leaves the option 'pause' out",
    }, told)
  end)

  it("refuses an item whole, for the first thing that is wrong with it", function()
    local items, problems = read("http://a/\n  outt=1\n  dir=/\n  out=x\nhttp://b/\n")
    assert.same({ { url = "http://b/" } }, items)
    assert.equal(1, #problems)
    assert.equal("urls.txt:2: unknown option 'outt': did you mean 'out'?", problems[1].message)
  end)

  for line, words in pairs({
    ["chekcsum=md5=1"] = "did you mean 'checksum'?",
    ["out"] = "expected an option, like 'out=big.iso'",
    ["checksum=sha-256=abc"] = "option 'checksum': sha256 has 64 digits, not 3",
    ["split=0"] = "option 'split': expected a number from 1",
    ["split=x"] = "option 'split': expected a number from 1",
    ["header=X"] = "option 'header': header 1 is not of the form",
    ["header=Range: bytes=0-1"] = "is set by luadl itself",
    ["conditional-get=yes"] = "expected true or false",
    ["out=../x"] = "leads out of the folder of the downloads",
    ["out=/etc/passwd"] = "leads out of the folder of the downloads",
    ["dir=a/../../b"] = "leads out of the folder of the downloads",
    ["dir="] = "expected a path",
    ["out=a/"] = "'a/' is a folder: name a file in it",
    ["out=.bashrc"] = "'.bashrc' begins with one of . - ~ or a space (--trust-list takes it",
    ["out=-rf"] = "'-rf' begins with",
    ["out=~/x"] = "'~' begins with",
    ["out=x.part.lj"] = "ends as luadl's own files do",
    ["out=a\226\128\174gpj.exe"] = "holds a character that no name may hold",
    ["dir=./a/.ssh"] = "'.ssh' begins with",
    ["allow-overwrite=true"] = "--trust-list",
    ["check-certificate=false"] = "--trust-list",
    ["http-user=a\tb"] = "control characters",
  }) do
    it("refuses " .. line:gsub("%c", "?"), function()
      assert_refused("http://a/f\n  " .. line .. "\n", words)
    end)
  end

  it("may do more when the user vouches for it", function()
    assert.same({
      url = "http://a/f", dir = "/data", output = "../.x", make_dirs = true, exists = "replace",
      insecure = true,
    }, read_one("http://a/f\n dir=/data\n out=../.x\n allow-overwrite=true\n"
      .. " check-certificate=false\n", { trusted = true, dir = "here" }))
  end)

  it("can't begin with an option", function()
    assert_refused("  out=x\n", "urls.txt:1: an option without a URL above it")
  end)
end)

describe("JSON Lines", function()
  it("have a download in each line", function()
    local sum = ("0"):rep(64)
    assert.same({
      url = "http://a/f", mirror = { "http://b/f" }, output = "x/f", dir = "base/d",
      make_dirs = true, checksum = "sha256:" .. sum, expect = { size = 10 },
      headers = { { "X-One", "1" } }, labels = { id = 7 },
    }, read_one('{"url": "http://a/f", "mirrors": ["http://b/f"], "out": "x/f", "dir": "d", '
      .. '"sha256": "' .. sum .. '", "size": 10, "headers": {"X-One": "1"}, "labels": {"id": 7}}',
      { dir = "base" }))
  end)

  it("may leave the URL to the mirrors, and say null", function()
    assert.same({ url = "http://a/", mirror = { "http://b/" } },
      read_one('{"mirrors": ["http://a/", "http://b/"], "sha256": null, "size": null}'))
  end)

  it("mix with other lines", function()
    local items = read('http://a/\n{"url": "http://b/"}\nhttp://c/\n  out=x\n')
    assert.same({ { url = "http://a/" }, { url = "http://b/" },
      { url = "http://c/", output = "x" } }, items)
  end)

  for line, words in pairs({
    ["{}"] = "it has no 'url'",
    ['{"url": ""}'] = "field 'url': expected a string",
    ['{"url": 5}'] = "field 'url': expected a string, got 5",
    ['{"url": "http://a/\\u0000"}'] = "control characters",
    ['{"ulr": "http://a/"}'] = "unknown field 'ulr': did you mean 'url'?",
    ['{"url": "http://a/", "sha256": "12"}'] = "64 hexadecimal digits",
    ['{"url": "http://a/", "size": -1}'] = "expected bytes",
    ['{"url": "http://a/", "out": "a", "output": "b"}'] = "choose one of 'output' and 'out'",
    ['{"url": "http://a/", "output": "/a"}'] = "leads out of the folder",
    ['{"url": "http://a/", "output": ".profile"}'] = "'.profile' begins with",
    ['{"url": "http://a/", "output": "a\\u0000b"}'] = "NUL",
    ['{"url": "http://a/", "dir": "a/../.."}'] = "leads out of the folder",
    ['{"url": "http://a/", "headers": {"X": "a\\r\\nY: b"}}'] = "control characters",
    ['{"url": "http://a/", "headers": "X: y"}'] = "expected a table of headers",
    ['{"url": "http://a/"'] = "not JSON",
    ['{"url": "http://a/"} x'] = "not JSON",
    ['{"url": "http://a/", "exists": "replace"}'] = "unknown field 'exists'",
    [('{"a":'):rep(20000)] = "not JSON",
  }) do
    it("refuse " .. line:sub(1, 60), function() assert_refused(line, words) end)
  end
end)

describe("a list that comes through a pipe", function()
  local now, arrived

  local function pipe()
    return list.open(function() return table.remove(arrived, 1) or false end, NAME, {
      now = function() return now end,
    })
  end

  before_each(function() now, arrived = 0, {} end)

  it("says when nothing has come yet", function()
    local next_item = pipe()
    assert.same({ false }, { next_item() })
    arrived = { '{"url": "http://a/"}' }
    assert.same({ url = "http://a/" }, (next_item()))
  end)

  it("waits half a second for the options of a URL", function()
    local next_item = pipe()
    arrived = { "http://a/" }
    assert.same({ false }, { next_item() })
    now, arrived = 0.4, { "  out=x" }
    assert.same({ false }, { next_item() })
    now = 0.6
    assert.same({ url = "http://a/", output = "x" }, (next_item()))
  end)

  it("tells that an option came too late", function()
    local next_item = pipe()
    arrived = { "http://a/" }
    next_item()
    now = 1
    assert.same({ url = "http://a/" }, (next_item()))
    arrived = { "  out=x" }
    local item, err = next_item()
    assert.is_false(item)
    assert.matches("begun without this option", err.message)
  end)
end)

describe("any list", function()
  local WORDS = {
    "http://a/f", "https://b/", "{", "}", '"url"', ":", ",", "[", "]", '"x"', "null", "\n", "\n",
    "\n", "\r\n", "\t", "  ", " out=", "../", "/", "dir=", "header=", "X: y", "checksum=",
    "split=", "9", "#", "\0", "\255", "\239\187\191", "allow-overwrite=true", "seed-time=1", "=",
    "\27", "\1", "http-user=", "user-agent=", "\\u0000", '{"url":"http://a/","output":"',
  }

  it("gives options that a session takes, or an error with the line", function()
    local draw = random.new(1)
    for _ = 1, 3000 do
      local words = {}
      for index = 1, draw(1, 12) do words[index] = WORDS[draw(1, #WORDS)] end
      local content = table.concat(words)
      local items, problems = read(content)
      for _, item in ipairs(items) do
        assert(options.read(item, "download"))
        local path = "/" .. (item.output or "") .. "/" .. (item.dir or "") .. "/"
        assert.is_nil(path:find("/../", 1, true), content)
        assert.is_nil((item.output or ""):find("^/"), content)
      end
      for _, err in ipairs(problems) do assert.matches("^urls%.txt:%d+: .", err.message) end
    end
  end)
end)
