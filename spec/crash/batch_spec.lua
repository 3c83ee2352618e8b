-- B5: kill -9 before and after every change that a list with a journal makes to its folder: the
-- same command again brings each file once, under its own name, whatever had that before.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local server = require("spec.support.server")

local SHIM = helper.build .. "/crashfs.so"
local STEP = os.getenv("LUADL_TORTURE") and 1 or 3 -- kills are that far apart
local AT_LEAST = 5
local KILLED = 137
local FILES = { ["a.bin"] = 3000, ["b.bin"] = 70000, ["c.bin"] = 1300000, ["d.bin"] = 0 }
local TAKEN = "b.bin" -- there before, and somebody else's

describe("kill -9 of a list with a journal", function()
  local origin, folder, sums

  setup(function()
    origin, sums = server.start(), {}
    for name, size in pairs(FILES) do
      local seed = size + 1
      origin:serve("/" .. name, nil, {
        size = size, seed = seed, etag = '"' .. name .. '"',
        last_modified = "Sun, 06 Nov 1994 08:49:37 GMT",
      })
      sums[name == TAKEN and "b (1).bin" or name] = server.sha256(seed, size)
    end
  end)

  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function command(kill)
    local preload = os.getenv("LD_PRELOAD") or ""
    return helper.luadl("-q", "-j2", "-n2", "--min-split", "256K", "-d", folder, "-i",
      folder .. "/list", "--journal", folder .. "/journal", {
        env = {
          LD_PRELOAD = preload .. (preload ~= "" and ":" or "") .. SHIM,
          LUADL_CRASH_FOLDER = folder, LUADL_CRASH_KILL = kill or "",
        },
      })
  end

  local function begin()
    folder = helper.tmpdir()
    local list = {}
    for name in pairs(FILES) do list[#list + 1] = origin.url .. "/" .. name .. "\n" end
    table.sort(list)
    helper.write(folder .. "/list", table.concat(list))
    helper.write(folder .. "/" .. TAKEN, "somebody else's")
  end

  local function check(kill)
    local found = {}
    for name in lfs.dir(folder) do found[name] = true end
    for _, name in ipairs({ ".", "..", "list", "journal" }) do found[name] = nil end
    assert.equal("somebody else's", helper.read(folder .. "/" .. TAKEN))
    found[TAKEN] = nil
    for name, sum in pairs(sums) do
      assert.equal(sum, helper.sha256(folder .. "/" .. name), kill .. ": " .. name)
      found[name] = nil
    end
    assert.same({}, found, kill)
  end

  -- Whether it was killed; then the same command, perhaps killed once more, and at last to its end.
  local function try(kill, second)
    begin()
    local first = command(kill)
    if first.status ~= KILLED then return false end
    if second then command(second) end
    local last = command()
    assert.equal(0, last.status, kill .. ": " .. last.stderr)
    check(kill)
    return true
  end

  it("brings each file once", function()
    local kills, draw = 0, random.new(1)
    for _, mark in ipairs({ "", "+" }) do
      local change = draw(1, STEP)
      while try(change .. mark, draw(0, 1) == 1 and draw(1, 20) .. "+" or nil) do
        change, kills = change + STEP, kills + 1
      end
    end
    print(("a list with a journal: %d kills"):format(kills))
    assert.is_true(kills >= AT_LEAST)
  end)
end)
