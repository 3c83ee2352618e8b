--- URLs for scripts: parts, references, encodings, queries.
-- SPDX-License-Identifier: MIT

local url = require("luadl.url")

local function refused(value, err)
  assert.is_nil(value)
  assert.equal("bad_url", err.kind)
  return err
end

describe("url.parse", function()
  it("takes a URL apart, parts as they stand there", function()
    assert.same({
      scheme = "https", user = "me", password = "p%40ss", host = "example.org", port = 8443,
      path = "/a%20b/c", query = "x=1&y=%26", fragment = "sha256=abc",
    }, url.parse("HTTPS://me:p%40ss@Example.ORG:8443/a%20b/c?x=1&y=%26#sha256=abc"))
  end)

  it("has a path in any case, and no part that isn't there", function()
    assert.same({ scheme = "http", host = "host.test", path = "/" }, url.parse("http://host.test"))
    assert.same("[::1]", url.parse("http://[::1]:8080/").host)
  end)

  it("knows schemes that nobody can fetch", function()
    assert.same({ scheme = "s3", host = "bucket", path = "/key" }, url.parse("s3://bucket/key"))
  end)

  it("encodes what no URL contains", function()
    assert.equal("/a%20%c3%bc", url.parse("http://host.test/a ü").path:lower())
  end)

  it("refuses what is no URL with a host", function()
    for _, text in ipairs({
      "", "host.test/x", "mailto:a@b", "http://", "http://a:99999/", "//x",
      "file:///etc/passwd",
    }) do
      refused(url.parse(text))
    end
  end)

  it("S3: refuses NUL and line breaks", function()
    for _, text in ipairs({ "http://a/\0", "http://a/\r\nX: y", "http://a\n/", "http://a/\127" }) do
      refused(url.parse(text))
      refused(url.join("http://a/", text))
      refused(url.join(text, "b"))
    end
  end)

  it("tells no credentials in its error", function()
    local err = refused(url.parse("http://me:secret@host.test:99999/"))
    assert.is_nil(tostring(err):find("secret"))
  end)

  it("throws at what is no string", function()
    assert.error_matches(function() url.parse(7) end, "must be a string")
  end)
end)

-- RFC 3986, section 5.4, but for "g:h", which has no host.
local REFERENCES = {
  ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
  ["/g"] = "http://a/g", ["//g"] = "http://g/", ["?y"] = "http://a/b/c/d;p?y",
  ["g?y"] = "http://a/b/c/g?y", ["#s"] = "http://a/b/c/d;p?q#s", ["g#s"] = "http://a/b/c/g#s",
  ["g?y#s"] = "http://a/b/c/g?y#s", [";x"] = "http://a/b/c/;x", ["g;x"] = "http://a/b/c/g;x",
  ["g;x?y#s"] = "http://a/b/c/g;x?y#s", [""] = "http://a/b/c/d;p?q", ["."] = "http://a/b/c/",
  ["./"] = "http://a/b/c/", [".."] = "http://a/b/", ["../"] = "http://a/b/",
  ["../g"] = "http://a/b/g", ["../.."] = "http://a/", ["../../"] = "http://a/",
  ["../../g"] = "http://a/g", ["../../../g"] = "http://a/g", ["../../../../g"] = "http://a/g",
  ["/./g"] = "http://a/g", ["/../g"] = "http://a/g", ["g."] = "http://a/b/c/g.",
  [".g"] = "http://a/b/c/.g", ["g.."] = "http://a/b/c/g..", ["..g"] = "http://a/b/c/..g",
  ["./../g"] = "http://a/b/g", ["./g/."] = "http://a/b/c/g/", ["g/./h"] = "http://a/b/c/g/h",
  ["g/../h"] = "http://a/b/c/h", ["g;x=1/./y"] = "http://a/b/c/g;x=1/y",
  ["g;x=1/../y"] = "http://a/b/c/y", ["g?y/./x"] = "http://a/b/c/g?y/./x",
  ["g?y/../x"] = "http://a/b/c/g?y/../x", ["g#s/./x"] = "http://a/b/c/g#s/./x",
  ["g#s/../x"] = "http://a/b/c/g#s/../x",
}

describe("url.join", function()
  it("resolves every reference of RFC 3986", function()
    for reference, absolute in pairs(REFERENCES) do
      assert.equal(absolute, url.join("http://a/b/c/d;p?q", reference), reference)
    end
  end)

  it("takes another fragment's place", function()
    assert.equal("http://a/b?q#new", url.join("http://a/b?q#old", "#new"))
    assert.equal("http://a/b?q", url.join("http://a/b?q#old", ""))
  end)

  it("takes an absolute URL as it is, and encodes spaces", function()
    assert.equal("ftp://h/x", url.join("http://a/b", "ftp://h/x"))
    assert.equal("http://a/x%20y", url.join("http://a/b", "x y"))
  end)

  it("refuses what leads to no host", function()
    for _, reference in ipairs({ "javascript:void(0)", "mailto:a@b", "file:///x", "tel:1" }) do
      refused(url.join("http://a/b", reference))
    end
  end)
end)

describe("url.encode and url.decode", function()
  it("leave letters, digits and four signs alone", function()
    assert.equal("aZ09-._~", url.encode("aZ09-._~"))
    assert.equal("a%20b%2Fc%2B%25%00%C3%BC", url.encode("a b/c+%\0ü"))
  end)

  it("are inverse for every byte", function()
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    local all = table.concat(bytes)
    assert.equal(all, url.decode(url.encode(all)))
  end)

  it("leave a lone percent sign alone", function()
    assert.equal("100% %zz +", url.decode("100%25 %zz +"))
  end)
end)

describe("url.query", function()
  it("keeps the order of pairs", function()
    assert.equal("b=2&a=1&b=3%20%26", url.query({ { "b", 2 }, { "a", "1" }, { "b", "3 &" } }))
  end)

  it("sorts a map, and repeats the name of a list", function()
    assert.equal("a=true&b=1&b=2&c=", url.query({ c = "", b = { 1, 2 }, a = true }))
  end)

  it("throws at values that are none", function()
    assert.error_matches(function() url.query({ a = print }) end, "a query has")
    assert.error_matches(function() url.query({ { "a" } }) end, "a query has")
  end)

  it("is read back as pairs and as a map of first values", function()
    local pairs_, first = url.query_parse("?b=2&a=x+y%2B&b=3&c&&=d")
    assert.same({ { "b", "2" }, { "a", "x y+" }, { "b", "3" }, { "c", "" }, { "", "d" } }, pairs_)
    assert.same({ b = "2", a = "x y+", c = "", [""] = "d" }, first)
  end)
end)

describe("url.build", function()
  it("puts together what parse took apart", function()
    for _, text in ipairs({
      "https://me:p%40ss@example.org:8443/a%20b/c?x=1&y=%26#sha256=abc",
      "http://[::1]:8080/", "s3://bucket/key", "http://a/?q", "http://user@a/",
    }) do
      assert.equal(text, url.build(url.parse(text)))
    end
  end)

  it("encodes what would end a part, and takes a query as a table", function()
    assert.equal("http://u%40x:p%3A@a/b%3F%23?q=1%262#f", url.build({
      scheme = "http", user = "u@x", password = "p:", host = "a", path = "b?#",
      query = { q = "1&2" }, fragment = "f",
    }))
  end)

  it("refuses a host that is more than one, and control characters", function()
    for _, host in ipairs({ "a/b", "a@b", "a?b", "a#b", "a b", "" }) do
      refused(url.build({ scheme = "http", host = host }))
    end
    refused(url.build({ scheme = "http", host = "a", path = "/\r\n" }))
    refused(url.build({ scheme = "http:", host = "a" }))
    refused(url.build({ scheme = "http", host = "a", port = 65536 }))
  end)

  it("throws at parts that it doesn't know or that are missing", function()
    local function throws(parts, message)
      assert.error_matches(function() url.build(parts) end, message)
    end
    throws({ scheme = "http", hots = "a" }, "no part 'hots'")
    throws({ host = "a" }, "needs scheme and host")
    throws({ scheme = "a", host = "a", port = "8" }, "the port must be a number")
  end)
end)
