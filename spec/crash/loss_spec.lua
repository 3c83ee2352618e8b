-- P3: power loss at any point of a small download: whatever the disk holds then, a final name has
-- the whole file, and the same command again gets it.
-- SPDX-License-Identifier: MIT
--
-- A run is recorded, and the states that spec.support.disklog makes of it are judged one by one.
-- LUADL_LOSS="half 3 120" replays a scene with this draw, at this cut. Threads write in no fixed
-- order: a replayed state is like the one that failed, not always the same.

local crash = require("spec.support.crash")
local disklog = require("spec.support.disklog")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local scenes = require("spec.support.scenes")
local server = require("spec.support.server")

local FULL = crash.full
local STEP = FULL and 1 or 11 -- cuts are that far apart
local AT_TURN, BETWEEN = FULL and 3 or 1, 1 -- random states of one cut
local CHAIN = FULL and 4 or 1 -- resumes after a power cut that are cut again
local REPLAY = os.getenv("LUADL_LOSS")
local AT_LEAST = FULL and 500 or 40

local QUICK = { fresh = true, half = true, changed = true }

describe("power loss", function()
  local origin
  local total, refusals = 0, 0

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function judge(site, log, cut, state)
    total = total + 1
    site:restore(state)
    if cut == log:length() and not site:check_final() then
      error("the file of a run that ended well is gone", 0)
    end
    if site:check_loss() then refusals = refusals + 1 end
  end

  local function try(scene, site, log, cut, seed, choice)
    local ok, problem = pcall(judge, site, log, cut, log:state(cut, choice))
    if not ok then
      error(("LUADL_LOSS='%s %s %d': %s"):format(scene.name, seed, cut, problem), 0)
    end
  end

  local function choice_of(seed, cut)
    return disklog[seed] or random.new(tonumber(seed) * 1000 + cut)
  end

  local function try_cut(scene, site, log, cut, first_seed)
    local turn = log:is_turn(cut)
    if turn then
      try(scene, site, log, cut, "nothing", disklog.nothing)
      try(scene, site, log, cut, "everything", disklog.everything)
    end
    for seed = first_seed, first_seed + (turn and AT_TURN or BETWEEN) - 1 do
      try(scene, site, log, cut, seed, choice_of(seed, cut))
    end
  end

  local function sweep(scene, site, log, seed, step)
    for cut = random.new(seed)(0, step - 1), log:length(), step do
      try_cut(scene, site, log, cut, seed)
    end
    try_cut(scene, site, log, log:length(), seed)
  end

  local function record(site, left, opts)
    site:restore(left)
    return site:record(opts)
  end

  -- A state that a power cut left is a beginning like another.
  local function chain(scene, site, log, seed)
    local draw = random.new(seed)
    local left = log:state(draw(log:length() // 4, log:length()), draw)
    site:restore(left)
    if site:check_final() then return end
    if site:check_loss() then return end
    sweep(scene, site, record(site, left), seed, 7)
  end

  if REPLAY then
    it("P3: replays " .. REPLAY, function()
      local wanted, seed, cut = REPLAY:match("(%S+) (%S+) (%d+)")
      local scene = scenes.get(wanted)
      local site, left = scenes.prepare(origin, scene)
      try(scene, site, record(site, left), tonumber(cut), seed, choice_of(seed, tonumber(cut)))
    end)
    return
  end

  for index, scene in scenes.each() do
    if FULL or QUICK[scene.name] then
      it(("P3: at any point of %s loses nothing"):format(scene.title), function()
        local before, refused = total, refusals
        local site, left = scenes.prepare(origin, scene)
        local log = record(site, left)
        sweep(scene, site, log, 10 * index, STEP)
        for link = 1, CHAIN do chain(scene, site, log, 100 * index + link) end
        print(("%s: %d states, %d refused"):format(scene.title, total - before, refusals - refused))
      end)
    end
  end

  it("was judged often enough", function()
    print(("%d states after a power cut, %d refused"):format(total, refusals))
    assert.is_true(total >= AT_LEAST)
  end)

  -- The judge himself is judged: a disk that only says that it has synced must be found out.
  for call, which in pairs({ fsync = "last", fdatasync = "checkpoint's" }) do
    it(("P3: is found to do harm where the %s sync is a lie"):format(which), function()
      local site = scenes.prepare(origin, scenes.get("fresh"))
      local log = record(site, {}, { lie = call })
      assert.has_error(function()
        for cut = 0, log:length() do
          if log:is_turn(cut) then judge(site, log, cut, log:state(cut, disklog.nothing)) end
        end
      end)
    end)
  end
end)
