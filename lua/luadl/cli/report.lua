--- `--report FILE`: a row for each file, as JSON or as CSV.
-- SPDX-License-Identifier: MIT
--
-- Rows go to FILE.new as they come, so that their number costs no memory; at the end, also after an
-- interrupt, it takes FILE's place at once, or stays where it can't.

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local folders = require("luadl.folders")
local outcome = require("luadl.cli.outcome")
local sys = require("luadl.sys")
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

local SUMMARY = { "status", "done", "failed", "skipped", "total", "bytes", "seconds" }

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
  return "\n],\"summary\":" .. dkjson.encode(summary, { keyorder = SUMMARY }) .. "}\n"
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

local function is_folder(path)
  local entry = io.open(path .. "/.", "rb")
  if entry then entry:close() end
  return entry ~= nil
end

--- Begins a report.
---@param path string that ends in .json or .csv
---@param tally table
---@return table|nil
---@return luadl.error|nil
function report.open(path, tally)
  if is_folder(path) then
    return nil, errors.new("io", "cannot write the report: it is a folder", { path = path })
  end
  local scratch = path .. ".new"
  os.remove(scratch) -- what an earlier run left, or a link that leads elsewhere
  local file, message, errno = io.open(scratch, "wb")
  if not file then return nil, folders.failure("cannot write the report", path, message, errno) end
  local self = setmetatable({
    path = path, scratch = scratch, file = file, tally = tally, stamp = sys.stamp(path),
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

-- What is wrong with its rows, or nil.
local function finish(self)
  local closed, message = self.file:close()
  message = self.message or not closed and message or nil
  if message then os.remove(self.scratch) end
  return message
end

-- What has become of its name meanwhile, such as a file that was downloaded, or nil.
local function publish(self)
  local message = "something else has got its name meanwhile"
  if sys.stamp(self.path) == self.stamp then
    local named, problem = os.rename(self.scratch, self.path)
    if named then return nil end
    message = text.trim(problem:match("[^:]*$"))
  end
  return ("%s; its rows are in %s"):format(message, self.scratch)
end

--- Gives it its name.
---@return luadl.error|nil
function methods:close()
  self:append(self.format.tail(self.summary_row))
  local message = finish(self) or publish(self)
  if not message then return nil end
  return errors.new("io", ("cannot write the report: %s"):format(message), { path = self.path })
end

return report
