--- Message digests for scripts: of strings, files and streams, HMAC, and Subresource Integrity.
-- SPDX-License-Identifier: MIT

local checksum = require("luadl.checksum")
local codec = require("luadl.codec")
local core = require("luadl.digest_core")
local errors = require("luadl.errors")
local check_string = require("luadl.misuse").check_string

local digest = {}

---@class luadl.digest
local methods = {}
local metatable = { __name = "luadl.digest", __index = methods }

local PIECE = 262144 -- bytes of a file that are read at once

-- By names in lower case without hyphens and underscores, as OpenSSL calls them.
local ALGORITHMS = {
  md5 = "md5", sha1 = "sha1",
  sha224 = "sha224", sha256 = "sha256", sha384 = "sha384", sha512 = "sha512",
  sha512256 = "sha512-256",
  sha3224 = "sha3-224", sha3256 = "sha3-256", sha3384 = "sha3-384", sha3512 = "sha3-512",
  blake2b512 = "blake2b512", blake2s256 = "blake2s256", blake2b = "blake2b512",
  blake2s = "blake2s256",
}

--- The name under which this module knows an algorithm ("SHA-256" is "sha256"), or nil.
---@param algorithm string
---@return string?
function digest.supports(algorithm)
  if type(algorithm) ~= "string" then return nil end
  return ALGORITHMS[(algorithm:lower():gsub("[-_]", ""))]
end

local function check_algorithm(algorithm, level)
  local name = digest.supports(algorithm)
  if not name then
    error(("unknown digest algorithm '%s'"):format(tostring(algorithm)), level + 1)
  end
  return name
end

local function unavailable(name, level) -- FIPS mode, say
  error(("OpenSSL has no %s here"):format(name), level + 1)
end

--- A digest that takes its bytes piece by piece.
---@param algorithm string see `digest.supports`
---@return luadl.digest
function digest.new(algorithm)
  local name = check_algorithm(algorithm, 2)
  local context = core.new(name) or unavailable(name, 2)
  return setmetatable({ context = context, algorithm = name }, metatable)
end

--- Adds bytes.
---@param bytes string
---@return luadl.digest self
function methods:update(bytes)
  check_string(bytes, "bytes", 2)
  self.context:update(bytes)
  return self
end

--- The digest of what came so far, as bytes.
---@return string
function methods:raw()
  return self.context:raw()
end

--- The digest of what came so far, in hexadecimal digits of lower case.
---@return string
function methods:hex()
  return codec.hex_encode(self:raw())
end

--- The digest of a string, as bytes.
---@param algorithm string
---@param bytes string
---@return string
function digest.raw(algorithm, bytes)
  local name = check_algorithm(algorithm, 2)
  check_string(bytes, "bytes", 2)
  return core.hash(name, bytes) or unavailable(name, 2)
end

--- The digest of a string, in hexadecimal digits of lower case.
---@param algorithm string
---@param bytes string
---@return string
function digest.hex(algorithm, bytes)
  local name = check_algorithm(algorithm, 2)
  check_string(bytes, "bytes", 2)
  return codec.hex_encode(core.hash(name, bytes) or unavailable(name, 2))
end

local function failure(path, message, errnum)
  local prefix = path .. ": " -- as io.open says it
  if message:sub(1, #prefix) == prefix then message = message:sub(#prefix + 1) end
  return nil, errors.new("io", "can't read: " .. message, { path = path, errno = errnum })
end

local function take_all(self, file, path)
  while true do
    local bytes, message, errnum = file:read(PIECE)
    if message then return failure(path, message, errnum) end
    if not bytes then return self end
    self:update(bytes)
  end
end

local function of_file(algorithm, path, level)
  local self = digest.new(check_algorithm(algorithm, level + 1))
  if type(path) ~= "string" then error("a path must be a string", level + 1) end
  local file, message, errnum = io.open(path, "rb")
  if not file then return failure(path, message, errnum) end
  local done, err = take_all(self, file, path)
  file:close()
  return done, err
end

--- The digest of a file, in hexadecimal digits.
---@param algorithm string
---@param path string
---@return string? hex
---@return luadl.error? err kind "io"
function digest.file(algorithm, path)
  local self, err = of_file(algorithm, path, 2)
  if not self then return nil, err end
  return self:hex()
end

--- The HMAC of bytes (RFC 2104), in hexadecimal digits or, with `raw`, as bytes: the next key, say.
---@param algorithm string
---@param key string
---@param bytes string
---@param raw boolean?
---@return string
function digest.hmac(algorithm, key, bytes, raw)
  local name = check_algorithm(algorithm, 2)
  check_string(key, "bytes", 2)
  check_string(bytes, "bytes", 2)
  local value = core.hmac(name, key, bytes) or unavailable(name, 2)
  return raw and value or codec.hex_encode(value)
end

--- Whether two strings are the same, in a time that doesn't tell how much of them is: for secrets.
---@param a string
---@param b string
---@return boolean
function digest.equal(a, b)
  check_string(a, "bytes", 2)
  check_string(b, "bytes", 2)
  return core.equal(a, b)
end

--- "sha512-BASE64" as in package locks and `integrity` attributes (W3C Subresource Integrity).
---@param algorithm string
---@param bytes string
---@return string
function digest.sri(algorithm, bytes)
  check_string(bytes, "bytes", 2)
  return check_algorithm(algorithm, 2) .. "-" .. codec.base64_encode(digest.raw(algorithm, bytes))
end

--- What an integrity text asks for: of several algorithms the strongest, which counts alone.
---@param text string "sha256-... sha512-..."
---@return { algorithm: string, values: string[] }? wanted any of these raw digests
---@return luadl.error? err kind "usage"
function digest.sri_parse(text)
  if type(text) ~= "string" then error("an integrity text must be a string", 2) end
  local wanted = checksum.integrity(text)
  local found = wanted and { algorithm = wanted.algorithm, values = {} }
  for index, value in ipairs(wanted and wanted.values or {}) do
    found.values[index] = codec.base64_decode(value)
  end
  if found and found.values[1] then return found end
  return nil, errors.new("usage", "no digest in the integrity text that can be checked")
end

local function compare(wanted, self, facts)
  local raw = self:raw()
  for _, value in ipairs(wanted.values) do
    if core.equal(raw, value) then return true end
  end
  local message = ("its %s is %s, not %s"):format(
    wanted.algorithm, codec.hex_encode(raw), codec.hex_encode(wanted.values[1]))
  return nil, errors.new("checksum", message, facts)
end

--- Whether bytes are those that an integrity text asks for.
---@param text string
---@param bytes string
---@return boolean? ok
---@return luadl.error? err kind "checksum", or "usage" where the text names nothing known
function digest.sri_check(text, bytes)
  check_string(bytes, "bytes", 2)
  local wanted, err = digest.sri_parse(text)
  if not wanted then return nil, err end
  return compare(wanted, digest.new(wanted.algorithm):update(bytes))
end

--- The same for a file.
---@param text string
---@param path string
---@return boolean? ok
---@return luadl.error? err kind "checksum", "usage" or "io"
function digest.sri_check_file(text, path)
  local wanted, err = digest.sri_parse(text)
  if not wanted then return nil, err end
  local self, problem = of_file(wanted.algorithm, path, 2)
  if not self then return nil, problem end
  return compare(wanted, self, { path = path })
end

return digest
