--- What of a command line is to be hidden.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local secrets = require("luadl.cli.secrets")

local function of(...)
  return secrets.of(assert(arguments.parse({ ... })))
end

describe("secrets", function()
  it("are logins, wherever they stand", function()
    local found = of("-u", "a:b", "-x", "http://c:d@proxy:1", "http://e:f@host/x", "http://g@host/",
      "http://h/")
    assert.same({ "a:b", "c:d", "e:f", "g" }, found)
    assert.same({ "a:b", "c:d" }, of("--renew", "http://a:b@host/", "--doh", "https://c:d@dns/",
      "http://host/"))
  end)

  it("are logins of a proxy without a scheme, too", function()
    assert.same({ "c:d" }, of("-x", "c:d@proxy:1", "http://host/"))
  end)

  it("are the values of headers", function()
    assert.same({ "Bearer x", "a=1" }, of("-H", "Authorization: Bearer x", "-H", "Cookie: a=1",
      "http://host/"))
  end)

  it("are tokens, passwords, bodies and the headers of hosts", function()
    local found = of("--bearer", "t", "--key-password", "p", "--data", "d", "--host-header",
      "host X-A: h", "http://host/")
    table.sort(found)
    assert.same({ "application/x-www-form-urlencoded", "d", "h", "p", "t" }, found)
  end)

  it("are the parts of a body, one by one as they were typed", function()
    local found = of("--data", "a=1", "--data", "b=2", "-H", "Content-Type: x", "http://host/")
    table.sort(found)
    assert.same({ "a=1", "b=2", "x" }, found)
  end)

  it("are none where nothing is said", function()
    assert.same({}, of("http://host/a@b?c=d@e"))
  end)
end)
