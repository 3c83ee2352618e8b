--- Options of other download tools, and what luadl calls the same thing.
-- SPDX-License-Identifier: MIT

local foreign = {}

local AGENT = "use -A (--user-agent)"
local CONNECTIONS = "use -n N (--connections)"
local DEADLINE = "use --deadline TIME"
local FAILS = "leave it out, luadl fails on HTTP errors"
local FOLLOWED = "leave it out, luadl follows redirects (--max-redirects N says how many)"
local GLOBS = "leave it out, luadl takes URLs as they are unless you say --glob"
local KEEP = "use --exists skip"
local LOG_IN = "use -u NAME:PASSWORD (--user)"
local PIECES = "use --min-split SIZE"
local PROXY = "use -x URL (--proxy)"
local NO_BAR = "use --progress none"
local SHOWN = "leave it out, luadl shows its progress on a terminal"
local RESUME = "leave it out, luadl continues by itself (--no-resume begins anew)"
local TRIES = "use --retry N"
local CERT = "use --cert FILE"
local DATA = "use --data TEXT, or --data @FILE"
local KEY = "use --key FILE"
local PROXY_USER = "use -x http://NAME:PASSWORD@HOST:PORT (--proxy)"
local SOCKS = "use -x socks5://HOST:PORT (--proxy), or socks4, socks5h"
local TLS = "use --tls-min VERSION"

local ADVICE = {
  ["-#"] = SHOWN,
  ["-C"] = RESUME,
  ["-I"] = "use --info",
  ["-L"] = FOLLOWED,
  ["-O"] = "leave it out, files keep their names (-o FILE gives another one)",
  ["-P"] = "use -d DIR (--dir)",
  ["-S"] = "use --info",
  ["-T"] = "use --timeout TIME",
  ["-U"] = AGENT,
  ["-J"] = "leave it out, the server's name for the file counts",
  ["-R"] = "leave it out, files keep the server's time",
  ["-Z"] = "leave it out, luadl downloads several files at once (-j N, --jobs)",
  ["-a"] = SHOWN,
  ["-b"] = "use -H 'Cookie: ...' (--header), or --load-cookies FILE",
  ["-c"] = RESUME,
  ["-e"] = "use -H 'Referer: ...' (--header)",
  ["-f"] = FAILS,
  ["-l"] = FOLLOWED,
  ["-m"] = "use --deadline TIME, or --retry N",
  ["-t"] = TRIES,
  ["--all-proxy"] = PROXY,
  ["--allow-overwrite"] = "use --exists replace",
  ["--auto-file-renaming"] = "use --exists rename",
  ["--ca-certificate"] = "use --cacert FILE",
  ["--compressed"] = "luadl saves files as they are sent",
  ["--check-certificate"] = "use -k (--insecure)",
  ["--connect-time"] = "use --connect-timeout TIME",
  ["--continue"] = RESUME,
  ["--continue-at"] = RESUME,
  ["--cookie"] = "use -H 'Cookie: ...' (--header), or --load-cookies FILE",
  ["--create-dirs"] = "use -d DIR (--dir), which makes the folder",
  ["--directory-prefix"] = "use -d DIR (--dir)",
  ["--download-result"] = "use --report FILE",
  ["--download-archive"] = "use --archive FILE",
  ["--dry-run"] = "use --info",
  ["--fail-early"] = "use --fail-fast",
  ["--fail"] = FAILS,
  ["--head"] = "use --info",
  ["--http-password"] = LOG_IN,
  ["--http-passwd"] = LOG_IN,
  ["--http-proxy"] = PROXY,
  ["--http-user"] = LOG_IN,
  ["--https-proxy"] = PROXY,
  ["--joblog"] = "use --journal FILE",
  ["--location"] = FOLLOWED,
  ["--max-concurrent-downloads"] = "use -j N (--jobs)",
  ["--max-connection-per-server"] = CONNECTIONS,
  ["--max-download-limit"] = "use --file-limit-rate RATE",
  ["--max-filesize"] = "use --max-size SIZE",
  ["--max-overall-download-limit"] = "use --limit-rate RATE",
  ["--max-redir"] = "use --max-redirects N",
  ["--max-redirect"] = "use --max-redirects N",
  ["--max-redirs"] = "use --max-redirects N",
  ["--max-threads"] = "use -j N (--jobs)",
  ["--max-speed"] = "use --limit-rate RATE",
  ["--max-time"] = DEADLINE,
  ["--max-tries"] = TRIES,
  ["--min-split-size"] = PIECES,
  ["--no-check-certificate"] = "use -k (--insecure)",
  ["--no-clobber"] = KEEP,
  ["--no-progress-meter"] = NO_BAR,
  ["--no-verbose"] = NO_BAR,
  ["--num-connections"] = CONNECTIONS,
  ["--out"] = "use -o FILE (--output)",
  ["--output-dir"] = "use -d DIR (--dir)",
  ["--output-document"] = "use -o FILE (--output)",
  ["--parallel"] = "leave it out, luadl downloads several files at once (-j N, --jobs)",
  ["--parallel-max-host"] = "use --per-host N",
  ["--parallel-max"] = "use -j N (--jobs)",
  ["--password"] = LOG_IN,
  ["--progress-bar"] = "use --progress bar",
  ["--referer"] = "use -H 'Referer: ...' (--header)",
  ["--remote-header-name"] = "leave it out, the server's name for the file counts",
  ["--remote-name"] = "leave it out, files keep their names",
  ["--save-session"] = "use --journal FILE",
  ["--server-response"] = "use --info",
  ["--silent"] = "use -q (--quiet)",
  ["--show-console-readout"] = "use --progress bar, or none",
  ["--show-progress"] = "use --progress bar",
  ["--summary-interval"] = "use --progress line",
  ["--show-error"] = "leave it out, luadl shows errors",
  ["--spider"] = "use --info",
  ["--split"] = CONNECTIONS,
  ["--tries"] = TRIES,
  ["--useragent"] = AGENT,
  ["--all-proxy-user"] = PROXY_USER,
  ["--basic"] = "leave it out, it is the default (--auth)",
  ["--bind-address"] = "use --interface NAME",
  ["--body-data"] = DATA,
  ["--body-file"] = "use --data @FILE",
  ["--ca-directory"] = "use --capath DIR",
  ["--certificate"] = CERT,
  ["--conditional-get"] = "use --conditional",
  ["--connect-to"] = "use --resolve HOST:PORT:ADDRESS",
  ["--cookie-jar"] = "use --save-cookies FILE",
  ["--data-ascii"] = DATA,
  ["--data-binary"] = DATA,
  ["--data-raw"] = DATA,
  ["--digest"] = "use --auth digest",
  ["--disable-ipv6"] = "use -4 (--ipv4)",
  ["--doh-url"] = "use --doh URL",
  ["--etag-compare"] = "use --conditional",
  ["--etag-save"] = "leave it out, --archive FILE keeps ETags",
  ["--globoff"] = GLOBS,
  ["--http-proxy-user"] = PROXY_USER,
  ["--http1.1"] = "use --http 1.1",
  ["--http2"] = "use --http 2",
  ["--https-proxy-user"] = PROXY_USER,
  ["--inet4-only"] = "use -4 (--ipv4)",
  ["--inet6-only"] = "use -6 (--ipv6)",
  ["--method"] = "use -X METHOD (--request)",
  ["--min-tls-version"] = TLS,
  ["--netrc-optional"] = "use --netrc",
  ["--netrc-path"] = "use --netrc-file FILE",
  ["--no-netrc"] = "leave it out, luadl reads none unless told so (--netrc)",
  ["--noproxy"] = "use --no-proxy HOSTS",
  ["--oauth2-bearer"] = "use --bearer TOKEN",
  ["--parameterized-uri"] = "use --glob",
  ["--pass"] = "use --key-password @FILE",
  ["--pinnedpubkey"] = "use --pinned-key KEY",
  ["--post-data"] = DATA,
  ["--post-file"] = "use --data @FILE",
  ["--private-key"] = KEY,
  ["--proxy-digest"] = "use --proxy-auth digest",
  ["--proxy-user"] = PROXY_USER,
  ["--secure-protocol"] = TLS,
  ["--socks4"] = SOCKS,
  ["--socks5"] = SOCKS,
  ["--socks5-hostname"] = SOCKS,
  ["--time-cond"] = "use --conditional",
  ["--timestamping"] = "use -N (--timestamps)",
  ["--tlsv1.2"] = TLS,
  ["--tlsv1.3"] = TLS,
  ["-E"] = CERT,
  ["-g"] = GLOBS,
  ["-z"] = "use --conditional",
}

-- "-k1M" is aria2's smallest piece; to us -k takes no argument and the rest is a riddle.
local function glued(word, argv)
  if not word:match("^%-[%d.]$") then return nil end
  for _, typed in ipairs(argv) do
    local size = typed:match("^%-k(%d.*)$")
    if size then return "-k" .. size, ("use --min-split %s"):format(size) end
  end
  return nil
end

--- What to write instead of an option that luadl doesn't have.
---@param word string as the parser met it, such as "-s" of "-s16"
---@param argv string[] the whole command line
---@return string|nil word as the user typed it
---@return string|nil advice
function foreign.advice(word, argv)
  local typed, advice = glued(word, argv)
  if typed then return typed, advice end
  if not ADVICE[word] then return nil end
  return word, ADVICE[word]
end

--- What someone meant who left a bare number among the URLs, the argument of such an option, or
--- a word for the help.
---@param word string
---@return string|nil advice
function foreign.bare(word)
  if word == "help" then return "use --help" end
  if word:match("^%d+$") then return ("use -n %s for connections"):format(word) end
  if word:match("^%d+[KMGkmg]i?[Bb]?$") then
    return ("use --min-split %s for pieces"):format(word)
  end
  return nil
end

return foreign
