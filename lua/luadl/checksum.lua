--- Checksums as people write them, and integrity texts (W3C Subresource Integrity).
-- SPDX-License-Identifier: MIT

local checksum = {}

---@class luadl.checksum
---@field algorithm string
---@field encoding "hex"|"base64"
---@field values string[] any of them is right; base64 without padding

local LENGTHS = { md5 = 32, sha1 = 40, sha224 = 56, sha256 = 64, sha384 = 96, sha512 = 128 }

-- Those of integrity texts, by their strength. npm writes sha1, too.
local STRENGTH = { sha1 = 1, sha256 = 2, sha384 = 3, sha512 = 4 }

local STANDARD = { ["-"] = "+", ["_"] = "/" } -- for what URLs have in their place

-- "sha512-BASE64?options"; nil: nothing that is known.
local function read_token(token)
  local name, value = token:gsub("%?.*$", ""):match("^(%w+)%-([%w+/_-]+)=*$")
  name = name and name:lower()
  if not STRENGTH[name] or #value ~= math.ceil(LENGTHS[name] * 4 / 6) then return nil end
  return name, (value:gsub("[-_]", STANDARD))
end

--- What an integrity text asks for: of several algorithms the strongest, which counts alone.
---@param text string "sha256-... sha512-..."
---@return luadl.checksum|nil wanted nil: nothing that can be checked
function checksum.integrity(text)
  local wanted = nil
  for token in text:gmatch("%S+") do
    local name, value = read_token(token)
    if name and (not wanted or STRENGTH[name] > STRENGTH[wanted.algorithm]) then
      wanted = { algorithm = name, encoding = "base64", values = {} }
    end
    if name and name == wanted.algorithm then table.insert(wanted.values, value) end
  end
  return wanted
end

local function algorithm_of(name, hex)
  if name then return (name:lower():gsub("-", "")) end
  for known, length in pairs(LENGTHS) do
    if #hex == length then return known end
  end
  return nil
end

local function read_hex(name, hex)
  local algorithm = algorithm_of(name, hex)
  if not LENGTHS[algorithm] then
    return nil, name and ("'%s' is no algorithm that is known here"):format(name)
      or ("no algorithm has %d digits"):format(#hex)
  end
  if #hex ~= LENGTHS[algorithm] then
    return nil, ("%s has %d digits, not %d"):format(algorithm, LENGTHS[algorithm], #hex)
  end
  return { algorithm = algorithm, encoding = "hex", values = { hex:lower() } }
end

--- Reads "sha256:HEX", where without the name the length tells it, or an integrity text.
---@param text string
---@return luadl.checksum|nil
---@return string|nil message what is wrong
function checksum.read(text)
  local name, hex = text:match("^([%w-]+)[:=](%x+)$")
  hex = hex or text:match("^%x+$")
  if hex then return read_hex(name, hex) end
  local wanted = checksum.integrity(text)
  if wanted then return wanted end
  return nil, "expected ALGORITHM:HEX, like 'sha256:...', or an integrity text, like 'sha512-...'"
end

return checksum
