--- A file to which records are appended, one JSON object a line; one process writes it at a time.
-- SPDX-License-Identifier: MIT
--
-- Each line begins with its keys, so that a million of them are looked through without reading each
-- as JSON:  {"keys":["9c2f..."], ...}
-- In memory there is a number for each key, and where its line is; what a key leads to must be
-- compared with what was looked for. A line that was cut short by a crash counts as none.

local errors = require("luadl.errors")
local identity = require("luadl.identity")
local json = require("luadl.json")
local sys = require("luadl.sys")

local records = {}

---@class luadl.records
local methods = {}
local metatable = { __name = "luadl.records", __index = methods }

local SYNC_EACH = 1 -- seconds
local EWOULDBLOCK, EISDIR, ELOOP = 11, 21, 40

local KINDS = {
  [2] = "bad_name", [20] = "bad_name", [EISDIR] = "bad_name", [ELOOP] = "bad_name",
  [EWOULDBLOCK] = "locked", [13] = "permission", [28] = "no_space", [30] = "read_only",
  [122] = "quota",
}

local INSTEAD = { [EWOULDBLOCK] = "another luadl has it", [ELOOP] = "it is a link; name the file" }

local function failed(self, what, message, errno)
  local kind = KINDS[errno] or (errno and "io" or "usage")
  message = INSTEAD[errno] or message
  local prefix = self.path .. ": " -- as io.open says it
  if message:sub(1, #prefix) == prefix then message = message:sub(#prefix + 1) end
  local text = ("cannot %s the %s: %s"):format(what, self.noun, message)
  return nil, errors.new(kind, text, { path = self.path, errno = errno })
end

-- By hand, or by another program: keys are worked out where they are missing.
local function keys_of(self, line)
  local head = line:match('^{"keys":%[([%x",]*)%]')
  if head then return head end
  local record = json.decode(line)
  if type(record) ~= "table" then return nil end
  local keys = self.keys_of(record)
  return keys and table.concat(keys, ",")
end

local function remember(self, line, offset)
  local keys = keys_of(self, line)
  if not keys then
    self.unreadable = self.unreadable + 1
    return
  end
  for key in keys:gmatch("%x+") do self.offsets[identity.number(key)] = offset end
end

-- A file of something else, named by mistake, isn't appended to.
local function is_own(self)
  local begin = self.reader:read(1)
  if begin ~= "{" then return begin == nil end
  local rest = self.reader:read("*l") or ""
  if #begin + #rest == self.size then return true end -- a crash has cut it short
  local record = json.decode(begin .. rest)
  return type(record) == "table" and self.keys_of(record) ~= nil
end

-- The last line may lack its end: what is appended then begins a line of its own.
local function read_all(self)
  local offset = 0
  self.size = self.reader:seek("end")
  self.reader:seek("set")
  if not is_own(self) then return failed(self, "use", "it has something else in it") end
  self.reader:seek("set")
  for line in self.reader:lines() do
    local next_offset = offset + #line + 1
    self.torn = next_offset > self.size
    if line ~= "" and not self.torn then remember(self, line, offset) end
    offset = next_offset
  end
  return true
end

local function open_files(self)
  local message, errno
  self.lock, message, errno = sys.lock(self.path, 0)
  if not self.lock then return failed(self, "open", message, errno) end
  local found = sys.stat(self.path)
  if not found or not found.is_file then return failed(self, "use", "it is no file", EISDIR) end
  self.reader, message, errno = io.open(self.path, "rb")
  if not self.reader then return failed(self, "read", message, errno) end
  self.writer, message, errno = io.open(self.path, "ab")
  if not self.writer then return failed(self, "write", message, errno) end
  return true
end

--- Opens the file, which is made where it is missing, and reads what is there.
---@param path string
---@param noun string what it is called in messages
---@param keys_of_record fun(record: table): string[]|nil nil: it is none of this kind; only the
--- first line is looked at, and those that begin with no keys
---@return luadl.records|nil
---@return luadl.error|nil
function records.open(path, noun, keys_of_record)
  local self = setmetatable({
    path = path, noun = noun, keys_of = keys_of_record, offsets = {}, unreadable = 0, size = 0,
    pending = {}, length = 0, -- what is appended and not yet in the file
    synced_at = -math.huge,
  }, metatable)
  local ok, err = open_files(self)
  if ok then ok, err = read_all(self) end
  if ok then return self end
  self:close()
  return nil, err
end

local function read_at(self, offset)
  self.reader:seek("set", offset)
  local line = self.reader:read("*l")
  local record = line and json.decode(line)
  return type(record) == "table" and record or nil
end

--- The last record with this key, or nil.
---@param key string
---@return table|nil
function methods:find(key)
  local offset = self.offsets[identity.number(key)]
  if not offset then return nil end
  if offset >= self.size then self:flush() end
  return read_at(self, offset)
end

local function line_of(keys, record)
  local text, err = json.encode(record)
  if not text then return nil, err end
  return ('{"keys":["%s"],%s\n'):format(table.concat(keys, '","'), text:sub(2))
end

local function put(self, bytes)
  self.pending[#self.pending + 1] = bytes
  self.length = self.length + #bytes
end

--- Appends a record; it is in the file after `flush`.
---@param keys string[]
---@param record table what JSON can express
function methods:append(keys, record)
  local line, err = line_of(keys, record)
  if not line then error(err.message, 2) end
  if self.torn then put(self, "\n") end
  self.torn = false
  local offset = self.size + self.length
  put(self, line)
  for _, key in ipairs(keys) do self.offsets[identity.number(key)] = offset end
end

--- Hands what was appended to the system: it outlives this process.
---@return boolean|nil true
---@return luadl.error|nil
function methods:flush()
  if not self.pending[1] then return true end
  local text = table.concat(self.pending)
  self.pending, self.length = {}, 0
  local ok, message, errno = self.writer:write(text)
  if ok then ok, message, errno = self.writer:flush() end
  self.torn = not ok
  if not ok then return failed(self, "write", message, errno) end
  self.size, self.unsynced = self.size + #text, true
  return true
end

--- Has it outlive the machine's power, too, if it is time to.
---@param now number seconds
---@return boolean|nil true
---@return luadl.error|nil
function methods:sync(now)
  if not self.unsynced or now - self.synced_at < SYNC_EACH then return true end
  self.unsynced, self.synced_at = false, now
  local ok, message, errno = sys.sync(self.writer)
  if not ok then return failed(self, "write", message, errno) end
  return true
end

--- Writes what is left, and gives the file back.
---@return boolean|nil true
---@return luadl.error|nil
function methods:close()
  local ok, err = true, nil
  if self.writer then
    ok, err = self:flush()
    if ok then ok, err = self:sync(math.huge) end
    self.writer:close()
  end
  if self.reader then self.reader:close() end
  if self.lock then self.lock:release() end
  self.writer, self.reader, self.lock = nil, nil, nil
  return ok, err
end

return records
