--- Error values: what every failure in luadl is returned as.
-- SPDX-License-Identifier: MIT
--
-- Code branches on `err.kind`; people read `tostring(err)`, which is always one line.

local errors = {}

---@class luadl.error
---@field kind luadl.error.kind
---@field message string one line for people
---@field retriable boolean the same request may succeed later
---@field status integer? HTTP status
---@field url string? without credentials
---@field path string?
---@field range luadl.range?
---@field attempt integer? which try this was, from 1
---@field errno integer?
---@field curl_code integer?
---@field retry_after number? seconds
---@field retry_at number? seconds since the epoch
---@field resumable boolean? what came is kept: the same download again continues it
---@field cause any the error beneath
---@field observer luadl.error? what an observer of the failure threw
---@field position integer? the byte at which a text can't be read on
---@field traceback string? of a script that failed
local methods = {}
local metatable = { __name = "luadl.error", __index = methods }

--- Every kind of error, and whether trying again can help where nothing more is known.
---@type table<luadl.error.kind, boolean>
errors.kinds = {
  -- request
  usage = false,
  bad_url = false,
  closed = false,
  cancelled = false,
  deadline = false,
  -- network
  dns = true,
  connect = true,
  tls = true,
  tls_verify = false,
  timeout = true,
  stalled = true,
  -- HTTP status
  http_status = false, -- the status decides, see below
  not_found = false, -- where there is no HTTP status
  auth = false,
  rate_limited = true,
  redirect_limit = false,
  redirect_forbidden = false,
  -- content
  range_ignored = true, -- as a single stream
  range_mismatch = true,
  remote_changed = false,
  short_body = true,
  overlong_body = true,
  protocol = true,
  encoding = false,
  too_large = false,
  checksum = false,
  -- files
  no_space = false,
  quota = false,
  io = false,
  read_only = false,
  permission = false,
  bad_name = false,
  exists = false,
  locked = false,
  not_regular = false,
  local_changed = false,
  journal_corrupt = false,
  -- host and scripts
  fd_limit = true, -- with fewer connections
  no_memory = false,
  callback = false,
  script_budget = false,
}

local TRANSIENT = { [408] = true, [425] = true, [429] = true }

local function is_retriable(kind, status)
  if kind == "http_status" and status then
    return TRANSIENT[status] or (status >= 500 and status <= 599)
  end
  return errors.kinds[kind]
end

local function one_line(text)
  return text:find("%c") and text:gsub("%c+", " ") or text
end

local function check_kind(kind, level)
  if errors.kinds[kind] == nil then
    error(("unknown error kind '%s'"):format(tostring(kind)), level + 1)
  end
end

--- The URL without user name and password (RFC 3986, section 3.2.1).
---@param url string
---@return string
function errors.redact_url(url)
  if not url:find("@", 1, true) then return url end
  local scheme, authority, rest = url:match("^(%a[%w+.%-]*://)([^/?#]*)(.*)$")
  if not scheme then return url end
  return scheme .. (authority:match("^.*@(.*)$") or authority) .. rest
end

--- The same of what may lack its scheme, such as a proxy, or a slash behind it.
---@param text string
---@return string
function errors.redact_word(text)
  if text:find("://", 1, true) then return errors.redact_url(text) end
  local start, rest = text:match("^(%a[%w+.%-]*:/)(.*)$")
  if not start then start, rest = "", text end
  return start .. errors.redact_url("x://" .. rest):sub(#"x://" + 1)
end

--- A new error value. The facts are copied in; a fact `retriable` outweighs the kind's.
---@param kind luadl.error.kind
---@param message string?
---@param facts table?
---@return luadl.error
function errors.new(kind, message, facts)
  check_kind(kind, 2)
  local err = {}
  for name, fact in pairs(facts or {}) do err[name] = fact end
  err.kind = kind
  err.message = one_line(message or kind:gsub("_", " "))
  if err.retriable == nil then err.retriable = is_retriable(kind, err.status) end
  if type(err.url) == "string" then err.url = errors.redact_url(err.url) end
  return setmetatable(err, metatable)
end

--- Whether the value is an error of luadl (of this kind, if one is named).
---@param value any
---@param kind luadl.error.kind?
---@return boolean
function errors.is(value, kind)
  if kind ~= nil then check_kind(kind, 2) end
  return getmetatable(value) == metatable and (kind == nil or value.kind == kind)
end

local function text_of(value)
  local ok, text = pcall(tostring, value) -- a thrown table may bring a __tostring that throws too
  return ok and text or ("a %s that can't be shown"):format(type(value))
end

--- What a script threw, as an error of kind "callback". Made to be called in an `xpcall` handler,
--- or after a coroutine died, with that coroutine.
---@param value any what was thrown
---@param where string which policy or observer, such as "name policy"
---@param thread thread?
---@return luadl.error
---@package
function errors.wrap_thrown(value, where, thread)
  local text = text_of(value)
  local traceback = thread and debug.traceback(thread, text) or debug.traceback(text, 2)
  return errors.new("callback", where .. ": " .. text, { traceback = traceback, cause = value })
end

--- What is behind errors of kind "callback": the error of luadl that a script has thrown on.
---@param err any
---@return any
function errors.root(err)
  while errors.is(err, "callback") and errors.is(err.cause) do err = err.cause end
  return err
end

--- Whether the error is of this kind.
---@param kind luadl.error.kind
---@return boolean
function methods:is(kind)
  check_kind(kind, 2)
  return self.kind == kind
end

local function says_number(message, number)
  return message:find(("%%f[%%d]%d%%f[%%D]"):format(number)) ~= nil
end

local function facts_of(err)
  local status_told = err.status and says_number(err.message, err.status)
  return {
    err.status and not status_told and ("HTTP %d"):format(err.status) or false,
    err.attempt and err.attempt > 1 and ("tried %d times"):format(err.attempt) or false,
    err.path or false,
    err.url or false,
  }
end

function metatable:__tostring()
  local shown = {}
  for _, fact in ipairs(facts_of(self)) do
    if fact and not self.message:find(fact, 1, true) then shown[#shown + 1] = fact end
  end
  local line = self.message
  if #shown > 0 then line = line .. " (" .. table.concat(shown, ", ") .. ")" end
  local cause = errors.is(self.cause) and tostring(self.cause)
  if cause and not line:find(cause, 1, true) then line = line .. ": " .. cause end
  return one_line(line)
end

return errors
