-- A real HTTP proxy, tinyproxy: forwards http, tunnels the rest (CONNECT).
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local root = require("spec.support.root")
local service = require("spec.support.service")

local tinyproxy = {}

-- Without ConnectPort it tunnels to any port.
local CONFIG = [[
%sPort %d
Listen 127.0.0.1
Timeout 60
MaxClients 64
LogFile "%s/requests.log"
LogLevel Connect
PidFile "%s/pid"
DisableViaHeader Yes
%s
]]

local function identity()
  return root.is() and "User root\nGroup root\n" or ""
end

--- Starts one. `opts`: auth = { user, password }. Fields: url, port;
--- `requests()` is its log.
---@param opts? table
function tinyproxy.start(opts)
  opts = opts or {}
  local self = service.new()
  local further = opts.auth and ("BasicAuth %s %s\n"):format(opts.auth[1], opts.auth[2]) or ""
  helper.write(self.prefix .. "/tinyproxy.conf",
    CONFIG:format(identity(), self.port, self.prefix, self.prefix, further))
  self.url = "http://127.0.0.1:" .. self.port
  function self.requests() return helper.read(self.prefix .. "/requests.log") or "" end
  return self:run({ "tinyproxy", "-d", "-c", self.prefix .. "/tinyproxy.conf" })
end

return tinyproxy
