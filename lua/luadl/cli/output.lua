--- Chooses how the command reports: as JSON, with live lines on a terminal, or in plain lines; and
--- who else listens.
-- SPDX-License-Identifier: MIT
--
-- Each reporter has those of these methods that it has use for: expected(count), started(download),
-- postponed(download), finished(download, result, err, stopped) with the last one true where all
-- were stopped, skip(download, result) of what never began, retry(fault, delay, change),
-- trace(step, number), notice(message), tick(), summary(summary, status) and close(). All of them
-- are told, in their order.
-- The world that they report to is handed in: { stdout, stderr, terminal = boolean,
-- stdout_terminal = boolean, color = boolean, utf8 = boolean, columns = function, rows = function,
-- in_background = function, continued = function, now = function, version = string }.

local format = require("luadl.options.format")
local json = require("luadl.cli.json")
local lines = require("luadl.cli.lines")
local plain = require("luadl.cli.plain")
local tally = require("luadl.cli.tally")
local terminal = require("luadl.cli.terminal")
local writeout = require("luadl.cli.writeout")

local output = {}

local methods = {}
local metatable = { __name = "luadl.cli.output", __index = methods }

local STDOUT, STDERR = 1, 2
local NARROWEST, USUAL, USUAL_HEIGHT = 2, 80, 24

-- The world

local function is_set(name)
  local value = os.getenv(name)
  return value ~= nil and value ~= ""
end

-- The first of these that says anything rules (POSIX, locale categories).
local function has_utf8()
  for _, name in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
    if is_set(name) then return os.getenv(name):lower():find("utf%-?8") ~= nil end
  end
  return false
end

--- The world as it is.
---@param sys table luadl.sys
function output.world(sys)
  local is_terminal = sys.is_terminal(STDERR) and os.getenv("TERM") ~= "dumb"
  return {
    stdout = io.stdout,
    stderr = io.stderr,
    terminal = is_terminal,
    stdout_terminal = sys.is_terminal(STDOUT),
    color = is_terminal and not is_set("NO_COLOR"), -- https://no-color.org
    utf8 = has_utf8(),
    columns = function() return math.max(NARROWEST, (sys.columns(STDERR)) or USUAL) end,
    rows = function() return select(2, sys.columns(STDERR)) or USUAL_HEIGHT end,
    in_background = function() return sys.in_background(STDERR) end,
    continued = sys.continued,
    now = require("luadl.core").now,
    version = require("luadl").version,
  }
end

-- Reporters

local LIVE = { bar = true, chunks = true }

local function choose(world, command, counts)
  local progress = command.progress or (world.terminal and "bar" or "none")
  if command.json then return json.new(world, command, counts, world.stdout) end
  if progress == "json" then return json.new(world, command, counts, world.stderr) end
  if command.quiet then return plain.new(world, command, counts) end
  if LIVE[progress] and world.terminal then return terminal.new(world, command, counts) end
  return plain.new(world, command, counts, progress ~= "none")
end

local function is_terminal(world, name)
  return name == "stderr" and world.terminal or name == "stdout" and world.stdout_terminal
end

-- What goes to the terminal goes there between two drawings of the live lines.
local function writer(world, display)
  return function(bytes, name)
    if display.write and is_terminal(world, name) then return display:write(bytes) end
    world[name]:write(bytes)
    world[name]:flush()
  end
end

-- A script's print, which would tear a bar.
local function lend_print(self, write)
  local before = print
  self.restore = function() rawset(_G, "print", before) end
  rawset(_G, "print", function(...) write(lines.printed(...), "stdout") end)
end

-- Those beside the display, or nil and why not.
local function others(world, command, counts, write)
  local list = {}
  if command.write_out then
    local function shown(name) return is_terminal(world, name) end
    list[1] = writeout.new(format.read(command.write_out), write, counts, shown)
  end
  if not command.report then return list end
  local file, err = require("luadl.cli.report").open(command.report, counts)
  list[#list + 1] = file
  return file and list, err
end

-- Who has use for it.
local function listeners_of(self, name)
  local listeners = {}
  for _, each in ipairs(self.list) do
    if each[name] then listeners[#listeners + 1] = each end
  end
  self.listeners[name] = listeners
  return listeners
end

--- All reporters for this world, as one.
---@param world table
---@param command { json: boolean, quiet: boolean, verbose: boolean, progress: string|nil,
--- write_out: string|nil, report: string|nil }
---@return table|nil
---@return luadl.error|nil
function output.new(world, command)
  local counts = tally.new(world.now)
  local display = choose(world, command, counts)
  local write = writer(world, display)
  local more, err = others(world, command, counts, write)
  if not more then return nil, err end
  local list = { counts, display, more[1], more[2] }
  local self = setmetatable({ list = list, listeners = {} }, metatable)
  if display.write and world.stdout_terminal then lend_print(self, write) end
  return self
end

for _, name in ipairs({
  "expected", "started", "postponed", "finished", "skip", "retry", "trace", "notice", "tick",
  "summary",
}) do
  methods[name] = function(self, ...)
    local listeners = self.listeners[name] or listeners_of(self, name)
    for index = 1, #listeners do
      local each = listeners[index]
      each[name](each, ...)
    end
  end
end

--- The end. What a report can't be told is a failure of the command.
---@return luadl.error|nil
function methods:close()
  local failure
  for _, each in ipairs(self.list) do
    if each.close then failure = each:close() or failure end
  end
  if self.restore then self.restore() end
  return failure
end

return output
