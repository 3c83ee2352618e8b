--- What is remembered of hosts; time is a number that the spec moves.
-- SPDX-License-Identifier: MIT

local host = require("luadl.host")

local ORIGIN = "https://example.org:443"

describe("host", function()
  local time, hosts

  before_each(function()
    time = 100
    hosts = host.new(function() return time end)
  end)

  it("grants all connections to a host that never complained", function()
    assert.equal(16, hosts:limit(ORIGIN, 16))
    assert.equal(0, hosts:delay(ORIGIN))
  end)

  it("halves what was in use when a host refuses", function()
    hosts:failed(ORIGIN, 8)
    assert.equal(4, hosts:limit(ORIGIN, 16))
    assert.equal(2, hosts:limit(ORIGIN, 2))
    assert.equal(16, hosts:limit("https://other.org:443", 16))
  end)

  it("takes refusals that come together for one", function()
    for _ = 1, 7 do hosts:failed(ORIGIN, 8) end
    assert.equal(4, hosts:limit(ORIGIN, 8))
    time = time + 1
    hosts:failed(ORIGIN, 4)
    assert.equal(2, hosts:limit(ORIGIN, 8))
  end)

  it("never goes below one connection", function()
    for _ = 1, 10 do
      hosts:failed(ORIGIN, 1)
      time = time + 2
    end
    assert.equal(1, hosts:limit(ORIGIN, 8))
  end)

  it("tries one more connection every 30 quiet seconds", function()
    hosts:failed(ORIGIN, 8)
    time = time + 29.9
    assert.equal(4, hosts:limit(ORIGIN, 8))
    time = time + 0.1
    assert.equal(5, hosts:limit(ORIGIN, 8))
    time = time + 600
    assert.equal(8, hosts:limit(ORIGIN, 8))
  end)

  it("starts the next ramp from where a refusal ended the last", function()
    hosts:failed(ORIGIN, 8)
    time = time + 60
    hosts:failed(ORIGIN, 6)
    assert.equal(3, hosts:limit(ORIGIN, 8))
    time = time + 30
    assert.equal(4, hosts:limit(ORIGIN, 8))
  end)

  it("leaves a host alone as long as its longest Retry-After", function()
    hosts:wait(ORIGIN, 20)
    hosts:wait(ORIGIN, 5)
    assert.equal(20, hosts:delay(ORIGIN))
    time = time + 15
    assert.equal(5, hosts:delay(ORIGIN))
    time = time + 15
    assert.equal(0, hosts:delay(ORIGIN))
  end)

  it("shares what a host bears out among all who are at it", function()
    local one, other = {}, {}
    hosts:enter(ORIGIN, one)
    hosts:enter(ORIGIN, other)
    assert.equal(8, hosts:limit(ORIGIN, 8))
    hosts:failed(ORIGIN, 16)
    assert.equal(4, hosts:limit(ORIGIN, 8))
    hosts:leave(other)
    assert.equal(8, hosts:limit(ORIGIN, 8))
    for _ = 1, 40 do hosts:enter(ORIGIN, {}) end
    assert.equal(1, hosts:limit(ORIGIN, 8))
  end)

  it("knows who is at a host, and forgets who left", function()
    local one, other = {}, {}
    hosts:enter(ORIGIN, one)
    hosts:enter(ORIGIN, other)
    hosts:enter(ORIGIN, other)
    assert.same({ [one] = true, [other] = true }, hosts:users_of(ORIGIN))
    hosts:enter("https://other.org", other)
    hosts:leave(one)
    hosts:leave(one)
    assert.same({}, hosts:users_of(ORIGIN))
    hosts:leave(other)
    assert.is_nil(next(hosts.users))
    assert.is_nil(next(hosts.place))
  end)
end)
