--- Links of pages, well made, broken and hostile.
-- SPDX-License-Identifier: MIT

local html = require("luadl.html")

local BASE = "http://host.test/dir/page.html?q"

local function urls(text, base)
  local found = {}
  for _, link in ipairs(assert(html.links(text, base))) do found[#found + 1] = link.url end
  return table.concat(found, " ")
end

describe("html.links", function()
  it("finds links with their text and relation", function()
    local links = html.links('<p><a rel="next" href="/x">  The <b>next</b>\n page </a>', BASE)
    assert.equal(1, #links)
    assert.same({ "http://host.test/x", "The next page", "a", "href", "next" },
      { links[1].url, links[1].text, links[1].tag, links[1].attribute, links[1].rel })
  end)

  it("gives references as they stand there without the page's URL", function()
    assert.equal("../x mailto:a@b", urls('<a href="../x">x</a><a href=mailto:a@b>'))
  end)

  it("reads attributes in quotes of either kind, without any, and with space around", function()
    assert.equal("a b c d e", urls([[<a href="a"><a href='b'><a href=c><A HREF = d ><a
      class=x/y href=e/>]]):gsub("e/", "e"))
  end)

  it("reads the first of two attributes of one name, and those without a value", function()
    assert.equal("a", urls('<a download href="a" href="b">'))
    assert.equal("", urls("<a><a href><a name=x>"):gsub(" ", ""))
    assert.equal("a", html.links("<a download href=a data-yanked>")[1].url)
    assert.equal("", html.links("<a download href=a>")[1].attributes.download)
  end)

  it("decodes entities in attributes and text", function()
    local page = '<a href="?a=1&amp;b=2&#38;c=&#x33;&copy=4">&eacute;&lt;&hellip;</a>'
    local link = html.links(page)[1]
    assert.equal("?a=1&b=2&c=3&copy=4", link.url)
    assert.equal("é<…", link.text)
  end)

  it("replaces what is no character, and leaves unknown entities alone", function()
    local link = html.links("<a href=x>&#0;&#xD800;&#x110000;&#99999999999;&none;&amp</a>")[1]
    assert.equal("\239\191\189", link.text:sub(1, 3))
    assert.equal("&none;&amp", link.text:match("&.*$"))
    assert.equal("\244\143\191\191\223\191\224\160\128",
      html.links("<a href=x>&#x10FFFF;&#x7FF;&#x800;</a>")[1].text)
  end)

  it("finds images, frames, styles, media and the rest", function()
    assert.equal("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", urls([[
      <link href=1><img src=2 srcset="3 1x, 4 2x,5"><iframe src=6></iframe><script src=7></script>
      <video src=8 poster=9><source src=10 srcset=" 11 100w , 12 "><audio src=13><embed src=14>
      <object data=15></object><area href=16><track src=17>]]))
  end)

  it("reads commas in a srcset as part of a URL unless they end it", function()
    assert.equal("a,b c,d e", urls('<img srcset="a,b 1x, c,d, ,,e,,">'))
  end)

  it("finds where a page sends its readers", function()
    assert.equal("http://host.test/dir/new",
      urls([[<meta HTTP-EQUIV=Refresh content="5; URL='new'">]], BASE))
    assert.equal("", urls('<meta http-equiv=refresh content=5><meta content="0;url=x">'))
  end)

  it("takes the text of an image for a link's", function()
    assert.equal("a & b", html.links('<a href=x><img alt="a &amp; b"></a>')[1].text)
  end)

  it("sees nothing in comments, scripts, styles and text fields", function()
    assert.equal("1 2 3", urls([[
      <!-- <a href=no> --><a href=1><script>"<a href=no>"</scripts><a href=no></SCRIPT >
      <style><a href=no></style><a href=2><textarea><a href=no></textarea><title><a href=no></title>
      <!--><a href=3><!doctype html "<a href=no"><?php <a href=no ?>]]):gsub(" ?no", ""))
  end)

  it("joins with <base>, which itself is joined with the page's URL, wherever it stands", function()
    assert.equal("http://host.test/x/1 http://host.test/x/2",
      urls('<a href=1><base href="/x/"><base href="/y/"><a href=2>', BASE))
    assert.equal("http://other.test/1", urls("<base href=//other.test><a href=1>", BASE))
    assert.equal("http://host.test/dir/1", urls("<base href=mailto:x><a href=1>", BASE))
  end)

  it("leaves out what leads to no host", function()
    assert.equal("http://host.test/dir/page.html?q#top", urls([[<a href="javascript:go()"><a
      href=mailto:a@b><img src="data:image/png;base64,AAAA"><a href="#top">]], BASE))
  end)

  it("drops line breaks and the space around from a reference", function()
    assert.equal("http://host.test/a%20b", urls('<a href=" \n/a\r\n b\t ">', BASE))
  end)

  it("goes on behind what is broken", function()
    assert.equal("1 2 3 4", urls([[< a href=no><a href=1 <b><a "x'=y href=2></a b="><a href=3>
      </><a href="4">x</a></p></p><a href="no]]))
  end)

  it("gives the text up to the next link where no end tag comes", function()
    local links = html.links("<a href=1>one<a href=2>two")
    assert.same({ "one", "two" }, { links[1].text, links[2].text })
  end)

  it("refuses a page with more links than allowed", function()
    local found, err = html.links(("<a href=x>"):rep(11), BASE, { limit = 10 })
    assert.is_nil(found)
    assert.equal("too_large", err.kind)
    assert.equal(10, #html.links(("<a href=x>"):rep(10), BASE, { limit = 10 }))
  end)

  it("throws at what is no string", function()
    assert.error_matches(function() html.links(nil) end, "must be a string")
    assert.error_matches(function() html.links("", 7) end, "must be a string")
  end)
end)

describe("a hostile page", function()
  local SIZE = 100000
  local SECONDS = 2 -- of CPU time; what takes the square of its size takes many times as much

  local PIECES = {
    "<", "<a ", "<a href", "<a href=", '<a href="', "<a href='x", "<!--", "<!-", "</a", "</", "&",
    "&#", "&a", "=", " ", ",", "\n", "<a\n", "<script>", "<script></", "<textarea></textarea", "/",
    "<img srcset=' ", "<img srcset=,", "<base href=x>", "<a href=x>&amp;", "<a href=x> ", "<?",
    "<!",
    "<meta http-equiv=refresh content=' ", "<title>", "\0", "<a href=x\0>", "'", '"',
  }

  local WRAPS = {
    "%s", "<a %s", "<a href=%s", '<a href="%s">', "<a href=x>%s</a>", "<img srcset='%s'>",
    "<img srcset='x%sy'>", "<a href='x%sy'>", "<meta http-equiv=refresh content='%s;url=x'>",
    "<meta http-equiv=refresh content='5;url%s=x'>", "<script>%s", "<!--%s", "<a href=x>x%sy</a>",
  }

  it("L-3: takes a time that grows with its size only", function()
    for _, wrap in ipairs(WRAPS) do
      local before, after = wrap:match("^(.*)%%s(.*)$")
      for _, piece in ipairs(PIECES) do
        local page = before .. piece:rep(math.floor(SIZE / #piece)) .. after
        local start = os.clock()
        html.links(page)
        local seconds = os.clock() - start
        assert.is_true(seconds < SECONDS, ("%s of %s takes %.1f s"):format(wrap, piece, seconds))
      end
    end
  end)

  it("L-3: never throws, whatever the bytes are", function()
    local random = require("spec.support.random").new(5)
    local words = {
      "<", ">", "a", " href", "=", '"', "'", "/", "!--", "-->", "script", "img srcset", "&", "#",
      ";", "x", " ", "base", "\0", "\255", ",", "meta http-equiv=refresh content=", "0;url=",
      "http://[",
    }
    for _ = 1, 3000 do
      local parts = {}
      for index = 1, random(1, 60) do parts[index] = words[random(1, #words)] end
      assert.is_table(html.links(table.concat(parts), BASE))
    end
  end)
end)

describe("html.tags", function()
  local PAGE = [[<!-- <input name=no> --><FORM action="/in?a&amp;b"><input type=hidden name=token
    value="x&quot;y"><textarea><input name=no></textarea><INPUT name='user'><p></form>]]

  it("gives the tags of these names, in order, with their attributes", function()
    local tags = html.tags(PAGE, { "form", "input" })
    assert.same({
      { name = "form", attributes = { action = "/in?a&b" } },
      { name = "input", attributes = { type = "hidden", name = "token", value = 'x"y' } },
      { name = "input", attributes = { name = "user" } },
    }, tags)
  end)

  it("refuses more tags than allowed, and what is no page", function()
    local tags, err = html.tags(("<p>"):rep(11), { "p" }, { limit = 10 })
    assert.is_nil(tags)
    assert.equal("too_large", err.kind)
    assert.has_error(function() html.tags(nil, { "p" }) end, "a page must be a string")
    assert.has_error(function() html.tags("", "p") end, "a list of names is expected")
  end)
end)
