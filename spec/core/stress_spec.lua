-- Many downloads at once that end in every way, so that a sanitizer sees the threads meet.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local DOWNLOADS = 48
local SIZE = 120000

-- In turn: right, broken off, refused, slow, changed.
local function moody(connection, request, parameters, state)
  state.count = (state.count or 0) + 1
  local mood = state.count % 7
  if mood == 1 then return connection:reply(503, {}, "") end
  if mood == 2 and request.range then
    local first, last = request.range.first, parameters.size - 1
    connection:status(206, {
      { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
      { "Content-Length", last - first + 1 },
      { "ETag", parameters.etag },
    })
    connection:body(first, math.min(first + 20000, last))
    return connection:reset()
  end
  return connection:file(request, {
    size = parameters.size,
    etag = mood == 3 and parameters.restarts and '"other"' or parameters.etag,
    rate = mood == 4 and 400000 or nil,
  })
end

describe("many downloads at once", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function check_files(dir, results)
    local sum = server.sha256(1, SIZE)
    for _, result in ipairs(results) do assert.equal(sum, helper.sha256(result.path)) end
    local count = 0
    for name in lfs.dir(dir) do count = count + (name:find("^%.+$") and 0 or 1) end
    assert.equal(#results, count)
  end

  local function start(session, url, number)
    return session:download({
      url = url,
      connections = number % 5 + 1,
      min_split = 16384,
      deadline = number % 11 == 0 and 0.2 or 20,
      name = number % 3 == 0 and function() session.loop:sleep(0.01) end or nil,
      retry = luadl.retry.backoff({ base = 0.001, max = 0.02, tries = 20 }),
    })
  end

  for _, restarts in ipairs({ false, true }) do
    local what = restarts and ", also when the file seems to change" or ""
    it("end as they should" .. what, function()
      local dir, path = helper.tmpdir(), "/moody" .. tostring(restarts)
      local url = origin:serve(path, moody, { size = SIZE, etag = '"a"', restarts = restarts })
      local session = luadl.session({ dir = dir, loops = 4 })
      local downloads, results = {}, {}
      for number = 1, DOWNLOADS do
        downloads[number] = start(session, url, number)
        if number % 4 == 0 then session:step(0.01) end
        if number % 7 == 0 then downloads[number - 3]:cancel() end
      end
      for _, download in ipairs(downloads) do
        results[#results + 1] = download:wait()
      end
      session:close()
      assert.is_true(#results > 0)
      check_files(dir, results)
    end)
  end

  it("end when the session is closed in their midst", function()
    local url = origin:serve("/closing", moody, { size = SIZE, etag = '"a"' })
    for round = 1, 8 do
      local session = luadl.session({ dir = helper.tmpdir(), loops = 4 })
      for number = 1, 16 do start(session, url, number) end
      for _ = 1, round do session:step(0.02) end
      session:close()
    end
  end)
end)
