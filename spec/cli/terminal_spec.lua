--- The live display in a real terminal, which tmux plays.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local process = require("spec.support.process")
local server = require("spec.support.server")

local SIZE = 1048576
local SEED = 6
local PATIENCE = 10 -- seconds for something to appear
local ROWS = 12

local has_tmux = helper.run("command -v tmux").status == 0

local origin, folder, sockets

local function tmux(...)
  local words = { "tmux", "-u", "-L", "luadl-spec", "-f", "/dev/null", ... }
  return helper.run(words, { env = { TMUX_TMPDIR = sockets, LC_ALL = "C.UTF-8" } })
end

-- All lines, also those that have left the window, without the empty ones at the end; `escapes`
-- keeps colors.
local function screen(escapes)
  local text = tmux("capture-pane", "-p", "-S", "-", escapes and "-e" or "-J", "-t", "spec").stdout
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = (line:gsub("%s+$", "")) end
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

-- Waits until a line of the window matches, and returns the window's lines.
local function await(pattern, escapes)
  local deadline = socket.gettime() + PATIENCE
  while true do
    local lines = screen(escapes)
    for _, line in ipairs(lines) do
      if line:find(pattern) then return lines end
    end
    if socket.gettime() > deadline then
      error(("no %q in:\n%s"):format(pattern, table.concat(lines, "\n")), 2)
    end
    socket.sleep(0.02)
  end
end

local function matching(lines, pattern)
  local count, last = 0, nil
  for _, line in ipairs(lines) do
    if line:find(pattern) then count, last = count + 1, line end
  end
  return count, last
end

-- A line with its numbers, units and bars made alike: "big.iso [bar] N% N B N B/s Ns".
local function shape(line)
  line = line:gsub("▕.*▏ ", "[bar] "):gsub("%[[-=>]* *%]", "[bar]")
  line = line:gsub("%d+%.%d+", "N"):gsub("%d+", "N"):gsub("[KMG]iB", "B"):gsub("Nms", "Ns")
  return (line:gsub(" %-%-", " Ns"):gsub(" +", " "))
end

local function shapes(lines)
  local list = {}
  for index, line in ipairs(lines) do list[index] = shape(line) end
  return list
end

local function resize(columns)
  tmux("resize-window", "-t", "spec", "-x", tostring(columns), "-y", tostring(ROWS))
end

local function open(columns, line)
  local made = tmux("new-session", "-d", "-s", "spec", "-x", tostring(columns), "-y",
    tostring(ROWS), ("cd %s; %s"):format(process.quote(folder), line))
  assert.equal(0, made.status, made.stderr)
end

local function command(words)
  return process.command({ helper.root .. "/scripts/luadl", table.unpack(words) })
end

-- Runs the command in a fresh window, "first line" above it and its status below it.
local function run(columns, words, environment)
  open(columns, ("printf 'first line\\n'; %s %s; echo status $?; exec cat"):format(
    environment or "", command(words)))
end

-- The same in a shell with job control, whose prompt is "> ".
local function run_in_shell(columns, words)
  helper.write(folder .. "/line", command(words))
  open(columns, "PS1='> ' exec bash --norc --noprofile -i")
  await("^>$")
  tmux("send-keys", "-t", "spec", "source ./line", "Enter")
end

local function press(...)
  tmux("send-keys", "-t", "spec", ...)
end

local function serve(path, parameters)
  local given = merged({ size = SIZE, seed = SEED, etag = '"1"', rate = 500000 }, parameters)
  return origin:serve(path, given)
end

local describe_with_tmux = has_tmux and describe or pending

describe_with_tmux("on a terminal", function()
  setup(function()
    origin = server.start()
    sockets = helper.make_folder()
  end)

  teardown(function()
    origin:stop()
    helper.remove_folder(sockets)
  end)

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)

  after_each(function()
    tmux("kill-server")
    helper.finish()
  end)

  it("a live line per file becomes a permanent one when the file is there", function()
    run(80, { "-n1", serve("/slow.bin"), serve("/fast.bin", { rate = 1200000 }) })
    await("^slow%.bin .*%d%%")
    local both = await("^fast%.bin .*%d%%")
    assert.equal(1, (matching(both, "^slow%.bin ")))
    local lines = await("^fast%.bin  1%.0 MiB in ")
    local _, live = matching(lines, "^slow%.bin")
    assert.equal("slow.bin [bar] N% N B N B/s Ns xN", shape(live))
    assert.is_true(utf8.len(live) <= 79)
    lines = await("^status 0")
    assert.equal("first line", lines[1])
    assert.matches("^fast%.bin  1%.0 MiB in %S+, %S+ .iB/s$", lines[2])
    assert.matches("^slow%.bin  1%.0 MiB in %S+, %S+ .iB/s$", lines[3])
    assert.same({ "N of N files; N B in Ns, N B/s", "status N" },
      shapes({ lines[4], lines[5] }))
  end)

  it("failures stay, in red", function()
    run(100, { "--retry", "0", serve("/slow.bin"), origin.url .. "/nowhere" })
    local lines = await("answered 404", true)
    local _, failure = matching(lines, "answered 404")
    assert.is_truthy(failure:find("\27[31m", 1, true), failure)
    lines = await("^status 3")
    assert.equal(1, (matching(lines, "answered 404")))
    assert.equal(1, (matching(lines, "^slow%.bin ")))
  end)

  it("NO_COLOR means no color", function()
    run(100, { "--retry", "0", serve("/small.bin", { size = 10 }), origin.url .. "/nowhere" },
      "NO_COLOR=1")
    local lines = await("status 3", true)
    assert.is_nil(table.concat(lines):find("\27", 1, true))
  end)

  it("a narrow window gets one short line for a file", function()
    run(24, { "-n1", serve("/a-rather-long-name-of-a-file.tar.gz") })
    local lines = await("%d%%$")
    assert.equal(2, #lines)
    assert.is_true(utf8.len(lines[2]) <= 23)
    assert.matches("^a%-rather…e%.tar%.gz +%d+%%$", lines[2])
  end)

  -- tmux wraps the lines first and tells of its new size later: what is drawn between may stay.
  it("a window that becomes narrow keeps one old line at most", function()
    run(80, { "-n1", serve("/file.bin") })
    await("^file%.bin .*▏.*%d%%")
    resize(30)
    local lines = await("^file%.bin +%d+%%$")
    assert.is_true(#lines <= 3)
    assert.equal(1, (matching(lines, "^file%.bin +%d+%%$")))
    lines = await("^status 0")
    assert.equal("first line", lines[1])
    assert.equal(0, (matching(lines, "^file%.bin +%d+%%$")))
    assert.equal(1, (matching(lines, "^file%.bin  1%.0 MiB in")))
  end)

  it("several files have a line each, and one for all of them", function()
    run(80, {
      "-n1", "-j2", serve("/a-rather-long-name-of-a-file.tar.gz"), serve("/two.bin"),
      serve("/three.bin"),
    })
    await("^two%.bin .*%d%% .*iB/s .*s ")
    assert.same({
      "first line",
      "a-rather…e.tar.gz [bar] N% N B N B/s Ns xN",
      "two.bin [bar] N% N B N B/s Ns xN",
      "N of N files [bar] N% N B N B/s Ns xN",
    }, shapes(screen()))
    local lines = shapes(await("^status 0"))
    assert.equal(6, #lines)
    for index = 2, 4 do assert.matches("^%S+ N B in Ns, N B/s$", lines[index]) end
    assert.equal("N of N files; N B in Ns, N B/s", lines[5])
  end)

  it("what there is room for follows the window while it runs", function()
    run(120, { "-n1", serve("/one.bin", { rate = 400000 }), serve("/two.bin", { rate = 300000 }) })
    await("^two%.bin .*%d%% .*iB/s .*s ")
    local wide = "[bar] N% N B of N B N B/s Ns xN"
    assert.same({ "first line", "one.bin " .. wide, "two.bin " .. wide, "N of N files " .. wide },
      shapes(screen()))
    resize(40)
    await("^two%.bin +%d+%% +%S+ .iB/s$")
    resize(20)
    await("^two%.bin +%d+%%$")
    local lines = screen()
    for index = #lines - 2, #lines do assert.is_true(#lines[index] < 20, lines[index]) end
    assert.same({ "one.bin N%", "two.bin N%", "N of N files N%" },
      { table.unpack(shapes(lines), #lines - 2) })
    resize(120)
    await("^two%.bin .*of .*iB/s")
    lines = shapes(await("^status 0"))
    assert.same({
      "one.bin N B in Ns, N B/s", "two.bin N B in Ns, N B/s",
      "N of N files; N B in Ns, N B/s", "status N",
    }, { table.unpack(lines, #lines - 3) })
  end)

  it("without UTF-8 there is nothing but ASCII", function()
    local name = "attachment; filename*=UTF-8''gr%c3%bc%c3%9fe.bin"
    run(80, { "-n1", serve("/x", { disposition = name }) }, "LC_ALL=C")
    await("^gr.*%d%% .*iB/s .*s ")
    assert.matches("^gr\\xC3\\%.%.%..*e%.bin  %[=*> +%] +%d+%% ", screen()[2])
    local lines = await("^status 0")
    assert.matches("^gr\\xC3\\xBC\\xC3\\x9Fe%.bin  1%.0 MiB in ", lines[2])
    assert.is_nil(table.concat(lines):find("[\128-\255]"))
  end)

  it("what a script prints and --write-out comes between the bars, never into them", function()
    local script = folder .. "/chatty.lua"
    helper.write(script, [[
      local count = 0
      return { on_progress = function()
        count = count + 1
        print("log line " .. count)
      end }
    ]])
    run(80, { "-n1", "-s", script, "-w", "end of %{filename_effective}\\n", serve("/one.bin") })
    await("^log line 3$")
    local lines = await("^status 0")
    local said = 0
    for index = 2, #lines - 3 do
      said = said + 1
      assert.equal("log line " .. said, lines[index])
    end
    assert.is_true(said >= 5)
    assert.same({ "one.bin N B in Ns, N B/s", "end of one.bin", "status N" },
      { table.unpack(shapes(lines), #lines - 2) })
  end)

  it("--progress chunks shows who fills what", function()
    run(60, {
      "--progress", "chunks", "-n4", "--min-split", "64K", serve("/one.bin", { rate = 80000 }),
    }, "NO_COLOR=1")
    await("█1─")
    local lines = await("█4─")
    assert.equal("one.bin [bar] N% N B/s Ns", shape(lines[2]))
    local map = table.concat(lines, "", 3)
    for label = 1, 4 do
      local _, count = map:gsub(label, "")
      assert.equal(1, count, map)
    end
    assert.equal(1, map:find("█", 1, true))
    assert.is_true(#lines <= ROWS - 1)
    lines = await("^status 0")
    assert.same({ "first line", "one.bin N B in Ns, N B/s", "status N" }, shapes(lines))
  end)

  it("a file that waits says for what", function()
    local url = origin:serve("/busy", function(connection, request, parameters, state)
      state.asked = (state.asked or 0) + 1
      if state.asked > 1 then return connection:file(request, parameters) end
      return connection:reply(503, { { "Retry-After", 2 } }, "")
    end, { size = 10, seed = 1 })
    run(80, { url })
    local lines = await("again in %ds: ")
    assert.matches("^busy +again in %ds: .*503", lines[2])
    lines = await("^status 0")
    assert.same({ "first line", "busy N B in Ns, N B/s", "status N" }, shapes(lines))
  end)

  it("failures that have left the screen are listed again", function()
    local words = { "-j1", "-n1", "--retry", "0", origin.url .. "/nowhere" }
    for number = 1, 11 do words[#words + 1] = serve("/" .. number, { size = 10 }) end
    run(100, words)
    local lines = shapes(await("^status 3"))
    assert.same({
      "failed:",
      " " .. shape(origin.url) .. "/nowhere N.N answered N",
      "N of N files, N failed; N B in Ns, N B/s",
      "status N",
    }, { table.unpack(lines, #lines - 3) })
  end)

  it("names show what they would do instead of doing it", function()
    local hostile = "attachment; filename*=UTF-8''%1b%5b2Jclear%0d%e2%80%aetxt.bin"
    run(80, { "-n1", serve("/x", { disposition = hostile }) })
    local lines = await("%d%%")
    assert.equal("first line", lines[1])
    assert.matches("^_%[2Jclear_txt%.bin ", lines[2])
  end)

  it("wide characters keep their columns", function()
    local chinese = "attachment; filename*=UTF-8''" .. ("%e6%96%87"):rep(40) .. ".txt"
    run(80, { "-n1", serve("/wide", { disposition = chinese }) })
    local lines = await("%d%%")
    assert.equal(2, #lines)
    assert.is_true(utf8.len(lines[2]) < 80)
  end)

  it("more files than there is room for leave the others' lines alone", function()
    local urls = { "-j40", "-n1" }
    for number = 1, 30 do urls[#urls + 1] = serve("/file" .. number) end
    run(80, urls)
    await("^file1 .*%d%%")
    local lines = await("^file3 .*%d%%")
    assert.equal(1, (matching(lines, "^file1 ")))
    assert.equal(1, (matching(lines, "^%.%.%. and %d+ more$")))
  end)

  it("Ctrl-C ends the display cleanly", function()
    run(80, { "-n1", serve("/slow.bin", { rate = 100000 }) })
    await("^slow%.bin .*%d%%")
    press("C-c")
    local lines = await("^status 7")
    assert.equal("first line", lines[1])
    assert.equal(0, (matching(lines, "^slow%.bin ")))
    assert.equal(1, (matching(lines, "luadl: interrupted")))
    assert.is_false(helper.exists(folder .. "/slow.bin"))
    assert.is_nil(table.concat(screen(), "\n"):find("^C", 1, true))
  end)

  it("Ctrl-C is told once of several files", function()
    run(100, { "-n1", serve("/one.bin", { rate = 50000 }), serve("/two.bin", { rate = 50000 }) })
    await("^two%.bin .*%d%%")
    press("C-c")
    local lines = await("^status 7")
    assert.equal(4, #lines)
    assert.matches("^luadl: interrupted %(2 files%)", lines[2])
    assert.equal("0 of 2 files, 2 stopped", lines[3])
  end)

  it("in the background leaves the terminal to the shell, and is drawn anew in front", function()
    run_in_shell(80, { "-n1", serve("/slow.bin", { rate = 100000 }) })
    await("^slow%.bin .*%d%%")
    press("C-z")
    await("Stopped")
    press("bg", "Enter")
    await("^%[1%].*&$")
    press("sleep 0.5; echo still my line", "Enter")
    local lines = await("^still my line$")
    assert.equal(1, (matching(lines, "^slow%.bin .*%d%%")))
    assert.matches("^> sleep", lines[#lines - 2] .. lines[#lines - 1])
    press("fg", "Enter")
    local deadline = socket.gettime() + PATIENCE
    repeat
      lines = screen()
      assert.is_true(socket.gettime() < deadline, table.concat(lines, "\n"))
    until matching(lines, "^slow%.bin .*%d%%") == 2
    assert.equal(1, (matching(lines, "^still my line$")))
    press("C-c")
    await("luadl: interrupted")
  end)
end)
