--- curl's command lines: words of a shell, and what they are as options of a download.
-- SPDX-License-Identifier: MIT

local curlline = require("luadl.curlline")
local options = require("luadl.options")
local random = require("spec.support.random")
local shellwords = require("luadl.shellwords")

local URL = "https://example.org/f"

describe("a shell's words", function()
  for line, words in pairs({
    [""] = {},
    ["  a  b\t c\n"] = { "a", "b", "c" },
    ["'a b' \"c d\" e\\ f"] = { "a b", "c d", "e f" },
    ["a'b'\"c\"\\d"] = { "abcd" },
    ["'' \"\""] = { "", "" },
    ["'it'\\''s'"] = { "it's" },
    ["'a\\nb'"] = { "a\\nb" },
    ['"a\\"b\\\\c\\d\\$e"'] = { 'a"b\\c\\d$e' },
    ["a \\\n  b\\\r\nc"] = { "a", "bc" },
    ["a \\\r\n  b"] = { "a", "b" },
    ['"a\\\nb"'] = { "ab" },
    ["a$ $ \"$\" \"5$\""] = { "a$", "$", "$", "5$" },
    ["a#b"] = { "a#b" },
    ["$'a\\tb\\'c\\\"\\\\'"] = { "a\tb'c\"\\" },
    ["$'\\x41\\102\\u00e9'"] = { "AB\195\169" },
    ["$'\\U0001F600' $'\\ud83d\\ude00'"] = { "\240\159\152\128", "\240\159\152\128" },
    ["$'\\q\\x'"] = { "\\q\\x" },
  }) do
    it(("are split: %q"):format(line), function()
      assert.same(words, shellwords.split(line))
    end)
  end

  for line, message in pairs({
    ["a 'b"] = "' without its end at position 3",
    ['a "b'] = '" without its end at position 3',
    ["a $'b"] = "$' without its end at position 3",
    ["a | b"] = "more than one command at position 3",
    ["a; b"] = "more than one command at position 2",
    ["a > b"] = "more than one command at position 3",
    ["a $HOME"] = "something that a shell would replace at position 3",
    ['a "$(b)"'] = "something that a shell would replace at position 3",
    ["a `b`"] = "something that a shell would replace at position 3",
  }) do
    it(("are refused: %q"):format(line), function()
      assert.same({ nil, message }, { shellwords.split(line) })
    end)
  end
end)

local function read(line)
  local opts, warnings = curlline.read(line)
  assert.is_table(opts, warnings)
  return opts, warnings
end

local function with(words)
  local opts, warnings = read("curl " .. URL .. " " .. words)
  assert.same({}, warnings)
  assert.equal(URL, opts.url)
  opts.url = nil
  return opts
end

describe("a line of curl's", function()
  it("is read as Chrome copies it", function()
    local opts, warnings = read([[
curl 'https://example.org/get?id=7&x=%20' \
  -H 'accept: */*' \
  -H 'accept-encoding: gzip, deflate, br' \
  -H 'cookie: session=abc; theme=dark' \
  -H 'range: bytes=0-' \
  -H 'user-agent: Mozilla/5.0 (X11)' \
  -H $'x-text: it\'s \u00fc' \
  --data-raw $'{"a":"b\\n"}' \
  --compressed]])
    assert.same({}, warnings)
    assert.same({
      url = "https://example.org/get?id=7&x=%20", body = '{"a":"b\\n"}',
      headers = {
        { "accept", "*/*" }, { "cookie", "session=abc; theme=dark" },
        { "user-agent", "Mozilla/5.0 (X11)" }, { "x-text", "it's \195\188" },
        { "Content-Type", "application/x-www-form-urlencoded" },
      },
    }, opts)
  end)

  it("is read as Firefox copies it", function()
    assert.same({
      url = URL, method = "PUT", body = "a", insecure = true,
      headers = { { "User-Agent", "x" }, { "Content-Type", "text/plain" } },
    }, (read("curl '" .. URL .. "' --compressed -X PUT -H 'User-Agent: x' "
      .. "-H 'Content-Type: text/plain' -H 'Connection: keep-alive' -H 'TE: trailers' "
      .. "--data-raw 'a' --insecure")))
  end)

  for words, opts in pairs({
    ["-sSLfOJR --globoff -v"] = {},
    ["-Lo out.bin"] = { output = "out.bin" },
    ["--max-filesize 1M --"] = { max_size = 2 ^ 20 },
    ["-oout.bin --output-dir d --create-dirs"] = { output = "out.bin", dir = "d" },
    ["-X GET"] = {},
    ["-XDELETE"] = { method = "DELETE" },
    ["-u me"] = { user = "me:" },
    ["-u me:pw --digest"] = { user = "me:pw", auth = "digest" },
    ["-A agent/1 -e 'http://r/;auto'"] = {
      user_agent = "agent/1", headers = { { "Referer", "http://r/" } },
    },
    ["-b 'a=1; b=2'"] = { headers = { { "Cookie", "a=1; b=2" } } },
    ["-x http://p:1 -m 60 --connect-timeout 5 --retry 3"] = {
      proxy = "http://p:1", deadline = 60, connect_timeout = 5, retry = 3,
    },
    ["--socks5-hostname 127.0.0.1:1080"] = { proxy = "socks5h://127.0.0.1:1080" },
    ["-r 0-99"] = { range = { 0, 99 } },
    ["-H 'X-Empty;'"] = { headers = { { "X-Empty", "" } } },
    ["-4 --resolve example.org:443:127.0.0.1"] = {
      ip = 4, addresses = { "example.org:443:127.0.0.1" },
    },
    ["--json '{\"a\":1}'"] = { body = '{"a":1}', headers = {
      { "Content-Type", "application/json" }, { "Accept", "application/json" },
    } },
    ["-d a=1 -d b=2 --data-urlencode 'c=x y&z' -H 'Content-Type: x/y'"] = {
      body = "a=1&b=2&c=x%20y%26z", headers = { { "Content-Type", "x/y" } },
    },
  }) do
    it("may have " .. words, function() assert.same(opts, with(words)) end)
  end

  it("may have its data in the URL", function()
    assert.equal("https://example.org/f?x=1&a=1&b=2#y",
      read("curl -G 'https://example.org/f?x=1#y' -d a=1 -d b=2").url)
  end)

  it("may leave the scheme out, and have a path before curl", function()
    assert.equal("http://example.org/", read("/usr/bin/curl example.org/").url)
    assert.equal("http://example.org/", read("curl.exe --url example.org/").url)
  end)

  it("limits the rate of its own file", function()
    local opts = with("--limit-rate 100k")
    assert.same(options.parse("file_limit_rate", "100K"), opts.file_limit_rate)
  end)

  for words, warning in pairs({
    ["-i"] = "curl's option '-i': it is left out",
    ["-k"] = "curl's option '-k': the server's certificate is not verified",
    ["--ciphers x"] = "curl's option '--ciphers': it is left out",
    ["-H 'If-None-Match: \"1\"'"] = "curl's option '-H': If-None-Match is left out: the answer"
      .. " would be that nothing has changed",
    ["-H 'Accept:'"] = "curl's option '-H': a header without a value is left out",
  }) do
    it("is warned of " .. words, function()
      local _, warnings = read("curl " .. words .. " " .. URL)
      assert.same({ warning }, warnings)
    end)
  end

  for line, words in pairs({
    ["wget " .. URL] = "begins with 'curl'",
    ["curly " .. URL] = "begins with 'curl'",
    [""] = "begins with 'curl'",
    ["curl"] = "names no URL",
    ["curl -s"] = "names no URL",
    ["curl a b"] = "two URLs",
    ["curl -o"] = "'-o' needs a value",
    ["curl " .. URL .. " --outptu x"] = "'--outptu' is unknown here: did you mean '--output'?",
    ["curl " .. URL .. " -- -s"] = "'-s': it names two URLs",
    ["curl " .. URL .. " --output=x"] = "'--output=...' is unknown here: did you mean '--output'?",
    ["curl " .. URL .. " -o -"] = "'-o': expected a file",
    ["curl " .. URL .. " --cert c.pem:x"] = "'--cert': write its password into a file",
    ["curl " .. URL .. " -Q x"] = "'-Q' is unknown here",
    ["curl " .. URL .. " -d @file"] = "it is a file",
    ["curl " .. URL .. " -H @file"] = "it is a file",
    ["curl " .. URL .. " --data-urlencode a@file"] = "it is a file",
    ["curl " .. URL .. " -b jar.txt"] = "--load-cookies",
    ["curl " .. URL .. " -F a=b"] = "'-F': luadl sends no forms with files",
    ["curl " .. URL .. " -T file"] = "'-T': luadl sends no files",
    ["curl -I " .. URL] = "'-I': use --info",
    ["curl " .. URL .. " --next " .. URL] = "several requests",
    ["curl " .. URL .. " | sh"] = "more than one command",
    ["curl " .. URL .. " -H $'X: a\\r\\nY: b'"] = "control characters",
    ["curl " .. URL .. " -H 'no header'"] = "expected 'Name: value'",
    ["curl " .. URL .. " -r 5-"] = "'-r': luadl takes ranges",
    ["curl $'http://a/\\nb'"] = "control characters",
    ["curl ^\"http://a/^\""] = "copy it for bash",
  }) do
    it("is refused: " .. line:sub(1, 60), function()
      local opts, message = curlline.read(line)
      assert.is_nil(opts)
      assert.is_truthy(message:find(words, 1, true), message)
    end)
  end

  it("never shows a header's value or a login in an error", function()
    local secrets = { "-H $'X: s3cret\\nY'", "-H s3cret", "-u $'s3cret\\n'", "-b s3cret",
      "--user=me:s3cret", "http://me:s3cret@h/", "--cert c:s3cret" }
    for _, words in ipairs(secrets) do
      local opts, message = curlline.read("curl " .. URL .. " " .. words)
      assert.is_nil(opts, words)
      assert.is_nil(message:find("s3cret", 1, true), message)
    end
  end)
end)

describe("any line", function()
  local WORDS = {
    "curl ", "curl ", URL .. " ", "-H ", "'A: b' ", "-d ", "@x ", "a=1 ", "-X ", "PUT ", "-", "-sS",
    "'", '"', "$'", "\\n", "\\", "\n", "\0", "\255", " ", "--data-raw ", "--json ", "-b ", "-u ",
    "-o ", "../x ", "-r ", "0-9 ", "$", "`", "--", "-G ", "-k ",
  }

  it("gives options that a session takes, or one line that says what is wrong", function()
    local draw = random.new(5)
    for _ = 1, 5000 do
      local words = { "curl " }
      for index = 2, draw(2, 12) do words[index] = WORDS[draw(1, #WORDS)] end
      local opts, message = curlline.read(table.concat(words))
      if opts then
        assert(options.read(opts, "download"))
      else
        assert.is_string(message)
      end
    end
  end)
end)
