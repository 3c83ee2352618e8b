--- What the engine is told of a request: the options that mean the same for downloads and fetches.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local host = require("luadl.host")
local logins = require("luadl.logins")
local options = require("luadl.options")

local requesting = {}

local FIELDS = {
  -- what is asked for
  "url", "headers", "method", "body", "restart", "resume_check", "adopt", "min_split", "range",
  -- what it says
  "user_agent", "user", "auth", "bearer", "host_headers", "trusted_hosts",
  -- its way
  "proxy", "no_proxy", "proxy_auth", "addresses", "doh", "interface", "ip",
  -- whom it trusts
  "insecure", "cacert", "capath", "cert", "key", "key_password", "pinned_key", "tls_min",
  "known_hosts",
  -- how far, and how long
  "allow_downgrade", "max_redirects", "max_size", "connect_timeout", "first_byte_timeout",
  "stall_timeout",
}

-- RFC 9110, section 9.2.2, and the reading ones of WebDAV: asked twice they do what once does.
local IDEMPOTENT = {
  GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true, PROPFIND = true,
  REPORT = true,
}

--- The method that is used: GET, or POST where there is something to send.
---@param method string|nil
---@param body string|nil
---@return string
function requesting.method(method, body)
  return method or (body and "POST" or "GET")
end

--- Whether a server may be asked again that perhaps has done already what was asked.
---@param method string
---@return boolean
function requesting.is_idempotent(method)
  return IDEMPOTENT[method] or false
end

--- Its options as far as they are meant for this URL, too: headers and login are for the host that
--- the user has named.
---@param self luadl.download|luadl.fetch
---@param url string
---@param scope "download"|"fetch"
---@return table checked options
function requesting.options_at(self, url, scope)
  if host.origin(self.core.redact(url)) == self.origin then return self.opts end
  local session = self.session
  local common = session.by_host:defaults_for(url, options.impersonal(session.defaults))
  return options.read(options.impersonal(options.given(self.opts)), scope, common)
end

--- Seconds until it may begin: its host wants peace, or others have just begun.
---@param self luadl.download|luadl.fetch
---@return number
function requesting.delay(self)
  local pace = self.session.pace
  return math.max(self.hosts:delay(self.origin), pace and pace:take(self.core.now()) or 0)
end

local BROKEN_HTTP2 = { [16] = true, [92] = true } -- libcurl: of the connection, of a stream

local function http_of(self, opts)
  local features = self.core.features
  if opts.http ~= "2" then return opts.http end
  if features and not features.http2 then
    return nil, errors.new("usage", "option 'http': this libcurl was built without HTTP/2")
  end
  return self.hosts:speaks_http1(self.origin) and "1.1" or "2"
end

--- A request for the engine, with what downloads and fetches have in common.
---@param self luadl.download|luadl.fetch
---@param opts table its options, as far as they are meant for what is asked
---@return table|nil
---@return luadl.error|nil
function requesting.of(self, opts)
  local asked = options.pick(opts, FIELDS)
  asked.no_redirects = opts.max_redirects == 0
  asked.limit_rate = self.session.limits:of_file(opts.file_limit_rate)
  local http, wrong = http_of(self, opts)
  if wrong then return nil, wrong end
  local known, err = logins.of(self.session, opts)
  if err then return nil, err end
  asked.http, asked.logins = http, known
  return asked
end

--- What a failure tells of the host.
---@param self luadl.download|luadl.fetch
---@param err luadl.error
function requesting.learn(self, err)
  if BROKEN_HTTP2[err.curl_code] then self.hosts:speak_http1(self.origin) end
end

return requesting
