--- A line of the user's own making.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local format = require("luadl.options.format")
local tally = require("luadl.cli.tally")
local writeout = require("luadl.cli.writeout")

local RESULT = {
  path = "out/f", size = 100, resumed = 20, elapsed = 2, url = "http://b/f", status = 206,
  content_type = "text/plain", redirects = 1, address = "127.0.0.1", etag = '"x"',
}

local FAILURE = errors.new("http_status", "b answered 404", { status = 404, url = "http://b/f" })

-- What is written to each stream.
local function play(text, result, err, terminal)
  local written = { stdout = "", stderr = "" }
  local function write(bytes, stream) written[stream] = written[stream] .. bytes end
  local counts = tally.new(function() return 0 end)
  local report = writeout.new(assert(format.read(text)), write, counts, function(stream)
    return terminal == stream
  end)
  local function stats() return { received = 7, elapsed = 1 } end
  local download = { url = "http://a/f", stats = stats }
  counts:retry({ download = download })
  report:finished(download, result, err)
  return written.stdout, written.stderr
end

describe("--write-out", function()
  it("knows a file that came", function()
    local text = "%{http_code} %{size_download} %{speed_download} %{time_total} %{num_retries} "
      .. "%{num_redirects} %{url} %{url_effective} %{filename_effective} %{content_type} "
      .. "%{remote_ip} %{exitcode} %{result}\\n"
    assert.equal("206 80 40 2.000000 1 1 http://a/f http://b/f out/f text/plain 127.0.0.1 0 ok\n",
      (play(text, RESULT)))
  end)

  it("knows one that failed, and what is said only of such", function()
    local text = "%{response_code}%{onerror} %{errormsg}, %{error_kind}, %{exitcode}"
    assert.equal("206", play(text, RESULT))
    assert.equal("404 b answered 404 (http://b/f), http_status, 3", play(text, nil, FAILURE))
  end)

  it("goes where it is told", function()
    local out, err = play("a%{stderr}b%{http_code}%{stdout}c", RESULT)
    assert.same({ "ac", "b206" }, { out, err })
  end)

  it("is JSON with all names on request", function()
    local object = assert(dkjson.decode((play("%{json}", RESULT))))
    assert.equal("out/f", object.filename_effective)
    assert.equal(2, object.time_total)
    assert.equal(206, object.http_code)
    assert.is_nil(object.errormsg)
  end)

  it("cleans what servers say where it would steer a terminal, and nowhere else", function()
    local hostile = { path = "\27[2J\233" }
    assert.equal("\27[2J\233\n", play("%{filename_effective}\\n", hostile))
    assert.equal("\\x1B[2J\\xE9\n", play("%{filename_effective}\\n", hostile, nil, "stdout"))
  end)
end)
