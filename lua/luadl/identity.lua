--- Who is who among URLs: one text for each, a short key of it, and its part of a list.
-- SPDX-License-Identifier: MIT
--
-- Keys are the first 16 digits of a SHA-256, so any other program can work them out:
--   printf %s "$url" | sha256sum | cut -c1-16

local codec = require("luadl.codec")
local digest = require("luadl.digest")
local errors = require("luadl.errors")

local identity = {}

local KEY = 8 -- bytes: 16 digits
local EXACT = 13 -- digits of a number that every Lua holds
local SHARD = 8 -- digits

--- The URL without login and fragment.
---@param url string
---@return string
function identity.url(url)
  local fragment = url:find("#", 1, true)
  return errors.redact_url(fragment and url:sub(1, fragment - 1) or url)
end

--- Whether the whole of what the URL stands for is asked for, with a mere GET.
---@param opts luadl.options.download
---@return boolean
function identity.is_plain(opts)
  return not opts.range and not opts.body and (opts.method or "GET") == "GET"
end

--- What is asked for: the URL, and what else makes a difference to what comes.
---@param opts luadl.options.download
---@return string
function identity.request(opts)
  local url, range = identity.url(opts.url or ""), opts.range or ""
  if identity.is_plain(opts) then return url end
  if type(range) == "table" then range = table.concat(range, "-") end
  return table.concat({ url, range, opts.method or "", opts.body or "" }, "\n")
end

--- A key of any text.
---@param text string
---@return string key 16 digits
function identity.key(text)
  return codec.hex_encode(digest.raw("sha256", text):sub(1, KEY))
end

--- A key as a number, which takes the least room in a table. Two keys may have the same one.
---@param key string
---@return number
function identity.number(key)
  return tonumber(key:sub(1, EXACT), 16)
end

--- Which of so many parts a URL falls into, wherever it stands in a list: the first 8 digits of its
--- key, modulo `parts`, and 1.
---@param url string
---@param parts integer
---@return integer part from 1
function identity.part(url, parts)
  return tonumber(identity.key(identity.url(url)):sub(1, SHARD), 16) % parts + 1
end

return identity
