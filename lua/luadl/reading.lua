--- Downloads that are read in order: what the engine keeps for the reader, and how that one waits.
-- SPDX-License-Identifier: MIT
--
-- There is no file, so nothing is continued, and what was handed out can't be taken back: where
-- another download begins anew, this one fails.

local asking = require("luadl.asking")
local errors = require("luadl.errors")
local transfer = require("luadl.transfer")

local reading = {}

local NO_FILE = "the policy 'verify' looks at a complete file; what is read in order has none"

-- Of a file on the disk. A session may have them for its other downloads.
local OF_FILES = {
  "output", "dir", "template", "make_dirs", "category", "exists", "name", "resume", "restart",
  "resume_check", "adopt", "conditional", "timestamps", "verify", "filter",
}

--- What is wrong with the options of who wants to read in order.
---@param given table
---@return string|nil message
function reading.refusal(given)
  for _, name in ipairs(OF_FILES) do
    if rawget(given, name) then
      return ("option '%s' is of files: a stream has none"):format(name)
    end
  end
  return nil
end

--- Whether it can be read in order, as far as the policies let it.
---@param self luadl.download
---@return boolean|nil
---@return luadl.error|nil
function reading.suits(self)
  if not self.reading or self.filtered or not asking.has(self, "verify") then return true end
  return nil, errors.new("usage", NO_FILE, { url = self.url })
end

--- The head is there: has the engine bring the rest.
---@param self luadl.download
function reading.start(self)
  local ok, err = self.engine:start(self.id)
  if not ok then return transfer.fail(self, transfer.from_core(err)) end
  transfer.wake_reader(self)
end

--- Waits until there may be more: bytes, the head, the end.
---@param self luadl.download
function reading.await(self)
  if self.ended.fired then return end
  self.more = self.more or self.loop:signal()
  self.loop:await(self.more)
end

return reading
