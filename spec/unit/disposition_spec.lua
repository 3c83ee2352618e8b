--- Content-Disposition as servers really send it: values, and the names that are meant.
-- SPDX-License-Identifier: MIT

local disposition = require("luadl.disposition")

-- { value, name } or { value, name, source }; no name: the value suggests none.
local CASES = {
  ["plain values of RFC 6266"] = {
    { [[attachment; filename=report.pdf]], "report.pdf", "filename" },
    { [[attachment; filename="report.pdf"]], "report.pdf", "filename" },
    { [[attachment; filename="annual report.pdf"]], "annual report.pdf" },
    { [[ATTACHMENT; FILENAME="Report.PDF"]], "Report.PDF" },
    { [[attachment;filename="a.zip";size=17]], "a.zip" },
    { [[attachment; size=17; filename=a.zip]], "a.zip" },
    { [[attachment; filename="semi;colon.txt"]], "semi;colon.txt" },
    { [[attachment; filename="say \"hi\".txt"]], [[say "hi".txt]] },
    { [[attachment; filename="back\\slash.txt"]], [[back\slash.txt]] },
    { [[attachment; filename="r\ep\ort.pdf"]], "report.pdf" },
    { [[attachment; filename="it's.txt"]], "it's.txt" },
    { [[attachment; filename="a=b.txt"]], "a=b.txt" },
    { [[attachment; filename="trailing. "]], "trailing. " },
  },
  ["values without a name"] = {
    { [[attachment]] },
    { [[inline]] },
    { [[attachment;]] },
    { [[attachment; filename]] },
    { [[attachment; filename=]] },
    { [[attachment; filename=""]] },
    { [[attachment; filename*=UTF-8'']] },
    { [[attachment; name="upload.txt"]] },
    { [[attachment; filename*0*=nothing; filename*1=more]] },
    { [[attachment; xfilename=x.txt; filename-x=y.txt]] },
    { [[attachment; note="filename=x.txt"]] },
  },
  ["types other than attachment"] = {
    { [[inline; filename="page.html"]], "page.html" },
    { [[form-data; name="file"; filename="up.bin"]], "up.bin" },
    { [[x-unheard-of; filename=odd.txt]], "odd.txt" },
    { [[filename="no-type.txt"]], "no-type.txt" },
    { [[filename=no-type.txt; size=3]], "no-type.txt" },
    { [[; filename=empty-type.txt]], "empty-type.txt" },
    { [["attachment"; filename=quoted-type.txt]], "quoted-type.txt" },
  },
  ["slips in the grammar"] = {
    { [[attachment; filename="a.txt";]], "a.txt" },
    { [[attachment;; ;filename=a.txt;;]], "a.txt" },
    { [[attachment ; filename = "a.txt" ; ]], "a.txt" },
    { [[attachment; filename = a.txt]], "a.txt" },
    { [[attachment; filename=my long name.txt]], "my long name.txt" },
    { [[attachment; filename=my long name.txt ; size=3]], "my long name.txt" },
    { [[attachment; filename="no end.txt]], "no end.txt" },
    { [[attachment; filename="no end.txt; size=3]], "no end.txt" },
    { [[attachment; filename=no-start.txt"]], "no-start.txt" },
    { [[attachment; filename='single.txt']], "single.txt" },
    { [[attachment filename="no-semicolon.txt"]], "no-semicolon.txt" },
    { [[attachment, filename="comma.txt"]], "comma.txt" },
    { [[attachment; filename="in"side.txt"]], [[in"side.txt]] },
    { [[attachment; filename="a.txt" size=3]], "a.txt" },
    { [[attachment; filename="a.txt", attachment; filename="b.txt"]], "a.txt" },
    { [[attachment; filename="fallback.txt" filename*=UTF-8''%E2%82%AC.txt]], "€.txt" },
    { "attachment;\tfilename=\"tab.txt\"", "tab.txt" },
    { "attachment;\r\n filename=\"folded.txt\"", "folded.txt" },
  },
  ["the whole path that old browsers and servers send"] = {
    { [[attachment; filename="C:\dir\file.txt"]], [[C:\dir\file.txt]] },
    { [[attachment; filename="C:\\dir\\file.txt"]], [[C:\\dir\\file.txt]] },
    { [[attachment; filename=C:\dir\file.txt]], [[C:\dir\file.txt]] },
    { [[attachment; filename="\\server\share\file.txt"]], [[\\server\share\file.txt]] },
    { [[attachment; filename="C:\dir\"]], [[C:\dir\]] },
    { [[attachment; filename="/var/data/file.txt"]], "/var/data/file.txt" },
  },
  ["filename* of RFC 8187"] = {
    { [[attachment; filename*=UTF-8''na%C3%AFve.txt]], "naïve.txt", "filename*" },
    { [[attachment; filename*=utf-8'en'%e2%82%ac%20rates.txt]], "€ rates.txt" },
    { [[attachment; filename*=ISO-8859-1''%A3.txt]], "£.txt" },
    { [[attachment; filename="x.txt"; filename*=UTF-8''%E4%B8%AD.txt]], "中.txt", "filename*" },
    { [[attachment; filename*=UTF-8''%E4%B8%AD.txt; filename="x.txt"]], "中.txt", "filename*" },
    { [[attachment; filename*="UTF-8''quoted%20all.txt"]], "quoted all.txt" },
    { [[attachment; filename*=UTF-8''"quoted%20rest.txt"]], "quoted rest.txt" },
    { [[attachment; filename*= UTF-8''space.txt]], "space.txt" },
    { [[attachment; filename*=UTF-8''raw 中文.txt]], "raw 中文.txt" },
    { [[attachment; filename*=UTF-8''once%2541.txt]], "once%41.txt" },
    { [[attachment; filename*=UTF-8''a.txt; filename*=UTF-8''b.txt]], "a.txt" },
    { [[attachment; filename*=utf8''%C3%A4.txt]], "ä.txt" },
  },
  ["a filename* that is not valid"] = {
    { [[attachment; filename*=UTF-8''%FF%FE.txt; filename=good.txt]], "good.txt", "filename" },
    { [[attachment; filename*=UTF-8''%C0%AE.txt; filename=good.txt]], "good.txt", "filename" },
    { [[attachment; filename*=UTF-8''%ED%A0%80.txt; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=UTF-8''%F4%90%80%80; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=UTF-8''100%.txt; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=KLINGON''x.txt; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=US-ASCII''%E4.txt; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=bare.txt; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=UTF-8''; filename=good.txt]], "good.txt" },
    { [[attachment; filename*=bare%20name.txt]], "bare name.txt", "filename*" },
    { [[attachment; filename*=''no-charset.txt]], "no-charset.txt", "filename*" },
    { [[attachment; filename*=UTF-8%27%27escaped.txt]], "escaped.txt", "filename*" },
    { [[attachment; filename*=UTF-8''100%.txt]], "100%.txt" },
    { [[attachment; filename*=UTF-8''%C0%AE]] },
  },
  ["continuations of RFC 2231"] = {
    { [[attachment; filename*0="long "; filename*1="name.txt"]], "long name.txt", "filename*" },
    { [[attachment; filename*1="name.txt"; filename*0="long "]], "long name.txt" },
    { [[attachment; filename*0*=UTF-8''%E2%82; filename*1*=%AC.txt]], "€.txt", "filename*" },
    { [[attachment; filename*0*=UTF-8''%E2%82%AC; filename*1=" 100%41.txt"]], "€ 100%41.txt" },
    { [[attachment; filename*0="a"; filename*2="c"; filename=whole.txt]], "a" },
    { [[attachment; filename*1="b"; filename=whole.txt]], "whole.txt", "filename" },
    { [[attachment; filename*0*=UTF-8''%FF; filename=whole.txt]], "whole.txt", "filename" },
    { [[attachment; filename*0="part"; filename*=UTF-8''star.txt]], "star.txt" },
    { [[attachment; filename="x.txt"; filename*0="y.txt"]], "y.txt" },
    { [[attachment; filename*0="a"; filename*0="b"; filename*1=".txt"]], "a.txt" },
  },
  ["encoded words of RFC 2047"] = {
    { [[attachment; filename="=?UTF-8?B?4oKsLnR4dA==?="]], "€.txt", "filename" },
    { [[attachment; filename==?UTF-8?B?4oKsLnR4dA?=]], "€.txt" },
    { [[attachment; filename="=?utf-8?Q?na=C3=AFve_name.txt?="]], "naïve name.txt" },
    { [[attachment; filename="=?ISO-8859-1?Q?caf=E9.txt?="]], "café.txt" },
    { [[attachment; filename="=?UTF-8?Q?a?= =?UTF-8?Q?b.txt?="]], "ab.txt" },
    { [[attachment; filename="=?UTF-8?B?4g==?= =?UTF-8?B?gqw=?="]], "€" },
    { [[attachment; filename="=?UTF-8?Q?caf=C3=A9?=.txt"]], "café.txt" },
    { [[attachment; filename="my =?UTF-8?Q?caf=C3=A9?= x.txt"]], "my café x.txt" },
    { [[attachment; filename="=?UTF-8*fr?Q?caf=C3=A9?="]], "café" },
    { [[attachment; filename="=?KLINGON?Q?abc?=.txt"]], "=?KLINGON?Q?abc?=.txt" },
    { [[attachment; filename="=?UTF-8?Q?=FF?=.txt"]], "=?UTF-8?Q?=FF?=.txt" },
    { [[attachment; filename="a =? b ?= c.txt"]], "a =? b ?= c.txt" },
  },
  ["bytes and escapes in filename"] = {
    { [[attachment; filename="中文.txt"]], "中文.txt" },
    { "attachment; filename=\"caf\233.txt\"", "café.txt" },
    { "attachment; filename=\"\192\174\192\174\"", "À®À®" },
    { "attachment; filename=\"\237\160\128\"", "í\194\160\194\128" },
    { [[attachment; filename="%E4%B8%AD%E6%96%87.txt"]], "中文.txt" },
    { [[attachment; filename=my%20file.txt]], "my file.txt" },
    { [[attachment; filename="%2541.txt"]], "%41.txt" },
    { [[attachment; filename="50% off %41.txt"]], "50% off %41.txt" },
    { [[attachment; filename="%FF.txt"]], "%FF.txt" },
    { [[attachment; filename="中%41.txt"]], "中%41.txt" },
    { [[attachment; filename="first.txt"; filename="second.txt"]], "first.txt" },
    { [[attachment; filename=""; filename="second.txt"]], "second.txt" },
  },
}

describe("disposition.parse", function()
  for what, cases in pairs(CASES) do
    it("reads " .. what, function()
      for _, case in ipairs(cases) do
        local value, name, source = case[1], case[2], case[3]
        local parsed = disposition.parse(value) or {}
        assert.equal(name, parsed.filename, value)
        if source then assert.equal(source, parsed.source, value) end
      end
    end)
  end

  it("gives the type in lower case, and none where there is none", function()
    assert.equal("attachment", disposition.parse("ATTACHMENT").type)
    assert.equal("inline", disposition.parse("Inline ; filename=x").type)
    assert.equal("attachment", disposition.parse("attachment filename=x").type)
    assert.is_nil(disposition.parse("filename=x").type)
  end)

  it("gives the first parameter of each name as it was sent", function()
    local value = [[attachment; Size=17; size=18; filename="a%20b"]]
    assert.same({ size = "17", filename = "a%20b" }, disposition.parse(value).parameters)
  end)

  it("gives nil for a value that holds nothing", function()
    for _, value in ipairs({ "", "  ", ";", " ; ;", "," }) do
      assert.is_nil(disposition.parse(value), value)
    end
    assert.is_nil(disposition.parse(nil))
  end)

  it("asks the given function for a charset that it does not know", function()
    local asked = {}
    local function decode(charset, bytes)
      asked[#asked + 1] = charset .. ":" .. bytes
      return "中"
    end
    assert.equal("中", disposition.parse([[a; filename*=GBK''%D6%D0]], decode).filename)
    assert.equal("中", disposition.parse([[a; filename="=?Big5?B?pKQ=?="]], decode).filename)
    assert.same({ "GBK:\214\208", "big5:\164\164" }, asked)
  end)

  it("never asks it for the charsets of RFC 8187", function()
    local function decode() error("asked") end
    local value = [[a; filename*=UTF-8''%FF; filename*=iso-8859-1''%E9; filename=x]]
    assert.equal("é", disposition.parse(value, decode).filename)
  end)

  it("takes nothing but valid UTF-8 from it", function()
    local function decode() return "\192\174" end
    assert.equal("x", disposition.parse([[a; filename*=GBK''%D6; filename=x]], decode).filename)
    local function fail() return nil end
    assert.equal("x", disposition.parse([[a; filename*=GBK''%D6; filename=x]], fail).filename)
  end)

  it("keeps a charset from smuggling options to it", function()
    local function decode() error("asked") end
    local value = [[a; filename*=GBK//TRANSLIT''%D6; filename=x]]
    assert.equal("x", disposition.parse(value, decode).filename)
  end)

  it("takes linear time for hostile values", function()
    local values = {}
    for _, unit in ipairs({ " ", "a", "a ", ",", ";", "=", "\"", "\\", "'", "%", "=?", "=?a?B?",
      "a=\"", "a=\"\\", "a=\" ", "=?a?q??= ", "=?a?q?x?= =?b?q?x?= ", "filename*=" }) do
      local filler = unit:rep(math.floor(65536 / #unit))
      values[#values + 1] = filler
      values[#values + 1] = "attachment; filename=" .. filler .. "x"
      values[#values + 1] = "attachment; filename=\"" .. filler .. "x"
      values[#values + 1] = "attachment; filename==?" .. filler .. "?"
      values[#values + 1] = "attachment; filename*=UTF-8''" .. filler .. "x;" .. filler
    end
    for _, value in ipairs(values) do
      local began = os.clock() -- processor time: other work on the machine doesn't count
      disposition.parse(value)
      assert.is_true(os.clock() - began < 1, value:sub(1, 60))
    end
  end)
end)

describe("disposition.percent_decode", function()
  it("decodes once and says whether every escape was well formed", function()
    assert.same({ "a b%41", true }, { disposition.percent_decode("a%20b%2541") })
    assert.same({ "100%", false }, { disposition.percent_decode("100%") })
    assert.same({ "%zzA", false }, { disposition.percent_decode("%zz%41") })
    assert.same({ "a\0b", true }, { disposition.percent_decode("a%00b") })
  end)
end)

describe("disposition.to_utf8", function()
  it("keeps valid UTF-8 and takes everything else for Latin-1", function()
    for _, valid in ipairs({ "", "abc", "é", "中", "\240\159\152\128", "\244\143\191\191" }) do
      assert.equal(valid, disposition.to_utf8(valid))
    end
    assert.equal("é", disposition.to_utf8("\233"))
    for _, invalid in ipairs({ "\128", "\192\175", "\224\128\175", "\237\191\191", "\226\130",
      "\244\144\128\128", "\248\136\128\128\128", "\255" }) do
      assert.not_equal(invalid, disposition.to_utf8(invalid))
    end
  end)
end)
