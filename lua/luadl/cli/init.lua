--- The `luadl` command: reads its arguments, runs the downloads, reports, and says how it went.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local config = require("luadl.cli.config")
local downloads = require("luadl.cli.downloads")
local exit = require("luadl.cli.exit")
local help = require("luadl.cli.help")
local inspection = require("luadl.cli.inspection")
local output = require("luadl.cli.output")
local scripts = require("luadl.cli.scripts")
local secrets = require("luadl.cli.secrets")
local standard = require("luadl.cli.standard")
local text = require("luadl.text")

local cli = {}

local HELP = { ["-h"] = true, ["--help"] = true }

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

local function say_usage(stderr, message)
  stderr:write("luadl: ", text.clean(message), "\ntry luadl --help\n")
  return exit.USAGE
end

local function print_traceback(stderr, err)
  for line in (err.traceback or ""):gmatch("[^\n]+") do stderr:write(text.clean(line), "\n") end
end

-- Plain calls of a script, such as luadl.fetch, are the command's own.
local function with_scripts(parts, session, request)
  local to_stdout = request.each.output == "-"
  if to_stdout then standard.claim(parts.world) end
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
  if not status then return say_usage(parts.world.stderr, message) end
  return exit.after(status, parts.world, wrong)
end

-- What isn't a download, with how many words at most; `--help` after one of these is about all of
-- them. Loaded late: the help is there without an engine.
local COMMANDS = {
  run = { room = "luadl.cli.program", most = math.huge },
  config = { room = "luadl.cli.settings", most = math.huge },
  doctor = { room = "luadl.cli.doctor", most = 1 },
  man = { room = "luadl.cli.manual", most = 1 },
  completion = { room = "luadl.cli.completion", most = 2 },
}

local WORLD = { stdout = io.stdout, stderr = io.stderr, getenv = os.getenv }

local function run_command(command, argv)
  local surplus = argv[command.most + 1]
  if not surplus then return require(command.room).run(argv, WORLD) end
  return say_usage(WORLD.stderr, ("'%s': '%s' is one word too many"):format(argv[1], surplus))
end

-- A word beside --help is a topic, unless it is what would have been done.
local function topic_of(request)
  local word = request.urls[1]
  return word and not COMMANDS[word] and not word:find("://", 1, true) and word or nil
end

local function answer_at_once(request)
  if request.command.version then
    io.stdout:write("luadl ", require("luadl").version, "\n")
    return exit.OK
  end
  local shown, message = help.text(topic_of(request))
  if not shown then return say_usage(io.stderr, message) end
  io.stdout:write(shown)
  return exit.OK
end

local function no_variable()
  return nil
end

--- Runs the command.
---@param argv string[]
---@param parts table|nil { luadl, batch, sys, world } to use instead of the real ones
---@return integer status
function cli.main(argv, parts)
  local command = not HELP[argv[2]] and COMMANDS[argv[1]]
  if command then return run_command(command, argv) end
  local getenv = parts and (parts.getenv or no_variable) or os.getenv
  local request, message = arguments.parse(argv, config.reader(getenv))
  if not request then return say_usage(parts and parts.world.stderr or io.stderr, message) end
  if request.command.help or request.command.version then return answer_at_once(request) end
  parts = parts or load_parts()
  for _, secret in ipairs(secrets.of(request)) do parts.sys.hide(secret) end
  return run(parts, request)
end

return cli
