--- Every option of luadl, once: name, type, default, help, and the flag that the command gives it.
-- SPDX-License-Identifier: MIT
--
-- Fields of an entry:
--   name      the word in Lua, in snake_case
--   type      a reader of luadl.options.types; `min`, `max`, `values`, `fields` belong to it
--   scope     "session", "download", "fetch", "batch" or "command"; a session takes a download's
--             options as defaults, unless `each` says that every download has its own; the command
--             takes a batch's
--   host      true when a host's table may have it, though it isn't a download's
--   fetch     true when it is an option of fetch, too; a value: its own default there
--   default   as a caller could write it
--   policy    true when a function may stand in the value's place
--   switch    true when true and false may; `off` is the command's flag for false, and its help
--   check     one of luadl.options.checks
--   file      the command takes @FILE and @- (standard input) for it, too: its "bytes", its "text"
--             without the last line's end, or its "lines"
--   joined    what stands between the values, where the command takes several for one
--   paired    true when the command takes one for each URL
--   secret    true when the command line has no business with it: it is overwritten there
--   flag      "-s --long" of the command; `arg` names its argument, `help` says what it does,
--             `note` replaces the default in the help; `choices` are flags for further values

local checks = require("luadl.options.checks")

return {
  { name = "url", type = "string", scope = "download", fetch = true, each = true },
  { name = "context", type = "context", scope = "download", fetch = true, each = true },
  {
    name = "output", type = "path", scope = "download", each = true, paired = true,
    flag = "-o --output", arg = "FILE",
    help = "write to FILE (below DIR, when -d is given); one for each URL may be given",
  },
  {
    name = "ahead", type = "bytes", min = 1, default = "64M", scope = "download",
    flag = "--ahead", arg = "SIZE", help = "with -o -, keep at most SIZE for the reader",
  },
  {
    name = "dir", type = "path", scope = "download", default = ".",
    flag = "-d --dir", arg = "DIR", help = "put the files into DIR", note = "here",
  },
  {
    name = "template", type = "path", check = checks.template, scope = "download",
  },
  { name = "position", type = "integer", min = 1, scope = "download", each = true },
  { name = "make_dirs", type = "boolean", default = false, scope = "download" },
  {
    name = "category", type = "list", check = checks.category, scope = "download",
    flag = "--category", arg = "RULE",
    help = "folders: video=*.mp4,video/*,@*.example.org; may be repeated",
  },
  {
    name = "conditional", type = "boolean", default = false, scope = "download",
    flag = "--conditional", help = "download only what the server says has changed",
  },
  {
    name = "timestamps", type = "boolean", default = false, scope = "download",
    flag = "-N --timestamps", help = "download only what is newer there, or of another size",
  },
  { name = "known_etag", type = "string", scope = "download", each = true },
  {
    name = "exists", type = "enum", values = { "fail", "rename", "replace", "skip" }, policy = true,
    scope = "download", flag = "--exists", arg = "WHAT",
    help = "when the file exists: fail, rename, replace or skip", note = "rename; fail with -o",
  },
  {
    name = "resume", type = "path", switch = true, check = checks.part, default = true,
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
  {
    name = "renew", type = "string", policy = true, scope = "download",
    flag = "--renew", arg = "URL", help = "when the link has run out, go on from URL",
  },
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
  { name = "verify", type = "string", policy = true, check = checks.checksum, scope = "download" },
  { name = "labels", type = "labels", scope = "download", each = true },
  { name = "policies", type = "policies", scope = "session" },
  {
    name = "checksum", type = "string", check = checks.checksum, scope = "download", each = true,
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
    name = "jobs", type = "integer", min = 1, max = 256, default = 4, scope = "batch",
    flag = "-j --jobs", arg = "N", help = "files at once",
  },
  {
    name = "per_host", type = "integer", min = 1, max = 256, scope = "batch",
    flag = "--per-host", arg = "N", help = "files at once from one host", note = "no limit",
  },
  {
    name = "fail_fast", type = "boolean", default = false, scope = "batch",
    flag = "--fail-fast", help = "end all when one file fails",
    off = { flag = "--keep-going", help = "go on with the others then; the default" },
  },
  {
    name = "archive", type = "path", scope = "batch", flag = "--archive", arg = "FILE",
    help = "skip what FILE says was finished before; add to it what is now",
  },
  {
    name = "journal", type = "path", scope = "batch", flag = "--journal", arg = "FILE",
    help = "note in FILE how far the list is; the same command goes on there",
  },
  {
    name = "shard", type = "string", check = checks.shard, scope = "batch",
    flag = "--shard", arg = "I/N", help = "only the I-th of N parts of the list",
  },
  { name = "on_item", type = "function", scope = "batch" },
  {
    name = "rate", type = "pace", scope = "session", flag = "--rate", arg = "N/TIME",
    help = "begin so many files in a time, like 30/min", note = "no limit",
  },
  {
    name = "limit_rate", type = "rate", scope = "session", flag = "--limit-rate", arg = "RATE",
    help = "bytes per second of all together, like 2M, or by the time: '09:00-18:00=2M,10M'",
    note = "no limit",
  },
  {
    name = "host_limit_rate", type = "rate", scope = "session", host = true,
    flag = "--host-limit-rate", arg = "RATE", help = "the same of each host", note = "no limit",
  },
  {
    name = "file_limit_rate", type = "rate", scope = "download", fetch = true,
    flag = "--file-limit-rate", arg = "RATE", help = "the same of each file", note = "no limit",
  },
  {
    name = "input_file", type = "list", scope = "command",
    flag = "-i --input-file", arg = "FILE",
    help = "read URLs from FILE, or from standard input (-); may be repeated",
  },
  {
    name = "trust_list", type = "boolean", default = false, scope = "command",
    flag = "--trust-list", help = "let a list name any file, replace files, and skip TLS checks",
  },
  {
    name = "glob", type = "boolean", default = false, scope = "command",
    flag = "--glob", help = "{a,b} and [001-100] in URLs stand for several; #1 in -o for the first",
  },
  {
    name = "curl", type = "texts", scope = "command", secret = true,
    flag = "--curl", arg = "COMMAND", help = "do what this 'curl ...' would; may be repeated",
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
    name = "method", type = "string", check = checks.method, scope = "download", fetch = true,
    each = true, flag = "-X --request", arg = "METHOD",
    help = "ask with this method; what it brings is no file to split or to continue", note = "GET",
  },
  {
    name = "body", type = "data", scope = "download", fetch = true, each = true,
    file = "bytes", joined = "&", secret = true, flag = "--data", arg = "TEXT",
    help = "send this, as a form where no Content-Type says otherwise; @FILE and @- bring it;"
      .. " several are joined by '&'",
  },
  {
    name = "headers", type = "headers", scope = "download", fetch = true,
    file = "lines", secret = true, flag = "-H --header", arg = "LINE",
    help = "send 'Name: value'; may be repeated; @FILE has several",
  },
  {
    name = "host_headers", type = "host_headers", scope = "download", fetch = true,
    file = "lines", secret = true, flag = "--host-header", arg = "LINE",
    help = "'HOST Name: value': send it to HOST, or below *.HOST, whichever URL leads there",
  },
  {
    name = "user_agent", type = "string", scope = "download", fetch = true,
    flag = "-A --user-agent", arg = "TEXT", help = "name yourself to the server",
    note = "luadl/VERSION",
  },
  {
    name = "user", type = "string", check = checks.user, scope = "download", fetch = true,
    file = "text", secret = true, flag = "-u --user", arg = "NAME:PASSWORD",
    help = "log in; kept from other hosts on redirects; @FILE has it",
  },
  {
    name = "auth", type = "enum", values = { "basic", "digest" }, default = "basic",
    scope = "download", fetch = true,
    flag = "--auth", arg = "HOW", help = "log in with basic or digest authentication",
  },
  {
    name = "bearer", type = "string", check = checks.bearer, scope = "download", fetch = true,
    file = "text", secret = true, flag = "--bearer", arg = "TOKEN",
    help = "log in with a token; @FILE has it",
  },
  {
    name = "netrc", type = "boolean", default = false, scope = "download", fetch = true,
    flag = "--netrc", help = "log in as ~/.netrc says, which nobody else may read",
  },
  {
    name = "netrc_file", type = "path", scope = "download", fetch = true,
    flag = "--netrc-file", arg = "FILE", help = "the same with another file",
  },
  {
    name = "proxy", type = "string", check = checks.proxy, scope = "download", fetch = true,
    flag = "-x --proxy", arg = "URL", help = "use this proxy: http, https, socks4, 4a, 5, 5h",
  },
  {
    name = "proxy_auth", type = "enum", values = { "basic", "digest" }, default = "basic",
    scope = "download", fetch = true,
    flag = "--proxy-auth", arg = "HOW", help = "log in to the proxy with basic or digest",
  },
  {
    name = "no_proxy", type = "string", check = checks.hosts, scope = "download", fetch = true,
    flag = "--no-proxy", arg = "HOSTS", help = "ask these hosts directly: a.org,b.org; * for all",
    note = "what $no_proxy says",
  },
  {
    name = "addresses", type = "list", check = checks.addresses, scope = "download", fetch = true,
    flag = "--resolve", arg = "HOST:PORT:ADDRESS",
    help = "ask HOST at this address; * is any host; may be repeated",
  },
  {
    name = "doh", type = "string", check = checks.doh, scope = "download", fetch = true,
    flag = "--doh", arg = "URL", help = "ask this server for addresses, over https",
  },
  {
    name = "interface", type = "string", scope = "download", fetch = true,
    flag = "--interface", arg = "NAME", help = "send from this interface, or from this address",
  },
  {
    name = "ip", type = "integer", min = 4, max = 6, check = checks.ip, scope = "download",
    fetch = true,
    choices = {
      { flag = "-4 --ipv4", value = 4, help = "connect over IPv4 alone" },
      { flag = "-6 --ipv6", value = 6, help = "connect over IPv6 alone" },
    },
  },
  {
    name = "http", type = "enum", values = { "1.1", "2" }, default = "1.1",
    scope = "download", fetch = true, flag = "--http", arg = "VERSION",
    help = "2: many small files share a connection; ranges have their own as ever",
  },
  {
    name = "insecure", type = "boolean", default = false, scope = "download", fetch = true,
    flag = "-k --insecure", help = "verify neither TLS certificates nor SSH host keys",
  },
  {
    name = "cacert", type = "path", scope = "download", fetch = true,
    flag = "--cacert", arg = "FILE", help = "trust the certificates in FILE, and no others",
  },
  {
    name = "capath", type = "path", scope = "download", fetch = true,
    flag = "--capath", arg = "DIR", help = "trust the certificates in DIR, and no others",
  },
  {
    name = "cert", type = "path", scope = "download", fetch = true,
    flag = "--cert", arg = "FILE", help = "show this client certificate (PEM, or .p12)",
  },
  {
    name = "key", type = "path", scope = "download", fetch = true,
    flag = "--key", arg = "FILE", help = "its key, when it is in another file; the one for sftp",
  },
  {
    name = "key_password", type = "string", scope = "download", fetch = true,
    file = "text", secret = true, flag = "--key-password", arg = "TEXT",
    help = "the password of the key; @FILE has it",
  },
  {
    name = "known_hosts", type = "path", scope = "download",
    flag = "--known-hosts", arg = "FILE", help = "sftp: trust the hosts whose keys FILE has",
    note = "~/.ssh/known_hosts",
  },
  {
    name = "pinned_key", type = "string", check = checks.pins, scope = "download", fetch = true,
    flag = "--pinned-key", arg = "KEY",
    help = "the servers have this public key: sha256//BASE64, or a file",
  },
  {
    name = "tls_min", type = "enum", values = { "1.2", "1.3" }, default = "1.2",
    scope = "download", fetch = true, flag = "--tls-min", arg = "VERSION",
    help = "the least version of TLS",
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
  { name = "filter", type = "any", check = checks.filter, scope = "download", each = true },
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
  { name = "host", type = "hosts", scope = "session" },
  { name = "loops", type = "integer", min = 1, max = 64, scope = "session" },
  {
    name = "cookies", type = "boolean", default = false, scope = "session", flag = "--cookies",
    help = "keep the cookies that servers set, and send them with later requests",
  },
  {
    name = "load_cookies", type = "path", scope = "session", flag = "--load-cookies", arg = "FILE",
    help = "begin with the cookies of FILE (Netscape's cookies.txt)",
  },
  {
    name = "save_cookies", type = "path", scope = "session", flag = "--save-cookies", arg = "FILE",
    help = "write them to FILE at the end; nobody else may read it",
  },
  {
    name = "scripts", type = "list", check = checks.scripts, scope = "command",
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
    name = "progress", type = "enum", values = { "bar", "line", "chunks", "json", "none" },
    scope = "command", flag = "--progress", arg = "WHAT",
    help = "show how far files are: bar, line, chunks, json (on standard error) or none",
    note = "bar on a terminal",
  },
  {
    name = "write_out", type = "data", check = checks.write_out, file = "text", scope = "command",
    flag = "-w --write-out", arg = "FORMAT",
    help = "print FORMAT for each file, like '%{http_code} %{filename_effective}\\n'",
  },
  {
    name = "report", type = "path", check = checks.report, scope = "command",
    flag = "--report", arg = "FILE", help = "write a row for each file to FILE.json or FILE.csv",
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
    name = "config", type = "path", switch = true, scope = "command",
    flag = "--config", arg = "FILE", help = "read FILE in the place of the usual configuration",
    note = "~/.config/luadl/config.lua",
    off = { flag = "--no-config", help = "read no configuration" },
  },
  {
    name = "version", type = "boolean", default = false, scope = "command",
    flag = "--version", help = "print the version",
  },
  {
    name = "help", type = "boolean", default = false, scope = "command",
    flag = "-h --help", help = "print this help",
  },
  { name = "json", type = "any", scope = "fetch" },
  { name = "form", type = "any", check = checks.fields, scope = "fetch" },
  { name = "query", type = "any", check = checks.fields, scope = "fetch" },
  { name = "cache", type = "any", check = checks.cache, scope = "fetch" },
  { name = "check", type = "boolean", default = false, scope = "fetch" },
}
