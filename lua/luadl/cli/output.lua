--- Chooses how the command reports: as JSON, with live lines on a terminal, or in plain lines.
-- SPDX-License-Identifier: MIT
--
-- Each reporter has the same methods: started(download), postponed(download), finished(download,
-- result, err), retry(fault, delay, change), trace(step, number), notice(message), tick(),
-- summary(summary, status) and close().
-- The world that they report to is handed in: { stdout, stderr, terminal = boolean,
-- color = boolean, columns = function, rows = function, now = function }.

local json = require("luadl.cli.json")
local plain = require("luadl.cli.plain")
local terminal = require("luadl.cli.terminal")

local output = {}

local STDERR = 2
local NARROWEST, USUAL, USUAL_HEIGHT = 20, 80, 24

local function is_set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= ""
end

--- The world as it is.
---@param sys table luadl.sys
function output.world(sys)
  local is_terminal = sys.is_terminal(STDERR) and os.getenv("TERM") ~= "dumb"
  return {
    stdout = io.stdout,
    stderr = io.stderr,
    terminal = is_terminal,
    color = is_terminal and not is_set("NO_COLOR"), -- https://no-color.org
    columns = function() return math.max(NARROWEST, (sys.columns(STDERR)) or USUAL) end,
    rows = function() return select(2, sys.columns(STDERR)) or USUAL_HEIGHT end,
    now = require("luadl.core").now,
  }
end

--- A reporter for this world.
---@param world table
---@param command { json: boolean, quiet: boolean, verbose: boolean }
function output.new(world, command)
  if command.json then return json.new(world, command) end
  if world.terminal and not command.quiet then return terminal.new(world, command) end
  return plain.new(world, command)
end

return output
