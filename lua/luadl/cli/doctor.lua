--- `luadl doctor`: which versions and features are here, and what is missing.
-- SPDX-License-Identifier: MIT

local config = require("luadl.cli.config")
local environment = require("luadl.cli.environment")
local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")

local doctor = {}

local GOOD, BAD, NOTE = "ok", "missing", "note"

-- Without these there is no download, and no word about libcurl or the configuration.
local ENGINE = { "luadl.core", "luadl.file_core", "luadl.poll", "luadl.sys", "luadl.url_core" }

-- What is loaded on use only: without it something else still works.
local PARTS = {
  { "luadl.outlet", "-o -" },
  { "luadl.digest_core", "checksums and luadl.digest" },
  { "luadl.cipher_core", "decryption in luadl.codec" },
  { "luadl.zlib_core", "gzip in luadl.codec" },
  { "luadl.codec_core", "base64 and hex in luadl.codec" },
  { "luadl.xml_core", "luadl.xml" },
}

local INSTALL = "on Debian `apt install lua-%s` brings it"

local NEEDED = "%s needs it (%s)"

local function add(found, state, what, more)
  found[#found + 1] = { state = state, text = more and ("%s: %s"):format(what, more) or what }
end

local function add_libcurl(found, curl)
  local parts = {}
  for _, name in ipairs({ "ssl", "zlib", "http2", "ssh" }) do
    local version = curl[name]
    local known = version and version:find("/", 1, true)
    parts[#parts + 1] = version and (known and version or name .. "/" .. version)
  end
  add(found, GOOD, "libcurl " .. curl.version, table.concat(parts, ", "))
end

local PROTOCOLS = { "http", "https", "ftp", "ftps", "sftp", "file", "HTTP/2" }

local function add_protocols(found, curl)
  local known, there = {}, {}
  for _, name in ipairs(curl.protocols) do known[name] = true end
  known["HTTP/2"] = curl.http2 ~= nil
  for _, name in ipairs(PROTOCOLS) do
    if known[name] then there[#there + 1] = name end
    if not known[name] then add(found, BAD, name, "this libcurl lacks it") end
  end
  add(found, GOOD, "protocols", table.concat(there, ", "))
end

local function add_room(found, name, needed, help)
  local ok, message = pcall(require, name)
  local why = help or tostring(message):match("^[^\n]*")
  add(found, ok and GOOD or BAD, name, not ok and NEEDED:format(needed, why) or nil)
end

-- True where all of it is here.
local function add_engine(found)
  local before = #found
  for _, name in ipairs(ENGINE) do
    local ok, problem = pcall(require, name)
    if not ok then add(found, BAD, "the engine", tostring(problem):match("^[^\n]*")) end
  end
  if #found > before then return false end
  add(found, GOOD, "luadl " .. require("luadl.core").version, _VERSION)
  return true
end

local function add_parts(found)
  for _, part in ipairs(PARTS) do add_room(found, part[1], part[2]) end
end

local function add_modules(found)
  for _, name in ipairs({ "argparse", "dkjson" }) do
    add_room(found, name, "all but luadl doctor", INSTALL:format(name))
  end
end

local function is_readable(path)
  local file = path and io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function add_certificates(found, curl)
  local path = curl.certificates or curl.certificate_folder
  local why = is_readable(path) and path
    or ("%s can't be read: --cacert FILE names others"):format(path or "none")
  add(found, is_readable(path) and GOOD or BAD, "certificates", why)
end

local function add_configuration(found, getenv)
  local read, err = config.load({}, getenv, environment.variables())
  if not read then return add(found, BAD, "configuration", err.message) end
  local none = ("there is no %s"):format(config.path(getenv) or "home folder")
  add(found, read.path and GOOD or NOTE, "configuration", read.path or none)
  for _, warning in ipairs(read.warnings) do add(found, NOTE, warning) end
end

local PROXIES = {
  "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
}

local function add_environment(found, getenv, sys)
  for _, name in ipairs(PROXIES) do
    if getenv(name) then add(found, NOTE, name, errors.redact_word(getenv(name))) end
  end
  local files, message = sys.raise_fd_limit()
  add(found, files and GOOD or BAD, "open files", files and ("%d"):format(files) or message)
end

local function examine(getenv)
  local found = {}
  local is_complete = add_engine(found)
  add_modules(found)
  if not is_complete then return found end
  local curl = require("luadl.url_core").libcurl()
  add_libcurl(found, curl)
  add_protocols(found, curl)
  add_parts(found)
  add_certificates(found, curl)
  add_configuration(found, getenv)
  add_environment(found, getenv, require("luadl.sys"))
  return found
end

--- Runs `luadl doctor`.
---@param _ string[]
---@param world { stdout: file*, getenv: fun(name: string): string|nil }
---@return integer status
function doctor.run(_, world)
  local status = exit.OK
  for _, each in ipairs(examine(world.getenv)) do
    if each.state == BAD then status = exit.OTHER end
    world.stdout:write(("%-8s %s\n"):format(each.state, each.text))
  end
  return status
end

return doctor
