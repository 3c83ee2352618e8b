--- Digests for scripts, by the published vectors.
-- SPDX-License-Identifier: MIT

local codec = require("luadl.codec")
local digest = require("luadl.digest")
local helper = require("spec.support.helper")

before_each(helper.begin)
after_each(helper.finish)

-- "" and "abc" (RFC 1321, FIPS 180-4, FIPS 202, RFC 7693).
local ABC = {
  md5 = "900150983cd24fb0d6963f7d28e17f72",
  sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d",
  sha224 = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
  sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  sha384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    .. "8086072ba1e7cc2358baeca134c825a7",
  sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ["sha512-256"] = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
  ["sha3-256"] = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
  blake2b512 = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    .. "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
  blake2s256 = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
}

describe("luadl.digest", function()
  it("has the published value of 'abc' for each algorithm", function()
    for algorithm, value in pairs(ABC) do assert.equal(value, digest.hex(algorithm, "abc")) end
  end)

  it("has those of longer messages", function()
    local two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      digest.hex("sha256", two_blocks))
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      digest.hex("sha256", ("a"):rep(1000000)))
    assert.equal("d41d8cd98f00b204e9800998ecf8427e", digest.hex("md5", ""))
  end)

  it("knows an algorithm in any spelling, and throws at none of its own", function()
    for _, name in ipairs({ "SHA-256", "sha_256", "Sha256" }) do
      assert.equal("sha256", digest.supports(name))
      assert.equal(ABC.sha256, digest.hex(name, "abc"))
    end
    assert.is_nil(digest.supports("crc32"))
    assert.error_matches(function() digest.new("crc32") end, "unknown digest algorithm 'crc32'")
    assert.error_matches(function() digest.hex("md5", 7) end, "must be a string")
  end)

  it("takes bytes piece by piece, and can be asked in between", function()
    local whole = digest.new("sha256"):update("a")
    assert.equal(digest.hex("sha256", "a"), whole:hex())
    assert.equal(ABC.sha256, whole:update(""):update("bc"):hex())
    assert.equal(codec.hex_decode(ABC.sha256), whole:raw())
  end)

  it("reads files", function()
    local path = helper.tmpdir() .. "/file"
    helper.write(path, ("a"):rep(1000000))
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      digest.file("sha256", path))
  end)

  it("says why it can't read one", function()
    local folder = helper.tmpdir()
    for _, path in ipairs({ folder, folder .. "/none" }) do
      local value, err = digest.file("sha256", path)
      assert.is_nil(value)
      assert.equal("io", err.kind)
      assert.equal(path, err.path)
    end
  end)
end)

-- RFC 4231, section 4: key, data, SHA-256, the beginning of SHA-512.
local HMAC = {
  { ("\x0b"):rep(20), "Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", "87aa7cdea5ef619d" },
  { "Jefe", "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "164b7a7bfcf819e2" },
  { ("\xaa"):rep(20), ("\xdd"):rep(50),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", "fa73b0089d56a284" },
  { codec.hex_decode("0102030405060708090a0b0c0d0e0f10111213141516171819"), ("\xcd"):rep(50),
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", "b0ba465637458c69" },
  { ("\xaa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "80b24263c7c1a3eb" },
}

describe("digest.hmac", function()
  it("has the values of RFC 4231", function()
    for _, case in ipairs(HMAC) do
      assert.equal(case[3], digest.hmac("sha256", case[1], case[2]))
      assert.equal(case[4], digest.hmac("sha512", case[1], case[2]):sub(1, 16))
      assert.equal(codec.hex_decode(case[3]), digest.hmac("sha256", case[1], case[2], true))
    end
  end)

  it("takes an empty key and empty bytes", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
      digest.hmac("sha256", "", ""))
  end)
end)

describe("digest.equal", function()
  it("compares strings", function()
    assert.is_true(digest.equal("", ""))
    assert.is_true(digest.equal("a\0b", "a\0b"))
    assert.is_false(digest.equal("a\0b", "a\0c"))
    assert.is_false(digest.equal("a", "ab"))
  end)
end)

describe("an integrity text", function()
  it("is made and checked", function()
    local text = digest.sri("sha384", "alert('Hello, world.');")
    assert.equal("sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO", text)
    assert.is_true(digest.sri_check(text, "alert('Hello, world.');"))
    local ok, err = digest.sri_check(text, "alert('Hello, moon.');")
    assert.is_nil(ok)
    assert.equal("checksum", err.kind)
  end)

  it("counts by its strongest algorithm, and any value of that", function()
    local good, bad = digest.sri("sha512", "x"), digest.sri("sha512", "y")
    assert.is_true(digest.sri_check(digest.sri("sha1", "z") .. " " .. bad .. "\n" .. good, "x"))
    assert.is_nil(digest.sri_check(digest.sri("sha256", "x") .. " " .. bad, "x"))
  end)

  it("may have options, and what nobody knows", function()
    assert.is_true(digest.sri_check("sha999-AAAA " .. digest.sri("sha256", "x") .. "?ct=a/b", "x"))
  end)

  it("is refused when nothing in it can be checked", function()
    for _, text in ipairs({ "", "sha512-", "sha512-AAAA", "md5-1B2M2Y8AsgTpgAmY7PhCfg==", "-" }) do
      local wanted, err = digest.sri_parse(text)
      assert.is_nil(wanted)
      assert.equal("usage", err.kind)
    end
  end)

  it("is checked for a file", function()
    local path = helper.tmpdir() .. "/file"
    helper.write(path, "x")
    assert.is_true(digest.sri_check_file(digest.sri("sha1", "x"), path))
    local _, err = digest.sri_check_file(digest.sri("sha1", "y"), path)
    assert.equal(path, err.path)
  end)
end)
