--- The command over ftp, sftp and file, from real servers.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local lfs = require("lfs")
local content = require("spec.support.content")
local ftpd = require("spec.support.ftpd")
local helper = require("spec.support.helper")
local microsocks = require("spec.support.microsocks")
local sshd = require("spec.support.sshd")
local tinyproxy = require("spec.support.tinyproxy")

local SIZE = 3 * 2 ^ 20 + 17
local LONG_AGO = 981173106 -- 2001-02-03 04:05:06 UTC
local PASSWORD = "pass word"

local ftp, guarded, ssh, folder, sum
local STRANGER = { env = { HOME = "/nonexistent", SSH_AUTH_SOCK = "" } } -- neither keys nor hosts

local function fill(root)
  local path = root .. "/big file.bin"
  helper.write(path, content.bytes(1, 0, SIZE - 1))
  helper.write(root .. "/empty", "")
  lfs.mkdir(root .. "/sub")
  helper.write(root .. "/sub/small", "small\n")
  lfs.touch(path, LONG_AGO, LONG_AGO)
  sum = helper.sha256(path)
end

setup(function()
  ftp, guarded, ssh = ftpd.start(), ftpd.start({ user = { "user", PASSWORD } }), sshd.start()
  for _, server in ipairs({ ftp, guarded, ssh }) do fill(server.root) end
end)
teardown(function()
  for _, server in ipairs({ ftp, guarded, ssh }) do server:stop() end
end)
before_each(function()
  helper.begin()
  folder = helper.tmpdir()
end)
after_each(helper.finish)

local function luadl(...)
  local words = { "-d", folder, "--retry", "0", ... }
  words[#words + 1] = STRANGER
  return helper.luadl(table.unpack(words))
end

local function sftp(...)
  return luadl("--key", ssh.key, "--known-hosts", ssh.known_hosts, ...)
end

local function of_ssh(name)
  return ssh.url .. ssh.root .. name
end

-- Each scheme with the URL of a file below its root, and how to ask for it.
local ROUTES = {
  ftp = { url = function(name) return ftp.url .. name end, get = luadl },
  sftp = { url = of_ssh, get = sftp },
  file = { url = function(name) return "file://" .. ssh.root .. name end, get = luadl },
}

-- What is said of a folder without a slash.
local FOLDER = {
  ftp = { 3, "check the URL" }, sftp = { 6, "may be a folder" }, file = { 1, "it is a folder" },
}

local function assert_fails(status, words, result)
  assert.equal(status, result.status, result.stderr)
  assert.is_truthy(result.stderr:find(words, 1, true), result.stderr)
  for name in lfs.dir(folder) do assert.matches("^%.%.?$", name) end
  return result
end

for name, route in pairs(ROUTES) do
  describe(name, function()
    it("brings a file with its name and its time", function()
      local result = route.get(route.url("/big%20file.bin"))
      local path = folder .. "/big file.bin"
      assert.equal(0, result.status, result.stderr)
      assert.equal(sum, helper.sha256(path))
      assert.equal(LONG_AGO, lfs.attributes(path, "modification"))
    end)

    it("brings what curl brings", function()
      for _, file in ipairs({ "/empty", "/sub/small" }) do
        local curl = helper.run({
          "curl", "-sS", "-k", "--key", ssh.key, "-u",
          name == "sftp" and ssh.user .. ":" or "anonymous:x", route.url(file),
        })
        assert.equal(0, curl.status, curl.stderr)
        assert.equal(0, route.get(route.url(file)).status)
        assert.equal(curl.stdout, helper.read(folder .. "/" .. file:match("[^/]*$")))
      end
    end)

    it("tells size and time with --info, and saves nothing", function()
      local result = route.get("--info", "--json", route.url("/big%20file.bin"))
      local head = dkjson.decode(result.stdout)
      assert.equal(0, result.status, result.stderr)
      assert.equal(SIZE, head.total)
      assert.equal("Sat, 03 Feb 2001 04:05:06 GMT", head.last_modified)
      assert.is_nil(head.status)
      assert.is_false(head.ranges)
      assert.is_false(helper.exists(folder .. "/big file.bin"))
    end)

    it("keeps to --exists, --checksum and --max-size", function()
      local url, path = route.url("/sub/small"), folder .. "/small"
      helper.write(path, "mine")
      assert.equal(0, route.get("--exists", "rename", url).status)
      assert.equal("mine", helper.read(path))
      assert.equal("small\n", helper.read(folder .. "/small (1)"))
      assert.equal(0, route.get("--exists", "replace", url).status)
      assert.equal("small\n", helper.read(path))
      os.remove(path)
      assert.equal(32, route.get("--checksum", "sha256:" .. ("0"):rep(64), url).status)
      assert.equal(1, route.get("--max-size", "1M", route.url("/big%20file.bin")).status)
      assert.is_false(helper.exists(path))
    end)

    it("says what isn't there", function()
      assert_fails(3, "check the URL", route.get(route.url("/missing")))
      assert_fails(3, "check the URL", route.get(route.url("/nowhere/missing")))
    end)

    it("has no parts, and says so", function()
      local result = route.get("--range", "0-5", route.url("/sub/small"))
      assert_fails(28, "no parts over " .. name, result)
    end)

    it("brings no folder, and nothing with a line break", function()
      assert_fails(28, "names a folder", route.get(route.url("/sub/")))
      assert_fails(28, "control characters", route.get(route.url("/sub/small%0d%0aDELE%20x")))
      assert_fails(FOLDER[name][1], FOLDER[name][2], route.get(route.url("/sub")))
    end)
  end)
end

describe("ftps", function()
  local function get(plain, ...)
    local server = ftpd.secure(ftp.root .. "/sub/small", plain)
    local result = luadl("--cacert", ... or server.ca, server.url .. "/small")
    server:stop()
    return result
  end

  it("brings a file of a server that is trusted", function()
    assert_fails(6, "certificate", get(nil, "/etc/ssl/certs/ca-certificates.crt"))
    local result = get()
    assert.equal(0, result.status, result.stderr)
    assert.equal("small\n", helper.read(folder .. "/small"))
  end)

  it("takes nothing that comes in the clear", function()
    assert_fails(6, "in the clear", get("plain"))
    assert.is_false(helper.exists(folder .. "/small"))
  end)
end)

describe("ftp", function()
  it("logs in with -u or as the URL says, and tells no password", function()
    local url = guarded.url .. "/sub/small"
    assert.equal(0, luadl("-u", "user:" .. PASSWORD, url).status)
    assert.equal(0, luadl("-o", "other", (url:gsub("//", "//user:pass%%20word@"))).status)
    assert.equal("small\n", helper.read(folder .. "/other"))
  end)

  it("says that a login is wrong", function()
    local result = luadl("--why", "-u", "user:secret", guarded.url .. "/sub/small")
    assert_fails(24, "log in with -u NAME:PASSWORD", result)
    assert.is_nil((result.stderr .. result.stdout):find("secret", 1, true))
  end)

  it("goes through HTTP and SOCKS proxies", function()
    local http, socks = tinyproxy.start(), microsocks.start()
    local tunnelled = luadl("-x", http.url, ftp.url .. "/sub/small")
    local other = luadl("-x", "socks5h://" .. socks.address, "-o", "other", ftp.url .. "/sub/small")
    http:stop()
    socks:stop()
    assert.equal(0, tunnelled.status, tunnelled.stderr)
    assert.equal(0, other.status, other.stderr)
    assert.equal("small\n", helper.read(folder .. "/small"))
    assert.equal("small\n", helper.read(folder .. "/other"))
  end)

  it("fetches several files at once", function()
    local result = luadl(ftp.url .. "/empty", ftp.url .. "/sub/small", ftp.url .. "/big%20file.bin")
    assert.equal(0, result.status, result.stderr)
    assert.equal(sum, helper.sha256(folder .. "/big file.bin"))
    assert.equal("", helper.read(folder .. "/empty"))
  end)
end)

describe("sftp", function()
  local function refuses(words, file)
    local result = luadl("--key", ssh.key, "--known-hosts", file, of_ssh("/sub/small"))
    assert_fails(6, words, result)
  end

  it("trusts only the hosts that are known", function()
    refuses("host key that isn't in /dev/null", "/dev/null")
    refuses("connect once with ssh", "/nonexistent")
    refuses("another host key than the one in", ssh.wrong_hosts)
    assert_fails(6, "~/.ssh/known_hosts", luadl("--key", ssh.key, of_ssh("/sub/small")))
  end)

  it("trusts any host with -k, and says so", function()
    local result = luadl("-k", "--key", ssh.key, of_ssh("/sub/small"))
    assert.equal(0, result.status, result.stderr)
    assert.matches("host keys are not verified", result.stderr)
  end)

  it("finds keys and hosts where ssh has them", function()
    local home = helper.tmpdir()
    lfs.mkdir(home .. "/.ssh")
    helper.write(home .. "/.ssh/id_ed25519", helper.read(ssh.key))
    helper.write(home .. "/.ssh/known_hosts", helper.read(ssh.known_hosts))
    local result = helper.luadl("-d", folder, of_ssh("/sub/small"), { env = { HOME = home } })
    assert.equal(0, result.status, result.stderr)
    assert.equal("small\n", helper.read(folder .. "/small"))
  end)

  it("says that nobody may log in so", function()
    assert_fails(24, "--key FILE", luadl("--known-hosts", ssh.known_hosts, of_ssh("/sub/small")))
  end)
end)

describe("file", function()
  it("brings regular files of this machine alone", function()
    assert_fails(1, "it is a folder", luadl("file://" .. ssh.root .. "/sub"))
    assert_fails(1, "no regular file", luadl("file:///dev/zero"))
    assert_fails(28, "another machine", luadl("file://example.org/x"))
    local fifo = ssh.root .. "/fifo"
    helper.run({ "mkfifo", fifo })
    assert_fails(1, "no regular file", luadl("file://" .. fifo))
  end)
end)

describe("other schemes", function()
  it("are refused, with those that there are", function()
    assert_fails(28, "http, https, ftp, ftps, sftp, file", luadl("gopher://127.0.0.1/x"))
  end)
end)
