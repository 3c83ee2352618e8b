--- What a server says about a URL, for `--info`: as text or as a JSON object.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local filename = require("luadl.filename")
local json = require("luadl.cli.json")
local text = require("luadl.text")
local units = require("luadl.units")

local info = {}

local function size(head)
  if not head.total then return "unknown" end
  return ("%s (%d bytes)"):format(units.format_bytes(head.total), head.total)
end

local function name(head, opts)
  return (filename.default(head, { trust_redirect_name = opts.trust_redirect_name }))
end

local function rows(head, opts)
  return {
    { "url", head.requested_url },
    { "leads to", head.url ~= head.requested_url and head.url or nil },
    { "status", head.status },
    { "name", name(head, opts) },
    { "size", size(head) },
    { "ranges", head.ranges and "yes" or "no" },
    { "type", head.content_type },
    { "encoding", head.content_encoding },
    { "modified", head.last_modified },
    { "etag", head.etag },
  }
end

--- Some lines for people.
---@param head table
---@param opts table the download's options
---@return string
function info.text(head, opts)
  local shown = {}
  for _, row in ipairs(rows(head, opts)) do
    if row[2] ~= nil then
      shown[#shown + 1] = ("%-9s %s\n"):format(row[1], text.clean(tostring(row[2])))
    end
  end
  return table.concat(shown)
end

--- One line for programs.
---@param head table
---@param opts table
---@return string
function info.json(head, opts)
  return json.object("info", { { "name", name(head, opts) } }, head) .. "\n"
end

--- The line for a URL of which nothing could be learned.
---@param url string
---@param err table
---@return string
function info.json_failure(url, err)
  return json.failure({ { "url", errors.redact_url(url) } }, err) .. "\n"
end

return info
