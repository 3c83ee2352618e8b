--- Before a complete file gets its name: its checksum, and the policy `verify`.
-- SPDX-License-Identifier: MIT
--
-- A large file takes seconds: it is read piece by piece, and between two pieces other tasks run.

local asking = require("luadl.asking")
local checksum = require("luadl.checksum")
local errors = require("luadl.errors")
local opening = require("luadl.opening")
local transfer = require("luadl.transfer")

local verifying = {}

local PIECE = 4 * 1024 * 1024 -- bytes; some milliseconds

--- Whether the engine must ask before it publishes.
---@param self luadl.download
---@return boolean
function verifying.is_wanted(self)
  return not self.info and (self.opts.checksum ~= nil or asking.has(self, "verify"))
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

local function encode(sum, encoding)
  if encoding == "hex" then return sum:hex() end
  return require("luadl.codec").base64_encode(sum:raw(), { padding = false })
end

local function sum_of(self, wanted, path)
  local sum = require("luadl.digest").new(wanted.algorithm)
  local file, message = io.open(path, "rb")
  if not file then return nil, unreadable(message) end
  local complete, problem = add_all(self, sum, file)
  file:close()
  if not complete then return nil, unreadable(problem) end
  return encode(sum, wanted.encoding)
end

local function is_among(values, value)
  for _, each in ipairs(values) do
    if each == value then return true end
  end
  return false
end

local function check_sum(self, path, text)
  if not text then return true end
  local wanted = checksum.read(text)
  local value, err = sum_of(self, wanted, path)
  if not value then return nil, err end
  if not is_among(wanted.values, value) then
    local message = ("its %s is %s, not %s"):format(wanted.algorithm, value, wanted.values[1])
    return nil, errors.new("checksum", message, { url = self.url })
  end
  self.verified = true
  return true
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

local function ask_policy(self, path)
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
  if right then right, err = ask_policy(self, event.path) end
  if self.ended.fired then return end
  if not right then return transfer.fail(self, err) end
  local ok, wrong = self.engine:accept(self.id)
  if not ok then transfer.fail(self, transfer.from_core(wrong)) end
end

return verifying
