--- What a command line asks for that begins with none of the command's own words: downloads, what
--- servers say of them, or help.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local config = require("luadl.cli.config")
local downloads = require("luadl.cli.downloads")
local exit = require("luadl.cli.exit")
local help = require("luadl.cli.help")
local inspection = require("luadl.cli.inspection")
local lines = require("luadl.cli.lines")
local output = require("luadl.cli.output")
local scripts = require("luadl.cli.scripts")
local secrets = require("luadl.cli.secrets")
local standard = require("luadl.cli.standard")
local text = require("luadl.text")

local running = {}

-- Loaded late: the help is there without an engine.
local function load_parts()
  local sys = require("luadl.sys")
  return {
    luadl = require("luadl"),
    batch = require("luadl.batch"),
    sys = sys,
    world = output.world(sys),
  }
end

local function print_traceback(stderr, err)
  for line in (err.traceback or ""):gmatch("[^\n]+") do stderr:write(text.clean(line), "\n") end
end

-- Plain calls of a script, such as luadl.fetch, are the command's own.
local function with_scripts(parts, session, request)
  local to_stdout = request.each.output == "-"
  local has_scripts = request.command.scripts or request.config.policies[1]
  if to_stdout or request.command.json and has_scripts then standard.claim(parts.world) end
  if request.command.scripts then parts.luadl.share(session) end
  local loaded, err = scripts.load(session, parts.sys, request.command)
  for _, policy in ipairs(request.config.policies) do session:use(policy) end
  local action = request.command.info and inspection.run
    or to_stdout and standard.run or downloads.run
  if loaded then return action(parts, session, request) end
  local status = exit.fail(parts.world, err)
  if request.command.verbose then print_traceback(parts.world.stderr, err) end
  return status
end

local function run(parts, request)
  local session, err = parts.luadl.session(request.options)
  if not session then return exit.fail(parts.world, err) end
  local ok, status, message = xpcall(with_scripts, debug.traceback, parts, session, request)
  local _, wrong = session:close()
  if not ok then error(status, 0) end
  if not status then return exit.misuse(parts.world.stderr, message) end
  status = exit.after(status, parts.world, wrong)
  local is_told = request.command.progress == "json" -- on standard error are results, too
  return exit.after(status, parts.world, is_told and parts.world.stderr:failure() or nil)
end

-- A word beside --help is a topic, unless it is what would have been done.
local function topic_of(request, world)
  local word = request.urls[1]
  return word and not world.commands[word] and not word:find("://", 1, true) and word or nil
end

local function answer_at_once(request, world)
  if request.command.version then
    world.stdout:write("luadl ", require("luadl").version, "\n")
    return exit.OK
  end
  local shown, message = help.text(topic_of(request, world))
  if not shown then return exit.misuse(world.stderr, message) end
  world.stdout:write(shown)
  return exit.OK
end

-- With the streams of `world`.
local function parts_with(world, parts)
  parts = parts or load_parts()
  local streams = { stdout = world.stdout, stderr = world.stderr }
  return setmetatable({ world = setmetatable(streams, { __index = parts.world }) },
    { __index = parts })
end

-- A variable that counts for nothing was hardly meant to.
local function warn(request, stderr)
  for _, warning in ipairs(not request.command.quiet and request.config.warnings or {}) do
    stderr:write(lines.warning(warning), "\n")
  end
end

--- Does it.
---@param argv string[]
---@param world table as luadl.cli makes it
---@param parts table|nil to use instead of the real ones
---@return integer status
function running.run(argv, world, parts)
  local request, message = arguments.parse(argv, config.reader(world.getenv, world.variables))
  if not request then return exit.misuse(world.stderr, message) end
  if request.command.help or request.command.version then return answer_at_once(request, world) end
  parts = parts_with(world, parts)
  warn(request, world.stderr)
  for _, secret in ipairs(secrets.of(request)) do parts.sys.hide(secret) end
  return run(parts, request)
end

return running
