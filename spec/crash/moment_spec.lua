-- P2: kill -9 at random moments of a larger download, several times until it is complete: the file
-- is right, and no run starts over.
-- SPDX-License-Identifier: MIT
--
-- LUADL_MOMENT=n replays the download with this seed.

local core = require("luadl.core")
local crash = require("spec.support.crash")
local helper = require("spec.support.helper")
local random = require("spec.support.random")
local server = require("spec.support.server")

local MIB = 2 ^ 20
local SIZE = 64 * MIB
local RATE = 12 * MIB -- a connection's
local SEEDS = crash.full and 100 or 2
local KILLS = 5 -- of one download at most
local PACE, INTERVAL = 24 * MIB, 1.5 -- bytes a second; seconds from one checkpoint to the next
local SINGLE = tonumber(os.getenv("LUADL_MOMENT"))

-- What a run or a kill may cost: bytes on their way when streams are cut, those since the last
-- checkpoint.
local SLACK = 16 * MIB

describe("kill -9 at a random moment", function()
  local origin
  local bytes = server.content(1, 0, SIZE - 1)
  local total = 0

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function sent(path)
    origin:wait_idle()
    local sum = 0
    for _, request in ipairs(origin:requests(path)) do sum = sum + request.sent end
    return sum
  end

  local function durable(site)
    local record = core.journal(site.path .. ".part")
    return record and record.received or 0
  end

  -- One run: what it had, what was sent for it.
  local function run(site, path, moment)
    local had, before = durable(site), sent(path)
    site:interrupt({ moment = moment })
    local came = sent(path) - before
    if came > SIZE - had + SLACK then
      error(("%d bytes were there, and %d of %d were sent"):format(had, came, SIZE), 0)
    end
    return came
  end

  local function download(site, path, draw)
    local came = 0
    for _ = 1, KILLS do
      if not site:check_final() then came = came + run(site, path, draw(30, 600) / 1000) end
    end
    if not site:check_final() then came = came + run(site, path) end
    site:check_recovery()
    if came > SIZE + site.kills * SLACK then
      error(("%d bytes were sent for %d, with %d kills"):format(came, SIZE, site.kills), 0)
    end
  end

  local function try(seed)
    local path = "/moment/" .. seed
    local url = origin:serve(path, { size = SIZE, seed = 1, rate = RATE, etag = '"1"' })
    local site = crash.site({ url = url, bytes = bytes })
    local ok, problem = pcall(download, site, path, random.new(seed))
    if not ok then error(("LUADL_MOMENT=%d: %s"):format(seed, problem), 0) end
    total = total + site.kills
  end

  for seed = SINGLE or 1, SINGLE or SEEDS do
    it(("P2: loses little of the download with seed %d"):format(seed), function() try(seed) end)
  end

  -- With the machine's own clock and disk.
  it("P2: loses no more than what came since the last checkpoint", function()
    local path = "/moment/pace"
    local url = origin:serve(path, { size = SIZE, seed = 1, rate = PACE / 4, etag = '"1"' })
    local site = crash.site({ url = url, bytes = bytes })
    site:interrupt({ moment = 2.2, bare = true })
    local came, had = sent(path), durable(site)
    assert.is_true(had > 0 and came - had < PACE * INTERVAL, ("%d of %d"):format(had, came))
    run(site, path)
    site:check_recovery()
  end)

  it("came often enough", function()
    print(("%d kill points at random moments"):format(total))
    assert.is_true(SINGLE ~= nil or total >= 3 * SEEDS)
  end)
end)
