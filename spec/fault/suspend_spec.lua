--- A machine that slept in the middle of a download (row H66): its connections may lead nowhere.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local program = require("spec.support.program")
local server = require("spec.support.server")

local SIZE = 600000

-- Prints the faults that were posted, and the seconds until the end.
local DOWNLOAD = [[
  local luadl = require("luadl")
  local url, dir, connections = ...
  local faults = 0
  local session = luadl.session({ dir = dir, loops = 2, stall_timeout = 3 })
  local result, err = session:get({
    url = url, connections = tonumber(connections), min_split = 16384,
    on_retry = function() faults = faults + 1 end,
  })
  session:close()
  print(faults, result and result.elapsed or tostring(err))
]]

describe("a suspend", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  -- The connections of before bring a little and then nothing more; later ones are fine.
  local function dying(connection, request, parameters, state)
    state.began = state.began or require("socket").gettime()
    if require("socket").gettime() - state.began > 0.4 or not request.range then
      return connection:file(request, parameters)
    end
    local first, last = request.range.first, request.range.last or parameters.size - 1
    connection:status(206, {
      { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
      { "Content-Length", last - first + 1 }, { "ETag", parameters.etag },
    })
    connection:body(first, math.min(last, first + 20000))
    return connection:hold()
  end

  local function run(path, behaviour, clock, connections)
    local dir = helper.tmpdir()
    local url = origin:serve(path, behaviour, { size = SIZE, seed = 1, etag = '"a"' })
    local outcome = program.run(DOWNLOAD, {
      arguments = { url, dir, connections or 4 }, clock = clock,
    })
    assert.equal("", outcome.stderr)
    assert.equal(server.sha256(1, SIZE), helper.sha256(dir .. path), outcome.stdout)
    local faults, seconds = outcome.stdout:match("^(%d+)\t([%d.]+)")
    return tonumber(faults), tonumber(seconds)
  end

  it("H66: ends connections that may be dead, and costs no try", function()
    local faults, seconds = run("/slept", dying, "3600:0.5:boot")
    assert.equal(0, faults)
    assert.is_true(seconds < 2.9, "it took " .. seconds .. " s")
    local connections = {}
    for _, entry in ipairs(origin:requests("/slept")) do
      assert.is_nil(connections[entry.connection])
      connections[entry.connection] = true
    end
  end)

  for what, clock in pairs({
    ["of less than five seconds"] = "4:0.5:boot", ["that is only a clock set anew"] = "3600:0.5",
  }) do
    it("H66: " .. what .. " ends nothing", function()
      local faults, seconds = run("/awake-" .. #what, dying, clock, 2)
      assert.is_true(faults > 0)
      assert.is_true(seconds > 2.9)
    end)
  end

  it("H66: leaves a single stream alone, which would have to begin again", function()
    local single = function(connection, _, parameters)
      connection:status(200, {
        { "Content-Length", parameters.size }, { "Accept-Ranges", "none" },
      })
      parameters.rate = 600000
      return connection:body(0, parameters.size - 1, parameters)
    end
    local faults = run("/single-slept", single, "3600:0.3:boot")
    assert.equal(0, faults)
    assert.equal(1, #origin:requests("/single-slept"))
  end)
end)
