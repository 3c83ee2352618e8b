--- What became of the files so far: how many, how much, and the first failures.
-- SPDX-License-Identifier: MIT
--
-- It listens as a reporter does, and what it keeps doesn't grow with the number of files.

local meter = require("luadl.meter")

local tally = {}

local methods = {}
local metatable = { __name = "luadl.cli.tally", __index = methods }

local MOST_FAILURES = 20

---@param now fun(): number monotonic seconds
function tally.new(now)
  return setmetatable({
    now = now,
    began = now(),
    meter = meter.new(now()),
    begun = 0, -- downloads that were started and not postponed
    running = 0,
    done = 0, -- with those that were skipped
    failed = 0,
    stopped = 0, -- cut off by an interrupt, or by --fail-fast
    skipped = 0,
    bytes = 0, -- of finished files
    fetched = 0, -- of them in this run
    failures = {}, -- the first ones: { url =, error = }
    retries_of = setmetatable({}, { __mode = "k" }), -- by download
  }, metatable)
end

--- So many files are there to be downloaded.
---@param count integer
function methods:expected(count)
  self.total = count
end

function methods:started()
  self.begun, self.running = self.begun + 1, self.running + 1
end

function methods:postponed()
  self.begun, self.running = self.begun - 1, self.running - 1
end

local function note_failure(self, download, err)
  self.failed = self.failed + 1
  if #self.failures >= MOST_FAILURES then return end
  self.failures[#self.failures + 1] = { url = download.url or err.url, error = err }
end

local function note_stop(self, err)
  self.stopped, self.last_stopped = self.stopped + 1, err
  self.is_resumable = self.is_resumable or err.resumable
end

function methods:finished(download, result, err, stopped)
  self.running = math.max(0, self.running - 1)
  if stopped then return note_stop(self, err) end
  if not result then return note_failure(self, download, err) end
  self.done = self.done + 1
  if result.skipped then
    self.skipped = self.skipped + 1
    return
  end
  local size = result.size or 0
  self.bytes = self.bytes + size
  self.fetched = self.fetched + size - (result.resumed or 0)
end

--- One is left out before it has begun.
function methods:skip()
  self.done, self.skipped = self.done + 1, self.skipped + 1
end

function methods:retry(fault)
  local download = fault.download
  if download then self.retries_of[download] = self:retries(download) + 1 end
end

--- How often something of a download was tried again.
---@param download table
---@return integer
function methods:retries(download)
  return self.retries_of[download] or 0
end

--- Whether there is more than one file.
---@return boolean
function methods:is_several()
  return (self.total or self.begun) > 1
end

--- Whether a file that was cut off is told of with all such, at the end.
---@param stopped boolean|nil
---@return boolean
function methods:tells_at_end(stopped)
  return stopped == true and self:is_several()
end

---@return number seconds
function methods:elapsed()
  return self.now() - self.began
end

local function add(sum, stats)
  sum.received = sum.received + (stats.received or 0)
  sum.fetched = sum.fetched + (stats.received or 0) - (stats.resumed or 0)
  sum.connections = sum.connections + (stats.connections or 0)
  sum.size = sum.size and stats.total and sum.size + stats.total
  if stats.total and stats.total > 0 then sum.files = sum.files + stats.received / stats.total end
end

-- Of what is to come no size is known: files count, not bytes.
local function by_files(self, sum)
  if not self.total or self.total == 0 then return nil end
  local fraction = math.min(1, (self.done + self.failed + sum.files) / self.total)
  local eta = fraction > 0 and self:elapsed() / fraction * (1 - fraction) or nil
  return fraction, eta
end

--- All files as if they were one.
---@param active luadl.stats[] of those under way
---@return table stats for progress.line, without a name
function methods:stats(active)
  local sum = {
    received = self.bytes, fetched = self.fetched, size = self.bytes, connections = 0, files = 0,
  }
  for _, stats in ipairs(active) do add(sum, stats) end
  local all = self.total == self.done + self.failed + #active and sum.size or nil
  local all_stats = {
    received = sum.received, total = all, connections = sum.connections,
    speed = self.meter:sample(self.now(), sum.fetched),
  }
  if not all then all_stats.fraction, all_stats.eta = by_files(self, sum) end
  return all_stats
end

return tally
