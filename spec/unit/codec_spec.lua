--- Encodings for scripts, by the published vectors, whole and in pieces.
-- SPDX-License-Identifier: MIT

local codec = require("luadl.codec")
local random = require("spec.support.random")

local function bytes_of(generator, size)
  local bytes = {}
  for index = 1, size do bytes[index] = string.char(generator(0, 255)) end
  return table.concat(bytes)
end

local function refused(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err.kind)
end

describe("codec.base64", function()
  -- RFC 4648, section 10.
  local VECTORS = {
    [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
    foobar = "Zm9vYmFy", ["\0"] = "AA==", ["\255\254\253\252"] = "//79/A==",
  }

  it("has the published values", function()
    for bytes, text in pairs(VECTORS) do
      assert.equal(text, codec.base64_encode(bytes))
      assert.equal(bytes, codec.base64_decode(text))
      assert.equal(bytes, codec.base64_decode((text:gsub("=", ""))))
    end
  end)

  it("has an alphabet for URLs, without padding unless it is asked for", function()
    local bytes = "\255\254\253\252"
    assert.equal("__79_A", codec.base64_encode(bytes, { url = true }))
    assert.equal("__79_A==", codec.base64_encode(bytes, { url = true, padding = true }))
    assert.equal(bytes, codec.base64_decode("__79_A", { url = true }))
    refused("encoding", codec.base64_decode("__79_A"))
    refused("encoding", codec.base64_decode("//79/A", { url = true }))
  end)

  it("refuses what isn't exactly base64", function()
    for _, text in ipairs({
      "A", "AA=", "A===", "====", "=", "AAAAA", "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zh==", "Zm9=",
      "\0AAA", "AA\0A", "Zm9v====", "é===",
    }) do
      refused("encoding", codec.base64_decode(text))
    end
  end)

  it("says at which byte", function()
    assert.equal("not base64 at byte 5", tostring(select(2, codec.base64_decode("Zm9v????"))))
  end)

  it("throws at options that it doesn't know", function()
    assert.error_matches(function() codec.base64_encode("", { urls = true }) end, "'urls'")
  end)
end)

describe("codec.hex", function()
  it("has two digits for each byte, and reads either case", function()
    assert.equal("00ff1a", codec.hex_encode("\0\255\26"))
    assert.equal("\0\255\26", codec.hex_decode("00FF1a"))
    assert.equal("", codec.hex_decode(""))
  end)

  it("refuses anything else", function()
    for _, text in ipairs({ "0", "000", "0g", "0x00", " 00", "0\0" }) do
      refused("encoding", codec.hex_decode(text))
    end
  end)
end)

describe("codec.gunzip", function()
  it("unpacks what gzip packed, at every level", function()
    local generator = random.new(1)
    for level = 0, 9 do
      local bytes = bytes_of(generator, 1000 * level) .. ("x"):rep(1000)
      assert.equal(bytes, codec.gunzip(codec.gzip(bytes, { level = level })))
    end
  end)

  it("reads what gzip(1) would: members in a row, and a tape's padding", function()
    local bytes = codec.gzip("one ") .. codec.gzip("") .. codec.gzip("two")
    assert.equal("one two", codec.gunzip(bytes))
    assert.equal("one two", codec.gunzip(bytes .. ("\0"):rep(512)))
  end)

  it("refuses what is cut, changed or followed by something", function()
    local bytes = codec.gzip(("0123456789"):rep(100))
    for size = 0, #bytes - 1 do refused("encoding", codec.gunzip(bytes:sub(1, size))) end
    refused("encoding", codec.gunzip(bytes .. "x"))
    refused("encoding", codec.gunzip("<html>"))
    local crc = bytes:sub(1, -9) .. "\0\0\0\0" .. bytes:sub(-4)
    refused("encoding", codec.gunzip(crc))
  end)

  it("H41: stops a bomb at its ratio", function()
    local bomb = codec.gzip(("\0"):rep(16 * 2 ^ 20))
    refused("too_large", codec.gunzip(bomb))
    assert.equal(16 * 2 ^ 20, #codec.gunzip(bomb, { max_ratio = 2000 }))
  end)

  it("H41: stops what gets larger than allowed", function()
    refused("too_large", codec.gunzip(codec.gzip(("x"):rep(1001)), { max_size = 1000 }))
    assert.equal(1000, #codec.gunzip(codec.gzip(("x"):rep(1000)), { max_size = 1000 }))
  end)
end)

describe("codec.inflate", function()
  it("unpacks zlib, and raw deflate on request", function()
    assert.equal("abc", codec.inflate(codec.deflate("abc")))
    assert.equal("abc", codec.inflate(codec.deflate("abc", { raw = true }), { raw = true }))
    refused("encoding", codec.inflate(codec.deflate("abc", { raw = true })))
    refused("encoding", codec.inflate(codec.gzip("abc")))
    refused("encoding", codec.inflate(codec.deflate("abc") .. "x"))
  end)
end)

-- NIST SP 800-38A, F.2 and F.5.
local PLAIN = codec.hex_decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
  .. "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
local KEYS = {
  "2b7e151628aed2a6abf7158809cf4f3c",
  "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
  "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
}
local AES = {
  { "cbc", 1, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    .. "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7" },
  { "cbc", 2, "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
    .. "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd" },
  { "cbc", 3, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
    .. "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b" },
  { "ctr", 1, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
    .. "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee" },
  { "ctr", 2, "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
    .. "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050" },
  { "ctr", 3, "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    .. "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6" },
}
local VECTORS = {
  cbc = codec.hex_decode("000102030405060708090a0b0c0d0e0f"),
  ctr = codec.hex_decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
}

describe("codec.aes", function()
  it("has the values of NIST", function()
    for _, case in ipairs(AES) do
      local mode, key, text = case[1], codec.hex_decode(KEYS[case[2]]), codec.hex_decode(case[3])
      local iv, bare = VECTORS[mode], { padding = false }
      assert.equal(PLAIN, codec.aes_decrypt(mode, key, iv, text, bare))
      assert.equal(text, codec.aes_encrypt(mode, key, iv, PLAIN, bare))
    end
  end)

  it("pads CBC to whole blocks, and CTR not at all", function()
    local key, iv = ("k"):rep(16), ("i"):rep(16)
    for size = 0, 33 do
      local plain = ("x"):rep(size)
      local text = codec.aes_encrypt("cbc", key, iv, plain)
      assert.equal(size - size % 16 + 16, #text)
      assert.equal(plain, codec.aes_decrypt("cbc", key, iv, text))
      assert.equal(size, #codec.aes_encrypt("ctr", key, iv, plain))
    end
  end)

  it("refuses cut blocks and wrong padding", function()
    local key, iv = ("k"):rep(16), ("i"):rep(16)
    refused("encoding", codec.aes_decrypt("cbc", key, iv, "short"))
    refused("encoding", codec.aes_decrypt("cbc", key, iv, ""))
    refused("encoding", codec.aes_decrypt("cbc", key, iv, ("\0"):rep(15)))
    local text = codec.aes_encrypt("cbc", key, iv, ("\0"):rep(16), { padding = false })
    refused("encoding", codec.aes_decrypt("cbc", key, iv, text))
  end)

  it("refuses keys and vectors of other lengths, and throws at other modes", function()
    for _, size in ipairs({ 0, 15, 17, 31, 33 }) do
      refused("usage", codec.aes_decrypt("cbc", ("k"):rep(size), ("i"):rep(16), ""))
      refused("usage", codec.filter.aes("ctr", ("k"):rep(16), ("i"):rep(size)))
    end
    assert.error_matches(function() codec.aes_decrypt("ecb", "", "", "") end, "'cbc' or 'ctr'")
  end)
end)

local function through(filter, bytes, generator)
  local pieces, at = {}, 1
  while at <= #bytes do
    local size = generator(0, 40)
    pieces[#pieces + 1] = assert(filter:update(bytes:sub(at, at + size - 1)))
    at = at + size
  end
  pieces[#pieces + 1] = assert(filter:finish())
  return table.concat(pieces)
end

describe("a filter", function()
  it("gives the same bytes in pieces of any size", function()
    local generator = random.new(7)
    local key, iv = ("k"):rep(32), ("i"):rep(16)
    for _ = 1, 20 do
      local plain = bytes_of(generator, generator(0, 500)) .. ("x"):rep(300)
      local packed = through(codec.filter.gzip(), plain, generator) .. codec.gzip(plain)
      assert.equal(plain .. plain, through(codec.filter.gunzip(), packed, generator))
      assert.equal(plain, through(codec.filter.inflate(), codec.deflate(plain), generator))
      for mode in pairs(VECTORS) do
        local text = through(codec.filter.aes(mode, key, iv, { encrypt = true }), plain, generator)
        assert.equal(codec.aes_encrypt(mode, key, iv, plain), text)
        assert.equal(plain, through(codec.filter.aes(mode, key, iv), text, generator))
      end
    end
  end)

  it("stays failed, and can't be used when it is finished", function()
    local filter = codec.filter.gunzip()
    refused("encoding", filter:update("no gzip at all"))
    refused("encoding", filter:update(codec.gzip("good")))
    refused("encoding", filter:finish())
    assert.error_matches(function() filter:update("") end, "finished")
    assert.error_matches(function() filter:finish() end, "finished")
  end)

  it("says when the end is missing", function()
    local filter = codec.filter.gunzip()
    assert(filter:update(codec.gzip("x"):sub(1, -2)))
    refused("encoding", filter:finish())
  end)

  it("H41: counts over all pieces", function()
    local filter, given, err = codec.filter.gunzip({ max_size = 100000 }), 0, nil
    local packed = codec.gzip(("x"):rep(200000))
    for at = 1, #packed do
      local bytes
      bytes, err = filter:update(packed:sub(at, at))
      if not bytes then break end
      given = given + #bytes
    end
    assert.equal("too_large", err.kind)
    assert.is_true(given <= 100000)
  end)
end)
