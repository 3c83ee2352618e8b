--- scripts/s3.lua: a listing over several pages, and signatures that are checked as S3 does it.
-- SPDX-License-Identifier: MIT

local digest = require("luadl.digest")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")
local server = require("spec.support.server")

local SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
local EMPTY = digest.hex("sha256", "")

-- What Amazon's guide gives as an example of a signed listing.
local EXAMPLE = server.request({
  method = "GET",
  target = "/?max-keys=2&prefix=J",
  headers = {
    { "Host", "examplebucket.s3.amazonaws.com" },
    { "x-amz-content-sha256", EMPTY },
    { "x-amz-date", "20130524T000000Z" },
    { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
      .. "aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
      .. "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
  },
})

-- The signature that a request must have: Signature Version 4, from the request alone.
local function signature(request, signed, scope)
  local path, query = request.target:match("^([^?]*)%??(.*)$")
  local lines = { request.method, path, query }
  for name in signed:gmatch("[^;]+") do lines[#lines + 1] = name .. ":" .. request:header(name) end
  lines[#lines + 1] = "\n" .. signed .. "\n" .. request:header("x-amz-content-sha256")
  local asked = digest.hex("sha256", table.concat(lines, "\n"))
  local key = "AWS4" .. SECRET
  for step in scope:gmatch("[^/]+") do key = digest.hmac("sha256", key, step, true) end
  return digest.hmac("sha256", key,
    table.concat({ "AWS4-HMAC-SHA256", request:header("x-amz-date"), scope, asked }, "\n"))
end

local function assert_signed(request, region)
  local id, scope, signed, given = request:header("authorization"):match(
    "^AWS4%-HMAC%-SHA256 Credential=(%w+)/([^,]+),SignedHeaders=([^,]+),Signature=(%x+)$")
  assert.equal("AKIAIOSFODNN7EXAMPLE", id)
  local day = request:header("x-amz-date"):sub(1, 8)
  assert.equal(("%s/%s/s3/aws4_request"):format(day, region), scope)
  assert.equal(signature(request, signed, scope), given)
end

local function object(key)
  return ("<Contents><Key>%s</Key><Size>1</Size></Contents>"):format(key)
end

local function listing(...)
  return '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    .. table.concat({ ... }) .. "</ListBucketResult>"
end

describe("scripts/s3.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    site:record("/bucket/", {
      { query = "list-type=2&prefix=logs%2Fa", body = listing(object("logs/a.txt"),
        object("logs/a/"), object("logs/a/b &amp; c/d+e.txt"),
        "<NextContinuationToken>t/2=</NextContinuationToken>") },
      { query = "continuation-token=t%2F2%3D&list-type=2&prefix=logs%2Fa",
        body = listing(object("logs/a/z.txt")) },
    })
    site:record("/bucket/logs/a.txt", { body = "1" })
    site:record("/bucket/logs/a/b%20%26%20c/d%2Be.txt", { body = "2" })
    site:record("/bucket/logs/a/z.txt", { body = "3" })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function copy(region, token)
    local env = { AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY = SECRET }
    env.AWS_SESSION_TOKEN = token
    return recorded.load("s3", "--set", "region=" .. region, "-d", folder,
      site.url .. "/bucket/logs/a", { env = env })
  end

  it("copies what is below the prefix, page by page, in its folders", function()
    local result = copy("us-east-1")
    assert.equal(0, result.status, result.stderr)
    assert.equal("1", helper.read(folder .. "/a.txt"))
    assert.equal("2", helper.read(folder .. "/a/b & c/d+e.txt"))
    assert.equal("3", helper.read(folder .. "/a/z.txt"))
    assert.equal(2, #site:requests("/bucket/"))
  end)

  it("signs each request", function()
    assert_signed(EXAMPLE, "us-east-1") -- so it is checked rightly
    copy("us-east-1")
    assert_signed(site:requests("/bucket/")[1], "us-east-1")
    assert_signed(site:requests("/bucket/")[2], "us-east-1")
    assert_signed(site:requests("/bucket/logs/a/b%20%26%20c/d%2Be.txt")[1], "us-east-1")
  end)

  it("signs the token of a role, too, and for another region", function()
    local result = copy("eu-west-1", "role")
    assert.equal(0, result.status, result.stderr)
    local request = site:requests("/bucket/logs/a.txt")[1]
    assert_signed(request, "eu-west-1")
    assert.equal("role", request:header("x-amz-security-token"))
    assert.is_truthy(request:header("authorization"):find(";x-amz-security-token,", 1, true))
  end)
end)
