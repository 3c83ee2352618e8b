--- What the command tells, beside its display: --write-out, --report, --progress.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local process = require("spec.support.process")
local server = require("spec.support.server")

local SIZE = 100000

local origin, folder

local function serve(name, parameters)
  return origin:serve("/" .. name, merged({ size = SIZE, seed = 3, etag = '"1"' }, parameters))
end

local function luadl(...)
  return helper.luadl("-d", folder, "--retry", "0", ...)
end

describe("the command tells", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)

  after_each(helper.finish)

  it("with -w what curl would, in its words", function()
    local url = serve("f.bin", { headers = { { "Content-Type", "application/zip" } } })
    local from = origin:serve("/moved", function(connection, _, parameters)
      return connection:reply(302, { { "Location", parameters.to } }, "")
    end, { to = url })
    local format = "%{http_code} %{size_download} %{num_redirects} %{remote_ip} %{url_effective} "
      .. "%{exitcode}\\n"
    local ours = luadl("-n1", "-w", format, from)
    assert.equal(0, ours.status, ours.stderr)
    local theirs = helper.run({
      "curl", "-sL", "-r", "0-", "-o", folder .. "/c", "-w", format, from,
    })
    assert.equal(theirs.stdout, ours.stdout)
  end)

  it("with -w what it knows of a file that has failed", function()
    local url = serve("wrong.bin")
    local from = origin:redirect("/to-wrong", url)
    local result = luadl("--checksum", "sha256:" .. ("0"):rep(64), "-w",
      "%{http_code} %{num_redirects} %{remote_ip} %{content_type} %{url_effective}", from)
    assert.equal(32, result.status)
    assert.equal("206 1 127.0.0.1 application/octet-stream " .. url, result.stdout)
  end)

  it("with -w and %{onerror} only of what failed", function()
    local result = luadl("-q", "-w", "%{onerror}%{url} %{http_code}\\n", serve("a"), serve("b"),
      origin.url .. "/nowhere")
    assert.equal(3, result.status)
    assert.equal(origin.url .. "/nowhere 404\n", result.stdout)
  end)

  it("with --report a row for each file", function()
    local path = folder .. "/run.json"
    local result = luadl("--report", path, serve("a"), origin.url .. "/nowhere")
    assert.equal(3, result.status)
    local report = assert(dkjson.decode(helper.read(path)))
    local by_status = {}
    for _, row in ipairs(report.files) do by_status[row.status] = row end
    assert.equal(folder .. "/a", by_status.ok.path)
    assert.equal(SIZE, by_status.ok.size)
    assert.equal(404, by_status.failed.http_status)
    assert.same({ 3, 1, 1 }, { report.summary.status, report.summary.done, report.summary.failed })
  end)

  it("with --report after Ctrl-C, too", function()
    local path = folder .. "/run.csv"
    local url = serve("slow", { rate = 10000 })
    local line = ("cd %s; %s & pid=$!; while ! ls slow.part; do sleep 0.05; done; kill -INT $pid;"
      .. " wait $pid"):format(process.quote(folder), process.command({
      helper.root .. "/scripts/luadl", "-n1", "--report", path, url, serve("never"), "-j1",
    }))
    local result = helper.run({ "bash", "-c", "set -m; " .. line })
    assert.equal(7, result.status, result.stderr)
    assert.matches("\r\n" .. url:gsub("%p", "%%%0") .. ",[^\r]*,failed,[^\r]*cancelled,",
      helper.read(path))
    assert.is_false(helper.exists(path .. ".new"))
  end)

  it("with --progress line how far a file is", function()
    local result = luadl("-n1", "--progress", "line", serve("f.bin", { rate = 30000 }))
    assert.equal(0, result.status, result.stderr)
    assert.matches("f%.bin  %d+%%, %S+ KiB of 97%.7 KiB, %S+ KiB/s", result.stderr)
  end)

  it("with --progress json what --json says, on standard error", function()
    local result = luadl("--progress", "json", serve("f.bin"))
    assert.equal("", result.stdout)
    assert.matches('^{"type":"version",.*"type":"done".*"type":"summary"', result.stderr)
  end)

  it("what helps where a link has run out", function()
    local link = origin:serve("/cdn/f.bin", function(connection)
      return connection:reply(403, {}, "")
    end)
    local from = origin:serve("/get", function(connection, _, parameters)
      return connection:reply(302, { { "Location", parameters.to } }, "")
    end, { to = link })
    local result = luadl(from)
    assert.equal(24, result.status)
    assert.equal(("luadl: 127.0.0.1 answered 403 after a redirect from %s (%s); the link may have"
      .. " expired: start again from the page, or give --renew URL\n"):format(from, link),
      result.stderr)
  end)

  it("what is wrong with such an option, before anything is asked for", function()
    local url = serve("f.bin")
    for _, case in ipairs({
      { "did you mean %{http_code}?", "-w", "%{htp_code}" },
      { "must end in .json or .csv", "--report", "run.txt" },
      { "expected bar, line, chunks, json or none", "--progress", "loud" },
      { "choose one of '--progress' and '--quiet'", "-q", "--progress", "bar" },
      { "choose one of '--json' and '--progress bar'", "--json", "--progress", "bar" },
      { "choose one of '--json' and '--write-out'", "--json", "-w", "x" },
      { "choose one of '--report' and '--info'", "--info", "--report", "x.csv" },
    }) do
      local result = luadl(case[2], case[3], case[4] or url, case[4] and url)
      assert.equal(28, result.status)
      assert.is_truthy(result.stderr:find(case[1], 1, true), result.stderr)
    end
    local result = luadl("--report", folder .. "/nowhere/r.csv", url)
    assert.matches("cannot write the report", result.stderr)
    assert.is_false(helper.exists(folder .. "/f.bin"))
  end)
end)
