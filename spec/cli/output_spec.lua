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
    in_background = function() return false end,
    continued = function() return false end,
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

local function play(report, around)
  local one = download({ name = "f", received = 5, total = 2 ^ 40 })
  local two = download({ received = 0 })
  report:started(one)
  report:started(two)
  report:retry(FAULT, 1.5, { fewer = true })
  report:tick()
  report:finished(one, RESULT)
  report:finished(two, nil, NOT_FOUND)
  around.time = 4
  report:summary({ done = 1, failed = 1, total = 2, first_error = NOT_FOUND }, 3)
  report:close()
end

local INTERRUPTED = errors.new("cancelled", "interrupted", { path = "f", resumable = true })

-- Four files: one fails, two are cut off, one never began.
local function stop_three(report)
  report:expected(4)
  local running = {}
  for index = 1, 3 do
    running[index] = download({ name = "f", received = 5 })
    report:started(running[index])
  end
  report:tick()
  report:finished(running[1], nil, NOT_FOUND)
  report:finished(running[2], nil, INTERRUPTED, true)
  report:finished(running[3], nil, INTERRUPTED, true)
  report:summary({ done = 0, failed = 3, total = 4, first_error = NOT_FOUND }, 7)
  report:close()
end

describe("plain output", function()
  it("has one line for each file, cleaned, and nothing on standard output", function()
    local around = world()
    play(output.new(around, {}), around)
    assert.equal("f\\x1B[2J  3.0 MiB in 2s, 1.5 MiB/s\n"
      .. "luadl: warning: odd type\n"
      .. "luadl: not found (HTTP 404, http://a/f); check the URL\n"
      .. "1 of 2 files, 1 failed; 3.0 MiB in 4s, 768.0 KiB/s\n", around.stderr.text())
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
      play(output.new(around, { quiet = true }), around)
      assert.equal("luadl: not found (HTTP 404, http://a/f); check the URL\n", around.stderr.text())
    end
  end)

  it("says once of all files that they were stopped, also when it is quiet", function()
    for _, quiet in ipairs({ true, false }) do
      local around = world()
      stop_three(output.new(around, { quiet = quiet }))
      assert.equal("luadl: not found (HTTP 404, http://a/f); check the URL\n"
        .. "luadl: interrupted (2 files); the same command again continues them\n"
        .. (quiet and "" or "0 of 4 files, 1 failed, 2 stopped\n"), around.stderr.text())
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

describe("--progress line", function()
  local function log(stats, seconds, step)
    local around = world()
    local report = output.new(around, { progress = "line" })
    report:started(download(stats))
    for time = step, seconds, step do
      around.time = time
      stats.received = stats.received + step * stats.speed
      report:tick()
    end
    local list = {}
    for line in around.stderr.text():gmatch("[^\n]+") do list[#list + 1] = line end
    return list
  end

  it("has a line for each tenth of a file", function()
    local list = log({ name = "f", received = 0, total = 100, speed = 2, connections = 1 }, 50, 0.5)
    assert.equal(10, #list)
    assert.equal("f  10%, 10 B of 100 B, 2 B/s, 45s to go", list[1])
    assert.equal("f  100%, 100 B of 100 B, 2 B/s, 0s to go", list[10])
  end)

  it("has one every ten seconds where a tenth takes longer, or the total isn't known", function()
    assert.equal(4, #log({ name = "f", received = 0, total = 10000, speed = 2 }, 45, 0.5))
    local list = log({ name = "f", received = 0, speed = 2048 }, 45, 0.5)
    assert.equal(4, #list)
    assert.equal("f  20.0 KiB, 2.0 KiB/s", list[1])
  end)

  it("has one a second at most, and none of small files", function()
    assert.equal(4, #log({ name = "f", received = 0, total = 100, speed = 25 }, 4, 0.5))
    assert.equal(0, #log({ name = "f", received = 0, total = 100, speed = 200 }, 0.5, 0.1))
  end)

  it("takes the place of bars where there is no terminal", function()
    local around = world()
    local report = output.new(around, { progress = "bar" })
    report:started(download({ name = "f", received = 50, total = 100 }))
    around.time = 2
    report:tick()
    assert.equal("f  50%, 50 B of 100 B, 0 B/s\n", around.stderr.text())
  end)
end)

describe("--progress", function()
  it("json is JSON on standard error", function()
    local around = world({ terminal = true })
    play(output.new(around, { progress = "json" }), around)
    assert.equal("", around.stdout.text())
    assert.matches('^{"type":"version".*"type":"progress".*"type":"summary"', around.stderr.text())
  end)

  it("none has no live lines, and no progress objects", function()
    local around = world({ terminal = true })
    play(output.new(around, { progress = "none" }), around)
    assert.is_nil(around.stderr.text():find("\27", 1, true))
    around = world()
    play(output.new(around, { progress = "none", json = true }), around)
    assert.is_nil(around.stdout.text():find("progress", 1, true))
    assert.matches('"type":"done"', around.stdout.text())
  end)

  it("chunks draws a map below each file's line", function()
    local around = world({ terminal = true, columns = function() return 11 end })
    local report = output.new(around, { progress = "chunks" })
    local one = download({ name = "f", received = 50, total = 100 })
    function one.map()
      return { total = 100, written = { { 0, 49 } }, streams = { { stream = 7, position = 50 } } }
    end
    report:expected(2)
    report:started(one)
    report:tick()
    local map = ("##########\n"):rep(4) .. "1---------\n" .. ("----------\n"):rep(3)
    assert.equal("f\n" .. map .. "0/2\n", around.stderr.text())
  end)
end)

describe("what others write", function()
  it("goes to the terminal between two drawings, also when its line isn't complete", function()
    local around = world({ terminal = true, stdout_terminal = true })
    local report = output.new(around, { write_out = "[%{http_code}]" })
    report:started(download({ name = "f", received = 1, total = 2 }))
    report:tick()
    report:finished(download({}), { path = "g", size = 1, elapsed = 1, status = 200 })
    report:finished(download({}), { path = "h", size = 1, elapsed = 1, status = 206 })
    print("from a script", nil, 2)
    around.time = 1
    report:tick()
    report:close()
    assert.equal("", around.stdout.text())
    local text = around.stderr.text()
    assert.matches("\r[^\27]*%[200%]%[206%]from a script\tnil\t2\n", text)
  end)

  it("goes to standard output where that is a pipe", function()
    local around = world({ terminal = true })
    local report = output.new(around, { write_out = "%{http_code} " })
    report:finished(download({}), { path = "g", size = 1, elapsed = 1, status = 200 })
    report:close()
    assert.equal("200 ", around.stdout.text())
  end)

  it("leaves print as it was", function()
    local before = print
    local around = world({ terminal = true, stdout_terminal = true })
    local report = output.new(around, {})
    assert.not_equal(before, print)
    report:close()
    assert.equal(before, print)
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
    assert.matches("^one .*\nhttp://a/two .*\n0 files, 2 running .*\n$", around.stderr.text())
    around.time = 1
    report:tick()
    assert.is_truthy(around.stderr.text():find(("\27[A\27[2K"):rep(3) .. "\r", 1, true))
  end)

  it("writes permanent lines above the live ones, once, and leaves only them", function()
    local around = world({ terminal = true })
    play(output.new(around, {}), around)
    local text = around.stderr.text()
    local _, count = text:gsub("3%.0 MiB in 2s", "")
    assert.equal(1, count)
    local cleared = "\27%[A\27%[2K"
    assert.matches(cleared:rep(3) .. "\rf\\x1B%[2J  3%.0 MiB.-1 of 2 files, 1 failed; [^\n]*\n$",
      text)
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
      play(output.new(around, {}), around)
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

  it("clears what was typed below it", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    report:started(download({ name = "one", received = 1, total = 2 }))
    report:tick()
    report:close()
    assert.matches("\n\r\27%[2K\27%[A\27%[2K\r$", around.stderr.text())
  end)

  it("draws anew below what a shell has written while it was stopped", function()
    local stopped = false
    local around = world({ terminal = true, continued = function() return stopped end })
    local report = output.new(around, {})
    report:started(download({ name = "one", received = 1, total = 2 }))
    report:tick()
    stopped, around.time = true, 1
    report:tick()
    assert.matches("^one [^\n\27]*\none [^\n\27]*\n$", around.stderr.text())
  end)

  it("draws nothing in the background, where only permanent lines are written", function()
    local around = world({ terminal = true, in_background = function() return true end })
    local report = output.new(around, {})
    local one = download({ name = "one", received = 1, total = 2 })
    report:started(one)
    report:tick()
    assert.equal("", around.stderr.text())
    report:finished(one, { path = "one", size = 1024, elapsed = 1 })
    around.time = 1
    report:tick()
    report:close()
    assert.equal("one  1.0 KiB in 1s, 1.0 KiB/s\n", around.stderr.text())
  end)

  it("says once of all files that they were stopped", function()
    local around = world({ terminal = true })
    stop_three(output.new(around, {}))
    local _, count = around.stderr.text():gsub("interrupted", "")
    assert.equal(1, count)
    assert.matches("interrupted %(2 files%); [^\n]*\n0 of 4 files, 1 failed, 2 stopped\n$",
      around.stderr.text())
  end)

  it("leaves room on a low screen", function()
    local around = world({ terminal = true, rows = function() return 6 end })
    local report = output.new(around, {})
    for _ = 1, 5 do report:started(download({ name = "f", received = 1 })) end
    report:tick()
    local drawn = around.stderr.text()
    assert.matches("^f [^\n]*\nf [^\n]*\n%.%.%. and 3 more\n0 files, 5 running[^\n]*\n$", drawn)
  end)

  it("draws nothing on a single row, which it would scroll", function()
    local around = world({ terminal = true, rows = function() return 1 end })
    local report = output.new(around, {})
    report:started(download({ name = "one", received = 1, total = 2 }))
    report:tick()
    assert.equal("", around.stderr.text())
  end)

  it("shows a dozen of many files", function()
    local around = world({ terminal = true })
    local report = output.new(around, {})
    for _ = 1, 40 do report:started(download({ name = "f", received = 1 })) end
    report:tick()
    local _, count = around.stderr.text():gsub("\n", "")
    assert.equal(14, count)
    assert.matches("%.%.%. and 28 more\n0 files, 40 running[^\n]*\n$", around.stderr.text())
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
    play(output.new(around, { json = true }), around)
    local types = {}
    for index, object in ipairs(objects(around)) do types[index] = object.type end
    assert.same({
      "version", "start", "start", "retry", "progress", "progress", "done", "error", "summary",
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
    assert.equal("http://a/\239\191\189", list[2].url)
    local _, urls = text:match("[^\n]*not found[^\n]*"):gsub('"url"', "")
    assert.equal(1, urls)
    assert.equal(404, list[4].status)
    assert.equal("http_status", list[4].kind)
    assert.equal("check the URL", list[4].advice)
    assert.same({
      type = "summary", status = 3, done = 0, failed = 1, skipped = 0, total = 1, bytes = 0,
      elapsed = 0,
    }, list[5])
  end)

  it("tells of progress twice a second", function()
    local around = world()
    local report = output.new(around, { json = true })
    report:started(download({ received = 1 }))
    for step = 0, 99 do
      around.time = step / 100
      report:tick()
    end
    assert.equal(4, #objects(around)) -- the first two say the version, and the start
  end)

  it("has errors only when quiet", function()
    local around = world()
    play(output.new(around, { json = true, quiet = true }), around)
    assert.equal(1, #objects(around))
    assert.equal("error", objects(around)[1].type)
  end)
end)
