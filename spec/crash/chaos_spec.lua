-- Random composition: a server that breaks its answers and changes its file, and kill -9 between:
-- a file that is there is a whole version, and a healthy server's comes in the end.
-- SPDX-License-Identifier: MIT
--
-- LUADL_CHAOS=n replays the composition with this seed.

local core = require("luadl.core")
local crash = require("spec.support.crash")
local helper = require("spec.support.helper")
local plans = require("spec.support.plans")
local random = require("spec.support.random")
local server = require("spec.support.server")

local SEEDS = crash.full and 1000 or 12
local RUNS = 3 -- against the broken server
local SINGLE = tonumber(os.getenv("LUADL_CHAOS"))

describe("random faults and kill -9", function()
  local origin
  local kills, succeeded = 0, 0

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function whole(version)
    return version.size > 0 and server.content(version.seed, 0, version.size - 1) or ""
  end

  -- It may be any of the versions that were served.
  local function check_version(found, versions)
    for _, version in ipairs(versions) do
      if found == whole(version) then return end
    end
    error(("a wrong file of %d bytes"):format(#found), 0)
  end

  local function broken(connection, request, parameters, state)
    return require("spec.support.chaos").serve(connection, request, parameters, state)
  end

  -- Killed or not; says whether the file is there.
  local function run(site, plan, draw)
    local kill = draw(1, draw(4, 60)) .. (draw(0, 1) == 1 and "+" or "") -- often none is so late
    local result = site:run({ kill = kill })
    local found = helper.read(site.path)
    if found then check_version(found, plan.versions) end
    if result.status == 0 and not found then error("status 0, and no file", 0) end
    return found ~= nil
  end

  -- What was complete already needs no server: then it's the version that it was.
  local function healthy(site, path, plan, draw)
    local record = core.journal(site.path .. ".part")
    local version = plan.versions[draw(1, #plan.versions)]
    origin:serve(path, version)
    site:want(whole(version))
    if record and record.committed then
      local complete = helper.read(site.path .. ".part")
      check_version(complete, plan.versions)
      site:want(complete)
    end
    site:check_recovery()
  end

  local function compose(site, path, plan, draw)
    for _ = 1, RUNS do
      if run(site, plan, draw) then
        succeeded = succeeded + 1
        return
      end
    end
    healthy(site, path, plan, draw)
  end

  local function try(seed)
    local plan, path = plans.make(seed), "/chaos/" .. seed
    plan.without = "page"
    local site = crash.site({
      url = origin:serve(path, broken, plan),
      words = { "-n" .. plan.connections, "--min-split", "64K", "--retry", "3" },
    })
    local ok, problem = pcall(compose, site, path, plan, random.new(seed))
    kills = kills + site.kills
    helper.remove_folder(site.folder)
    if not ok then
      error(("LUADL_CHAOS=%d: %s\n%s"):format(seed, problem, plans.describe(plan)), 0)
    end
  end

  for seed = SINGLE or 1, SINGLE or SEEDS do
    it(("seed %d: a whole version comes in the end"):format(seed), function() try(seed) end)
  end

  it("end in both ways", function()
    print(("%d kill points in %d compositions, %d of them complete before the server was well")
      :format(kills, SEEDS, succeeded))
    assert.is_true(SINGLE ~= nil or succeeded > 0 and succeeded < SEEDS and kills > SEEDS / 2)
  end)
end)
