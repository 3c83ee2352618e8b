--- The `luadl` command: finds what its first word stands for, and says whether all was written.
-- SPDX-License-Identifier: MIT
--
-- The rest is loaded when it is needed: `luadl doctor` tells what is missing, though it is.

local environment = require("luadl.cli.environment")
local exit = require("luadl.cli.exit")
local sink = require("luadl.cli.sink")

local cli = {}

local HELP = { ["-h"] = true, ["--help"] = true }

-- What isn't a download, with how many words at most; `--help` after one of these is about all of
-- them.
local COMMANDS = {
  run = { room = "luadl.cli.program", most = math.huge },
  config = { room = "luadl.cli.settings", most = math.huge },
  doctor = { room = "luadl.cli.doctor", most = 1 },
  man = { room = "luadl.cli.manual", most = 1 },
  completion = { room = "luadl.cli.completion", most = 2 },
}

local function run_command(command, argv, world)
  local surplus = argv[command.most + 1]
  if not surplus then return require(command.room).run(argv, world) end
  return exit.misuse(world.stderr, ("'%s': '%s' is one word too many"):format(argv[1], surplus))
end

local function no_variable()
  return nil
end

--- Runs the command.
---@param argv string[]
---@param parts table|nil { luadl, batch, sys, world } to use instead of the real ones
---@return integer status
function cli.main(argv, parts)
  local streams = parts and parts.world or io
  local world = {
    stdout = sink.new(streams.stdout, "standard output"),
    stderr = sink.new(streams.stderr, "standard error"),
    getenv = parts and (parts.getenv or no_variable) or os.getenv,
    variables = not parts and environment.variables() or {},
    commands = COMMANDS,
  }
  local command = not HELP[argv[2]] and COMMANDS[argv[1]]
  local status = command and run_command(command, argv, world)
    or require("luadl.cli.running").run(argv, world, parts)
  return exit.after(status, world, world.stdout:failure())
end

return cli
