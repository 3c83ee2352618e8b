--- The journal of a batch: what is done, what has begun under which name. The same batch goes on
--- where it ended, also after kill -9.
-- SPDX-License-Identifier: MIT
--
-- An item is known by its request, folder and output, wherever it stands in a list. Its name is in
-- the journal before the file has it: what is found under it later, as long and as old as the
-- server says, is the file, and isn't fetched again beside itself.

local identity = require("luadl.identity")
local json = require("luadl.json")
local records = require("luadl.records")
local sys = require("luadl.sys")
local text = require("luadl.text")

local journal = {}

---@class luadl.journal
local methods = {}
local metatable = { __name = "luadl.journal", __index = methods }

local DONE, TWICE, COMPLETE = "done before", "twice in the list", "complete already"
local DATE = "!%a, %d %b %Y %H:%M:%S GMT" -- RFC 9110, section 5.6.7

-- None but its own lines have any.
local function keys_of(record)
  return type(record.state) == "string" and {} or nil
end

--- Opens it.
---@param path string
---@return luadl.journal|nil
---@return luadl.error|nil
function journal.open(path)
  local kept, err = records.open(path, "journal", keys_of)
  if not kept then return nil, err end
  return setmetatable({ records = kept, begun = {} }, metatable)
end

local function key_of(item)
  if not item.key then
    local opts = item.opts
    local resumed = type(opts.resume) == "string" and opts.resume or ""
    item.key = identity.key(table.concat({
      identity.request(opts), opts.dir or "", opts.output or "", resumed,
    }, "\n"))
  end
  return item.key
end

local function note(self, item, state, fields)
  fields.state, fields.time = state, os.time()
  self.records:append({ key_of(item) }, fields)
end

-- Its name may be one that JSON can't express; then nobody can look.
local function is_there(record)
  if not record.path then return true end
  local found = sys.stat(record.path)
  return found and found.is_file and found.size == record.size
end

--- Why an item need not be downloaded.
---@param item luadl.item
---@return string|nil
function methods:known(item)
  local key = key_of(item)
  if self.begun[key] then return TWICE end
  local record = self.records:find(key)
  if record and record.state == "done" and is_there(record) then return DONE end
  item.reserved = record and record.state == "named" and record.paths or {}
  self.begun[key] = true
  return nil
end

function methods.known_by_head() end

function methods.etag_of() end

local function utf8(value)
  return value and text.utf8(value) == value and value or nil
end

local function position(list, wanted)
  for index, each in ipairs(list) do
    if each == wanted then return index end
  end
  return nil
end

--- An item is about to be written under this name. Those that it had in an earlier run stay known
--- until they turn out to be somebody else's.
---@param item luadl.item
---@param path string
function methods:named(item, path)
  local paths = {}
  for index, each in ipairs(item.reserved) do paths[index] = each end
  if not position(paths, path) then paths[#paths + 1] = utf8(path) end
  note(self, item, "named", { paths = json.array(paths) })
  self.records:flush()
end

local function is_complete(path, head)
  if not head or not head.total then return false end
  local found = sys.stat(path)
  if not found or not found.is_file or found.size ~= head.total then return false end
  return not head.last_modified or os.date(DATE, found.modified) == head.last_modified
end

--- Why a file that has the item's name is the item's own, complete and from an earlier run.
---@param item luadl.item
---@param path string
---@param head luadl.head|nil
---@return string|nil
function methods.owns(_, item, path, head)
  local index = position(item.reserved, path)
  if not index then return nil end
  if is_complete(path, head) then return COMPLETE end
  table.remove(item.reserved, index)
  return nil
end

--- Others take its place, one of which may be what it was.
---@param item luadl.item
function methods:unfolded(item)
  self.begun[key_of(item)] = nil
end

--- An item has ended.
---@param item luadl.item
---@param result table|nil
---@param err luadl.error|nil
function methods:ended(item, result, err)
  self.begun[key_of(item)] = nil
  if result then
    note(self, item, "done", {
      url = utf8(identity.url(item.opts.url or "")), path = utf8(result.path), size = result.size,
    })
  elseif err and not err.resumable then
    note(self, item, "failed", { kind = err.kind })
  end
end

return journal
