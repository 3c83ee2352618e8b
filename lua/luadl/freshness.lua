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
  if self.opts.output then return target.explicit(self.opts) end
  if asking.has(self, "name") then return nil end
  return target.chosen(self.core, self.opts, { url = self.url, final_url = self.url })
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
  if not self.opts.conditional or self.info then return end
  local where = guess(self)
  local found = where and look(where)
  if not found then return end
  self.held = where
  request.if_modified_since = found.modified
  request.if_none_match = self.opts.known_etag or self.keeper
    and self.keeper:etag_of(target.join(where.dir, where.name), found.size)
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

freshness.UNCHANGED = UNCHANGED

return freshness
