--- Checksums as people write them.
-- SPDX-License-Identifier: MIT

local checksum = {}

local LENGTHS = { md5 = 32, sha1 = 40, sha224 = 56, sha256 = 64, sha384 = 96, sha512 = 128 }

local function algorithm_of(name, hex)
  if name then return (name:lower():gsub("-", "")) end
  for known, length in pairs(LENGTHS) do
    if #hex == length then return known end
  end
  return nil
end

--- Reads "sha256:HEX"; without the name the length tells it.
---@param text string
---@return { algorithm: string, hex: string }|nil
---@return string|nil message what is wrong
function checksum.read(text)
  local name, hex = text:match("^([%w-]+)[:=](%x+)$")
  hex = hex or text:match("^%x+$")
  if not hex then return nil, "expected ALGORITHM:HEX, like 'sha256:...'" end
  local algorithm = algorithm_of(name, hex)
  if not LENGTHS[algorithm] then
    return nil, name and ("'%s' is no algorithm that is known here"):format(name)
      or ("no algorithm has %d digits"):format(#hex)
  end
  if #hex ~= LENGTHS[algorithm] then
    return nil, ("%s has %d digits, not %d"):format(algorithm, LENGTHS[algorithm], #hex)
  end
  return { algorithm = algorithm, hex = hex:lower() }
end

return checksum
