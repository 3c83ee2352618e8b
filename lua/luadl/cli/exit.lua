--- The command's exit status: aria2's numbering, which its clients know.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local lines = require("luadl.cli.lines")
local text = require("luadl.text")

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
  not_found = NOT_FOUND,
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

local MEANINGS = {
  { 0, "every file is complete" },
  { 2, "time ran out: no answer, no more bytes, the deadline" },
  { NOT_FOUND, "not found" },
  { 6, "network or TLS" },
  { exit.INTERRUPTED, "interrupted" },
  { 9, "no space, or the quota is used up" },
  { 11, "another luadl writes this file" },
  { 13, "the file exists" },
  { 16, "not permitted, or read-only" },
  { 17, "the disk failed" },
  { 19, "the host's name wasn't resolved" },
  { BAD_ANSWER, "a wrong, short or changed answer; other 4xx" },
  { 23, "too many redirects, or one that isn't followed" },
  { FORBIDDEN, "login needed or refused" },
  { exit.USAGE, "a wrong command line" },
  { UNAVAILABLE, "the server is overloaded" },
  { 32, "the file has another checksum" },
  { exit.OTHER, "anything else" },
}

--- What the statuses mean, for people.
---@return { [1]: integer, [2]: string }[]
function exit.meanings()
  return MEANINGS
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

--- Says what is wrong.
---@param world { stderr: file* }
---@param err table
---@return integer status for it
function exit.fail(world, err)
  world.stderr:write(lines.failed(err), "\n")
  return exit.status(err)
end

--- Says what is wrong with a command line.
---@param stderr file*
---@param message string
---@return integer status for it
function exit.misuse(stderr, message)
  stderr:write("luadl: ", text.clean(message), "\ntry luadl --help\n")
  return exit.USAGE
end

--- The status of what has been done, when there may be something wrong after it.
---@param status integer
---@param world { stderr: file* }
---@param err table|nil
---@return integer
function exit.after(status, world, err)
  local failed = err and exit.fail(world, err)
  return status == exit.OK and failed or status
end

return exit
