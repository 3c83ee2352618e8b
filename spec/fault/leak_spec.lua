--- What a redirect takes along, for every pair of scheme, host and port, and every kind of secret
-- (rows H62, H63 and S2), read at real servers; redirect_spec.lua has the single cases.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")

local SECRETS = {
  ["Authorization"] = "Bearer token", ["Cookie"] = "session=1", ["X-Api-Key"] = "key",
  ["Proxy-Authorization"] = "Basic cHJveHk=", ["Referer"] = "http://inside.example/page",
  ["Origin"] = "http://inside.example", ["X-Amz-Security-Token"] = "token",
}
local NAMES = {
  "Authorization", "Cookie", "Origin", "Proxy-Authorization", "Referer", "X-Amz-Security-Token",
  "X-Api-Key",
}
local LOGIN = { ["Authorization"] = "Basic dXNlcjpzZWNyZXQ=" } -- user:secret

local KINDS = {
  { name = "headers", opts = { headers = SECRETS }, told = SECRETS },
  { name = "a login", opts = { user = "user:secret" }, told = LOGIN },
  { name = "a login in the URL", in_url = true, told = LOGIN },
}
local SCHEMES, HOSTS = { "http", "https" }, { "127.0.0.1", "localhost" }

local servers, session

local function echo()
  local variables = {}
  for index, name in ipairs(NAMES) do
    variables[index] = "$http_" .. name:lower():gsub("-", "_")
  end
  return ([[
    location /echo { return 200 "%s|"; }
    location /go { return 302 $arg_to; }
  ]]):format(table.concat(variables, "|"))
end

-- What a server saw, as the lines that were to be seen.
local function seen_in(path)
  local found, index = {}, 0
  for value in helper.read(path):gmatch("([^|]*)|") do
    index = index + 1
    if value ~= "" then found[NAMES[index]] = value end
  end
  return found
end

local function base(place)
  local server = servers[place.server]
  local port = place.scheme == "https" and server.tls_port or server.port
  return ("%s://%s:%d"):format(place.scheme, place.host, port)
end

local function same_origin(a, b)
  return a.scheme == b.scheme and a.host == b.host and a.server == b.server
end

local function places(of_servers)
  local list = {}
  for _, number in ipairs(of_servers) do
    for _, scheme in ipairs(SCHEMES) do
      for _, host in ipairs(HOSTS) do
        list[#list + 1] = { scheme = scheme, host = host, server = number }
      end
    end
  end
  return list
end

local function label(place)
  return ("%s://%s on server %d"):format(place.scheme, place.host, place.server)
end

local function ask(from, to, kind, opts)
  local url = ("%s/go?to=%s/echo"):format(base(from), base(to))
  local options = { url = url, cacert = servers.ca, exists = "replace", output = "seen" }
  if kind.in_url then options.url = url:gsub("//", "//user:secret@", 1) end
  return session:get(merged(options, kind.opts, opts))
end

describe("a redirect", function()
  setup(function()
    local opts = { tls = true, config = echo() }
    servers = { nginx.start(opts), nginx.start(opts) }
    local bundle = helper.read(servers[1].ca) .. helper.read(servers[2].ca)
    servers.folder = helper.make_folder()
    servers.ca = servers.folder .. "/ca.pem"
    helper.write(servers.ca, bundle)
  end)
  teardown(function()
    servers[1]:stop()
    servers[2]:stop()
    helper.remove_folder(servers.folder)
  end)
  before_each(function()
    helper.begin()
    session = assert(luadl.session({ dir = helper.tmpdir(), retry = 0 }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  local function check(from, to, told, opts)
    for _, kind in ipairs(KINDS) do
      local result = assert(ask(from, to, kind, opts))
      assert.same(told and kind.told or {}, seen_in(result.path), kind.name)
    end
  end

  for _, from in ipairs(places({ 1 })) do
    for _, to in ipairs(places({ 1, 2 })) do
      local way = ("from %s to %s"):format(label(from), label(to))
      local same = same_origin(from, to)
      local downgrade = from.scheme == "https" and to.scheme == "http"

      if downgrade then
        it("H62: " .. way .. " is refused", function()
          for _, kind in ipairs(KINDS) do
            local result, err = ask(from, to, kind, {})
            assert.is_nil(result)
            assert.equal("redirect_forbidden", err.kind)
            assert.is_nil(tostring(err):find("secret", 1, true))
          end
        end)
      end

      it(("H63: %s %s"):format(way, same and "keeps all" or "keeps nothing"), function()
        check(from, to, same, { allow_downgrade = downgrade })
      end)

      it(("H63: %s, trusted, keeps %s"):format(way, downgrade and "nothing" or "all"), function()
        check(from, to, not downgrade, {
          allow_downgrade = downgrade, trusted_hosts = { to.host },
        })
      end)

      if not same then
        it("H63: " .. way .. " trusts no host but those named", function()
          local other = to.host == HOSTS[1] and HOSTS[2] or HOSTS[1]
          check(from, to, false, {
            allow_downgrade = downgrade,
            trusted_hosts = { other, to.host .. ".example", "x" .. to.host, "*" },
          })
        end)
      end
    end
  end
end)
