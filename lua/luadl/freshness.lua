--- Files that are there already: whether the server has a newer one.
-- SPDX-License-Identifier: MIT
--
-- `conditional` has the server decide: the request says what is there, and the answer is 304 where
-- that still holds (RFC 9110, section 13). `timestamps` decides here, as wget's -N does: by the
-- date and the size that the head tells. Either way a newer file takes the old one's place at once,
-- when it is complete.

local asking = require("luadl.asking")
local headers = require("luadl.headers")
local scheme = require("luadl.scheme")
local target = require("luadl.target")

local freshness = {}

local NOT_MODIFIED = 304
local UNCHANGED = "not modified"

local function look(where)
  local found = require("luadl.sys").stat(target.join(where.dir, where.name))
  return found and found.is_file and found or nil
end

-- Where the file will be, as far as that is known before the server has said anything.
local function guess(self)
  local opts = self.opts
  if opts.output then return target.explicit(opts) end
  local is_told = asking.has(self, "name") or (opts.template or ""):find("{modified", 1, true)
  if is_told then return nil end
  return target.chosen(self.core, opts, { url = self.url, final_url = self.url })
end

-- Its ETag, if somebody has kept it.
local function known_etag(self, path, size)
  return self.opts.known_etag or self.keeper and self.keeper:etag_of(path, size)
end

--- Whether the head is needed before the file's place is known.
---@param self luadl.download
---@return boolean
function freshness.is_wanted(self)
  return self.opts.conditional or self.opts.timestamps
end

--- Adds to the first request what is there.
---@param self luadl.download
---@param request table for the engine
function freshness.ask(self, request)
  if not self.opts.conditional or self.info or self.reading then return end
  local where = guess(self)
  local found = where and look(where)
  if not found then return end
  request.if_modified_since = found.modified > 0 and found.modified or nil
  request.if_none_match = known_etag(self, target.join(where.dir, where.name), found.size)
  if request.if_modified_since or request.if_none_match then self.held = where end
end

--- Whether this failure is the answer that what is there still holds.
---@param self luadl.download
---@param event table
---@return boolean
function freshness.holds(self, event)
  if not self.held or event.error.status ~= NOT_MODIFIED or self.answer then return false end
  self.target = self.held
  return true
end

-- FTP and files know no conditions.
local function decides_here(self)
  return self.opts.timestamps or scheme.is_single(self.opts.url)
end

local function is_newer(self, found)
  local date = headers.value(self.answer.headers, "last-modified")
  local seconds = date and self.core.date(date)
  local total = self.answer.total
  if total and total ~= found.size then return true end
  return not seconds or seconds > found.modified
end

--- Decides about a file that is at its place already: it gives way, or nothing is downloaded.
---@param self luadl.download
---@param where { dir: string?, name: string, replace: boolean? } `replace` is set
---@return string|nil reason why nothing is downloaded
function freshness.judge(self, where)
  local found = freshness.is_wanted(self) and look(where)
  if not found then return nil end
  if decides_here(self) and not is_newer(self, found) then return UNCHANGED end
  where.replace = true
  return nil
end

--- Whether what has the name looks like what is asked for, though only by size and date.
---@param self luadl.download
---@return boolean
function freshness.looks_current(self)
  local total = self.answer and self.answer.total
  local found = total and look(self.target) or nil
  return found ~= nil and found.size == total and not is_newer(self, found)
end

freshness.UNCHANGED = UNCHANGED

return freshness
