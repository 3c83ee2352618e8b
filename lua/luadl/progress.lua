--- Counters as text: a live line for a file under way, a last one for a finished file.
-- SPDX-License-Identifier: MIT

local text = require("luadl.text")
local units = require("luadl.units")

local progress = {}

local SMALLEST_BAR = 12
local WIDEST_NAME = 40

local function label(stats)
  return text.clean(stats.name or stats.path or stats.url or "?")
end

--- Whole percent, or nil while the total is unknown. 100 only when nothing is missing.
---@param stats luadl.stats
---@return integer|nil
function progress.percent(stats)
  if not stats.total then return nil end
  if stats.received >= stats.total then return 100 end
  return math.min(99, math.floor(stats.received / stats.total * 100))
end

--- Seconds to the end at the present speed, or nil when they can't be told.
---@param stats luadl.stats
---@return number|nil
function progress.eta(stats)
  if not stats.total or not stats.speed or stats.speed <= 0 then return nil end
  return math.max(0, (stats.total - stats.received) / stats.speed)
end

local function share(room, received, total)
  local percent = progress.percent({ received = received, total = total }) or 0
  return math.floor(room * percent / 100)
end

--- "[--===>    ]" in exactly `columns`: first what an earlier run brought, then this one's.
---@param stats luadl.stats
---@param columns integer at least 3
---@return string
function progress.bar(stats, columns)
  local room = columns - 2
  local filled = share(room, stats.received, stats.total)
  local before = math.min(filled, share(room, stats.resumed or 0, stats.total))
  local tip = filled < room and filled > before and ">" or ""
  local line = ("-"):rep(before) .. ("="):rep(filled - before - #tip) .. tip
  return "[" .. line .. (" "):rep(room - #line) .. "]"
end

local function numbers(stats)
  local percent, eta = progress.percent(stats), progress.eta(stats)
  return ("%4s  %10s  %12s  %7s"):format(
    percent and percent .. "%" or "",
    units.format_bytes(stats.received or 0),
    units.format_rate(stats.speed or 0),
    eta and units.format_duration(math.ceil(eta)) or "--"
  )
end

local function short_numbers(stats)
  local percent = progress.percent(stats)
  return percent and ("%3d%%"):format(percent) or units.format_bytes(stats.received or 0)
end

local function with_bar(stats, columns, right)
  local room = columns - #right - 2
  local name = math.min(WIDEST_NAME, math.floor(room / 2))
  local bar = room - name - 2
  if bar < SMALLEST_BAR or not stats.total then return text.pad(label(stats), room) end
  return text.pad(label(stats), name) .. "  " .. progress.bar(stats, bar)
end

--- One live line of at most `columns`: name, bar, percent, bytes, speed, time to go. What doesn't
--- fit is left out, the name last.
---@param stats luadl.stats
---@param columns integer
---@return string
function progress.line(stats, columns)
  local right = numbers(stats)
  if columns < #right + 16 then right = short_numbers(stats) end
  if columns < #right + 8 then return text.fit(label(stats), columns) end
  return with_bar(stats, columns, right) .. "  " .. right
end

--- What is said of a finished file: "iso/big.iso  1.5 GiB in 12s, 128.0 MiB/s". The speed is that
--- of this run's bytes.
---@param result luadl.result
---@return string
function progress.finished(result)
  local elapsed = math.max(result.elapsed or 0, 0.001)
  return ("%s  %s in %s, %s"):format(
    text.clean(result.path or "?"),
    units.format_bytes(result.size or 0),
    units.format_duration(elapsed),
    units.format_rate(math.max(0, (result.size or 0) - (result.resumed or 0)) / elapsed)
  )
end

return progress
