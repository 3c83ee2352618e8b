-- A behaviour that breaks each answer in its own way, drawn from a seed and the request's number.
-- SPDX-License-Identifier: MIT
--
-- No answer lies without a trace: what is wrong can be told from its head or its framing. So a
-- client that is right has a whole version at the end, or an error.
--
-- `plan`: seed; versions, a list of { seed, size, etag, last_modified }, which differ in a field
-- that is sent; often, the share of broken answers; faulty, the number of requests after which all
-- is well; rate; without, a fault that doesn't come (a page in the place of the file is told by
-- who expects a content type alone).

local content = require("spec.support.content")
local merged = require("spec.support.merged")
local random = require("spec.support.random")

local chaos = {}

-- What a right answer to this request is: { first, last, version }.
local function wish(request, version)
  local range = version.size > 0 and request.range or { first = 0, whole = true }
  local last = math.min(range.last or version.size - 1, version.size - 1)
  return { first = range.first, last = last, whole = range.whole, version = version }
end

local function head(version, more)
  local headers = { { "Date", os.date("!%a, %d %b %Y %H:%M:%S GMT") } }
  headers[#headers + 1] = { "Content-Type", "application/octet-stream" }
  if version.etag then headers[#headers + 1] = { "ETag", version.etag } end
  if version.last_modified then
    headers[#headers + 1] = { "Last-Modified", version.last_modified }
  end
  for _, header in ipairs(more) do headers[#headers + 1] = header end
  return headers
end

local function part_of(first, last, total)
  return { "Content-Range", ("bytes %d-%d/%d"):format(first, last, total) }
end

local function length_of(count)
  return { "Content-Length", ("%d"):format(count) }
end

-- A part, its head as it should be; `count` bytes are announced where it isn't the part's length.
local function announce(connection, want, count)
  local version = want.version
  local length = length_of(count or want.last - want.first + 1)
  if want.whole then return connection:status(200, head(version, { length })) end
  local part = part_of(want.first, want.last, version.size)
  return connection:status(206, head(version, { part, length }))
end

local function send(connection, want, first, last)
  local rate = connection.parameters.rate
  return connection:body(first, last, { seed = want.version.seed, rate = rate })
end

local function answer(connection, want)
  if not want.whole and want.first > want.last then
    local range = { "Content-Range", ("bytes */%d"):format(want.version.size) }
    return connection:reply(416, head(want.version, { range }), "")
  end
  announce(connection, want)
  return send(connection, want, want.first, want.last)
end

local function within(draw, want)
  return draw(want.first, math.max(want.first, want.last))
end

local function moved(want, first, last, version)
  return { first = first, last = last, whole = want.whole, version = version or want.version }
end

local faults = {}

function faults.short_answer(connection, want, draw)
  if want.whole then return answer(connection, want) end
  return answer(connection, moved(want, want.first, within(draw, want)))
end

local function break_off(connection, want, draw, how)
  announce(connection, want)
  send(connection, want, want.first, within(draw, want) - 1)
  connection:sleep(draw(0, 1) * 0.01) -- now and then the client has read all of it
  return connection[how](connection)
end

function faults.reset(connection, want, draw)
  return break_off(connection, want, draw, "reset")
end

function faults.close(connection, want, draw)
  return break_off(connection, want, draw, "close")
end

function faults.no_answer(connection, _, draw)
  return connection[draw(0, 1) == 0 and "close" or "reset"](connection)
end

function faults.half_a_head(connection)
  connection:send("HTTP/1.1 206 Partial Con")
  return connection:close()
end

function faults.another_start(connection, want, draw)
  local size = want.version.size
  if size < 2 then return answer(connection, want) end
  local first = (want.first + draw(1, size - 1)) % size
  connection:status(206, head(want.version, {
    part_of(first, size - 1, size), length_of(size - first),
  }))
  return send(connection, want, first, size - 1)
end

function faults.no_content_range(connection, want)
  connection:status(206, head(want.version, { length_of(want.last - want.first + 1) }))
  return send(connection, want, 0, want.last - want.first)
end

function faults.several_parts(connection, want)
  connection:status(206, {
    { "Content-Type", "multipart/byteranges; boundary=x" },
    part_of(want.first, want.last, want.version.size),
    length_of(want.last - want.first + 1),
  })
  return send(connection, want, 0, want.last - want.first)
end

function faults.another_length(connection, want, draw)
  if want.whole then return answer(connection, want) end
  announce(connection, want, want.last - want.first + 1 + draw(1, 1000))
  return send(connection, want, want.first, want.last)
end

function faults.two_lengths(connection, want)
  local length = want.last - want.first + 1
  connection:status(200, head(want.version, { length_of(length), length_of(length + 1) }))
  return send(connection, want, want.first, want.last)
end

function faults.more_than_announced(connection, want)
  announce(connection, want)
  send(connection, want, want.first, want.last)
  connection:send(("junk"):rep(1000))
  return connection:close()
end

function faults.another_total(connection, want, draw)
  local version = merged(want.version, { size = want.version.size + draw(1, 5000) })
  return answer(connection, moved(want, want.first, want.last, version))
end

function faults.status(connection, _, draw)
  local codes = { 500, 502, 503, 503, 429, 403, 404, 416, 204, 304 }
  return connection:reply(codes[draw(1, #codes)], {}, "")
end

function faults.retry_after(connection)
  return connection:reply(503, { { "Retry-After", "0" } }, "later")
end

function faults.page(connection, want, draw)
  local length = draw(0, 1) == 0 and want.version.size or draw(1, 100000)
  return connection:reply(200, { { "Content-Type", "text/html" } }, ("<"):rep(length))
end

function faults.whole(connection, want)
  return answer(connection, { first = 0, last = want.version.size - 1, whole = true,
    version = want.version })
end

function faults.whole_in_chunks(connection, want, draw)
  connection:status(200, head(want.version, { { "Transfer-Encoding", "chunked" } }))
  local size = want.version.size
  local stop = draw(0, 1) == 0 and size or draw(0, size)
  for first = 0, stop - 1, 65536 do
    connection:chunk(content.bytes(want.version.seed, first, math.min(first + 65535, stop - 1)))
    connection:sleep(0)
  end
  if stop == size then return connection:last_chunk() end
  return connection:close()
end

function faults.stall(connection, want, draw)
  local stop = within(draw, want)
  announce(connection, want)
  send(connection, want, want.first, stop - 1)
  connection:sleep(0.1)
  return send(connection, want, stop, want.last)
end

function faults.late(connection, want)
  connection:sleep(0.1)
  return answer(connection, want)
end

function faults.another_etag(connection, want, draw)
  local version = want.version
  if not version.etag or not version.last_modified then return answer(connection, want) end
  version = merged(version, { etag = ('"node-%d"'):format(draw(1, 3)) })
  return answer(connection, moved(want, want.first, want.last, version))
end

function faults.another_version(connection, want, draw)
  local versions = connection.parameters.versions
  local version = versions[draw(1, #versions)]
  if want.first >= version.size and version.size > 0 then return answer(connection, want) end
  local last = want.whole and version.size - 1 or math.min(want.last, version.size - 1)
  return answer(connection, moved(want, want.first, last, version))
end

function faults.change(connection, want, draw, state)
  local versions = connection.parameters.versions
  state.version = math.min((state.version or 1) + 1, #versions)
  return faults.another_version(connection, want, draw)
end

function faults.redirect(connection, _, draw)
  local path = connection.entry.target:match("^[^?]*")
  return connection:redirect(("%s?%d"):format(path, draw(1, 1000)))
end

local names = {}
for name in pairs(faults) do names[#names + 1] = name end
table.sort(names)

--- The names of what can go wrong.
chaos.names = names

--- The behaviour.
function chaos.serve(connection, request, plan, state)
  local draw = random.new(plan.seed * 1000 + request.number)
  local want = wish(request, plan.versions[state.version or 1])
  if request.number > plan.faulty or draw(1, 100) > plan.often then
    return answer(connection, want)
  end
  connection.entry.fault = names[draw(1, #names)]
  if connection.entry.fault == plan.without then return answer(connection, want) end
  return faults[connection.entry.fault](connection, want, draw, state)
end

return chaos
