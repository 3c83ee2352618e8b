--- Sessions: options, misuse, closing; and what a host's complaint means to real waits.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local helper = require("spec.support.helper")
local luadl = require("luadl")

-- Nobody listens there.
describe("session", function()
  local session

  before_each(function()
    helper.begin()
    session = assert(luadl.session({ retry = 0 }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  describe("misuse", function()
    it("is an error that names the option and the nearest one", function()
      assert.error_matches(function() luadl.session({ conections = 3 }) end, "connections")
      assert.error_matches(function()
        session:download({ url = "http://x/", conections = 3 })
      end, "did you mean 'connections'")
      assert.error_matches(function() session:get({ url = "http://x/", retry = "often" }) end,
        "retry")
    end)

    it("is an error at the line that made it", function()
      for _, call in ipairs({ "download", "get", "info" }) do
        local ok, message = pcall(function() session[call](session, { url = 7 }) end)
        assert.is_false(ok)
        assert.truthy(message:find("session_spec.lua", 1, true), message)
      end
    end)

    it("is a download without a URL", function()
      assert.error_matches(function() session:download({}) end, "'url'")
      assert.error_matches(function() session:get() end, "'url'")
    end)

    it("is a use after close", function()
      session:close()
      for _, call in ipairs({ "download", "get", "info", "step", "wake_fd" }) do
        assert.error_matches(function() session[call](session, { url = "http://x/" }) end, "closed")
      end
    end)
  end)

  describe("a URL that can't be asked", function()
    for _, url in ipairs({
      "http://", "gopher://host/x", "ftp://host/", "file://host/x", "http://host:99999/",
    }) do
      it("is returned as an error: '" .. url .. "'", function()
        local download = session:download({ url = url })
        local result, err = download:wait()
        assert.is_nil(result)
        assert.is_true(errors.is(err, "bad_url"), tostring(err))
      end)
    end
  end)

  it("leaves the caller's options alone, and isn't changed by them later", function()
    local given = { url = helper.dead_url(), headers = { ["X-One"] = "1" }, dir = helper.tmpdir() }
    local download = session:download(given)
    assert.same({ ["X-One"] = "1" }, given.headers)
    assert.is_nil(given.retry)
    given.headers["X-Two"] = "2"
    given.url = "changed"
    local _, err = download:wait()
    assert.truthy(err.url:find("127.0.0.1", 1, true))
  end)

  it("gives its options to its downloads, which may say otherwise", function()
    local other = assert(luadl.session({ connections = 3, retry = 0, deadline = 9 }))
    local first = other:download({ url = helper.dead_url() })
    local second = other:download({ url = helper.dead_url(), connections = 5 })
    assert.equal(3, first.opts.connections)
    assert.equal(5, second.opts.connections)
    assert.equal(9, second.opts.deadline)
    other:close()
  end)

  it("has a descriptor that wakes it", function()
    assert.is_true(session:wake_fd() >= 0)
  end)

  describe("close", function()
    it("may be said twice", function()
      session:close()
      session:close()
    end)

    it("ends what runs with kind closed, at once", function()
      local download = session:download({
        url = helper.dead_url(), dir = helper.tmpdir(), retry = function() return 60 end,
      })
      session:step(0.05)
      local before = session.core.now()
      session:close()
      local result, err = download:wait()
      assert.is_nil(result)
      assert.equal("closed", err.kind)
      assert.is_true(session.core.now() - before < 1)
    end)

    it("ends what waits for its host", function()
      local url = helper.dead_url()
      session.hosts:wait(url:match("^http://[^/]*"), 100)
      local download = session:download({ url = url })
      session:close()
      local _, err = download:wait()
      assert.equal("closed", err.kind)
    end)

    it("wakes the tasks that wait for a download", function()
      local url = helper.dead_url()
      local download = session:download({ url = url, retry = function() return 60 end })
      local kind
      session.loop:spawn("waiter", function()
        local _, err = download:wait()
        kind = err.kind
      end)
      session:step(0)
      session:close()
      assert.equal("closed", kind)
    end)

    it("may be said by a policy", function()
      local own = assert(luadl.session())
      local download = own:download({
        url = helper.dead_url(),
        retry = function()
          own:close()
          return 0
        end,
      })
      local _, err = download:wait(5)
      assert.equal("closed", err.kind)
    end)

    it("happens at the end of a scope, and when nobody has the session any more", function()
      local scoped
      do
        local own <close> = assert(luadl.session())
        scoped = own
        own:download({ url = helper.dead_url(), retry = function() return 60 end })
      end
      assert.error_matches(function() scoped:step(0) end, "closed")
      luadl.session():download({ url = helper.dead_url(), retry = function() return 60 end })
      collectgarbage()
      collectgarbage()
    end)
  end)

  it("H52: holds new requests back while their host wants peace", function()
    local url = helper.dead_url()
    session.hosts:wait(url:match("^http://[^/]*"), 0.2)
    local before = session.core.now()
    local _, err = session:get({ url = url, dir = helper.tmpdir() })
    assert.equal("connect", err.kind)
    local waited = session.core.now() - before
    assert.is_true(waited >= 0.2 and waited < 2, waited .. " s")
  end)

  it("runs downloads of other tasks while one waits", function()
    local log = {}
    local function try(name, retry)
      return session.loop:spawn(name, function()
        session:get({ url = helper.dead_url(), dir = helper.tmpdir(), retry = retry })
        log[#log + 1] = name
      end)
    end
    local first = true
    local slow = try("slow", function()
      local delay = first and 0.3
      first = false
      return delay
    end)
    try("quick", 0)
    session.loop:await(slow.ended)
    assert.same({ "quick", "slow" }, log)
  end)
end)
