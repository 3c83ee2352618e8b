--- Names from the wild and from attackers (rows N1 to N11, F8, F13): judged by a checker that knows
-- none of luadl's code, through the whole command.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local server = require("spec.support.server")

local SIZE = 100
local SEED = 8
local NAME_MAX = 255 - #".part.lj"

local origin, around, folder

local RESERVED = {
  con = true, prn = true, aux = true, nul = true, ["conin$"] = true, ["conout$"] = true,
}
for digit = 1, 9 do RESERVED["com" .. digit], RESERVED["lpt" .. digit] = true, true end

-- Code points that hide or turn what is read.
local function deceives(code)
  return code >= 0x202A and code <= 0x202E or code >= 0x2066 and code <= 0x2069
    or code >= 0x200B and code <= 0x200F or code == 0xFEFF or code >= 0xE0000 and code <= 0xE007F
    or code >= 0x80 and code <= 0x9F
end

-- What is wrong with a name that a server chose, or nil.
local function fault_of(name)
  if name == "" or name == "." or name == ".." then return "no name" end
  if #name > NAME_MAX then return "too long" end
  if name:find("[%z\1-\31\127/\\<>:\"|?*]") then return "a forbidden character" end
  if name:find("^[.-]") then return "hidden, or an option" end
  if name:find("[. ]$") then return "a trailing dot or space" end
  if not utf8.len(name) then return "not UTF-8" end
  for _, code in utf8.codes(name) do
    if deceives(code) then return ("U+%04X"):format(code) end
  end
  local lower = name:lower()
  if lower:find("%.part$") or lower:find("%.part%.lj$") then return "one of luadl's own" end
  if RESERVED[lower:match("^[^.]*"):gsub("%s+$", "")] then return "a device on Windows" end
  return nil
end

-- Every disposition becomes one right file of a sound name, in the folder and nowhere else.
local function check_all(dispositions)
  local words = { "--retry", "0", "-q", "-j8", "-d", folder }
  for index, disposition in ipairs(dispositions) do
    words[#words + 1] = origin:serve(("/n%d/plain"):format(index), {
      size = SIZE, seed = SEED, disposition = disposition,
    })
  end
  local result = helper.luadl(table.unpack(words))
  assert.equal(0, result.status, result.stderr)
  assert.same({ "in" }, helper.entries(around))
  local names = helper.entries(folder)
  assert.equal(#dispositions, #names)
  for _, name in ipairs(names) do
    local fault = fault_of(name)
    assert.is_nil(fault, ("%q has %s"):format(name, fault))
    assert.equal(SIZE, lfs.attributes(folder .. "/" .. name, "size"))
  end
end

local function quoted(name)
  return 'attachment; filename="' .. name .. '"'
end

local function extended(name)
  return "attachment; filename*=UTF-8''" .. name:gsub("[^%w]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)
end

-- The corpus: what axel, aria2, wget and others were caught by, and their kin.
local CORPUS = {
  ["N1: climbs"] = {
    "../x", "../../../../etc/passwd", "..", ".", "./x", "x/../../y", "/etc/passwd",
    "//host/share/x", "..\\x", "..\\..\\windows\\x", "C:\\x", "C:x", "\\\\host\\share\\x", "~/x",
    "~root/.ssh/x", "x/..", "x/", "x\\", "....//x", "..;/x", "%2e%2e%2fx", "%252e%252e%252fx",
    "%c0%ae%c0%ae%c0%afx", "..%00/x", "x\0/../y",
  },
  ["N2: changes when it is decoded"] = {
    "=?UTF-8?B?Li4vLi4veA==?=", "=?UTF-8?Q?=2E=2E=2Fx?=", "=?utf-7?Q?+AC4ALgAv-x?=",
    "=?UTF-8?B?AAAA?=", "=?UTF-8?Q?=0D=0AX:y?=", "=?UTF-16?B?Lg==?=", "=?nonsense?Q?x?=",
    "=?UTF-8?X?x?=", "=?UTF-8?B?!!!!?=", "=?UTF-8?Q?a?= =?UTF-8?Q?=2Fb?=",
  },
  ["N3: has controls"] = {
    "a\tb", "a\127b", "a\27[2Jb", "a\194\155b", "a\194\133b", "a\1b", "\7", "a\8\8\8b",
  },
  ["N4: deceives the eye"] = {
    "photo\226\128\174gpj.exe", "\226\128\139", "a\226\128\143b", "\239\187\191x", "a\226\129\166b",
    "x\243\160\129\129y", "invoice\226\128\139.pdf.exe", "\226\128\174\226\128\174",
  },
  ["N5: hides or is an option"] = {
    ".bashrc", "..bashrc", "...", "-rf", "--help", "-", ". ", " .x", "x.", "x ", "x. . .",
    "x\194\160", ".-.-", "-.bashrc",
  },
  ["N6: is a device elsewhere"] = {
    "CON", "con.txt", "nul.tar.gz", "COM1", "com9.log", "LPT1", "aux", "PRN.x", "CONIN$",
    "con .txt", "CON.", "a:b", "a<b>c", "a|b", "a?b*c", "x.txt::$DATA",
  },
  ["N7: is broken text"] = {
    "\255\254", "\192\175", "\224\128\175", "\237\160\128", "a\128b", "\244\144\128\128",
    "\226\130", ("\195\169"):rep(300), ("x"):rep(300) .. ".tar.gz",
    ("\240\159\152\128"):rep(100) .. ".zip", "." .. ("x"):rep(300), ("x."):rep(200),
    "x." .. ("y"):rep(300),
  },
  ["N10: is nothing"] = { "", " ", "   ", "\t", "....", "\226\128\139\226\128\139", '\\"', "_" },
  ["N11: is luadl's own"] = {
    "x.part", "x.PART", "x.part.lj", "x.Part.Lj", ".part", ".part.lj", "x.part ", "x.part.",
    ".luadl", ".luadlrc", ".netrc", "x.part\226\128\139", "x.part/", "x.part.lj.",
  },
}

describe("a name that", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    around = helper.tmpdir()
    folder = around .. "/in"
    lfs.mkdir(folder)
  end)
  after_each(helper.finish)

  for what, names in pairs(CORPUS) do
    it(what .. " becomes a sound one", function()
      local dispositions = {}
      for _, name in ipairs(names) do
        if not name:find("[%z\r\n]") then
          dispositions[#dispositions + 1] = quoted(name)
          dispositions[#dispositions + 1] = "inline; filename=" .. name
        end
        dispositions[#dispositions + 1] = extended(name)
      end
      check_all(dispositions)
    end)
  end

  it("N8: comes in a field that nobody should send becomes a sound one", function()
    check_all({
      "", ";", "attachment", "attachment;", "filename=x", "=x", "attachment; filename", "; ; ;=",
      "attachment; filename=", "attachment; filename*=", "attachment; filename*=UTF-8''",
      "attachment; filename*=UTF-8", "attachment; filename*=''x", "attachment; filename*='x",
      "attachment; filename*=UTF-8''%", "attachment; filename*=UTF-8''%z1",
      'attachment; filename="', 'attachment; filename="\\',
      "attachment; filename*0*=UTF-8''%2e%2e; filename*1=/x",
      "attachment; filename*1=b; filename*0=../a", "attachment; filename*0=a; filename*99999999=b",
      ("attachment; filename*%s=x"):format(("9"):rep(400)), "a; filename=" .. ("x;"):rep(5000),
      'attachment; filename="a"; filename="../b"; filename*=UTF-8\'\'..%2fc',
    })
  end)

  it("N9: is made of the worst pieces at random becomes a sound one", function()
    local pieces = {
      "..", "/", "\\", ".", "-", " ", "%2f", "%00", "%", "\195\169", "\226\128\174", "\255",
      "CON", ":", ".part", ".lj", "x", "=?UTF-8?Q?=2F?=", '\\"', ";", "'", "~", "\t",
      ("y"):rep(120), "\240\159\152\128",
    }
    local dispositions = {}
    for seed = 1, 120 do
      local draw, parts = random.new(seed), {}
      for index = 1, draw(1, 12) do parts[index] = pieces[draw(1, #pieces)] end
      local name = table.concat(parts)
      dispositions[seed] = seed % 2 == 0 and quoted(name) or extended(name)
    end
    check_all(dispositions)
  end)

  it("N1: stands in the URL becomes a sound one", function()
    local words = { "--retry", "0", "-q", "-j8", "-d", folder }
    local paths = {
      "/..%2f..%2fx", "/%2e%2e", "/a/%5c..%5cx", "/%00", "/%0d%0ax", "/.%2ebashrc", "/-rf",
      "/%20", "/a%2f", "/C%3ax", "/nul.txt", "/%e2%80%aex", "/%c0%af",
      "/" .. ("%c3%a9"):rep(300), "/x.part", "/x.part.lj", "/%252e%252e%252fx", "/;x", "/a;b=..",
      "/~x",
    }
    for _, path in ipairs(paths) do
      words[#words + 1] = origin:serve(path, { size = SIZE, seed = SEED })
    end
    local result = helper.luadl(table.unpack(words))
    assert.equal(0, result.status, result.stderr)
    assert.same({ "in" }, helper.entries(around))
    local names = helper.entries(folder)
    assert.equal(#paths, #names)
    for _, name in ipairs(names) do assert.is_nil(fault_of(name), name) end
  end)

  -- The checker itself must be able to say no.
  it("N1: is unsound is known as such", function()
    for _, name in ipairs({
      "..", "a/b", "a\\b", ".x", "-x", "x.", "x ", "CON", "nul.txt", "x.part", "X.PART.LJ",
      "a\27b", "\255", "a\226\128\174b", "a\194\155b", "a:b", ("x"):rep(248),
    }) do
      assert.is_string(fault_of(name), name)
    end
  end)

  -- Sends half, and the rest when the gate is there.
  local function gated(connection, _, parameters)
    connection:status(200, { { "Content-Length", parameters.size }, { "Accept-Ranges", "none" } })
    connection:body(0, parameters.size // 2)
    connection:await(function()
      local gate = io.open(parameters.gate)
      return gate and gate:close()
    end, 5)
    connection:body(parameters.size // 2 + 1, parameters.size - 1)
  end

  -- Two names of one file, as on a disk that ignores case: here by a link.
  it("F13: is taken to the file system alone gives way", function()
    local gate, part = around .. "/gate", folder .. "/file.bin.part"
    local session = luadl.session({ dir = folder, retry = 0 })
    local first = session:download({
      url = origin:serve("/file.bin", gated, { size = SIZE, seed = SEED, gate = gate }),
    })
    while not helper.exists(part) do session:step(0.01) end
    assert(lfs.link(part, folder .. "/FILE.BIN.part"))
    local url = origin:serve("/FILE.BIN", { size = SIZE, seed = SEED })
    local second = assert(session:get({ url = url }))
    assert.equal(folder .. "/FILE (1).BIN", second.path)
    os.remove(folder .. "/FILE.BIN.part")
    helper.write(gate, "")
    assert(first:wait())
    session:close()
    os.remove(gate)
    assert.same({ "FILE (1).BIN", "file.bin" }, helper.entries(folder))
    for _, name in ipairs(helper.entries(folder)) do
      assert.equal(server.sha256(SEED, SIZE), helper.sha256(folder .. "/" .. name))
    end
  end)
end)
