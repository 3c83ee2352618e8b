--- Exit statuses: aria2's numbers.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")

local BY_KIND = {
  timeout = 2, stalled = 2, deadline = 2, connect = 6, tls = 6, tls_verify = 6, cancelled = 7,
  no_space = 9, quota = 9, locked = 11, exists = 13, permission = 16, read_only = 16, io = 17,
  dns = 19, range_ignored = 22, range_mismatch = 22, protocol = 22, short_body = 22,
  overlong_body = 22, remote_changed = 22, encoding = 22, http_status = 22, redirect_limit = 23,
  not_found = 3, redirect_forbidden = 23, auth = 24, usage = 28, bad_url = 28,
  rate_limited = 29, checksum = 32,
}

local BY_STATUS = {
  [404] = 3, [410] = 3, [400] = 22, [416] = 22, [451] = 22, [304] = 22, [401] = 24, [403] = 24,
  [407] = 24, [429] = 29, [500] = 29, [503] = 29, [599] = 29, [999] = 22,
}

describe("the exit status", function()
  it("is 0 without an error", function()
    assert.equal(0, exit.status(nil))
  end)

  it("follows the kind of the error, and is 1 for kinds without a number", function()
    for kind in pairs(errors.kinds) do
      assert.equal(BY_KIND[kind] or 1, exit.status(errors.new(kind)), kind)
    end
  end)

  it("follows the HTTP status where that is the error", function()
    for status, code in pairs(BY_STATUS) do
      local err = errors.new("http_status", nil, { status = status })
      assert.equal(code, exit.status(err), tostring(status))
    end
  end)

  it("follows what a script has thrown on", function()
    local cause = errors.new("http_status", nil, { status = 404 })
    assert.equal(3, exit.status(errors.wrap_thrown(cause, "resolve policy")))
    assert.equal(1, exit.status(errors.wrap_thrown("broken", "resolve policy")))
  end)

  it("does not follow a status that is only circumstance", function()
    assert.equal(22, exit.status(errors.new("short_body", nil, { status = 206 })))
    assert.equal(2, exit.status(errors.new("stalled", nil, { status = 503 })))
  end)
end)
