--- The permanent lines that the command prints: what each says, without where it goes.
-- SPDX-License-Identifier: MIT

local advice = require("luadl.cli.advice")
local progress = require("luadl.progress")
local retry = require("luadl.retry")
local text = require("luadl.text")

local lines = {}

--- A finished file.
---@param result table
---@return string
function lines.saved(result)
  if result.skipped then return text.clean(result.path or "?") .. "  exists already, skipped" end
  local line = progress.finished(result)
  local before = (result.resumed or 0) > 0
    and progress.percent({ received = result.resumed, total = result.size })
  if before then line = ("%s (continued at %d%%)"):format(line, before) end
  if result.length_verified == false then line = line .. " (the server told no length)" end
  return line
end

--- What went wrong, where, how often it was tried, and what may help.
---@param err any
---@return string
function lines.failed(err)
  local help = advice.on(err)
  return "luadl: " .. text.clean(tostring(err) .. (help and "; " .. help or ""))
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

--- What became of all of them.
---@param summary { done: integer, failed: integer, total: integer }
---@return string
function lines.summary(summary)
  local line = ("%d of %d files"):format(summary.done, summary.total)
  return summary.failed > 0 and ("%s, %d failed"):format(line, summary.failed) or line
end

return lines
