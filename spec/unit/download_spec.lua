--- One download between an engine that takes notes and a clock that only waiting moves.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local merged = require("spec.support.merged")
local world = require("spec.support.world")

local ORIGIN = "http://host"
local BUSY = { kind = "rate_limited", message = "busy", status = 429 }

local function busy(seconds)
  return { kind = "rate_limited", message = "busy", status = 429, retry_after = seconds }
end

describe("download", function()
  local here

  before_each(function() here = world.new() end)

  -- All that is due now.
  local function settle()
    here:settle()
  end

  local function run_until(seconds)
    here:run_until(seconds)
  end

  local function begin(opts, purpose)
    local download = here:download(opts, purpose)
    settle()
    return download
  end

  -- As far as the file that is being filled.
  local function begin_body(opts, head)
    local download = begin(opts)
    here:head(download.id, head)
    settle()
    return download
  end

  local function started() return here:told("start") end

  local function target() return started()[#started()][2] end

  local function fails_with(download, kind)
    local result, err = download:wait(1000)
    assert.is_nil(result)
    assert.is_true(errors.is(err))
    assert.equal(kind, err.kind, tostring(err))
    return err
  end

  describe("the request", function()
    it("says what the options say", function()
      begin({
        connections = 3, min_split = "2M", headers = { ["X-One"] = "1" }, max_redirects = 0,
        expect = { size = 100, content_type = "Text/Plain" },
      })
      local request = here:told("new")[1][1]
      assert.equal("http://host/file.bin", request.url)
      assert.equal(3, request.connections)
      assert.equal(2097152, request.min_split)
      assert.is_true(request.no_redirects)
      assert.equal(100, request.expect_size)
      assert.equal("text/plain", request.expect_type)
    end)

    it("that the engine refuses fails the download and doesn't throw", function()
      here.answers.new = function() return nil, { kind = "bad_url", message = "no URL" } end
      local err = fails_with(here:download(), "bad_url")
      assert.equal("http://host/file.bin", err.url)
    end)

    it("has the target when nobody has an opinion on it", function()
      begin({ output = "there/x" })
      assert.same({ dir = "there", name = "x", replace = false }, here:told("new")[1][1].target)
    end)

    it("has no target when a policy decides on a taken name: it sees the head", function()
      begin({ output = "x", exists = function() end })
      assert.is_nil(here:told("new")[1][1].target)
    end)

    it("is not made when the output is a folder", function()
      fails_with(here:download({ output = "there/" }), "bad_name")
      assert.equal(0, #here:told("new"))
    end)
  end)

  it("has a map while it runs, counted from its file's beginning", function()
    here.extents, here.streams = { { 0, 49 } }, { { 3, 50, 99 } }
    local download = begin_body()
    assert.same({
      total = 100, written = { { 0, 49 } }, streams = { { stream = 3, position = 50, last = 99 } },
    }, download:map())
    here:done(download.id, {})
    assert(download:wait())
    assert.is_nil(download:map())
  end)

  describe("the result", function()
    it("says what came", function()
      local download = begin_body()
      here:done(download.id, { path = "file.bin", received = 100, elapsed = 2,
        content_encoding = "gzip", warning = "odd" })
      local result, err = download:wait()
      assert.is_nil(err)
      assert.same({
        path = "file.bin", size = 100, elapsed = 2, url = "http://host/file.bin", status = 200,
        length_verified = true, content_encoding = "gzip", warnings = { "odd" },
      }, result)
    end)

    it("has the validators, for who asks again another day", function()
      local download = begin_body()
      here:done(download.id, { headers = { { "ETag", '"1"' }, { "Last-Modified", "Mon" } } })
      local result = download:wait()
      assert.same({ '"1"', "Mon" }, { result.etag, result.last_modified })
    end)

    it("stays, and the engine and the session forget the download", function()
      local download = begin_body()
      here:done(download.id)
      local first = download:wait()
      assert.equal(first, download:wait())
      assert.equal(1, #here:told("forget"))
      assert.is_nil(next(here.session.downloads))
    end)

    it("is awaited by many, in tasks and outside", function()
      local download, seen = begin_body(), 0
      for _ = 1, 3 do
        here.loop:spawn("waiter", function()
          if download:wait() then seen = seen + 1 end
        end)
      end
      here:at(7, function() here:done(download.id) end)
      assert.truthy(download:wait())
      settle()
      assert.equal(3, seen)
    end)

    it("that isn't there in time is an error, and the download goes on", function()
      local download = begin_body()
      local result, err = download:wait(4)
      assert.is_nil(result)
      assert.equal("timeout", err.kind)
      assert.equal(4, here:elapsed())
      here:done(download.id)
      assert.truthy(download:wait())
    end)

    it("of an error names the path that it was to have", function()
      local download = begin_body()
      here:done(download.id, { error = { kind = "short_body", message = "short" } })
      assert.equal("./file.bin", fails_with(download, "short_body").path:gsub("^file", "./file"))
    end)

    it("warns of a page in a file's place", function()
      local download = begin_body()
      here:done(download.id, { headers = { { "Content-Type", "text/html; charset=x" } } })
      assert.truthy(download:wait().warnings[1]:find("web page", 1, true))
    end)

    it("of an inquiry is the head, and nothing is started", function()
      local download = begin({}, "info")
      here:done(download.id, { path = false, headers = { { "ETag", '"1"' } }, total = 7 })
      local head = download:wait()
      assert.equal('"1"', head.etag)
      assert.equal(7, head.total)
      assert.is_true(here:told("new")[1][1].head_only)
      assert.equal(0, #started())
    end)
  end)

  describe("the name", function()
    it("may be refused by the policy", function()
      local download = begin({ name = function() return false end })
      here:head(download.id)
      fails_with(download, "cancelled")
      assert.equal(0, #started())
    end)

    it("comes from Content-Disposition, then from the URL", function()
      begin_body({}, { headers = { { "Content-Disposition", 'attachment; filename="a b.txt"' } } })
      assert.equal("a b.txt", target().name)
      begin_body()
      assert.equal("file.bin", target().name)
    end)

    it("comes from the policy before all that, and is made safe", function()
      local seen
      begin_body({ name = function(head)
        seen = head
        return "../../x/" .. head.headers:get("x-name")
      end }, { headers = { { "X-Name", "chosen" }, { "Content-Type", "Text/Plain; q=1" } } })
      assert.is_nil(target().name:find("/", 1, true))
      assert.truthy(target().name:find("chosen", 1, true))
      assert.equal("text/plain", seen.content_type)
      assert.equal(100, seen.total)
    end)

    it("is the default when the policy answers nil or false", function()
      for _, answer in ipairs({ false, "nil" }) do
        begin_body({ name = function() return answer ~= "nil" and answer or nil end })
        assert.equal("file.bin", target().name)
      end
      assert.equal(2, #started())
    end)

    it("may take its time, and only its own download waits", function()
      local slow = begin({ name = function()
        here.loop:sleep(60)
        return "slow"
      end })
      local other = begin()
      here:head(slow.id)
      here:head(other.id)
      run_until(59)
      assert.equal(1, #started())
      assert.equal(other.id, started()[1][1])
      run_until(61)
      assert.equal("slow", target().name)
    end)

    it("policy that throws fails its own download alone, with kind callback", function()
      local bad = begin({ name = function() error("oops") end })
      local good = begin()
      here:head(bad.id)
      here:head(good.id)
      local err = fails_with(bad, "callback")
      assert.truthy(tostring(err):find("name policy.*oops"))
      here:done(good.id)
      assert.truthy(good:wait())
      assert.equal(1, #started())
    end)

    it("policy that throws a table fails with it as the cause", function()
      local cause = { code = 7 }
      local download = begin_body({ name = function() error(cause) end })
      assert.equal(cause, fails_with(download, "callback").cause)
    end)

    it("policy that yields to another loop fails its download and says why", function()
      local download = begin_body({ name = function() return coroutine.yield("mine") end })
      assert.truthy(fails_with(download, "callback").message:find("may yield here", 1, true))
    end)

    it("policy that answers no text fails its download", function()
      fails_with(begin_body({ name = function() return {} end }), "usage")
    end)

    it("given as output wins over all, below dir", function()
      local policy = function() error("asked") end
      begin_body({ output = "a/b.txt", dir = "down/", exists = "rename", name = policy })
      assert.same({ dir = "down/a", name = "b.txt", replace = false }, target())
      begin_body({ output = "/abs/b.txt", dir = "down", exists = "rename" })
      assert.same({ dir = "/abs", name = "b.txt", replace = false }, target())
    end)

    it("given as a folder is an error", function()
      for _, output in ipairs({ "a/", "..", "a/." }) do
        fails_with(begin_body({ output = output }), "bad_name")
      end
      assert.equal(0, #started())
    end)
  end)

  describe("a name that is taken", function()
    it("fails the download when told so", function()
      local download = begin({ output = "x", exists = "fail" })
      here:taken(download.id)
      fails_with(download, "exists")
    end)

    it("gives way to numbered ones", function()
      local download = begin_body({ exists = "rename" })
      here:taken(download.id)
      settle()
      here:taken(download.id)
      settle()
      local names = {}
      for index, call in ipairs(started()) do names[index] = call[2].name end
      assert.equal("file.bin", names[1])
      assert.equal(3, #names)
      assert.truthy(names[2] ~= names[1] and names[3] ~= names[2] and names[3] ~= names[1])
      assert.truthy(names[2]:find("^file.*%.bin$") and names[3]:find("^file.*%.bin$"))
    end)

    it("is replaced when told so", function()
      local download = begin_body({ exists = "replace" })
      assert.is_true(target().replace)
      here:taken(download.id) -- a folder: not to be replaced
      fails_with(download, "exists")
    end)

    it("is skipped when told so: success without a byte", function()
      local download = begin_body({ exists = "skip" })
      here:taken(download.id)
      local result = download:wait()
      assert.is_true(result.skipped)
      assert.truthy(result.path:find("file.bin", 1, true))
    end)

    it("is what the policy says, with the path and the error before it", function()
      local asked
      local download = begin_body({ dir = "down", exists = function(what)
        asked = what
        here.loop:sleep(3)
        return "replace"
      end })
      here:taken(download.id)
      run_until(4)
      assert.equal("down/file.bin", asked.path)
      assert.equal("exists", asked.error.kind)
      assert.is_true(target().replace)
      assert.equal(3, started()[2].time)
    end)

    it("fails when the policy answers nil or false", function()
      for _, answer in ipairs({ false, "nil" }) do
        local download = begin_body({
          exists = function() return answer ~= "nil" and answer or nil end,
        })
        here:taken(download.id)
        fails_with(download, "exists")
      end
    end)

    it("fails with kind callback when the policy answers nonsense or throws", function()
      for _, policy in ipairs({
        function() return "maybe" end, function() return 1 end, function() error("oops") end,
      }) do
        local download = begin_body({ exists = policy })
        here:taken(download.id)
        fails_with(download, "callback")
      end
    end)

    it("is no name when the failure is another one", function()
      local download = begin_body({ exists = "rename" })
      here:fault(download.id, { stage = "open", error = { kind = "permission", message = "no" } })
      fails_with(download, "permission")
    end)
  end)

  describe("a request that failed", function()
    it("is tried again after the delay that the policy says, with its change", function()
      local seen
      local download = begin_body({ retry = function(fault)
        seen = fault
        return 12, { url = "http://other/x", fewer = true }
      end })
      here:fault(download.id, { range = { 10, 19 }, attempt = 2, active = 1 })
      run_until(11.9)
      assert.equal(0, #here:told("retry"))
      run_until(12.1)
      local retry = here:told("retry")[1]
      assert.same({ 10, 19 }, retry[2])
      assert.same({ url = "http://other/x", fewer = true }, retry[3])
      assert.equal(2, seen.attempt)
      assert.equal(500, seen.error.status)
      assert.same({ 10, 19 }, seen.range)
    end)

    it("fails the download with its own error when the policy answers false", function()
      local download = begin_body({ retry = function() return false end })
      here:fault(download.id)
      assert.equal(500, fails_with(download, "http_status").status)
    end)

    it("is for the default when the policy answers nil", function()
      local download = begin_body({ retry = function() return nil end })
      here:fault(download.id)
      run_until(61)
      assert.equal(1, #here:told("retry"))
      here:fault(download.id, { error = { kind = "http_status", message = "no", status = 404 } })
      assert.equal(404, fails_with(download, "http_status").status)
    end)

    it("may have a policy that waits; others go on", function()
      local slow = begin_body({ retry = function()
        here.loop:sleep(100)
        return 0
      end })
      local other = begin_body({ retry = function() return 1 end })
      here:fault(slow.id)
      here:fault(other.id)
      run_until(50)
      assert.equal(1, #here:told("retry"))
      run_until(101)
      assert.equal(slow.id, here:told("retry")[2][1])
    end)

    it("has a policy that throws: kind callback, for this download alone", function()
      for _, policy in ipairs({
        function() error("oops") end,
        function() return "soon" end,
        function() return 0, "again" end,
        function() return 0 / 0 end,
        function() return true end,
        function() return coroutine.yield() end,
      }) do
        local bad = begin_body({ retry = policy })
        local good = begin_body()
        here:fault(bad.id, { active = 0 })
        fails_with(bad, "callback")
        here:done(good.id)
        assert.truthy(good:wait())
      end
    end)

    it("is told to on_retry, which may throw", function()
      local seen
      local download = begin_body({
        retry = function() return 3 end,
        on_retry = function(fault, delay) seen = { fault.error.kind, delay } end,
      })
      here:fault(download.id)
      settle()
      assert.same({ "http_status", 3 }, seen)
      local bad = begin_body({
        retry = function() return 3 end,
        on_retry = function() error("oops") end,
      })
      here:fault(bad.id)
      fails_with(bad, "callback")
    end)

    it("isn't answered when the engine doesn't take the answer", function()
      here.answers.retry = function() return nil, { kind = "bad_url", message = "no URL" } end
      local download = begin_body({ retry = function() return 0, { url = "::" } end })
      here:fault(download.id)
      fails_with(download, "bad_url")
    end)

    it("isn't asked again once the download is over", function()
      local download = begin_body({ retry = function() return 50 end })
      here:fault(download.id)
      settle()
      here:done(download.id, { error = { kind = "deadline", message = "late" } })
      fails_with(download, "deadline")
      run_until(60)
      assert.equal(0, #here:told("retry"))
    end)
  end)

  describe("what an earlier run left", function()
    it("is continued or not as the options say", function()
      begin({ resume_check = "all", adopt = true })
      begin({ resume = false, restart = true })
      local first, second = here:told("new")[1][1], here:told("new")[2][1]
      assert.is_false(first.no_resume)
      assert.equal("all", first.resume_check)
      assert.is_true(first.adopt)
      assert.is_true(second.no_resume)
      assert.is_true(second.restart)
    end)

    it("is dropped under each name that is tried, and never once the file is complete", function()
      local download = begin_body({ restart = true, exists = "rename" })
      here:taken(download.id)
      settle()
      assert.is_true(started()[1][2].restart)
      assert.is_true(started()[2][2].restart)
      here:fault(download.id, { stage = "publish", error = {
        kind = "exists", message = "exists", errno = 17 } })
      settle()
      assert.is_nil(started()[3][2].restart)
    end)

    it("is told in the statistics and the result, and has no part in the speed", function()
      local download = begin_body()
      here.received, here.resumed = 1e6, 1e6
      download:stats()
      run_until(1)
      assert.equal(0, download:stats().speed)
      here.received = 1e6 + 500
      run_until(3)
      local speed = download:stats().speed
      assert.is_true(speed > 0 and speed < 500, speed)
      here:done(download.id, { resumed = 40 })
      assert.equal(40, download:wait().resumed)
    end)

    it("is kept by a failure that says so", function()
      local download = begin_body()
      here:done(download.id, { resumable = true, error = { kind = "io", message = "disk" } })
      assert.is_true(fails_with(download, "io").resumable)
    end)

    it("in the way of a chosen name makes it give way", function()
      for _, kind in ipairs({ "exists", "locked", "journal_corrupt" }) do
        local download = begin_body()
        here:fault(download.id, { stage = "open", error = { kind = kind, message = "no" } })
        settle()
        assert.equal("file (1).bin", target().name)
      end
    end)
  end)

  describe("a .part by its name", function()
    local function continue(opts)
      opts = opts or {}
      opts.resume = "d/f.part"
      if opts.url == nil then opts.url = false end
      return here:download(opts)
    end

    before_each(function()
      here.records["d/f.part"] = { url = "http://old/f", received = 50 }
    end)

    it("is continued from its own URL, where it is", function()
      local download = continue()
      settle()
      local request = here:told("new")[1][1]
      assert.equal("http://old/f", request.url)
      assert.equal("http://old/f", download.url)
      assert.same({ dir = "d", name = "f", replace = false }, request.target)
      assert.is_false(request.renewed)
    end)

    it("H29: is continued from the URL that is given", function()
      continue({ url = "http://new/f", exists = "replace" })
      settle()
      local request = here:told("new")[1][1]
      assert.equal("http://new/f", request.url)
      assert.is_true(request.renewed)
      assert.is_false(request.target.replace)
    end)

    it("may be meant by its record's name", function()
      here:download({ url = false, resume = "d/f.part.lj" })
      assert.equal("f", here:told("new")[1][1].target.name)
    end)

    it("that has no record fails before any request, also with a URL", function()
      here.records = {}
      for _, url in ipairs({ false, "http://new/f" }) do
        local err = fails_with(continue({ url = url }), "journal_corrupt")
        assert.equal("cannot continue d/f.part: no usable record is beside it", err.message)
      end
      assert.equal(0, #here:told("new"))
    end)

    it("needs no record to be adopted or dropped when a URL is given", function()
      here.records = {}
      continue({ url = "http://new/f", adopt = true })
      continue({ url = "http://new/f", restart = true })
      assert.equal(2, #here:told("new"))
    end)

    it("whose record tells no URL asks for one", function()
      here.records["d/f.part"].url = ""
      fails_with(continue(), "bad_url")
    end)

    it("S11: has a URL of the web, whatever its record tells", function()
      here.records["d/f.part"].url = "file:///etc/passwd"
      fails_with(continue(), "bad_url")
      assert.same({}, here:told("new"))
    end)
  end)

  describe("a file that changed on the server", function()
    local CHANGED = { kind = "remote_changed", message = "the file changed" }

    local function change(download, fields)
      local about = merged({ error = CHANGED }, fields)
      here:fault(download.id, about)
      settle()
    end

    it("H20: begins again once, then fails", function()
      local download = begin_body()
      change(download)
      assert.is_true(here:told("retry")[1][3].restart)
      change(download)
      fails_with(download, "remote_changed")
    end)

    it("H20: fails at once when told so", function()
      for _, changed in ipairs({ "fail", function() return "fail" end,
        function() return false end }) do
        local download = begin_body({ changed = changed })
        change(download)
        fails_with(download, "remote_changed")
      end
      assert.equal(0, #here:told("retry"))
    end)

    it("H21: since an earlier run is begun again, and the result warns", function()
      local download = begin_body()
      change(download, { stage = "open" })
      assert.same({ name = "file.bin", replace = false, restart = true }, target())
      here:done(download.id)
      assert.matches("^the file changed on the server: ", download:wait().warnings[1])
    end)

    it("H21: since an earlier run fails when told so, or when it changes again", function()
      local download = begin_body({ changed = "fail" })
      change(download, { stage = "open" })
      fails_with(download, "remote_changed")
      assert.equal(1, #started())
      local second = begin_body()
      change(second, { stage = "open" })
      change(second)
      fails_with(second, "remote_changed")
    end)

    it("warns only when something of an earlier run was dropped", function()
      for resumed, warnings in pairs({ [0] = 0, [50] = 1 }) do
        local download = begin_body()
        here.resumed = resumed
        change(download)
        here:done(download.id)
        assert.equal(warnings, #download:wait().warnings)
      end
    end)

    it("is what the policy says, which may wait; nil is the default", function()
      local seen
      local download = begin_body({ changed = function(fault)
        seen = fault
        here.loop:sleep(5)
      end })
      change(download, { stage = "open" })
      run_until(4)
      assert.equal(1, #started())
      run_until(6)
      assert.is_true(target().restart)
      assert.equal("open", seen.stage)
      assert.equal("remote_changed", seen.error.kind)
    end)

    it("fails with kind callback when the policy answers nonsense", function()
      local download = begin_body({ changed = function() return "maybe" end })
      change(download)
      fails_with(download, "callback")
    end)
  end)

  describe("a link that ran out", function()
    local GONE = { kind = "auth", message = "expired", status = 403 }

    local function expire(download, fields)
      local about = merged({ error = GONE, redirected = true }, fields)
      here:fault(download.id, about)
      settle()
    end

    local function renewed()
      local urls = {}
      for index, call in ipairs(here:told("renew")) do urls[index] = call[2] end
      return urls
    end

    before_each(function() here.received = 50 end)

    it("H28: is made anew from the original URL", function()
      local download = begin_body()
      expire(download, { range = { 50, 99 } })
      assert.same({ "http://host/file.bin" }, renewed())
      assert.same({ 50, 99 }, here:told("retry")[1][2])
      assert.is_nil(here:told("retry")[1][3].url)
    end)

    it("H28: is made anew at most once per 10 s", function()
      local download = begin_body()
      expire(download)
      run_until(4)
      expire(download, { attempt = 2 })
      run_until(9.9)
      assert.equal(1, #renewed())
      run_until(10.1)
      assert.equal(2, #renewed())
      assert.equal(10, here:told("renew")[2].time)
    end)

    it("H28: is made anew once for ranges that fail together", function()
      local download = begin_body()
      for first = 0, 2 do
        here:fault(download.id, { error = GONE, redirected = true, range = { first, first } })
      end
      settle()
      assert.equal(1, #renewed())
      assert.equal(3, #here:told("retry"))
    end)

    it("H28: is what the policy answers, also without a redirect", function()
      local seen
      local download = begin_body({ renew = function(fault)
        seen = fault
        return "http://fresh/1"
      end })
      expire(download, { redirected = false })
      assert.same({ "http://fresh/1" }, renewed())
      assert.equal(403, seen.error.status)
      expire(download)
      run_until(11)
      assert.equal(2, #renewed())
    end)

    it("H28: is made once for all ranges that fail meanwhile", function()
      local asked = 0
      local download = begin_body({ renew = function()
        asked = asked + 1
        here.loop:sleep(3)
        return "http://fresh/" .. asked
      end })
      for first = 0, 2 do expire(download, { range = { first, first } }) end
      assert.equal(0, #here:told("retry"))
      run_until(4)
      assert.equal(1, asked)
      assert.equal(3, #here:told("retry"))
    end)

    it("H28: is the original URL when the policy answers nil after a redirect", function()
      local download = begin_body({ renew = function() end })
      expire(download)
      assert.same({ "http://host/file.bin" }, renewed())
      local other = begin_body({ renew = function() end })
      expire(other, { redirected = false })
      fails_with(other, "auth")
    end)

    it("H28: fails the download when the policy answers false", function()
      local asked = 0
      local download = begin_body({ renew = function()
        asked = asked + 1
        here.loop:sleep(1)
        return false
      end })
      expire(download)
      expire(download, { range = { 5, 9 } })
      assert.equal(403, fails_with(download, "auth").status)
      run_until(50)
      assert.equal(1, asked)
      assert.equal(0, #here:told("retry"))
    end)

    it("H28: fails with kind callback when the policy throws or answers nonsense", function()
      for _, policy in ipairs({ function() error("oops") end, function() return 7 end }) do
        local download = begin_body({ renew = policy })
        expire(download)
        fails_with(download, "callback")
      end
    end)

    it("H28: fails with the engine's error when the fresh one is no URL", function()
      here.answers.renew = function() return nil, { kind = "bad_url", message = "no URL" } end
      local download = begin_body({ renew = function() return "::" end })
      expire(download)
      fails_with(download, "bad_url")
    end)

    it("H28: that was refused from the first is made anew once", function()
      here.received = 0
      local download = begin()
      expire(download)
      assert.equal(1, #renewed())
      expire(download, { attempt = 2 })
      fails_with(download, "auth")
    end)
  end)

  describe("renew", function()
    it("H29: takes a fresh link, and what waits goes on at once", function()
      local download = begin_body({ retry = function() return 100 end })
      here:fault(download.id)
      run_until(5)
      assert.is_true(download:renew("http://fresh/1"))
      settle()
      assert.equal("http://fresh/1", here:told("renew")[1][2])
      assert.equal(5, here:told("retry")[1].time)
      assert.equal("http://fresh/1", download.url)
    end)

    it("H29: spares a range that waits for a fresh link the second one", function()
      here.received = 50
      local download = begin_body()
      local gone = { kind = "auth", message = "expired", status = 403 }
      here:fault(download.id, { error = gone, redirected = true })
      settle()
      run_until(1)
      here:fault(download.id, { error = gone, redirected = true, attempt = 2 })
      settle()
      download:renew("http://fresh/1")
      run_until(30)
      assert.equal(2, #here:told("renew"))
      assert.equal(2, #here:told("retry"))
      assert.equal(1, here:told("retry")[2].time)
    end)

    it("H29: is for the next fresh link, too", function()
      here.received = 50
      local download = begin_body()
      download:renew("http://fresh/1")
      run_until(20)
      here:fault(download.id, { redirected = true, error = {
        kind = "auth", message = "expired", status = 403 } })
      settle()
      assert.equal("http://fresh/1", here:told("renew")[2][2])
    end)

    it("H29: of a download that waits for its host asks the new one at once", function()
      here.session.hosts:wait(ORIGIN, 100)
      local download = begin({ deadline = 130 })
      run_until(30)
      assert.is_true(download:renew("http://elsewhere/f"))
      settle()
      assert.equal("http://elsewhere/f", here:told("new")[1][1].url)
      assert.equal(100, here:told("new")[1][1].deadline)
    end)

    it("H29: of what isn't a URL is an error, and the download goes on", function()
      here.answers.renew = function() return nil, { kind = "bad_url", message = "no URL" } end
      local download = begin_body()
      local ok, err = download:renew("::")
      assert.is_nil(ok)
      assert.equal("bad_url", err.kind)
      assert.is_false(download.ended.fired)
      assert.equal("http://host/file.bin", download.url)
      assert.has_error(function() download:renew(nil) end)
    end)

    it("H29: of a download that has ended says what to do", function()
      local download = begin_body()
      here:done(download.id)
      download:wait()
      local ok, err = download:renew("http://fresh/1")
      assert.is_nil(ok)
      assert.equal("closed", err.kind)
      assert.matches("resume = PART", err.message)
    end)
  end)

  describe("a host that has had enough", function()
    it("H52: is left alone for as long as it says, with jitter", function()
      local download = begin_body({ retry = 5 })
      here:fault(download.id, { error = busy(120) })
      run_until(119.9)
      assert.equal(0, #here:told("retry"))
      run_until(122)
      assert.equal(1, #here:told("retry"))
    end)

    it("H52: is left alone by the next downloads too", function()
      local download = begin_body({ retry = 5 })
      here:fault(download.id, { error = busy(120) })
      settle()
      begin({ url = "http://host/other" })
      begin({ url = "http://elsewhere/other" })
      assert.equal(2, #here:told("new")) -- the first one, and the one elsewhere
      run_until(119)
      assert.equal(2, #here:told("new"))
      run_until(121)
      assert.equal(3, #here:told("new"))
      assert.equal(120, here:told("new")[3].time)
    end)

    it("H52: is left alone by other downloads that are under way", function()
      local first, second = begin_body({ retry = 5 }), begin_body({ retry = 5 })
      here:fault(first.id, { error = busy(120) })
      settle()
      here:fault(second.id) -- an ordinary 500
      run_until(119)
      assert.equal(0, #here:told("retry"))
      run_until(122)
      assert.equal(2, #here:told("retry"))
    end)

    it("H52: is asked no sooner by a stream that made progress", function()
      local first, second = begin_body({ retry = 5 }), begin_body({ retry = 5 })
      here:fault(first.id, { error = busy(50) })
      settle()
      here:fault(second.id, { progress = true, error = { kind = "short_body", message = "x" } })
      run_until(49)
      assert.equal(0, #here:told("retry"))
      run_until(52)
      assert.equal(2, #here:told("retry"))
    end)

    it("H53: isn't waited for beyond the longest wait, nor by anybody else", function()
      local download = begin_body({ retry = 5 })
      here:fault(download.id, { error = busy(301) })
      local err = fails_with(download, "rate_limited")
      assert.equal(301, err.retry_after)
      assert.truthy(err.retry_at)
      assert.equal(0, here.session.hosts:delay(ORIGIN))
    end)

    it("H52: holds others up no longer than max_retry_after, whatever a policy decides", function()
      local download = begin_body({ retry = function() return 1 end })
      here:fault(download.id, { error = busy(4000) })
      settle()
      assert.equal(300, here.session.hosts:delay(ORIGIN))
    end)

    it("H52: keeps all that run from opening connections to it meanwhile", function()
      local first, second = begin_body(), begin_body()
      local elsewhere = begin({ url = "http://elsewhere/f" })
      here:fault(first.id, { error = busy(20) })
      settle()
      local held = {}
      for _, call in ipairs(here:told("hold")) do held[call[1]] = call[2] end
      assert.same({ [first.id] = 20, [second.id] = 20 }, held)
      assert.is_false(elsewhere.ended.fired)
    end)

    it("H52: is as long as the longest that anybody was told", function()
      local first, second = begin_body(), begin_body()
      here:fault(first.id, { error = busy(20) })
      here:fault(second.id, { error = busy(1) })
      settle()
      for _, call in ipairs(here:told("hold")) do assert.equal(20, call[2]) end
      assert.equal(4, #here:told("hold"))
    end)

    it("H52: is the one that a redirect led to, too", function()
      local download = begin_body()
      here:fault(download.id, { error = {
        kind = "rate_limited", message = "x", status = 429, retry_after = 20, url = "http://cdn/f",
      } })
      settle()
      assert.equal(20, here.session.hosts:delay(ORIGIN))
      assert.equal(20, here.session.hosts:delay("http://cdn"))
    end)

    it("H52: is asked again only when it has had its peace, though it asks for more", function()
      here.session.hosts:wait(ORIGIN, 10)
      begin()
      run_until(5)
      here.session.hosts:wait(ORIGIN, 20)
      run_until(24)
      assert.equal(0, #here:told("new"))
      run_until(25)
      assert.equal(1, #here:told("new"))
    end)

    it("H52: lets a waiting download be cancelled at once", function()
      here.session.hosts:wait(ORIGIN, 100)
      local download = begin()
      download:cancel()
      fails_with(download, "cancelled")
      assert.equal(0, here:elapsed())
      run_until(101)
      assert.equal(0, #here:told("new"))
      assert.is_nil(next(here.session.downloads))
    end)

    it("H52: lets a waiting download be abandoned", function()
      here.session.hosts:wait(ORIGIN, 100)
      local download = begin()
      local _, waiting = next(here.session.downloads)
      assert.equal(download, waiting)
      waiting:abandon()
      fails_with(download, "closed")
    end)

    it("H52: counts the wait against the deadline", function()
      here.session.hosts:wait(ORIGIN, 100)
      local early, late = begin({ deadline = 30 }), begin({ deadline = 130 })
      fails_with(early, "deadline")
      assert.equal(30, here:elapsed())
      run_until(101)
      assert.equal(1, #here:told("new"))
      assert.equal(30, here:told("new")[1][1].deadline)
      assert.is_false(late.ended.fired)
    end)

    it("H52: fails a waiting download whose request is refused then", function()
      here.session.hosts:wait(ORIGIN, 100)
      here.answers.new = function() return nil, { kind = "no_memory", message = "none" } end
      fails_with(begin(), "no_memory")
      assert.equal(100, here:elapsed())
    end)
  end)

  describe("a limit of connections", function()
    local function refuse(download, active, err)
      here:fault(download.id, { extra = true, active = active, error = err or BUSY })
      settle()
    end

    local function connections()
      local numbers = {}
      for index, call in ipairs(here:told("connections")) do
        numbers[index] = { call.time, call[2] }
      end
      return numbers
    end

    it("H55: parks the range and lowers the number, and never fails the download", function()
      local download = begin_body({ retry = 0 })
      for attempt = 1, 9 do
        here:fault(download.id, { extra = true, active = 4, attempt = attempt, error = BUSY })
        settle()
        assert.is_true(here:told("retry")[attempt][3].fewer)
      end
      assert.is_false(download.ended.fired)
    end)

    it("H55: is waited for no longer than another stream is there", function()
      local download = begin_body({ retry = 0 })
      refuse(download, 1, { kind = "stalled", message = "x" })
      here:run_until(10)
      assert.equal(0, #here:told("retry"))
      here.connections = 0
      here:run_until(12)
      assert.equal(1, #here:told("retry"))
    end)

    it("H55: is shown by 403, 429, 503, resets and closes alike", function()
      local signs = {
        { kind = "auth", message = "x", status = 403 },
        { kind = "rate_limited", message = "x", status = 429 },
        { kind = "http_status", message = "x", status = 503 },
        { kind = "connect", message = "x", curl_code = 56 },
        { kind = "protocol", message = "x", curl_code = 52 },
        { kind = "short_body", message = "x", curl_code = 18 },
      }
      local download = begin_body({ retry = 0 })
      for index, err in ipairs(signs) do
        refuse(download, 1, err)
        assert.is_true(here:told("retry")[index][3].fewer)
      end
    end)

    it("H55: lets one more connection be tried every 30 s, up to what was asked for", function()
      local download = begin_body({ connections = 6 })
      refuse(download, 5)
      run_until(200)
      assert.same({ { 30, 4 }, { 60, 5 }, { 90, 6 } }, connections())
    end)

    it("H55: halves again when the next one is refused, and goes on from there", function()
      local download = begin_body({ connections = 6 })
      refuse(download, 5)
      run_until(35) -- 4 since 30 s
      refuse(download, 3)
      run_until(300)
      local after = connections()
      assert.same({ 30, 4 }, after[1])
      assert.equal(2, after[2][2])
      assert.equal(6, after[#after][2])
      for index = 3, #after do
        assert.equal(after[index - 1][2] + 1, after[index][2])
        assert.equal(30, after[index][1] - after[index - 1][1])
      end
    end)

    -- What a download was told last.
    local function allowed(download)
      local last
      for _, call in ipairs(here:told("connections")) do
        if call[1] == download.id then last = call[2] end
      end
      return last
    end

    it("H55: is known to the next download from that host, and shared with it", function()
      local first = begin_body({ connections = 8 })
      refuse(first, 7)
      local second = begin({ connections = 8 })
      assert.equal(2, here:told("new")[2][1].connections)
      run_until(125) -- the host's 4 are 8 by now
      assert.equal(4, allowed(second))
      here:done(first.id)
      run_until(155)
      assert.equal(8, allowed(second))
    end)

    it("H55: is shared with those that run already", function()
      here.connections = 8
      local first, second = begin_body({ connections = 8 }), begin_body({ connections = 8 })
      local elsewhere = begin({ url = "http://elsewhere/f" })
      refuse(first, 7)
      assert.equal(4, allowed(second)) -- of 8, half of the 16 that there were
      assert.is_nil(allowed(elsewhere))
      run_until(300)
      assert.equal(8, allowed(second))
    end)

    it("H55: leaves no timer behind when the download ends", function()
      local download = begin_body({ connections = 6 })
      refuse(download, 5)
      here:done(download.id)
      download:wait()
      settle()
      assert.is_nil(here.loop:timeout())
      assert.equal(0, #connections())
    end)

    it("H55: doesn't excuse the last stream", function()
      local download = begin_body({ retry = 0 })
      refuse(download, 0)
      fails_with(download, "rate_limited")
    end)
  end)

  describe("an observer", function()
    it("of progress is called five times a second, and at the end", function()
      local seen = {}
      local download = begin_body({ on_progress = function(stats)
        seen[#seen + 1] = stats.received
      end })
      for step = 1, 5 do
        here:at(step, function() here.received = step * 20 end)
      end
      run_until(5.01)
      here:done(download.id)
      download:wait()
      assert.is_true(#seen >= 24 and #seen <= 27, #seen .. " calls")
      assert.equal(100, seen[#seen])
    end)

    it("of progress may wait; it isn't called meanwhile, and the download goes on", function()
      local calls = 0
      local download = begin_body({ on_progress = function()
        calls = calls + 1
        here.loop:sleep(10)
      end })
      here:at(5, function() here:fault(download.id, { progress = true, error = {
        kind = "short_body", message = "x" } }) end)
      run_until(9)
      assert.equal(1, calls)
      assert.equal(1, #here:told("retry"))
    end)

    it("of progress that throws fails its own download alone", function()
      local other = begin_body()
      local bad = begin_body({ on_progress = function() error("oops") end })
      fails_with(bad, "callback")
      assert.is_false(other.ended.fired)
    end)

    it("of the end gets the result before anybody else, and may wait", function()
      local seen
      local download = begin_body({ on_done = function(result)
        here.loop:sleep(2)
        seen = result
      end })
      here:done(download.id)
      local result = download:wait()
      assert.equal(result, seen)
      assert.equal(2, here:elapsed())
    end)

    it("of the end isn't called after a failure", function()
      local download = begin_body({ on_done = function() error("called") end })
      here:done(download.id, { error = { kind = "io", message = "disk" } })
      fails_with(download, "io")
    end)

    it("of the end that throws makes the result an error", function()
      local download = begin_body({ on_done = function() error("oops") end })
      here:done(download.id)
      assert.truthy(fails_with(download, "callback").message:find("on_done", 1, true))
    end)
  end)

  describe("a cancel", function()
    it("is answered by the engine's end, with its reason", function()
      local download = begin_body()
      download:cancel("not wanted")
      assert.is_false(download.ended.fired)
      assert.equal("not wanted", fails_with(download, "cancelled").message)
    end)

    it("counts once", function()
      local download = begin_body()
      download:cancel("first")
      download:cancel("second")
      assert.equal("first", fails_with(download, "cancelled").message)
    end)

    it("before the head ends the download", function()
      local download = begin()
      download:cancel()
      fails_with(download, "cancelled")
    end)

    it("while a policy waits ends the download at once", function()
      local download = begin_body({ name = function() here.loop:sleep(500) end })
      download:cancel()
      fails_with(download, "cancelled")
      assert.equal(0, here:elapsed())
    end)

    it("during a back-off ends it, and nothing is tried again", function()
      local download = begin_body({ retry = function() return 100 end })
      here:fault(download.id)
      settle()
      download:cancel()
      fails_with(download, "cancelled")
      run_until(101)
      assert.equal(0, #here:told("retry"))
    end)

    it("from a policy or an observer ends the download", function()
      local from_name, from_progress
      from_name = begin({ name = function()
        from_name:cancel("from name")
        return "x"
      end })
      here:head(from_name.id)
      assert.equal("from name", fails_with(from_name, "cancelled").message)
      from_progress = begin_body({ on_progress = function() from_progress:cancel() end })
      fails_with(from_progress, "cancelled")
    end)

    it("after the end changes nothing", function()
      local download = begin_body()
      here:done(download.id)
      local result = download:wait()
      download:cancel()
      assert.equal(result, download:wait())
    end)

    it("that comes too late is a success", function()
      local download = begin_body()
      here:done(download.id)
      download:cancel()
      assert.truthy(download:wait())
    end)
  end)

  describe("the statistics", function()
    it("have name, path and a speed", function()
      local download = begin_body({ dir = "down" })
      here.received = 0
      download:stats()
      here.received = 1000
      run_until(2)
      local stats = download:stats()
      assert.equal("file.bin", stats.name)
      assert.equal("down/file.bin", stats.path)
      assert.is_true(stats.speed > 0)
    end)

    it("stay as they were when the download is over", function()
      local download = begin_body()
      here.received = 100
      here:done(download.id)
      download:wait()
      here.received = 0
      assert.equal(100, download:stats().received)
    end)

    it("exist while a download waits for its host", function()
      here.session.hosts:wait(ORIGIN, 100)
      assert.equal("waiting", begin():stats().state)
    end)
  end)
end)
