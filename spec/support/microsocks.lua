-- A real SOCKS5 server, microsocks; it resolves names for those who leave that to it.
-- SPDX-License-Identifier: MIT

local service = require("spec.support.service")

local microsocks = {}

--- Starts one. `opts`: auth = { user, password }. Fields: address ("127.0.0.1:PORT"), port.
---@param opts? table
function microsocks.start(opts)
  local auth = opts and opts.auth
  local self = service.new()
  self.address = "127.0.0.1:" .. self.port
  local words = { "microsocks", "-i", "127.0.0.1", "-p", tostring(self.port) }
  if auth then table.move({ "-u", auth[1], "-P", auth[2] }, 1, 4, #words + 1, words) end
  return self:run(words)
end

return microsocks
