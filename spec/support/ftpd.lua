-- FTP servers: a real one, pyftpdlib, and one that misbehaves.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local service = require("spec.support.service")

local ftpd = {}

--- Starts one. `opts`: user = { name, password }, else anonymous. Fields: url, port, root (its
--- folder).
---@param opts? table
function ftpd.start(opts)
  local user = opts and opts.user
  local self = service.new()
  self.root = self:folder("root")
  self.url = "ftp://127.0.0.1:" .. self.port
  local words = {
    "/usr/bin/python3", "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", tostring(self.port),
    "-d", self.root,
  }
  if user then table.move({ "-u", user[1], "-P", user[2] }, 1, 4, #words + 1, words) end
  return self:run(words)
end

--- Starts the one that misbehaves, see spec/support/ftpfaults.lua: its files are of `size` bytes.
--- Fields: url, port.
---@param size integer
function ftpd.faulty(size)
  local self = service.new()
  self.url = "ftp://127.0.0.1:" .. self.port
  return self:run({ "lua5.4", "spec/support/ftpfaults.lua", tostring(self.port), tostring(size) })
end

local CERTIFICATE = [[
cd "$1" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out ca.pem &&
cat ca.pem key.pem >both.pem]]

--- Starts one behind TLS, with one file. Fields: url, port, ca (the certificate to trust).
---@param file string what it has
---@param plain "plain"|nil it doesn't encrypt that
function ftpd.secure(file, plain)
  local self = service.new()
  self.url, self.ca = "ftps://127.0.0.1:" .. self.port, self.prefix .. "/ca.pem"
  local made = helper.run({ "sh", "-c", CERTIFICATE, "sh", self.prefix })
  if made.status ~= 0 then error("no certificate: " .. made.stderr) end
  return self:run({
    "/usr/bin/python3", "spec/support/ftps.py", tostring(self.port), self.prefix .. "/both.pem",
    file, plain,
  })
end

return ftpd
