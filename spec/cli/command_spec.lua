--- The whole command against nginx and the scripted server: each option does what it says.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local lfs = require("lfs")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SIZE = 400000
local SEED = 5
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }
local SHIM = (os.getenv("LUADL_BUILD") or helper.root .. "/build/5.4") .. "/faultfs.so"

local LOCATIONS = [[
location /login/ { auth_basic "luadl"; auth_basic_user_file %s; alias %s/; }
location /few/ { limit_conn all 2; limit_rate 400k; alias %s/; }
location /moved/ { return 302 /file.bin; }
]]

local web, origin, root, folder, path, sum

local function luadl(...)
  return helper.luadl("--min-split", "64K", ...)
end

local function quick(...)
  return luadl("--retry", "0", ...)
end

local function serve(name, behaviour, parameters)
  return origin:serve(name, behaviour, merged(FILE, parameters))
end

local function assert_saved(result, where)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(where or path))
end

local function assert_status(status, result, words)
  assert.equal(status, result.status, result.stderr)
  if words then assert.is_truthy(result.stderr:find(words, 1, true), result.stderr) end
  assert.is_false(helper.exists(path))
end

local function objects_of(result)
  local list = {}
  for line in result.stdout:gmatch("[^\n]+") do
    local object, _, problem = dkjson.decode(line)
    list[#list + 1] = assert(object, problem)
  end
  return list
end

local function status_answer(connection, _, parameters)
  connection:reply(parameters.status, parameters.headers, "no\n")
end

describe("luadl", function()
  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    helper.write(root .. "/password", "me:{PLAIN}secret\n")
    sum = server.sha256(SEED, SIZE)
    web = nginx.start({ root = root, tls = true,
      config = LOCATIONS:format(root .. "/password", root, root) })
    origin = server.start()
  end)

  teardown(function()
    web:stop()
    origin:stop()
    helper.remove_folder(root)
  end)

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
  end)

  after_each(helper.finish)

  describe("saves", function()
    it("a file of nginx over several connections", function()
      assert_saved(luadl("-n4", "-d", folder, web.url .. "/file.bin"))
    end)

    it("through a limit of connections, without a hole", function()
      assert_saved(luadl("-n8", "-d", folder, web.url .. "/few/file.bin"))
    end)

    it("into the folder it is started in", function()
      local result = luadl(web.url .. "/file.bin", { cwd = folder })
      assert_saved(result)
      assert.matches("^file.bin  390%.6 KiB in ", result.stderr)
    end)

    it("below -d when -o is relative, and makes the folder", function()
      assert_saved(luadl("-d", folder .. "/a/b", "-o", "c", web.url .. "/file.bin"),
        folder .. "/a/b/c")
      assert_saved(luadl("-d", "d/e", "-o", "f", web.url .. "/file.bin", { cwd = folder }),
        folder .. "/d/e/f")
    end)

    it("several files, -j at once", function()
      local function slow(connection, request, parameters, state)
        state.most = math.max(state.most or 0, request.active)
        connection:sleep(0.05)
        if request.target:find("most") then
          return connection:reply(200, {}, ("%d"):format(state.most))
        end
        connection:file(request, parameters)
      end
      local urls = {}
      for number = 1, 6 do urls[number] = serve("/slow", slow) .. "?" .. number end
      assert.equal(0, luadl("-q", "-n1", "-j3", "-d", folder, table.unpack(urls)).status)
      assert.equal(6, #helper.entries(folder))
      for _, name in ipairs(helper.entries(folder)) do
        assert.equal(sum, helper.sha256(folder .. "/" .. name))
      end
      luadl("-q", "-o", folder .. "/most", serve("/slow", slow) .. "?most")
      assert.equal("3", helper.read(folder .. "/most"))
    end)
  end)

  describe("sends", function()
    local function request_of(...)
      local url = serve("/sent")
      local before = #origin:requests("/sent")
      assert_saved(luadl("--exists", "replace", "-o", path, ..., url))
      return origin:requests("/sent")[before + 1]
    end

    it("headers of -H, the name of -A and the login of -u", function()
      local request = request_of("-HX-One: 1")
      assert.equal("1", request:header("x-one"))
      assert.matches("^luadl/%d", request:header("user-agent"))
      assert.equal("me/1", request_of("-Ame/1"):header("user-agent"))
      assert.equal("Basic bWU6c2VjcmV0", request_of("-ume:secret"):header("authorization"))
    end)

    it("one request for all with -n1, and several with more", function()
      local url = serve("/count", nil, { rate = 2000000 })
      assert_saved(luadl("-n1", "-o", path, url))
      assert.equal(1, #origin:requests("/count"))
      assert_saved(luadl("-n4", "--exists", "replace", "-o", path, url))
      assert.is_true(#origin:requests("/count") >= 3)
    end)

    it("no smaller requests than --min-split", function()
      local url = serve("/split", nil, { rate = 2000000 })
      assert_saved(luadl("-n8", "--min-split", "1M", "-o", path, url))
      assert.equal(1, #origin:requests("/split"))
    end)

    it("what it says through the proxy of -x", function()
      serve("http://luadl.test/file")
      assert_saved(luadl("-x", origin.url, "-o", path, "http://luadl.test/file"))
    end)
  end)

  describe("trusts", function()
    it("no server whose issuer is unknown", function()
      assert_status(6, quick("-o", path, web.tls_url .. "/file.bin"), "--cacert FILE")
    end)

    it("what --cacert says", function()
      assert_saved(luadl("--cacert", web.ca, "-o", path, web.tls_url .. "/file.bin"))
    end)

    it("everybody with -k, and says so", function()
      local result = luadl("-k", "-o", path, web.tls_url .. "/file.bin")
      assert_saved(result)
      assert.matches("warning: TLS certificates and host keys are not verified", result.stderr)
    end)
  end)

  describe("ends with", function()
    it("2 when the server falls silent or a deadline passes", function()
      local url = serve("/hold", server.hanging)
      assert_status(2, quick("--timeout", "200ms", "-o", path, url), "--timeout TIME")
      assert_status(2, quick("--deadline", "200ms", "-o", path, url), "--deadline TIME")
      local function mute(connection) connection:hold() end
      assert_status(2, quick("--timeout", "200ms", "-o", path, serve("/mute", mute)), "no answer")
    end)

    it("3 when there is no such file", function()
      assert_status(3, luadl("-o", path, web.url .. "/nowhere"), "answered 404")
      assert_status(3, quick("-o", path, serve("/gone", status_answer, { status = 410 })), "410")
    end)

    it("6 when nobody listens, and says how often it tried", function()
      local url = helper.dead_url()
      local result = luadl("--retry", "1", "-o", path, url)
      assert_status(6, result, "tried 2 times")
      assert.is_truthy(result.stderr:find(url, 1, true))
    end)

    it("9, 16 and 17 when the disk is full, forbidden or broken", function()
      if not helper.exists(SHIM) then pending("no " .. SHIM .. ": make spec builds it") end
      local statuses = { ["pwrite:ENOSPC"] = 9, ["openat:EACCES"] = 16, ["fsync:EIO"] = 17 }
      for fault, status in pairs(statuses) do
        local preload = SHIM .. ":" .. (os.getenv("LD_PRELOAD") or "")
        assert_status(status, quick("-o", path, web.url .. "/file.bin",
          { env = { LUADL_FAULT = fault, LD_PRELOAD = preload } }), path)
      end
    end)

    it("11 when another luadl writes the same file", function()
      local url = serve("/hold", server.hanging)
      local script = ([[
        luadl=%s/scripts/luadl
        $luadl -q -o %s %s & first=$!
        while ! [ -s %s.part ]; do sleep 0.01; done
        $luadl -o %s %s; echo $?
        kill -INT $first; wait $first; echo $?
      ]]):format(helper.root, path, url, path, path, url)
      local result = helper.run(script, { timeout = 10 })
      assert.equal("11\n7\n", result.stdout)
      assert.matches("another download writes this file", result.stderr)
    end)

    it("13 when the file of -o exists", function()
      helper.write(path, "mine")
      local result = luadl("-o", path, web.url .. "/file.bin")
      assert.equal(13, result.status)
      assert.equal("mine", helper.read(path))
    end)

    it("19 when the host has no address", function()
      local result = quick("-o", path, "http://luadl.invalid/")
      assert_status(19, result, "luadl.invalid")
    end)

    it("22 when the answer is wrong, short or refused", function()
      local function short(connection, _, parameters)
        connection:status(200, { { "Content-Length", parameters.size } })
        connection:body(0, 1000)
        connection:close()
      end
      assert_status(22, quick("-o", path, serve("/short", short)))
      assert_status(22, quick("-o", path, serve("/teapot", status_answer, { status = 418 })), "418")
    end)

    it("23 when redirects don't end or lead where luadl doesn't go", function()
      local function onward(connection, request, _, state)
        state.count = (state.count or 0) + 1
        connection:redirect(request.path .. "?" .. state.count)
      end
      assert_status(23, quick("-o", path, serve("/loop", onward)), "--max-redirects N")
      local function elsewhere(connection) connection:redirect("file:///etc/passwd") end
      assert_status(23, quick("-o", path, serve("/file", elsewhere)), "file:///etc/passwd")
      assert_status(23, quick("--max-redirects", "0", "-o", path, web.url .. "/moved/"))
      assert_saved(quick("-o", path, web.url .. "/moved/"))
    end)

    it("24 without the right login", function()
      local url = web.url .. "/login/file.bin"
      assert_status(24, quick("-o", path, url), "-u NAME:PASSWORD")
      assert_status(24, quick("-u", "me:wrong", "-o", path, url))
      assert_saved(quick("-u", "me:secret", "-o", path, url))
    end)

    it("28 for a wrong command line", function()
      for _, words in ipairs({
        {}, { "--nonsense", "http://a/" }, { "ftp://a/" }, { "http://" }, { "-n0", "http://a/" },
        { "http://a:99999/" }, { "-o", path, "http://a/", "http://b/" }, { "-qv", "http://a/" },
      }) do
        assert_status(28, luadl(table.unpack(words)))
      end
    end)

    it("29 when the server is overloaded, after its tries", function()
      local busy = { status = 503, headers = { { "Retry-After", 0 } } }
      local url = serve("/busy", status_answer, busy)
      assert_status(29, quick("-o", path, url), "503")
      assert.equal(1, #origin:requests("/busy"))
      local slow_down = { status = 429, headers = { { "Retry-After", 100000 } } }
      url = serve("/slow_down", status_answer, slow_down)
      assert_status(29, luadl("-o", path, url), "come back at 20")
    end)

    it("1 for the rest", function()
      local url = web.url .. "/file.bin"
      assert_status(1, quick("--max-size", "10K", "-o", path, url), "--max-size SIZE")
    end)

    it("the first failure's status, and still saves the others", function()
      local result = quick("-j1", "-d", folder, web.url .. "/nowhere", web.url .. "/file.bin",
        web.url .. "/login/file.bin")
      assert.equal(3, result.status)
      assert.equal(sum, helper.sha256(path))
      assert.matches("\n1 of 3 files, 2 failed; [^\n]*\n$", result.stderr)
    end)
  end)

  describe("tries again", function()
    local function failing_once(connection, request, parameters)
      if request.number == 1 then return connection:reply(503, { { "Retry-After", 1 } }, "") end
      connection:file(request, parameters)
    end

    it("as often as --retry says, when the server says, and tells of it with -v", function()
      local result = luadl("-v", "-n1", "-o", path, serve("/once", failing_once))
      assert_saved(result)
      -- Jitter adds up to a second: 1s, 1.4s, 2s.
      assert.matches("^luadl: again in [12]%.?%d*s: 127%.0%.0%.1 answered 503", result.stderr)
      assert.is_true(result.elapsed >= 1)
    end)
  end)

  describe("when the file exists", function()
    local url

    before_each(function()
      url = web.url .. "/file.bin"
      helper.write(path, "mine")
    end)

    it("renames by default and fails with -o", function()
      assert_saved(luadl("-d", folder, url), folder .. "/file (1).bin")
      assert.equal(13, luadl("-o", path, url).status)
      assert.equal("mine", helper.read(path))
    end)

    it("fails, renames, replaces or skips as it is told", function()
      assert.equal(13, luadl("--exists", "fail", "-d", folder, url).status)
      assert_saved(luadl("--exists", "rename", "-o", path, url), folder .. "/file (1).bin")
      local skipped = luadl("--exists=skip", "-d", folder, url)
      assert.equal(0, skipped.status)
      assert.matches("file.bin  exists already, skipped", skipped.stderr)
      assert.equal("mine", helper.read(path))
      assert_saved(luadl("--exists", "replace", "-d", folder, url))
    end)
  end)

  describe("reports", function()
    it("as JSON: start, progress, retry, done, error and summary", function()
      local function slowly(connection, request, parameters)
        if request.number == 1 then return connection:reply(503, { { "Retry-After", 0 } }, "") end
        parameters.rate = 500000
        connection:file(request, parameters)
      end
      local good, bad = serve("/json", slowly), web.url .. "/nowhere"
      local result = luadl("--json", "-n1", "-d", folder, good, bad)
      assert.equal(3, result.status)
      assert.equal("", result.stderr)
      local by_type = {}
      for _, object in ipairs(objects_of(result)) do
        by_type[object.type] = by_type[object.type] or object
      end
      assert.equal(good, by_type.start.url)
      assert.equal(1, by_type.start.id)
      assert.equal("http_status", by_type.retry.kind)
      assert.is_number(by_type.retry.delay)
      assert.is_number(by_type.progress.received)
      assert.equal(folder .. "/json", by_type.done.path)
      assert.equal(SIZE, by_type.done.size)
      assert.same({ 2, "http_status", 404, bad }, {
        by_type.error.id, by_type.error.kind, by_type.error.status, by_type.error.url,
      })
      local summary = by_type.summary
      assert.is_true(summary.elapsed > 0)
      summary.elapsed = nil
      assert.same({
        type = "summary", status = 3, done = 1, failed = 1, skipped = 0, total = 2, bytes = SIZE,
      }, summary)
    end)

    it("nothing but errors with -q", function()
      local result = luadl("-q", "-d", folder, web.url .. "/file.bin")
      assert_saved(result)
      assert.equal("", result.stdout .. result.stderr)
      assert.matches("^luadl: .*404.*\n$", luadl("-q", web.url .. "/nowhere").stderr)
    end)

    it("plain lines where there is no terminal", function()
      local result = luadl("-d", folder, web.url .. "/file.bin")
      assert.equal("", result.stdout)
      assert.matches("^%C+  390%.6 KiB in %C+, %C+/s\n$", result.stderr)
    end)

    it("a length that the server didn't tell, and a web page in a file's place", function()
      local function unknown(connection)
        connection:status(200, { { "Content-Type", "text/html" }, { "Connection", "close" } })
        connection:send("<html>please log in</html>")
        connection:close()
      end
      local result = luadl("-d", folder, serve("/big.iso", unknown))
      assert.equal(0, result.status)
      assert.matches("%(the server told no length%)", result.stderr)
      assert.matches("warning: the server sent a web page", result.stderr)
    end)

    it("no password, anywhere", function()
      local url = web.url:gsub("//", "//me:hunter2@") .. "/nowhere"
      for _, how in ipairs({ "-v", "--json", "--info" }) do
        local result = luadl(how, url)
        assert.is_nil((result.stdout .. result.stderr):find("hunter2", 1, true))
      end
    end)

    it("names without what a terminal would obey", function()
      local url = serve("/esc", nil, { disposition = "attachment; filename*=UTF-8''%1b%5b2Jx" })
      local result = luadl("-d", folder, url)
      assert_saved(result, folder .. "/_[2Jx")
      assert.is_nil((result.stdout .. result.stderr):find("\27", 1, true))
    end)
  end)

  describe("--info", function()
    it("says what the server says and saves nothing", function()
      local urls = { web.url .. "/file.bin", web.url .. "/moved/" }
      local result = luadl("--info", urls[1], urls[2], { cwd = folder })
      assert.equal(0, result.status, result.stderr)
      assert.matches("^url       http", result.stdout)
      assert.matches("\nname      file%.bin\n", result.stdout)
      assert.matches("\nsize      390%.6 KiB %(400000 bytes%)\n", result.stdout)
      assert.matches("\nranges    yes\n", result.stdout)
      assert.matches("\nleads to  " .. web.url:gsub("%p", "%%%0") .. "/file%.bin\n", result.stdout)
      assert.same({}, helper.entries(folder))
    end)

    it("says it as JSON", function()
      local result = luadl("--info", "--json", web.url .. "/file.bin", web.url .. "/nowhere")
      assert.equal(3, result.status)
      local found, missing = table.unpack(objects_of(result))
      assert.same({ "info", "file.bin", SIZE, true },
        { found.type, found.name, found.total, found.ranges })
      assert.same({ "error", 404 }, { missing.type, missing.status })
    end)
  end)

  describe("is interrupted", function()
    -- Starts luadl, waits for the .part, sends signals, prints the status and the milliseconds.
    local function interrupt(url, prefix, after)
      local script = ([[
        %s %s/scripts/luadl -o %s %s & child=$!
        while ! [ -e %s.part ]; do sleep 0.01; done
        began=$(date +%%s%%N)
        kill -INT $child; %s
        wait $child; echo $? $((($(date +%%s%%N) - began) / 1000000))
      ]]):format(prefix or "", helper.root, path, url, path, after or "")
      local result = helper.run(script, { timeout = 20 })
      local status, took = result.stdout:match("^(%d+) (%d+)\n$")
      assert.is_truthy(status, result.stdout .. result.stderr)
      return tonumber(status), tonumber(took), result.stderr
    end

    it("by Ctrl-C: status 7 within two seconds, nothing left", function()
      local status, took, stderr = interrupt(serve("/hold", server.hanging))
      assert.equal(7, status)
      assert.is_true(took < 2000, took)
      assert.matches("^luadl: interrupted %(", stderr)
      assert.same({}, helper.entries(folder))
    end)

    local slow_disk = ("LUADL_FAULT=pwrite:SLOW5 LD_PRELOAD=%s"):format(SHIM)

    it("by a second Ctrl-C at once, whatever the disk does", function()
      if not helper.exists(SHIM) then pending("no " .. SHIM .. ": make spec builds it") end
      local again = "sleep 0.2; kill -INT $child"
      local status, took = interrupt(serve("/hold", server.hanging), slow_disk, again)
      assert.equal(7, status)
      assert.is_true(took < 700, took)
      os.remove(path .. ".part")
    end)

    it("within two seconds though the disk hangs", function()
      if not helper.exists(SHIM) then pending("no " .. SHIM .. ": make spec builds it") end
      local status, took = interrupt(serve("/hold", server.hanging), slow_disk)
      assert.equal(7, status)
      assert.is_true(took < 2500, took)
      os.remove(path .. ".part")
    end)
  end)

  describe("continues", function()
    local LARGE = 4 * 1048576

    -- Falls silent in the middle of the first answer.
    local function halting(connection, request, parameters, state)
      if state.halted then return connection:file(request, parameters) end
      state.halted = true
      connection:status(200, { { "Content-Length", parameters.size }, { "ETag", '"1"' },
        { "Accept-Ranges", "bytes" } })
      connection:body(0, parameters.size // 2 - 1)
      connection:hold()
    end

    local function interrupted(name)
      local url = serve(name, halting, { size = LARGE })
      local result = quick("-n1", "--timeout", "0.3", "-o", path, url)
      assert_status(2, result, "; the same command again continues it")
      return url
    end

    local function share(result)
      assert.equal(0, result.status, result.stderr)
      assert.equal(server.sha256(SEED, LARGE), helper.sha256(path))
      return tonumber(result.stderr:match("%(continued at (%d+)%%%)"))
    end

    it("with the same command", function()
      local url = interrupted("/again")
      local before = share(quick("-n1", "-o", path, url))
      assert.is_true(before > 0 and before <= 50, before)
      assert.equal(LARGE, lfs.attributes(path, "size"))
      assert.same({ path:match("[^/]*$") }, helper.entries(folder))
    end)

    it("what is left, also where the next run ends before an answer, and says so", function()
      local url = interrupted("/silent")
      serve("/silent", function(connection) connection:hold() end)
      local words = { "-n1", "--timeout", "0.3", "-o", path, url }
      assert_status(2, quick(table.unpack(words)), "; the same command again continues it")
      serve("/silent", halting, { size = LARGE })
      assert.is_number(share(quick("-n1", "-o", path, url)))
    end)

    it("nothing of what --restart has dropped", function()
      local url = interrupted("/dropped")
      serve("/dropped", function(connection) connection:hold() end)
      local restarted = quick("--restart", "-n1", "--timeout", "0.3", "-o", path, url)
      assert.is_nil(restarted.stderr:find("again continues", 1, true), restarted.stderr)
    end)

    it("a .part by its name, without a URL and with another one", function()
      interrupted("/by-name")
      assert.is_number(share(quick("--resume", path .. ".part")))
      os.remove(path)
      local url = interrupted("/elsewhere")
      local result = quick("-o", path, url .. "?other")
      assert_status(13, result, "--resume PART URL continues it")
      assert.is_number(share(quick("--resume", path .. ".part", url .. "?other")))
    end)

    it("no more than it is told to", function()
      local url = interrupted("/restart")
      assert.is_nil(share(quick("--restart", "-o", path, url)))
      os.remove(path)
      url = serve("/no-resume", halting, { size = LARGE })
      local result = quick("--no-resume", "-n1", "--timeout", "0.3", "-o", path, url)
      assert_status(2, result)
      assert.is_nil(result.stderr:find("again continues", 1, true))
      assert.same({}, helper.entries(folder))
    end)

    it("nothing that has no record, and says so", function()
      helper.write(path .. ".part", "bytes")
      assert_status(1, luadl("--resume", path .. ".part"), "no usable record is beside it")
      os.remove(path .. ".part")
    end)

    it("nothing that isn't there, and says what would help", function()
      local url = web.url .. "/file.bin"
      for _, words in ipairs({ {}, { url } }) do
        local result = luadl("--resume", path .. ".part", table.unpack(words))
        assert_status(3, result, "there is no such file; is its path right? Without --resume")
      end
      assert.same({}, helper.entries(folder))
      helper.write(path, "bytes")
      local result = luadl("--resume", path .. ".part")
      assert.equal(3, result.status)
      assert.truthy(result.stderr:find("but " .. path .. " is there; it seems to be complete", 1,
        true), result.stderr)
    end)
  end)

  describe("explains", function()
    it("the words of other tools", function()
      for advice, words in pairs({
        ["-n 16"] = { "-x16" }, ["write -n 16"] = { "-s16" }, ["--min-split 1M"] = { "-k1M" },
        ["use -d DIR"] = { "-P", "x" }, ["did you mean '--connections'"] = { "--conections", "3" },
      }) do
        words[#words + 1] = "http://127.0.0.1:1/"
        assert_status(28, luadl(table.unpack(words)), advice)
      end
    end)

    it("itself: --help and --version need nothing", function()
      assert.matches("^usage: luadl %[options%] URL", luadl("--help").stdout)
      assert.matches("^luadl %d+%.%d+%.%d+\n$", luadl("--version").stdout)
      assert.equal(0, luadl("--help").status)
    end)

    it("its help, and what is wrong with the words, before it is built", function()
      local copy = helper.tmpdir()
      helper.run({ "cp", "-r", "lua", "scripts", copy })
      local function unbuilt(...) return helper.run({ copy .. "/scripts/luadl", ... }) end
      assert.matches("^usage: luadl %[options%] URL", unbuilt("--help").stdout)
      assert_status(28, unbuilt("--conections", "3"), "did you mean '--connections'")
      assert_status(1, unbuilt("http://127.0.0.1:1/"), "is not built: run make")
    end)

    it("that a URL was expected", function()
      assert.equal("luadl: no URL given; usage: luadl [options] URL...\ntry luadl --help\n",
        luadl().stderr)
    end)

    it("where a file could not be written", function()
      local url = web.url .. "/file.bin"
      assert_status(1, luadl("-o", folder .. "/no/such/file", url), "-d DIR makes its folder")
    end)
  end)
end)
