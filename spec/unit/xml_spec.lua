--- XML for scripts: trees, elements of a path, and documents that mean harm.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local xml = require("luadl.xml")

local function refused(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err.kind)
  return tostring(err)
end

describe("xml.parse", function()
  it("gives names, attributes, children and text in order", function()
    local root = xml.parse('<a x="1" y="&lt;&#233;">one<b/>two<c>three &amp; four</c></a>')
    assert.equal("a", root.name)
    assert.same({ x = "1", y = "<é" }, root.attributes)
    assert.equal("one", root[1])
    assert.equal("b", root[2].name)
    assert.equal("two", root[3])
    assert.equal("three & four", root[4][1])
    assert.equal(4, #root)
  end)

  it("resolves namespaces, of attributes with a prefix, too", function()
    local root = xml.parse('<d:a xmlns:d="DAV:" xmlns="urn:x" d:k="1" k="2"><b/></d:a>')
    assert.equal("a", root.name)
    assert.equal("DAV:", root.uri)
    assert.equal("urn:x", root[1].uri)
    assert.same({ ["{DAV:}k"] = "1", k = "2" }, root.attributes)
    assert.is_nil(xml.parse("<a/>").uri)
  end)

  it("joins text over lines, entities and CDATA", function()
    assert.equal("a\nb<c&>d", xml.parse("<x>a\r\nb&lt;<![CDATA[c&>]]>d</x>")[1])
  end)

  it("reads UTF-8, UTF-16, Latin-1 and what iconv knows of one byte", function()
    local function text(encoding, bytes)
      return xml.parse(('<?xml version="1.0" encoding="%s"?><a>%s</a>'):format(encoding, bytes))[1]
    end
    assert.equal("é€", text("utf-8", "é€"))
    assert.equal("é", text("iso-8859-1", "\xE9"))
    assert.equal("é€", text("windows-1252", "\xE9\x80"))
    assert.equal("ж", text("koi8-r", "\xD6"))
    local wide = ("<a>x</a>"):gsub(".", "%0\0")
    assert.equal("x", xml.parse("\xFF\xFE" .. wide)[1])
    refused("protocol", xml.parse('<?xml version="1.0" encoding="none-such"?><a/>'))
  end)

  it("believes HTTP's charset more than the document", function()
    local bytes = '<?xml version="1.0" encoding="utf-8"?><a>\xE9</a>'
    refused("protocol", xml.parse(bytes))
    assert.equal("é", xml.parse(bytes, { encoding = "iso-8859-1" })[1])
  end)

  it("says where it isn't XML", function()
    assert.truthy(refused("protocol", xml.parse("<a>\n <b></a>")):find("line 2, column 7", 1, true))
    for _, text in ipairs({
      "", "x", "<a>", "<a></a><b/>", "<a b></a>", "<a>\0</a>", "<a>&nbsp;</a>",
    }) do
      refused("protocol", xml.parse(text))
    end
  end)

  it("throws at what is no string, and at unknown options", function()
    assert.error_matches(function() xml.parse(nil) end, "must be a string")
    assert.error_matches(function() xml.parse("<a/>", { depth = 1 }) end, "'depth'")
    assert.error_matches(function() xml.parse("<a/>", { max_size = "much" }) end, "expected bytes")
  end)

  it("reads a document of many batches", function()
    local parts = {}
    for index = 1, 20000 do parts[index] = ("<i n='%d'>text %d</i>"):format(index, index) end
    local root = xml.parse("<list>" .. table.concat(parts) .. "</list>")
    assert.equal(20000, #root)
    assert.equal("20000", root[20000].attributes.n)
    assert.equal("text 20000", root[20000]:text())
    local long = ("line & line\n"):rep(100000)
    assert.equal(long, xml.parse("<a>" .. long:gsub("&", "&amp;") .. "</a>")[1])
  end)
end)

describe("an element", function()
  local root = xml.parse([[
    <multistatus xmlns="DAV:">
      <response><href>/a/</href><propstat><prop><size/></prop></propstat></response>
      <response><href> /b <i>c</i> </href>
        <propstat><prop><size>5</size></prop></propstat></response>
    </multistatus>]])

  it("finds all and the first by a path", function()
    assert.equal(2, #root:all("response"))
    assert.equal(2, #root:all("response/propstat/*/size"))
    assert.equal("href", root:find("response/*").name)
    assert.is_nil(root:find("response/none"))
    assert.error_matches(function() root:all("") end, "a path is like")
  end)

  it("has a text without the space around it", function()
    assert.equal("/b c", root[4]:text("href"))
    assert.equal("", root:text("response/propstat/prop/size"))
    assert.equal("5", root[4]:text("propstat/prop/size"))
    assert.is_nil(root:text("response/none"))
  end)
end)

describe("xml.each", function()
  local function texts(text, path)
    local found = {}
    local count = xml.each(text, path, function(element) found[#found + 1] = element:text() end)
    assert.equal(#found, count)
    return table.concat(found, " ")
  end

  local FEED = "<rss><channel><title>t</title><item>1</item><x><item>2</item></x>"
    .. "<item>3<item>4</item></item></channel></rss>"

  it("visits the elements of a path from the root", function()
    assert.equal("1 34", texts(FEED, "rss/channel/item"))
    assert.equal("1 34", texts(FEED, "/rss/*/item"))
    assert.equal("t", texts(FEED, "rss/channel/title"))
    assert.equal("", texts(FEED, "channel/item"))
  end)

  it("visits those of the end of a path, the outer ones", function()
    assert.equal("1 2 34", texts(FEED, "//item"))
    assert.equal("2", texts(FEED, "//x/item"))
    assert.equal("t1234", texts(FEED, "//*"))
  end)

  it("stops when it is told to, before what is broken further on", function()
    local seen = 0
    assert.equal(2, xml.each("<a><b/><b/><b/><broken", "a/b", function()
      seen = seen + 1
      return seen < 2
    end))
    refused("protocol", xml.each("<a><b/><b/><b/><broken", "a/b", function() end))
  end)

  it("L-1, L-4: lets the function throw and yield", function()
    assert.error_matches(function()
      xml.each("<a><b/></a>", "a/b", function() error("mine") end)
    end, "mine")
    local names = coroutine.wrap(function()
      xml.each("<a><b/><c/></a>", "a/*", function(element) coroutine.yield(element.name) end)
      return "end"
    end)
    assert.same({ "b", "c", "end" }, { names(), names(), names() })
  end)
end)

describe("a document that means harm", function()
  local function entity(declarations, body)
    return ("<!DOCTYPE a [%s]><a>%s</a>"):format(declarations, body or "&e;")
  end

  it("may have a short entity", function()
    assert.equal("Example Ltd.", xml.parse(entity('<!ENTITY e "Example Ltd.">'))[1])
  end)

  it("S3: can't blow itself up by entities", function()
    local laughs = '<!ENTITY a "haha"><!ENTITY e "&a;&a;&a;&a;&a;&a;&a;&a;">'
    for _, declarations in ipairs({
      laughs, ('<!ENTITY e "%s">'):format(("x"):rep(65)), '<!ENTITY % p "x"><!ENTITY e "y">',
      '<!ENTITY e "&e;">', '<!ATTLIST b c CDATA "default"><!ENTITY e "x">',
    }) do
      assert.truthy(refused("too_large", xml.parse(entity(declarations))):find("declares"))
    end
  end)

  it("S1: can't have a file or an address read", function()
    helper.begin()
    local path = helper.tmpdir() .. "/secret"
    helper.write(path, "secret")
    for _, kind in ipairs({ "SYSTEM", 'PUBLIC "x"' }) do
      local root = xml.parse(entity(('<!ENTITY e %s "file://%s">'):format(kind, path)))
      assert.equal("", root:text())
    end
    local outside = xml.parse(('<!DOCTYPE a SYSTEM "file://%s"><a>&e;</a>'):format(path))
    assert.equal("", outside and outside:text() or "")
    helper.finish()
  end)

  it("can't be nested without end", function()
    refused("too_large", xml.parse(("<a>"):rep(1000000)))
    refused("too_large", xml.parse("<a><b><c/></b></a>", { max_depth = 2 }))
    assert.truthy(xml.parse(("<a>"):rep(256) .. ("</a>"):rep(256)))
  end)

  it("can't be larger than allowed", function()
    refused("too_large", xml.parse("<a>" .. (" "):rep(100) .. "</a>", { max_size = 100 }))
  end)
end)
