--- Retry policies: from a fault to a delay, or to giving up.
-- SPDX-License-Identifier: MIT
--
-- Pure: chance and the clock are handed in. What a policy needs to know of the past is in the
-- fault, so one policy serves any number of downloads at once.

local types = require("luadl.options.types")
local units = require("luadl.units")

local retry = {}

local FIELDS = {
  { name = "tries", type = "integer", min = 0 },
  { name = "base", type = "seconds", min = 0 },
  { name = "max", type = "seconds", min = 0 },
  { name = "jitter", type = "boolean" },
  { name = "max_retry_after", type = "seconds", min = 0 },
  { name = "random", type = "function" },
  { name = "now", type = "function" },
}

local DEFAULTS = {
  tries = 5,
  base = 1,
  max = 60,
  jitter = true,
  max_retry_after = 300,
  random = math.random,
  now = os.time,
}

local EMPTY_REPLY = 52 -- libcurl: the server closed without a word
local FRESH_TRIES = 2
local LAST_EXPONENT = 30 -- keeps base * 2^n a finite number; `max` rules long before

local TRANSIENT = { [408] = true, [425] = true, [429] = true }
local EXPIRED = { [400] = true, [401] = true, [403] = true, [404] = true, [410] = true }
local BETWEEN_RENEWALS = 10 -- seconds
local LIMIT_STATUS = { [403] = true, [429] = true, [503] = true }

-- A server that has had enough says so in many ways; these count when no byte came.
local LIMIT_KIND = {
  connect = true,
  tls = true,
  timeout = true,
  short_body = true,
  fd_limit = true,
}

local JUDGED_BY_STATUS = { http_status = true, auth = true, rate_limited = true }

local REACTIONS = {
  dns = "again",
  connect = "again",
  tls = "again",
  timeout = "again",
  stalled = "again",
  short_body = "again",
  overlong_body = "again",
  rate_limited = "again",
  protocol = "once",
  encoding = "degrade",
  range_ignored = "single",
  range_mismatch = "fresh",
  remote_changed = "restart",
}

local function of_status(status)
  if TRANSIENT[status] or status >= 500 and status <= 599 then return "again" end
  if status == 416 then return "fresh" end -- a range that exists by all we know
  return "stop"
end

-- A link that a redirect led to, or for which there is a policy, may have run out (H28).
local function may_be_expired(fault)
  local err = fault.error
  return (fault.redirected or fault.renewable) and JUDGED_BY_STATUS[err.kind]
    and EXPIRED[err.status]
end

local function reaction_to(fault)
  local err = fault.error
  if may_be_expired(fault) then return "renew" end
  if err.status and JUDGED_BY_STATUS[err.kind] then return of_status(err.status) end
  if err.kind == "protocol" and err.curl_code == EMPTY_REPLY then return "again" end
  return REACTIONS[err.kind] or (err.retriable and "again" or "stop")
end

local function spare(fault)
  return fault.extra and (fault.active or 0) > 0
end

-- Never fails the item while another stream brings bytes: the range waits for that one.
local function give_up(policy, fault)
  if spare(fault) then return policy.max, { fewer = true } end
  return false
end

local function backoff(policy, attempt)
  local exponent = math.min(math.max(attempt - 1, 0), LAST_EXPONENT)
  local ceiling = math.min(policy.max, policy.base * 2 ^ exponent)
  return policy.jitter and ceiling * policy.random() or ceiling
end

-- The jitter keeps clients that were all told the same second from coming back in step.
local function as_told(policy, err)
  if err.retry_after > policy.max_retry_after then
    err.retry_at = err.retry_at or policy.now() + err.retry_after
    return false
  end
  return err.retry_after + (policy.jitter and policy.base * policy.random() or 0)
end

local react = {}

function react.stop()
  return false
end

function react.again(policy, fault)
  if fault.attempt > policy.tries then return give_up(policy, fault) end
  if fault.error.retry_after then return as_told(policy, fault.error) end
  local told = fault.host_delay or 0 -- perhaps in answer to another download
  if fault.progress then return told end
  return math.max(told, backoff(policy, fault.attempt))
end

function react.once(policy, fault)
  if fault.attempt > math.min(1, policy.tries) then return give_up(policy, fault) end
  return backoff(policy, fault.attempt), { fresh = true }
end

-- Another node may answer better; a single stream asks for no range at all.
function react.fresh(policy, fault)
  local tries = math.min(FRESH_TRIES, policy.tries)
  if fault.attempt <= tries then return 0, { fresh = true } end
  if fault.attempt == tries + 1 then return 0, { single = true } end
  return give_up(policy, fault)
end

-- A broken single stream begins again at 0, so progress can't be what ends this.
function react.single(policy, fault)
  local begun_again = math.max(fault.restarts or 0, fault.attempt - 1)
  if begun_again > policy.tries then return false end
  return 0, { single = true }
end

-- What a coded answer can't do in parts it may do whole.
function react.degrade(_, fault)
  if fault.attempt > 1 then return false end
  return 0, { single = true }
end

-- What was refused from the first, through a fresh link too, isn't there. The tries that went to an
-- old link don't count against the first fresh one.
function react.renew(policy, fault)
  local never_worked = fault.renewed_ago and (fault.saved or 0) == 0
  local spent = fault.attempt > policy.tries and (fault.renewed_ago or policy.tries == 0)
  if never_worked or spent then return give_up(policy, fault) end
  local ago = fault.renewed_ago or math.huge
  return math.max(0, BETWEEN_RENEWALS - ago, fault.host_delay or 0), { renew = true }
end

function react.restart(_, fault)
  if fault.restarts == 0 then return 0, { restart = true } end
  return false
end

local function is_limit(fault)
  local err = fault.error
  if err.status and JUDGED_BY_STATUS[err.kind] then return LIMIT_STATUS[err.status] end
  if (fault.received or 0) > 0 then return false end
  return LIMIT_KIND[err.kind] or err.kind == "rate_limited" or err.curl_code == EMPTY_REPLY
end

local function is_refusal(err)
  local status = JUDGED_BY_STATUS[err.kind] and err.status
  return status and of_status(status) ~= "again"
end

-- One connection works already: that another is refused says how many the server wants, or that
-- the URL worked once only; where somebody can make a fresh one, that is the better cure.
local function react_to_spare(fault)
  if is_limit(fault) then return 0, { fewer = true } end
  if fault.renewable and may_be_expired(fault) then return nil end
  if is_refusal(fault.error) then return 0, { single = true } end
  return nil
end

local CHANGES = {
  { "url", "elsewhere" },
  { "renew", "with a fresh link" },
  { "restart", "from the beginning" },
  { "single", "as one stream" },
  { "fewer", "with fewer connections" },
  { "fresh", "on a new connection" },
}

--- A decision in words, such as "again in 2s with fewer connections".
---@param delay number seconds
---@param change luadl.change|nil
---@return string
function retry.describe(delay, change)
  local how = {}
  for _, known in ipairs(CHANGES) do
    if change and change[known[1]] then how[#how + 1] = " " .. known[2] end
  end
  local when = delay > 0 and " in " .. units.format_duration(delay) or " now"
  return "again" .. when .. table.concat(how, ",")
end

local function settle(given)
  local settings, message = types.read_fields(FIELDS, given or {}, "option")
  if not settings then error(message, 3) end
  for name, default in pairs(DEFAULTS) do
    if settings[name] == nil then settings[name] = default end
  end
  return settings
end

--- The default policy: network errors, 408, 425, 429 and 5xx are tried again with full-jitter
--- exponential backoff, or when Retry-After says (RFC 9110, section 10.2.3); an attempt that
--- brought bytes goes on at once; failures of additional connections lower their number; a link
--- that may have run out is renewed.
---@param opts { tries: integer?, base: number?, max: number?, jitter: boolean?,
--- max_retry_after: number?, random: (fun(): number)?, now: (fun(): number)? }|nil seconds
---@return fun(fault: luadl.fault): number|false, luadl.change|nil
function retry.backoff(opts)
  local policy = settle(opts)
  return function(fault)
    if spare(fault) then
      local delay, change = react_to_spare(fault)
      if delay then return delay, change end
    end
    return react[reaction_to(fault)](policy, fault)
  end
end

return retry
