--- Cookies from and to a cookies.txt, through the real command.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local HEAD = "# Netscape HTTP Cookie File\n\n"
local SIZE = 1000

local origin, folder, jar

local function luadl(...)
  return helper.luadl("--retry", "0", "--exists", "replace", "-d", folder, ...)
end

local function line(name, value, fields)
  fields = fields or {}
  local words = {
    fields.domain or "127.0.0.1", "FALSE", fields.path or "/", "FALSE", fields.expires or "0",
    name, value,
  }
  return table.concat(words, "\t") .. "\n"
end

local function last(path)
  local log = origin:requests(path)
  return log[#log]:header("cookie")
end

describe("luadl", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    jar = folder .. "/cookies.txt"
  end)
  after_each(helper.finish)

  it("sends the cookies of a file to their host and path, unless they have expired", function()
    helper.write(jar, HEAD .. line("a", "1") .. line("b", "2", { path = "/deep" })
      .. line("c", "3", { domain = "example.org" }) .. line("d", "4", { expires = "1" })
      .. "#HttpOnly_" .. line("e", "5"))
    local url = origin:serve("/loaded", { size = SIZE })
    local result = luadl("--load-cookies", jar, url)
    assert.equal(0, result.status, result.stderr)
    assert.equal("a=1; e=5", last("/loaded"))
  end)

  it("writes what servers set, for its owner alone, and loads it again", function()
    local url = origin:serve("/set", { size = SIZE, headers = {
      { "Set-Cookie", "session=s1; Path=/; HttpOnly" }, { "Set-Cookie", "kept=k; Max-Age=60" },
    } })
    local result = helper.run(("umask 0; exec %s/scripts/luadl -d %s --save-cookies %s %s"):format(
      helper.root, folder, jar, url))
    assert.equal(0, result.status, result.stderr)
    assert.equal("600\n", helper.run({ "stat", "-c", "%a", jar }).stdout)
    local text = helper.read(jar)
    local line_of_session = "#HttpOnly_" .. line("session", "s1")
    assert.truthy(text:find(line_of_session, 1, true), text)
    assert.truthy(text:find("\tkept\tk\n", 1, true), text)
    local again = origin:serve("/again", { size = SIZE })
    assert.equal(0, luadl("--load-cookies", jar, again).status)
    assert.equal("session=s1; kept=k", last("/again"))
  end)

  it("writes them when the download fails, too", function()
    local url = origin:serve("/gone", function(connection)
      return connection:reply(404, { { "Set-Cookie", "a=1" } }, "")
    end)
    assert.equal(3, luadl("--save-cookies", jar, url).status)
    assert.truthy(helper.read(jar):find("\ta\t1\n", 1, true))
  end)

  it("keeps what it didn't use, and drops what has expired", function()
    helper.write(jar, HEAD .. line("other", "1", { domain = "example.org" })
      .. line("old", "2", { expires = "1" }))
    local url = origin:serve("/kept", { size = SIZE })
    assert.equal(0, luadl("--load-cookies", jar, "--save-cookies", jar, url).status)
    assert.equal(HEAD .. line("other", "1", { domain = "example.org" }), helper.read(jar))
  end)

  it("sends what one URL set with the next, only when it is told so", function()
    local one = origin:serve("/one", { size = SIZE, headers = { { "Set-Cookie", "n=1; Path=/" } } })
    local two = origin:serve("/two", { size = SIZE })
    assert.equal(0, luadl("--cookies", "-j1", one, two).status)
    assert.equal("n=1", last("/two"))
    assert.equal(0, luadl("-j1", one, two).status)
    assert.is_nil(last("/two"))
  end)

  it("asks a URL again that sets a cookie and redirects to itself", function()
    local url = origin:serve("/wall", function(connection, request, parameters)
      if request.headers.cookie == "passed=1" then return connection:file(request, parameters) end
      return connection:redirect("/wall", 302, { { "Set-Cookie", "passed=1" } })
    end, { size = SIZE })
    local result = luadl("--cookies", url)
    assert.equal(0, result.status, result.stderr)
    assert.equal(23, luadl(url, "-o", "b").status)
  end)

  it("gives up where cookies and redirects never end", function()
    local url = origin:serve("/maze", function(connection, _, _, state)
      state.count = (state.count or 0) + 1
      return connection:redirect("/maze", 302, { { "Set-Cookie", "n=" .. state.count } })
    end, { size = SIZE })
    assert.equal(23, luadl("--cookies", url).status)
    assert.equal(11, #origin:requests("/maze"))
  end)

  it("names lines that are no cookies, and goes on with the others", function()
    helper.write(jar, HEAD .. "nonsense\n" .. line("a", "1") .. "more\tnonsense\n")
    local url = origin:serve("/broken", { size = SIZE })
    local result = luadl("--load-cookies", jar, url)
    assert.equal(0, result.status, result.stderr)
    assert.truthy(result.stderr:find("2 lines are no cookies, the first is line 3", 1, true),
      result.stderr)
    assert.equal("a=1", last("/broken"))
  end)

  it("refuses a file that has no cookies but something else", function()
    helper.write(jar, '[{"name":"secret-name","value":"hunter2"}]\n')
    local result = luadl("--load-cookies", jar, origin.url .. "/none")
    assert.equal(28, result.status, result.stderr)
    assert.truthy(result.stderr:find(jar .. ": no cookies in Netscape's format", 1, true),
      result.stderr)
    assert.is_nil(result.stderr:find("hunter2", 1, true))
    assert.equal(0, #origin:requests("/none"))
  end)

  it("says why a file can't be read or written", function()
    local url = origin:serve("/fine", { size = SIZE })
    local result = luadl("--load-cookies", folder .. "/none", url)
    assert.is_true(result.status ~= 0)
    assert.matches("cannot read the cookies: .*/none: No such file", result.stderr)
    result = luadl("--save-cookies", folder .. "/none/jar", url)
    assert.is_true(result.status ~= 0)
    assert.matches("cannot write the cookies: .*/none/jar: No such file", result.stderr)
    assert.is_true(helper.exists(folder .. "/fine"))
  end)

  it("writes to the file that a link leads to, and leaves the link", function()
    helper.write(folder .. "/real.txt", HEAD)
    helper.run({ "ln", "-s", "real.txt", jar })
    local url = origin:serve("/linked", { size = SIZE, headers = { { "Set-Cookie", "l=1" } } })
    assert.equal(0, luadl("--load-cookies", jar, "--save-cookies", jar, url).status)
    assert.equal(0, helper.run({ "test", "-L", jar }).status)
    assert.truthy(helper.read(folder .. "/real.txt"):find("\tl\t1\n", 1, true))
    assert.equal("600\n", helper.run({ "stat", "-c", "%a", folder .. "/real.txt" }).stdout)
  end)

  it("takes the place of no device and no pipe", function()
    local pipe = folder .. "/pipe"
    assert.equal(0, helper.run({ "mkfifo", pipe }).status)
    local result = luadl("--save-cookies", pipe, origin:serve("/piped", { size = SIZE }))
    assert.is_true(result.status ~= 0)
    assert.truthy(result.stderr:find("pipe: File exists", 1, true), result.stderr)
    assert.equal(0, helper.run({ "test", "-p", pipe }).status)
  end)
end)
