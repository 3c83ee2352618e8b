--- The journal of a batch: what it skips when the batch runs again, and which file it recognises.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local journal = require("luadl.batch.journal")

local DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

describe("the journal of a batch", function()
  local folder, kept

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    kept = assert(journal.open(folder .. "/journal"))
  end)

  after_each(function()
    kept.records:close()
    helper.finish()
  end)

  local function item(more)
    return { opts = merged({ url = "http://me:secret@a/x" }, more) }
  end

  local function again()
    kept.records:close()
    kept = assert(journal.open(folder .. "/journal"))
  end

  local function finish(each, bytes)
    assert.is_nil(kept:known(each))
    kept:named(each, folder .. "/x")
    helper.write(folder .. "/x", bytes)
    kept:ended(each, { path = folder .. "/x", size = #bytes })
  end

  it("skips what is done, while its file is there and as long", function()
    finish(item(), "12345")
    again()
    assert.equal("done before", kept:known(item()))
    assert.is_nil(kept:known(item({ url = "http://a/y" })))
    assert.is_nil(kept:known(item({ output = "z" })))
    helper.write(folder .. "/x", "1234")
    assert.is_nil(kept:known(item()))
    os.remove(folder .. "/x")
    again()
    assert.is_nil(kept:known(item()))
    assert.is_nil(helper.read(folder .. "/journal"):find("secret", 1, true))
  end)

  it("tries again what has failed", function()
    local each = item()
    kept:known(each)
    kept:named(each, folder .. "/x")
    kept:ended(each, nil, { kind = "dns" })
    again()
    each = item()
    assert.is_nil(kept:known(each))
    assert.same({}, each.reserved)
  end)

  it("has one item of each URL and place at a time", function()
    local each = item()
    assert.is_nil(kept:known(each))
    assert.equal("twice in the list", kept:known(item()))
    kept:ended(each, nil, { kind = "dns" })
    assert.is_nil(kept:known(item()))
  end)

  it("tells parts and forms of one URL apart", function()
    local all = {
      {}, { range = { 0, 3 } }, { range = { 4, 7 } }, { body = "a=1" }, { body = "a=2" },
      { method = "POST", body = "a=1" },
    }
    for _, opts in ipairs(all) do assert.is_nil(kept:known(item(opts))) end
    for _, opts in ipairs({ { method = "GET" }, { range = "4-7" }, { body = "a=2" } }) do
      assert.equal("twice in the list", kept:known(item(opts)))
    end
  end)

  it("lets what a URL stands for be that URL", function()
    local each = item()
    kept:known(each)
    kept:unfolded(each)
    assert.is_nil(kept:known(item()))
  end)

  describe("recognises the file of an item that has begun", function()
    local each

    before_each(function()
      each = item()
      kept:known(each)
      kept:named(each, folder .. "/x")
      again()
      helper.write(folder .. "/x", "12345")
      helper.run({ "touch", "-d", DATE, folder .. "/x" })
      each = item()
      kept:known(each)
    end)

    local function owns(more, path)
      local head = merged({ total = 5, last_modified = DATE }, more)
      return kept:owns(each, path or folder .. "/x", head) == "complete already"
    end

    it("that has its name, size and date", function()
      assert.is_true(owns())
      assert.is_true(owns({ last_modified = false }))
    end)

    it("and no other one", function()
      assert.is_false(owns({}, folder .. "/y"))
      for _, wrong in ipairs({
        { total = 6 }, { total = false }, { last_modified = "Sun, 06 Nov 1994 08:49:38 GMT" },
      }) do
        again()
        each = item()
        kept:known(each)
        assert.is_false(owns(wrong))
        assert.is_false(owns(), "it is somebody else's, as is known by now")
      end
      each = item({ url = "http://a/y" })
      kept:known(each)
      assert.is_false(owns())
    end)

    it("also when a further run was killed while it tried another name", function()
      kept:named(each, folder .. "/taken")
      again()
      each = item()
      kept:known(each)
      assert.is_true(owns())
    end)
  end)
end)
