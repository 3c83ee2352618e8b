--- The permanent lines that the command prints: what each says, without where it goes.
-- SPDX-License-Identifier: MIT

local advice = require("luadl.cli.advice")
local errors = require("luadl.errors")
local progress = require("luadl.progress")
local retry = require("luadl.retry")
local text = require("luadl.text")
local units = require("luadl.units")

local lines = {}

--- What is said, more than once, of `--insecure`.
lines.NOT_VERIFIED = "TLS certificates and host keys are not verified (--insecure)"

--- What `print` makes of its arguments.
---@return string line with its end
function lines.printed(...)
  local words = {}
  for index = 1, select("#", ...) do words[index] = tostring((select(index, ...))) end
  return table.concat(words, "\t") .. "\n"
end

--- A finished file.
---@param result table
---@return string
function lines.saved(result)
  if result.skipped then
    local why = result.skipped == true and "exists already" or result.skipped
    return ("%s  %s, skipped"):format(text.clean(result.path or result.url or "?"), why)
  end
  local line = progress.finished(result)
  local before = (result.resumed or 0) > 0
    and progress.percent({ received = result.resumed, total = result.size })
  if before then line = ("%s (continued at %d%%)"):format(line, before) end
  if result.length_verified == false then line = line .. " (the server told no length)" end
  return line
end

local REDIRECTED = "after a redirect"

-- The URL of the error is the one behind the redirect: which one was asked for?
local function explain(err, download)
  local line, asked = tostring(err), download and download.url
  if not asked then return line end
  return (line:gsub(REDIRECTED, function()
    return REDIRECTED .. " from " .. errors.redact_url(asked)
  end, 1))
end

--- What went wrong, where, how often it was tried, and what may help.
---@param err any
---@param download table|nil whose it is
---@return string
function lines.failed(err, download)
  local help = advice.on(err)
  return "luadl: " .. text.clean(explain(err, download) .. (help and "; " .. help or ""))
end

---@param message string
---@return string
function lines.warning(message)
  return "luadl: warning: " .. text.clean(message)
end

--- A try that failed and what follows, as the retry policy decided.
---@param fault table
---@param delay number seconds
---@param change table|nil
---@return string
function lines.retry(fault, delay, change)
  local cause = text.clean(tostring(fault.error))
  return ("luadl: %s: %s"):format(retry.describe(delay, change), cause)
end

--- What a file is waiting for, in the place of its bar.
---@param err table of the try that failed
---@param seconds number until it is tried again
---@return string
function lines.waiting(err, seconds)
  local time = units.format_duration(math.max(1, math.ceil(seconds)))
  return ("again in %s: %s"):format(time, text.clean(err.message))
end

--- How many files are done: "12 of 30 files, 1 failed", or "12 files, 4 running" of a list whose
--- end nobody knows. And the same for little room: "12/30, 1 failed".
---@param tally table
---@return string
---@return string
function lines.count(tally)
  local line, short = ("%d files, %d running"):format(tally.done, tally.running), tally.done
  if tally.total then
    line = ("%d of %d files"):format(tally.done, tally.total)
    short = ("%d/%d"):format(tally.done, tally.total)
  end
  local failed = tally.failed > 0 and (", %d failed"):format(tally.failed) or ""
  return line .. failed, short .. failed
end

--- What is said of the files that were cut off: "interrupted (12 files); ...".
---@param tally table
---@return string
function lines.stopped(tally)
  local err = tally.last_stopped
  if tally.stopped == 1 then return lines.failed(err) end
  local line = ("luadl: %s (%d files)"):format(text.clean(err.message), tally.stopped)
  return tally.is_resumable and line .. "; the same command again continues them" or line
end

--- What became of all of them.
---@param summary { done: integer, failed: integer, total: integer }
---@param tally table
---@return string
function lines.summary(summary, tally)
  local parts = { ("%d of %d files"):format(summary.done, summary.total) }
  local failed = summary.failed - tally.stopped
  if failed > 0 then parts[#parts + 1] = ("%d failed"):format(failed) end
  if tally.stopped > 0 then parts[#parts + 1] = ("%d stopped"):format(tally.stopped) end
  if tally.skipped > 0 then parts[#parts + 1] = ("%d skipped"):format(tally.skipped) end
  local brought = tally.bytes > 0
    and "; " .. progress.brought(tally.bytes, tally.fetched, tally:elapsed()) or ""
  return table.concat(parts, ", ") .. brought
end

local LONGEST_URL = 0.5 -- of the columns

local function row(failure, width, columns, utf8)
  local url = text.pad(text.clean(failure.url or "?"), width, utf8)
  local message = text.fit(text.clean(failure.error.message), columns - width - 4, utf8)
  return ("  %s  %s"):format(url, message)
end

--- The failures once more, when what was said of them has left the screen.
---@param tally table
---@param columns integer
---@param utf8 boolean|nil
---@return string[]
function lines.failures(tally, columns, utf8)
  local width, list = 0, { "failed:" }
  for _, failure in ipairs(tally.failures) do
    width = math.max(width, text.width(text.clean(failure.url or "?")))
  end
  width = math.min(width, math.floor(columns * LONGEST_URL))
  for _, failure in ipairs(tally.failures) do
    list[#list + 1] = row(failure, width, columns, utf8)
  end
  local more = tally.failed - #tally.failures
  if more > 0 then list[#list + 1] = ("  ... and %d more"):format(more) end
  return list
end

return lines
