-- The downloads that are interrupted in spec/crash: each a server's behaviour, what an earlier run
-- left, and the bytes that have to come.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local crash = require("spec.support.crash")
local server = require("spec.support.server")

local scenes = {}

local MIB = 2 ^ 20
local SIZE = math.floor(2.5 * MIB)
local RATE = 24e6 -- of all connections; several checkpoints of crash's clock fit in
local STREAMS = 4

-- Of unknown length as a whole; a part of it says the total.
local function chunked(connection, request, parameters)
  if request.range and request.range.first > 0 then
    return connection:file(request, parameters)
  end
  connection:status(200, {
    { "Transfer-Encoding", "chunked" }, { "ETag", parameters.etag }, { "Accept-Ranges", "bytes" },
  })
  for first = 0, parameters.size - 1, 65536 do
    connection:chunk(connection:bytes(first, math.min(first + 65536, parameters.size) - 1))
    connection:sleep(65536 / parameters.rate)
  end
  return connection:last_chunk()
end

-- late: the journal isn't stable before the part is over 1 MiB, which it may never be. A power cut
-- in between leaves a part that nobody can tell from a foreign one.
local list = {
  { name = "fresh", title = "a fresh download" },
  { name = "half", title = "the resume of a half-done download", half = true },
  { name = "changed", title = "the restart after the file changed", half = true, changed = true },
  { name = "unvalidated", title = "a resume without validators", half = true, etag = false },
  { name = "unknown", title = "a body of unknown length", behaviour = chunked, streams = 1,
    late = true },
  { name = "again", title = "the resume of a body of unknown length", behaviour = chunked,
    streams = 1, half = true },
  { name = "single", title = "a single stream", words = { "-n1" }, streams = 1, ranges = false },
  { name = "small", title = "a file without a journal", size = 300000, streams = 1 },
  { name = "adopted", title = "an adoption", words = { "--adopt" }, adopted = 1500000 },
  { name = "batch", title = "a batch", files = { 1, 1000, 65536, 1000000, 1100000, 2500000 } },
}

--- All of them; `name` is for the environment, `title` for the spec's name.
function scenes.each()
  return ipairs(list)
end

--- The one of this name.
function scenes.get(name)
  for _, scene in ipairs(list) do
    if scene.name == name then return scene end
  end
  error("no scene is called " .. name, 2)
end

local function parameters_of(scene, size, seed)
  return {
    size = size,
    seed = seed,
    rate = RATE / (scene.streams or STREAMS),
    etag = scene.etag ~= false and ('"%d"'):format(seed) or nil,
    ranges = scene.ranges,
  }
end

local function serve(origin, scene, name, size, seed)
  return origin:serve("/" .. name, scene.behaviour, parameters_of(scene, size, seed))
end

local function has_progress(site)
  local record = core.journal(site.path .. ".part")
  return record and record.received >= SIZE / 4 and record.received < SIZE
end

-- Killed later and later, until a checkpoint is worth something.
local function leave_half(site)
  for change = 24, 400, 4 do
    site:restore({})
    site:run({ kill = change })
    if has_progress(site) then return site:state() end
  end
  error("no run left a half-done download")
end

local function prepare_batch(origin, scene)
  local urls, files = {}, {}
  for index, size in ipairs(scene.files) do
    local name = ("%s-%d.bin"):format(scene.name, index)
    urls[index] = serve(origin, scene, name, size, index)
    files[name] = server.content(index, 0, size - 1)
  end
  return crash.site({ urls = urls, files = files }), {}
end

-- What an earlier run left.
local function leave(scene, site)
  if scene.half then return leave_half(site) end
  return scene.adopted and { ["file.bin.part"] = server.content(1, 0, scene.adopted - 1) } or {}
end

--- Its site, and the files that an earlier run left.
function scenes.prepare(origin, scene)
  if scene.files then return prepare_batch(origin, scene) end
  local size = scene.size or SIZE
  local site = crash.site({
    url = serve(origin, scene, scene.name, size, 1),
    bytes = server.content(1, 0, size - 1),
    words = scene.words,
  })
  local left = leave(scene, site)
  if scene.changed then
    serve(origin, scene, scene.name, size, 2)
    site:want(server.content(2, 0, size - 1))
  end
  site.kills = 0
  return site, left
end

return scenes
