--- What a netrc file says.
-- SPDX-License-Identifier: MIT

local netrc = require("luadl.netrc")

local function refused(text)
  local list, message = netrc.parse(text)
  assert.is_nil(list)
  return message
end

describe("a netrc file", function()
  it("has logins by host, in order", function()
    assert.same({ { "a.org", "me:x" }, { "b.org", "you:y" }, { "", "anonymous:z" } }, netrc.parse(
      "machine a.org login me password x\nmachine b.org\n\tlogin you\r\n\tpassword y\n"
        .. "default login anonymous password z"))
  end)

  it("has words in quotes", function()
    assert.same({ { "a", 'me:a "b" \\ #' } },
      netrc.parse('machine "a" login me password "a \\"b\\" \\\\ #"'))
  end)

  it("has comments in lines of their own", function()
    assert.same({ { "a", "me:#x" } },
      netrc.parse("# machine c\nmachine a login me password #x\n  # login you\n"))
  end)

  it("has macros, which say nothing", function()
    assert.same({ { "a", "me:x" }, { "b", "you:y" } }, netrc.parse(
      "machine a login me password x\nmacdef init\nmachine c login no\nbin\n\nmachine b login you "
        .. "password y"))
  end)

  it("has entries without a login, which count for nothing", function()
    assert.same({ { "b", "me:" } },
      netrc.parse("machine a password x account y machine b login me"))
  end)

  it("may be empty", function()
    assert.same({}, netrc.parse(""))
    assert.same({}, netrc.parse("\n# nothing\n \n"))
  end)

  it("is refused with the line that is wrong, and without its words", function()
    assert.matches("^line 2: ", refused("machine a\nsecret b"))
    assert.is_nil(refused("machine a\nsecret b"):find("secret", 1, true))
    assert.matches("^line 1: 'login' before any 'machine'", refused("login me"))
    assert.matches("'password' has no value", refused("machine a login me password"))
    assert.matches("^line 1: a quote without its end", refused('machine a login "me\npassword x'))
    assert.matches("^line 1: control characters", refused("machine a login me password a\1b"))
    assert.matches("^line 1: control characters", refused('machine a login "a\\r\\nX: 1"'))
  end)
end)
