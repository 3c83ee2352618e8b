--- Terminal text: what is escaped, how wide it is, where it is cut.
-- SPDX-License-Identifier: MIT

local text = require("luadl.text")

local ACUTE = "e\204\129" -- e and U+0301
local RUSSIAN = "\208\150"
local HAN = "\230\188\162" -- two columns

describe("text.trim", function()
  it("drops white space at both ends, in a time that grows with its length only", function()
    assert.equal("a \n b", text.trim(" \t\r\na \n b\v\f "))
    assert.equal("", text.trim(""))
    assert.equal("", text.trim((" "):rep(1000000)))
    assert.equal("x", text.trim((" "):rep(1000000) .. "x" .. (" "):rep(1000000)))
  end)
end)

describe("text.clean", function()
  it("leaves letters of any script as they are", function()
    for _, plain in ipairs({ "big file.iso", RUSSIAN, HAN, ACUTE, "\240\159\152\128" }) do
      assert.equal(plain, text.clean(plain))
    end
  end)

  it("shows controls, bidi marks, invisible characters and broken bytes as \\xNN", function()
    for bytes, shown in pairs({
      ["\27[2J"] = "\\x1B[2J",
      ["a\nb\r\0"] = "a\\x0Ab\\x0D\\x00",
      ["\127"] = "\\x7F",
      ["\194\155m"] = "\\xC2\\x9Bm", -- U+009B, CSI
      ["\226\128\174gpj.exe"] = "\\xE2\\x80\\xAEgpj.exe", -- U+202E
      ["\226\129\166"] = "\\xE2\\x81\\xA6", -- U+2066
      ["\226\128\139"] = "\\xE2\\x80\\x8B", -- U+200B
      ["\239\187\191"] = "\\xEF\\xBB\\xBF", -- U+FEFF
      ["\243\160\129\129"] = "\\xF3\\xA0\\x81\\x81", -- a tag character
      ["caf\233"] = "caf\\xE9",
      ["\192\175"] = "\\xC0\\xAF", -- overlong
      ["\237\160\128"] = "\\xED\\xA0\\x80", -- a surrogate
      ["\244\144\128\128"] = "\\xF4\\x90\\x80\\x80", -- above U+10FFFF
      ["\226\130"] = "\\xE2\\x82", -- cut off
    }) do
      assert.equal(shown, text.clean(bytes))
    end
  end)
end)

describe("text.utf8", function()
  it("replaces each byte that isn't UTF-8", function()
    assert.equal("caf\239\191\189", text.utf8("caf\233"))
    assert.equal("a" .. HAN .. "\n", text.utf8("a" .. HAN .. "\n"))
  end)
end)

describe("text.width", function()
  it("counts columns, not bytes", function()
    assert.equal(3, text.width("abc"))
    assert.equal(1, text.width(RUSSIAN))
    assert.equal(1, text.width(ACUTE))
    assert.equal(4, text.width(HAN .. HAN))
  end)
end)

describe("text.fit", function()
  it("keeps what fits", function()
    assert.equal("abcdefgh", text.fit("abcdefgh", 8))
  end)

  it("cuts in the middle, so that the extension stays", function()
    assert.equal("a-very...tar.gz", text.fit("a-very-long-name.tar.gz", 15))
    assert.equal("a-very-….tar.gz", text.fit("a-very-long-name.tar.gz", 15, true))
  end)

  it("never exceeds the columns and never cuts a character", function()
    local name = ACUTE .. HAN:rep(10) .. ACUTE:rep(5) .. RUSSIAN:rep(7) .. ".iso"
    for columns = 0, text.width(name) do
      local fitted = text.fit(name, columns, columns % 2 == 0)
      assert.is_true(text.width(fitted) <= columns)
      assert.equal(fitted, text.clean(fitted))
    end
  end)
end)

describe("text.pad", function()
  it("fills or cuts to exactly the columns", function()
    for columns = 7, 20 do
      assert.equal(columns, text.width(text.pad(HAN:rep(6), columns)))
      assert.equal(columns, text.width(text.pad("x", columns)))
    end
  end)
end)
