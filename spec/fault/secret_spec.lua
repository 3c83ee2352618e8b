--- Secrets and the server's own words: what is kept back, and what isn't picked up (rows S2, S4,
-- S5, S7, S9, S15).
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")
local trial = require("spec.support.trial")

local SIZE = 300000
local FILE = { size = SIZE, seed = 1 }
local SECRET = "hunter2"

local origin, folder

local function with_user(url)
  return (url:gsub("//", "//me:" .. SECRET .. "@"))
end

describe("secrets", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(helper.finish)

  local function check_silent(...)
    for index = 1, select("#", ...) do
      local text = select(index, ...)
      assert.is_nil(text:find(SECRET, 1, true), text)
      assert.is_nil(text:find("bWU6aHVudGVyMg", 1, true), text) -- Basic
    end
  end

  local function refuse(connection, _, parameters)
    return connection:reply(parameters.code, {}, "")
  end

  it("S2: in a URL are in no error, event or result", function()
    local told = {}
    local session = luadl.session({ dir = folder, retry = luadl.retry.backoff({ base = 0.01 }) })
    for _, path in ipairs({ "/fine", "/gone", "/flaky" }) do
      origin:serve(path, path == "/fine" and FILE or refuse, { size = SIZE, code = 404 })
    end
    origin:serve("/flaky", refuse, { code = 503 })
    for _, path in ipairs({ "/fine", "/gone", "/flaky" }) do
      local download = session:download({
        url = with_user(origin.url .. path),
        on_retry = function(fault) told[#told + 1] = fault.url .. tostring(fault.error) end,
      })
      local result, err = download:wait()
      told[#told + 1] = tostring(err) .. download.url
      for _, value in pairs(result or err) do told[#told + 1] = tostring(value) end
    end
    session:close()
    assert.is_true(#told > 10)
    check_silent(table.unpack(told))
  end)

  local function check_command(words, opts)
    words[#words + 1] = opts
    local result = helper.luadl(table.unpack(words))
    check_silent(result.stdout, result.stderr)
    return result
  end

  it("S2: are in nothing that the command prints", function()
    local fine, gone = with_user(origin:serve("/fine", FILE)), origin:serve("/gone", refuse, {
      code = 503,
    })
    local loop = origin:redirect("/loop", with_user(origin.url) .. "/loop")
    local away = origin:redirect("/away", "ftp://me:" .. SECRET .. "@host/x")
    for _, more in ipairs({ {}, { "--json" }, { "-v" }, { "--info" }, { "--info", "--json" } }) do
      for _, url in ipairs({ fine, with_user(gone), loop, away, with_user("http://host:0/") }) do
        local words = {
          "-d", folder, "--retry", more[1] == "-v" and "1" or "0", "-u", "me:" .. SECRET,
          "-H", "Authorization: Bearer " .. SECRET, table.unpack(more),
        }
        words[#words + 1] = url
        check_command(words)
      end
    end
    local proxy = ("http://me:%s@127.0.0.1:%d"):format(SECRET, helper.free_port())
    assert.equal(6, check_command({ "--retry", "0", "-d", folder, "-x", proxy, gone }).status)
  end)

  it("S2: are in no message about a wrong command line", function()
    check_command({ "-u", SECRET, "http://x/" }) -- no colon
    check_command({ "-H", "Authorization " .. SECRET, "http://x/" })
    check_command({ "ftp://me:" .. SECRET .. "@host/x" })
    check_command({ "http://me:" .. SECRET .. "@/x" })
  end)

  it("S2: are soon out of sight of ps", function()
    local url = with_user(origin:serve("/watched", server.hanging, FILE))
    local script = ([[
      %s/scripts/luadl -q -d %s -u me:%s -H 'X-Api-Key: %s' -H 'Authorization: Bearer %s' \
        -x http://me:%s@%s %s & child=$!
      while ! [ -s %s/watched.part ]; do sleep 0.01; done
      tr '\0' ' ' </proc/$child/cmdline
      kill -INT $child; wait $child
    ]]):format(helper.root, folder, SECRET, SECRET, SECRET, SECRET, url:match("@([^/]*)"), url,
      folder)
    -- As a proxy it is asked for the whole URL.
    origin:serve(url:gsub("me:.*@", ""), server.hanging, FILE)
    local line = helper.run(script, { timeout = 10 }).stdout
    assert.truthy(line:find("-d " .. folder, 1, true), line)
    assert.truthy(line:find("/watched", 1, true), line)
    check_silent(line)
  end)

  it("S2: that other options have are soon out of sight of ps, too", function()
    local url = origin:serve("/options", server.hanging, FILE)
    local script = ([[
      %s/scripts/luadl -q -d %s --bearer %s --host-header '127.0.0.1 X-A: %s   ' \
        --doh https://me:%s@127.0.0.1/ --key-password %s --data 'password=%s' \
        --load-cookies /dev/null %s & child=$!
      while ! [ -s %s/options.part ]; do sleep 0.01; done
      tr '\0' ' ' </proc/$child/cmdline
      kill -INT $child; wait $child
    ]]):format(helper.root, folder, SECRET, SECRET, SECRET, SECRET, SECRET, url, folder)
    local line = helper.run(script, { timeout = 10 }).stdout
    assert.truthy(line:find("--key-password", 1, true), line)
    check_silent(line)
    helper.run("rm -f " .. folder .. "/*")
  end)

  local function everything(url)
    helper.write(folder .. "/netrc", "machine 127.0.0.1 login me password " .. SECRET .. "\n")
    helper.run({ "chmod", "600", folder .. "/netrc" })
    helper.write(folder .. "/jar", "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t" .. SECRET .. "\n")
    helper.write(folder .. "/secret", SECRET .. "\n")
    return {
      { "--bearer", SECRET, url }, { "--bearer", "@" .. folder .. "/secret", url },
      { "-u", "me:" .. SECRET, "--auth", "digest", url },
      { "--host-header", "127.0.0.1 X-A: " .. SECRET, url },
      { "--netrc-file", folder .. "/netrc", url },
      { "--load-cookies", folder .. "/jar", "-n2", url },
      { "--data", "password=" .. SECRET, url },
      { "--cert", folder .. "/netrc", "--key-password", SECRET, url },
    }
  end

  for _, mode in ipairs({ { "--why", "-v" }, { "--json", "--why" }, { "--info", "--json" } }) do
    it("S2: of no option are in what it prints: " .. table.concat(mode, " "), function()
      for _, behaviour in ipairs({ FILE, refuse }) do
        local url = origin:serve("/all", behaviour, behaviour == refuse and { code = 503 } or nil)
        for _, words in ipairs(everything(url)) do
          local all = { "-d", folder, "--retry", "1", "--exists", "replace", mode[1], mode[2] }
          check_command(table.move(words, 1, #words, #all + 1, all))
        end
      end
    end)
  end

  it("S2: of no option are in a record beside the file", function()
    local url = origin:serve("/recorded", {
      size = 3000000, seed = 1, etag = '"1"', rate = 200000,
    })
    for number, words in ipairs(everything(url)) do
      local where = ("%s/%d"):format(folder, number)
      local line = ([[
        mkdir %s
        %s/scripts/luadl -q -d %s %s & child=$!
        while kill -0 $child && ! [ -s %s/recorded.part ]; do sleep 0.01; done
        kill -INT $child; wait $child
        grep -rc %s %s
      ]]):format(where, helper.root, where, require("spec.support.process").command(words), where,
        SECRET, where)
      local found = helper.run(line, { timeout = 10 }).stdout
      assert.is_nil(found:find(":[1-9]"), found)
      helper.run("rm -rf " .. where)
    end
  end)

  it("S2: of the URL are in no file beside the download", function()
    local url = with_user(origin:serve("/kept", server.hanging, { size = 3000000, seed = 1 }))
    local script = ([[
      %s/scripts/luadl -q -d %s %s & child=$!
      while ! [ -s %s/kept.part ]; do sleep 0.01; done
      grep -rc %s %s
      kill -INT $child; wait $child
      grep -rc %s %s
    ]]):format(helper.root, folder, url, folder, SECRET, folder, SECRET, folder)
    local found = helper.run(script, { timeout = 10 }).stdout
    assert.truthy(found:find("kept.part:0", 1, true), found)
    assert.is_nil(found:find(":[1-9]"), found)
    helper.run("rm -f " .. folder .. "/*")
  end)

  it("S9: nobody else can read what isn't published, whatever the umask", function()
    local url = origin:serve("/masked", server.hanging, { size = 3000000, seed = 1 })
    local script = ([[
      umask 000
      %s/scripts/luadl -q -d %s %s & child=$!
      while ! [ -s %s/masked.part ]; do sleep 0.01; done
      stat -c %%a %s/*
      kill -INT $child; wait $child
    ]]):format(helper.root, folder, url, folder, folder)
    local modes = helper.run(script, { timeout = 10 }).stdout
    assert.matches("^600\n", modes)
    assert.equal("", (modes:gsub("600\n", "")))
    helper.run("rm -f " .. folder .. "/*")
    origin:serve("/masked", FILE)
    local line = ("umask 000; exec %s/scripts/luadl -q -d %s %s"):format(helper.root, folder, url)
    assert.equal(0, helper.run(line).status)
    assert.equal("666\n", helper.run({ "stat", "-c", "%a", folder .. "/masked" }).stdout)
  end)

  it("S5: .netrc is never read", function()
    local login = " login me password " .. SECRET .. "\n"
    helper.write(folder .. "/.netrc", "machine 127.0.0.1" .. login .. "default" .. login)
    helper.run({ "chmod", "600", folder .. "/.netrc" })
    local url = origin:serve("/netrc", FILE)
    local env = { HOME = folder, NETRC = folder .. "/.netrc", CURL_HOME = folder }
    assert.equal(0, helper.luadl("-d", folder, url, { env = env }).status)
    local named = url:gsub("//", "//me@") -- a name without a password makes libcurl look it up
    assert.equal(0, helper.luadl("-d", folder, named, { env = env }).status)
    local log = origin:requests("/netrc")
    assert.equal(2, #log)
    for _, entry in ipairs(log) do check_silent(entry.head) end
  end)

  it("S15: no cookie is kept, from request to request or from file to file", function()
    local set = { { "Set-Cookie", "session=1; Path=/" }, { "Set-Cookie", "more=2" } }
    local target = origin:serve("/jar", {
      size = SIZE, seed = 1, etag = '"a"', rate = 300000, headers = set,
    })
    local url = origin:redirect("/to-jar", target, { headers = set })
    local opts = trial.split({ headers = { ["X-A"] = "a" } })
    trial.succeeds(url, FILE, opts)
    trial.succeeds(url, FILE, opts)
    local log = origin:requests("/jar")
    assert.is_true(#log >= 4)
    for _, entry in ipairs(log) do assert.is_nil(entry:header("cookie")) end
  end)

  it("S15: a caller's Cookie header is sent with every range, as it is", function()
    local url = origin:serve("/own-jar", {
      size = SIZE, seed = 1, etag = '"a"', rate = 300000,
      headers = { { "Set-Cookie", "session=2" } },
    })
    trial.succeeds(url, FILE, trial.split({ headers = { Cookie = "session=1" } }))
    local log = origin:requests("/own-jar")
    assert.is_true(#log >= 3)
    for _, entry in ipairs(log) do assert.equal("session=1", entry:header("cookie")) end
  end)

  it("S15: what a host says of HTTPS (HSTS) changes no later URL", function()
    local header = 'add_header Strict-Transport-Security "max-age=31536000" always;'
    local config = "location /hsts { " .. header .. " return 200 x; }"
    local tls = nginx.start({ tls = true, config = config })
    local session = luadl.session({ dir = folder, retry = 0 })
    local ok, problem = pcall(function()
      assert(session:get({ url = tls.tls_url .. "/hsts", cacert = tls.ca }))
      local result = assert(session:get({ url = tls.url .. "/hsts" }))
      assert.truthy(result.url:find("^http://"), result.url)
    end)
    session:close()
    tls:stop()
    assert.is_true(ok, problem)
  end)
end)

describe("a proxy of the environment", function()
  local proxy

  setup(function() origin, proxy = server.start(), server.start() end)
  teardown(function()
    proxy:stop()
    origin:stop()
  end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(helper.finish)

  local function get(url, env, ...)
    local words = { "--retry", "0", "-d", folder, "--exists", "replace", ... }
    words[#words + 1] = url
    words[#words + 1] = { env = env }
    return helper.luadl(table.unpack(words))
  end

  local function asked(url)
    return #proxy:requests(url), #origin:requests(url:match("//[^/]*(.*)"))
  end

  it("S4: is used for those hosts that no_proxy doesn't name", function()
    local url = origin:serve("/env", FILE)
    proxy:serve(url, FILE)
    assert.equal(0, get(url, { http_proxy = proxy.url, no_proxy = "example.org" }).status)
    assert.same({ 1, 0 }, { asked(url) })
    assert.equal(0, get(url, { http_proxy = proxy.url, no_proxy = "127.0.0.1" }).status)
    assert.same({ 1, 1 }, { asked(url) })
    assert.equal(0, get(url, { all_proxy = proxy.url }).status)
    assert.same({ 2, 1 }, { asked(url) })
  end)

  it("S4: isn't taken from HTTP_PROXY, which a CGI server fills from a request's header", function()
    local url = origin:serve("/httpoxy", FILE)
    assert.equal(0, get(url, { HTTP_PROXY = proxy.url }).status)
    assert.same({ 0, 1 }, { asked(url) })
  end)

  it("S4: gives way to the one that was asked for", function()
    local url = origin:serve("/asked", FILE)
    proxy:serve(url, FILE)
    local dead = "http://127.0.0.1:" .. helper.free_port()
    assert.equal(0, get(url, { http_proxy = dead }, "-x", proxy.url).status)
    assert.same({ 1, 0 }, { asked(url) })
  end)

  it("S4: what it says to CONNECT is not the server's answer", function()
    local tls = nginx.start({ tls = true })
    helper.write(tls.root .. "/file", server.content(1, 0, SIZE - 1))
    proxy:serve("127.0.0.1:" .. tls.tls_port, function(connection, _, parameters)
      return connection:tunnel(parameters.port, {
        { "ETag", '"proxy"' }, { "Content-Range", "bytes 5-9/10" }, { "Content-Length", "7" },
        { "Content-Disposition", "attachment; filename=proxy.txt" }, { "Content-Encoding", "gzip" },
        { "Location", "http://127.0.0.1/" }, { "Retry-After", "9" },
      })
    end, { port = tls.tls_port })
    local ok, problem = pcall(function()
      local opts = trial.split({ proxy = proxy.url, cacert = tls.ca })
      local outcome = trial.succeeds(tls.tls_url .. "/file", FILE, opts)
      assert.matches("/file$", outcome.result.path)
      assert.is_nil(outcome.result.content_encoding)
      assert.same({}, outcome.faults)
    end)
    tls:stop()
    assert.is_true(ok, problem)
  end)
end)

describe("a server's words", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(helper.finish)

  local SEQUENCE = "\27]0;owned\7\27[2J\194\155\226\128\174\127"

  -- Nothing but text and line ends: no C0 but LF, no DEL, no C1, no bidi override.
  local function check_plain(text)
    local rest = text:gsub("\n", "")
    assert.is_nil(rest:find("[%z\1-\31\127]"), text)
    assert.is_nil(rest:find("\194[\128-\159]"), text)
    assert.is_nil(rest:find("\226\128[\170-\174]"), text)
  end

  -- A name, headers, a place to go, a status: each with an escape sequence.
  local function behaviours()
    local named = "attachment; filename*=UTF-8''a%1b%5b2J%c2%9b%e2%80%aeb.txt"
    local dirty = {
      { "X-Dirty", SEQUENCE }, { "ETag", '"' .. SEQUENCE .. '"' }, { "Server", SEQUENCE },
    }
    return {
      origin:serve("/named", { size = 1000, disposition = named, content_type = "a/" .. SEQUENCE }),
      origin:serve("/headers", { size = 1000, headers = dirty }),
      origin:redirect("/location", "ftp://" .. SEQUENCE .. "/x"),
      origin:redirect("/scheme", SEQUENCE .. "://x/"),
      origin:serve("/encoded", { size = 1000, headers = { { "Content-Encoding", SEQUENCE } } }),
      origin:serve("/status", function(connection, _, parameters)
        connection:send("HTTP/1.1 404 " .. parameters.text .. "\r\nContent-Length: 0\r\n\r\n")
      end, { text = SEQUENCE }),
      origin:serve("/coded", { size = 1000, headers = { { "Transfer-Encoding", SEQUENCE } } }),
      origin:serve("/ranged", function(connection, _, parameters)
        connection:status(206, { { "Content-Range", parameters.text }, { "Content-Length", "0" } })
      end, { text = SEQUENCE }),
    }
  end

  for _, mode in ipairs({ { "-v" }, { "--info" }, { "--json" }, { "--info", "--json" } }) do
    it("S7: don't command the terminal: " .. table.concat(mode, " "), function()
      for _, url in ipairs(behaviours()) do
        local result = helper.luadl("--retry", "0", "-d", folder, mode[1], mode[2] or "-n1", url)
        check_plain(result.stdout)
        check_plain(result.stderr)
      end
      for name in lfs.dir(folder) do check_plain(name) end
    end)
  end

  it("S7: don't command a real terminal either", function()
    local words = { helper.root .. "/scripts/luadl", "--retry", "0", "-d", folder }
    for _, url in ipairs(behaviours()) do words[#words + 1] = url end
    local typescript = folder .. "/typescript"
    local command = require("spec.support.process").command(words)
    local env = { TERM = "xterm", NO_COLOR = "1" }
    helper.run({ "script", "-qec", command, typescript }, { env = env })
    local shown = assert(helper.read(typescript))
    local ours = shown:gsub("\27%[A", ""):gsub("\27%[2K", ""):gsub("[\r\n]", "")
    ours = ours:gsub("^Script started.-%]", ""):gsub("\27%[%??[%d;]*[hlmKJ]", function(sequence)
      return sequence == "\27[2J" and sequence or ""
    end)
    assert.truthy(shown:find("404", 1, true), shown)
    check_plain(ours)
  end)
end)
