--- URLs by pattern: what curl's braces and brackets stand for.
-- SPDX-License-Identifier: MIT

local glob = require("luadl.glob")
local random = require("spec.support.random")

local function all(pattern)
  local urls, matched = {}, {}
  for url, words in glob.each(assert(glob.parse(pattern))) do
    urls[#urls + 1], matched[#matched + 1] = url, words
  end
  return urls, matched
end

describe("a pattern", function()
  for pattern, urls in pairs({
    ["h/file"] = { "h/file" },
    ["h/{a,b,c}"] = { "h/a", "h/b", "h/c" },
    ["h/{a,}"] = { "h/a", "h/" },
    ["{a,b}/{1,2}"] = { "a/1", "a/2", "b/1", "b/2" },
    ["h/[8-11]"] = { "h/8", "h/9", "h/10", "h/11" },
    ["h/[08-11]"] = { "h/08", "h/09", "h/10", "h/11" },
    ["h/[1-03]"] = { "h/1", "h/2", "h/3" },
    ["h/[1-100:40]"] = { "h/1", "h/41", "h/81" },
    ["h/[x-z]"] = { "h/x", "h/y", "h/z" },
    ["h/[a-g:3].[0-1]"] = { "h/a.0", "h/a.1", "h/d.0", "h/d.1", "h/g.0", "h/g.1" },
    ["h/[a-a]"] = { "h/a" },
    ["h/\\{a,b\\}"] = { "h/{a,b}" },
    ["h/{a\\,b,c\\}d}"] = { "h/a,b", "h/c}d" },
    ["h/\\x"] = { "h/\\x" },
    ["h/?list[]=1"] = { "h/?list[]=1" },
    ["http://[::1]:80/[1-2]"] = { "http://[::1]:80/1", "http://[::1]:80/2" },
    ["http://[fe80::1%25eth0]/{a}"] = { "http://[fe80::1%25eth0]/a" },
  }) do
    it(pattern .. " is read as curl reads it", function()
      assert.same(urls, (all(pattern)))
    end)
  end

  for pattern, message in pairs({
    ["h/{a"] = "a '{' without its end at position 3",
    ["h/{a,b}{"] = "a '{' without its end at position 8",
    ["h/a}"] = "'}' without its beginning at position 4",
    ["h/a]"] = "']' without its beginning at position 4",
    ["h/{}"] = "nothing within braces at position 3",
    ["h/{a,{b}}"] = "a brace within braces at position 6",
    ["h/{a[1-2]}"] = "a bracket within braces at position 5",
    ["h/[1-5"] = "a '[' without its end at position 3",
    ["h/[5-1]"] = "a bad range, [5-1], at position 3",
    ["h/[1-5:0]"] = "a bad range, [1-5:0], at position 3",
    ["h/[1-5:9]"] = "a bad range, [1-5:9], at position 3",
    ["h/[3-3:2]"] = "a bad range, [3-3:2], at position 3",
    ["h/[A-z]"] = "a bad range, [A-z], at position 3",
    ["h/[1-99999999999999999999]"] = "a bad range, [1-99999999999999999999], at position 3",
    ["h/[1-a]"] = "[1-a], which is no range like [1-9], [a-z] or [0-100:10], at position 3",
    ["h/[-1-3]"] = "[-1-3], which is no range like [1-9], [a-z] or [0-100:10], at position 3",
    ["h/[1-3:x]"] = "[1-3:x], which is no range like [1-9], [a-z] or [0-100:10], at position 3",
  }) do
    it(pattern .. " is refused", function()
      assert.same({ nil, message }, { glob.parse(pattern) })
    end)
  end

  it("tells what each of its parts stood for", function()
    local _, matched = all("h/{a,b}-[1-2].{x}")
    assert.same({ { "a", "1", "x" }, { "a", "2", "x" }, { "b", "1", "x" }, { "b", "2", "x" } },
      matched)
  end)

  it("is walked through without a list of all it stands for", function()
    local parts = assert(glob.parse("h/[1-1000000000]/[1-1000000000]"))
    assert.equal(1e18, glob.count(parts))
    local next_url = glob.each(parts)
    assert.equal("h/1/1", (next_url()))
    collectgarbage()
    local before = collectgarbage("count")
    for _ = 1, 10000 do next_url() end
    collectgarbage()
    assert.equal("h/1/10002", (next_url()))
    assert.is_true(collectgarbage("count") - before < 100)
  end)
end)

describe("a name", function()
  it("has what was matched", function()
    assert.equal("b_1.bin", glob.fill("#2_#1.bin", { "1", "b" }))
  end)

  it("keeps what stands for nothing", function()
    assert.equal("#0 #3 ##", glob.fill("#0 #3 ##", { "1", "b" }))
  end)

  it("gets no folder out of it", function()
    assert.equal("x_a_b", glob.fill("x_#1", { "a/b" }))
    assert.equal("x__", glob.fill("x_#1", { ".." }))
    assert.equal("x_", glob.fill("x_#1", { "" }))
  end)
end)

-- A pattern and, by other means, what it stands for.
local function make(draw)
  local pattern, urls = "", { "" }
  local function append(text, words)
    local longer = {}
    for _, url in ipairs(urls) do
      for _, word in ipairs(words) do longer[#longer + 1] = url .. word end
    end
    pattern, urls = pattern .. text, longer
  end
  local makers = {
    function() append("h/", { "h/" }) end,
    function() append("\\{", { "{" }) end,
    function() append("{p,q\\,r,}", { "p", "q,r", "" }) end,
    function()
      local first, words = draw(0, 20), {}
      local last = first + draw(1, 3)
      for number = first, last do words[#words + 1] = ("%03d"):format(number) end
      append(("[%03d-%d]"):format(first, last), words)
    end,
  }
  for _ = 1, draw(1, 5) do makers[draw(1, #makers)]() end
  return pattern, urls
end

describe("any pattern", function()
  it("stands for every combination, in order", function()
    local draw = random.new(7)
    for _ = 1, 300 do
      local pattern, urls = make(draw)
      assert.same(urls, (all(pattern)), pattern)
      assert.equal(#urls, glob.count(glob.parse(pattern)))
    end
  end)

  it("is read or refused with a position in it", function()
    local draw = random.new(8)
    local bytes = "{}[],\\-:019azA/"
    for _ = 1, 5000 do
      local pattern = ""
      for _ = 1, draw(1, 12) do
        local at = draw(1, #bytes)
        pattern = pattern .. bytes:sub(at, at)
      end
      local parts, message = glob.parse(pattern)
      if not parts then
        local position = tonumber(message:match("at position (%d+)$"))
        assert.is_true(position >= 1 and position <= #pattern, pattern .. ": " .. message)
      else
        assert.is_string((glob.each(parts)()))
      end
    end
  end)
end)
