--- Every option of luadl, once: name, type, default, help, and the flag that the command gives it.
-- SPDX-License-Identifier: MIT
--
-- Fields of an entry:
--   name      the word in Lua, in snake_case
--   type      a reader of luadl.options.types; `min`, `max`, `values`, `fields` belong to it
--   scope     "session", "download" or "command"; a session takes a download's options as defaults,
--             unless `each` says that every download has its own
--   default   as a caller could write it
--   policy    true when a function may stand in the value's place
--   switch    true when true and false may; `off` is the command's flag for false, and its help
--   check     function(value) -> nil, or what is wrong
--   flag      "-s --long" of the command; `arg` names its argument, `help` says what it does,
--             `note` replaces the default in the help

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

return {
  { name = "url", type = "string", scope = "download", each = true },
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
    default = "restart", scope = "download", flag = "--changed", arg = "WHAT",
    help = "when the file has changed on the server: restart or fail",
  },
  {
    name = "adopt", type = "boolean", default = false, scope = "download",
    flag = "--adopt", help = "continue what another program left, as far as it can be proven",
  },
  { name = "renew", type = "function", scope = "download" },
  { name = "name", type = "function", scope = "download" },
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
    name = "max_size", type = "bytes", scope = "download",
    flag = "--max-size", arg = "SIZE", help = "refuse files larger than SIZE", note = "none",
  },
  {
    name = "headers", type = "headers", scope = "download",
    flag = "-H --header", arg = "LINE", help = "send 'Name: value'; may be repeated",
  },
  {
    name = "user_agent", type = "string", scope = "download",
    flag = "-A --user-agent", arg = "TEXT", help = "name yourself to the server",
    note = "luadl/VERSION",
  },
  {
    name = "user", type = "string", check = check_user, scope = "download",
    flag = "-u --user", arg = "NAME:PASSWORD", help = "log in; kept from other hosts on redirects",
  },
  {
    name = "proxy", type = "string", check = check_proxy, scope = "download",
    flag = "-x --proxy", arg = "URL", help = "use this proxy",
  },
  {
    name = "insecure", type = "boolean", default = false, scope = "download",
    flag = "-k --insecure", help = "don't verify TLS certificates",
  },
  {
    name = "cacert", type = "path", scope = "download",
    flag = "--cacert", arg = "FILE", help = "trust the certificates in FILE, and no others",
  },
  {
    name = "max_redirects", type = "integer", min = 0, max = 100, default = 10, scope = "download",
    flag = "--max-redirects", arg = "N", help = "redirects to follow",
  },
  {
    name = "allow_downgrade", type = "boolean", default = false, scope = "download",
    flag = "--allow-downgrade", help = "follow redirects from https to http",
  },
  {
    name = "trusted_hosts", type = "list", scope = "download",
    flag = "--trusted-host", arg = "HOST",
    help = "a redirect to HOST keeps your headers; may be repeated",
  },
  {
    name = "retry", type = "integer", min = 0, max = 1000, default = 5, policy = true,
    scope = "download", flag = "--retry", arg = "N", help = "further tries without progress",
  },
  {
    name = "max_retry_after", type = "seconds", min = 0, default = "5m", scope = "download",
    flag = "--max-retry-after", arg = "TIME", help = "longest wait that a server may ask for",
  },
  {
    name = "timeout", type = "seconds", min = 0.01, scope = "download",
    flag = "--timeout", arg = "TIME", help = "longest time without a byte",
    note = "20s; 30s for the first",
  },
  {
    name = "first_byte_timeout", type = "seconds", min = 0.01, default = "30s",
    scope = "download",
  },
  { name = "stall_timeout", type = "seconds", min = 0.01, default = "20s", scope = "download" },
  {
    name = "connect_timeout", type = "seconds", min = 0.01, default = "10s", scope = "download",
    flag = "--connect-timeout", arg = "TIME", help = "longest time to connect",
  },
  {
    name = "deadline", type = "seconds", min = 0.01, scope = "download",
    flag = "--deadline", arg = "TIME", help = "longest time for a whole file", note = "none",
  },
  {
    name = "expect", type = "table", scope = "download", each = true,
    fields = {
      { name = "size", type = "bytes", min = 0 },
      { name = "content_type", type = "string" },
    },
  },
  { name = "on_progress", type = "function", scope = "download" },
  { name = "on_retry", type = "function", scope = "download" },
  { name = "on_done", type = "function", scope = "download" },
  { name = "loops", type = "integer", min = 1, max = 64, scope = "session" },
  {
    name = "cookies", type = "boolean", default = false, scope = "session",
    help = "keep the cookies that servers set, and send them with later requests",
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
    name = "version", type = "boolean", default = false, scope = "command",
    flag = "--version", help = "print the version",
  },
  {
    name = "help", type = "boolean", default = false, scope = "command",
    flag = "-h --help", help = "print this help",
  },
}
