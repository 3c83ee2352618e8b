--- Checksums as people write them.
-- SPDX-License-Identifier: MIT

local checksum = require("luadl.checksum")

local EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
local EMPTY_SRI = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
local OTHER_SRI = ("A"):rep(43)
local SHA512_SRI = ("z"):rep(85) .. "Q"

local function wanted(algorithm, encoding, ...)
  return { algorithm = algorithm, encoding = encoding, values = { ... } }
end

describe("a checksum", function()
  it("is digits, with or without the algorithm's name", function()
    for _, text in ipairs({
      EMPTY, EMPTY:upper(), "sha256:" .. EMPTY, "SHA-256:" .. EMPTY, "sha256=" .. EMPTY,
    }) do
      assert.same(wanted("sha256", "hex", EMPTY), checksum.read(text))
    end
    assert.equal("md5", checksum.read(("0"):rep(32)).algorithm)
  end)

  it("is an integrity text, with or without padding and options", function()
    for _, text in ipairs({
      "sha256-" .. EMPTY_SRI .. "=", "sha256-" .. EMPTY_SRI, "SHA256-" .. EMPTY_SRI .. "=?ct=a/b",
      "sha256-" .. EMPTY_SRI:gsub("%+", "-"):gsub("/", "_"),
      "md5-AAAA sha999-AAAA sha1-AAAA\nsha256-" .. EMPTY_SRI .. "=",
    }) do
      assert.same(wanted("sha256", "base64", EMPTY_SRI), checksum.read(text))
    end
  end)

  it("of several algorithms is the strongest, and any value of it", function()
    local two = ("sha256-%s= sha1-%s= sha256-%s="):format(OTHER_SRI, ("A"):rep(27), EMPTY_SRI)
    assert.same(wanted("sha256", "base64", OTHER_SRI, EMPTY_SRI), checksum.read(two))
    assert.same(wanted("sha512", "base64", SHA512_SRI),
      checksum.read(two .. " sha512-" .. SHA512_SRI .. "=="))
  end)

  it("is refused with the reason", function()
    for text, words in pairs({
      ["sha256:abc"] = "64 digits", ["crc:abcd"] = "crc", ["abcd"] = "4 digits",
      ["sha512-AAAA"] = "integrity text", [""] = "ALGORITHM:HEX", ["rubbish!"] = "ALGORITHM:HEX",
    }) do
      local read, message = checksum.read(text)
      assert.is_nil(read)
      assert.truthy(message:find(words, 1, true), message)
    end
  end)
end)
