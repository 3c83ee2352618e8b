--- Which URLs are fetched, and who may bring one up.
-- SPDX-License-Identifier: MIT

local scheme = require("luadl.scheme")

describe("a scheme", function()
  it("is read from the URL, in any case", function()
    assert.equal("https", scheme.of("HTTPS://example.org/x"))
    assert.equal("sftp", scheme.of("sftp://me@example.org/x"))
    assert.is_nil(scheme.of("example.org/x"))
    assert.is_nil(scheme.of("mailto:me"))
  end)

  it("is of the web, or a single stream, or none of luadl's", function()
    for _, url in ipairs({ "ftp://h/x", "FTPS://h/x", "sftp://h/x", "file:///x" }) do
      assert.is_true(scheme.is_single(url), url)
      assert.is_true(scheme.check(url), url)
    end
    for _, url in ipairs({ "http://h/", "HTTPS://h", "http://h/a%0d%0ab/;type=d" }) do
      assert.is_false(scheme.is_single(url), url)
      assert.is_true(scheme.check(url), url)
    end
    for _, url in ipairs({ "gopher://h/x", "scp://h/x", "javascript://x" }) do
      local ok, message = scheme.check(url)
      assert.is_nil(ok)
      assert.matches("http, https, ftp, ftps, sftp, file", message)
    end
  end)

  it("that is no web's names one file of one host", function()
    for url, reason in pairs({
      ["ftp://h/a%0D%0Ab"] = "control", ["sftp://h/%00"] = "control", ["file:///%7f"] = "control",
      ["ftp://h/"] = "folder", ["ftp://h"] = "folder", ["sftp://h/d/"] = "folder",
      ["sftp://h/d/#x"] = "folder", ["ftp://h/x;type=a"] = "type=", ["ftp:///x"] = "no host",
      ["file://elsewhere/x"] = "another machine", ["http:///x"] = "no host",
    }) do
      local ok, message = scheme.check(url)
      assert.is_nil(ok, url)
      assert.is_truthy(message:find(reason, 1, true), url .. " " .. message)
    end
    assert.is_true(scheme.check("file://localhost/x"))
  end)

  it("that is no web's has neither parts nor other methods", function()
    assert.is_true(scheme.suits({ url = "ftp://h/x" }))
    assert.is_true(scheme.suits({ url = "http://h/x", range = { 0, 1 }, method = "PUT" }))
    assert.is_true(scheme.suits({ resume = "x.part" }))
    for _, opts in ipairs({
      { range = { 0, 1 } }, { method = "POST" }, { body = "x" }, { resume = "x.part" },
    }) do
      opts.url = "sftp://me:secret@h/x"
      local ok, err = scheme.suits(opts)
      assert.is_nil(ok)
      assert.equal("bad_url", err.kind)
      assert.is_nil(tostring(err):find("secret", 1, true))
    end
    assert.equal("bad_url", select(2, scheme.suits({ url = "ftp://h/d/" })).kind)
  end)

  it("is a policy's to answer where nothing is given away", function()
    local page, list, here = "https://h/", "ftp://h/list", "file:///list"
    for _, sandboxed in ipairs({ true, false }) do
      assert.is_true(scheme.may_answer("http://x/", page, sandboxed))
      assert.is_true(scheme.may_answer("https://x/", here, sandboxed))
      assert.is_true(scheme.may_answer("ftp://x/y", list, sandboxed))
      assert.equal(not sandboxed, scheme.may_answer("sftp://x/y", page, sandboxed))
      assert.is_false(scheme.may_answer("file:///y", page, sandboxed))
      assert.is_false(scheme.may_answer("FILE:///y", list, sandboxed))
      assert.equal(not sandboxed, scheme.may_answer("file:///y", here, sandboxed))
    end
    assert.is_false(scheme.may_answer("file:///y", nil, false))
  end)
end)
