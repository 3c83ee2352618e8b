-- What servers do to downloads, one function each: how they answer a request of a case's run.
-- SPDX-License-Identifier: MIT
--
-- They run in the server's process (no upvalues, see spec.support.server). `given` has the
-- version (size, seed, etag, ...), `run` and what the case adds.

local misbehaviour = {}

--- Everything right.
function misbehaviour.none(client, request, given)
  require("spec.bench.differential.flow").plain(client)
  return client:file(request, given)
end

--- Everything right, and slow from the middle on, so that an interruption meets it there.
function misbehaviour.slow_end(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  flow.brake(client, flow.run_of(state, given), given.size / 2)
  return client:file(request, given)
end

--- The first answers break off in the middle.
function misbehaviour.broken_off(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  local run = flow.run_of(state, given)
  run.requests = run.requests + 1
  flow.plain(client)
  if run.requests <= given.times then flow.stop_at(client, 0.5, flow.cut) end
  return client:file(request, given)
end

--- The answers to the first requests stop in the middle, and nothing more comes.
function misbehaviour.silent(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  local run = flow.run_of(state, given)
  run.requests = run.requests + 1
  flow.plain(client)
  if run.requests <= given.times then flow.stop_at(client, 0.25, client.hold) end
  return client:file(request, given)
end

--- From the middle of the file on nothing more comes, whoever asks.
function misbehaviour.silent_for_good(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  local run = flow.run_of(state, given)
  if run.sent >= given.size / 2 then return client:hold() end
  flow.hold_after(client, run, given.size / 2)
  return client:file(request, given)
end

--- Chunked, without ranges; the first answers end before their last chunk.
function misbehaviour.chunked(client, request, given, state)
  local run = require("spec.bench.differential.flow").run_of(state, given)
  run.requests = run.requests + 1
  local size = run.requests <= given.times and given.size / 2 or given.size
  client:status(200, { { "Transfer-Encoding", "chunked" } })
  if request.method == "HEAD" then return end
  for first = 0, size - 1, 65536 do
    client:chunk(client:bytes(first, math.min(first + 65535, size - 1)))
  end
  if size < given.size then return client:close() end
  return client:last_chunk()
end

--- A part that begins elsewhere than asked, and says so.
function misbehaviour.wrong_start(client, request, given)
  if not request.range or request.range.first == 0 then return client:file(request, given) end
  local first = request.range.first // 2
  local last = math.min(request.range.last or given.size - 1, given.size - 1)
  client:status(206, {
    { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
    { "Content-Length", last - first + 1 },
    { "ETag", given.etag },
  })
  return client:body(first, last)
end

--- A 206 that has the whole file and no word on which part it is.
function misbehaviour.part_of_nothing(client, request, given)
  if not request.range or request.range.first == 0 then return client:file(request, given) end
  client:status(206, { { "Content-Length", given.size }, { "ETag", given.etag } })
  return client:body(0, given.size - 1)
end

--- Never more than so many bytes in one answer to a range, which is legal.
function misbehaviour.short_parts(client, request, given)
  local range = request.range
  if range then
    local most = range.first + given.most - 1
    range.last = math.min(range.last or most, most)
  end
  return client:file(request, given)
end

--- Ranges are ignored: always 200 and the whole file.
function misbehaviour.no_ranges(client, request, given)
  request.range = nil
  return client:file(request, given)
end

--- If-Range is ignored: a part of whatever there is.
function misbehaviour.no_if_range(client, request, given)
  request.headers["if-range"] = nil
  return client:file(request, given)
end

--- The file is replaced in the middle of the run; all connections break at that moment.
function misbehaviour.replaced(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  local run = flow.run_of(state, given)
  flow.plain(client)
  if run.sent >= given.size / 2 then return client:file(request, given.successor) end
  flow.cut_after(client, run, given.size / 2)
  return client:file(request, given)
end

--- A redirect to a link that expires in the middle of the run; the next one doesn't.
function misbehaviour.expiring(client, request, given, state)
  local flow = require("spec.bench.differential.flow")
  local run = flow.run_of(state, given)
  flow.plain(client)
  local over = run.sent >= given.size / 2
  local valid = over and "second" or "first"
  local token = request.target:match("token=(%w+)")
  if not token then return client:redirect(request.path .. "?token=" .. valid) end
  if token ~= valid then return client:reply(403, {}, "expired\n") end
  if not over then flow.cut_after(client, run, given.size / 2) end
  return client:file(request, given)
end

--- So many requests at once; more are refused.
function misbehaviour.crowded(client, request, given)
  if request.active > given.most then return client:reply(503, {}, "too many connections\n") end
  return client:file(request, given)
end

--- Two lengths that contradict each other; the first is right.
function misbehaviour.two_lengths(client, request, given)
  client:status(200, {
    { "Content-Length", given.size },
    { "Content-Length", given.size // 2 },
  })
  return request.method ~= "HEAD" and client:body(0, given.size - 1)
end

--- A page that asks for a login, whatever was asked.
function misbehaviour.login_page(client)
  local page = "<!DOCTYPE html><title>Welcome</title><p>Log in to use this network.</p>\n"
  return client:reply(200, { { "Content-Type", "text/html" } }, page:rep(20))
end

--- The file as gzip would have it, though nobody asked, under the same ETag.
function misbehaviour.gzipped(client, request, given)
  local file = assert(io.open(given.gzipped, "rb"))
  local bytes = file:read("a")
  file:close()
  local first = request.range and request.range.first or 0
  local last = math.min(request.range and request.range.last or #bytes - 1, #bytes - 1)
  if first > last then
    return client:reply(416, { { "Content-Range", "bytes */" .. #bytes } }, "")
  end
  local part = request.range and ("Content-Range: bytes %d-%d/%d"):format(first, last, #bytes)
  client:status(part and 206 or 200, {
    { "Content-Encoding", "gzip" },
    { "Content-Length", last - first + 1 },
    { "ETag", given.etag },
    part,
  })
  return request.method ~= "HEAD" and client:send(bytes:sub(first + 1, last + 1))
end

return misbehaviour
