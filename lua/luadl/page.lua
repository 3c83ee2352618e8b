--- An answer in memory: what a server said, and its body as JSON, as text, and with its links.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local headers = require("luadl.headers")
local links = require("luadl.links")
local text = require("luadl.text")

local page = {}

---@class luadl.page
---@field status integer
---@field ok boolean the status is 2xx
---@field headers luadl.headers
---@field body string "" when there is none
---@field url string the last one, after redirects, without credentials
---@field elapsed number seconds, further tries and waits included
---@field attempt integer which try this was, from 1
---@field cached boolean the server said that the one in the cache is still right
---@field retry_after number? seconds after which the server wants to be asked again
---@field private decode fun(charset: string, bytes: string): string|nil
local methods = {}
local metatable = { __name = "luadl.page", __index = methods }

local BYTE_ORDER_MARK = "\239\187\191"
local WITHOUT_CHARSET = "WINDOWS-1252" -- what browsers take it for when it isn't UTF-8

--- An answer as the engine gives it.
---@param event table { status, headers = list, url, body, retry_after }
---@param decode fun(charset: string, bytes: string): string|nil
---@return luadl.page
---@package
function page.new(event, decode)
  return setmetatable({
    status = event.status,
    ok = event.status >= 200 and event.status <= 299,
    headers = headers.new(event.headers),
    body = event.body or "",
    url = event.url,
    cached = false,
    retry_after = event.retry_after,
    decode = decode,
  }, metatable)
end

local KINDS = { [401] = "auth", [403] = "auth", [407] = "auth", [429] = "rate_limited" }

local function host_of(url)
  return url:match("^%a[%w+.-]*://([^/?#]*)") or url
end

--- The page itself when its status is 2xx, else what is wrong: `assert(page:check())`.
---@return luadl.page|nil
---@return luadl.error|nil err kind "auth", "rate_limited" or "http_status", with the status
function methods:check()
  if self.ok then return self end
  local status = self.status
  local limited = status == 503 and self.retry_after
  local kind = limited and "rate_limited" or KINDS[status] or "http_status"
  return nil, errors.new(kind, ("%s answered %d"):format(host_of(self.url), status), {
    status = status, url = self.url, attempt = self.attempt, retry_after = self.retry_after,
  })
end

local function unreadable(self, message, cause)
  return nil, errors.new(cause and cause.kind or "encoding", message, {
    url = self.url, status = self.status, cause = cause,
  })
end

--- The value that the body stands for, as luadl.json reads it.
---@return any value or nil
---@return luadl.error|nil
function methods:json()
  local value, err = require("luadl.json").decode(self.body)
  if err then return unreadable(self, "the answer can't be read", err) end
  return value
end

--- Where the Link header leads (RFC 8288): URLs by relation, such as `next` and `last`.
---@return table<string, string>
function methods:links()
  local join = require("luadl.url").join
  local found = links.by_relation(self.headers:all("link"))
  for relation, target in pairs(found) do
    found[relation] = join(self.url, target) -- what leads nowhere is left out
  end
  return found
end

local function charset_of(self)
  local kind = self.headers:get("content-type") or ""
  local value = kind:lower():match(";%s*charset%s*=%s*([^;%s]+)")
  return value and value:gsub('^"(.-)"?$', "%1") or nil
end

local function is_utf8(charset)
  return charset == "utf-8" or charset == "utf8" or charset == "us-ascii"
end

--- The body as UTF-8, from the charset that Content-Type names; without one it is UTF-8 or, where
--- it can't be that, Windows-1252.
---@return string|nil
---@return luadl.error|nil err kind "encoding"
function methods:text()
  local charset, body = charset_of(self), self.body
  if body:sub(1, 3) == BYTE_ORDER_MARK then charset, body = "utf-8", body:sub(4) end
  if not charset or is_utf8(charset) then
    if text.utf8(body) == body then return body end
    if charset then return unreadable(self, "the answer is not UTF-8, as it says") end
  end
  local decoded = self.decode(charset or WITHOUT_CHARSET, body)
  if decoded then return decoded end
  return unreadable(self, ("the answer is not the %s that it says"):format(charset or "text"))
end

return page
