--- TLS through the real command against nginx: client certificates, pins, CAs, versions, HTTP/2.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SIZE = 400000
local SEED = 9
local PASSWORD = "hunter2"

-- A client's certificate of the same CA, its key in the clear, encrypted, and both as PKCS#12; and
-- the pins of both keys.
local CLIENT = [[
set -e
cd "$1"
openssl ecparam -name prime256v1 -genkey -noout -out client.key
openssl req -new -key client.key -subj "/CN=luadl client" -out client.csr
openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out client.pem
openssl ec -in client.key -aes128 -passout "pass:$2" -out locked.key
cat client.pem client.key >both.pem
openssl pkcs12 -export -in client.pem -inkey client.key -passout "pass:$2" -out client.p12
for name in server client; do
  openssl ec -in $name.key -pubout -outform DER | openssl dgst -sha256 -binary | base64 >$name.pin
done
openssl ec -in server.key -pubout -out server.pub
mkdir hashed && cp ca.pem hashed && openssl rehash hashed
cp -a hashed system && cp client.pem system/ca-certificates.crt
]]

local CONFIG = [[
ssl_client_certificate ca.pem;
ssl_verify_client optional;
ssl_protocols TLSv1.2;
location /mutual/ {
  if ($ssl_client_verify != SUCCESS) { return 403; }
  rewrite ^/mutual/(.*)$ /$1 break;
}
]]

local web, folder, path, sum, url

local function luadl(...)
  return helper.luadl("--min-split", "64K", "--retry", "0", "-d", folder, ...)
end

local function file(name)
  return web.prefix .. "/" .. name
end

local function pin(name)
  return "sha256//" .. helper.read(file(name .. ".pin")):match("%S+")
end

local function assert_saved(result)
  assert.equal(0, result.status, result.stderr)
  assert.equal(sum, helper.sha256(path))
end

local ALONE = "'%-%-key' belongs to a certificate: name it with %-%-cert"

local function assert_refused(status, words, result)
  assert.equal(status, result.status, result.stderr)
  assert.truthy(result.stderr:find(words, 1, true), result.stderr)
  assert.is_false(helper.exists(path))
end

describe("luadl", function()
  setup(function()
    web = nginx.start({ tls = true, config = CONFIG })
    local made = helper.run({ "sh", "-c", CLIENT, "sh", web.prefix, PASSWORD })
    assert.equal(0, made.status, made.stderr)
    helper.write(web.root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    sum, url = server.sha256(SEED, SIZE), web.tls_url .. "/file.bin"
  end)
  teardown(function() web:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
  end)
  after_each(helper.finish)

  it("says what may be wrong where a certificate is of another name", function()
    local other = ("https://other.localhost:%d/file.bin"):format(web.tls_port)
    local to = ("other.localhost:%d:127.0.0.1"):format(web.tls_port)
    local result = luadl("--cacert", web.ca, "--resolve", to, other)
    assert_refused(6, "or the host has another name in its certificate", result)
    assert.is_nil(result.stderr:find("trust its issuer", 1, true), result.stderr)
  end)

  describe("shows a client certificate", function()
    local mutual
    setup(function() mutual = web.tls_url .. "/mutual/file.bin" end)

    local function get(...)
      return luadl("--cacert", web.ca, "-n4", ...)
    end

    it("with its key in the same file, in another one, or in PKCS#12", function()
      assert_saved(get("--cert", file("both.pem"), mutual))
      os.remove(path)
      assert_saved(get("--cert", file("client.pem"), "--key", file("client.key"), mutual))
      os.remove(path)
      assert_saved(get("--cert", file("client.p12"), "--key-password", PASSWORD, mutual))
    end)

    it("with the password of its key, which a file may have", function()
      helper.write(folder .. "/password", PASSWORD .. "\n")
      assert_saved(get("--cert", file("client.pem"), "--key", file("locked.key"),
        "--key-password", "@" .. folder .. "/password", mutual))
    end)

    it("only when it is asked to", function()
      assert_refused(24, "403", get(mutual))
    end)

    it("at the origin of its URL alone, but for hosts that it trusts", function()
      local away = server.start()
      local from = away:redirect("/to", mutual)
      local words = { "--cert", file("both.pem"), from, "-o", "file.bin" }
      local ok, problem = pcall(function()
        assert_refused(24, "403", get(table.unpack(words)))
        assert_saved(get("--trusted-host", "127.0.0.1", table.unpack(words)))
      end)
      away:stop()
      assert.is_true(ok, problem)
    end)

    it("and refuses a key that no certificate is for, but over sftp", function()
      local result = get("--key", file("client.key"), mutual)
      assert.equal(28, result.status)
      assert.matches(ALONE, result.stderr)
      assert.is_nil(get("--key", "k", "sftp://127.0.0.1:1/f", mutual).stderr:find(ALONE))
    end)

    it("and says which of the files is wrong, without asking for a password", function()
      assert_refused(6, "can the file of --cert be read?", get("--cert", "/nonexistent", mutual))
      local locked = { "--cert", file("client.pem"), "--key", file("locked.key") }
      assert_refused(6, "is --key-password right?", get(locked[1], locked[2], locked[3], locked[4],
        mutual))
      local wrong = get(locked[1], locked[2], locked[3], locked[4], "--key-password", "secret-no",
        mutual)
      assert_refused(6, "is --key-password right?", wrong)
      assert.is_nil(wrong.stderr:find("secret-no", 1, true))
    end)
  end)

  describe("pins a key", function()
    it("by its sum, by one of several, or by a file", function()
      assert_saved(luadl("--cacert", web.ca, "--pinned-key", pin("server"), url))
      os.remove(path)
      local several = pin("client") .. ";" .. pin("server")
      assert_saved(luadl("--cacert", web.ca, "--pinned-key", several, url))
      os.remove(path)
      assert_saved(luadl("--cacert", web.ca, "--pinned-key", file("server.pub"), url))
    end)

    it("and refuses another one, also where certificates aren't verified", function()
      local words = "--pinned-key is out of date"
      assert_refused(6, words, luadl("--cacert", web.ca, "--pinned-key", pin("client"), url))
      assert_refused(6, words, luadl("-k", "--pinned-key", pin("client"), url))
    end)

    it("and takes nothing from where no key is shown", function()
      local plain = web.url .. "/file.bin"
      assert_refused(6, "no TLS", luadl("--pinned-key", pin("server"), plain))
      assert_refused(6, "no TLS", luadl("--pinned-key", file("server.pub"), plain))
    end)

    it("of a known form alone", function()
      for _, wrong in ipairs({ "sha256//abc", "sha256//" .. pin("server"), "sha256//a;b" }) do
        assert_refused(28, "option '--pinned-key'", luadl("--pinned-key", wrong, url))
      end
    end)
  end)

  it("trusts the CAs of a folder, and no others", function()
    assert_saved(luadl("--capath", file("hashed"), url))
    os.remove(path)
    assert_refused(6, "certificate", luadl("--capath", folder, url))
  end)

  it("trusts the CAs of --cacert and --capath, and none of the system's", function()
    local as_system = "mount --bind $0/system /etc/ssl/certs || exit 77; exec \"$@\""
    local function here(...)
      return helper.run({
        "unshare", "-rm", "sh", "-c", as_system, web.prefix, helper.root .. "/scripts/luadl",
        "-d", folder, "--retry", "0", "--no-config", url, ...,
      })
    end
    if helper.run({ "unshare", "-rm", "true" }).status ~= 0 then pending("no namespaces here") end
    local result = here()
    if result.status == 77 then pending("no file systems may be mounted here") end
    assert_saved(result)
    os.remove(path)
    assert_refused(6, "certificate", here("--cacert", file("client.pem")))
    assert_refused(6, "certificate", here("--capath", folder))
  end)

  it("speaks no older TLS than it is told", function()
    assert_saved(luadl("--cacert", web.ca, "--tls-min", "1.2", url))
    os.remove(path)
    assert.equal(6, luadl("--cacert", web.ca, "--tls-min", "1.3", url).status)
    assert.equal(28, luadl("--cacert", web.ca, "--tls-min", "1.1", url).status)
  end)
end)
