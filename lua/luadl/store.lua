--- What a script remembers from one run to the next: keys and values in a file of its own.
-- SPDX-License-Identifier: MIT
--
-- Several processes may use one store: each change reads the file, changes it and replaces it,
-- under a lock; after kill -9 or a power cut the file is the old one or the new one. A file that
-- can't be read is never written over.

local errors = require("luadl.errors")
local json = require("luadl.json")
local options = require("luadl.options")
local sys = require("luadl.sys")

local store = {}

---@class luadl.store
local methods = {}
local metatable = { __name = "luadl.store", __index = methods }

local VERSION = 1
local PATIENCE = 2 -- seconds for somebody else's change to end
local NAME_MOST = 100
local EWOULDBLOCK = 11

local function absolute(path)
  return path and path:sub(1, 1) == "/" and path or nil
end

-- In the user's data folder (XDG Base Directory Specification), or nil.
local function default_folder()
  local home = absolute(os.getenv("HOME"))
  local data = absolute(os.getenv("XDG_DATA_HOME")) or home and home .. "/.local/share"
  return data and data .. "/luadl/store"
end

local function failed(what, path, message, errnum)
  local kind = errnum == EWOULDBLOCK and "locked" or "io"
  return nil, errors.new(kind, what .. ": " .. message, { path = path, errno = errnum })
end

local function make_folder(folder)
  if not folder then return nil, errors.new("io", "neither XDG_DATA_HOME nor HOME is set") end
  local ok, message, errnum = sys.make_directories(folder)
  if not ok then return failed("can't make the store's folder", folder, message, errnum) end
  return folder
end

local function damaged(self, reason)
  local message = "the store is damaged (%s): mend the file, or move it away"
  return nil, errors.new("io", message:format(reason), { path = self.path })
end

local function is_entry(entry)
  return type(entry) == "table" and entry.value ~= nil
    and (entry.expires == nil or type(entry.expires) == "number")
end

local function read_entries(self, bytes)
  local document, err = json.decode(bytes)
  if not document then return damaged(self, err.message) end
  local entries = type(document) == "table" and document.entries
  if type(entries) ~= "table" then return damaged(self, "not a store") end
  if document.version ~= VERSION then return damaged(self, "of another version") end
  for key, entry in pairs(entries) do
    if type(key) ~= "string" or not is_entry(entry) then return damaged(self, "a broken entry") end
  end
  return entries
end

local function read_file(self)
  local file, message, errnum = io.open(self.path, "rb")
  if not file and not sys.stamp(self.path) then return json.object({}) end
  if not file then return failed("can't open the store", self.path, message, errnum) end
  local bytes, problem, number = file:read("*a")
  file:close()
  if not bytes then return failed("can't read the store", self.path, problem, number) end
  return read_entries(self, bytes)
end

-- The entries as they are in the file now. The stamp is taken before, so a change in between is
-- seen the next time.
local function load_entries(self)
  local stamp = sys.stamp(self.path)
  if self.entries and stamp == self.stamp then return self.entries end
  local entries, err = read_file(self)
  if not entries then return nil, err end
  self.entries, self.stamp = entries, stamp
  return entries
end

local function is_alive(self, entry)
  return entry ~= nil and (entry.expires == nil or entry.expires > self.now())
end

local function drop_expired(self, entries)
  for key, entry in pairs(entries) do
    if not is_alive(self, entry) then entries[key] = nil end
  end
end

local function save(self, entries)
  drop_expired(self, entries)
  local bytes, err = json.encode({ version = VERSION, entries = entries })
  if not bytes then return nil, err end
  local ok, message, errnum = sys.replace(self.path, bytes .. "\n")
  if not ok then return failed("can't write the store", self.path, message, errnum) end
  self.entries, self.stamp = nil, nil
  return true
end

local function change_locked(self, change)
  self.entries = nil -- whatever the stamp says
  local entries, err = load_entries(self)
  if not entries then return nil, err end
  change(entries)
  return save(self, entries)
end

-- Runs change(entries) while nobody else has the store; what it leaves is saved.
local function change_store(self, change)
  if self.batch then
    change(self.batch)
    return true
  end
  local lock, message, errnum = sys.lock(self.path .. ".lock", self.patience)
  if not lock then return failed("can't lock the store", self.path, message, errnum) end
  local called, ok, err = pcall(change_locked, self, change)
  self.entries = nil
  lock:release()
  if not called then error(ok, 0) end
  return ok, err
end

local function copy(value)
  if type(value) ~= "table" or value == json.null then return value end
  local twin = {}
  for key, item in pairs(value) do twin[key] = copy(item) end
  return setmetatable(twin, getmetatable(value))
end

local function check_key(key, level)
  if type(key) ~= "string" then error("a key must be a string", level + 1) end
end

local OPTIONS = {
  { name = "folder", type = "path" },
  { name = "now", type = "function" },
  { name = "patience", type = "seconds" },
}

local function check_name(name, level)
  local is_good = type(name) == "string" and #name <= NAME_MOST and name:find("^%w[%w._-]*$")
  if not is_good then
    error("a store's name has letters, digits, '.', '_' and '-', 100 at most", level + 1)
  end
end

--- Of a store.
---@class luadl.store.options
---@field folder string? where else
---@field now (fun(): number)? the clock, in seconds
---@field patience number? seconds to wait while others change the store, default 2

--- The store of this name, in $XDG_DATA_HOME/luadl/store. It is made when something is kept.
---@param name string letters, digits, ".", "_" and "-"
---@param opts luadl.store.options?
---@return luadl.store? store
---@return luadl.error? err kind "io"; also for a file that is there and can't be read
function store.open(name, opts)
  check_name(name, 2)
  opts = options.of_helper(opts, OPTIONS, 2)
  local folder, problem = make_folder(opts.folder or default_folder())
  if not folder then return nil, problem end
  local self = setmetatable({
    path = folder .. "/" .. name .. ".json",
    now = opts.now or os.time,
    patience = opts.patience or PATIENCE,
  }, metatable)
  local entries, err = load_entries(self)
  if not entries then return nil, err end
  return self
end

local function entries_of(self)
  if self.batch then return self.batch end
  return load_entries(self)
end

--- The value of a key, or nil: there is none, or it has expired.
---@param key string
---@return any value
---@return luadl.error? err kind "io"
function methods:get(key)
  check_key(key, 2)
  local entries, err = entries_of(self)
  if not entries then return nil, err end
  local entry = entries[key]
  if not is_alive(self, entry) then return nil end
  return copy(entry.value)
end

local function check_expiry(opts, level)
  for option, value in pairs(opts or {}) do
    if option ~= "expires" then error(("unknown option '%s'"):format(option), level + 1) end
    if type(value) ~= "number" or value ~= value then
      error("expires is a number of seconds", level + 1)
    end
  end
  return opts and opts.expires
end

--- Keeps a value that JSON can express, for good or for some seconds.
---@param key string
---@param value any not nil
---@param opts { expires: number }? seconds from now
---@return boolean? ok
---@return luadl.error? err kind "io", "locked", or "usage": JSON can't express it
function methods:set(key, value, opts)
  check_key(key, 2)
  if value == nil then error("there is no value: `delete` forgets a key", 2) end
  local expires = check_expiry(opts, 2)
  local bytes, err = json.encode({ key, value })
  if not bytes then return nil, err end
  local entry = { value = copy(value), expires = expires and self.now() + expires }
  return change_store(self, function(entries) entries[key] = entry end)
end

--- Forgets a key; one that isn't there is fine.
---@param key string
---@return boolean? ok
---@return luadl.error? err kind "io" or "locked"
function methods:delete(key)
  check_key(key, 2)
  return change_store(self, function(entries) entries[key] = nil end)
end

local function nothing() end

--- Iterates over keys and values in the order of the keys, as they are now.
---@return fun(): string?, any
---@return luadl.error? err kind "io": then there is nothing to iterate over
function methods:each()
  local entries, err = entries_of(self)
  if not entries then return nothing, err end
  local keys, values, index = {}, {}, 0
  for key, entry in pairs(entries) do
    if is_alive(self, entry) then keys[#keys + 1], values[key] = key, copy(entry.value) end
  end
  table.sort(keys)
  return function()
    index = index + 1
    return keys[index], values[keys[index]]
  end
end

--- Calls `change(store)`: all that it sets and deletes is kept at once, in one write, or, when it
--- throws, nothing of it. Others wait meanwhile, 2 s at most: it shouldn't wait for the network.
---@param change fun(store: luadl.store)
---@return boolean? ok
---@return luadl.error? err kind "io" or "locked"
function methods:update(change)
  if type(change) ~= "function" then error("a function makes the changes", 2) end
  if self.batch then error("an update in an update", 2) end
  return change_store(self, function(entries)
    self.batch = entries
    local ok, err = pcall(change, self)
    self.batch = nil
    if not ok then error(err, 0) end
  end)
end

return store
