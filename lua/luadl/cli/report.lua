--- `--report FILE`: a row for each file, as JSON or as CSV.
-- SPDX-License-Identifier: MIT
--
-- Rows go to FILE.new as they come, so that their number costs no memory; at the end, also after an
-- interrupt, it takes FILE's place at once.

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local folders = require("luadl.folders")
local outcome = require("luadl.cli.outcome")
local text = require("luadl.text")

local report = {}

local methods = {}
local metatable = { __name = "luadl.cli.report", __index = methods }

--- Counts up when something is taken away or comes to mean something else; what is added doesn't.
report.VERSION = 1

--- The fields of a row, in their order.
report.FIELDS = {
  "url", "path", "status", "size", "fetched", "seconds", "speed", "tries", "http_status", "etag",
  "checksum", "kind", "message",
}

local function row_of(facts)
  local row = {}
  for _, name in ipairs(report.FIELDS) do row[name] = facts[name] end
  row.tries = facts.retries + 1
  for name, value in pairs(row) do
    if type(value) == "string" then row[name] = text.utf8(value) end
  end
  return row
end

-- JSON

local json = {}

function json.head()
  return ('{"version":%d,"files":['):format(report.VERSION)
end

function json.row(row, number)
  return (number > 1 and ",\n" or "\n") .. dkjson.encode(row, { keyorder = report.FIELDS })
end

function json.tail(summary)
  return "\n],\"summary\":" .. dkjson.encode(summary) .. "}\n"
end

-- CSV (RFC 4180)

local csv = {}

-- A spreadsheet takes what begins so for a formula.
local function harmless(value)
  return value:find("^[=+%-@\t\r]") and "'" .. value or value
end

local function cell(value)
  if value == nil then return "" end
  if type(value) == "number" then return tostring(value) end
  value = harmless(value)
  if not value:find('[",\r\n]') then return value end
  return '"' .. value:gsub('"', '""') .. '"'
end

function csv.head()
  return table.concat(report.FIELDS, ",") .. "\r\n"
end

function csv.row(row)
  local cells = {}
  for index, name in ipairs(report.FIELDS) do cells[index] = cell(row[name]) end
  return table.concat(cells, ",") .. "\r\n"
end

function csv.tail()
  return ""
end

local FORMATS = { csv = csv, json = json }

--- Begins a report.
---@param path string that ends in .json or .csv
---@param tally table
---@return table|nil
---@return luadl.error|nil
function report.open(path, tally)
  local scratch = path .. ".new"
  os.remove(scratch) -- what an earlier run left, or a link that leads elsewhere
  local file, message, errno = io.open(scratch, "wb")
  if not file then return nil, folders.failure("cannot write the report", path, message, errno) end
  local self = setmetatable({
    path = path, scratch = scratch, file = file, tally = tally,
    format = FORMATS[path:match("%.(%w+)$"):lower()], count = 0, summary_row = {},
  }, metatable)
  self:append(self.format.head())
  return self
end

---@package
function methods:append(bytes)
  local ok, message = self.file:write(bytes)
  if not ok then self.message = self.message or message end
end

function methods:finished(download, result, err)
  self.count = self.count + 1
  local row = row_of(outcome.of(download, result, err, self.tally))
  self:append(self.format.row(row, self.count))
end

methods.skip = methods.finished

function methods:summary(summary, status)
  self.summary_row = {
    status = status, done = summary.done, failed = summary.failed, total = summary.total,
    skipped = self.tally.skipped, bytes = self.tally.bytes, seconds = self.tally:elapsed(),
  }
end

local function publish(self)
  local closed, message = self.file:close()
  message = self.message or not closed and message
  if message then return nil, message end
  return os.rename(self.scratch, self.path)
end

--- Gives it its name.
---@return luadl.error|nil
function methods:close()
  self:append(self.format.tail(self.summary_row))
  local ok, message = publish(self)
  if ok then return nil end
  os.remove(self.scratch)
  return errors.new("io", ("cannot write the report: %s"):format(message), { path = self.path })
end

return report
