-- P2: kill -9 before and after every change that a small download makes to its folder: at each the
-- final name is absent or the whole file, and the same command again gets it.
-- SPDX-License-Identifier: MIT
--
-- LUADL_KILL="half 12 7+" replays one scene's kill before the 12th change and then, in the resume,
-- after its 7th. Threads count in no fixed order: it's tried several times.

local crash = require("spec.support.crash")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local scenes = require("spec.support.scenes")
local server = require("spec.support.server")

local STEP = crash.full and 1 or 60 -- kills are that far apart
local REPEATS = 30
local REPLAY = os.getenv("LUADL_KILL")
local AT_LEAST = crash.full and 1500 or 20

describe("kill -9", function()
  local origin
  local total = 0

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  -- Kills one run after the other; says whether all of them were.
  local function interrupt(site, left, kills)
    site:restore(left)
    for _, kill in ipairs(kills) do
      if site:check_final() or not site:interrupt({ kill = kill }) then return false end
    end
    return true, site:check_final()
  end

  local function try(scene, site, left, kills)
    local ok, outcome = pcall(interrupt, site, left, kills)
    local problem = outcome
    if ok then ok, problem = pcall(site.check_recovery, site) end
    if not ok then
      error(("LUADL_KILL='%s %s': %s"):format(scene.name, table.concat(kills, " "), problem), 0)
    end
    return outcome
  end

  -- The resume is killed, too, wherever the draw says.
  local function sweep(scene, site, left, mark, draw)
    local change, killed = draw(1, crash.full and 1 or 12), true
    while killed do
      killed = try(scene, site, left, { change .. mark })
      if killed then
        local second = draw(1, change + 20) .. (draw(0, 1) == 1 and "+" or "")
        try(scene, site, left, { change .. mark, second })
      end
      change = change + STEP
    end
  end

  if REPLAY then
    it("P2: replays " .. REPLAY, function()
      local wanted, rest = REPLAY:match("(%S+)%s*(.*)")
      local kills = {}
      for kill in rest:gmatch("%S+") do kills[#kills + 1] = kill end
      local scene = scenes.get(wanted)
      local site, left = scenes.prepare(origin, scene)
      for _ = 1, REPEATS do try(scene, site, left, kills) end
    end)
    return
  end

  for index, scene in scenes.each() do
    it(("P2: at any change of %s loses nothing"):format(scene.title), function()
      local site, left = scenes.prepare(origin, scene)
      local draw = random.new(index)
      sweep(scene, site, left, "", draw)
      sweep(scene, site, left, "+", draw)
      print(("%s: %d kills"):format(scene.title, site.kills))
      total = total + site.kills
    end)
  end

  it("came often enough", function()
    print(("%d kill points at changes"):format(total))
    assert.is_true(total >= AT_LEAST)
  end)
end)
