--- Values that a file has.
-- SPDX-License-Identifier: MIT

local attached = require("luadl.cli.attached")
local helper = require("spec.support.helper")

describe("an attached value", function()
  local file

  before_each(function()
    helper.begin()
    file = helper.tmpdir() .. "/value"
  end)
  after_each(helper.finish)

  it("is what was typed when it names no file", function()
    assert.equal("a@b", attached.read("text", "a@b"))
    assert.equal("@", attached.read("text", "@"))
    assert.same({ "X: 1" }, attached.read("lines", { "X: 1" }))
  end)

  it("is the file's bytes, its text, or its lines among others", function()
    helper.write(file, "a\r\n\nb\n")
    assert.equal("a\r\n\nb\n", attached.read("bytes", "@" .. file))
    assert.equal("a\r\n\nb", attached.read("text", "@" .. file))
    assert.same({ "x", "a", "b", "y" }, attached.read("lines", { "x", "@" .. file, "y" }))
  end)

  it("is none when the file can't be read", function()
    for _, form in ipairs({ "bytes", "text" }) do
      local value, message = attached.read(form, "@" .. file)
      assert.is_nil(value)
      assert.matches("No such file", message)
    end
    local value, message = attached.read("lines", { "X: 1", "@" .. file })
    assert.is_nil(value)
    assert.matches("No such file", message)
    value, message = attached.read("text", "@/")
    assert.is_nil(value)
    assert.matches("directory", message)
  end)
end)
