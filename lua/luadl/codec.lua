--- Encodings for scripts: base64, hexadecimal, gzip and deflate, AES; of strings and of streams.
-- SPDX-License-Identifier: MIT
--
-- Decoders are strict: what isn't exactly the encoding is refused. What is unpacked is bounded
-- (H41). zlib and OpenSSL are loaded when something of theirs is called.

local core = require("luadl.codec_core")
local errors = require("luadl.errors")
local check_string = require("luadl.misuse").check_string
local options = require("luadl.options")

local codec = { filter = {} }

---@class luadl.codec.filter bytes go in piece by piece and come out changed
local methods = {}
local metatable = { __name = "luadl.codec.filter", __index = methods }

local MEBI = 1048576
local SIZE_MOST = 64 * MEBI -- in memory
local STREAM_MOST = 65536 * MEBI -- to a file
local RATIO_MOST = 250 -- text reaches 50 now and then; only what is made for it comes near 1,000
local LEVEL = 6

local function decoded(what, bytes, position)
  if bytes then return bytes end
  return nil, errors.new("encoding", ("not %s at byte %d"):format(what, position))
end

local BASE64 = { { name = "url", type = "boolean" }, { name = "padding", type = "boolean" } }

--- Base64 (RFC 4648), with `url` in the alphabet for URLs and file names.
---@param bytes string
---@param opts { url: boolean?, padding: boolean? }? padding: default is not url
---@return string
function codec.base64_encode(bytes, opts)
  check_string(bytes, "bytes", 2)
  opts = options.of_helper(opts, BASE64, 2)
  local padding = opts.padding
  if padding == nil then padding = not opts.url end
  return core.base64_encode(bytes, opts.url, padding)
end

--- The bytes for which base64 stands. The padding may be missing; anything else amiss is refused.
---@param text string
---@param opts { url: boolean? }?
---@return string? bytes
---@return luadl.error? err kind "encoding"
function codec.base64_decode(text, opts)
  check_string(text, "bytes", 2)
  return decoded("base64", core.base64_decode(text, options.of_helper(opts, BASE64, 2).url))
end

--- Two hexadecimal digits of lower case for each byte.
---@param bytes string
---@return string
function codec.hex_encode(bytes)
  check_string(bytes, "bytes", 2)
  return core.hex_encode(bytes)
end

--- The bytes for which hexadecimal digits stand.
---@param text string digits of either case
---@return string? bytes
---@return luadl.error? err kind "encoding"
function codec.hex_decode(text)
  check_string(text, "bytes", 2)
  return decoded("hexadecimal digits", core.hex_decode(text))
end

local function new_filter(engine)
  return setmetatable({ engine = engine }, metatable)
end

local function outcome(self, bytes, kind, message)
  if bytes then return bytes end
  self.err = errors.new(kind, message)
  return nil, self.err
end

local function check_open(self, level)
  if not self.engine then error("the filter is finished", level + 1) end
end

--- Takes bytes and gives those that are ready, perhaps none. After a failure it stays failed.
---@param bytes string
---@return string? bytes
---@return luadl.error? err kind "encoding" or "too_large"
function methods:update(bytes)
  check_open(self, 2)
  check_string(bytes, "bytes", 2)
  if self.err then return nil, self.err end
  return outcome(self, self.engine:update(bytes))
end

--- Gives the last bytes; the filter can't be used any more.
---@return string? bytes
---@return luadl.error? err kind "encoding": the end is missing
function methods:finish()
  check_open(self, 2)
  local engine = self.engine
  self.engine = nil
  if self.err then return nil, self.err end
  return outcome(self, engine:finish())
end

local function whole(filter, bytes)
  local head, err = filter:update(bytes)
  if not head then return nil, err end
  local tail, problem = filter:finish()
  if not tail then return nil, problem end
  return head .. tail
end

local UNPACK = {
  { name = "raw", type = "boolean" },
  { name = "max_size", type = "any" }, -- math.huge, too
  { name = "max_ratio", type = "any" },
}

local function inflater(format, opts, size_most, level)
  opts = options.of_helper(opts, UNPACK, level + 1)
  if opts.raw and format == "zlib" then format = "raw" end
  local size, ratio = opts.max_size or size_most, opts.max_ratio or RATIO_MOST
  return new_filter(require("luadl.zlib_core").inflater(format, size, ratio))
end

local PACK = { { name = "raw", type = "boolean" }, { name = "level", type = "integer" } }

local function deflater(format, opts, level)
  opts = options.of_helper(opts, PACK, level + 1)
  if opts.raw and format == "zlib" then format = "raw" end
  return new_filter(require("luadl.zlib_core").deflater(format, opts.level or LEVEL))
end

--- How much may come out of what is unpacked.
---@class luadl.codec.bounds
---@field max_size number? bytes that may come out; default 64 MiB, 64 GiB from a filter
---@field max_ratio number? times the size of what goes in, after the first MiB; default 250

--- Unpacks gzip (RFC 1952), several members, too.
---@param bytes string
---@param opts luadl.codec.bounds?
---@return string? bytes
---@return luadl.error? err kind "encoding" or "too_large"
function codec.gunzip(bytes, opts)
  check_string(bytes, "bytes", 2)
  return whole(inflater("gzip", opts, SIZE_MOST, 2), bytes)
end

--- Unpacks zlib (RFC 1950: the content coding "deflate") or, with `raw`, deflate (RFC 1951).
---@param bytes string
---@param opts luadl.codec.bounds|{ raw: boolean? }?
---@return string? bytes
---@return luadl.error? err kind "encoding" or "too_large"
function codec.inflate(bytes, opts)
  check_string(bytes, "bytes", 2)
  return whole(inflater("zlib", opts, SIZE_MOST, 2), bytes)
end

--- Packs with gzip.
---@param bytes string
---@param opts { level: integer? }? 0 to 9, default 6
---@return string
function codec.gzip(bytes, opts)
  check_string(bytes, "bytes", 2)
  return assert(whole(deflater("gzip", opts, 2), bytes))
end

--- Packs as zlib or, with `raw`, deflate.
---@param bytes string
---@param opts { level: integer?, raw: boolean? }?
---@return string
function codec.deflate(bytes, opts)
  check_string(bytes, "bytes", 2)
  return assert(whole(deflater("zlib", opts, 2), bytes))
end

local MODES = { cbc = true, ctr = true }
local KEYS = { [16] = true, [24] = true, [32] = true }
local PADDING = { name = "padding", type = "boolean" }
local AES = { PADDING }
local AES_FILTER = { PADDING, { name = "encrypt", type = "boolean" } }

-- Keys come from servers: one of a wrong length is a failure.
local function cipher(mode, key, iv, opts, level)
  if not MODES[mode] then error("the mode must be 'cbc' or 'ctr'", level + 1) end
  check_string(key, "bytes", level + 1)
  check_string(iv, "bytes", level + 1)
  opts = options.of_helper(opts, AES_FILTER, level + 1)
  if not KEYS[#key] then
    return nil, errors.new("usage", ("an AES key has 16, 24 or 32 bytes, not %d"):format(#key))
  end
  if #iv ~= 16 then
    return nil, errors.new("usage", ("an AES block has 16 bytes, not %d"):format(#iv))
  end
  local new = require("luadl.cipher_core").new
  return new_filter(new(mode, key, iv, opts.encrypt or false, opts.padding ~= false))
end

--- Of an encryption.
---@class luadl.codec.aes
---@field padding boolean? of CBC, PKCS#7 (RFC 5652, section 6.3); default true

local function aes(encrypt, mode, key, iv, bytes, opts)
  check_string(bytes, "bytes", 3)
  local padding = options.of_helper(opts, AES, 3).padding
  local filter, err = cipher(mode, key, iv, { encrypt = encrypt, padding = padding }, 3)
  if not filter then return nil, err end
  return whole(filter, bytes)
end

--- Decrypts AES; the key's length says which: 16, 24 or 32 bytes. CBC and CTR don't notice that
--- somebody changed the bytes: check a digest, too.
---@param mode "cbc"|"ctr"
---@param key string
---@param iv string 16 bytes: the first vector, or the first counter
---@param bytes string
---@param opts luadl.codec.aes?
---@return string? bytes
---@return luadl.error? err kind "encoding": not whole blocks or a wrong key; "usage": key or vector
function codec.aes_decrypt(mode, key, iv, bytes, opts)
  return aes(false, mode, key, iv, bytes, opts)
end

--- Encrypts AES.
---@param mode "cbc"|"ctr"
---@param key string
---@param iv string
---@param bytes string
---@param opts luadl.codec.aes?
---@return string? bytes
---@return luadl.error? err kind "encoding": without padding, not whole blocks; "usage"
function codec.aes_encrypt(mode, key, iv, bytes, opts)
  return aes(true, mode, key, iv, bytes, opts)
end

--- A filter that unpacks gzip.
---@param opts luadl.codec.bounds?
---@return luadl.codec.filter
function codec.filter.gunzip(opts)
  return inflater("gzip", opts, STREAM_MOST, 2)
end

--- A filter that unpacks zlib or, with `raw`, deflate.
---@param opts luadl.codec.bounds|{ raw: boolean? }?
---@return luadl.codec.filter
function codec.filter.inflate(opts)
  return inflater("zlib", opts, STREAM_MOST, 2)
end

--- A filter that packs with gzip.
---@param opts { level: integer? }?
---@return luadl.codec.filter
function codec.filter.gzip(opts)
  return deflater("gzip", opts, 2)
end

--- A filter that decrypts AES or, with `encrypt`, encrypts.
---@param mode "cbc"|"ctr"
---@param key string
---@param iv string
---@param opts luadl.codec.aes|{ encrypt: boolean? }?
---@return luadl.codec.filter? filter
---@return luadl.error? err kind "usage"
function codec.filter.aes(mode, key, iv, opts)
  return cipher(mode, key, iv, opts, 2)
end

return codec
