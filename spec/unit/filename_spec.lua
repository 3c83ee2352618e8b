--- File names: sources and their order, and what hostile servers would like to create.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local filename = require("luadl.filename")
local headers = require("luadl.headers")

local function same_for_all(cases, of)
  for _, case in ipairs(cases) do
    assert.equal(case[2], (of(case[1])), ("%q"):format(case[1]))
  end
end

describe("filename.split", function()
  it("takes the extension off, a double one whole", function()
    local cases = {
      { "a.txt", "a", ".txt" },
      { "a.b.txt", "a.b", ".txt" },
      { "a.tar.gz", "a", ".tar.gz" },
      { "a.b.TAR.XZ", "a.b", ".TAR.XZ" },
      { "tar.gz", "tar", ".gz" },
      { "README", "README", "" },
      { ".bashrc", ".bashrc", "" },
      { "a.", "a.", "" },
      { "v1.2 final", "v1.2 final", "" },
      { "a." .. ("x"):rep(60), "a." .. ("x"):rep(60), "" },
      { "", "", "" },
    }
    for _, case in ipairs(cases) do
      assert.same({ case[2], case[3] }, { filename.split(case[1]) })
    end
  end)
end)

describe("filename.from_url", function()
  it("gives the last segment of the path, decoded once", function()
    same_for_all({
      { "https://example.org/a/b.zip", "b.zip" },
      { "https://example.org/a/b.zip?name=/c.zip#/d.zip", "b.zip" },
      { "https://example.org/b%20c%2541.zip", "b c%41.zip" },
      { "https://example.org/a%2Fb.zip", "b.zip" },
      { "https://example.org/a%5Cb.zip", "b.zip" },
      { "https://example.org/100%.zip", "100%.zip" },
      { "https://example.org/a+b.zip", "a+b.zip" },
      { "https://example.org/%E4%B8%AD.zip", "中.zip" },
      { "https://example.org/caf%E9.zip", "café.zip" },
      { "https://example.org/a;v=1", "a;v=1" },
    }, filename.from_url)
  end)

  it("gives nothing for a path without a last segment, never the host", function()
    same_for_all({
      { "https://example.org", "" },
      { "https://example.org/", "" },
      { "https://example.org/dir/", "" },
      { "https://example.org/dir%2F", "" },
      { "https://example.org?file=a.zip", "" },
      { "https://me:secret@example.org:8080", "" },
      { "example.org", "" },
      { "", "" },
    }, filename.from_url)
  end)
end)

describe("filename.choose", function()
  local url = "https://example.org/from-url.zip"

  it("prefers the policy, then the header, then the requested URL", function()
    local sources = {
      policy = "from-policy.zip",
      disposition = "attachment; filename=from-header.zip",
      url = url,
      final_url = "https://cdn.example.org/from-redirect.zip",
    }
    local function check(name, source)
      assert.same({ name, source }, { filename.choose(sources) })
    end
    check("from-policy.zip", "policy")
    sources.policy = nil
    check("from-header.zip", "disposition")
    sources.disposition = nil
    check("from-url.zip", "url")
    sources.trust_redirect_name = true
    check("from-redirect.zip", "final_url")
    sources.final_url, sources.url = nil, nil
    check("download", "default")
  end)

  it("goes on to the next source when nothing is left of a name", function()
    for _, empty in ipairs({ "", ".", "..", "...", " . ", "../", "dir/", "\226\128\139" }) do
      local header = ('attachment; filename="%s"'):format(empty)
      local name = filename.choose({ policy = empty, disposition = header, url = url })
      assert.equal("from-url.zip", name, ("%q"):format(empty))
    end
    assert.equal("download", (filename.choose({ url = "https://example.org/%2e%2e" })))
  end)

  it("keeps a name without an extension", function()
    assert.equal("README", (filename.choose({ disposition = "a; filename=README", url = url })))
    assert.equal("latest", (filename.choose({ url = "https://example.org/latest" })))
  end)

  it("sanitises what the policy says", function()
    assert.equal("_netrc", (filename.choose({ policy = "../../.netrc", url = url })))
  end)

  it("refuses a policy's answer that is not a string", function()
    local name, err = filename.choose({ policy = 5, url = url })
    assert.is_nil(name)
    assert.is_true(errors.is(err, "usage"))
  end)

  it("gives the parser the caller's charset function", function()
    local function decode(charset, bytes)
      return charset == "GBK" and bytes == "\214\208.txt" and "中.txt" or nil
    end
    local sources = { disposition = "a; filename*=GBK''%D6%D0.txt", decode = decode }
    assert.equal("中.txt", (filename.choose(sources)))
  end)

  it("splits on separators after the charset was decoded, not before", function()
    -- The second byte of U+8868 in Shift_JIS is a backslash.
    local function decode() return "表.txt" end
    local sources = { disposition = "a; filename*=Shift_JIS''%95%5C.txt", decode = decode }
    assert.equal("表.txt", (filename.choose(sources)))
  end)

  it("takes only the last component, however the path is disguised", function()
    for _, path in ipairs({ "../../etc/passwd", "/etc/passwd", "..\\..\\etc\\passwd",
      "C:\\etc\\passwd", "..%2f..%2fetc%2fpasswd", "..%5c..%5cetc%5cpasswd", "~/passwd",
      "\\\\host\\share\\passwd", "./passwd", "//passwd" }) do
      local decoded = path:gsub("%%2f", "/"):gsub("%%5c", "\\")
      assert.equal("passwd", (filename.choose({ url = "https://example.org/" .. path })), path)
      assert.equal("passwd", (filename.choose({ policy = decoded })), path)
      local header = "attachment; filename=" .. path
      assert.equal("passwd", (filename.choose({ disposition = header })), path)
    end
  end)

  it("decodes escapes once, so that a second layer stays text", function()
    local name = filename.choose({ url = "https://example.org/%252e%252e%252fetc" })
    assert.equal("%2e%2e%2fetc", name)
    local header = "attachment; filename*=UTF-8''..%252f..%252fetc"
    assert.equal("__%2f..%2fetc", (filename.choose({ disposition = header })))
  end)

  it("makes nothing of overlong UTF-8", function()
    local overlong = "https://example.org/%c0%ae%c0%ae%c0%afetc"
    assert.equal("À®À®À¯etc", (filename.choose({ url = overlong })))
    local header = "attachment; filename*=UTF-8''%c0%ae%c0%ae%c0%afetc"
    assert.equal("from-url.zip", (filename.choose({ disposition = header, url = url })))
  end)

  it("says bad_name where the file system has no room for any name", function()
    local name, err = filename.choose({ url = url, name_max = 8 })
    assert.is_nil(name)
    assert.is_true(errors.is(err, "bad_name"))
  end)
end)

describe("filename.default", function()
  local head = {
    url = "https://cdn.example.org/x1y2",
    requested_url = "https://example.org/latest.iso",
    headers = headers.new({ { "content-disposition", "attachment; filename=real.iso" } }),
  }

  it("reads the header before the requested URL", function()
    assert.equal("real.iso", (filename.default(head)))
    local without = { url = head.url, requested_url = head.requested_url, headers = headers.new() }
    assert.equal("latest.iso", (filename.default(without)))
    assert.equal("x1y2", (filename.default(without, { trust_redirect_name = true })))
  end)
end)

describe("filename.sanitise", function()
  it("leaves good names alone", function()
    for _, name in ipairs({ "a", "report.pdf", "a b (1).tar.gz", "naïve café.txt",
      "中文名.zip",
      "it's.txt", "a&b;c,d=e+f.txt", "x.part1.rar", "partial.parts", "console.log", "com.txt",
      "com10.txt", "a-b", "a..b", "😀.png", "100%.txt" }) do
      assert.equal(name, (filename.sanitise(name)))
    end
  end)

  it("replaces separators and control characters, and never ends at a NUL", function()
    same_for_all({
      { "AC/DC.mp3", "AC_DC.mp3" },
      { "a\\b", "a_b" },
      { "a\0b.txt", "a_b.txt" },
      { "evil.sh\0.jpg", "evil.sh_.jpg" },
      { "a\nb\tc\127d", "a_b_c_d" },
      { "a\27[31mb", "a_[31mb" },
      { "a\194\155b", "a_b" },
      { "a\226\128\168b", "a_b" },
    }, filename.sanitise)
  end)

  it("strips what hides or reorders characters", function()
    same_for_all({
      { "photo_\226\128\174gpj.exe", "photo_gpj.exe" },
      { "a\226\128\139b\226\128\143c", "abc" },
      { "\226\129\166a\226\129\169", "a" },
      { "\239\187\191bom.txt", "bom.txt" },
      { "tag\243\160\129\129s", "tags" },
      { "a\216\156b", "ab" },
    }, filename.sanitise)
  end)

  it("makes leading dots, dashes and tildes harmless", function()
    same_for_all({
      { ".bashrc", "_bashrc" },
      { ".netrc", "_netrc" },
      { ".luadl.lock", "_luadl.lock" },
      { "..hidden", "__hidden" },
      { "-rf", "_rf" },
      { "--output=x", "__output=x" },
      { "~", "_" },
      { "~root", "_root" },
      { "  .profile", "_profile" },
      { "\226\128\139.ssh", "_ssh" },
    }, filename.sanitise)
  end)

  it("trims dots and spaces at the end", function()
    same_for_all({
      { "a.txt. . ", "a.txt" },
      { " a b ", "a b" },
      { "a.txt...", "a.txt" },
    }, filename.sanitise)
  end)

  it("replaces what Windows can not have, on every system", function()
    same_for_all({
      { [[a<b>c:d"e|f?g*h]], "a_b_c_d_e_f_g_h" },
      { "a:b", "a_b" },
      { "file.txt:stream", "file.txt_stream" },
      { "CON", "CON_" },
      { "nul.txt", "nul_.txt" },
      { "Aux.tar.gz", "Aux_.tar.gz" },
      { "COM1", "COM1_" },
      { "lpt9.log", "lpt9_.log" },
      { "com\194\185.txt", "com\194\185_.txt" },
      { "CONIN$", "CONIN$_" },
      { "prn .txt", "prn_ .txt" },
      { "C\226\128\139ON", "CON_" },
    }, filename.sanitise)
  end)

  it("lets names for other systems through when Windows is opted out of", function()
    for _, name in ipairs({ "a:b", "CON", "what?.txt", [["quoted"]], "a|b*" }) do
      assert.equal(name, (filename.sanitise(name, { windows = false })))
      assert.is_true(filename.is_safe(name, { windows = false }))
    end
    assert.equal("a_b", (filename.sanitise("a\\b", { windows = false })))
  end)

  it("escapes the names of luadl's own files", function()
    same_for_all({
      { "x.part", "x.part_" },
      { "x.PART", "x.PART_" },
      { "x.part.lj", "x.part.lj_" },
      { "x.part. ", "x.part_" },
      { ".part", "_part" },
      { "con.part", "con_.part_" },
      { "x.lj", "x.lj" },
    }, filename.sanitise)
  end)

  it("takes invalid UTF-8 for Latin-1", function()
    assert.equal("café.txt", (filename.sanitise("caf\233.txt")))
    assert.is_true(filename.is_safe((filename.sanitise("\237\160\128\255"))))
  end)

  it("cuts long names and keeps the extension", function()
    local name = filename.sanitise(("a"):rep(300) .. ".tar.gz")
    assert.matches("^a+%.tar%.gz$", name)
    assert.is_true(#name + #".part.lj" <= 255 and #name >= 240, #name)
  end)

  it("cuts between characters, not inside one", function()
    for lead = 0, 3 do
      for _, char in ipairs({ "é", "中", "😀" }) do
        local name = filename.sanitise(("a"):rep(lead) .. char:rep(200) .. ".txt")
        assert.equal(".txt", name:sub(-4))
        assert.equal(0, (#name - lead - 4) % #char)
        assert.is_true(filename.is_safe(name))
      end
    end
  end)

  it("gives up an extension that is none, and keeps to a smaller limit", function()
    assert.is_true(filename.is_safe((filename.sanitise("x." .. ("y"):rep(300)))))
    for _, limit in ipairs({ 143, 64, 20 }) do
      local opts = { name_max = limit }
      local name = filename.sanitise(("中"):rep(100) .. ".tar.zst", opts)
      assert.is_true(#name + #".part.lj" <= limit, limit)
      assert.is_true(#name > 0)
    end
  end)

  it("keeps the cut from making a reserved name or a trailing dot", function()
    for _, name in ipairs({
      "CON" .. (" "):rep(300) .. "x",
      ("a"):rep(240) .. ".part" .. ("b"):rep(50),
      ("a"):rep(244) .. ". " .. ("b"):rep(50),
      "nul." .. ("c"):rep(300),
      ("a"):rep(242) .. ".part",
      ("a"):rep(247) .. ".part",
    }) do
      local safe, reason = filename.is_safe((filename.sanitise(name)))
      assert.is_true(safe, reason)
    end
  end)

  it("says bad_name when nothing is left", function()
    for _, name in ipairs({ "", ".", "..", " ", ". . .", "\226\128\174" }) do
      local safe, err = filename.sanitise(name)
      assert.is_nil(safe, ("%q"):format(name))
      assert.is_true(errors.is(err, "bad_name"))
    end
  end)

  it("changes nothing the second time", function()
    local long = ("x"):rep(240) .. ".part" -- the escape just fits
    for _, name in ipairs({ "CON.part", "../.x", ("é"):rep(300), long, "a\0.part.lj", "-~." }) do
      local once = filename.sanitise(name)
      assert.equal(once, (filename.sanitise(once)))
    end
  end)
end)

describe("filename.is_safe", function()
  it("refuses each kind of bad name and says why", function()
    for _, name in ipairs({ "", ".", "..", "a/b", "a\\b", "a\0", "a\n", "a\127", "a\194\133b",
      ".a", "-a", "~a", " a", "a.", "a ", "a:b", "a?", "con", "CON.txt", "nul .x", "com1",
      "LPT9.x", "com\194\178", "conout$", "x.part", "x.PART", "x.part.lj", "a\226\128\174b",
      "a\226\129\167", "a\239\187\191", "a\243\160\128\160", "a\226\128\168", "\255", "\192\175",
      "\224\128\175", "\237\160\128", "\244\144\128\128", "\226\130", "a\128", ("a"):rep(248) }) do
      local safe, reason = filename.is_safe(name)
      assert.is_false(safe, ("%q"):format(name))
      assert.equal("string", type(reason))
    end
  end)

  it("lets good names through", function()
    for _, name in ipairs({ "a", "a.b", "é", "中", "😀", "con prn", "x.part1",
      ("a"):rep(247) }) do
      assert.is_true(filename.is_safe(name), name)
    end
  end)
end)

describe("filename.alternative", function()
  it("puts the number before the extension", function()
    assert.equal("a (2).tar.gz", filename.alternative("a.tar.gz", 2))
    assert.equal("a (1).txt", filename.alternative("a.txt", 1))
    assert.equal("README (10)", filename.alternative("README", 10))
  end)

  it("stays within the limit and safe", function()
    local long = filename.sanitise(("中"):rep(200) .. ".tar.gz")
    for _, n in ipairs({ 1, 99, 123456 }) do
      local name = filename.alternative(long, n)
      assert.is_true(filename.is_safe(name), name)
      assert.is_truthy(name:find((" (%d).tar.gz"):format(n), 1, true))
      local small = filename.alternative(long, n, { name_max = 60 })
      assert.is_true(filename.is_safe(small, { name_max = 60 }), small)
    end
  end)
end)

describe("the whole way from bytes to a name", function()
  local COUNT = 5000
  local PIECES = { "../", "..\\", "%2f", "%00", "%", ".", " ", "-", "~", "\"", "\\", ";", "=", "'",
    "filename=", "filename*=", "filename*0*=", "UTF-8''", "=?UTF-8?B?", "=?UTF-8?Q?", "?=", "con",
    "COM1", ".part", ".part.lj", ".tar.gz", "\226\128\174", "\226\128\139", "\239\187\191", "中",
    "\192\174", "\237\160\128", "\194\133", "\0", "\n", "/", ":", "attachment; ", "a",
    ("x"):rep(90) }

  local function random_bytes(length)
    local bytes = {}
    for index = 1, length do bytes[index] = string.char(math.random(0, 255)) end
    return table.concat(bytes)
  end

  local function random_text()
    local pieces = {}
    for index = 1, math.random(0, 12) do
      local known = math.random() < 0.8
      pieces[index] = known and PIECES[math.random(#PIECES)] or random_bytes(math.random(0, 9))
    end
    return table.concat(pieces)
  end

  local function random_sources()
    local limits = { 255, 143, 64 }
    local start = math.random() < 0.8 and "attachment; filename" or ""
    return {
      policy = math.random() < 0.3 and random_text() or nil,
      disposition = start .. random_text(),
      url = "https://example.org/" .. random_text(),
      final_url = random_text(),
      trust_redirect_name = math.random() < 0.2,
      windows = math.random() < 0.8,
      name_max = limits[math.random(#limits)],
      decode = function(_, bytes) return bytes .. random_text() end,
    }
  end

  local function seeded()
    local seed = tonumber(os.getenv("LUADL_SEED")) or os.time() % 2 ^ 31
    math.randomseed(math.floor(seed))
    return ("LUADL_SEED=%d"):format(seed)
  end

  it("gives a safe name for any sources", function()
    local seed = seeded()
    for round = 1, COUNT do
      local sources = random_sources()
      local name, source = filename.choose(sources)
      local context = ("%s round %d: %q from %s"):format(seed, round, tostring(name),
        tostring(source))
      assert.is_string(name, context)
      assert.is_true(filename.is_safe(name, sources), context)
      local other = filename.alternative(name, round, sources)
      assert.is_true(filename.is_safe(other, sources), context .. ", alternative " .. other)
    end
  end)

  -- Few random names are safe: these begin and end like one.
  it("leaves a safe name as it is", function()
    local seed, safe = seeded(), 0
    for round = 1, COUNT do
      local name, opts = "a" .. random_text():sub(1, math.random(0, 9)) .. "b", random_sources()
      if filename.is_safe(name, opts) then
        safe = safe + 1
        assert.equal(name, filename.sanitise(name, opts), ("%s round %d"):format(seed, round))
      end
    end
    assert.is_true(safe > COUNT / 100)
  end)

  it("gives a safe name for any bytes", function()
    local seed = seeded()
    for round = 1, COUNT do
      local bytes = random_bytes(math.random(0, 400))
      local name = filename.choose({ policy = bytes })
      assert.is_true(filename.is_safe(name), ("%s round %d: %q"):format(seed, round, bytes))
    end
  end)
end)

describe("filename.path", function()
  it("makes each name of a path safe, and begins with none of what is above", function()
    assert.equal("a/b/c", filename.path("/a//b/./c"))
    assert.equal("con_/_hidden/x_y", filename.path("con/.hidden/x:y/"))
    assert.equal(".", filename.path("/"))
    assert.equal(".", filename.path("./"))
  end)

  it("refuses a path that leads elsewhere", function()
    for _, path in ipairs({ "..", "../a", "a/../../b", "a/.." }) do
      local safe, err = filename.path(path)
      assert.is_nil(safe)
      assert.equal("bad_name", err.kind)
    end
  end)
end)
