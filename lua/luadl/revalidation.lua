--- Answers kept by their URL: the server is asked whether they are still right (RFC 9110, 13.1).
-- SPDX-License-Identifier: MIT
--
-- A cache is a table, or anything with `get(key)` and `set(key, value)`, such as luadl.store. An
-- answer from it is never given without asking, so nothing has to be known of its age.

local errors = require("luadl.errors")
local headers = require("luadl.headers")

local revalidation = {}

local NOT_MODIFIED = 304
local CONDITIONS = {
  "if-none-match", "if-modified-since", "if-match", "if-unmodified-since",
}
local CREDENTIALS = { "authorization", "cookie" }

local function has_any(fields, names)
  for _, name in ipairs(names) do
    if fields:get(name) then return true end
  end
  return false
end

local function is_store(cache)
  return type(cache) ~= "table" or type(cache.get) == "function"
end

local function read(cache, key)
  if is_store(cache) then return (cache:get(key)) end
  return cache[key]
end

local function write(cache, key, entry)
  if is_store(cache) then
    cache:set(key, entry)
  else
    cache[key] = entry
  end
end

local function is_usable(entry)
  return type(entry) == "table" and type(entry.body) == "string" and type(entry.status) == "number"
    and type(entry.headers) == "table" and (entry.etag or entry.last_modified) ~= nil
end

--- What is kept of this URL, when the request may be asked with conditions of ours.
---@param cache table
---@param url string
---@param fields luadl.headers of the request
---@return table|nil entry
function revalidation.find(cache, url, fields)
  if has_any(fields, CONDITIONS) then return nil end
  local entry = read(cache, errors.redact_url(url))
  return is_usable(entry) and entry or nil
end

--- Adds the conditions to a request's fields.
---@param entry table
---@param fields luadl.headers
function revalidation.condition(entry, fields)
  if entry.etag then fields:add("If-None-Match", entry.etag) end
  if entry.last_modified then fields:add("If-Modified-Since", entry.last_modified) end
end

--- Whether the answer says that the entry is right; of another URL it says nothing about this one.
---@param entry table
---@param page luadl.page
---@return boolean
function revalidation.confirms(entry, page)
  return page.status == NOT_MODIFIED and page.url == entry.url
end

--- Makes the 304 the answer that is kept, with the fields that it updates (RFC 9111, 3.2).
---@param entry table
---@param page luadl.page
function revalidation.restore(entry, page)
  local fields = headers.new(entry.headers)
  for name, value in page.headers:each() do
    if name:lower() ~= "content-length" then fields:set(name, value) end
  end
  page.status, page.ok, page.headers = entry.status, true, fields
  page.body, page.cached = entry.body, true
end

-- By a date alone nobody can tell one variant, or one user's answer, from another's.
local function is_told_apart(page, fields, user)
  if page.headers:get("etag") then return true end
  local personal = user or has_any(fields, CREDENTIALS)
  return page.headers:get("last-modified") and not page.headers:get("vary") and not personal
end

local function may_keep(page)
  local control = table.concat(page.headers:all("cache-control"), ","):lower()
  return page.status == 200 and not control:find("no%-store") and page.headers:get("vary") ~= "*"
end

--- Keeps an answer that can be asked about.
---@param cache table
---@param url string
---@param page luadl.page
---@param fields luadl.headers of the request
---@param user string|nil its login
function revalidation.keep(cache, url, page, fields, user)
  if not may_keep(page) or not is_told_apart(page, fields, user) then return end
  write(cache, errors.redact_url(url), {
    url = page.url,
    status = page.status,
    headers = page.headers:list(),
    body = page.body,
    etag = page.headers:get("etag"),
    last_modified = page.headers:get("last-modified"),
  })
end

return revalidation
