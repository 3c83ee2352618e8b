--- curl's options, and what each is for a download of luadl.
-- SPDX-License-Identifier: MIT
--
-- A reader gets the import that is being put together and the option's value; it answers nil, or
-- what is wrong.

local options = require("luadl.options")

local known = {}

local function set(name, convert)
  return function(import, value)
    if convert then value = convert(value) end
    if not options.get(name) then return import:warn("luadl has no such option") end
    local read, message = options.parse(name, value)
    if read == nil then return message end
    import.opts[name] = read
    return nil
  end
end

local function set_value(name, value)
  return function(import)
    import.opts[name] = value
    return nil
  end
end

local function pass() return nil end

local function leave_out(import) return import:warn("it is left out") end

local function refuse(message)
  return function() return message end
end

local function without_file(read, mark)
  return function(import, value)
    if value:find("^" .. (mark or "@")) then return "it is a file: write its content instead" end
    return read(import, value)
  end
end

-- Headers

local DROPPED = {
  ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["te"] = true,
  ["accept-encoding"] = true, -- files are saved as they are sent
}

local CONDITIONS = {
  ["if-none-match"] = true, ["if-modified-since"] = true, ["if-range"] = true,
  ["if-match"] = true, ["if-unmodified-since"] = true,
}

local function take_range(import, value)
  local first, last = value:match("^bytes=(%d+)%-(%d*)$")
  if first and tonumber(first) == 0 and last == "" then return nil end
  if not first or last == "" then return "luadl takes ranges from a first to a last byte" end
  return set("range")(import, first .. "-" .. last)
end

local function add_header(import, name, value)
  local lower = name:lower()
  if DROPPED[lower] then return nil end
  if lower == "range" then return take_range(import, value) end
  if CONDITIONS[lower] then
    return import:warn(name .. " is left out: the answer would be that nothing has changed")
  end
  local read, message = options.parse("headers", { name .. ": " .. value })
  if not read then return message end
  table.insert(import.headers, read[1])
  return nil
end

local function take_header(import, line)
  local name, value = line:match("^([^:]*):%s*(.-)%s*$")
  if name and value ~= "" then return add_header(import, name, value) end
  name = line:match("^([^:;]+);%s*$")
  if name then return add_header(import, name, "") end
  if line:find(":%s*$") then return import:warn("a header without a value is left out") end
  return "expected 'Name: value'"
end

local function take_cookie(import, value)
  if not value:find("=", 1, true) then return "it is a file: use --load-cookies FILE" end
  return add_header(import, "Cookie", value)
end

local function take_referer(import, value)
  value = value:gsub(";auto$", "")
  return value ~= "" and add_header(import, "Referer", value) or nil
end

-- Data

local function add_data(import, value)
  table.insert(import.data, value)
  return nil
end

local function percent(byte)
  return ("%%%02X"):format(byte:byte())
end

-- "content", "=content" and "name=content".
local function add_encoded(import, value)
  local name, content = value:match("^([^=]*=)(.*)$")
  content = (content or value):gsub("[^%w._~-]", percent)
  return add_data(import, (name ~= "=" and name or "") .. content)
end

local function add_json(import, value)
  import.is_json = true
  return add_data(import, value)
end

-- Other words

local function with_password(value)
  return value:find(":", 1, true) and value or value .. ":"
end

local function with_scheme(scheme)
  return function(value) return value:find("://", 1, true) and value or scheme .. "://" .. value end
end

local function take_url(import, value)
  if import.opts.url then return "it names two URLs: import them one by one" end
  if value == "" or value:find("%c") then return "a URL is empty, or has control characters" end
  import.opts.url = value:find("^%a[%w+.-]*://") and value or "http://" .. value
  return nil
end

local function take_output(import, value)
  if value == "-" then return "expected a file: luadl's own -o says where it goes" end
  return set("output")(import, value)
end

local PASSWORD = "write its password into a file: --key-password @FILE"

local function take_certificate(import, value)
  if value:find(":", 1, true) then return PASSWORD end
  return set("cert")(import, value)
end

local function take_range_option(import, value)
  return take_range(import, "bytes=" .. value)
end

local function several(name)
  return function(import, value)
    local list = import.opts[name] or {}
    list[#list + 1] = value
    return set(name)(import, list)
  end
end

--- Those that take a value, by their long names.
known.VALUES = {
  url = take_url,
  header = without_file(take_header), request = set("method"),
  data = without_file(add_data), ["data-ascii"] = without_file(add_data), ["data-raw"] = add_data,
  ["data-binary"] = without_file(add_data),
  ["data-urlencode"] = without_file(add_encoded, "[^=]*@"),
  json = without_file(add_json),
  cookie = take_cookie, user = set("user", with_password), ["user-agent"] = set("user_agent"),
  referer = take_referer, ["oauth2-bearer"] = set("bearer"),
  proxy = set("proxy"), noproxy = set("no_proxy"), preproxy = leave_out,
  socks4 = set("proxy", with_scheme("socks4")), socks4a = set("proxy", with_scheme("socks4a")),
  socks5 = set("proxy", with_scheme("socks5")),
  ["socks5-hostname"] = set("proxy", with_scheme("socks5h")),
  ["proxy-user"] = refuse("write the login into the proxy's URL: -x SCHEME://NAME:PASSWORD@HOST"),
  output = take_output, ["output-dir"] = set("dir"), range = take_range_option,
  cacert = set("cacert"), capath = set("capath"), cert = take_certificate, key = set("key"),
  pinnedpubkey = set("pinned_key"), resolve = several("addresses"), ["doh-url"] = set("doh"),
  interface = set("interface"),
  ["max-time"] = set("deadline"), ["connect-timeout"] = set("connect_timeout"),
  retry = set("retry"), ["max-redirs"] = set("max_redirects"),
  ["max-filesize"] = set("max_size"), ["limit-rate"] = set("file_limit_rate"),
  form = refuse("luadl sends no forms with files"),
  ["form-string"] = refuse("luadl sends no forms with files"),
  ["upload-file"] = refuse("luadl sends no files"),
  config = refuse("luadl reads no configuration of curl's"),
  ["continue-at"] = pass, ["write-out"] = leave_out, ["cookie-jar"] = leave_out,
  ["dump-header"] = leave_out, stderr = pass, trace = pass, ["trace-ascii"] = pass,
  ["keepalive-time"] = pass, ["parallel-max"] = pass, ["retry-delay"] = pass,
  ["retry-max-time"] = pass, ["speed-limit"] = leave_out, ["speed-time"] = leave_out,
  ciphers = leave_out, ["tls13-ciphers"] = leave_out, ["tls-max"] = leave_out,
  curves = leave_out, ["connect-to"] = leave_out, ["cert-type"] = leave_out,
  ["key-type"] = leave_out, pass = refuse(PASSWORD),
}

--- Those that take none.
known.FLAGS = {
  insecure = function(import)
    import.opts.insecure = true
    return import:warn("the server's certificate is not verified")
  end,
  get = function(import) import.as_query = true end,
  head = refuse("use --info"),
  ["http1.0"] = leave_out, ["http1.1"] = pass, http2 = pass, ["http2-prior-knowledge"] = leave_out,
  http3 = pass, ipv4 = set_value("ip", 4), ipv6 = set_value("ip", 6),
  digest = set_value("auth", "digest"), basic = pass, anyauth = leave_out,
  ntlm = refuse("luadl logs in by basic, digest and bearer"),
  negotiate = refuse("luadl logs in by basic, digest and bearer"),
  netrc = set_value("netrc", true), ["netrc-optional"] = set_value("netrc", true),
  ["tlsv1.2"] = set_value("tls_min", "1.2"), ["tlsv1.3"] = set_value("tls_min", "1.3"),
  ["location-trusted"] = leave_out, include = leave_out, ["proxy-insecure"] = leave_out,
  next = refuse("it has several requests: import them one by one"),
}

for name in ([[
  compressed create-dirs fail fail-early fail-with-body globoff keepalive location no-alpn
  no-buffer no-keepalive no-progress-meter no-sessionid parallel path-as-is progress-bar
  remote-header-name remote-name remote-name-all remote-time retry-all-errors retry-connrefused
  show-error silent ssl ssl-reqd styled-output tcp-fastopen tcp-nodelay tlsv1 tlsv1.0 tlsv1.1
  verbose
]]):gmatch("%S+") do
  known.FLAGS[name] = pass
end

--- The long names of the short ones.
known.SHORT = {
  A = "user-agent", C = "continue-at", D = "dump-header", E = "cert", F = "form", G = "get",
  H = "header", I = "head", J = "remote-header-name", K = "config", L = "location",
  N = "no-buffer", O = "remote-name", R = "remote-time", S = "show-error", T = "upload-file",
  U = "proxy-user", X = "request", Y = "speed-limit", Z = "parallel", ["#"] = "progress-bar",
  ["0"] = "http1.0", ["1"] = "tlsv1", ["4"] = "ipv4", ["6"] = "ipv6", [":"] = "next",
  b = "cookie", c = "cookie-jar", d = "data", e = "referer", f = "fail", g = "globoff",
  i = "include", k = "insecure", m = "max-time", n = "netrc", o = "output", r = "range",
  s = "silent", u = "user", v = "verbose", w = "write-out", x = "proxy", y = "speed-time",
}

return known
