--- The archive: what was ever finished, by URL, by digest, or by a link's ETag, wherever it is now.
-- SPDX-License-Identifier: MIT

local checksum = require("luadl.checksum")
local codec = require("luadl.codec")
local host = require("luadl.host")
local identity = require("luadl.identity")
local records = require("luadl.records")
local text = require("luadl.text")

local archive = {}

---@class luadl.archive
local methods = {}
local metatable = { __name = "luadl.archive", __index = methods }

local SKIPPED = "in the archive"
local DIGEST = ("%x"):rep(32) -- of MD5, at least

local function digest_of(given)
  local wanted = given and checksum.read(given)
  if not wanted then return nil end
  local value = wanted.values[1]
  if wanted.encoding == "base64" then value = codec.hex_encode(codec.base64_decode(value)) end
  return wanted.algorithm .. ":" .. value
end

local ETAG = '^"[^%c"]*"$' -- anybody may have written into the file

-- A weak one says nothing of the bytes.
local function strong(etag)
  return etag and etag:find('^"') and etag or nil
end

local function url_key(url)
  return identity.key(url)
end

local function digest_key(digest)
  return identity.key("digest " .. digest)
end

-- Servers make ETags of a file's date and size, which others may have, too; they tell resources
-- apart only if they are digests, and then, since the digest may be of such facts, of one path.
local function place_of(url, etag)
  return etag:find(DIGEST) and host.origin(url) .. (url:match("^%a[%w+.-]*://[^/?]*([^?]*)") or "")
end

local function etag_key(url, etag, size)
  local place = place_of(url, etag)
  return place and identity.key(("etag %s %s %d"):format(place, etag, size))
end

local function keys_of(record)
  if type(record.url) ~= "string" or record.state then return nil end -- a journal's has one
  local keys = { url_key(record.url) }
  if type(record.digest) == "string" then keys[#keys + 1] = digest_key(record.digest) end
  if type(record.etag) == "string" and type(record.size) == "number" then
    keys[#keys + 1] = etag_key(record.url, record.etag, record.size)
  end
  return keys
end

--- Opens it.
---@param path string
---@return luadl.archive|nil
---@return luadl.error|nil
function archive.open(path)
  local kept, err = records.open(path, "archive", keys_of)
  if not kept then return nil, err end
  return setmetatable({ records = kept }, metatable)
end

--- What it has of a URL.
---@param url string
---@return table|nil record `url`, `path`, `size`, `time`, and `etag` and `digest` if known
function methods:find(url)
  local own = identity.url(url)
  local record = self.records:find(url_key(own))
  return record and record.url == own and record or nil
end

local function find_digest(self, digest)
  local record = digest and self.records:find(digest_key(digest))
  return record and record.digest == digest and record or nil
end

-- A part of a file is not the file, and what a form brings is not what its URL does.
local function is_whole(item)
  return item.opts.url ~= nil and identity.is_plain(item.opts)
end

local function says(item, name)
  if item.opts[name] ~= nil then return item.opts[name] end
  return item.batch.session.defaults[name]
end

-- Who asks whether it has changed wants to know.
local function is_meant(item)
  return is_whole(item) and not says(item, "conditional") and not says(item, "timestamps")
end

--- Why an item need not be downloaded, as far as is known without a request.
---@param item luadl.item
---@return string|nil
function methods:known(item)
  local opts = item.opts
  if not is_meant(item) then return nil end
  return (self:find(opts.url) or find_digest(self, digest_of(opts.checksum))) and SKIPPED or nil
end

--- Why it need not be, now that the server has answered.
---@param item luadl.item
---@param head luadl.head
---@return string|nil
function methods:known_by_head(item, head)
  local etag = strong(head.etag)
  if not is_meant(item) or not etag or not head.total then return nil end
  local url = identity.url(item.opts.url)
  local key = etag_key(url, etag, head.total)
  local record = key and self.records:find(key)
  local same = record and record.etag == etag and record.size == head.total
    and place_of(record.url, etag) == place_of(url, etag)
  return same and SKIPPED or nil
end

local function utf8(value)
  return value and text.utf8(value) == value and value or nil
end

--- An item has ended: what is complete is noted.
---@param item luadl.item
---@param result table|nil
function methods:ended(item, result)
  local opts = item.opts
  if not result or result.skipped or not is_whole(item) or not utf8(opts.url) then return end
  local record = {
    url = identity.url(opts.url), path = utf8(result.path), size = result.size,
    etag = utf8(strong(result.etag)), digest = digest_of(opts.checksum), time = os.time(),
  }
  self.records:append(keys_of(record), record)
end

--- The ETag of what is there, if that is what it has of the item's URL.
---@param item luadl.item
---@param path string
---@param size integer of the file there
---@return string|nil
function methods:etag_of(item, path, size)
  local record = is_whole(item) and self:find(item.opts.url)
  local same = record and record.path == path and record.size == size
  return same and type(record.etag) == "string" and record.etag:match(ETAG) or nil
end

function methods.named() end

function methods.owns() end

function methods.unfolded() end

return archive
