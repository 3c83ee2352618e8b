-- A real nginx as the current user: free ports, a prefix of its own, nothing of the system touched.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local process = require("spec.support.process")
local root = require("spec.support.root")
local service = require("spec.support.service")

local nginx = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.nginx" }

local CONFIG = [[
daemon off;
%(user)
worker_processes %(workers);
pid %(prefix)/nginx.pid;
events { worker_connections 1024; }
http {
  access_log %(prefix)/access.log;
  client_body_temp_path %(prefix)/body;
  proxy_temp_path %(prefix)/proxy;
  fastcgi_temp_path %(prefix)/fastcgi;
  uwsgi_temp_path %(prefix)/uwsgi;
  scgi_temp_path %(prefix)/scgi;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout %(keepalive);
  keepalive_requests 100000;
  limit_conn_zone $server_name zone=all:1m;
  server {
    listen 127.0.0.1:%(port);
    server_name luadl.test;
    root "%(root)";
%(settings)
  }
}
]]

local function append(lines, pattern, ...)
  lines[#lines + 1] = "    " .. pattern:format(...)
end

local function write_password(prefix, auth)
  helper.write(prefix .. "/password", auth[1] .. ":{PLAIN}" .. auth[2] .. "\n")
end

local function settings_of(opts, prefix, tls_port)
  local lines = {}
  if tls_port then
    append(lines, "listen 127.0.0.1:%d ssl%s;", tls_port, opts.http2 and " http2" or "")
    append(lines, "ssl_certificate %s/server.pem;", prefix)
    append(lines, "ssl_certificate_key %s/server.key;", prefix)
  end
  if opts.rate then
    append(lines, "limit_rate %s;", tostring(opts.rate))
  end
  if opts.limit_conn then
    append(lines, "limit_conn all %d;", opts.limit_conn)
    append(lines, "limit_conn_status %d;", opts.limit_status or 503)
  end
  if opts.auth then
    write_password(prefix, opts.auth)
    append(lines, 'auth_basic "luadl"; auth_basic_user_file %s/password;', prefix)
  end
  append(lines, "%s", opts.config or "")
  return table.concat(lines, "\n")
end

-- A CA and a certificate that it signed for 127.0.0.1 and localhost.
local CERTIFICATES = [[
set -e
cd "$1"
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 2 -subj "/CN=luadl spec CA" -out ca.pem
openssl ecparam -name prime256v1 -genkey -noout -out server.key
openssl req -new -key server.key -subj "/CN=localhost" -out server.csr
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
  -days 2 -extfile server.ext -out server.pem
]]

local function make_certificates(prefix)
  local made = helper.run({ "sh", "-c", CERTIFICATES, "sh", prefix })
  if made.status ~= 0 then
    error("no certificates: " .. made.stderr)
  end
  return prefix .. "/ca.pem"
end

local function write_config(self, opts)
  local values = {
    user = root.is() and "user root;" or "",
    workers = opts.workers or 1,
    prefix = self.prefix,
    keepalive = opts.keepalive or 60,
    port = self.port,
    root = self.root,
    settings = settings_of(opts, self.prefix, self.tls_port),
  }
  helper.write(self.prefix .. "/nginx.conf", (CONFIG:gsub("%%%((%w+)%)", values)))
end

local function add_tls(self)
  self.ca = make_certificates(self.prefix)
  self.tls_port = helper.free_port()
  self.tls_url = "https://127.0.0.1:" .. self.tls_port
end

--- Starts one. `opts`: root (else a fresh folder), rate (bytes a second and connection), tls =
--- true, http2 = true (over TLS), limit_conn and limit_status (503), auth = { user, password },
--- keepalive (seconds; 0 closes after each answer), workers (1), config (further lines of the
--- server block). Fields: url, port, root, prefix; with tls also tls_url, tls_port, ca.
---@param opts? table
function nginx.start(opts)
  opts = opts or {}
  local self = setmetatable({ prefix = helper.make_folder(), port = helper.free_port() }, metatable)
  self.url = "http://127.0.0.1:" .. self.port
  self.root = opts.root or self.prefix .. "/root"
  lfs.mkdir(self.root)
  if opts.tls then
    add_tls(self)
  end
  write_config(self, opts)
  self.child = process.spawn({ "nginx", "-p", self.prefix, "-e", "error.log", "-c", "nginx.conf" })
  service.wait(self, "nginx", self.prefix .. "/error.log")
  return self
end

--- The lines of the access log so far.
function methods:log()
  return helper.read(self.prefix .. "/access.log") or ""
end

--- Ends it and removes its folder; a root that was given stays.
function methods:stop()
  self.child:stop()
  helper.remove_folder(self.prefix)
end

return nginx
