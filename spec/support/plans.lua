-- Plans for spec.support.chaos, drawn from a seed: versions of a file, and how often answers break.
-- SPDX-License-Identifier: MIT

local random = require("spec.support.random")

local plans = {}

local MIB = 2 ^ 20
local SIZES = { 0, 1, 65536, 100000, MIB - 1, MIB, 2 * MIB + 1, 3 * MIB, 3 * MIB + 777, 5 * MIB }
local DATES = {
  "Mon, 06 May 2024 10:00:00 GMT", "Tue, 07 May 2024 10:00:00 GMT", "Wed, 08 May 2024 10:00:00 GMT",
}

-- Versions without validators must differ in their size: else nobody could tell them apart.
local function make_versions(draw)
  local validators = draw(1, 5)
  local size = SIZES[draw(1, #SIZES)]
  local versions = {}
  for number = 1, 3 do
    versions[number] = {
      seed = number,
      size = math.floor((validators == 1 or draw(0, 3) == 0) and size + number - 1 or size),
      etag = (validators == 2 or validators == 4) and ('"v%d"'):format(number)
        or validators == 5 and ('W/"v%d"'):format(number) or nil,
      last_modified = (validators == 3 or validators == 4) and DATES[number] or nil,
    }
  end
  return versions
end

--- What spec.support.chaos does with this seed; also `connections`, for the client.
function plans.make(seed)
  local draw = random.new(seed)
  return {
    seed = seed,
    versions = make_versions(draw),
    often = ({ 10, 30, 60, 90 })[draw(1, 4)],
    faulty = ({ 5, 15, 40 })[draw(1, 3)],
    rate = ({ 8 * MIB, 32 * MIB, 256 * MIB })[draw(1, 3)],
    connections = draw(1, 8),
  }
end

--- It in words.
function plans.describe(plan)
  local words = {}
  for _, version in ipairs(plan.versions) do
    words[#words + 1] = ("%d bytes %s %s"):format(version.size, version.etag or "-",
      version.last_modified or "-")
  end
  return ("%d %% of %d requests broken, %d connections; %s"):format(plan.often, plan.faulty,
    plan.connections, table.concat(words, "; "))
end

return plans
