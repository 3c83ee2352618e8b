--- Before a complete file gets its name: its checksum, and the policy `verify`.
-- SPDX-License-Identifier: MIT
--
-- A large file takes seconds: it is read piece by piece, and between two pieces other tasks run.

local asking = require("luadl.asking")
local errors = require("luadl.errors")
local opening = require("luadl.opening")
local summing = require("luadl.summing")
local transfer = require("luadl.transfer")

local verifying = {}

local PIECE = 4 * 1024 * 1024 -- bytes; some milliseconds

--- Whether the engine must ask before it publishes.
---@param self luadl.download
---@return boolean
function verifying.is_wanted(self)
  if self.info or self.reading then return false end
  return self.opts.checksum ~= nil or asking.has(self, "verify")
end

-- The checksum

local function unreadable(message)
  return errors.new("io", "cannot read the complete file again: " .. message)
end

local function add_all(self, sum, file)
  local bytes, message = file:read(PIECE)
  while bytes and not self.ended.fired do
    sum:update(bytes)
    self.loop:sleep(0)
    bytes, message = file:read(PIECE)
  end
  return not message, message
end

local function sum_of(self, sum, path)
  local file, message = io.open(path, "rb")
  if not file then return nil, unreadable(message) end
  local complete, problem = add_all(self, sum, file)
  file:close()
  return complete or nil, not complete and unreadable(problem) or nil
end

local function check_sum(self, path, text)
  if not text then return true end
  local sum, wanted = summing.new(text)
  local ok, err = sum_of(self, sum, path)
  if not ok then return nil, err end
  return summing.compare(self, sum, wanted)
end

-- The policy

local function describe(self)
  local head = opening.head(self)
  return {
    path = opening.path(self), -- to be
    size = self:stats().received,
    url = head and head.url or self.url,
    head = head,
    labels = self.opts.labels,
  }
end

--- Asks the policy `verify` about a complete file.
---@param self luadl.download
---@param path string where it is as yet
---@return boolean|nil
---@return luadl.error|nil
function verifying.ask_policy(self, path)
  local answer, _, script = asking.ask(self, "verify", path, describe(self))
  if answer == nil then return true end
  if type(script.verify) == "string" then return check_sum(self, path, script.verify) end
  if answer == true then
    self.verified = true
    return true
  end
  local message = type(answer) == "string" and answer or "the verify policy refused the file"
  return nil, errors.new("checksum", message, { url = self.url })
end

--- Answers the engine's VERIFY: the file gets its name, or the download fails.
---@param self luadl.download
---@param event { path: string } where the complete file is
function verifying.answer(self, event)
  local right, err = check_sum(self, event.path, self.opts.checksum)
  if right then right, err = verifying.ask_policy(self, event.path) end
  if self.ended.fired then return end
  if not right then return transfer.fail(self, err) end
  local ok, wrong = self.engine:accept(self.id)
  if not ok then transfer.fail(self, transfer.from_core(wrong)) end
end

return verifying
