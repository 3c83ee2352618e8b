-- P3: power loss at any point of a small download: whatever the disk holds then, a final name has
-- the whole file, and the same command again gets it.
-- SPDX-License-Identifier: MIT
--
-- A run is recorded, and the states that spec.support.disklog makes of it are judged one by one. A
-- state that fails is kept in a folder: LUADL_LOSS="half FOLDER" judges it again (not a batch's).

local crash = require("spec.support.crash")
local disklog = require("spec.support.disklog")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local scenes = require("spec.support.scenes")
local server = require("spec.support.server")

local FULL = crash.full
local STEP = FULL and 1 or 25 -- cuts are that far apart
local AT_TURN, BETWEEN = FULL and 3 or 1, 1 -- random states of one cut
local CHAIN = FULL and 4 or 1 -- resumes after a power cut that are cut again
local CHAIN_STEP = FULL and 7 or 15
local REPLAY = os.getenv("LUADL_LOSS")
local AT_LEAST = FULL and 500 or 20

local QUICK = { half = true, changed = true }

describe("power loss", function()
  local origin
  local total = 0

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function judge(scene, site, state, is_end)
    total = total + 1
    site:restore(state)
    if is_end and not site:check_final() then
      error("the file of a run that ended well is gone", 0)
    end
    site:check_recovery(scene.late)
  end

  local function try(scene, site, log, cut, choice)
    local state = log:state(cut, choice)
    local ok, problem = pcall(judge, scene, site, state, cut == log:length())
    if ok then return end
    local kept = site:at(helper.make_folder())
    kept:restore(state)
    error(("LUADL_LOSS='%s %s': %s"):format(scene.name, kept.folder, problem), 0)
  end

  local function try_cut(scene, site, log, cut, draw)
    local turn = log:is_turn(cut)
    if turn then
      try(scene, site, log, cut, disklog.nothing)
      try(scene, site, log, cut, disklog.everything)
    end
    for _ = 1, turn and AT_TURN or BETWEEN do
      try(scene, site, log, cut, draw(0, 1) == 0 and draw or disklog.nearly(draw))
    end
  end

  local function sweep(scene, site, log, draw, step)
    for cut = draw(0, step - 1), log:length(), step do try_cut(scene, site, log, cut, draw) end
    try_cut(scene, site, log, log:length(), draw)
  end

  local function record(site, left, opts)
    site:restore(left)
    return site:record(opts)
  end

  -- A state that a power cut left is a beginning like another.
  local function chain(scene, site, log, draw)
    local left = log:state(draw(log:length() // 4, log:length()), draw)
    site:restore(left)
    if not site:check_final() then sweep(scene, site, record(site, left), draw, CHAIN_STEP) end
  end

  if REPLAY then
    it("P3: replays " .. REPLAY, function()
      local name, kept = REPLAY:match("(%S+) (%S+)")
      local scene = scenes.get(name)
      local site = scenes.prepare(origin, scene)
      site:continue() -- the server has another port now
      judge(scene, site, site:at(kept):state())
    end)
    return
  end

  for index, scene in scenes.each() do
    if FULL or QUICK[scene.name] then
      it(("P3: at any point of %s loses nothing"):format(scene.title), function()
        local before = total
        local site, left = scenes.prepare(origin, scene)
        local log = record(site, left)
        local draw = random.new(index)
        sweep(scene, site, log, draw, STEP)
        for _ = 1, CHAIN do chain(scene, site, log, draw) end
        print(("%s: %d states"):format(scene.title, total - before))
      end)
    end
  end

  it("was judged often enough", function()
    print(("%d states after a power cut"):format(total))
    assert.is_true(total >= AT_LEAST)
  end)

  -- The judge is judged: a disk that only says that it has synced must be found out. Where the
  -- journal has sums, a checkpoint without a sync does no harm: they are seen to be wrong.
  local function expose(lie, name)
    it(("P3: is found to do harm where %s does nothing"):format(lie), function()
      local scene = scenes.get(name)
      local site, left = scenes.prepare(origin, scene)
      local log = record(site, left, { lie = lie })
      local nearly = disklog.nearly(random.new(1))
      local ok, problem = true, nil
      for step = 0, 3 * log:length() do -- backwards, since more is at stake late
        local cut = log:length() - step % log:length()
        if ok then ok, problem = pcall(judge, scene, site, log:state(cut, nearly)) end
      end
      assert.is_false(ok)
      assert.matches("^a wrong file", problem)
    end)
  end

  expose("fsync", "small") -- a checkpoint syncs otherwise, too
  expose("fdatasync", "unknown")
end)
