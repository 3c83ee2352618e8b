-- The server's side of digest authentication (RFC 7616), for behaviours of the scripted server.
-- SPDX-License-Identifier: MIT

local process = require("spec.support.process")

local digest = {}

local REALM, NONCE = "luadl", "9f2c1"
local SUMS = { MD5 = "md5sum", ["SHA-256"] = "sha256sum" }

local function hash(algorithm, ...)
  local text = process.quote(table.concat({ ... }, ":"))
  local pipe = assert(io.popen("printf %s " .. text .. " | " .. SUMS[algorithm], "r"))
  local sum = pipe:read("*l"):match("^%x+")
  pipe:close()
  return sum
end

--- The value of WWW-Authenticate, or of Proxy-Authenticate.
function digest.challenge(algorithm)
  return ('Digest realm="%s", nonce="%s", qop="auth", algorithm=%s'):format(REALM, NONCE, algorithm)
end

local function read(value)
  local fields = {}
  for name, quoted, bare in (value or ""):gmatch('(%w+)="?([^",]*)"?,?%s*()') do
    fields[name] = quoted or bare
  end
  return fields
end

--- Whether the value of Authorization proves this login for this request.
function digest.proves(value, request, user, password, algorithm)
  if not value or not value:find("^Digest ") then return false end
  local given = read((value:gsub("^Digest ", "")))
  local path = request.target:gsub("^%w+://[^/]*", "") -- a proxy is asked for the whole URL
  if given.username ~= user or given.nonce ~= NONCE or given.uri ~= path then return false end
  local secret = hash(algorithm, user, REALM, password)
  local what = hash(algorithm, request.method, path)
  local wanted = hash(algorithm, secret, NONCE, given.nc, given.cnonce, given.qop, what)
  return given.response == wanted
end

return digest
