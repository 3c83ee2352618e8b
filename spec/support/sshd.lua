-- A real SFTP server: OpenSSH's, for the user who runs the specs, with keys of its own.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local root = require("spec.support.root")
local service = require("spec.support.service")

local sshd = {}

local CONFIG = [[
Port %d
ListenAddress 127.0.0.1
HostKey %s/host_key
AuthorizedKeysFile %s/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp %s
]]

-- After so many bytes of answers the connection is gone, or there is silence.
local function subsystem(opts)
  local kept = "/usr/lib/openssh/sftp-server | (stdbuf -o0 head -c %d; %s)"
  if opts.cut then return kept:format(opts.cut, "kill -9 $PPID") end
  if opts.silent then return kept:format(opts.silent, "cat >/dev/null") end
  return "internal-sftp"
end

local function make_key(path)
  local made = helper.run({ "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path })
  if made.status ~= 0 then error("no key: " .. made.stderr) end
end

-- "[127.0.0.1]:PORT TYPE KEY", as ssh itself writes it.
local function known_host(self, key)
  local words = helper.read(key .. ".pub"):match("^%S+ %S+")
  return ("[127.0.0.1]:%d %s\n"):format(self.port, words)
end

--- Starts one. `opts`: cut or silent = the number of bytes after which it breaks off or falls
--- silent. Fields: url, port, root (a folder; URLs are `url .. root .. "/name"`), user, key (a
--- private key that may log in), known_hosts (a file with its host key), wrong_hosts (one with
--- another key of the same host).
---@param opts? { cut: integer?, silent: integer? }
function sshd.start(opts)
  local self = service.new()
  self.root = self:folder("root")
  self.user = helper.run({ "id", "-un" }).stdout:match("%S+")
  self.url = "sftp://127.0.0.1:" .. self.port
  self.key = self.prefix .. "/user_key"
  self.known_hosts, self.wrong_hosts = self.prefix .. "/known_hosts", self.prefix .. "/wrong_hosts"
  for _, name in ipairs({ "/host_key", "/user_key", "/other_key" }) do
    make_key(self.prefix .. name)
  end
  helper.write(self.known_hosts, known_host(self, self.prefix .. "/host_key"))
  helper.write(self.wrong_hosts, known_host(self, self.prefix .. "/other_key"))
  helper.write(self.prefix .. "/config",
    CONFIG:format(self.port, self.prefix, self.prefix, subsystem(opts or {})))
  if root.is() then helper.run({ "mkdir", "-p", "/run/sshd" }) end -- root's sshd insists
  return self:run({ "/usr/sbin/sshd", "-D", "-e", "-f", self.prefix .. "/config" })
end

return sshd
