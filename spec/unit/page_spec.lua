--- An answer in memory: its JSON, its text and its links.
-- SPDX-License-Identifier: MIT

local json = require("luadl.json")
local page = require("luadl.page")

local function decode(charset, bytes)
  if charset == "iso-8859-1" or charset == "WINDOWS-1252" then
    return (bytes:gsub("\233", "\195\169"))
  end
  return nil
end

local function answer(body, kind, fields)
  local headers = fields or {}
  if kind then headers[#headers + 1] = { "Content-Type", kind } end
  local event = { status = 200, headers = headers, url = "http://host/a/b?c", body = body }
  return page.new(event, decode)
end

describe("a page", function()
  it("says whether the status is one of success", function()
    for status, ok in pairs({ [199] = false, [200] = true, [299] = true, [304] = false }) do
      local made = page.new({ status = status, headers = {}, url = "http://host/" }, decode)
      assert.equal(ok, made.ok)
      assert.equal("", made.body)
    end
  end)

  it("is itself when it is checked, or an error that tells the status", function()
    local right = answer("[]")
    assert.equal(right, right:check())
    local kinds = {
      [304] = "http_status", [404] = "http_status", [401] = "auth", [429] = "rate_limited",
      [503] = "rate_limited",
    }
    for status, kind in pairs(kinds) do
      local event = { status = status, headers = {}, url = "http://host:1/a", retry_after = 5 }
      local checked, err = page.new(event, decode):check()
      assert.is_nil(checked)
      assert.equal(kind, err.kind)
      assert.equal(status, err.status)
      assert.equal(("host:1 answered %d"):format(status), err.message)
    end
  end)

  it("reads JSON", function()
    assert.same({ 1, { a = json.null } }, answer('[1, {"a": null}]'):json())
    assert.is_false(answer("false"):json())
  end)

  it("says of what is no JSON where it came from", function()
    local value, err = answer("<html>"):json()
    assert.is_nil(value)
    assert.equal("protocol", err.kind)
    assert.equal("http://host/a/b?c", err.url)
  end)

  it("gives links as absolute URLs", function()
    local made = answer("", nil, {
      { "Link", '<?page=2>; rel="next", </top>; rel=first' }, { "link", "<http://x/>; rel=alt" },
      { "Link", "<http://[bad/>; rel=broken" },
    })
    assert.same({
      next = "http://host/a/b?page=2", first = "http://host/top", alt = "http://x/",
    }, made:links())
  end)

  it("gives text as UTF-8, from the charset that Content-Type names", function()
    assert.equal("caf\195\169", answer("caf\233", "text/plain; charset=ISO-8859-1"):text())
    assert.equal("caf\195\169", answer("caf\233", 'text/plain; Charset="iso-8859-1"'):text())
    assert.equal("caf\195\169", answer("caf\195\169", "text/plain; charset=utf-8"):text())
  end)

  it("takes text without a charset for UTF-8, or else for Windows-1252", function()
    assert.equal("caf\195\169", answer("caf\195\169", "text/html"):text())
    assert.equal("caf\195\169", answer("caf\233"):text())
  end)

  it("takes a byte order mark for what it is", function()
    assert.equal("x", answer("\239\187\191x", "text/plain; charset=iso-8859-1"):text())
  end)

  it("fails where the text isn't what it says", function()
    for _, charset in ipairs({ "utf-8", "klingon" }) do
      local text, err = answer("caf\233", "text/plain; charset=" .. charset):text()
      assert.is_nil(text)
      assert.equal("encoding", err.kind)
    end
  end)
end)
