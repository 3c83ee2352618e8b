--- Options of other download tools, and what luadl calls the same thing.
-- SPDX-License-Identifier: MIT

local foreign = {}

local AGENT = "use -A (--user-agent)"
local CONNECTIONS = "use -n N (--connections)"
local DEADLINE = "use --deadline TIME"
local FAILS = "leave it out, luadl fails on HTTP errors"
local FOLLOWED = "leave it out, luadl follows redirects (--max-redirects N says how many)"
local KEEP = "use --exists skip"
local INPUT = "luadl doesn't read lists yet; name the URLs"
local LIMIT = "luadl can't limit its rate yet"
local LOG_IN = "use -u NAME:PASSWORD (--user)"
local PIECES = "use --min-split SIZE"
local PROXY = "use -x URL (--proxy)"
local SHOWN = "leave it out, luadl shows its progress on a terminal"
local RESUME = "leave it out, luadl continues by itself (--no-resume begins anew)"
local TRIES = "use --retry N"

local ADVICE = {
  ["-#"] = SHOWN,
  ["-C"] = RESUME,
  ["-I"] = "use --info",
  ["-L"] = FOLLOWED,
  ["-N"] = CONNECTIONS,
  ["-O"] = "leave it out, files keep their names (-o FILE gives another one)",
  ["-P"] = "use -d DIR (--dir)",
  ["-S"] = "use --info",
  ["-T"] = "use --timeout TIME",
  ["-U"] = AGENT,
  ["-J"] = "leave it out, the server's name for the file counts",
  ["-R"] = "leave it out, files keep the server's time",
  ["-Z"] = "leave it out, luadl downloads several files at once (-j N, --jobs)",
  ["-a"] = SHOWN,
  ["-b"] = "use -H 'Cookie: ...' (--header)",
  ["-c"] = RESUME,
  ["-e"] = "use -H 'Referer: ...' (--header)",
  ["-f"] = FAILS,
  ["-i"] = INPUT,
  ["-l"] = FOLLOWED,
  ["-m"] = "use --deadline TIME, or --retry N",
  ["-t"] = TRIES,
  ["-w"] = TRIES,
  ["--all-proxy"] = PROXY,
  ["--allow-overwrite"] = "use --exists replace",
  ["--auto-file-renaming"] = "use --exists rename",
  ["--ca-certificate"] = "use --cacert FILE",
  ["--compressed"] = "luadl saves files as they are sent",
  ["--check-certificate"] = "use -k (--insecure)",
  ["--connect-time"] = "use --connect-timeout TIME",
  ["--continue"] = RESUME,
  ["--continue-at"] = RESUME,
  ["--cookie"] = "use -H 'Cookie: ...' (--header)",
  ["--create-dirs"] = "use -d DIR (--dir), which makes the folder",
  ["--directory-prefix"] = "use -d DIR (--dir)",
  ["--dry-run"] = "use --info",
  ["--fail"] = FAILS,
  ["--head"] = "use --info",
  ["--http-password"] = LOG_IN,
  ["--http-passwd"] = LOG_IN,
  ["--http-proxy"] = PROXY,
  ["--http-user"] = LOG_IN,
  ["--https-proxy"] = PROXY,
  ["--input-file"] = INPUT,
  ["--limit-rate"] = LIMIT,
  ["--location"] = FOLLOWED,
  ["--max-concurrent-downloads"] = "use -j N (--jobs)",
  ["--max-connection-per-server"] = CONNECTIONS,
  ["--max-download-limit"] = LIMIT,
  ["--max-filesize"] = "use --max-size SIZE",
  ["--max-overall-download-limit"] = LIMIT,
  ["--max-redir"] = "use --max-redirects N",
  ["--max-redirect"] = "use --max-redirects N",
  ["--max-redirs"] = "use --max-redirects N",
  ["--max-speed"] = LIMIT,
  ["--max-time"] = DEADLINE,
  ["--max-tries"] = TRIES,
  ["--min-split-size"] = PIECES,
  ["--no-check-certificate"] = "use -k (--insecure)",
  ["--no-clobber"] = KEEP,
  ["--num-connections"] = CONNECTIONS,
  ["--out"] = "use -o FILE (--output)",
  ["--output-dir"] = "use -d DIR (--dir)",
  ["--output-document"] = "use -o FILE (--output)",
  ["--parallel"] = "leave it out, luadl downloads several files at once (-j N, --jobs)",
  ["--parallel-max"] = "use -j N (--jobs)",
  ["--password"] = LOG_IN,
  ["--referer"] = "use -H 'Referer: ...' (--header)",
  ["--remote-header-name"] = "leave it out, the server's name for the file counts",
  ["--remote-name"] = "leave it out, files keep their names",
  ["--server-response"] = "use --info",
  ["--silent"] = "use -q (--quiet)",
  ["--show-error"] = "leave it out, luadl shows errors",
  ["--spider"] = "use --info",
  ["--split"] = CONNECTIONS,
  ["--tries"] = TRIES,
  ["--useragent"] = AGENT,
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

--- What someone meant who left a bare number among the URLs: the argument of such an option.
---@param word string
---@return string|nil advice
function foreign.bare(word)
  if word:match("^%d+$") then return ("use -n %s for connections"):format(word) end
  if word:match("^%d+[KMGkmg]i?[Bb]?$") then
    return ("use --min-split %s for pieces"):format(word)
  end
  return nil
end

return foreign
