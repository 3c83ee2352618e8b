--- The decision log of `--why`: its lines by themselves, and those of whole downloads.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local server = require("spec.support.server")
local why = require("luadl.cli.why")

local origin, folder

local function step(fields)
  return merged({ step = "split", time = 100, message = "m" }, fields)
end

setup(function() origin = server.start() end)

teardown(function() origin:stop() end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
end)

after_each(helper.finish)

describe("a line of --why", function()
  local log

  before_each(function()
    log = why.new()
    log:line(step({ step = "start" }))
  end)

  local function line(fields, number)
    return (log:line(step(fields), number):gsub("%s+", " "):gsub("^ ", ""))
  end

  it("has the time since the first step, the stream, the step, the bytes and the reason", function()
    assert.equal("0.123s stream 3 steal bytes 1048576-2097151: stream 1 would be busy for 4 s more",
      line({
        time = 100.1234, stream = 3, step = "steal", range = { 1048576, 2097151 },
        message = "stream 1 would be busy for 4 s more",
      }))
  end)

  it("says how long a step took, unless it took no time", function()
    assert.equal("0.000s stream 1 first byte status 200, 31ms",
      line({ stream = 1, step = "first_byte", message = "status 200", seconds = 0.031 }))
    assert.equal("0.000s stream 1 dns host",
      line({ stream = 1, step = "dns", message = "host", seconds = 0.0001, range = { 0 } }))
  end)

  it("says of which file it is, where there are several", function()
    assert.equal("0.000s #12 done a.iso: 5 bytes", line({
      step = "done", path = "a.iso", message = "5 bytes",
    }, 12))
  end)

  it("shows where the bytes begin when it is known no more", function()
    assert.equal("0.000s split bytes from 5: m", line({ range = { 5 } }))
    assert.equal("0.000s split m", line({ range = { 0 } }))
  end)

  it("shows no key that stands in a URL", function()
    assert.equal("0.000s redirect http://h/f?X-Amz-Signature=...&x=1&token=...: from h?sig=...",
      line({
        step = "redirect", url = "http://h/f?X-Amz-Signature=abc&x=1&token=def",
        message = "from h?sig=ghi",
      }))
  end)

  it("shows no control character", function()
    assert.equal("0.000s name \\x1B[2Ja: m", line({ step = "name", path = "\27[2Ja" }))
  end)
end)

describe("luadl --why", function()
  local function luadl(...)
    local result = helper.luadl("-d", folder, "--min-split", "64K", ...)
    assert.equal(0, result.status, result.stderr)
    return result
  end

  -- The times and the words of the lines that have both.
  local function read_log(text)
    local times, words = {}, {}
    for time, rest in text:gmatch("%f[^\n%z] *(%d+%.%d%d%d)s ([^\n]+)") do
      times[#times + 1] = tonumber(time)
      words[#words + 1] = rest
    end
    return times, "\n" .. table.concat(words, "\n"):gsub(" +", " ") .. "\n"
  end

  local function busy_once(connection, request, parameters, state)
    state.count = (state.count or 0) + 1
    if state.count == 1 then return connection:reply(503, { { "Retry-After", "1" } }, "") end
    return connection:file(request, parameters)
  end

  it("tells each decision, in the order of time, on standard error", function()
    local target = origin:serve("/big.iso", busy_once, { size = 2000000, rate = 4000000 })
    local url = origin:serve("/get", function(connection)
      return connection:redirect("/big.iso?token=secret")
    end)
    local result = luadl("--why", "-n", "3", (url:gsub("//", "//me:hidden@")))
    assert.equal("", result.stdout)
    local times, words = read_log(result.stderr)
    for index = 2, #times do assert.is_true(times[index] >= times[index - 1] - 0.005) end
    for _, expected in ipairs({
      " start " .. url .. ": over at most 3 connections\n", " stream 1 dns 127.0.0.1\n",
      " stream 1 connect to 127.0.0.1", " stream 1 request on a new connection\n",
      " stream 1 first byte status 302",
      " stream 1 redirect " .. target .. "?token=...: from 127.0.0.1\n",
      " stream 1 fault 127.0.0.1 answered 503",
      " stream 1 retry again in ", " name " .. folder .. "/get: from the URL\n",
      " split bytes ", ": nobody had asked for it\n",
      " done " .. folder .. "/get: 2000000 bytes are there, ",
    }) do
      assert.truthy(words:find(expected, 1, true), expected .. " isn't in " .. result.stderr)
    end
    assert.is_nil(result.stderr:find("secret", 1, true))
    assert.is_nil(result.stderr:find("hidden", 1, true))
  end)

  it("tells why a name was changed, and of which file", function()
    local one = origin:serve("/same.bin", { size = 10 })
    local two = origin:serve("/x/same.bin", { size = 10 })
    local result = luadl("--why", "-j", "1", one, two)
    assert.truthy(result.stderr:find("#2 +exists +" .. folder:gsub("%p", "%%%0")
      .. "/same.bin: .*: rename\n"), result.stderr)
  end)

  it("gives objects of type trace with --json", function()
    local url = origin:serve("/json.bin", { size = 10 })
    local steps = {}
    for line in luadl("--why", "--json", url).stdout:gmatch("[^\n]+") do
      local object = dkjson.decode(line)
      if object.type == "trace" then
        assert.equal(1, object.id)
        assert.is_number(object.time)
        steps[#steps + 1] = object.step
      end
    end
    assert.equal("start dns connect request first_byte name done", table.concat(steps, " "))
  end)

  it("goes along with --info", function()
    local result = luadl("--why", "--info", origin:serve("/info.bin", { size = 10 }))
    assert.truthy(result.stdout:find("10 bytes", 1, true))
    assert.truthy(result.stderr:find("first byte", 1, true))
  end)

  it("is silent when nobody asks why", function()
    assert.is_nil(luadl(origin:serve("/quiet.bin", { size = 10 })).stderr:find("first byte"))
  end)
end)

describe("luadl --range", function()
  it("saves only those bytes", function()
    local url = origin:serve("/file.bin", { size = 100000, seed = 3 })
    local result = helper.luadl("-d", folder, "--range", "10-1009", url)
    assert.equal(0, result.status, result.stderr)
    assert.equal(server.content(3, 10, 1009), helper.read(folder .. "/file.bin"))
  end)

  it("fails where the file has no such bytes", function()
    local url = origin:serve("/short.bin", { size = 10 })
    local result = helper.luadl("-d", folder, "--retry", "0", "--range", "10-20", url)
    assert.equal(22, result.status, result.stderr)
    assert.is_false(helper.exists(folder .. "/short.bin"))
  end)

  it("is a usage error where it makes no sense", function()
    for _, words in ipairs({ { "5" }, { "9-5" }, { "0-9", "--adopt" }, { "0-9", "--info" } }) do
      local result = helper.luadl("--range", words[1], words[2] or "-q", "http://127.0.0.1:1/")
      assert.equal(28, result.status, result.stderr)
    end
  end)
end)
