--- Files of records: what is appended is found again, also after a crash, by one process at a time.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local identity = require("luadl.identity")
local records = require("luadl.records")

local KEYS = { identity.key("a"), identity.key("b"), identity.key("c") }

describe("records", function()
  local path

  before_each(function()
    helper.begin()
    path = helper.tmpdir() .. "/records"
  end)

  after_each(helper.finish)

  local function open(keys_of)
    return assert(records.open(path, "file", keys_of or function(record) return record.keys end))
  end

  local function reopen(kept)
    assert(kept:close())
    return open()
  end

  it("are found by each of their keys, now and later", function()
    local kept = open()
    kept:append({ KEYS[1], KEYS[2] }, { text = 'a "quoted"\nline' })
    kept:append({ KEYS[3] }, { text = "c" })
    for _ = 1, 2 do
      assert.equal('a "quoted"\nline', kept:find(KEYS[1]).text)
      assert.equal('a "quoted"\nline', kept:find(KEYS[2]).text)
      assert.equal("c", kept:find(KEYS[3]).text)
      assert.is_nil(kept:find(identity.key("d")))
      kept = reopen(kept)
    end
    kept:close()
  end)

  it("are the last ones of their keys", function()
    local kept = open()
    for number = 1, 3 do kept:append({ KEYS[1] }, { number = number }) end
    kept = reopen(kept)
    assert.equal(3, kept:find(KEYS[1]).number)
    kept:append({ KEYS[1] }, { number = 4 })
    assert.equal(4, kept:find(KEYS[1]).number)
    kept:close()
  end)

  it("are JSON, one a line, and private", function()
    local kept = open()
    kept:append({ KEYS[1] }, { url = "http://a/1", size = 5 })
    kept:close()
    assert.equal(('{"keys":["%s"],"size":5,"url":"http://a/1"}\n'):format(KEYS[1]),
      helper.read(path))
    assert.equal("rw-------", require("lfs").attributes(path, "permissions"))
  end)

  it("of a line that was cut short count as none, and the next one is whole", function()
    local kept = open()
    kept:append({ KEYS[1] }, { number = 1 })
    kept:append({ KEYS[2] }, { number = 2 })
    kept:close()
    local whole = helper.read(path)
    local first_line = #whole:match("^[^\n]*\n")
    for length = first_line + 1, #whole - 1 do
      helper.write(path, whole:sub(1, length))
      kept = open()
      assert.equal(1, kept:find(KEYS[1]).number)
      assert.is_nil(kept:find(KEYS[2]))
      kept:append({ KEYS[3] }, { number = 3 })
      kept = reopen(kept)
      assert.equal(1, kept:find(KEYS[1]).number)
      assert.equal(3, kept:find(KEYS[3]).number)
      assert.is_true(kept.unreadable <= 1)
      kept:close()
    end
  end)

  it("that can't be read are counted, and hide no others", function()
    helper.write(path, '{"keys":["' .. KEYS[1] .. '"],"number":1}\nnonsense\n\0\n'
      .. '{"no":"keys"}\n\n{"keys":["' .. KEYS[2] .. '"],"number":2}\n')
    local kept = open()
    assert.equal(3, kept.unreadable)
    assert.equal(2, kept:find(KEYS[2]).number)
    kept:close()
  end)

  it("that somebody else has written get their keys from what they say", function()
    helper.write(path, '{ "name": "b", "number": 7 }\n')
    local kept = open(function(record) return { identity.key(record.name) } end)
    assert.equal(7, kept:find(KEYS[2]).number)
    kept:close()
  end)

  it("belong to one process at a time", function()
    local kept = open()
    local other, err = records.open(path, "file", function() end)
    assert.is_nil(other)
    assert.equal("locked", err.kind)
    assert.equal("cannot open the file: another luadl has it (" .. path .. ")", tostring(err))
    kept:close()
    open():close()
  end)

  it("aren't appended to a file of something else", function()
    local function is_text(record) return record.text and {} end
    for _, bytes in ipairs({
      "http://a/\nhttp://b/\n", "text", "\0\0\n", '{"number":1}\n{"text":"a"}\n', "{}\n", "{\n",
    }) do
      helper.write(path, bytes)
      local kept, err = records.open(path, "file", is_text)
      assert.is_nil(kept, bytes)
      assert.equal("cannot use the file: it has something else in it (" .. path .. ")",
        tostring(err))
      assert.equal(bytes, helper.read(path))
    end
    for _, bytes in ipairs({ "", "{", '{"keys":["', '{"text":"a"}\n' }) do
      helper.write(path, bytes)
      open(is_text):close()
    end
  end)

  it("say where they can't be kept", function()
    assert(require("lfs").link("elsewhere", path .. ".link", true))
    for _, where in ipairs({ path .. "/none", helper.tmpdir(), "/dev/null", path .. ".link" }) do
      local kept, err = records.open(where, "file", function() end)
      assert.is_nil(kept)
      assert.equal("bad_name", err.kind)
    end
  end)

  it("say that they couldn't be written", function()
    local kept = open()
    kept.writer:close()
    kept.writer = assert(io.open("/dev/full", "ab"))
    kept:append({ KEYS[1] }, { number = 1 })
    local ok, err = kept:flush()
    assert.is_nil(ok)
    assert.equal("no_space", err.kind)
    assert.equal("cannot write the file: No space left on device (" .. path .. ")", tostring(err))
    kept:close()
  end)
end)

describe("an identity", function()
  it("is what other programs can work out, too", function()
    local url = "https://example.org/a?b=c"
    local sum = helper.run(("printf %%s '%s' | sha256sum"):format(url)).stdout
    assert.equal(sum:sub(1, 16), identity.key(identity.url(url)))
    assert.equal(tonumber(sum:sub(1, 8), 16) % 7 + 1, identity.part(url, 7))
  end)

  it("knows neither logins nor fragments", function()
    assert.equal("http://a/b?c", identity.url("http://me:secret@a/b?c#d@e"))
  end)

  it("falls into each part about as often, and into one only", function()
    local counts = {}
    for number = 1, 4000 do
      local part = identity.part("http://host/" .. number, 4)
      counts[part] = (counts[part] or 0) + 1
    end
    for part = 1, 4 do assert.near(1000, counts[part], 150) end
    assert.is_nil(counts[5])
  end)
end)
