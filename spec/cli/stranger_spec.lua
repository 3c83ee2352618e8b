--- The command as someone types it who knows only aria2c, curl or wget: it works and means the
--- same, or the error names luadl's own word.
-- SPDX-License-Identifier: MIT

local advised = require("luadl.cli.foreign.words")
local arguments = require("luadl.cli.arguments")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local options = require("luadl.options")
local taken = require("luadl.cli.foreign.taken")

local URL = "http://example.org/file"

-- "U" stands for a URL.
local function words_of(line)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word == "U" and URL or word end
  return words
end

local function flags()
  local known = {}
  for _, option in options.each() do
    for _, flag in ipairs(options.flags(option)) do
      for word in flag.flag:gmatch("%S+") do known[word] = true end
    end
  end
  return known
end

describe("a foreign command line is in luadl's own words", function()
  local MEANT = {
    -- aria2c
    ["-c U"] = "--adopt U",
    ["--continue=true U"] = "--adopt U",
    ["-c -d dl -o f U"] = "--adopt -d dl -o f U",
    ["-Z U U"] = "U U",
    ["--out=f U"] = "--output=f U",
    ["-i urls.txt --max-concurrent-downloads=3"] = "-i urls.txt --jobs=3",
    ["--min-split-size=1M U"] = "--min-split=1M U",
    ["--max-download-limit=1M U"] = "--file-limit-rate=1M U",
    ["--max-overall-download-limit 1M U"] = "--limit-rate 1M U",
    ["--check-certificate=false U"] = "--insecure U",
    ["--ca-certificate=ca.pem U"] = "--cacert=ca.pem U",
    ["--certificate=c --private-key=k U"] = "--cert=c --key=k U",
    ["--allow-overwrite=true U"] = "--exists=replace U",
    ["--auto-file-renaming=false U"] = "--exists=fail U",
    ["--conditional-get=true U"] = "--conditional U",
    ["--quiet=true U"] = "--quiet U",
    ["--remote-time=true U"] = "U",
    ["--parameterized-uri=true U"] = "--glob U",
    ["--disable-ipv6=true U"] = "--ipv4 U",
    ["--netrc-path=n U"] = "--netrc-file=n U",
    ["--all-proxy=p U"] = "--proxy=p U",
    ["--no-conf U"] = "--no-config U",
    -- curl
    ["-O U"] = "U",
    ["-LO U"] = "U",
    ["-fsSLO U"] = "-q U",
    ["-fsSL U -o f"] = "-q U -o f",
    ["-sSLo f U"] = "-qo f U",
    ["-s -o f U"] = "-q -o f U",
    ["-Lo f U"] = "-o f U",
    ["-kLO U"] = "-k U",
    ["-OJL U"] = "U",
    ["-#O U"] = "U",
    ["-C - -O U"] = "--adopt U",
    ["-LOC - U"] = "--adopt U",
    ["-C- U"] = "--adopt U",
    ["--continue-at - U"] = "--adopt U",
    ["-g -R -f U"] = "U",
    ["-Z -O U -O U"] = "U U",
    ["-Lo f U -o g U"] = "-o f U -o g U",
    ["--parallel --parallel-max 4 U"] = "--jobs 4 U",
    ["--fail --silent --show-error --location --output f U"] = "--quiet --output f U",
    ["--output-dir dl --remote-name U"] = "--dir dl U",
    ["--url U"] = "U",
    ["--url=" .. URL] = "U",
    ["--max-time 5 U"] = "--deadline 5 U",
    ["--max-redirs 3 U"] = "--max-redirects 3 U",
    ["--max-filesize 1M U"] = "--max-size 1M U",
    ["--digest -u a:b U"] = "--auth=digest -u a:b U",
    ["--oauth2-bearer t U"] = "--bearer t U",
    ["--noproxy * U"] = "--no-proxy * U",
    ["--data-binary f U"] = "--data f U",
    ["--tlsv1.2 --http1.1 U"] = "--tls-min=1.2 --http=1.1 U",
    ["-b c -c"] = "-b c --adopt", -- the parser judges -b
    -- wget
    ["-qO- U"] = "-qo - U",
    ["-O - U"] = "-o - U",
    ["-O- U"] = "-o - U",
    ["-cqO - U"] = "-qo - U",
    ["-nc U"] = "--exists=skip U",
    ["-nv U"] = "--progress=none U",
    ["-nd -nH U"] = "U",
    ["--no-check-certificate U"] = "--insecure U",
    ["--output-document=f U"] = "--output=f U",
    ["--directory-prefix=dl U"] = "--dir=dl U",
    ["--method=POST U"] = "--request=POST U",
    ["--content-disposition --trust-server-names U"] = "--trust-redirect-name U",
  }

  it("where it can mean nothing else", function()
    for line, meant in pairs(MEANT) do
      assert.same(words_of(meant), taken.rewrite(words_of(line)), line)
    end
  end)

  it("and what isn't foreign is left alone", function()
    for _, line in ipairs({
      "-s script.lua U", "-sS U", "-s", "-ofLO U", "-HL:c U", "-S U", "-Ofile U", "-Ox U",
      "-kq4 U", "-n8 U", "-x16 U", "--silent U", "-AfL U", "--output=-L U", "-- -L -c",
      "--continue=false U", "--http2=1 U", "-o - U",
    }) do
      assert.same(words_of(line), taken.rewrite(words_of(line)), line)
    end
  end)

  it("and no word becomes the value of the one before", function()
    local lines = {
      ["-o -L U"] = "-o", ["--dir -c U"] = "--dir", ["-n -O U"] = "-n", ["-o -C - U"] = "-o",
    }
    for line, option in pairs(lines) do
      local request, message = arguments.parse(words_of(line))
      assert.is_nil(request)
      assert.matches("^option '" .. option:gsub("%-", "%%-") .. "' requires an argument", message)
    end
  end)

  it("that exist, and take an argument as it does", function()
    for line, meant in pairs(MEANT) do
      if line ~= "-b c -c" then
        local request, message = arguments.parse(taken.rewrite(words_of(line)))
        assert.is_table(request, meant .. ": " .. tostring(message))
      end
    end
  end)
end)

describe("the error names luadl's own word", function()
  local ADVICE = {
    -- aria2c
    { "-n 16", "-x16 U" }, { "-n 16", "-x 16 -s 16 U" }, { "-n 16", "-s16 U" },
    { "-n N", "--split=5 U" }, { "-n N", "--max-connection-per-server=5 U" },
    { "--min-split 1M", "-k1M U" }, { "--min-split 1M", "-k 1M U" },
    { "--retry N", "-m 5 U" }, { "--timeout", "-t 5 U" }, { "--glob", "-P U" },
    { "--netrc", "-n U" }, { "-u NAME", "--http-user=a U" }, { "-u NAME", "--ftp-passwd=a U" },
    { "-A", "-U me U" }, { "Referer", "--referer=x U" }, { "--checksum", "-V U" },
    { "--journal", "--save-session=s U" }, { "--why", "--log=f U" }, { "--why", "-l f U" },
    { "on_done", "--on-download-complete=x U" }, { "--info", "--dry-run=true U" },
    { "--timeout", "--lowest-speed-limit=1K U" }, { "by itself", "--file-allocation=none U" },
    { "by itself", "--disk-cache=64M U" }, { "--adopt", "--continue=false U" },
    { "--restart", "--remove-control-file=true U" }, { "&", "--daemon=true U" }, { "&", "-D U" },
    { "--json", "--enable-rpc" }, { "--config", "--conf-path=f U" }, { "BitTorrent", "f.torrent" },
    { "BitTorrent", "magnet:?xt=urn:btih:a" }, { "BitTorrent", "f.metalink" },
    { "BitTorrent", "--seed-time=0 U" }, { "BitTorrent", "--bt-max-peers=1 U" },
    { "BitTorrent", "--follow-metalink=mem U" }, { "Metalink", "-M f.meta4" },
    { "--version", "-v" }, { "--progress line", "--summary-interval=0 U" },
    { "-i urls.txt", "urls.txt" }, { "https://example.org/f", "example.org/f" },
    { "https://example.org/f", "-O example.org/f" },
    -- curl
    { "-o -", "-fsSL U" }, { "-o -", "-sSL U" }, { "-o -", "-s U" }, { "-o -", "--silent U" },
    { "-q", "-so f U" }, { "-q", "-sI U" }, { "--info", "-I U" }, { "--info", "-i U" },
    { "--info", "-D f U" }, { "-q", "-s" }, { "--data", "-d a=b U" }, { "--data", "-da=b U" },
    { "--data", "-d @f U" }, { "--data", '-d {"a":1} U' }, { "--data", "-X POST -d hello U" },
    { "--data", "--data-raw a U" }, { "--data", "--data-urlencode a U" },
    { "--data", '--json {"a":1} U' }, { "question mark", "-G U" }, { "--data", "-F a=b U" },
    { "--data @FILE", "-T f U" }, { "Referer", "-e x U" }, { "--load-cookies", "-b f U" },
    { "--save-cookies jar", "-c jar U" }, { "--range", "-r 0-99 U" }, { "0-99", "--range -5 U" },
    { "--conditional", "-z f U" }, { "--cert", "-E f U" }, { "socks5", "--socks5 h:1 U" },
    { "-x http://", "--proxy-user a:b U" }, { "--trusted-host", "--location-trusted U" },
    { "--allow-downgrade", "--proto =https U" }, { "by itself", "-C 100 U" },
    { "sent", "--compressed U" }, { "--timeout", "-y 1 U" }, { "--config", "-K f U" },
    { "below 0", "--max-redirs -1 U" }, { "-d DIR", "--create-dirs -o a/b U" },
    { "out=", "-o a U U" }, { "one is for each URL", "-o a U -o b" },
    -- wget
    { "-o f", "-O f U" }, { "-o f", "-qO f U" }, { "-o FILE", "-Ofile U" }, { "-d DIR", "-P dl U" },
    { "links", "-r U" }, { "links", "-m U" }, { "links", "-np U" }, { "links", "--mirror U" },
    { "--info", "-S U" }, { "--info", "--spider U" }, { "--retry", "--tries=3 U" },
    { "--timeout", "-T 5 U" }, { "--rate", "--wait=2 U" }, { "--rate", "-w 2 U" },
    { "--max-size", "-Q 1M U" }, { "--exists skip", "--no-clobber U" },
    { "--data", "--post-data=a U" },
    { "@FILE", "--post-file=f U" }, { "-u", "--password=a U" }, { "--no-proxy", "--no-proxy U" },
    { "--progress line", "--progress=dot:giga U" }, { "--progress bar", "--progress=bar:force U" },
    { "'--proxy'", "-x U" }, { "folder", "-d U" }, { "{host}", "--cut-dirs=1 U" },
  }

  it("of what it is that was meant", function()
    for _, case in ipairs(ADVICE) do
      local request, message = arguments.parse(words_of(case[2]))
      assert.is_nil(request, case[2] .. " was taken")
      assert.is_truthy(message:find(case[1], 1, true), case[2] .. " got: " .. message)
      assert.is_nil(message:find("\n"), case[2] .. ": more than one line")
    end
  end)

  it("and says back what was typed, but not what was to be sent", function()
    local function refusal(line) return (select(2, arguments.parse(words_of(line)))) end
    assert.matches("^unknown option '%-k1M'", refusal("-k1M U"))
    assert.matches("^unknown option '%-fsSL'", refusal("-fsSL U"))
    assert.matches("^unknown option '%-5'", refusal("--range -5 U"))
    assert.is_nil(refusal("-d password=hunter2 U"):find("hunter2", 1, true))
  end)

  it("which exists", function()
    local known = flags()
    for _, row in ipairs(advised) do
      for flag in (" " .. row[1]):gmatch("[%s(](%-%-?[%w-]+)") do
        assert.is_true(known[flag] or flag == "-", row[1])
      end
    end
  end)

  it("but for a folder that only looks like data", function()
    for _, line in ipairs({ "--dir=a=b U", "-d ./a=b U", "-d x/a=b U", "-d hello U",
      "-X POST -d ./hello U", "-X POST --data a -d hello U" }) do
      assert.is_table((arguments.parse(words_of(line))), line)
    end
  end)
end)

describe("a stranger's first command", function()
  local web, folder, sum

  setup(function()
    helper.begin()
    web = nginx.start({ config = "location /echo { return 200 '$request_method $content_length'; }"
      .. " location /moved { return 302 /a.bin; }" })
    helper.write(web.root .. "/a.bin", ("0123456789abcdef"):rep(4096))
    helper.write(web.root .. "/b.bin", "b")
    sum = helper.sha256(web.root .. "/a.bin")
  end)
  teardown(function()
    web:stop()
    helper.finish()
  end)
  before_each(function() folder = helper.make_folder() end)
  after_each(function() helper.remove_folder(folder) end)

  -- "U" is the server here.
  local function run(line)
    line = line:gsub("%f[%w]U/", web.url .. "/")
    return helper.run(helper.root .. "/scripts/luadl " .. line, { cwd = folder })
  end

  local SAVED = {
    ["-c -d dl -o f U/a.bin"] = "dl/f",
    ["--continue=true --out=f --min-split-size=1M U/a.bin"] = "f",
    ["-fsSLO U/a.bin"] = "a.bin",
    ["-sSL U/moved -o f"] = "f",
    ["-C - -LO U/a.bin"] = "a.bin",
    ["--fail --silent --show-error --location --output f U/moved"] = "f",
    ["-OJ U/a.bin"] = "a.bin",
    ["-nv -nc --directory-prefix=dl U/a.bin"] = "dl/a.bin",
  }

  it("saves the file that is meant", function()
    for line, name in pairs(SAVED) do
      local result = run(line)
      assert.equal(0, result.status, line .. ": " .. result.stderr)
      assert.equal(sum, helper.sha256(folder .. "/" .. name), line)
      os.remove(folder .. "/" .. name)
    end
  end)

  it("sends what several --data bring", function()
    assert.equal(0, run("--data a=b --data c=d -o f U/echo").status)
    assert.equal("POST 7", helper.read(folder .. "/f"))
  end)

  it("makes no folder of what was to be sent", function()
    local result = run("-d a=b U/echo")
    assert.equal(28, result.status)
    assert.is_false(helper.exists(folder .. "/a=b"))
  end)

  it("continues with -c what is there, and leaves what is complete", function()
    helper.write(folder .. "/a.bin", ("0123456789abcdef"):rep(100))
    assert.equal(0, run("-c U/a.bin").status)
    assert.equal(sum, helper.sha256(folder .. "/a.bin"))
    assert.matches("continued at 100%%", run("-C - -LO U/a.bin").stderr)
    assert.is_false(helper.exists(folder .. "/a (1).bin"))
  end)

  it("learns of patterns, of /dev/null and of mirrors", function()
    assert.matches("%-%-glob", run("-O 'U/{a,b}.bin'").stderr)
    assert.matches("%-o %- >/dev/null", run("-o /dev/null U/a.bin").stderr)
    local other = web.url:gsub("127.0.0.1", "localhost")
    assert.matches("mirrors of one file", run("U/b.bin " .. other .. "/b.bin").stderr)
    assert.is_nil(run("-d 2 U/b.bin U/a.bin").stderr:find("mirrors", 1, true))
  end)
end)
