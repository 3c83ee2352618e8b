--- A resource as a stream: its bytes in order, while many connections bring them.
-- SPDX-License-Identifier: MIT
--
--   for block, err in session:stream(url) do
--     if not block then return nil, err end
--     sink:write(block)
--   end
--
-- The engine keeps `ahead` bytes for the reader at most, and pauses until there is room for more.
-- Nobody waits for a stream that nobody reads: it ends with its last reader.

local opening = require("luadl.opening")
local reading = require("luadl.reading")
local summing = require("luadl.summing")

local stream = {}

---@class luadl.stream
---@field download luadl.download
local methods = {}
local metatable = { __name = "luadl.stream", __index = methods }

local BLOCK = 256 * 1024 -- bytes
local SHARE = 4 * 1024 * 1024 -- bytes after which other tasks have their turn

--- What a download that is read in order brings.
---@param download luadl.download
---@return luadl.stream
---@package
function stream.new(download)
  download.release() -- a program doesn't wait for it
  return setmetatable({ download = download, since = 0 }, metatable)
end

--- What is there now, without waiting.
---@param most integer|nil bytes; default 256 KiB
---@return string|nil bytes nil: nothing is there; when it has `ended`, nothing will be
function methods:take(most)
  local download = self.download
  local begun = download.id and not download.ended.fired
  local bytes = begun and download.engine:read(download.id, most or BLOCK)
  if not bytes then return nil end
  download.has_begun = true
  summing.add(download, bytes)
  return bytes
end

--- Whether it has ended: all of it was read, or it failed.
---@return boolean
function methods:ended()
  return self.download.ended.fired
end

local function check_most(most)
  if most == nil then return BLOCK end
  if type(most) ~= "number" or most < 1 or most % 1 ~= 0 then
    error("read: expected a number of bytes above 0", 3)
  end
  return most
end

local function next_bytes(self, most)
  local bytes = self:take(most)
  while not bytes and not self:ended() do
    reading.await(self.download)
    bytes, self.since = self:take(most), 0
  end
  return bytes
end

local function let_others_run(self, bytes)
  self.since = self.since + #bytes
  if self.since < SHARE then return end
  self.since = 0
  self.download.loop:sleep(0)
end

--- The next bytes, as soon as there are any.
---@param most integer|nil bytes; default 256 KiB
---@return string|nil bytes nil: the end
---@return luadl.error|nil err nil and an error: it has failed
function methods:read(most)
  local bytes = next_bytes(self, check_most(most))
  if not bytes then return nil, self.download.error end
  let_others_run(self, bytes)
  return bytes
end

-- As an iterator: once false and an error, then nil.
function metatable:__call()
  local bytes, err = self:read()
  if bytes or not err or self.told then return bytes end
  self.told = true
  return false, err
end

--- What the server says of it: waits for that.
---@return luadl.head|nil
---@return luadl.error|nil
function methods:head()
  local download = self.download
  while not download.answer and not self:ended() do reading.await(download) end
  local head = opening.head(download)
  return head, not head and download.error or nil
end

--- What has become of it, once all was read: its size, URL, whether a checksum was right.
---@return luadl.result|nil
---@return luadl.error|nil err nil and no error: it hasn't ended
function methods:result()
  return self.download.result, self.download.error
end

--- Counters as they are now.
---@return luadl.stats
function methods:stats()
  return self.download:stats()
end

--- Ends it; what wasn't read is dropped.
---@param reason string|nil
function methods:close(reason)
  self.download:cancel(reason or "the stream was closed")
end

metatable.__close = function(self) self:close() end

-- Not at once: whoever is told of the end must not run wherever memory runs out.
function metatable:__gc()
  local download = self.download
  if not download.ended.fired then
    download.loop:after(0, function() download:cancel("nobody reads it any more") end)
  end
end

return stream
