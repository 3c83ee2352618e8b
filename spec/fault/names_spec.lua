--- Names that servers choose (rows N1 to N12), through the whole command.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local SIZE = 1000
local SEED = 9

local origin, around, folder

local function luadl(url, ...)
  local words = { "--retry", "0", "-d", folder, ... }
  words[#words + 1] = url
  return helper.luadl(table.unpack(words))
end

-- Everything is in one file of this name in the folder, and nothing is beside the folder.
local function assert_saved_as(name, result)
  assert.equal(0, result.status, result.stderr)
  assert.same({ "in" }, helper.entries(around))
  assert.same({ name }, helper.entries(folder))
  assert.equal(server.sha256(SEED, SIZE), helper.sha256(folder .. "/" .. name))
  os.remove(folder .. "/" .. name)
end

local function serve(path, disposition)
  return origin:serve(path, { size = SIZE, seed = SEED, disposition = disposition })
end

describe("a name that the server chose", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    around = helper.tmpdir()
    folder = around .. "/in"
    lfs.mkdir(folder)
  end)
  after_each(helper.finish)

  local function becomes(names)
    for disposition, name in pairs(names) do
      assert_saved_as(name, luadl(serve("/plain.bin", disposition)))
    end
  end

  it("N1: leads nowhere but into the folder", function()
    becomes({
      ['attachment; filename="../../evil.sh"'] = "evil.sh",
      ['attachment; filename="/etc/cron.d/evil"'] = "evil",
      ['attachment; filename="..\\\\..\\\\evil.exe"'] = "evil.exe",
      ['attachment; filename="C:\\\\evil.exe"'] = "evil.exe",
      ["attachment; filename*=UTF-8''..%2f..%2fevil.sh"] = "evil.sh",
      ["attachment; filename*=UTF-8''%2e%2e%5cevil.sh"] = "evil.sh",
      ['attachment; filename=".."'] = "plain.bin",
      ['attachment; filename="~/evil"'] = "evil",
    })
  end)

  it("N1: leads nowhere else from the URL either", function()
    assert_saved_as("evil.sh", luadl(serve("/a/%2e%2e%2fevil.sh")))
    assert_saved_as("evil.sh", luadl(serve("/a/..%5c..%5cevil.sh")))
    assert_saved_as("b%2Fc", luadl(serve("/a/b%252Fc")))
    serve("/with%20blank.bin")
    assert_saved_as("with blank.bin", luadl(origin.url .. "/with blank.bin"))
  end)

  it("N2: decodes before it looks for folders", function()
    becomes({ ["attachment; filename*=ISO-8859-1''..%2f%e9t%e9.txt"] = "\195\169t\195\169.txt" })
  end)

  it("N3: has no control characters and isn't cut at a NUL", function()
    becomes({
      ["attachment; filename*=UTF-8''a%00.txt"] = "a_.txt",
      ["attachment; filename*=UTF-8''a%0Ab%1B%5B2J.txt"] = "a_b_[2J.txt",
      ["attachment; filename*=UTF-8''a%7f%c2%9bb.txt"] = "a__b.txt",
    })
  end)

  it("N4: can't be spelled backwards", function()
    becomes({
      ["attachment; filename*=UTF-8''photo%e2%80%aegpj.exe"] = "photogpj.exe",
      ["attachment; filename*=UTF-8''a%e2%80%8bb%ef%bb%bf.txt"] = "ab.txt",
    })
  end)

  it("N5: is neither hidden nor an option", function()
    becomes({
      ['attachment; filename=".bashrc"'] = "_bashrc",
      ['attachment; filename="-rf"'] = "_rf",
      ['attachment; filename="name. . "'] = "name",
    })
  end)

  it("N6: works on other systems too", function()
    becomes({
      ['attachment; filename="CON"'] = "CON_",
      ['attachment; filename="nul.txt"'] = "nul_.txt",
      ['attachment; filename="a:b?.txt"'] = "a_b_.txt",
    })
  end)

  it("N7: is valid UTF-8 of a length that fits", function()
    local long = ("\195\169"):rep(200)
    local result = luadl(serve("/plain.bin", 'attachment; filename="' .. long .. '.iso"'))
    assert.equal(0, result.status, result.stderr)
    local name = helper.entries(folder)[1]
    assert.is_true(#name <= 255 - #".part.lj")
    assert.is_truthy(utf8.len(name))
    assert.matches("%.iso$", name)
    os.remove(folder .. "/" .. name)
    becomes({ ["attachment; filename*=UTF-8''a%c0%afb"] = "plain.bin" })
  end)

  it("N8: is read from what servers really send", function()
    becomes({
      ["attachment; filename=plain; filename*=UTF-8''%e2%82%ac.txt"] = "\226\130\172.txt",
      ["attachment; filename*0=part1; filename*1=part2.txt"] = "part1part2.txt",
      ['attachment; filename="a\\"b.txt"'] = "a_b.txt",
      ["attachment; filename=a.txt;"] = "a.txt",
      ["attachment; filename = with spaces.txt"] = "with spaces.txt",
      ['attachment; filename="no end.txt'] = "no end.txt",
    })
  end)

  it("N9: is decoded from the charsets that servers use", function()
    becomes({
      ['attachment; filename="=?UTF-8?B?5paH5Lu2LnR4dA==?="'] = "文件.txt",
      ['attachment; filename="=?GBK?B?zsS8/i50eHQ=?="'] = "文件.txt",
      ['attachment; filename="=?ISO-8859-1?Q?caf=E9?="'] = "café",
      ["attachment; filename*=GBK''%CE%C4%BC%FE.txt"] = "文件.txt",
      ['attachment; filename="caf\233.txt"'] = "café.txt",
      ['attachment; filename="café.txt"'] = "café.txt",
      ["inline; filename=first.txt; filename=second.txt"] = "first.txt",
    })
  end)

  it("N10: is never empty", function()
    becomes({
      ['attachment; filename=""'] = "plain.bin",
      ['attachment; filename="..."'] = "plain.bin",
      ["attachment"] = "plain.bin",
    })
    assert_saved_as("download", luadl(serve("/")))
    assert_saved_as("download", luadl(serve("/folder/")))
  end)

  it("N11: can't pass for a file of luadl's own", function()
    for _, name in ipairs({ "x.part", "x.part.lj", "X.PART" }) do
      local result = luadl(serve("/plain.bin", "attachment; filename=" .. name))
      assert.equal(0, result.status, result.stderr)
      local saved = helper.entries(folder)[1]
      assert.is_nil(saved:lower():find("%.part$"))
      assert.is_nil(saved:lower():find("%.part%.lj$"))
      assert_saved_as(saved, result)
    end
  end)

  it("N12: isn't taken from where a redirect leads, unless that is wanted", function()
    local to = serve("/evil.sh")
    local url = origin:redirect("/wanted.iso", to)
    assert_saved_as("wanted.iso", luadl(url))
    assert_saved_as("evil.sh", luadl(url, "--trust-redirect-name"))
    serve("/evil.sh", "attachment; filename=told.iso")
    assert_saved_as("told.iso", luadl(url))
  end)

  it("N12: gives way to -o", function()
    local path = folder .. "/mine"
    local result = helper.luadl("-o", path, serve("/plain.bin", "attachment; filename=theirs"))
    assert_saved_as("mine", result)
  end)

  it("S8: doesn't follow a link that waits under it", function()
    local victim = around .. "/victim"
    helper.write(victim, "kept")
    lfs.link(victim, folder .. "/plain.bin", true)
    local result = luadl(serve("/plain.bin"))
    assert.equal(0, result.status, result.stderr)
    assert.same({ "plain (1).bin", "plain.bin" }, helper.entries(folder))
    assert.equal("link", lfs.symlinkattributes(folder .. "/plain.bin", "mode"))
    assert.equal("kept", helper.read(victim))
  end)
end)
