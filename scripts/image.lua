-- Fetches a container image as an OCI layout; every part of it is checked against its digest.
-- luadl run scripts/image.lua https://registry-1.docker.io library/alpine 3.20 alpine

local luadl = require("luadl")
local digest = require("luadl.digest")
local json = require("luadl.json")
local sys = require("luadl.sys")

if not arg[4] then return nil, "usage: image.lua REGISTRY NAME TAG FOLDER" end
local base, tag, dir = ("%s/v2/%s/"):format(arg[1], arg[2]), arg[3], arg[4]
local OCI, DOCKER = "application/vnd.oci.image.", "application/vnd.docker.distribution."
local headers = { Accept = OCI .. "index.v1+json, " .. OCI .. "manifest.v1+json, "
  .. DOCKER .. "manifest.list.v2+json, " .. DOCKER .. "manifest.v2+json" }
local session = assert(luadl.session())

local function fetch_manifest(reference)
  local page = assert(session:fetch(base .. "manifests/" .. reference, { headers = headers }))
  if page.status == 401 and not headers.Authorization then
    local asked = {} -- Bearer realm="...",service="...",scope="..."
    local challenge = page.headers:get("WWW-Authenticate")
    for name, value in challenge:gmatch('(%w+)="([^"]*)"') do asked[name] = value end
    local query = { service = asked.service, scope = asked.scope }
    local answer = assert(session:fetch(asked.realm, { query = query, check = true }))
    local given = assert(answer:json())
    headers.Authorization = "Bearer " .. (given.token or given.access_token)
    return fetch_manifest(reference)
  end
  local id = "sha256:" .. digest.hex("sha256", assert(page:check()).body)
  assert(reference == tag or reference == id, "the manifest has another digest")
  return page, id
end

local page, id = fetch_manifest(tag)
for _, each in ipairs(assert(page:json()).manifests or {}) do
  local platform = each.platform or {}
  local is_ours = platform.os == "linux" and platform.architecture == "amd64"
  if is_ours then page, id = fetch_manifest(each.digest) end
end
local manifest = assert(page:json())
local parts = { [manifest.config.digest] = true } -- a layer may be there several times
for _, layer in ipairs(manifest.layers) do parts[layer.digest] = true end

assert(sys.make_directories(dir .. "/blobs/sha256"))
local group = luadl.group(luadl.context.background(), { limit = 3 })
for part in pairs(parts) do
  local output = ("%s/blobs/%s"):format(dir, part:gsub(":", "/"))
  group:go(function(ctx)
    return session:get({ url = base .. "blobs/" .. part, output = output, checksum = part,
      headers = headers, exists = "skip", context = ctx })
  end)
end
assert(group:wait())

local function write(name, bytes)
  assert(assert(io.open(dir .. "/" .. name, "wb")):write(bytes)):close()
end
write("blobs/sha256/" .. id:sub(8), page.body)
write("oci-layout", '{"imageLayoutVersion":"1.0.0"}')
local entry = { mediaType = page.headers:get("Content-Type"), digest = id, size = #page.body }
write("index.json", json.encode({ schemaVersion = 2, manifests = { entry } }))
