--- Words of aria2, curl and wget that luadl takes as they are: other names of its own options, and
--- what it does anyway.
-- SPDX-License-Identifier: MIT
--
-- They are rewritten before the command line is parsed, and only where they can't mean anything
-- else; what isn't understood is left to the parser, and to luadl.cli.foreign for the advice.

local options = require("luadl.options")

local taken = {}

local ADOPT = "--adopt" -- as theirs: what is complete is done, and what is partly there goes on

local SAME = {
  ["--all-proxy"] = "--proxy",
  ["--allow-overwrite=true"] = "--exists=replace",
  ["--auto-file-renaming=false"] = "--exists=fail",
  ["--basic"] = "--auth=basic",
  ["--ca-certificate"] = "--cacert",
  ["--ca-directory"] = "--capath",
  ["--certificate"] = "--cert",
  ["--check-certificate=false"] = "--insecure",
  ["--clobber"] = "--exists=replace",
  ["--conditional-get"] = "--conditional",
  ["--continue"] = ADOPT,
  ["--cookie-jar"] = "--save-cookies",
  ["--data-binary"] = "--data",
  ["--digest"] = "--auth=digest",
  ["--directory-prefix"] = "--dir",
  ["--disable-ipv6=true"] = "--ipv4",
  ["--doh-url"] = "--doh",
  ["--fail-early"] = "--fail-fast",
  ["--http1.1"] = "--http=1.1",
  ["--http2"] = "--http=2",
  ["--inet4-only"] = "--ipv4",
  ["--inet6-only"] = "--ipv6",
  ["--max-concurrent-downloads"] = "--jobs",
  ["--max-download-limit"] = "--file-limit-rate",
  ["--max-filesize"] = "--max-size",
  ["--max-overall-download-limit"] = "--limit-rate",
  ["--max-redir"] = "--max-redirects",
  ["--max-redirect"] = "--max-redirects",
  ["--max-redirs"] = "--max-redirects",
  ["--max-time"] = "--deadline",
  ["--method"] = "--request",
  ["--min-split-size"] = "--min-split",
  ["--netrc-optional"] = "--netrc",
  ["--netrc-path"] = "--netrc-file",
  ["--no-check-certificate"] = "--insecure",
  ["--no-conf"] = "--no-config",
  ["--no-progress-meter"] = "--progress=none",
  ["--no-verbose"] = "--progress=none",
  ["--noproxy"] = "--no-proxy",
  ["--oauth2-bearer"] = "--bearer",
  ["--out"] = "--output",
  ["--output-dir"] = "--dir",
  ["--output-document"] = "--output",
  ["--parallel-max"] = "--jobs",
  ["--parallel-max-host"] = "--per-host",
  ["--parameterized-uri"] = "--glob",
  ["--pinnedpubkey"] = "--pinned-key",
  ["--private-key"] = "--key",
  ["--proxy-digest"] = "--proxy-auth=digest",
  ["--read-timeout"] = "--timeout",
  ["--silent"] = "--quiet",
  ["--skip-existing"] = "--exists=skip",
  ["--timestamping"] = "--timestamps",
  ["--tlsv1.2"] = "--tls-min=1.2",
  ["--tlsv1.3"] = "--tls-min=1.3",
  ["--trust-server-names"] = "--trust-redirect-name",
  ["-nc"] = "--exists=skip",
  ["-nv"] = "--progress=none",
}

-- What luadl does anyway.
local NEEDLESS = {}
for word in ([[
  --content-disposition --fail --force-sequential --globoff --location --parallel
  --remote-header-name --remote-name --remote-name-all --remote-time --retry-connrefused
  --show-error --url -nd -nH
]]):gmatch("%S+") do
  NEEDLESS[word] = true
end

local LETTERS = "[#JLORSZcfg]" -- the same as single letters, curl's for the most part

local own = { flags = {}, values = {} } -- the command's own words, by what may follow them

local function learn()
  for _, option in options.each() do
    for _, flag in ipairs(options.flags(option)) do
      local kind = flag.arg and own.values or own.flags
      for word in flag.flag:gmatch("%S+") do kind[word] = true end
    end
  end
end

-- Whether the next word is the value of this one.
local function awaits_value(word)
  local letter = (word or ""):match("^%-%w*(%w)$")
  return own.values[word] or (letter and own.values["-" .. letter]) or false
end

local FOR_FILES = { ["--output"] = true, ["--out"] = true, ["--remote-name"] = true }

-- Without one, curl would write to standard output: to take its -s for silence would hide that.
local function names_file(argv)
  for _, word in ipairs(argv) do
    if FOR_FILES[word:match("^[^=]*")] or word:find("^%-[%w#]*[oO]") then return true end
  end
  return false
end

local function is_needless(letters)
  return letters ~= "S" and letters:find(LETTERS) ~= nil -- alone, -S is wget's
end

local function is_last(letters, index)
  local letter = letters:sub(index)
  if #letter > 1 or letter:find(LETTERS) then return false end
  return letter == "C" or not letters:find("O", 1, true)
end

-- "-sSLo" without what is needless in it: "-qo". The last letter may be any, for the parser to
-- judge, but not behind an O: in wget's "-Ox" it is the file's name.
local function without_needless(word, silent)
  local letters = word:match("^%-([%w#]+)$")
  if not letters or not is_needless(letters) then return nil end
  local kept = ""
  for index = 1, #letters do
    local letter = letters:sub(index, index)
    if letter == "s" and silent then
      kept = kept .. "q"
    elseif own.flags["-" .. letter] or is_last(letters, index) then
      kept = kept .. letter
    elseif not letter:find(LETTERS) then
      return nil
    end
  end
  return kept ~= "" and "-" .. kept or ""
end

local function of_long(word)
  local name, value = word:match("^(%-%-[^=]+)=(.*)$")
  if not name then return NEEDLESS[word] and "" or SAME[word] end
  if name == "--url" then return value end
  if value == "true" and own.flags[name] then return name end
  if value == "true" and (NEEDLESS[name] or own.flags[SAME[name]]) then return of_long(name) end
  local same = SAME[name]
  return same and own.values[same] and same .. "=" .. value or nil
end

-- wget's "-qO -" and "-qO-".
local function to_stdout(word, following)
  local before = word:match("^%-(%w*)O%-$") or (following == "-" and word:match("^%-(%w*)O$"))
  if not before then return nil end
  local kept = without_needless("-" .. before .. "O")
  return kept and (kept == "" and "-" or kept) .. "o"
end

-- curl's "-C -".
local function is_continue(word, following)
  return word == "-C-" or word == "--continue-at=-"
    or ((word == "-C" or word == "--continue-at") and following == "-")
end

-- A script's name can't follow here.
local function is_silence(word, following)
  if word ~= "-s" then return false end
  return not following or following:find("^%-.") ~= nil or following:find("://", 1, true) ~= nil
end

local function rewrite(word, following, silent)
  if word == "--silent" and not silent then return nil end
  if SAME[word] then return SAME[word] end
  if word:find("^%-%-") then return of_long(word) end
  if silent and is_silence(word, following) then return "-q" end
  return NEEDLESS[word] and "" or without_needless(word, silent)
end

-- Appends what one word stands for; answers how many words that took. What is left out must not
-- make the word behind it the value of one before.
local function take(list, word, following, silent)
  local stdout = to_stdout(word, following)
  if stdout then
    list[#list + 1] = stdout
    list[#list + 1] = "-"
    return word:sub(-1) == "-" and 1 or 2
  end
  local meant = rewrite(word, following, silent) or word
  local count = 1
  if is_continue(meant, following) then
    count, meant = word:sub(-1) == "-" and 1 or 2, ADOPT
  elseif meant ~= word and not SAME[word] and word:find("^%-%w*c") then
    list[#list + 1] = ADOPT
  end
  if meant == "" and awaits_value(list[#list]) then meant = "--" end
  if meant ~= "" or word == "" then list[#list + 1] = meant end
  return count
end

--- The command line in luadl's own words, as far as that is plain.
---@param argv string[]
---@return string[]
function taken.rewrite(argv)
  if not next(own.flags) then learn() end
  local list, index, silent = {}, 1, names_file(argv)
  while argv[index] and argv[index] ~= "--" do
    index = index + take(list, argv[index], argv[index + 1], silent)
  end
  for rest = index, #argv do list[#list + 1] = argv[rest] end
  return list
end

return taken
