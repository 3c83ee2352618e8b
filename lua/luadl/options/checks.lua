--- What values of single options must be beyond their types.
-- SPDX-License-Identifier: MIT
--
-- A check answers nil, or what is wrong.

local category = require("luadl.category")
local checksum = require("luadl.checksum")
local format = require("luadl.options.format")
local hostname = require("luadl.hostname")
local template = require("luadl.template")

local checks = {}

function checks.proxy(value)
  if value:match("^%d+$") then
    return ("a proxy is [scheme://]host:port; for %s connections write -n %s"):format(value, value)
  end
  return nil
end

function checks.hosts(value)
  if value:find("://", 1, true) then
    return ("expected hosts like 'a.org,b.org', or '*' for all, got '%s'"):format(value)
  end
  return nil
end

function checks.part(value)
  if value:match("[^/]%.part$") or value:match("[^/]%.part%.lj$") then return nil end
  return ("'%s' is no .part: name the one to continue, or leave it out, luadl continues by itself")
    :format(value)
end

function checks.bearer(value)
  if value:find("[^\33-\126]") then return "expected a token without blanks" end
  return nil
end

local ADDRESS = "^([^:]+):(%d+):(.+)$"

local function check_address(entry)
  local host, port, address = entry:match(ADDRESS)
  port = tonumber(port)
  local good = port and port >= 1 and port <= 65535 and (host == "*" or hostname.is_name(host))
  if good and address:gsub("^%[(.*)%]$", "%1"):find("^[%x.:]+$") then return nil end
  return ("expected 'HOST:PORT:ADDRESS', like 'example.org:443:127.0.0.1', got '%s'"):format(entry)
end

function checks.addresses(list)
  for _, entry in ipairs(list) do
    local message = check_address(entry)
    if message then return message end
  end
  return nil
end

function checks.doh(value)
  if not value:find("^https://") then return "expected an https URL" end
  return nil
end

function checks.pins(value)
  for pin in (value:find("^sha256//") and value or ""):gmatch("[^;]+") do
    if not pin:find("^sha256//[%w+/]+=*$") or #pin ~= #"sha256//" + 44 then
      return "expected 'sha256//BASE64' of a public key, several with ';' between, or a file"
    end
  end
  return nil
end

function checks.user(value)
  if not value:find(":", 1, true) then return "expected 'name:password'" end
  return nil
end

function checks.template(value)
  return select(2, template.parse(value))
end

function checks.category(value)
  return select(2, category.read(value))
end

function checks.shard(value)
  local part, parts = value:match("^(%d+)/(%d+)$")
  part, parts = tonumber(part), tonumber(parts)
  if not part or part < 1 or part > parts or parts > 1e6 then
    return "expected I/N, like 2/8: the second of eight parts"
  end
  return nil
end

function checks.checksum(value)
  return select(2, checksum.read(value))
end

-- What -s means to aria2 and to curl.
function checks.scripts(files)
  for _, file in ipairs(files) do
    if file:match("^%d+$") then
      return ("a script is a file; for %s connections write -n %s"):format(file, file)
    end
    if file:match("^%a[%w+.-]*://") or file:match("^[#IJLOSRfgikov]+$") and #file < 6 then
      return "a script is a file; for silence write -q, for standard output -o -"
    end
  end
  return nil
end

function checks.write_out(value)
  if value:find("^%d+$") then return "a format has variables, like '%{http_code}'" end
  return select(2, format.read(value))
end

function checks.report(value)
  local suffix = (value:match("%.(%w+)$") or ""):lower()
  if suffix == "json" or suffix == "csv" then return nil end
  return ("'%s' must end in .json or .csv"):format(value)
end

function checks.method(value)
  if not value:match("^[%w!#$%%&'*+.^_`|~-]+$") then return "expected a word like 'PUT'" end
  return nil
end

function checks.ip(value)
  if value == 5 then return "expected 4 or 6" end
  return nil
end

function checks.fields(value)
  if type(value) ~= "table" then return "expected a table of names and values" end
  return nil
end

function checks.filter(value)
  local kind = type(value)
  if kind == "function" or (kind == "table" and value.update and value.finish) then return nil end
  return "expected a function, or a filter such as luadl.codec.filter.gunzip()"
end

function checks.cache(value)
  if type(value) == "table" or type(value) == "userdata" then return nil end
  return "expected a table, or an object with 'get' and 'set'"
end

return checks
