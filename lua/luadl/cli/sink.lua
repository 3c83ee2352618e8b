--- A stream of the command that remembers what couldn't be written to it.
-- SPDX-License-Identifier: MIT
--
-- Each write has to be looked at: the C library drops what it couldn't write, and the next flush is
-- fine again.

local errors = require("luadl.errors")

local sink = {}

local methods = {}
local metatable = { __name = "luadl.cli.sink", __index = methods }

local ENOSPC, EPIPE, EDQUOT = 28, 32, 122
local KINDS = { [ENOSPC] = "no_space", [EDQUOT] = "quota" }

--- A failed write as an error of luadl's.
---@param what string what couldn't be done, as "cannot write to standard output"
---@param message string
---@param errno integer|nil
---@return luadl.error
function sink.failure(what, message, errno)
  return errors.new(KINDS[errno] or "io", ("%s: %s"):format(what, message), { errno = errno })
end

---@param file file*
---@param name string as in messages
function sink.new(file, name)
  return setmetatable({ file = file, name = name }, metatable)
end

-- Whoever read a pipe had enough: that is nobody's failure.
local function note(self, ok, message, errno)
  if ok or not message or self.failed or errno == EPIPE then return end
  self.failed = sink.failure("cannot write to " .. self.name, message, errno)
end

function methods:write(...)
  note(self, self.file:write(...))
end

function methods:flush()
  note(self, self.file:flush())
end

--- What kept something from being written, or nil.
---@return luadl.error|nil
function methods:failure()
  self:flush()
  return self.failed
end

return sink
