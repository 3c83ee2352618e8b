-- A command under way: it can be looked at, signalled and ended, and nobody waits for it.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local process = require("spec.support.process")

local child = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.child" }

-- The shell tells its id and becomes the command: a signal to that id meets the command itself.
local START = "cd %s && echo $$ && exec env %s %s </dev/null >%s 2>&1"

local running = {}

--- Starts a command in a folder. What it prints goes to `opts.log`.
---@param words string[]
---@param opts { folder: string, log: string, env: table<string, string> }
function child.start(words, opts)
  local variables = {}
  for name, value in pairs(opts.env or {}) do variables[#variables + 1] = name .. "=" .. value end
  local line = START:format(process.quote(opts.folder), process.command(variables),
    process.command(words), process.quote(opts.log))
  local pipe = assert(io.popen(line, "r"))
  local self = setmetatable({ pipe = pipe, id = pipe:read("n") }, metatable)
  running[self] = true
  return self
end

--- Whether it has ended by itself or by a signal. Until `finish` its id is nobody else's.
function methods:ended()
  local state = (helper.read(("/proc/%d/stat"):format(self.id)) or ""):match("%) (%a)")
  return state == nil or state == "Z"
end

function methods:signal(name)
  os.execute(("kill -%s %d"):format(name, self.id))
end

--- Waits for its end; its status, or 128 + n after a signal.
function methods:finish()
  running[self] = nil
  local _, how, code = self.pipe:close()
  return how == "signal" and 128 + code or code
end

--- Kills what still runs.
function child.kill_all()
  for each in pairs(running) do
    each:signal("KILL")
    each:finish()
  end
end

return child
