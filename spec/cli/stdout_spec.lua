--- `-o -` through the real command: into pipes, files and what fails.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local process = require("spec.support.process")
local server = require("spec.support.server")

local SIZE = 5000000
local SEED = 4
local LARGE = 100000000
local COMMAND = process.quote(helper.root .. "/scripts/luadl")

local PRINTING = [[
print("said")
return { on_done = function() io.write("done\n") end }
]]

local web, origin, root, sum

-- A line for the shell, in which $luadl and $url stand for themselves; its status is that of
-- the first command in a pipe that fails.
local function shell(line, opts)
  local words = { luadl = COMMAND .. " --min-split 64K", url = web.url, origin = origin.url }
  line = line:gsub("%$(%l+)", words)
  return helper.run({ "bash", "-o", "pipefail", "-c", line }, opts)
end

local function sha256_of(bytes)
  local path = helper.tmpdir() .. "/bytes"
  helper.write(path, bytes)
  return helper.sha256(path)
end

describe("luadl -o -", function()
  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/file", server.content(SEED, 0, SIZE - 1))
    helper.write(root .. "/one", "one\n")
    helper.write(root .. "/two", "two\n")
    helper.write(root .. "/print.lua", PRINTING)
    assert(helper.run({ "truncate", "-s", LARGE, root .. "/large" }).status == 0)
    sum = server.sha256(SEED, SIZE)
    web = nginx.start({ root = root })
    origin = server.start()
  end)
  teardown(function()
    web:stop()
    origin:stop()
    helper.remove_folder(root)
  end)
  before_each(helper.begin)
  after_each(helper.finish)

  it("writes the file to a pipe, and its status to standard error", function()
    local result = shell("$luadl -o - --ahead 1M $url/file | sha256sum")
    assert.equal(0, result.status)
    assert.equal(sum, result.stdout:match("^%x+"))
    assert.matches("^%-  4%.8 MiB in ", result.stderr)
  end)

  it("feeds tar", function()
    local folder = helper.tmpdir()
    assert(helper.run({ "tar", "cf", root .. "/all.tar", "-C", root, "file", "one" }).status == 0)
    local result = shell("$luadl -q -o - $url/all.tar | tar x -C " .. folder)
    assert.equal(0, result.status, result.stderr)
    assert.equal(sum, helper.sha256(folder .. "/file"))
  end)

  it("writes to a file, and behind what is in it", function()
    local path = helper.tmpdir() .. "/out"
    assert.equal(0, shell("$luadl -qo - $url/one > " .. path).status)
    assert.equal(0, shell("$luadl -qo - $url/two >> " .. path).status)
    assert.equal("one\ntwo\n", helper.read(path))
  end)

  it("writes several files one after the other", function()
    local result = shell("$luadl -o - $url/one $url/two $url/one")
    assert.equal("one\ntwo\none\n", result.stdout)
    assert.matches("3 of 3 files", result.stderr)
    assert.equal("one\ntwo\n", shell("$luadl --glob -qo - '$url/{one,two}'").stdout)
  end)

  it("ends with the first that fails", function()
    local result = shell("$luadl -o - $url/one $url/none $url/two")
    assert.equal("one\n", result.stdout)
    assert.equal(3, result.status)
    assert.matches("answered 404", result.stderr)
  end)

  it("writes a part", function()
    local expected = sha256_of(server.content(SEED, 1000000, 2999999))
    local result = shell("$luadl -qo - --range 1000000-2999999 $url/file | sha256sum")
    assert.equal(expected, result.stdout:match("^%x+"))
  end)

  it("compares the checksum, and says so by its status", function()
    local line = "$luadl -o - --checksum sha256:%s $url/file | cmp - %s/file"
    assert.equal(0, shell(line:format(sum, root)).status)
    local wrong = sum:gsub("^.", function(digit) return digit == "0" and "1" or "0" end)
    local result = shell(line:format(wrong, root))
    assert.equal(32, result.status)
    assert.matches("its sha256 is " .. sum, result.stderr)
  end)

  it("ends quietly when its reader has enough", function()
    local result = shell("$luadl -o - $url/large | head -c 10 | wc -c")
    assert.equal("10\n", result.stdout)
    assert.equal("", result.stderr)
    assert.equal(17, result.status)
  end)

  it("says what else keeps it from writing", function()
    local result = shell("$luadl -o - $url/file >/dev/full")
    assert.equal(9, result.status)
    assert.matches("cannot write to standard output: No space left", result.stderr)
    result = shell("$luadl -o - $url/file >&-")
    assert.equal(17, result.status)
    assert.matches("cannot write to standard output: Bad file", result.stderr)
  end)

  it("hears Ctrl-C while its reader takes nothing", function()
    local folder = helper.tmpdir()
    local result = shell(([[
      mkfifo %s/pipe; exec 3<>%s/pipe # open, and nobody reads
      $luadl -o - '$url/large?stuck' >&3 & child=$!
      until grep -q stuck %s/access.log; do sleep 0.01; done
      sleep 0.3; kill -INT $child; wait $child; echo $?
    ]]):format(folder, folder, web.prefix), { timeout = 20 })
    assert.equal("7\n", result.stdout)
    assert.matches("interrupted", result.stderr)
    assert.is_true(result.elapsed < 10)
  end)

  it("keeps its deadline while its reader takes nothing", function()
    local folder = helper.tmpdir()
    local line = "mkfifo %s/pipe; exec 3<>%s/pipe; $luadl --deadline 1s -o - $url/large >&3"
    local result = shell(line:format(folder, folder), { timeout = 20 })
    assert.equal(2, result.status)
    assert.is_true(result.elapsed < 5)
  end)

  it("keeps a limit of its rate", function()
    local result = shell("$luadl -qo - --limit-rate 2500K $url/file | cmp - " .. root .. "/file")
    assert.equal(0, result.status)
    assert.is_true(result.elapsed > 1.8 and result.elapsed < 4, result.elapsed)
  end)

  it("holds no more than the window and what a download needs", function()
    local timed = shell("command time -f %M $luadl -qo - --ahead 4M $url/large | cmp - "
      .. root .. "/large")
    assert.equal(0, timed.status, timed.stderr)
    assert.is_true(tonumber(timed.stderr:match("%d+")) < (4 + 30) * 1024, timed.stderr)
  end)

  it("keeps what else would go to standard output away from it", function()
    local result = shell(("$luadl -s %s/print.lua -w 'written %%{size_download}' -o - $url/one")
      :format(root))
    assert.equal("one\n", result.stdout)
    assert.matches("^said\n", result.stderr)
    assert.matches("done\n", result.stderr)
    assert.matches("written 4", result.stderr)
  end)

  it("tries again, and goes on where it was", function()
    origin:serve("/broken", function(connection, request, parameters, state)
      state.count = (state.count or 0) + 1
      local cut = state.count == 1 and 2000000 or nil
      return connection:file(request, setmetatable({ cut = cut }, { __index = parameters }))
    end, { size = SIZE, seed = SEED, etag = '"a"' })
    local result = shell("$luadl -v -n1 -o - $origin/broken | sha256sum")
    assert.equal(sum, result.stdout:match("^%x+"))
    assert.matches("again", result.stderr)
  end)
end)
