--- What the command prints, with a made-up world around it; no engine, no terminal.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local output = require("luadl.cli.output")

local MIB = 1048576

local function stream()
  local written = {}
  return {
    write = function(_, ...)
      for _, part in ipairs({ ... }) do written[#written + 1] = part end
    end,
    flush = function() end,
    text = function() return table.concat(written) end,
    writes = function() return #written end,
  }
end

local function world(changes)
  local made = {
    stdout = stream(), stderr = stream(), terminal = false, color = false, time = 0,
    columns = function() return 80 end,
    rows = function() return 24 end,
  }
  made.now = function() return made.time end
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

local function download(stats, url)
  return { url = url or "http://a/f", stats = function() return stats end }
end

local RESULT = {
  path = "f\27[2J", size = 3 * MIB, elapsed = 2, url = "http://a/f", length_verified = true,
  warnings = { "odd type" },
}

local NOT_FOUND = errors.new("http_status", "not found", { status = 404, url = "http://a/f" })

local FAULT = {
  url = "http://a/f", attempt = 2, error = errors.new("connect", "connection refused"),
}

local function play(report)
  local one = download({ name = "f", received = 5, total = 2 ^ 40 })
  local two = download({ received = 0 })
  report:started(one)
  report:started(two)
  report:retry(FAULT, 1.5, { fewer = true })
  report:tick()
  report:finished(one, RESULT)
  report:finished(two, nil, NOT_FOUND)
  report:summary({ done = 1, failed = 1, total = 2, first_error = NOT_FOUND }, 3)
  report:close()
end

describe("plain output", function()
  it("has one line for each file, cleaned, and nothing on standard output", function()
    local around = world()
    play(output.new(around, {}))
    assert.equal("f\\x1B[2J  3.0 MiB in 2s, 1.5 MiB/s\n"
      .. "luadl: warning: odd type\n"
      .. "luadl: not found (HTTP 404, http://a/f); check the URL\n"
      .. "1 of 2 files, 1 failed\n", around.stderr.text())
    assert.equal("", around.stdout.text())
  end)

  it("tells of retries when it is verbose", function()
    local around = world()
    output.new(around, { verbose = true }):retry(FAULT, 1.5, { fewer = true })
    assert.equal("luadl: again in 1.5s with fewer connections: connection refused\n",
      around.stderr.text())
  end)

  it("prints errors only when it is quiet, also on a terminal", function()
    for _, terminal in ipairs({ true, false }) do
      local around = world({ terminal = terminal })
      play(output.new(around, { quiet = true }))
      assert.equal("luadl: not found (HTTP 404, http://a/f); check the URL\n", around.stderr.text())
    end
  end)

  it("says when a file was kept and when its length was unknown", function()
    local around = world()
    local report = output.new(around, {})
    report:finished(download({}), { path = "f", skipped = true })
    report:finished(download({}), { path = "g", size = 1, elapsed = 1, length_verified = false })
    assert.equal("f  exists already, skipped\n"
      .. "g  1 B in 1s, 1 B/s (the server told no length)\n", around.stderr.text())
  end)
end)

describe("a file that was continued", function()
  local CONTINUED = { path = "f", size = 4 * MIB, resumed = MIB, elapsed = 3 }

  it("says where, and how fast this run was", function()
    local around = world()
    output.new(around, {}):finished(download({}), CONTINUED)
    assert.equal("f  4.0 MiB in 3s, 1.0 MiB/s (continued at 25%)\n", around.stderr.text())
  end)

  it("says so in JSON, and a failure whether it can go on", function()
    local around = world()
    local report = output.new(around, { json = true, quiet = false })
    local one = download({ received = 3 * MIB, resumed = MIB })
    report:started(one)
    report:tick()
    report:finished(one, CONTINUED)
    report:finished(one, nil, errors.new("cancelled", "interrupted", { resumable = true }))
    local text = around.stdout.text()
    assert.matches('"type":"progress".-"resumed":1048576', text)
    assert.matches('"type":"done".-"resumed":1048576', text)
    assert.matches('"type":"error".-"resumable":true', text)
  end)
end)

describe("terminal output", function()
  it("draws at most ten times a second", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    report:started(download({ name = "f", received = 1, total = 2 }))
    for step = 0, 999 do
      around.time = step / 1000
      report:tick()
      if step % 10 == 0 then report:finished(download({}), RESULT) end
    end
    assert.is_true(around.stderr.writes() <= 10)
    assert.is_true(around.stderr.writes() >= 9)
  end)

  it("has a line for each active file and erases just those", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    report:started(download({ name = "one", received = 1, total = 2 }))
    report:started(download({ received = 1 }, "http://a/two"))
    report:tick()
    assert.matches("^one .*\nhttp://a/two .*\n$", around.stderr.text())
    around.time = 1
    report:tick()
    assert.is_truthy(around.stderr.text():find(("\27[A\27[2K"):rep(2) .. "\r", 1, true))
  end)

  it("writes permanent lines above the live ones, once, and leaves only them", function()
    local around = world({ terminal = true })
    play(output.new(around, {}))
    local text = around.stderr.text()
    local _, count = text:gsub("3%.0 MiB in 2s", "")
    assert.equal(1, count)
    local cleared = "\27%[A\27%[2K"
    assert.matches(cleared:rep(2) .. "\rf\\x1B%[2J  3%.0 MiB.-1 of 2 files, 1 failed\n$", text)
  end)

  it("never passes a server's escape sequence on", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    report:started(download({ name = "\27]0;owned\7", received = 1, total = 2 }))
    report:tick()
    assert.is_nil(around.stderr.text():find("\27", 1, true))
  end)

  it("colors only when allowed", function()
    for _, color in ipairs({ true, false }) do
      local around = world({ terminal = true, color = color })
      play(output.new(around, {}))
      assert.equal(color, around.stderr.text():find("\27[31m", 1, true) ~= nil)
    end
  end)

  it("erases the rows of lines that a narrower window has wrapped", function()
    local width = 80
    local around = world({ terminal = true, columns = function() return width end })
    local report = output.new(around, {})
    report:started(download({ name = "one", received = 1, total = 2 }))
    report:tick()
    width, around.time = 30, 1
    report:tick()
    assert.is_truthy(around.stderr.text():find(("\27[A\27[2K"):rep(3) .. "\r", 1, true))
  end)

  it("leaves room on a low screen", function()
    local around = world({ terminal = true, rows = function() return 6 end })
    local report = output.new(around, {})
    for _ = 1, 5 do report:started(download({ name = "f", received = 1 })) end
    report:tick()
    local drawn = around.stderr.text()
    assert.matches("^f [^\n]*\nf [^\n]*\nf [^\n]*\n%.%.%. and 2 more\n$", drawn)
  end)

  it("shows a dozen of many files", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    for _ = 1, 40 do report:started(download({ name = "f", received = 1 })) end
    report:tick()
    local _, count = around.stderr.text():gsub("\n", "")
    assert.equal(13, count)
    assert.matches("%.%.%. and 28 more\n$", around.stderr.text())
  end)
end)

describe("JSON output", function()
  local function objects(around)
    local list = {}
    for line in around.stdout.text():gmatch("[^\n]+") do
      list[#list + 1] = assert(dkjson.decode(line))
    end
    return list
  end

  it("is one object per line for all that happens", function()
    local around = world()
    play(output.new(around, { json = true }))
    local types = {}
    for index, object in ipairs(objects(around)) do types[index] = object.type end
    assert.same({
      "start", "start", "retry", "progress", "progress", "done", "error", "summary",
    }, types)
    assert.equal("", around.stderr.text())
  end)

  it("has exact integers, the facts of errors and valid UTF-8", function()
    local around = world()
    local report = output.new(around, { json = true })
    local stats = { received = 9007199254740993, total = 9223372036854775807 }
    local one = download(stats, "http://a/\233")
    report:started(one)
    report:tick()
    report:finished(one, nil, NOT_FOUND)
    report:summary({ done = 0, failed = 1, total = 1 }, 3)
    local text = around.stdout.text()
    assert.matches('"received":9007199254740993,"total":9223372036854775807', text)
    local list = objects(around)
    assert.equal("http://a/\239\191\189", list[1].url)
    local _, urls = text:match("[^\n]*not found[^\n]*"):gsub('"url"', "")
    assert.equal(1, urls)
    assert.equal(404, list[3].status)
    assert.equal("http_status", list[3].kind)
    assert.same({ type = "summary", status = 3, done = 0, failed = 1, total = 1 }, list[4])
  end)

  it("tells of progress twice a second", function()
    local around = world()
    local report = output.new(around, { json = true })
    report:started(download({ received = 1 }))
    for step = 0, 99 do
      around.time = step / 100
      report:tick()
    end
    assert.equal(3, #objects(around))
  end)

  it("has errors only when quiet", function()
    local around = world()
    play(output.new(around, { json = true, quiet = true }))
    assert.equal(1, #objects(around))
    assert.equal("error", objects(around)[1].type)
  end)
end)
