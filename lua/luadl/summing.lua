--- The checksum of a download: of a complete file, or of bytes that pass by in their order.
-- SPDX-License-Identifier: MIT

local checksum = require("luadl.checksum")
local errors = require("luadl.errors")

local summing = {}

local function encode(sum, encoding)
  if encoding == "hex" then return sum:hex() end
  return require("luadl.codec").base64_encode(sum:raw(), { padding = false })
end

local function is_among(values, value)
  for _, each in ipairs(values) do
    if each == value then return true end
  end
  return false
end

--- A digest for this checksum.
---@param text string
---@return luadl.digest
---@return luadl.checksum wanted
function summing.new(text)
  local wanted = checksum.read(text)
  return require("luadl.digest").new(wanted.algorithm), wanted
end

--- Compares what a digest has come to.
---@param self luadl.download
---@param sum luadl.digest
---@param wanted luadl.checksum
---@return boolean|nil
---@return luadl.error|nil
function summing.compare(self, sum, wanted)
  local value = encode(sum, wanted.encoding)
  if not is_among(wanted.values, value) then
    local message = ("its %s is %s, not %s"):format(wanted.algorithm, value, wanted.values[1])
    return nil, errors.new("checksum", message, { url = self.url })
  end
  self.verified = true
  return true
end

--- Adds bytes of what is read in order, where there is a checksum.
---@param self luadl.download
---@param bytes string
function summing.add(self, bytes)
  if not self.opts.checksum then return end
  if not self.sum then self.sum, self.wanted = summing.new(self.opts.checksum) end
  self.sum:update(bytes)
end

--- Whether all that was read is right.
---@param self luadl.download
---@return boolean|nil
---@return luadl.error|nil
function summing.finish(self)
  if not self.opts.checksum then return true end
  summing.add(self, "")
  return summing.compare(self, self.sum, self.wanted)
end

return summing
