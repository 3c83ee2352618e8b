--- What a fetch sends: its method, its URL with the query, its header fields and its body.
-- SPDX-License-Identifier: MIT

local headers = require("luadl.headers")
local requesting = require("luadl.requesting")

local message = {}

---@class luadl.message
---@field method string
---@field url string
---@field headers luadl.headers
---@field body string|nil

local FORM = "application/x-www-form-urlencoded"
local JSON = "application/json"

local function with_query(url, query)
  if not query then return url end
  local before, fragment = url:match("^([^#]*)(.*)$")
  local encoded = require("luadl.url").query(query)
  if encoded == "" then return url end
  return before .. (before:find("?", 1, true) and "&" or "?") .. encoded .. fragment
end

local function set_default(fields, name, value)
  if not fields:get(name) then fields:add(name, value) end
end

-- The body and its media type.
local function encode(opts)
  if opts.form then return require("luadl.url").query(opts.form), FORM end
  if opts.json == nil then return opts.body, nil end
  local body, err = require("luadl.json").encode(opts.json)
  if not body then return nil, nil, err end
  return body, JSON
end

--- The message that these options make.
---@param opts table checked options of a fetch
---@return luadl.message|nil
---@return luadl.error|nil err kind "usage": what `json` can't be written as JSON
function message.new(opts)
  local body, kind, err = encode(opts)
  if err then return nil, err end
  local fields = headers.new(opts.headers)
  if kind then set_default(fields, "Content-Type", kind) end
  if opts.json ~= nil then set_default(fields, "Accept", JSON) end
  return {
    method = requesting.method(opts.method, body),
    url = with_query(opts.url, opts.query),
    headers = fields,
    body = body,
  }
end

return message
