--- A picture of a download: which parts of the file are there, and which connection fills which.
-- SPDX-License-Identifier: MIT

local chunkmap = {}

--- Which bytes of a file are there, and who brings more; counted from the file's beginning.
---@class luadl.map
---@field total integer? bytes; nil: not known
---@field written luadl.range[] sorted and apart
---@field streams luadl.map.stream[]

--- A connection at work.
---@class luadl.map.stream
---@field stream integer which request of the download
---@field position integer the next byte that it brings
---@field last integer? the last one of its part; nil: to the end

local function written_of(extents, base)
  local written = {}
  for _, extent in ipairs(extents) do
    if extent[2] >= base then
      written[#written + 1] = { math.max(0, extent[1] - base), extent[2] - base }
    end
  end
  return written
end

--- Reads what the engine says.
---@param stat luadl.core.stat with its map
---@param base integer where in the resource the file begins
---@return luadl.map
function chunkmap.read(stat, base)
  local streams = {}
  for index, each in ipairs(stat.streams or {}) do
    streams[index] = {
      stream = each[1], position = each[2] - base, last = each[3] and each[3] - base,
    }
  end
  return { total = stat.total, written = written_of(stat.extents or {}, base), streams = streams }
end

-- The cells that the bytes from `first` to `last` touch.
local function touched(map, count, first, last)
  local size = map.total / count
  local from = math.min(count, math.floor(first / size) + 1)
  return from, math.max(from, math.min(count, math.floor(last / size) + 1))
end

local function mark_written(cells, map, extent)
  local size = map.total / #cells
  local first, behind = extent[1], extent[2] + 1
  local from, to = touched(map, #cells, first, extent[2])
  for index = from, to do
    local covered = math.min(behind, index * size) - math.max(first, (index - 1) * size)
    cells[index].written = cells[index].written + math.max(0, covered)
  end
end

-- From bytes to shares: 1 only where not a byte is missing, which sums of fractions don't hit.
local function to_shares(cells, map)
  local size = map.total / #cells
  for _, cell in ipairs(cells) do
    cell.written = cell.written > size - 0.5 and 1 or cell.written / size
  end
end

local function mark_stream(cells, map, stream)
  local last = stream.last or map.total - 1
  local from, to = touched(map, #cells, stream.position, last)
  for index = from, to do cells[index].owner = stream.stream end
end

--- The file in equal parts: how much of each is `written`, from 0 to 1, which stream is to fill the
--- rest (`owner`), and which one writes there now (`at`).
---@param map luadl.map with a total
---@param count integer
---@return { written: number, owner: integer|nil, at: integer|nil }[]
function chunkmap.cells(map, count)
  local cells = {}
  for index = 1, math.max(1, math.min(count, map.total)) do cells[index] = { written = 0 } end
  if map.total == 0 then return cells end
  for _, extent in ipairs(map.written) do mark_written(cells, map, extent) end
  to_shares(cells, map)
  for _, stream in ipairs(map.streams) do mark_stream(cells, map, stream) end
  for _, stream in ipairs(map.streams) do
    cells[touched(map, #cells, stream.position, stream.position)].at = stream.stream
  end
  return cells
end

local LABELS = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

-- Numbers of streams grow, labels are used again: the lowest one that nobody has.
local function next_label(taken)
  for label in LABELS:gmatch(".") do
    if not taken[label] then return label end
  end
  return "+"
end

--- A label for each stream, the one that it had before where it was there.
---@param streams luadl.map.stream[]
---@param before table<integer, string>|nil what the last call returned
---@return table<integer, string>
function chunkmap.labels(streams, before)
  local labels, taken = {}, {}
  for _, each in ipairs(streams) do
    local label = before and before[each.stream]
    if label then labels[each.stream], taken[label] = label, true end
  end
  for _, each in ipairs(streams) do
    if not labels[each.stream] then
      local label = next_label(taken)
      labels[each.stream], taken[label] = label, true
    end
  end
  return labels
end

local ASCII = { full = "#", part = "+", owned = "-", empty = "." }
local BLOCKS = {
  full = "\226\150\136", part = "\226\150\146", owned = "\226\148\128", empty = "\194\183",
}

local COLORS = { 32, 33, 34, 35, 36, 31 }

local function color_of(label)
  return COLORS[((LABELS:find(label, 1, true) or #LABELS) - 1) % #COLORS + 1]
end

-- What a cell shows, and its color.
local function show(cell, labels, glyphs)
  if cell.written == 1 then return glyphs.full end
  local label = labels[cell.at or cell.owner]
  local glyph = cell.at and label or cell.written > 0 and glyphs.part
    or label and glyphs.owned or glyphs.empty
  return glyph, label and color_of(label)
end

local function paint(parts, color, painted)
  if color ~= painted then parts[#parts + 1] = ("\27[%dm"):format(color or 0) end
end

local function row(cells, first, last, labels, style)
  local glyphs = style.utf8 and BLOCKS or ASCII
  local parts, painted = {}, nil
  for index = first, math.min(last, #cells) do
    local glyph, color = show(cells[index], labels, glyphs)
    color = style.color and color or nil
    paint(parts, color, painted)
    parts[#parts + 1], painted = glyph, color
  end
  paint(parts, nil, painted)
  return table.concat(parts)
end

--- The map as lines: what is there, what is partly there, who is at work where, what is to come.
---@param map luadl.map
---@param labels table<integer, string> of its streams
---@param columns integer
---@param rows integer
---@param style { utf8: boolean|nil, color: boolean|nil }
---@return string[]
function chunkmap.lines(map, labels, columns, rows, style)
  if not map.total then return {} end
  local cells, lines = chunkmap.cells(map, columns * rows), {}
  for first = 1, #cells, columns do
    lines[#lines + 1] = row(cells, first, first + columns - 1, labels, style)
  end
  return lines
end

return chunkmap
