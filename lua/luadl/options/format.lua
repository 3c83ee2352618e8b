--- The format of `--write-out`: text with curl's variables, read into parts.
-- SPDX-License-Identifier: MIT

local nearest = require("luadl.options.nearest")

local format = {}

--- Curl's name for a thing, and ours (a fact of luadl.cli.outcome); `shape` prints it, `default` is
--- said where it isn't known.
---@type table<string, { fact: string, shape: string|nil, default: any }>
format.VARIABLES = {
  content_type = { fact = "content_type" },
  error_kind = { fact = "kind" },
  errormsg = { fact = "message" },
  etag = { fact = "etag" },
  exitcode = { fact = "exit_status" },
  filename_effective = { fact = "path" },
  http_code = { fact = "http_status", shape = "%03d", default = 0 },
  num_redirects = { fact = "redirects" },
  num_retries = { fact = "retries" },
  remote_ip = { fact = "address" },
  response_code = { fact = "http_status", shape = "%03d", default = 0 },
  result = { fact = "status" },
  size_download = { fact = "fetched" },
  size_resumed = { fact = "resumed" },
  speed_download = { fact = "speed" },
  time_total = { fact = "seconds", shape = "%.6f" },
  url = { fact = "url" },
  url_effective = { fact = "effective_url" },
  urlnum = { fact = "number" },
}

--- Their names, sorted.
format.NAMES = {}
for name in pairs(format.VARIABLES) do format.NAMES[#format.NAMES + 1] = name end
table.sort(format.NAMES)

-- What curl has beside these; none of it is kept.
local TIMES = "times of single steps are not kept, --why prints them"
local HEADERS = "headers are not kept, --info prints what the server says"
local REFUSED = {
  time_appconnect = TIMES, time_connect = TIMES, time_namelookup = TIMES,
  time_pretransfer = TIMES, time_redirect = TIMES, time_starttransfer = TIMES,
  header_json = HEADERS,
}

-- They steer what follows: where it goes, and whether.
local DIRECTIVES = { stdout = true, stderr = true, onerror = true }

local ESCAPES = { n = "\n", r = "\r", t = "\t" }

local function unknown(name)
  if REFUSED[name] then return ("%%{%s}: %s"):format(name, REFUSED[name]) end
  local meant = nearest.word(name, format.NAMES)
  local help = meant and ("did you mean %%{%s}?"):format(meant)
    or "known are json, " .. table.concat(format.NAMES, ", ")
  return ("unknown variable %%{%s}: %s"):format(name, help)
end

local readers = {}

readers["\\"] = function(text, at)
  local letter = text:sub(at + 1, at + 1)
  return ESCAPES[letter] or "\\" .. letter, at + 2
end

readers["%"] = function(text, at)
  if text:sub(at + 1, at + 1) == "%" then return "%", at + 2 end
  if text:find("^header{", at + 1) then return nil, "%header{...}: " .. HEADERS end
  local name, after = text:match("^{([^}]*)}()", at + 1)
  if not name then return "%", at + 1 end
  if DIRECTIVES[name] then return { directive = name }, after end
  if name == "json" then return { json = true }, after end
  if format.VARIABLES[name] then return { variable = name }, after end
  return nil, unknown(name)
end

--- Reads a format: its parts are texts, { variable = name }, { json = true } for all of them, and
--- { directive = "stdout" | "stderr" | "onerror" }.
---@param text string
---@return table|nil parts
---@return string|nil message what is wrong with it
function format.read(text)
  local parts, at = {}, 1
  while at <= #text do
    local part, after = text:match("^([^%%\\]+)()", at)
    if not part then part, after = readers[text:sub(at, at)](text, at) end
    if not part then return nil, after end
    parts[#parts + 1], at = part, after
  end
  return parts
end

--- A variable as text.
---@param name string
---@param facts table
---@return string
function format.show(name, facts)
  local variable = format.VARIABLES[name]
  local value = facts[variable.fact]
  if value == nil then value = variable.default end
  if value == nil then return "" end
  return variable.shape and variable.shape:format(value) or tostring(value)
end

return format
