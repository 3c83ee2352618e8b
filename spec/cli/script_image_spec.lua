--- scripts/image.lua: a container image by digest, from a registry that wants a token.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local json = require("luadl.json")
local recorded = require("spec.support.recorded")

local CHALLENGE = 'Bearer realm="{site}/token",service="registry",scope="repository:lib/app:pull"'
local REFUSED = { status = 401, headers = { { "WWW-Authenticate", CHALLENGE } } }
local TOKEN = { authorization = "^Bearer t0ken$" }

local function id_of(bytes)
  return "sha256:" .. digest.hex("sha256", bytes)
end

local function encode(value)
  return assert(json.encode(value))
end

local TYPE = "application/vnd.oci.image.manifest.v1+json"
local CONFIG, LAYER = '{"architecture":"amd64"}', ("layer"):rep(1000)
local MANIFEST = encode({
  config = { digest = id_of(CONFIG), size = #CONFIG },
  layers = { { digest = id_of(LAYER), size = #LAYER }, { digest = id_of(LAYER), size = #LAYER } },
})
local INDEX = encode({ manifests = {
  { digest = id_of("attestation") },
  { digest = id_of("other"), platform = { os = "linux", architecture = "arm64" } },
  { digest = id_of(MANIFEST), platform = { os = "linux", architecture = "amd64" } },
} })

describe("scripts/image.lua", function()
  local registry, cdn, folder

  -- Blobs lie on another host, which gets no token.
  local function record_blob(bytes, given)
    local path = "/blob/" .. id_of(bytes)
    local location = cdn:record(path, { with = { authorization = "^$" }, body = given or bytes })
    registry:record("/v2/lib/app/blobs/" .. id_of(bytes), {
      { with = TOKEN, status = 307, headers = { { "Location", location } } }, REFUSED,
    })
  end

  before_each(function()
    helper.begin()
    registry, cdn, folder = recorded.start(), recorded.start(), helper.tmpdir() .. "/app"
    registry:record("/token", {
      query = "scope=repository%3Alib%2Fapp%3Apull&service=registry", body = '{"token":"t0ken"}',
    })
    registry:record("/v2/lib/app/manifests/1.0", { { with = TOKEN, body = INDEX }, REFUSED })
    registry:record("/v2/lib/app/manifests/" .. id_of(MANIFEST), {
      with = TOKEN, headers = { { "Content-Type", TYPE } }, body = MANIFEST,
    })
    record_blob(CONFIG)
    record_blob(LAYER)
  end)

  after_each(function()
    registry:stop()
    cdn:stop()
    helper.finish()
  end)

  local function fetch()
    return recorded.run("image", registry.url, "lib/app", "1.0", folder)
  end

  local function blob(id)
    return helper.read(folder .. "/blobs/" .. id:gsub(":", "/"))
  end

  it("fetches manifest, configuration and layers into an OCI layout", function()
    local result = fetch()
    assert.equal(0, result.status, result.stderr)
    assert.equal(MANIFEST, blob(id_of(MANIFEST)))
    assert.equal(CONFIG, blob(id_of(CONFIG)))
    assert.equal(LAYER, blob(id_of(LAYER)))
    local index = json.decode(helper.read(folder .. "/index.json"))
    assert.same({ mediaType = TYPE, digest = id_of(MANIFEST), size = #MANIFEST },
      index.manifests[1])
    assert.is_truthy(helper.read(folder .. "/oci-layout"):find("1.0.0", 1, true))
  end)

  it("fetches a layer that is there twice once, and none that is there already", function()
    assert.equal(0, fetch().status)
    assert.equal(0, fetch().status)
    assert.equal(1, #cdn:requests("/blob/" .. id_of(LAYER)))
  end)

  it("keeps no blob whose digest is another", function()
    record_blob(LAYER, ("LAYER"):rep(1000))
    local result = fetch()
    assert.equal(32, result.status)
    assert.matches("^luadl: its sha256 is [^\n]*\n$", result.stderr)
    assert.is_nil(blob(id_of(LAYER)))
    assert.is_nil(helper.read(folder .. "/index.json"))
  end)

  it("refuses a manifest whose digest is another", function()
    registry:record("/v2/lib/app/manifests/" .. id_of(MANIFEST), { body = "{}" })
    local result = fetch()
    assert.equal(1, result.status)
    assert.is_truthy(result.stderr:find("another digest", 1, true), result.stderr)
  end)
end)
