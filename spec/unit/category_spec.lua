--- Folders by rule: which rule fits a file.
-- SPDX-License-Identifier: MIT

local category = require("luadl.category")

local function folder(list, facts)
  return category.folder(assert(category.read(list)), facts)
end

describe("a category", function()
  for rule, fitting in pairs({
    ["video=*.mp4,*.mkv"] = { name = "Film.MKV" },
    ["images=image/*"] = { name = "x", type = "image/png" },
    ["cdn=@*.example.org"] = { name = "x", host = "a.example.org" },
    [" b =*.txt , a*b*c?,*.x "] = { name = "aabbcb" },
    ["n=*aa"] = { name = "aaa" },
    ["m=a*"] = { name = "a" },
    ["l=a**b*"] = { name = "ab" },
    ["six=@[::1]"] = { name = "x", host = "[::1]" },
    ["a/b=track?.*"] = { name = "track1.ogg" },
    ["odd=*(1)[2]%^$.x-y+z"] = { name = "n(1)[2]%^$.x-y+z" },
  }) do
    it("takes what fits " .. rule, function()
      assert.equal(rule:match("[^= ]+"), folder({ rule }, fitting))
    end)
  end

  for rule, other in pairs({
    ["video=*.mp4"] = { name = "mp4" },
    ["images=image/*"] = { name = "image/png", type = "text/html" },
    ["cdn=@*.example.org"] = { name = "x", host = "example.org" },
    ["some=a.c"] = { name = "abc" },
    ["twice=ab*ba"] = { name = "aba" },
    ["order=a*b*c"] = { name = "acb" },
    ["short=??"] = { name = "a" },
    ["types=image/*"] = { name = "x" },
  }) do
    it("leaves what doesn't fit " .. rule, function()
      assert.is_nil(folder({ rule }, other))
    end)
  end

  it("is as soon decided, whatever the server's name is", function()
    local rule = "x=" .. ("*a"):rep(40) .. "b"
    assert.is_nil(folder({ rule }, { name = ("a"):rep(255) }))
  end)

  it("is the first that fits", function()
    local list = { "a=*.tar.gz", "b=*.gz", "c=*" }
    assert.equal("a", folder(list, { name = "x.tar.gz" }))
    assert.equal("b", folder(list, { name = "x.gz" }))
    assert.equal("c", folder(list, { name = "x" }))
  end)

  for rule, words in pairs({
    ["*.mp4"] = "expected FOLDER=PATTERN",
    ["=*.mp4"] = "expected FOLDER=PATTERN",
    ["video="] = "expected FOLDER=PATTERN",
    ["video=, ,"] = "expected FOLDER=PATTERN",
    [" =*.mp4"] = "expected FOLDER=PATTERN",
    ["/video=*"] = "isn't below",
    ["a/../b=*"] = "isn't below",
    ["x=*.mp4, @a.org:80"] = "without scheme, port and path, not as '@a.org:80'",
    ["x=@[::1]:80"] = "without scheme, port and path",
    ["x=@*:*"] = "without scheme, port and path",
    ["x=@https://a.org"] = "without scheme, port and path",
  }) do
    it("is refused as " .. rule, function()
      local rules, message = category.read({ rule })
      assert.is_nil(rules)
      assert.is_truthy(message:find(words, 1, true), message)
    end)
  end
end)
