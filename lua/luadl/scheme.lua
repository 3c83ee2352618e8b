--- The schemes of URLs: which are fetched, how, and who may bring one up.
-- SPDX-License-Identifier: MIT
--
-- Pure. http and https are the web: heads, ranges, identity. What comes over the others is a single
-- stream that nothing proves to be of one version, so it is neither split nor continued.

local errors = require("luadl.errors")

local scheme = {}

local WEB = { http = true, https = true }
local SINGLE = { ftp = true, ftps = true, sftp = true, file = true }

--- The scheme of a URL in lower case, or nil.
---@param url string
---@return string|nil
function scheme.of(url)
  local name = url:match("^(%a[%w+.-]*)://")
  return name and name:lower()
end

local PLAIN_MOST = 2000 -- bytes
local latest -- the same one is looked at by several

--- Whether it is a URL of the web in which nothing is out of the ordinary: no login, no query, no
--- escape, nothing to be read in two ways.
---@param url string
---@return boolean
function scheme.is_plain(url)
  if url == latest then return true end
  local is_plain = #url <= PLAIN_MOST and url:find("^https?://[%w.-]+:?%d*/[%w/._-]*$") ~= nil
  if is_plain then latest = url end
  return is_plain
end

--- Whether what a URL names comes as a single stream, without HTTP.
---@param url string
---@return boolean
function scheme.is_single(url)
  if url:sub(1, 4) == "http" then return false end
  return SINGLE[scheme.of(url)] or false
end

local CONTROL = { "%%[01]%x", "%%7[fF]" }

-- There the path goes to the server decoded, among commands that end with a line.
local function check_single(url)
  local path = url:match("^%a[%w+.-]*://[^/]*(.*)$"):gsub("#.*$", "")
  for _, pattern in ipairs(CONTROL) do
    if path:find(pattern) then return nil, "has control characters" end
  end
  if path:find(";type=", 1, true) then return nil, "has a ';type=': files come as they are" end
  if path == "" or path:sub(-1) == "/" then return nil, "names a folder, and not a file in it" end
  return true
end

local THIS_MACHINE = { [""] = true, localhost = true, ["127.0.0.1"] = true }

local function check_host(name, host)
  if name ~= "file" then
    if host == "" then return nil, "names no host" end
  elseif not THIS_MACHINE[host:lower()] then
    return nil, "names another machine: a file of this one is file:///PATH"
  end
  return true
end

--- Whether luadl fetches what a URL names, as far as it tells.
---@param url string with a scheme
---@return boolean|nil
---@return string|nil message what is wrong, to follow the URL
function scheme.check(url)
  local name = scheme.of(url)
  if not WEB[name] and not SINGLE[name] then
    return nil, "is of a scheme that luadl doesn't fetch: it has http, https, ftp, ftps, sftp, file"
  end
  local ok, message = check_host(name, url:match("^%a[%w+.-]*://([^/?#]*)"))
  if ok and SINGLE[name] then ok, message = check_single(url) end
  return ok, message
end

local function unsuitable(opts)
  if opts.range then return "parts" end
  if type(opts.resume) == "string" then return "downloads to continue" end
  if (opts.method or "GET") ~= "GET" or opts.body then return "other methods than GET" end
  return nil
end

--- Whether a download with these options can be had: a single stream has less to offer.
---@param opts table checked options
---@return boolean|nil
---@return luadl.error|nil
function scheme.suits(opts)
  if not opts.url or not scheme.is_single(opts.url) then return true end
  local ok, message = scheme.check(opts.url)
  if not ok then
    message = ("%s %s"):format(errors.redact_url(opts.url), message)
    return nil, errors.new("bad_url", message, { url = opts.url })
  end
  local what = unsuitable(opts)
  if not what then return true end
  message = ("there are no %s over %s"):format(what, scheme.of(opts.url))
  return nil, errors.new("bad_url", message, { url = opts.url })
end

--- Whether a policy may answer this URL for a download of `asked`. What it says may come from
--- anywhere: it doesn't reach the files of this machine, and in the sandbox nothing else that the
--- user hasn't named either.
---@param url string
---@param asked string|nil
---@param sandboxed boolean|nil
---@return boolean
function scheme.may_answer(url, asked, sandboxed)
  local name = scheme.of(url)
  if not SINGLE[name] then return true end
  local same = asked ~= nil and scheme.of(asked) == name
  if name == "file" then return same and not sandboxed end
  return same or not sandboxed
end

return scheme
