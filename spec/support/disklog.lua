-- What a disk may hold after a power cut, from the record that spec/support/crashfs.c makes.
-- SPDX-License-Identifier: MIT
--
-- What a sync that has ended covers is there. Of the rest, each page of 4 KiB may be as after any
-- of its writes, or before them all; in a journal each sector of 512 bytes may: a torn write. A
-- file's size follows its changes in order, but may stay behind; pages that were cut off don't come
-- back, and what was never written is zeros. A name changes at once or not at all; several changes
-- are kept in order (as a journalling file system does), or each by itself.

local disklog = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.disklog" }

local PAGE = 4096
local SECTOR = 512
local ZEROS = ("\0"):rep(PAGE)

-- Reading: a list of { kind, ... } as crashfs.c wrote them

local forms = {
  create = "^create (%d+) (.+)$",
  write = "^write (%d+) (%d+) (%d+)$",
  grow = "^grow (%d+) (%d+)$",
  size = "^size (%d+) (%d+)$",
  begin = "^begin (%d+)$",
  ["end"] = "^end (%d+)$",
  unlink = "^unlink (.+)$",
  rename = "^rename (.-)/(.+)$",
  link = "^link (.-)/(.+)$",
}

local function parse(line)
  local kind = line:match("^%l+")
  local entry = { line:match(forms[kind] or "^$") }
  if not entry[1] then error("not a line of the record: " .. line, 0) end
  entry.kind = kind
  return entry
end

--- Reads a record. `present`: what was in the folder when it began, as { bytes, inode } by name.
function disklog.read(path, present)
  local file = assert(io.open(path, "rb"))
  local entries = {}
  for line in file:lines() do
    local entry = parse(line)
    if entry.kind == "write" then entry.bytes = file:read(tonumber(entry[3])) end
    entries[#entries + 1] = entry
  end
  file:close()
  return setmetatable({ entries = entries, present = present or {} }, metatable)
end

--- The number of changes: a cut comes after so many of them.
function methods:length()
  return #self.entries
end

--- Whether this is where something that counts has just happened, or is about to: a sync or a name.
function methods:is_turn(cut)
  local last, following = self.entries[cut], self.entries[cut + 1]
  local function is_data(entry) return entry and entry.kind == "write" end
  return not (is_data(last) and is_data(following))
end

-- A file: `pages` and `size` are on the disk, `pending` is what has been done to it since.

local function page_of(bytes, number)
  local page = bytes:sub(number * PAGE + 1, (number + 1) * PAGE)
  return page .. ZEROS:sub(#page + 1)
end

local function new_file(bytes)
  local file = { pages = {}, size = #bytes, pending = {} }
  for number = 0, (#bytes - 1) // PAGE do file.pages[number] = page_of(bytes, number) end
  return file
end

-- The page after a write that touches it.
local function overwritten(page, number, change)
  local from = change.offset - number * PAGE -- where the write begins in this page; may be before
  local first = math.max(from, 0)
  local last = math.min(from + #change.bytes, PAGE)
  return page:sub(1, first) .. change.bytes:sub(first - from + 1, last - from) .. page:sub(last + 1)
end

-- The page after the file was cut within or before it.
local function cut_off(page, number, size)
  local kept = math.max(0, size - number * PAGE)
  return kept >= PAGE and page or page:sub(1, kept) .. ZEROS:sub(kept + 1)
end

local function touches(change, number)
  local first, last = number * PAGE, (number + 1) * PAGE
  if change.bytes then
    return change.offset < last and change.offset + #change.bytes > first
  end
  return change.shrinks and change.size < last
end

local function each_page(change, visit)
  local last = (change.offset + #change.bytes - 1) // PAGE
  for number = change.offset // PAGE, last do visit(number) end
end

local function size_after(size, change)
  if change.bytes then return math.max(size, change.offset + #change.bytes) end
  return change.grows and math.max(size, change.size) or change.size
end

-- Everything is on the disk: the first `count` changes, done for good.
local function settle(file, count)
  for index = 1, count do
    local change = file.pending[index]
    if change.bytes then
      each_page(change, function(number)
        file.pages[number] = overwritten(file.pages[number] or ZEROS, number, change)
      end)
    elseif change.shrinks then
      for number, page in pairs(file.pages) do
        file.pages[number] = cut_off(page, number, change.size)
      end
    end
    file.size = size_after(file.size, change)
  end
  file.pending = table.move(file.pending, count + 1, #file.pending, 1, {})
end

-- Replaying

local function last_size(file)
  local size = file.size
  for _, change in ipairs(file.pending) do size = size_after(size, change) end
  return size
end

local function add(file, change)
  change.shrinks = not change.bytes and not change.grows and change.size < last_size(file)
  file.pending[#file.pending + 1] = change
end

local function copy(names)
  local twin = {}
  for name, file in pairs(names) do twin[name] = file end
  return twin
end

local rename = {}

function rename.create(names, change)
  names[change.name] = change.file
end

function rename.unlink(names, change)
  names[change.name] = nil
end

function rename.link(names, change)
  names[change.to] = names[change.from]
end

function rename.rename(names, change)
  if names[change.from] then names[change.to], names[change.from] = names[change.from], nil end
end

local steps = {}

function steps.create(disk, id, name)
  local there = disk.seen[name] -- an existing file that was opened
  disk.files[id] = there and disk.files[id] or new_file("")
  if not there then disk:name({ kind = "create", name = name, file = disk.files[id] }) end
end

function steps.write(disk, id, offset, _, bytes)
  add(disk.files[id], { offset = tonumber(offset), bytes = bytes })
end

function steps.grow(disk, id, size)
  add(disk.files[id], { size = tonumber(size), grows = true })
end

function steps.size(disk, id, size)
  add(disk.files[id], { size = tonumber(size) })
end

function steps.begin(disk, id)
  disk.marks[id] = id == "0" and #disk.renames or #disk.files[id].pending
end

steps["end"] = function(disk, id)
  if id ~= "0" then return settle(disk.files[id], disk.marks[id]) end
  for index = 1, disk.marks[id] do
    rename[disk.renames[index].kind](disk.names, disk.renames[index])
  end
  disk.renames = table.move(disk.renames, disk.marks[id] + 1, #disk.renames, 1, {})
end

function steps.unlink(disk, name)
  disk:name({ kind = "unlink", name = name })
end

function steps.rename(disk, from, to)
  disk:name({ kind = "rename", from = from, to = to })
end

function steps.link(disk, from, to)
  disk:name({ kind = "link", from = from, to = to })
end

-- `names` are on the disk, `seen` is what programs see, `renames` leads from one to the other.
local function new_disk(present)
  local disk = { files = {}, names = {}, renames = {}, marks = {} }
  for name, file in pairs(present) do
    disk.files[tostring(file.inode)] = new_file(file.bytes)
    disk.names[name] = disk.files[tostring(file.inode)]
  end
  disk.seen = copy(disk.names)
  function disk:name(change)
    self.renames[#self.renames + 1] = change
    rename[change.kind](self.seen, change)
  end
  return disk
end

local function replay(self, cut)
  local disk = new_disk(self.present)
  for index = 1, cut do
    local entry = self.entries[index]
    local step = steps[entry.kind]
    step(disk, entry[1], entry[2], entry[3], entry.bytes)
  end
  return disk
end

-- Drawing what is left

-- How many of the pending changes to the size are done: 0 to all.
local function draw_size(file, choice)
  local size, reached = file.size, choice(0, #file.pending)
  for index = 1, reached do size = size_after(size, file.pending[index]) end
  return size, reached
end

-- The contents that a page may have, oldest first: none from before a cut that is done, none from
-- after one that isn't.
local function versions_of(file, number, reached)
  local page = file.pages[number] or ZEROS
  local versions = { page }
  for index, change in ipairs(file.pending) do
    if touches(change, number) then
      if change.bytes then
        page = overwritten(page, number, change)
        versions[#versions + 1] = page
      elseif index > reached then
        return versions
      else
        page = cut_off(page, number, change.size)
        versions = { page }
      end
    end
  end
  return versions
end

local function draw_page(versions, choice, torn)
  if not torn then return versions[choice(1, #versions)] end
  local sectors = {}
  for first = 1, PAGE, SECTOR do
    sectors[#sectors + 1] = versions[choice(1, #versions)]:sub(first, first + SECTOR - 1)
  end
  return table.concat(sectors)
end

local function draw_file(file, choice, torn)
  local size, reached = draw_size(file, choice)
  local pages = {}
  for number = 0, (size - 1) // PAGE do
    pages[number + 1] = draw_page(versions_of(file, number, reached), choice, torn)
  end
  return table.concat(pages):sub(1, size)
end

local function draw_names(disk, choice)
  local names, in_order = copy(disk.names), choice(0, 1) == 1
  local kept = choice(0, #disk.renames)
  for index, change in ipairs(disk.renames) do
    local done = index <= kept
    if not in_order then done = choice(0, 1) == 1 end
    if done then rename[change.kind](names, change) end
  end
  return names
end

--- A state that a power cut after so many changes may leave: bytes by name. `choice(least, most)`
--- decides: disklog.nothing, disklog.everything, or a draw of spec.support.random.
function methods:state(cut, choice)
  local disk = replay(self, cut)
  local state = {}
  for name, file in pairs(draw_names(disk, choice)) do
    state[name] = draw_file(file, choice, name:find("%.lj$") ~= nil)
  end
  return state
end

--- Nearly everything is there: where nothing is, a client sees at once that something is wrong.
function disklog.nearly(draw)
  return function(least, most) return draw(1, 64) == 1 and least or most end
end

--- Nothing that wasn't synced is there.
function disklog.nothing(least)
  return least
end

--- Everything is there: as if the process had been killed.
function disklog.everything(_, most)
  return most
end

return disklog
