--- What helps against a failure: a few words for the end of its line.
-- SPDX-License-Identifier: MIT

local advice = {}

local CHECK_URL = "check the URL"
local MORE_TRIES = "--retry N tries more often"

local BY_STATUS = {
  [401] = "log in with -u NAME:PASSWORD, perhaps with --auth digest",
  [404] = CHECK_URL,
  [407] = "log in to the proxy with -x http://NAME:PASSWORD@HOST:PORT",
  [410] = "it is gone for good",
  [416] = "the file may have changed: --restart begins anew",
}

local BY_KIND = {
  bad_url = CHECK_URL,
  connect = "is the server up, and are host and port right?",
  deadline = "--deadline TIME allows more",
  dns = "is the host's name right, and is there a network?",
  journal_corrupt = "--restart begins anew, --adopt checks and keeps it",
  local_changed = "--restart begins anew",
  not_found = CHECK_URL,
  locked = "wait for the other one, or choose another name",
  no_space = "make room, or use -d DIR on another disk",
  permission = "use -d DIR to write elsewhere",
  quota = "make room, or use -d DIR elsewhere",
  read_only = "use -d DIR to write elsewhere",
  remote_changed = "--restart begins anew",
  redirect_limit = "--max-redirects N follows more",
  stalled = "--timeout TIME waits longer",
  timeout = "--timeout TIME waits longer",
  tls_verify = "trust its issuer with --cacert FILE, or do without the check with -k",
  too_large = "--max-size SIZE allows more",
}

local BY_ERRNO = {
  [2] = "-d DIR makes its folder",
  [17] = "choose with --exists rename, replace or skip",
  [21] = "name a file in it with -o, or use -d DIR",
}

local INTERFACE = "is what --interface names there, and up?"

local BY_MESSAGE = {
  { "", "^cannot write to standard", "is there room where it goes, and is it open?" },
  { "", "^cannot write /dev/null", "-o - >/dev/null throws it away" },
  { "^bad_url$", "^not a usable proxy", "see -x, or the environment's http_proxy and all_proxy" },
  { "^remote_changed$", "^expected .* the server", "the server has another file than was meant" },
  { "^auth$", "^the proxy", "log in to it with -x SCHEME://NAME:PASSWORD@HOST:PORT" },
  { "^tls_verify$", "^%S+ shows a host key", "connect once with ssh, or name --known-hosts FILE" },
  { "^tls_verify$", "^%S+ shows another", "ask whose it is before you trust it" },
  { "^permission$", "^cannot read it", "who may read it?" },
  { "^not_found$", "^cannot continue.* is there$", "it seems to be complete" },
  { "^not_found$", "^cannot continue", "is its path right? Without --resume a URL begins anew" },
  { "^exists$", "belongs to another URL", "--resume PART URL continues it, --restart drops it" },
  { "^exists$", "of an earlier run", "--restart drops it" },
  { "^bad_name$", "^cannot write the report.*No such file", "make its folder first" },
  { "^local_changed$", "nothing of it is known", "--exists replace, without --adopt, begins anew" },
  { "^local_changed$", "adopt", "--exists replace begins anew, --restart where it is a .part" },
  { "^too_large$", "^cannot", "the disk or `ulimit -f` forbids it; -d DIR writes elsewhere" },
  { "^connect$", "^nothing of it came", CHECK_URL },
  { "^tls_verify", "subject name",
    "another server answers, or the host has another name in its certificate" },
  { "^tls_verify", "certificate has expired", "is this machine's clock right?" },
  { "^tls_verify", "certificate is not yet valid", "is this machine's clock right?" },
  { "^tls_verify", "SSL level", "the server would send the file in the clear" },
  { "^tls_verify", "^no TLS", "--pinned-key wants a URL of https" },
  { "^tls_verify", "pinned public key",
    "another server answers, or --pinned-key is out of date or no file of a public key" },
  { "^%a+$", "^Couldn't bind to", INTERFACE },
  { "^%a+$", "^bind failed", INTERFACE },
  { "^tls_verify", "client certificate", "can the file of --cert be read?" },
  { "^tls_verify", "private key", "does --key belong to --cert, and is --key-password right?" },
  { "^tls", "setting certificate", "can the file of --cacert be read?" },
  { "^redirect_forbidden$", "^what is sent", "--trusted-host HOST takes it there" },
  { "^redirect_forbidden$", "https.*to http", "--allow-downgrade follows it" },
  { "^tls$", "wrong version number", "does this port speak plain http?" },
  { "^timeout$", "^no connection", "--connect-timeout TIME waits longer" },
  { "^timeout$", "^Failed to connect", "--connect-timeout TIME waits longer" },
}

local function of_message(err)
  for _, known in ipairs(BY_MESSAGE) do
    if err.kind:find(known[1]) and err.message:find(known[2]) then return known[3] end
  end
  return nil
end

local ABOUT_FILES = { exists = true, bad_name = true }

-- A file that is complete and can't have its name stays under the other one.
local function of_files(err)
  if err.message:find("^cannot publish") and err.kind ~= "local_changed" then
    return "the complete file is kept beside it as .part"
  end
  return ABOUT_FILES[err.kind] and err.message:find("^cannot write") and BY_ERRNO[err.errno]
end

local LOG_IN = "log in with -u NAME:PASSWORD, over sftp also with --key FILE"

local function at_last(err)
  if err.kind == "auth" and not err.status then return LOG_IN end
  return err.status and err.status >= 500 and err.status <= 599 and MORE_TRIES or nil
end

-- Statuses of a link that has run out.
local OLD_LINK = { [400] = true, [403] = true, [410] = true }
local SIGNATURES = { "signature=", "[?&]sig=", "[?&]expires=", "[?&]token=", "[?&]hmac=" }

local function is_signed(url)
  url = (url or ""):lower()
  for _, pattern in ipairs(SIGNATURES) do
    if url:find(pattern) then return true end
  end
  return false
end

local function of_link(err)
  if not OLD_LINK[err.status] then return nil end
  if err.message:find("after a redirect", 1, true) then
    return "the link may have expired: start again from the page, or give --renew URL"
  end
  if not is_signed(err.url) then return nil end
  return "a signed link, which may have expired: take a fresh one from its page"
end

local EXPIRED = { [400] = true, [403] = true, [404] = true, [410] = true }
local NOT_AS_IT_IS = { remote_changed = true, local_changed = true, journal_corrupt = true }

-- What came is kept: how it goes on.
local function of_part(err)
  if not err.resumable or NOT_AS_IT_IS[err.kind] then return nil end
  if err.kind == "checksum" then return "--restart fetches it anew" end -- all of it is there
  if EXPIRED[err.status] and err.path then
    return ("--resume '%s.part' URL continues it from another one"):format(err.path)
  end
  return "the same command again continues it"
end

-- curl expands it, luadl when it is told to.
local function of_pattern(err)
  local is_one = (err.url or ""):find("{[^}]*,[^}]*}") or (err.url or ""):find("%[%w+%-%w+")
  return err.status == 404 and is_one and "is that a pattern? --glob expands it" or nil
end

local function of_failure(err)
  if err.kind == "rate_limited" and err.retry_at then
    return os.date("it asks to come back at %Y-%m-%d %H:%M:%S", math.floor(err.retry_at))
  end
  return of_message(err) or of_files(err) or of_link(err) or of_pattern(err)
    or BY_STATUS[err.status] or BY_KIND[err.kind] or at_last(err)
end

--- What may help, or nil.
---@param err any
---@return string|nil
function advice.on(err)
  if type(err) ~= "table" or not err.kind then return nil end
  local help, more = of_failure(err), of_part(err)
  if help and more then return help .. "; " .. more end
  return help or more
end

return advice
