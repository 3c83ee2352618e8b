--- The options that aria2's lists have below a URL, as luadl's own.
-- SPDX-License-Identifier: MIT

local item = require("luadl.list.item")
local nearest = require("luadl.options.nearest")
local options = require("luadl.options")
local text = require("luadl.text")

local aria2 = {}

-- Readers

local function set(name)
  return function(given, value)
    local read, message = options.parse(name, value)
    if read == nil then return nil, message end
    given[name] = read
    return true
  end
end

local function set_path(name)
  return function(given, value, opts)
    local path, message = item.path(value, opts.trusted)
    if not path then return nil, message end
    given[name] = path
    return true
  end
end

local function yes_or_no(decide)
  return function(given, value, opts)
    if value ~= "true" and value ~= "false" then return nil, "expected true or false" end
    return decide(given, value == "true", opts)
  end
end

-- What weakens something counts only in a list that the user vouches for.
local function if_trusted(decide)
  return yes_or_no(function(given, value, opts)
    if not opts.trusted then return nil, "not from a list (--trust-list allows it)" end
    decide(given, value)
    return true
  end)
end

local function add_header(given, line)
  local read, message = options.parse("headers", { line })
  if not read then return nil, message end
  given.headers = given.headers or {}
  given.headers[#given.headers + 1] = read[1]
  return true
end

local function fact(name)
  return function(given, value)
    given.facts = given.facts or {}
    given.facts[name] = value
    return true
  end
end

local function proxy_fact(name)
  return function(given, value)
    local read, message = options.parse("proxy", value)
    if not read then return nil, message end
    return fact(name)(given, read)
  end
end

local function integer_fact(name, least)
  return function(given, value)
    local number = tonumber(value:match("^%d+$"))
    if not number or number < least then return nil, ("expected a number from %d"):format(least) end
    return fact(name)(given, number)
  end
end

-- A limit of 0 is none.
local function unless_zero(read)
  return function(given, value)
    return value == "0" or read(given, value)
  end
end

local READERS = {
  out = set_path("output"),
  output = set_path("output"),
  dir = set_path("dir"),
  checksum = set("checksum"),
  header = add_header,
  referer = function(given, value)
    return add_header(given, "Referer: " .. (value == "*" and given.url or value))
  end,
  ["user-agent"] = set("user_agent"),
  split = integer_fact("split", 1),
  ["max-connection-per-server"] = integer_fact("per_server", 1),
  ["min-split-size"] = set("min_split"),
  ["max-tries"] = integer_fact("tries", 0),
  ["connect-timeout"] = set("connect_timeout"),
  timeout = set("timeout"),
  ["max-download-limit"] = options.get("file_limit_rate") and unless_zero(set("file_limit_rate")),
  ["http-user"] = fact("http_user"),
  ["http-passwd"] = fact("http_password"),
  ["ftp-user"] = fact("ftp_user"),
  ["ftp-passwd"] = fact("ftp_password"),
  ["all-proxy"] = proxy_fact("proxy"),
  ["http-proxy"] = proxy_fact("http_proxy"),
  ["https-proxy"] = proxy_fact("https_proxy"),
  ["ftp-proxy"] = proxy_fact("ftp_proxy"),
  ["conditional-get"] = yes_or_no(function(given, value)
    given.conditional = value
    return true
  end),
  ["auto-file-renaming"] = yes_or_no(function(given, value)
    if not given.exists then given.exists = value and "rename" or "fail" end
    return true
  end),
  ["allow-overwrite"] = if_trusted(function(given, value)
    if value then given.exists = "replace" end
  end),
  ["check-certificate"] = if_trusted(function(given, value) given.insecure = not value end),
}

local function names(words)
  local set_of = {}
  for word in words:gmatch("%S+") do set_of[word] = true end
  return set_of
end

-- luadl does these by itself, or needs no such word.
local NEEDLESS = names([[
  allow-piece-length-change always-resume async-dns continue enable-http-keep-alive
  enable-http-pipelining enable-mmap file-allocation force-save ftp-pasv ftp-reuse-connection gid
  http-auth-challenge max-mmap-limit max-resume-failure-tries no-file-allocation-limit
  piece-length realtime-chunk-checksum remote-time retry-wait reuse-uri save-not-found
  stream-piece-selector uri-selector use-head
]])

-- These would change what happens.
local LEFT_OUT = names([[
  all-proxy-passwd all-proxy-user bt-enable-hook-after-hash-check bt-enable-lpd bt-exclude-tracker
  bt-external-ip bt-force-encryption bt-hash-check-seed bt-load-saved-metadata bt-max-peers
  bt-metadata-only bt-min-crypto-level bt-prioritize-piece bt-remove-unselected-file
  bt-request-peer-speed-limit bt-require-crypto bt-save-metadata bt-seed-unverified bt-stop-timeout
  bt-tracker bt-tracker-connect-timeout bt-tracker-interval bt-tracker-timeout check-integrity
  content-disposition-default-utf8 dry-run enable-peer-exchange follow-metalink follow-torrent
  ftp-proxy-passwd ftp-proxy-user ftp-type hash-check-only http-accept-gzip http-no-cache
  http-proxy-passwd http-proxy-user https-proxy-passwd https-proxy-user index-out
  lowest-speed-limit max-download-limit max-file-not-found max-upload-limit metalink-base-uri
  metalink-enable-unique-protocol metalink-language metalink-location metalink-os
  metalink-preferred-protocol metalink-version no-netrc no-proxy parameterized-uri pause
  pause-metadata proxy-method remove-control-file rpc-save-upload-metadata seed-ratio seed-time
  select-file ssh-host-key-md
]])

local function unknown(name)
  local words = {}
  for _, set_of in ipairs({ READERS, NEEDLESS, LEFT_OUT }) do
    for word in pairs(set_of) do words[#words + 1] = word end
  end
  table.sort(words)
  local meant = nearest.word(name, words)
  return ("unknown option '%s'%s"):format(text.clean(name),
    meant and (": did you mean '%s'?"):format(meant) or "")
end

local function warn_once(list, name)
  if list.told[name] or not list.opts.warn then return end
  list.told[name] = true
  list.opts.warn(("%s:%d: luadl leaves the option '%s' out"):format(list.name, list.number, name))
end

-- What only the complete item tells

local function login_of(facts, scheme)
  local kind = (scheme == "ftp" or scheme == "sftp") and "ftp" or "http"
  local name = facts[kind .. "_user"]
  return name and name .. ":" .. (facts[kind .. "_password"] or "")
end

-- aria2 opens as many as both numbers allow.
local function connections_of(facts)
  local count = facts.split or facts.per_server
  if not count then return nil end
  return math.min(count, facts.per_server or count, options.get("connections").max)
end

local function complete(given)
  local facts = given.facts
  given.facts = nil
  local scheme = given.url:match("^[^:]*"):lower()
  given.user = login_of(facts, scheme)
  given.proxy = facts[scheme .. "_proxy"] or facts.proxy
  given.connections = connections_of(facts)
  if facts.tries then -- 0: without an end
    given.retry = math.min(facts.tries - 1, 1000)
    if facts.tries == 0 then given.retry = 1000 end
  end
end

--- Reads one option into the item above it.
---@param given table the item's options so far
---@param line string "  name=value"
---@param list { name: string, number: integer, opts: luadl.list.options, told: table }
---@return true?
---@return string? message
function aria2.apply(given, line, list)
  local name, value = line:match("^%s+([^=%s]+)%s*=(.*)$")
  if not name then return nil, "expected an option, like 'out=big.iso'" end
  local read = READERS[name]
  if not read then
    if LEFT_OUT[name] then warn_once(list, name) end
    if LEFT_OUT[name] or NEEDLESS[name] then return true end
    return nil, unknown(name)
  end
  local ok, message = read(given, text.trim(value), list.opts)
  if not ok then return nil, ("option '%s': %s"):format(name, message) end
  if given.facts then given.complete = complete end
  return true
end

return aria2
