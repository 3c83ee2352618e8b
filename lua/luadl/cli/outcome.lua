--- What became of one file, in the same words for `--write-out` and `--report`.
-- SPDX-License-Identifier: MIT

local exit = require("luadl.cli.exit")

local outcome = {}

local function word(result)
  if not result then return "failed" end
  return result.skipped and "skipped" or "ok"
end

local function seconds_of(result, stats)
  local seconds = result and result.elapsed or stats.elapsed or 0
  return seconds % 1 == 0 and seconds or math.floor(seconds * 1e6 + 0.5) / 1e6
end

local function fetched_of(result, stats)
  if result and result.skipped then return 0 end
  local size = result and (result.size or 0) or stats.received or 0
  return size - ((result or stats).resumed or 0)
end

-- What was told of the answer that was taken, though nothing came of it, and then of the failure.
local function facts_of(download, err)
  local done, facts = download.done, {}
  if done and done.url then
    facts.status, facts.redirects, facts.address = done.status, done.redirects, done.address
    -- Loaded late: the help is there without an engine.
    facts.content_type = require("luadl.opening").content_type(done.headers)
  end
  for name, value in pairs(err or {}) do facts[name] = value end
  local is_asked = facts.url == nil or facts.url == download.url -- the end of the way says more
  facts.url = is_asked and done and done.url or facts.url
  return facts
end

--- The facts of one.
---@param download table
---@param result table|nil
---@param err table|nil
---@param tally table
---@return table facts nil where something is not known
function outcome.of(download, result, err, tally)
  local stats = download.stats and download:stats() or {}
  local seconds, fetched = seconds_of(result, stats), fetched_of(result, stats)
  local from = result or facts_of(download, err)
  return {
    url = download.url,
    effective_url = from.url,
    path = from.path,
    status = word(result),
    size = result and result.size,
    fetched = fetched,
    resumed = (result or stats).resumed or 0,
    seconds = seconds,
    speed = seconds > 0 and math.floor(fetched / seconds + 0.5) or 0,
    retries = tally:retries(download),
    http_status = from.status,
    content_type = from.content_type,
    etag = from.etag,
    last_modified = from.last_modified,
    checksum = result and result.checksum,
    redirects = from.redirects,
    address = from.address,
    kind = err and err.kind,
    message = err and tostring(err),
    exit_status = exit.status(err),
  }
end

return outcome
