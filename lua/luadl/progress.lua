--- Counters as text: a live line for a file under way, a last one for a finished file.
-- SPDX-License-Identifier: MIT

local text = require("luadl.text")
local units = require("luadl.units")

local progress = {}

local SMALLEST_BAR = 12
local WIDEST_NAME = 40
local NAME_SHARE = 0.55 -- of what the numbers leave
local NARROWEST_NOTE = 40

local ASCII = { left = "[", right = "]", before = "-", full = "=", tip = ">" }

-- Block elements, where the terminal has them: eight steps in a column.
local BLOCKS = {
  left = "\226\150\149", right = "\226\150\143", before = "\226\150\146", full = "\226\150\136",
  parts = {
    "\226\150\143", "\226\150\142", "\226\150\141", "\226\150\140", "\226\150\139",
    "\226\150\138", "\226\150\137",
  },
}

local NEARLY = 1 - 2 ^ -20 -- 1 only when nothing is missing

-- How much of it is there, from 0 to 1; nil while the total is unknown.
local function fraction_of(stats)
  if stats.fraction or not stats.total then return stats.fraction end
  if stats.received >= stats.total then return 1 end
  return math.min(NEARLY, stats.received / stats.total)
end

--- Whole percent, or nil while the total is unknown. 100 only when nothing is missing.
---@param stats luadl.stats
---@return integer|nil
function progress.percent(stats)
  local fraction = fraction_of(stats)
  return fraction and math.floor(fraction * 100)
end

--- Seconds to the end at the present speed, or nil when they can't be told.
---@param stats luadl.stats
---@return number|nil
function progress.eta(stats)
  if not stats.total or not stats.speed or stats.speed <= 0 then return nil end
  return math.max(0, (stats.total - stats.received) / stats.speed)
end

-- How many of `room` steps are filled, and how many of them an earlier run had brought.
local function filled_of(stats, room)
  local filled = math.floor(room * (fraction_of(stats) or 0))
  local resumed = stats.total and stats.resumed or 0
  local before = resumed > 0 and math.floor(room * math.min(1, resumed / stats.total)) or 0
  return filled, math.min(filled, before)
end

local function ascii_bar(stats, room)
  local filled, before = filled_of(stats, room)
  local tip = filled < room and filled > before and ASCII.tip or ""
  local line = ASCII.before:rep(before) .. ASCII.full:rep(filled - before - #tip) .. tip
  return ASCII.left .. line .. (" "):rep(room - #line) .. ASCII.right
end

local function block_bar(stats, room)
  local eighths, before = filled_of(stats, room * 8)
  local filled, part = math.floor(eighths / 8), eighths % 8
  before = math.floor(before / 8)
  local line = BLOCKS.before:rep(before) .. BLOCKS.full:rep(filled - before)
  local rest = room - filled - (part > 0 and 1 or 0)
  return BLOCKS.left .. line .. (BLOCKS.parts[part] or "") .. (" "):rep(rest) .. BLOCKS.right
end

--- "[--===>    ]" in exactly `columns`: first what an earlier run brought, then this one's.
---@param stats luadl.stats
---@param columns integer at least 3
---@param utf8 boolean|nil whether the terminal has block elements
---@return string
function progress.bar(stats, columns, utf8)
  return (utf8 and block_bar or ascii_bar)(stats, columns - 2)
end

local STATES = { waiting = "waiting", publishing = "saving" }

local function time_to_go(stats)
  if STATES[stats.state] then return STATES[stats.state] end
  local eta = stats.eta or progress.eta(stats)
  return eta and units.format_duration(math.ceil(eta)) or "--"
end

-- The numbers from left to right: what each says, and how wide the window has to be for it, also
-- where the total is unknown.
local NUMBERS = {
  { from = 12, unknown_from = 56, format = "  %4s", text = function(stats)
    local percent = progress.percent(stats)
    return percent and percent .. "%" or ""
  end },
  { from = 76, unknown_from = 20, format = "  %10s", text = function(stats)
    return units.format_bytes(stats.received or 0)
  end },
  { from = 106, unknown_from = 106, format = " %-13s", text = function(stats)
    return stats.total and "of " .. units.format_bytes(stats.total) or ""
  end },
  { from = 32, unknown_from = 38, format = "  %12s", text = function(stats)
    return units.format_rate(stats.speed or 0)
  end },
  { from = 42, unknown_from = 56, format = "  %7s", text = time_to_go },
  { from = 72, unknown_from = 72, format = "  %4s", text = function(stats)
    local count = stats.connections or 0
    return count > 0 and "x" .. count or ""
  end },
}

local function numbers(stats, columns)
  local known = fraction_of(stats)
  local shown = {}
  for _, number in ipairs(NUMBERS) do
    if columns >= (known and number.from or number.unknown_from) then
      shown[#shown + 1] = number.format:format(number.text(stats))
    end
  end
  return table.concat(shown)
end

local function name_of(stats, utf8)
  local name = text.clean(stats.name or stats.path or stats.url or "?")
  return utf8 and name or text.ascii(name)
end

-- The name in exactly so many columns, or the short one that is to be used rather than a cut one.
local function title(stats, columns, utf8)
  local name = name_of(stats, utf8)
  if stats.short and text.width(name) > columns then name = stats.short end
  return text.pad(name, columns, utf8)
end

local function name_room(room)
  return math.min(WIDEST_NAME, math.floor(room * NAME_SHARE))
end

local function with_bar(stats, columns, right, utf8)
  local room = columns - #right
  local width = name_room(room)
  local bar = room - width - 2
  if bar < SMALLEST_BAR or not fraction_of(stats) then return title(stats, room, utf8) .. right end
  return title(stats, width, utf8) .. "  " .. progress.bar(stats, bar, utf8) .. right
end

local function with_note(stats, columns, utf8)
  local room = columns - 2
  local name = title(stats, name_room(room), utf8)
  return name .. "  " .. text.fit(stats.note, room - text.width(name), utf8)
end

--- One live line of at most `columns`: name, bar, percent, bytes, speed, time to go, connections.
--- What doesn't fit is left out, the name last.
---@param stats luadl.stats with a `note`, that stands in the place of bar and numbers, with `eta`,
--- with `fraction` where it isn't the share of the bytes, or with `short`, a shorter name
---@param columns integer
---@param utf8 boolean|nil whether the terminal shows more than ASCII
---@return string
function progress.line(stats, columns, utf8)
  if stats.note and columns >= NARROWEST_NOTE then return with_note(stats, columns, utf8) end
  local right = numbers(stats, columns)
  local line = right == "" and title(stats, columns, utf8) or with_bar(stats, columns, right, utf8)
  return (line:gsub(" +$", ""))
end

--- How far a file is, as a line of a log: "big.iso  40%, 400.0 MiB of 1.0 GiB, 45.0 MiB/s, 13s".
---@param stats luadl.stats
---@return string
function progress.log(stats)
  local percent, eta = progress.percent(stats), progress.eta(stats)
  local size = units.format_bytes(stats.received or 0)
  local parts = {
    percent and ("%d%%, %s of %s"):format(percent, size, units.format_bytes(stats.total)) or size,
    units.format_rate(stats.speed or 0),
  }
  if eta then parts[3] = units.format_duration(math.ceil(eta)) .. " to go" end
  return name_of(stats, true) .. "  " .. table.concat(parts, ", ")
end

--- What is said of a finished file: "iso/big.iso  1.5 GiB in 12s, 128.0 MiB/s". The speed is that
--- of this run's bytes.
---@param result luadl.result
---@return string
function progress.finished(result)
  local fetched = math.max(0, (result.size or 0) - (result.resumed or 0))
  return text.clean(result.path or "?") .. "  "
    .. progress.brought(result.size or 0, fetched, result.elapsed or 0)
end

--- "1.5 GiB in 12s, 128.0 MiB/s"; what was there before has no speed.
---@param size integer bytes
---@param fetched integer of them in this time
---@param elapsed number seconds
---@return string
function progress.brought(size, fetched, elapsed)
  elapsed = math.max(elapsed, 0.001)
  local line = ("%s in %s"):format(units.format_bytes(size), units.format_duration(elapsed))
  return fetched > 0 and ("%s, %s"):format(line, units.format_rate(fetched / elapsed)) or line
end

return progress
