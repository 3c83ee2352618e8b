--- Lists of downloads: lines in, checked options out, one item at a time.
-- SPDX-License-Identifier: MIT
--
-- A line is a URL (further ones after tabs are its mirrors), an option of the URL above as aria2
-- has it ("  out=big.iso"), or a JSON object. Blank lines count for nothing, and so do those that
-- begin with "#". One item is held: a list may be endless, a pipe may fall silent between lines.
--
-- A list may come from elsewhere, so it can't do what would surprise who reads it: no file outside
-- the folder of the downloads, nothing replaced, nothing left unverified, no script, no hook.

local aria2 = require("luadl.list.aria2")
local errors = require("luadl.errors")
local item = require("luadl.list.item")
local records = require("luadl.list.records")
local scheme = require("luadl.scheme")
local text = require("luadl.text")

local list = {}

local LONGEST = 2 ^ 20 -- bytes of a line
local PATIENCE = 0.5 -- seconds that a URL waits for its options when the list falls silent

local NO_URL = "an option without a URL above it"
local TOO_LATE = "the URL has begun without this option: write both at once, or as JSON"

---@class luadl.list.options
---@field dir string? the folder that folders of the list are below, default .
---@field trusted boolean? folders may lead elsewhere, files be replaced, and TLS go unverified
---@field check (fun(url: string): true|nil, string?)? what is wrong with a URL
---@field warn fun(message: string)? is told once of each option that is left out
---@field now (fun(): number)? monotonic seconds, for `next_line` that answers false

-- What comes in is text

local BEGINNINGS = {
  { "^\239\187\191", "", nil },
  { "^\255\254", nil, "the list is UTF-16: write it as UTF-8" },
  { "^\254\255", nil, "the list is UTF-16: write it as UTF-8" },
}

local function without_mark(line)
  for _, beginning in ipairs(BEGINNINGS) do
    local pattern, instead, message = beginning[1], beginning[2], beginning[3]
    if line:find(pattern) then
      if message then return nil, message end
      return (line:gsub(pattern, instead))
    end
  end
  return line
end

local function check_line(line)
  if #line > LONGEST then return nil, "the line is longer than 1 MiB" end
  if line:find("[%z\1-\8\10-\31\127]") then return nil, "control characters" end
  if text.utf8(line) ~= line then return nil, "bytes that are no UTF-8" end
  return line
end

local function clean_line(self, line)
  if scheme.is_plain(line) then return line end
  if line:sub(-1) == "\r" then line = line:sub(1, -2) end
  if self.number == 1 then
    local rest, message = without_mark(line)
    if not rest then return nil, message end
    line = rest
  end
  return check_line(line)
end

-- Items

local function put(self, opts, where)
  local queue = self.queue
  queue.last = queue.last + 1
  queue[queue.last] = { opts, where }
end

local function place(self)
  return ("%s:%d"):format(self.name, self.number)
end

local function problem(self, message)
  return errors.new("usage", ("%s: %s"):format(place(self), message), { path = self.name })
end

-- The URL above has all its options.
local function complete(self)
  local pending = self.pending
  self.pending = nil
  if not pending then return end
  if not pending.err then
    local opts, message = item.finish(pending.given, self.opts)
    if opts then return put(self, opts, pending.where) end
    pending.err = errors.new("usage", ("%s: %s"):format(pending.where, message), {
      path = self.name,
    })
  end
  put(self, false, pending.err)
end

local function begin(self, line)
  complete(self)
  self.late = nil
  local given, message = item.of_urls(line, self.opts.check)
  self.pending = {
    given = given, where = place(self), since = self.opts.now and self.opts.now(),
    err = not given and problem(self, message) or nil,
  }
end

local function add_option(self, line)
  local pending = self.pending
  if not pending then
    return put(self, false, problem(self, self.late and TOO_LATE or NO_URL))
  end
  if pending.err then return end -- of an item that is refused one error is enough
  local ok, message = aria2.apply(pending.given, line, self)
  if not ok then pending.err = problem(self, message) end
end

local function take_record(self, line)
  complete(self)
  self.late = nil
  local given, message = records.read(line, self.opts)
  if given then given, message = item.finish(given, self.opts) end
  if given then return put(self, given, place(self)) end
  put(self, false, problem(self, message))
end

local function refuse_line(self, message)
  complete(self)
  put(self, false, problem(self, message))
end

local ARRAY = "an array: write one JSON object per line (jq -c '.[]' does it)"

local function take_array(self, line)
  if line:find('^%[%s*$') or line:find('^%[%s*[{"]') then return refuse_line(self, ARRAY) end
  begin(self, line)
end

local function take_page(self)
  refuse_line(self, "no list of URLs, but XML or a web page")
end

local function take_indented(self, line)
  if not line:find("%S") then return end
  if line:find("^%s*{") then return take_record(self, line) end
  if line:find("^%s+%a[%w+.-]*://") then return begin(self, line) end
  add_option(self, line)
end

-- By the first byte; anything else begins a URL.
local KINDS = {
  ["#"] = function() end, [""] = function() end,
  ["{"] = take_record, ["["] = take_array, ["<"] = take_page,
  [" "] = take_indented, ["\t"] = take_indented,
}

local function take(self, raw)
  self.number = self.number + 1
  local line, message = clean_line(self, raw)
  if not line then return refuse_line(self, message) end
  local take_kind = KINDS[line:sub(1, 1)] or begin
  take_kind(self, line)
end

-- Reading

local function next_in_queue(self)
  local queue = self.queue
  if queue.first > queue.last then return nil end
  local entry = queue[queue.first]
  queue[queue.first] = nil
  queue.first = queue.first + 1
  return entry
end

-- True when the item that was waiting for its options waits no longer.
local function fall_silent(self)
  local pending, now = self.pending, self.opts.now
  if not pending or (now and now() - pending.since < PATIENCE) then return false end
  complete(self)
  self.late = true
  return true
end

-- True when there may be something in the queue, false: not yet, nil: no more.
local function read_on(self)
  if self.ended then return nil end
  local line = self.next_line()
  if line == false then return fall_silent(self) end
  if line then
    take(self, line)
  else
    complete(self)
    self.ended = true
  end
  return true
end

local function next_item(self)
  while true do
    local entry = next_in_queue(self)
    if entry then return entry[1], entry[2] end
    local more = read_on(self)
    if not more then return more end
  end
end

--- Reads a list.
---@param next_line fun(): string|false|nil a line without its "\n"; false: none has come yet
---@param name string the list's, for messages
---@param opts luadl.list.options?
---@return fun(): luadl.options.download|false|nil, string|luadl.error|nil next nil at the end; an
--- item's options, to be given to `session:download`, and its place, "FILE:LINE"; false and an
--- error, and the list goes on after it; false alone: nothing has come yet
function list.open(next_line, name, opts)
  local self = {
    next_line = next_line, name = name, opts = opts or {},
    number = 0, queue = { first = 1, last = 0 }, told = {},
  }
  return function() return next_item(self) end
end

return list
