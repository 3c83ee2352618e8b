--- Single streams that break, lie or fall silent: FTP and SFTP servers at their worst.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local luadl = require("luadl")
local content = require("spec.support.content")
local ftpd = require("spec.support.ftpd")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local server = require("spec.support.server")
local sshd = require("spec.support.sshd")
local trial = require("spec.support.trial")

local SIZE = 300000
local FILE = { seed = 1, size = SIZE }

describe("a single stream", function()
  local ftp

  setup(function() ftp = ftpd.faulty(SIZE) end)
  teardown(function() ftp:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function url(name) return ftp.url .. "/" .. name end

  it("is one, whatever is asked for", function()
    local outcome = trial.succeeds(url("right"), FILE, trial.split())
    assert.is_true(outcome.result.length_verified)
    assert.same({}, outcome.faults)
  end)

  it("without a length is not verified", function()
    assert.is_false(trial.succeeds(url("untold"), FILE).result.length_verified)
  end)

  it("that breaks begins anew", function()
    local outcome = trial.succeeds(url("cut"), FILE)
    trial.faults_are(outcome, "short_body")
  end)

  it("that always breaks fails, and keeps nothing", function()
    for _, name in ipairs({ "always_cut", "untold_cut", "short" }) do
      local outcome = trial.fails(url(name), "short_body")
      assert.is_falsy(outcome.err.resumable)
    end
  end)

  it("of another version than what broke begins anew", function()
    local outcome = trial.succeeds(url("changed"), { seed = 2, size = SIZE - 1 })
    assert.equal("short_body", outcome.faults[1].error.kind)
    assert.equal("remote_changed", outcome.faults[2].error.kind)
  end)

  it("waits for a server that is busy", function()
    trial.faults_are(trial.succeeds(url("busy"), FILE), "rate_limited")
    trial.fails("ftp://crowd@127.0.0.1:" .. ftp.port .. "/right", "timeout")
  end)

  it("has the length that was told", function()
    assert.equal(SIZE / 2, trial.run(url("longer"), { seed = 1, size = SIZE / 2 }).result.size)
    trial.fails(url("right"), "remote_changed", { expect = { size = 1 } })
  end)

  it("needs no goodbye", function()
    trial.succeeds(url("lazy"), FILE)
  end)

  it("that falls silent fails in time, and so does the end of the session", function()
    local began = socket.gettime()
    trial.fails(url("mute"), "timeout", { first_byte_timeout = 0.3, retry = 0 })
    trial.fails(url("stuck"), "stalled", { stall_timeout = 0.3, retry = 0 })
    assert.is_true(socket.gettime() - began < 5)
  end)

  it("is answered for by a policy only where that gives nothing away", function()
    local web = server.start()
    web:serve("/busy", function(connection) return connection:reply(503, {}, "") end)
    local function mirror(link)
      return trial.run(web.url .. "/busy", nil, { retry = 0, mirror = { link } }).err
    end
    assert.matches("may not have this fetched", mirror("file:///etc/hostname").message)
    assert.equal("bad_url", mirror(url("right")).kind) -- what runs stays of the web
    for _, link in ipairs({ "file:///etc/hostname", "file:/etc/hostname", "FILE:/etc/hostname" }) do
      local outcome = trial.run(web.url .. "/busy", nil, { resolve = function() return link end })
      assert.matches("may not have this fetched", outcome.err.message, link)
    end
    web:stop()
  end)

  it("isn't read into memory", function()
    local session = luadl.session()
    for _, link in ipairs({ url("right"), "file:///etc/hostname" }) do
      local page, err = session:fetch(link)
      assert.is_nil(page)
      assert.equal("bad_url", err.kind)
    end
    session:close()
  end)
end)

describe("a redirect", function()
  local web

  setup(function() web = server.start() end)
  teardown(function() web:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  it("H61: leads to no other scheme, whoever asks for it", function()
    for index, target in ipairs({
      "ftp://127.0.0.1/x", "ftps://127.0.0.1/x", "sftp://127.0.0.1/x", "file:///etc/hostname",
      "FILE:///etc/hostname", "gopher://127.0.0.1/x",
    }) do
      local path = "/away" .. index
      web:serve(path, function(connection, _, parameters)
        return connection:reply(302, { { "Location", parameters.target } }, "")
      end, { target = target })
      trial.fails(web.url .. path, "redirect_forbidden")
      local session = luadl.session()
      local _, err = session:fetch(web.url .. path)
      assert.equal("redirect_forbidden", err.kind)
      session:close()
    end
  end)
end)

describe("an SFTP server", function()
  before_each(helper.begin)
  after_each(helper.finish)

  local function get(fault, opts)
    local ssh = sshd.start(fault)
    helper.write(ssh.root .. "/big", content.bytes(1, 0, 4000000))
    local options = merged({ key = ssh.key, known_hosts = ssh.known_hosts, retry = 1 }, opts)
    local outcome = trial.run(ssh.url .. ssh.root .. "/big", nil, options)
    ssh:stop()
    return outcome
  end

  it("that breaks off midway is tried again, and then given up", function()
    local outcome = get({ cut = 1000000 })
    local kind = outcome.err.kind -- before the first byte is handed on it is a connection's end
    assert.is_true(kind == "short_body" or kind == "connect", tostring(outcome.err))
    assert.equal(2, outcome.err.attempt)
  end)

  it("that falls silent midway fails in time, and so does the end of the session", function()
    local began = socket.gettime()
    local outcome = get({ silent = 1000000 }, { stall_timeout = 0.3, retry = 0 })
    assert.equal("stalled", outcome.err.kind, tostring(outcome.err))
    assert.is_true(socket.gettime() - began < 5)
  end)
end)
