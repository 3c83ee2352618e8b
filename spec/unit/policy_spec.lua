--- Policies and observers: who is asked, in which order, and what an answer does.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local policy = require("luadl.policy")
local world = require("spec.support.world")

local URL = "http://host/file.bin"
local GONE = { kind = "http_status", message = "gone", status = 404 }

local function script(fields)
  return (assert(policy.read(fields)))
end

describe("a policy table", function()
  it("is refused with the field that is unknown, and the nearest known one", function()
    local read, message = policy.read({ on_don = print })
    assert.is_nil(read)
    assert.equal("unknown policy 'on_don': did you mean 'on_done'?", message)
  end)

  it("is refused with its label", function()
    local _, message = policy.read({ label = "mine", resolve = 7 })
    assert.equal("mine: policy 'resolve': expected a URL, or a list of requests, got 7", message)
    assert.is_nil((policy.read("text")))
  end)

  it("L-10: is copied, but for its settings, which the script reads", function()
    local given = { name = "a", settings = { quality = "best" } }
    local read = script(given)
    given.name = "b"
    assert.equal("a", read.name)
    assert.is_true(policy.set(read, "quality", "low"))
    assert.equal("low", given.settings.quality)
  end)

  it("L-10: asks no metamethod", function()
    local function never() error("asked") end
    local sly = setmetatable({ name = "a" }, { __index = never, __pairs = never })
    assert.equal("a", script(sly).name)
  end)

  describe("has settings", function()
    local declared

    before_each(function()
      declared = script({ label = "l", settings = { text = "", number = 1, flag = false } })
    end)

    it("that keep their types", function()
      assert.is_true(policy.set(declared, "number", "2.5"))
      assert.is_true(policy.set(declared, "flag", "yes"))
      assert.is_true(policy.set(declared, "text", "7"))
      assert.same({ text = "7", number = 2.5, flag = true }, declared.settings)
    end)

    it("that refuse what isn't of their type", function()
      for name, value in pairs({ number = "x", flag = "perhaps", text = 7 }) do
        local ok, message = policy.set(declared, name, value)
        assert.is_nil(ok)
        assert.truthy(message:find("'" .. name .. "'", 1, true), message)
      end
    end)

    it("and names the nearest one to an unknown one", function()
      local _, message = policy.set(declared, "numbre", "1")
      assert.equal("l has no setting 'numbre': did you mean 'number'?", message)
    end)

    it("which are plain values", function()
      assert.is_nil((policy.read({ settings = { deep = {} } })))
    end)
  end)

  describe("that declares hosts", function()
    local function may(url, asked)
      return policy.may_ask({ hosts = { "example.org", "*.cdn.example" } }, url, asked)
    end

    it("may have those asked", function()
      for _, url in ipairs({
        "https://example.org/x", "https://EXAMPLE.ORG:8443", "http://a.cdn.example/x?y",
        "http://a.b.cdn.example.", "https://me:secret@example.org/",
      }) do
        assert.is_true(may(url), url)
      end
    end)

    it("may have no others asked", function()
      for _, url in ipairs({
        "https://example.org.evil/", "https://evil/example.org", "https://example.org@evil/",
        "https://cdn.example/", "https://xcdn.example/", "https://evil\\@example.org/", "text", "",
        "https://evil?@example.org", "https://evil#@example.org",
      }) do
        assert.is_false(may(url), url)
      end
    end)

    it("may have that asked which somebody else has named", function()
      assert.is_true(may("http://other:81/b", "http://other/a"))
      assert.is_false(may("http://another/b", "http://other/a"))
    end)
  end)
end)

describe("policies", function()
  local here

  before_each(function() here = world.new() end)

  local function use(...)
    for _, fields in ipairs({ ... }) do table.insert(here.session.policies, script(fields)) end
  end

  local function begin(opts)
    local download = here:download(opts)
    here:settle()
    return download
  end

  local function begin_body(opts, head)
    local download = begin(opts)
    here:head(download.id, head)
    here:settle()
    return download
  end

  local function fault(download, fields)
    here:fault(download.id, fields)
    here:settle()
  end

  local function fails_with(download, kind)
    local result, err = download:wait(1000)
    assert.is_nil(result)
    assert.is_true(errors.is(err))
    assert.equal(kind, err.kind, tostring(err))
    return err
  end

  local function target() return here:told("start")[1][2] end

  describe("that stack", function()
    it("are asked in order, and the first with an opinion decides", function()
      local asked = {}
      local function answer(who, what)
        return function()
          asked[#asked + 1] = who
          return what
        end
      end
      use({ name = answer("a") }, { name = answer("b", "from-b") }, { name = answer("c", "no") })
      begin_body({ name = answer("own") })
      assert.same({ "own", "a", "b" }, asked)
      assert.equal("from-b", target().name)
    end)

    it("may be values", function()
      use({ exists = "skip", name = "constant" })
      local download = begin_body()
      here:taken(download.id)
      assert.is_true(download:wait().skipped)
      assert.equal("constant", target().name)
    end)

    it("decide before the option's mere value", function()
      use({ exists = function() return "replace" end })
      local download = begin_body({ exists = "fail" })
      here:taken(download.id)
      here:settle()
      assert.is_true(here:told("start")[2][2].replace)
    end)

    it("leave the decision to the option's value when none has an opinion", function()
      use({ exists = function() return nil end }, { retry = function() return nil end })
      fails_with((function()
        local download = begin_body({ exists = "fail" })
        here:taken(download.id)
        return download
      end)(), "exists")
    end)

    it("say no with false, whoever comes after", function()
      use({ name = function() return false end }, { name = "other" })
      fails_with(begin_body(), "cancelled")
    end)

    it("L-1: are named by their labels when they throw", function()
      use({ label = "good", name = function() end },
        { label = "bad.lua", name = function() error("a mistake") end })
      local err = fails_with(begin_body(), "callback")
      assert.truthy(err.message:find("bad.lua: name policy: ", 1, true), err.message)
      assert.truthy(err.message:find("a mistake", 1, true), err.message)
      assert.truthy(err.traceback:find("policy_spec.lua", 1, true), err.traceback)
    end)

    it("L-1: are named by their labels when they answer nonsense", function()
      use({ label = "bad.lua", exists = function() return "perhaps" end })
      local download = begin_body()
      here:taken(download.id)
      local err = fails_with(download, "callback")
      assert.truthy(err.message:find("bad.lua", 1, true), err.message)
    end)

    it("may wait", function()
      use({ name = function()
        here.loop:sleep(3)
        return "late"
      end })
      begin_body()
      here:run_until(4)
      assert.equal("late", target().name)
      assert.equal(3, here:told("start")[1].time)
    end)

    it("have no say in what they begin themselves", function()
      local seen = 0
      use({ name = function()
        seen = seen + 1
        here:download({ url = "http://host/inner" })
        return nil
      end })
      local outer = begin_body()
      assert.equal(2, here.last_id)
      here:head(2, { url = "http://host/inner" })
      here:settle()
      assert.equal(1, seen)
      here:done(outer.id)
    end)
  end)

  describe("observers", function()
    it("L-1: are all told, also after one that throws, whose script is named", function()
      local told = {}
      use({ label = "first", on_done = function() error("a mistake") end },
        { label = "second", on_done = function(result) told[#told + 1] = result.path end })
      local download = begin_body({ on_done = function() told[#told + 1] = "own" end })
      here:done(download.id)
      local err = fails_with(download, "callback")
      assert.same({ "own", "file.bin" }, told)
      assert.truthy(err.message:find("first: on_done", 1, true), err.message)
    end)

    it("see the start before the first request", function()
      local seen
      use({ on_start = function(download) seen = { download.url, #here:told("new") } end })
      begin()
      assert.same({ URL, 0 }, seen)
      assert.equal(1, #here:told("new"))
    end)

    it("see the error before anybody else", function()
      local seen
      local download
      use({ on_error = function(err) seen = { err.kind, download.ended.fired } end })
      download = begin_body()
      here:done(download.id, { error = { kind = "io", message = "broken" } })
      fails_with(download, "io")
      assert.same({ "io", false }, seen)
    end)

    it("see the error of a download that the engine refused", function()
      local seen
      here.answers.new = function() return nil, { kind = "bad_url", message = "no URL" } end
      use({ on_error = function(err) seen = err end })
      assert.equal(fails_with(begin(), "bad_url"), seen)
    end)

    it("see the cancel of a download that hasn't asked yet, once, and nothing is asked", function()
      local seen = 0
      use({
        on_start = function() here.loop:sleep(5) end,
        on_error = function() seen = seen + 1 end,
      })
      local download = begin()
      download:cancel()
      download:cancel()
      fails_with(download, "cancelled")
      here:run_until(10)
      assert.equal(1, seen)
      assert.equal(0, #here:told("new"))
      assert.is_nil(next(here.session.downloads))
    end)

    it("keep the error that was there when they throw", function()
      use({ on_error = function() error("a mistake") end })
      local download = begin_body()
      here:done(download.id, { error = { kind = "io", message = "broken" } })
      local err = fails_with(download, "io")
      assert.equal("callback", err.observer.kind)
    end)
  end)

  describe("resolve", function()
    it("has another URL asked, with what else it says", function()
      use({ resolve = function(request)
        return { url = request.url .. "?signed", headers = { ["X-A"] = "1" }, name = "n" }
      end })
      local download = begin_body({ max_size = "1M" })
      local request = here:told("new")[1][1]
      assert.equal(URL .. "?signed", request.url)
      assert.same({ { "X-A", "1" } }, request.headers)
      assert.equal(2 ^ 20, request.max_size)
      assert.equal("n", target().name)
      assert.equal(URL .. "?signed", download.url)
    end)

    it("may answer a mere URL", function()
      use({ resolve = function() return "http://host/other" end })
      begin()
      assert.equal("http://host/other", here:told("new")[1][1].url)
    end)

    it("may be a value: a URL, or requests", function()
      begin({ resolve = "http://host/other" })
      assert.equal("http://host/other", here:told("new")[1][1].url)
      use({ resolve = { { url = "http://host/listed", name = "n" } } })
      begin_body()
      assert.equal("http://host/listed", here:told("new")[2][1].url)
      assert.equal("n", target().name)
    end)

    it("fails the download with nil and an error, and asks nobody else", function()
      use({ resolve = function() return nil, errors.new("http_status", GONE.message, GONE) end })
      use({ resolve = function() error("asked") end })
      local err = fails_with(begin(), "callback")
      assert.equal("http_status", errors.root(err).kind)
      assert.equal(0, #here:told("new"))
    end)

    it("leaves the URL with nil, and refuses it with false", function()
      use({ resolve = function(request)
        if request.url:find("no", 1, true) then return false end
      end })
      begin({ url = "http://host/yes" })
      assert.equal("http://host/yes", here:told("new")[1][1].url)
      fails_with(begin({ url = "http://host/no" }), "cancelled")
      assert.equal(1, #here:told("new"))
    end)

    it("that makes none of one fails a single download, and tells that", function()
      use({ resolve = function() return {} end })
      local download = begin()
      fails_with(download, "cancelled")
      assert.same({}, download.requests)
    end)

    it("that makes many of one fails a single download clearly, and tells them", function()
      use({ resolve = function() return { "http://host/1", { url = "http://host/2" } } end })
      local download = begin()
      local err = fails_with(download, "usage")
      assert.truthy(err.message:find("2 files", 1, true), err.message)
      assert.equal("http://host/2", download.requests[2].url)
      assert.equal(0, #here:told("new"))
    end)

    it("isn't asked again for what it has answered", function()
      local asked = 0
      use({ resolve = function()
        asked = asked + 1
        return "http://host/" .. asked
      end })
      local list = here:download({}, "unfold"):wait()
      assert.equal(1, #list)
      begin(list[1])
      assert.equal(1, asked)
      assert.equal("http://host/1", here:told("new")[1][1].url)
    end)

    it("doesn't pass on what belonged to the one file", function()
      use({ resolve = function() return { "http://host/1", "http://host/2" } end })
      local list = here:download({ output = "x", checksum = ("0"):rep(64) }, "unfold"):wait()
      assert.is_nil(list[1].output)
      assert.is_nil(list[1].checksum)
    end)

    it("can't leave the folder, nor bring options that there aren't", function()
      for _, answer in ipairs({
        { url = "http://host/", dir = "../x" }, { url = "http://host/", dir = "a/../../x" },
        { url = "http://host/", nmae = "x" }, { { name = "no url" } }, { 7 }, 7,
      }) do
        here = world.new()
        use({ label = "r.lua", resolve = function() return answer end })
        local err = fails_with(begin(), "callback")
        assert.truthy(err.message:find("r.lua", 1, true), err.message)
        assert.equal(0, #here:told("new"))
      end
    end)

    it("S6: can't lead to a host that its script hasn't declared", function()
      use({ hosts = { "cdn" }, resolve = function(request) return request.labels.to end })
      begin({ labels = { to = "http://cdn/x" } })
      begin({ labels = { to = "http://host:81/x" } })
      assert.equal(2, #here:told("new"))
      fails_with(begin({ labels = { to = "http://evil/x" } }), "callback")
    end)
  end)

  describe("request", function()
    it("changes what the first request sends", function()
      use({ request = function(attempt)
        return {
          url = attempt.url .. "?t=" .. attempt.attempt, user = "a:b",
          headers = { ["x-token"] = "new", ["X-C"] = "3" },
        }
      end })
      begin({ headers = { ["X-Token"] = "old", ["X-B"] = "2" } })
      local request = here:told("new")[1][1]
      assert.equal(URL .. "?t=1", request.url)
      assert.equal("a:b", request.user)
      assert.same({ { "X-B", "2" }, { "X-C", "3" }, { "x-token", "new" } }, request.headers)
    end)

    it("takes neither headers nor login to another host, but for its own", function()
      local answer = { url = "http://elsewhere/f", headers = { ["X-Own"] = "1" } }
      use({ request = function() return answer end })
      begin({ headers = { ["X-Token"] = "secret" }, user = "me:secret", cert = "me.pem" })
      local request = here:told("new")[1][1]
      assert.equal(answer.url, request.url)
      assert.same({ { "X-Own", "1" } }, request.headers)
      assert.is_nil(request.user or request.cert)
      answer = { url = "http://elsewhere/f", user = "it:own" }
      begin({ bearer = "secret", headers = { "X-Token: secret" } })
      request = here:told("new")[2][1]
      assert.equal("it:own", request.user)
      assert.is_nil(request.bearer or request.headers)
    end)

    it("may be a mere value, of the download or of a script", function()
      begin({ request = { user = "a:b", headers = { A = "1" } } })
      use({ request = { headers = { A = "2" } } })
      begin()
      assert.same({ { "A", "1" } }, here:told("new")[1][1].headers)
      assert.equal("a:b", here:told("new")[1][1].user)
      assert.same({ { "A", "2" } }, here:told("new")[2][1].headers)
    end)

    it("is asked before each further try, with what failed", function()
      local seen = {}
      use({ request = function(attempt)
        seen[#seen + 1] = { attempt.attempt, attempt.error and attempt.error.status }
        return { headers = { ["X-Try"] = attempt.attempt } }
      end })
      local download = begin_body({ retry = function() return 0 end })
      fault(download, { attempt = 1 })
      fault(download, { attempt = 2 })
      assert.same({ { 1 }, { 2, 500 }, { 3, 500 } }, seen)
      assert.same({ { "X-Try", "3" } }, here:told("retry")[2][3].headers)
    end)

    it("may wait while the file is restarted or ends, and nothing old is sent then", function()
      use({ request = function(attempt)
        if attempt.attempt > 1 then here.loop:sleep(5) end
      end })
      local download = begin_body({ retry = function() return 0 end })
      fault(download)
      download:cancel()
      here:run_until(10)
      assert.equal(0, #here:told("retry"))
    end)

    it("that answers nonsense fails the download before anything is asked", function()
      for _, answer in ipairs({
        "text", { url = 7 }, { headers = { ["a b"] = "1" } }, { x = 1 },
      }) do
        here = world.new()
        use({ label = "r.lua", request = function() return answer end })
        local err = fails_with(begin(), "callback")
        assert.truthy(err.message:find("r.lua", 1, true), err.message)
        assert.equal(0, #here:told("new"))
      end
    end)
  end)

  describe("accept", function()
    it("lets the file come with nil and true", function()
      for _, answer in ipairs({ true, "nothing" }) do
        here = world.new()
        use({ accept = function() if answer == true then return true end end })
        begin_body()
        assert.equal(1, #here:told("start"))
      end
    end)

    it("refuses with false, or with a reason", function()
      use({ accept = function(head) return head.total > 100 and "too large for me" or false end })
      fails_with(begin_body(), "cancelled")
      local err = fails_with(begin_body({}, { total = 101 }), "cancelled")
      assert.equal("too large for me", err.message)
      assert.equal(0, #here:told("start"))
    end)

    it("chooses the connections", function()
      use({ accept = { connections = 2 } })
      begin_body()
      begin_body({ accept = { connections = 3 } })
      assert.equal(2, here:told("connections")[1][2])
      assert.equal(3, here:told("connections")[2][2])
      assert.equal(2, #here:told("start"))
    end)

    it("sees the head also when the file's name is known", function()
      use({ accept = function() return false end })
      local download = begin({ output = "x" })
      assert.is_nil(here:told("new")[1][1].target)
      here:head(download.id)
      fails_with(download, "cancelled")
    end)
  end)

  describe("mirror", function()
    it("is asked when a URL is given up, and is told of as a change", function()
      local told
      use({
        mirror = function(event) return event.error.status == 404 and "http://mirror/f" or nil end,
        on_retry = function(_, delay, change) told = { delay, change.url } end,
      })
      fault(begin_body(), { error = GONE })
      assert.equal("http://mirror/f", here:told("renew")[1][2])
      assert.equal(1, #here:told("retry"))
      assert.same({ 0, "http://mirror/f" }, told)
    end)

    it("gives each of a list its turn, and then the error is the last one's", function()
      local download = begin_body({ mirror = { "http://a/f", URL, "http://b/f" } })
      for index = 1, 2 do
        fault(download, { error = GONE })
        assert.equal(index, #here:told("renew"))
      end
      fault(download, { error = GONE })
      assert.equal("http://a/f", here:told("renew")[1][2])
      assert.equal("http://b/f", here:told("renew")[2][2])
      assert.equal(404, fails_with(download, "http_status").status)
    end)

    it("serves all ranges: those that failed before it came go on with it", function()
      local asked = 0
      use({ mirror = function()
        asked = asked + 1
        here.loop:sleep(2)
        return { "http://a/f", "http://b/f" }
      end })
      local download = begin_body()
      fault(download, { error = GONE, range = { 0, 9 } })
      fault(download, { error = GONE, range = { 10, 19 } })
      here:run_until(3)
      assert.equal(1, asked)
      assert.equal(1, #here:told("renew"))
      assert.equal(2, #here:told("retry"))
    end)

    it("counts the tries anew", function()
      local attempts = {}
      local download = begin_body({
        mirror = { "http://a/f" },
        retry = function(event)
          attempts[#attempts + 1] = event.attempt
          return event.attempt < 2 and 0
        end,
      })
      for attempt = 1, 3 do fault(download, { attempt = attempt }) end
      assert.same({ 1, 2, 1 }, attempts)
    end)

    it("H20: with another file is left, and nothing begins anew for its sake", function()
      local download = begin_body({ mirror = { "http://a/f", "http://b/f" } })
      fault(download, { error = GONE })
      fault(download, { error = { kind = "remote_changed", message = "changed" } })
      assert.equal("http://b/f", here:told("renew")[2][2])
      assert.is_nil(here:told("retry")[2][3].restart)
      fault(download, { error = { kind = "remote_changed", message = "changed" } })
      fails_with(download, "remote_changed")
    end)
  end)

  describe("verify", function()
    it("isn't asked for where nobody cares", function()
      begin()
      assert.is_nil(here:told("new")[1][1].verify)
    end)

    it("has the complete file published with nil and true", function()
      for _, answer in ipairs({ "nothing", true }) do
        here = world.new()
        local seen
        use({ verify = function(path, result)
          seen = { path, result.path, result.url }
          if answer == true then return true end
        end })
        local download = begin_body()
        assert.is_true(here:told("new")[1][1].verify)
        here:complete(download.id)
        here:settle()
        assert.same({ "file.bin.part", "file.bin", URL }, seen)
        assert.equal(1, #here:told("accept"))
        here:done(download.id)
        assert.equal(answer == true or nil, download:wait().verified)
      end
    end)

    it("I2: refuses with false, or with a reason, and nothing gets the name", function()
      for _, answer in ipairs({ false, "no zip" }) do
        here = world.new()
        use({ verify = function() return answer end })
        local download = begin_body()
        here:complete(download.id)
        local err = fails_with(download, "checksum")
        if answer then assert.equal("no zip", err.message) end
        assert.equal(0, #here:told("accept"))
      end
    end)

    it("I2: that answers nil and an error, as checks of digests do, publishes nothing", function()
      for _, reason in ipairs({ "no zip", errors.new("checksum", "no zip") }) do
        here = world.new()
        use({ label = "v.lua", verify = function() return nil, reason end })
        local download = begin_body()
        here:complete(download.id)
        local err = fails_with(download, "callback")
        assert.equal("v.lua: verify policy: no zip", err.message)
        assert.equal(reason, err.cause)
        assert.equal(0, #here:told("accept"))
      end
    end)

    it("L-1: that throws publishes nothing", function()
      use({ label = "v.lua", verify = function() error("a mistake") end })
      local download = begin_body()
      here:complete(download.id)
      assert.truthy(fails_with(download, "callback").message:find("v.lua", 1, true))
      assert.equal(0, #here:told("accept"))
    end)
  end)

  describe("labels", function()
    it("come from the request to every policy and observer, and to the result", function()
      local seen = {}
      local function note(who)
        return function(about) seen[who] = about.labels and about.labels.album end
      end
      use({
        resolve = function(request)
          return { url = request.url, labels = { album = "x" } }
        end,
        request = note("request"), name = note("name"), retry = note("retry"),
        on_done = note("on_done"),
      })
      local download = begin_body()
      fault(download)
      here:run_until(5)
      here:done(download.id)
      assert.equal("x", download:wait().labels.album)
      assert.same({ request = "x", name = "x", retry = "x", on_done = "x" }, seen)
    end)
  end)
end)
