--- Reports in plain lines, for logs and pipes: one for each file that is finished or failed.
-- SPDX-License-Identifier: MIT

local lines = require("luadl.cli.lines")
local why = require("luadl.cli.why")

local plain = {}

local methods = {}
local metatable = { __name = "luadl.cli.plain", __index = methods }

---@param world table see luadl.cli.output
---@param volume { quiet: boolean, verbose: boolean }
function plain.new(world, volume)
  return setmetatable({ err = world.stderr, volume = volume, why = why.new() }, metatable)
end

local function say(self, line)
  self.err:write(line, "\n")
end

function methods.started() end

function methods.postponed() end

function methods.tick() end

function methods.close() end

function methods:notice(message)
  if not self.volume.quiet then say(self, lines.warning(message)) end
end

function methods:retry(fault, delay, change)
  if self.volume.verbose then say(self, lines.retry(fault, delay, change)) end
end

function methods:trace(event, number)
  say(self, self.why:line(event, number))
end

function methods:finished(_, result, err)
  if not result then return say(self, lines.failed(err)) end
  if self.volume.quiet then return end
  say(self, lines.saved(result))
  for _, warning in ipairs(result.warnings or {}) do say(self, lines.warning(warning)) end
end

function methods:summary(summary)
  if self.volume.quiet or summary.total < 2 then return end
  say(self, lines.summary(summary))
end

return plain
