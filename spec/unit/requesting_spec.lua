--- What the engine is told of a request.
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")
local world = require("spec.support.world")

local GIVEN = {
  user_agent = "me", user = "a:b", auth = "digest", bearer = "token", trusted_hosts = { "host" },
  proxy = "http://proxy:1", no_proxy = "a,b", proxy_auth = "digest",
  addresses = { "host:80:127.0.0.1" }, doh = "https://dns/", interface = "lo", ip = 6, http = "2",
  insecure = true, cacert = "/ca", capath = "/cas", cert = "/cert", key = "/key",
  key_password = "secret", pinned_key = "/pin", tls_min = "1.3", allow_downgrade = true,
  max_redirects = 3, max_size = 9, connect_timeout = 1, first_byte_timeout = 2, stall_timeout = 3,
}

describe("a request", function()
  it("tells the engine what the download says", function()
    local here = world.new()
    here:download(GIVEN)
    here:settle()
    local asked = here:told("new")[1][1]
    for name, value in pairs(GIVEN) do assert.same(value, asked[name], name) end
    assert.is_false(asked.no_redirects)
  end)

  it("says what its session says, where it says nothing", function()
    local here = world.new(GIVEN)
    here:download()
    here:settle()
    local asked = here:told("new")[1][1]
    for name, value in pairs(GIVEN) do assert.same(value, asked[name], name) end
  end)

  it("takes method and body from nobody but itself", function()
    assert.is_nil((options.read({ method = "POST" }, "session")))
    assert.is_nil((options.read({ body = "x" }, "session")))
    local here = world.new()
    here:download({ method = "PUT", body = "x" })
    here:settle()
    local asked = here:told("new")[1][1]
    assert.same({ "PUT", "x" }, { asked.method, asked.body })
  end)

  it("has headers for hosts as rows", function()
    local here = world.new()
    here:download({ host_headers = { ["*.Host.org"] = { ["X-A"] = { "1", "2" } }, "b Y: 3" } })
    here:settle()
    assert.same({ { "b", "Y", "3" }, { "*.host.org", "X-A", "1" }, { "*.host.org", "X-A", "2" } },
      here:told("new")[1][1].host_headers)
  end)

  local function refused(given)
    given.url = "http://host/"
    local values, message = options.read(given, "download")
    assert.is_nil(values)
    return message
  end

  it("is refused with what is wrong, which isn't shown where it may be a secret", function()
    assert.matches("'host_headers': h: ", refused({ host_headers = { h = { ["X Y"] = "1" } } }))
    assert.is_nil(refused({ host_headers = { "secret" } }):find("secret", 1, true))
    assert.matches("'addresses': expected 'HOST:PORT:ADDRESS'", refused({ addresses = { "a" } }))
    assert.matches("'ip': expected 4 or 6", refused({ ip = 5 }))
    assert.matches("'http': expected 1.1 or 2", refused({ http = "3" }))
    assert.matches("'doh': expected an https URL", refused({ doh = "http://dns/" }))
    assert.matches("'pinned_key': expected", refused({ pinned_key = "sha256//abc" }))
    assert.is_nil(refused({ bearer = "a secret" }):find("secret", 1, true))
    assert.matches("a HEAD brings no file", refused({ method = "HEAD" }))
    assert.matches("'body' and 'range'", refused({ body = "x", range = { 0, 1 } }))
    assert.matches("'method' and 'adopt'", refused({ method = "PUT", adopt = true }))
  end)

  it("isn't repeated after a server may have seen what isn't idempotent", function()
    for _, case in ipairs({
      { { method = "POST" }, nil, 0 }, { { body = "x" }, nil, 0 }, { { method = "PATCH" }, nil, 0 },
      { { method = "POST" }, true, 1 }, { { method = "PUT" }, nil, 1 }, { {}, nil, 1 },
    }) do
      local here = world.new()
      local download = here:download(case[1])
      here:fault(1, { error = { kind = "connect", message = "gone", unsent = case[2] } })
      here:run_until(5)
      assert.equal(case[3], #here:told("retry"))
      assert.equal(case[3] == 0, download.ended.fired)
    end
  end)

  it("speaks HTTP/1.1 with a host whose HTTP/2 came to grief", function()
    local here = world.new({ http = "2" })
    here:download({ url = "https://host/a" })
    here:fault(1, { error = { kind = "protocol", message = "stream", curl_code = 92 } })
    here:settle()
    here:download({ url = "https://host/b" })
    here:download({ url = "https://other/c" })
    here:settle()
    local told = here:told("new")
    assert.same({ "2", "1.1", "2" }, { told[1][1].http, told[2][1].http, told[3][1].http })
  end)
end)
