--- CR, LF, NUL and other controls in everything that a request is made of (row S3): refused, or at
-- the server one request without a line that wasn't meant.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local SIZE = 1000
local FILE = { size = SIZE, seed = 2 }

-- What would begin a new line, end the head, or end a string in C.
local BREAKS = {
  { "CR LF", "\r\n" }, { "CR", "\r" }, { "LF", "\n" }, { "NUL", "\0" }, { "two lines", "\r\n\r\n" },
  { "VT", "\v" }, { "ESC", "\27" }, { "DEL", "\127" }, { "SOH", "\1" },
}
local INJECTED = "Injected: yes"

local origin, folder, session

-- Options by what a break is hidden in: `with` puts the text where a caller would.
local PLACES = {
  { "the URL's path", function(url, text) return { url = url .. "/a" .. text } end },
  { "the URL's query", function(url, text) return { url = url .. "?a=" .. text } end },
  { "the URL's user", function(url, text)
    return { url = (url:gsub("//", function() return "//me" .. text .. ":x@" end)) }
  end },
  { "the URL's host", function(url, text)
    return { url = (url:gsub("127%.0%.0%.1", function(host) return host .. text end)) }
  end },
  { "user_agent", function(url, text) return { url = url, user_agent = "me" .. text } end },
  { "user", function(url, text) return { url = url, user = "me" .. text .. ":secret" } end },
  { "a password", function(url, text) return { url = url, user = "me:secret" .. text } end },
  { "bearer", function(url, text) return { url = url, bearer = "token" .. text } end },
  { "a host's header", function(url, text)
    return { url = url, host_headers = { ["127.0.0.1"] = { ["X-A"] = "a" .. text } } }
  end },
  { "a host's header line", function(url, text)
    return { url = url, host_headers = { "127.0.0.1 X-A: a" .. text } }
  end },
  { "the host of a header", function(url, text)
    return { url = url, host_headers = { ["127.0.0.1" .. text] = { ["X-A"] = "a" } } }
  end },
  { "method", function(url, text) return { url = url, method = "POST" .. text } end },
  { "addresses", function(url, text)
    return { url = url, addresses = { "localhost:80:127.0.0.1" .. text } }
  end },
  { "doh", function(url, text) return { url = url, doh = "https://127.0.0.1:1/" .. text } end },
  { "interface", function(url, text) return { url = url, interface = "lo" .. text } end },
  { "no_proxy", function(url, text) return { url = url, no_proxy = "127.0.0.1" .. text } end },
  { "proxy", function(url, text) return { url = url, proxy = url .. text } end },
  { "a header's value", function(url, text)
    return { url = url, headers = { ["X-A"] = "a" .. text .. "b" } }
  end },
  { "a header's name", function(url, text)
    return { url = url, headers = { { "X-A" .. text, "a" } } }
  end },
  { "a header line", function(url, text) return { url = url, headers = { "X-A: a" .. text } } end },
  { "one of a header's values", function(url, text)
    return { url = url, headers = { ["X-A"] = { "a", "b" .. text } } }
  end },
  { "trusted_hosts", function(url, text)
    return { url = url, trusted_hosts = { "host" .. text } }
  end },
  { "expect.content_type", function(url, text)
    return { url = url, expect = { content_type = "text/plain" .. text } }
  end },
}

-- Everything that reached the server is one well-formed request that says only what was meant.
local function check_requests(path)
  for _, entry in ipairs(origin:requests(path)) do
    assert.is_nil(entry.head:find("\n" .. INJECTED, 1, true), entry.head)
    assert.is_nil(entry.head:find("[%z\1-\8\11\12\14-\31\127]"), entry.head)
    assert.is_nil(entry.head:gsub("\r\n", ""):find("[\r\n]"), entry.head)
  end
end

describe("an injection", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = assert(luadl.session({ dir = folder, retry = 0, connect_timeout = 1 }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  for number, place in ipairs(PLACES) do
    it("S3: in " .. place[1] .. " is refused or harmless, whatever the break", function()
      local path = "/place-" .. number
      for _, brk in ipairs(BREAKS) do
        local url = origin:serve(path, FILE)
        local options = place[2](url, brk[2] .. INJECTED)
        local ok, result, err = pcall(session.get, session, options)
        local refused = not ok or not result
        assert.is_true(refused, brk[1] .. " is taken")
        assert.is_string(tostring(ok and err or result))
        check_requests(path)
        assert.equal(0, #origin:requests(path), brk[1] .. " led to a request")
      end
    end)
  end

  it("S3: by a header name that isn't a token is refused", function()
    for _, name in ipairs({
      "Authorization ", " X", "X:", "X Y", "", "X(1)", "\195\164", "X\t", "X/1", "X@", '"X"',
    }) do
      local ok, message = pcall(session.get, session, {
        url = "http://x/", headers = { { name, "1" } },
      })
      assert.is_false(ok, name)
      assert.truthy(message:find("is not a header name", 1, true), message)
    end
  end)

  it("S3: by a header that frames or ranges the request is refused", function()
    for _, name in ipairs({ "Range", "content-length", "TRANSFER-ENCODING", "If-Range" }) do
      local options = { url = "http://x/", headers = { [name] = "1" } }
      assert.is_false((pcall(session.get, session, options)))
    end
  end)

  it("S3: doesn't forbid a tab within a value", function()
    local url = origin:serve("/tab", FILE)
    assert(session:get({ url = url, headers = { ["X-A"] = "a\tb" } }))
    local log = origin:requests("/tab")
    assert.truthy(log[#log].head:find("\r\nX-A: a\tb\r\n", 1, true))
  end)

  it("S3: is refused by the engine itself, too", function()
    local engine = core.session()
    local url = origin:serve("/engine", FILE)
    local fields = {
      function(text) return { url = url, user_agent = text } end,
      function(text) return { url = url, user = "a:" .. text } end,
      function(text) return { url = url, bearer = text } end,
      function(text) return { url = url, method = "PUT" .. text } end,
      function(text) return { url = url, logins = { { "127.0.0.1", "a:" .. text } } } end,
      function(text) return { url = url, host_headers = { { "127.0.0.1", "X-A", text } } } end,
      function(text) return { url = url, addresses = { "a:1:127.0.0.1" .. text } } end,
      function(text) return { url = url, interface = "lo" .. text } end,
      function(text) return { url = url, no_proxy = "a" .. text } end,
      function(text) return { url = url, doh = "https://a/" .. text } end,
      function(text) return { url = url, headers = { { "X-A", text } } } end,
      function(text) return { url = url, headers = { { "X" .. text, "1" } } } end,
      function(text) return { url = url .. text } end,
    }
    for _, make in ipairs(fields) do
      for _, brk in ipairs(BREAKS) do
        local ok, id = pcall(engine.new, engine, make(brk[2] .. INJECTED))
        assert.is_true(not ok or id == nil, brk[1])
      end
    end
    engine:close()
    assert.equal(0, #origin:requests("/engine"))
  end)

  it("S3: by a policy's new URL fails that download", function()
    local url = origin:serve("/policy", function(connection)
      return connection:reply(503, {}, "")
    end)
    for _, brk in ipairs(BREAKS) do
      local _, err = session:get({
        url = url, retry = function() return 0, { url = url .. brk[2] .. INJECTED } end,
      })
      assert.is_table(err, brk[1])
      check_requests("/policy")
    end
  end)

  it("S3: by a policy's name makes one harmless name", function()
    for _, brk in ipairs(BREAKS) do
      local result = assert(session:get({
        url = origin:serve("/named", FILE), name = function() return "a" .. brk[2] .. "b" end,
      }))
      assert.is_nil(result.path:find("%c"), brk[1])
    end
  end)

  it("S3: by a server's Location is not followed into a second line", function()
    local target = origin:serve("/landing", FILE)
    for number, brk in ipairs({ "\r", "\v", "\27", "\127", "\1", "\t" }) do
      local url = origin:redirect("/location-" .. number, target .. "?" .. brk .. INJECTED)
      session:get({ url = url })
      check_requests("/landing")
    end
  end)

  it("S3: in the command line is a usage error that shows no control character", function()
    local url = origin:serve("/command", FILE)
    local lines = {
      { "-H", "X-A: a\r\n" .. INJECTED, url }, { "-H", "X-A\n: a", url },
      { "-A", "me\n" .. INJECTED, url }, { "-u", "me\r\n:x", url },
      { "-x", url .. "\r\n", url }, { url .. "\27[2J/x\r\n" .. INJECTED },
    }
    for _, words in ipairs(lines) do
      table.move(words, 1, #words, 3)
      words[1], words[2] = "-d", folder
      local result = helper.luadl(table.unpack(words))
      assert.equal(28, result.status, result.stderr)
      assert.is_nil(result.stderr:gsub("\n", ""):find("%c"), result.stderr)
    end
    assert.equal(0, #origin:requests("/command"))
  end)
end)
