--- Logins of a netrc file through the real command: whom they are for, and whose file it is.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local BASIC = "Basic bWU6aHVudGVyMg==" -- me:hunter2
local SIZE = 300000

local origin, other, folder, file

local function write(text, mode)
  helper.write(file, text)
  helper.run({ "chmod", mode or "600", file })
end

local function luadl(...)
  return helper.luadl("--retry", "0", "--min-split", "64K", "-d", folder, ...)
end

local function logins(at, path)
  local set = {}
  for _, entry in ipairs(at:requests(path)) do
    local found = entry:header("authorization") or "none"
    set[found] = (set[found] or 0) + 1
  end
  return set
end

local function only(value, at, path)
  local set = logins(at, path)
  assert.same({ [value] = set[value] or 0 }, set)
  assert.is_not_nil(set[value], "nobody asked")
end

describe("a netrc file", function()
  setup(function() origin, other = server.start(), server.start() end)
  teardown(function()
    origin:stop()
    other:stop()
  end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    file = folder .. "/netrc"
  end)
  after_each(helper.finish)

  it("logs in at its host, with every range", function()
    write("machine example.org login no password no\nmachine 127.0.0.1 login me password hunter2\n")
    local url = origin:serve("/ranges", { size = SIZE, etag = '"1"', rate = 300000 })
    local result = luadl("-n4", "--netrc-file", file, url)
    assert.equal(0, result.status, result.stderr)
    assert.is_true(#origin:requests("/ranges") >= 3)
    only(BASIC, origin, "/ranges")
  end)

  it("logs in where a redirect leads, with that host's login", function()
    write("machine localhost login me password hunter2\n")
    local target = other:serve("/file", { size = SIZE, etag = '"1"', rate = 300000 })
    local url = origin:redirect("/to", server.renamed(target))
    assert.equal(0, luadl("-n4", "--netrc-file", file, url).status)
    only("none", origin, "/to")
    only(BASIC, other, "/file")
  end)

  it("logs in nowhere else", function()
    write("machine localhost login me password hunter2\nmachine 127.0.0.2 login a password b\n")
    local url = origin:serve("/else", { size = SIZE })
    assert.equal(0, luadl("--netrc-file", file, url).status)
    only("none", origin, "/else")
  end)

  it("has a login for all others, which no redirect gets", function()
    write("machine example.org login a password b\ndefault login me password hunter2\n")
    local target = other:serve("/target", { size = SIZE })
    local url = origin:redirect("/start", server.renamed(target))
    assert.equal(0, luadl("--netrc-file", file, url).status)
    only(BASIC, origin, "/start")
    only("none", other, "/target")
  end)

  it("gives way to the login and the token of the command line", function()
    write("machine 127.0.0.1 login no password no\n")
    local url = origin:serve("/user", { size = SIZE })
    assert.equal(0, luadl("--netrc-file", file, "-u", "me:hunter2", url).status)
    only(BASIC, origin, "/user")
    url = origin:serve("/bearer", { size = SIZE })
    assert.equal(0, luadl("--netrc-file", file, "--bearer", "t", url).status)
    only("Bearer t", origin, "/bearer")
  end)

  it("is the one at home, or the one that $NETRC names", function()
    file = folder .. "/.netrc"
    write("machine 127.0.0.1 login me password hunter2\n")
    local url = origin:serve("/home", { size = SIZE })
    assert.equal(0, luadl("--netrc", url, { env = { HOME = folder } }).status)
    only(BASIC, origin, "/home")
    url = origin:serve("/named", { size = SIZE })
    assert.equal(0, luadl("--netrc", url, { env = { HOME = "/", NETRC = file } }).status)
    only(BASIC, origin, "/named")
  end)

  it("is read only when its owner alone can", function()
    local url = origin:serve("/open", { size = SIZE })
    for _, mode in ipairs({ "640", "604", "660", "644" }) do
      write("machine 127.0.0.1 login me password hunter2\n", mode)
      local result = luadl("--netrc-file", file, url)
      assert.equal(28, result.status, mode .. result.stderr)
      assert.truthy(result.stderr:find("others may read it: `chmod 600`", 1, true), result.stderr)
    end
    assert.equal(0, #origin:requests("/open"))
    write("machine 127.0.0.1 login me password hunter2\n", "400")
    assert.equal(0, luadl("--netrc-file", file, url).status)
    only(BASIC, origin, "/open")
  end)

  it("that is missing or broken fails before any request", function()
    local url = origin:serve("/never", { size = SIZE })
    local result = luadl("--netrc-file", folder .. "/none", url)
    assert.equal(28, result.status)
    assert.truthy(result.stderr:find("/none: No such file", 1, true), result.stderr)
    write("machine a login b password c\nmachin 127.0.0.1 login me password hunter2\n")
    result = luadl("--netrc-file", file, url)
    assert.equal(28, result.status)
    assert.truthy(result.stderr:find("netrc: line 2: ", 1, true), result.stderr)
    assert.is_nil(result.stderr:find("hunter2", 1, true), result.stderr)
    assert.equal(0, #origin:requests("/never"))
  end)
end)
