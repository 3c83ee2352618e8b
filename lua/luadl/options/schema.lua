--- Every option of luadl, once: name, type, default, help, and the flag that the command gives it.
-- SPDX-License-Identifier: MIT
--
-- Fields of an entry:
--   name      the word in Lua, in snake_case
--   type      a reader of luadl.options.types; `min`, `max`, `values`, `fields` belong to it
--   scope     "session", "download", "fetch" or "command"; a session takes a download's options as
--             defaults, unless `each` says that every download has its own
--   fetch     true when it is an option of fetch, too; a value: its own default there
--   default   as a caller could write it
--   policy    true when a function may stand in the value's place
--   switch    true when true and false may; `off` is the command's flag for false, and its help
--   check     function(value) -> nil, or what is wrong
--   flag      "-s --long" of the command; `arg` names its argument, `help` says what it does,
--             `note` replaces the default in the help

local checksum = require("luadl.checksum")

local function check_proxy(value)
  if value:match("^%d+$") then
    return ("a proxy is [scheme://]host:port; for %s connections write -n %s"):format(value, value)
  end
  return nil
end

local function check_part(value)
  if value:match("[^/]%.part$") or value:match("[^/]%.part%.lj$") then return nil end
  return ("'%s' is no .part: name the one to continue, or leave it out, luadl continues by itself")
    :format(value)
end

local function check_user(value)
  if not value:find(":", 1, true) then return "expected 'name:password'" end
  return nil
end

local function check_checksum(value)
  return select(2, checksum.read(value))
end

-- What -s means to aria2 and to curl.
local function check_scripts(files)
  for _, file in ipairs(files) do
    if file:match("^%d+$") then
      return ("a script is a file; for %s connections write -n %s"):format(file, file)
    end
    if file:match("^%a[%w+.-]*://") then return "a script is a file; for silence write -q" end
  end
  return nil
end

local function check_method(value)
  if not value:match("^[%w!#$%%&'*+.^_`|~-]+$") then return "expected a word like 'PUT'" end
  return nil
end

local function check_fields(value)
  if type(value) ~= "table" then return "expected a table of names and values" end
  return nil
end

local function check_cache(value)
  if type(value) == "table" or type(value) == "userdata" then return nil end
  return "expected a table, or an object with 'get' and 'set'"
end

return {
  { name = "url", type = "string", scope = "download", fetch = true, each = true },
  { name = "context", type = "context", scope = "download", fetch = true, each = true },
  {
    name = "output", type = "path", scope = "download", each = true,
    flag = "-o --output", arg = "FILE", help = "write to FILE (below DIR, when -d is given)",
  },
  {
    name = "dir", type = "path", scope = "download", default = ".",
    flag = "-d --dir", arg = "DIR", help = "put the files into DIR", note = "here",
  },
  {
    name = "exists", type = "enum", values = { "fail", "rename", "replace", "skip" }, policy = true,
    scope = "download", flag = "--exists", arg = "WHAT",
    help = "when the file exists: fail, rename, replace or skip", note = "rename; fail with -o",
  },
  {
    name = "resume", type = "path", switch = true, check = check_part, default = true,
    scope = "download", flag = "--resume", arg = "PART",
    help = "continue PART; a URL, if given, takes the place of its own",
    off = { flag = "--no-resume", help = "neither continue nor keep what could be continued" },
  },
  {
    name = "restart", type = "boolean", default = false, scope = "download",
    flag = "--restart", help = "drop what an earlier run left, and begin anew",
  },
  {
    name = "resume_check", type = "enum", values = { "strict", "all" }, scope = "download",
    flag = "--resume-check", arg = "WHAT",
    help = "strict: continue only what the server's validators prove; all: read all of it again",
  },
  {
    name = "changed", type = "enum", values = { "restart", "fail" }, policy = true,
    scope = "download", flag = "--changed", arg = "WHAT",
    help = "when the file has changed on the server: restart or fail",
    note = "restart; fail with another URL",
  },
  {
    name = "adopt", type = "boolean", default = false, scope = "download",
    flag = "--adopt", help = "continue what another program left, as far as it can be proven",
  },
  { name = "renew", type = "string", policy = true, scope = "download" },
  { name = "name", type = "string", policy = true, scope = "download" },
  { name = "resolve", type = "requests", policy = true, switch = true, scope = "download" },
  {
    name = "request", type = "table", policy = true, scope = "download", fetch = true,
    fields = {
      { name = "url", type = "string" },
      { name = "headers", type = "headers" },
      { name = "user", type = "string" },
    },
  },
  {
    name = "accept", type = "table", policy = true, scope = "download",
    fields = { { name = "connections", type = "integer", min = 1, max = 256 } },
  },
  { name = "mirror", type = "list", policy = true, scope = "download" },
  { name = "verify", type = "string", policy = true, check = check_checksum, scope = "download" },
  { name = "labels", type = "labels", scope = "download", each = true },
  { name = "policies", type = "policies", scope = "session" },
  {
    name = "checksum", type = "string", check = check_checksum, scope = "download", each = true,
    flag = "--checksum", arg = "ALGO:HEX",
    help = "the file must have this digest; also like 'sha512-BASE64' (SRI)",
  },
  {
    name = "trust_redirect_name", type = "boolean", default = false, scope = "download",
    flag = "--trust-redirect-name", help = "let the URL behind a redirect name the file",
  },
  {
    name = "connections", type = "integer", min = 1, max = 256, default = 8, scope = "download",
    flag = "-n --connections", arg = "N", help = "connections per file",
  },
  {
    name = "jobs", type = "integer", min = 1, max = 256, default = 4, scope = "command",
    flag = "-j --jobs", arg = "N", help = "files at once",
  },
  {
    name = "min_split", type = "bytes", min = 4096, default = "1M", scope = "download",
    flag = "--min-split", arg = "SIZE", help = "smallest piece that gets its own connection",
  },
  {
    name = "max_size", type = "bytes", scope = "download", fetch = "16M",
    flag = "--max-size", arg = "SIZE", help = "refuse files larger than SIZE", note = "none",
  },
  {
    name = "headers", type = "headers", scope = "download", fetch = true,
    flag = "-H --header", arg = "LINE", help = "send 'Name: value'; may be repeated",
  },
  {
    name = "user_agent", type = "string", scope = "download", fetch = true,
    flag = "-A --user-agent", arg = "TEXT", help = "name yourself to the server",
    note = "luadl/VERSION",
  },
  {
    name = "user", type = "string", check = check_user, scope = "download", fetch = true,
    flag = "-u --user", arg = "NAME:PASSWORD", help = "log in; kept from other hosts on redirects",
  },
  {
    name = "proxy", type = "string", check = check_proxy, scope = "download", fetch = true,
    flag = "-x --proxy", arg = "URL", help = "use this proxy",
  },
  {
    name = "insecure", type = "boolean", default = false, scope = "download", fetch = true,
    flag = "-k --insecure", help = "don't verify TLS certificates",
  },
  {
    name = "cacert", type = "path", scope = "download", fetch = true,
    flag = "--cacert", arg = "FILE", help = "trust the certificates in FILE, and no others",
  },
  {
    name = "max_redirects", type = "integer", min = 0, max = 100, default = 10,
    scope = "download", fetch = true, flag = "--max-redirects", arg = "N",
    help = "redirects to follow",
  },
  {
    name = "allow_downgrade", type = "boolean", default = false, scope = "download", fetch = true,
    flag = "--allow-downgrade", help = "follow redirects from https to http",
  },
  {
    name = "trusted_hosts", type = "list", scope = "download", fetch = true,
    flag = "--trusted-host", arg = "HOST",
    help = "a redirect to HOST keeps your headers; may be repeated",
  },
  {
    name = "retry", type = "integer", min = 0, max = 1000, default = 5, policy = true,
    scope = "download", fetch = true, flag = "--retry", arg = "N",
    help = "further tries without progress",
  },
  {
    name = "max_retry_after", type = "seconds", min = 0, default = "5m",
    scope = "download", fetch = true, flag = "--max-retry-after", arg = "TIME",
    help = "longest wait that a server may ask for",
  },
  {
    name = "timeout", type = "seconds", min = 0.01, scope = "download", fetch = true,
    flag = "--timeout", arg = "TIME", help = "longest time without a byte",
    note = "20s; 30s for the first",
  },
  {
    name = "first_byte_timeout", type = "seconds", min = 0.01, default = "30s",
    scope = "download", fetch = true,
  },
  {
    name = "stall_timeout", type = "seconds", min = 0.01, default = "20s",
    scope = "download", fetch = true,
  },
  {
    name = "connect_timeout", type = "seconds", min = 0.01, default = "10s",
    scope = "download", fetch = true, flag = "--connect-timeout", arg = "TIME",
    help = "longest time to connect",
  },
  {
    name = "deadline", type = "seconds", min = 0.01, scope = "download", fetch = true,
    flag = "--deadline", arg = "TIME", help = "longest time for a whole file", note = "none",
  },
  {
    name = "expect", type = "table", scope = "download", each = true,
    fields = {
      { name = "size", type = "bytes", min = 0 },
      { name = "content_type", type = "string" },
    },
  },
  {
    name = "range", type = "range", scope = "download", each = true, fetch = true,
    flag = "--range", arg = "A-B", help = "only the bytes A to B, both included, of 0 and so on",
  },
  { name = "on_trace", type = "function", scope = "download", fetch = true },
  { name = "on_progress", type = "function", scope = "download" },
  { name = "on_retry", type = "function", scope = "download", fetch = true },
  { name = "on_start", type = "function", scope = "download" },
  { name = "on_done", type = "function", scope = "download" },
  { name = "on_error", type = "function", scope = "download" },
  { name = "loops", type = "integer", min = 1, max = 64, scope = "session" },
  {
    name = "cookies", type = "boolean", default = false, scope = "session",
    help = "keep the cookies that servers set, and send them with later requests",
  },
  {
    name = "scripts", type = "list", check = check_scripts, scope = "command",
    flag = "-s --script", arg = "FILE", help = "let the policies in FILE decide; may be repeated",
  },
  {
    name = "set", type = "list", scope = "command",
    flag = "--set", arg = "NAME=VALUE", help = "a setting of a script; may be repeated",
  },
  {
    name = "sandbox", type = "boolean", default = false, scope = "command",
    flag = "--sandbox", help = "run scripts without files, programs, or hosts they don't declare",
  },
  {
    name = "info", type = "boolean", default = false, scope = "command",
    flag = "--info", help = "print what the server says; save nothing",
  },
  {
    name = "json", type = "boolean", default = false, scope = "command",
    flag = "--json", help = "report on standard output, one JSON object per line",
  },
  {
    name = "quiet", type = "boolean", default = false, scope = "command",
    flag = "-q --quiet", help = "print errors only",
  },
  {
    name = "verbose", type = "boolean", default = false, scope = "command",
    flag = "-v --verbose", help = "print retries too",
  },
  {
    name = "why", type = "boolean", default = false, scope = "command",
    flag = "--why", help = "print each step and each decision, with its time and its reason",
  },
  {
    name = "version", type = "boolean", default = false, scope = "command",
    flag = "--version", help = "print the version",
  },
  {
    name = "help", type = "boolean", default = false, scope = "command",
    flag = "-h --help", help = "print this help",
  },
  { name = "method", type = "string", check = check_method, scope = "fetch" },
  { name = "body", type = "data", scope = "fetch" },
  { name = "json", type = "any", scope = "fetch" },
  { name = "form", type = "any", check = check_fields, scope = "fetch" },
  { name = "query", type = "any", check = check_fields, scope = "fetch" },
  { name = "cache", type = "any", check = check_cache, scope = "fetch" },
  { name = "check", type = "boolean", default = false, scope = "fetch" },
}
