--- The default retry policy, fault by fault; chance and clock are injected.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local retry = require("luadl.retry")
local merged = require("spec.support.merged")

local function backoff(opts)
  local usual = { random = function() return 0.5 end, now = function() return 1000 end }
  return retry.backoff(merged(usual, opts))
end

local function fault(kind, facts)
  local made = {
    attempt = 1, progress = false, received = 0, active = 0, extra = false, restarts = 0,
  }
  local about = {}
  for name, value in pairs(facts or {}) do
    if name == "status" or name == "retry_after" or name == "curl_code" then
      about[name] = value
    else
      made[name] = value
    end
  end
  made.error = errors.new(kind, nil, about)
  return made
end

local function status(code, facts)
  facts = facts or {}
  facts.status = code
  return fault("http_status", facts)
end

local function answer(policy, ...)
  return { policy(...) }
end

local function on_extra(made)
  made.extra, made.active = true, 1
  return made
end

describe("retry.backoff", function()
  it("tries network errors, 408, 425, 429 and 5xx again", function()
    local policy = backoff()
    for _, kind in ipairs({ "dns", "connect", "tls", "timeout", "stalled", "short_body" }) do
      assert.same({ 0.5 }, answer(policy, fault(kind)), kind)
    end
    for _, code in ipairs({ 408, 425, 429, 500, 502, 503, 504, 599 }) do
      assert.same({ 0.5 }, answer(policy, status(code)), tostring(code))
    end
  end)

  it("gives up at once on other answers and on what a retry can't mend", function()
    local policy = backoff()
    for _, code in ipairs({ 400, 401, 403, 404, 407, 410, 451, 304, 204 }) do
      assert.is_false(policy(status(code)), tostring(code))
    end
    assert.is_false(policy(fault("auth", { status = 401 })))
    for _, kind in ipairs({ "tls_verify", "no_space", "io", "redirect_limit", "too_large", "exists",
      "cancelled", "deadline", "callback", "bad_url", "checksum" }) do
      assert.is_false(policy(fault(kind)), kind)
    end
  end)

  it("waits for a host that asked another download for peace", function()
    local policy = backoff({ tries = 9 })
    assert.same({ 42 }, answer(policy, fault("connect", { host_delay = 42 })))
    assert.same({ 42 }, answer(policy, fault("short_body", { host_delay = 42, progress = true })))
    assert.same({ 16 }, answer(policy, status(500, { host_delay = 2, attempt = 6 })))
  end)

  it("doubles the ceiling of its delays up to the maximum", function()
    local policy = backoff({ tries = 100, jitter = false })
    local delays = {}
    for attempt = 1, 8 do delays[attempt] = policy(status(500, { attempt = attempt })) end
    assert.same({ 1, 2, 4, 8, 16, 32, 60, 60 }, delays)
    assert.equal(60, policy(status(500, { attempt = 100 })))
  end)

  it("spreads its delays over the whole of the ceiling", function()
    for _, chance in ipairs({ 0, 0.25, 0.999 }) do
      local policy = backoff({ random = function() return chance end })
      assert.equal(4 * chance, policy(status(500, { attempt = 3 })))
    end
  end)

  it("tries as many times further as it was told", function()
    local policy = backoff({ tries = 2 })
    assert.is_number(policy(status(500, { attempt = 2 })))
    assert.is_false(policy(status(500, { attempt = 3 })))
    assert.is_false(backoff({ tries = 0 })(fault("connect")))
  end)

  it("goes on at once after an attempt that brought bytes", function()
    assert.same({ 0 }, answer(backoff(), fault("short_body", { progress = true, received = 1e6 })))
  end)

  it("waits as long as Retry-After says, and a little", function()
    assert.same({ 7.5 }, answer(backoff(), status(503, { retry_after = 7 })))
    assert.same({ 300.5 }, answer(backoff(), status(429, { retry_after = 300 })))
    assert.same({ 7 }, answer(backoff({ jitter = false }), status(429, { retry_after = 7 })))
  end)

  it("gives up when Retry-After exceeds the maximum, and says when to come back", function()
    local made = status(429, { retry_after = 301 })
    assert.is_false(backoff()(made))
    assert.equal(1301, made.error.retry_at)
    assert.is_number(backoff({ max_retry_after = 400 })(status(429, { retry_after = 301 })))
  end)

  it("counts tries also for a server that always names a time", function()
    assert.is_false(backoff()(status(429, { retry_after = 1, attempt = 6 })))
  end)

  it("asks for a mismatched range twice anew, then as one stream, then no more", function()
    local policy = backoff()
    local function at(attempt)
      return answer(policy, fault("range_mismatch", { attempt = attempt }))
    end
    assert.same({ 0, { fresh = true } }, at(1))
    assert.same({ 0, { fresh = true } }, at(2))
    assert.same({ 0, { single = true } }, at(3))
    assert.same({ false }, at(4))
  end)

  it("takes one stream from a server that ignores ranges, as often as there are tries", function()
    local policy = backoff()
    assert.same({ 0, { single = true } }, answer(policy, fault("range_ignored")))
    assert.same({ 0, { single = true } }, answer(policy, fault("range_ignored", { restarts = 5 })))
    assert.is_false(policy(fault("range_ignored", { restarts = 6 })))
    assert.is_false(policy(fault("range_ignored", { attempt = 7 })))
  end)

  it("begins a changed file again once", function()
    local policy = backoff()
    assert.same({ 0, { restart = true } }, answer(policy, fault("remote_changed")))
    assert.is_false(policy(fault("remote_changed", { restarts = 1 })))
  end)

  it("does not begin again when it can't tell how often it did", function()
    local made = fault("remote_changed")
    made.restarts = nil
    assert.is_false(backoff()(made))
  end)

  it("tries a broken answer once more, an empty one as often as any", function()
    local policy = backoff()
    assert.same({ 0.5, { fresh = true } }, answer(policy, fault("protocol")))
    assert.is_false(policy(fault("protocol", { attempt = 2 })))
    assert.same({ 8 }, answer(policy, fault("protocol", { attempt = 5, curl_code = 52 })))
  end)

  it("takes a coded answer as one stream, once", function()
    assert.same({ 0, { single = true } }, answer(backoff(), fault("encoding")))
    assert.is_false(backoff()(fault("encoding", { attempt = 2 })))
  end)

  it("refuses unknown settings by name", function()
    assert.has_error(function() retry.backoff({ trys = 3 }) end)
    local _, message = pcall(retry.backoff, { trys = 3 })
    assert.matches("did you mean 'tries'", message)
  end)
end)

describe("retry.backoff, for a link that may have run out,", function()
  local function refused(code, facts)
    local made = status(code, facts)
    made.redirected = made.redirected == nil or made.redirected
    made.saved = made.saved or 1000
    return made
  end

  it("H28: renews it when a redirect led there", function()
    for _, code in ipairs({ 400, 401, 403, 404, 410 }) do
      assert.same({ 0, { renew = true } }, answer(backoff(), refused(code)), tostring(code))
    end
    local forbidden = refused(403)
    forbidden.error = errors.new("auth", nil, { status = 403 })
    assert.same({ 0, { renew = true } }, answer(backoff(), forbidden))
    assert.is_false(backoff()(refused(451)))
    assert.is_false(backoff()(refused(403, { redirected = false })))
  end)

  it("H28: renews it without a redirect when a policy can", function()
    local made = refused(403, { redirected = false, renewable = true })
    assert.same({ 0, { renew = true } }, answer(backoff(), made))
  end)

  it("H28: does so once per 10 s at most, and when the host can be asked", function()
    assert.same({ 7, { renew = true } }, answer(backoff(), refused(403, { renewed_ago = 3 })))
    assert.same({ 0, { renew = true } }, answer(backoff(), refused(403, { renewed_ago = 11 })))
    assert.same({ 42, { renew = true } }, answer(backoff(), refused(403, { host_delay = 42 })))
  end)

  it("H28: gives up after its tries without progress", function()
    local policy = backoff({ tries = 2 })
    assert.equal(0, (policy(refused(403, { attempt = 2 }))))
    assert.is_false(policy(refused(403, { attempt = 3, renewed_ago = 20 })))
    assert.is_false(backoff({ tries = 0 })(refused(403)))
  end)

  it("H28: renews it a first time whatever was tried with the old one", function()
    local policy = backoff({ tries = 2 })
    assert.same({ 0, { renew = true } }, answer(policy, refused(403, { attempt = 5 })))
  end)

  it("H28: renews it once only for a file of which nothing came yet", function()
    assert.equal(0, (backoff()(refused(404, { saved = 0 }))))
    assert.is_false(backoff()(refused(404, { saved = 0, attempt = 2, renewed_ago = 1 })))
  end)

  it("H28, H55: leaves it while another stream delivers", function()
    assert.same({ 0, { fewer = true } }, answer(backoff(), on_extra(refused(403))))
    assert.same({ 0, { single = true } }, answer(backoff(), on_extra(refused(410))))
  end)

  it("H28: renews it for the others while one delivers when a policy can", function()
    local made = on_extra(refused(410, { renewable = true }))
    assert.same({ 0, { renew = true } }, answer(backoff(), made))
    made = on_extra(refused(403, { renewable = true }))
    assert.same({ 0, { fewer = true } }, answer(backoff(), made))
  end)
end)

describe("retry.backoff, on an additional connection while another delivers,", function()
  it("takes refusals as a sign to use fewer", function()
    local policy = backoff()
    for _, made in ipairs({
      status(403), fault("auth", { status = 403 }), fault("rate_limited", { status = 429 }),
      status(503, { retry_after = 9999 }), fault("connect"), fault("tls"), fault("short_body"),
      fault("protocol", { curl_code = 52 }), fault("fd_limit"),
    }) do
      made.attempt = 99
      assert.same({ 0, { fewer = true } }, answer(policy, on_extra(made)), made.error.kind)
    end
  end)

  it("does not take a connection that brought bytes for refused", function()
    local made = on_extra(fault("short_body", { received = 10, progress = false }))
    assert.same({ 0.5 }, answer(backoff(), made))
  end)

  it("finishes on the stream that works when the URL served once only", function()
    for _, code in ipairs({ 400, 401, 404, 410, 416 }) do
      assert.same({ 0, { single = true } }, answer(backoff(), on_extra(status(code))))
    end
  end)

  it("never fails the item", function()
    local made = on_extra(status(500, { attempt = 99 }))
    assert.same({ 60, { fewer = true } }, answer(backoff(), made))
  end)

  it("fails it when no stream delivers any more", function()
    local made = on_extra(status(404))
    made.active = 0
    assert.is_false(backoff()(made))
  end)
end)
