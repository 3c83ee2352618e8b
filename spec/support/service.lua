-- A real server as a child: its own folder and port, ready when it accepts, gone with the spec.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local socket = require("socket")
local helper = require("spec.support.helper")
local process = require("spec.support.process")

local service = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.service" }

local READY = 5 -- seconds in which it must accept connections

local function accepts(port)
  local connection = socket.connect("127.0.0.1", port)
  return connection and connection:close()
end

--- Waits until somebody listens on this port of 127.0.0.1; else ends `self` and throws what `log`
--- has.
---@param self { stop: function, port: integer }
---@param name string
---@param log string the path of its log
function service.wait(self, name, log)
  local deadline = socket.gettime() + READY
  while not accepts(self.port) do
    if socket.gettime() > deadline then
      local said = helper.read(log) or "no log"
      self:stop()
      error(name .. " didn't start: " .. said)
    end
    socket.sleep(0.02)
  end
end

--- A server that isn't started yet: a fresh `prefix` and a free `port`.
function service.new()
  return setmetatable({ prefix = helper.make_folder(), port = helper.free_port() }, metatable)
end

--- Starts it; what it prints goes to `log` in its folder.
---@param words string[] the command; it stays in the foreground
function methods:run(words)
  local command = process.command(words) .. " >" .. process.quote(self.prefix .. "/log") .. " 2>&1"
  self.child = process.spawn({ "sh", "-c", "exec " .. command })
  service.wait(self, words[1], self.prefix .. "/log")
  return self
end

--- What it has printed or logged so far.
function methods:log()
  return helper.read(self.prefix .. "/log") or ""
end

--- A folder below its own.
---@return string path
function methods:folder(name)
  local path = self.prefix .. "/" .. name
  lfs.mkdir(path)
  return path
end

--- Ends it and removes its folder.
function methods:stop()
  if self.child then self.child:stop() end
  helper.remove_folder(self.prefix)
end

return service
