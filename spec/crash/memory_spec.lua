-- P7: each allocation of a small download is refused once, in the engine, in libcurl and in Lua:
-- each run ends, and what it calls complete is right.
-- SPDX-License-Identifier: MIT

local crash = require("spec.support.crash")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local STEP = crash.full and 1 or 11 -- refusals are that far apart
local SIZE = 2600000 -- large enough for a journal and for several streams
local SMALL = 400000
local IMPATIENT = "0.5" -- seconds: an event that libcurl loses for want of memory is a stall
local AT_LEAST = 100 -- allocations, or nothing was refused

-- What the C program ends with: 0 done, 1 failed, 2 refused before it began.
local STATUSES = { [0] = true, [1] = true, [2] = true }

-- In curl_easy_pause libcurl 7.88 keeps it to itself that a socket found no room in its table; when
-- it meets that socket again it divides by zero. Of a download this is one allocation.
local DIVIDED, DIVIDED_MOST = 128 + 8, 1

local PROGRAM = [[
  local luadl = require("luadl")
  local url, path = ...
  os.remove(path)
  starve()
  local session, err = luadl.session({ connections = 4, min_split = 65536 })
  local result
  if session then
    result, err = session:get({ url = url, output = path })
    session:close()
  end
  local file = result and io.open(path, "rb")
  return file and file:seek("end") == tonumber((select(3, ...))) and "done" or "failed"
]]

describe("no memory", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  -- One download in which allocation `first` fails, and so many more; says how many there were.
  local function starve(url, first, times, divided)
    local folder = helper.make_folder()
    local run = helper.run({ helper.build .. "/starved", url, folder, "file", IMPATIENT }, {
      env = { LUADL_MEMORY = first .. ":" .. times },
      timeout = 10,
    })
    local told = ("allocation %d: status %s\n%s"):format(first, run.status, run.stderr)
    if run.status == DIVIDED and divided.count < DIVIDED_MOST then
      divided.count = divided.count + 1
      helper.remove_folder(folder)
      return first
    end
    assert.is_true(STATUSES[run.status], told)
    assert.is_nil(run.stderr:find("Sanitizer"), told)
    helper.check_oracle(run.status, folder .. "/file", server.sha256(1, SIZE))
    helper.remove_folder(folder)
    return assert(tonumber(run.stderr:match("allocations: (%d+)")), told)
  end

  local function sweep(times)
    local url = origin:serve("/starved", { size = SIZE, etag = '"a"' })
    local first, divided = 1, { count = 0 }
    while starve(url, first, times, divided) >= first do first = first + STEP end
    assert.is_true(first > AT_LEAST, "only " .. first .. " allocations")
  end

  it("P7: for one allocation of the engine or libcurl: each run ends, and none is wrong", function()
    sweep(1)
  end)

  it("P7: from one allocation on: each run ends, and none is wrong", function()
    sweep(0)
  end)

  it("P7: for one allocation of Lua: each run ends, and the state is closed", function()
    local folder, root = helper.tmpdir(), helper.root
    helper.write(folder .. "/program.lua", PROGRAM)
    local run = helper.run({
      helper.build .. "/starvedlua", folder .. "/program.lua", "1", tostring(STEP),
      origin:serve("/lua", { size = SMALL, etag = '"a"' }), folder .. "/file", tostring(SMALL),
    }, {
      env = {
        LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(root, root),
        LUA_CPATH = helper.build .. "/?.so;;",
      },
      timeout = 120,
    })
    assert.equal(0, run.status, run.stderr)
    local last, outcome = run.stdout:match("(%d+)\t(%C*)\n$")
    assert.equal("done", outcome)
    assert.is_true(tonumber(last) > AT_LEAST, run.stdout)
    assert.equal(server.sha256(1, SMALL), helper.sha256(folder .. "/file"))
  end)
end)
