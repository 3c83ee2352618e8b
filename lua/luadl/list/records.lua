--- JSON Lines: one download as an object.
-- SPDX-License-Identifier: MIT

local item = require("luadl.list.item")
local json = require("luadl.json")
local options = require("luadl.options")
local types = require("luadl.options.types")

local records = {}

local function check_sha256(value)
  if value:find("^%x+$") and #value == 64 then return nil end
  return "expected 64 hexadecimal digits"
end

local FIELDS = {
  { name = "url", type = "string" },
  { name = "mirrors", type = "list" },
  { name = "output", type = "path" },
  { name = "out", type = "path" },
  { name = "dir", type = "path" },
  { name = "sha256", type = "string", check = check_sha256 },
  options.get("checksum"),
  { name = "size", type = "bytes", min = 0 },
  options.get("headers"),
  options.get("labels"),
}

local TWICE = { { "output", "out" }, { "sha256", "checksum" } }

local function check_twice(record)
  for _, pair in ipairs(TWICE) do
    if record[pair[1]] and record[pair[2]] then
      return ("choose one of '%s' and '%s'"):format(pair[1], pair[2])
    end
  end
  return nil
end

-- Whoever writes a table out writes null where nothing is known.
local function without_null(object)
  local kept = {}
  for name, value in next, object do
    if value ~= json.null then kept[name] = value end
  end
  return kept
end

local function read_paths(given, record, trusted)
  for name, path in pairs({ output = record.output or record.out, dir = record.dir }) do
    local right, message = item.path(path, trusted)
    if not right then return nil, ("field '%s': %s"):format(name, message) end
    given[name] = right
  end
  return true
end

local function read_urls(given, record, check)
  local urls = record.mirrors or {}
  if record.url then table.insert(urls, 1, record.url) end
  if not urls[1] then return nil, "it has no 'url'" end
  for _, url in ipairs(urls) do
    local ok, message = item.check_url(url, check)
    if not ok then return nil, message end
  end
  given.url = table.remove(urls, 1)
  given.mirror = urls[1] and urls or nil
  return true
end

local function as_options(record, opts)
  local given = {
    headers = record.headers,
    labels = record.labels,
    checksum = record.checksum or record.sha256 and "sha256:" .. record.sha256,
    expect = record.size and { size = record.size },
  }
  local ok, message = read_urls(given, record, opts.check)
  if ok then ok, message = read_paths(given, record, opts.trusted) end
  if not ok then return nil, message end
  return given
end

--- Reads one line.
---@param line string
---@param opts luadl.list.options
---@return table? given
---@return string? message
function records.read(line, opts)
  local object, err = json.decode(line)
  if object == nil then return nil, err.message end
  local record, message = types.read_fields(FIELDS, without_null(object), "field")
  message = message or check_twice(record)
  if message then return nil, message end
  return as_options(record, opts)
end

return records
