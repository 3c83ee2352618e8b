--- The command's exit status: aria2's numbering, which its clients know.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local exit = {}

exit.OK = 0
exit.OTHER = 1
exit.INTERRUPTED = 7
exit.USAGE = 28

local NOT_FOUND, BAD_ANSWER, FORBIDDEN, UNAVAILABLE = 3, 22, 24, 29

local BY_KIND = {
  usage = exit.USAGE,
  bad_url = exit.USAGE,
  cancelled = exit.INTERRUPTED,
  deadline = 2,
  timeout = 2,
  stalled = 2,
  dns = 19,
  connect = 6,
  tls = 6,
  tls_verify = 6,
  http_status = BAD_ANSWER,
  auth = FORBIDDEN,
  rate_limited = UNAVAILABLE,
  redirect_limit = 23,
  redirect_forbidden = 23,
  range_ignored = BAD_ANSWER,
  range_mismatch = BAD_ANSWER,
  remote_changed = BAD_ANSWER,
  short_body = BAD_ANSWER,
  overlong_body = BAD_ANSWER,
  protocol = BAD_ANSWER,
  encoding = BAD_ANSWER,
  checksum = 32,
  no_space = 9,
  quota = 9,
  locked = 11,
  exists = 13,
  permission = 16,
  read_only = 16,
  io = 17,
}

local BY_STATUS = {
  [401] = FORBIDDEN,
  [403] = FORBIDDEN,
  [404] = NOT_FOUND,
  [407] = FORBIDDEN,
  [410] = NOT_FOUND,
  [429] = UNAVAILABLE,
}

local JUDGED_BY_STATUS = { http_status = true, auth = true, rate_limited = true }

local function of_http(status)
  if status >= 500 and status <= 599 then return UNAVAILABLE end
  return BY_STATUS[status]
end

--- The exit status for an error; 0 for nil.
---@param err table|nil
---@return integer
function exit.status(err)
  if err == nil then return exit.OK end
  err = errors.root(err)
  local by_status = err.status and JUDGED_BY_STATUS[err.kind] and of_http(err.status)
  return by_status or BY_KIND[err.kind] or exit.OTHER
end

return exit
