--- `luadl completion bash|zsh|fish`: what a shell completes, told from the schema by argparse.
-- SPDX-License-Identifier: MIT

local argparse = require("argparse")
local exit = require("luadl.cli.exit")
local topics = require("luadl.cli.topics")

local completion = {}

local SHELLS = { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }
local COMMANDS = {
  { "run", "run a Lua program with luadl in reach" },
  { "config", "print what is in force, and where each value is from" },
  { "doctor", "print versions and features, and what is missing" },
  { "man", "print the manual page" },
  { "completion", "print what a shell completes" },
}

local function add(parser, flag)
  local short, long, argument = topics.words(flag)
  local names = short and short .. " " .. long or long
  local made = argument and parser:option(names):args(1) or parser:flag(names)
  made:description(flag.help)
  if argument and flag.option.values then made:choices(flag.option.values) end
end

local function new_parser()
  local parser = argparse("luadl"):add_help(false)
  for _, topic in ipairs(topics.all()) do
    for _, flag in ipairs(topic.flags) do add(parser, flag) end
  end
  for _, command in ipairs(COMMANDS) do
    parser:command(command[1]):description(command[2]):add_help(false)
  end
  parser:require_command(false)
  return parser
end

--- What the shell reads.
---@param shell "bash"|"zsh"|"fish"
---@return string|nil text nil: there is no such shell here
function completion.text(shell)
  local parser, method = new_parser(), SHELLS[shell]
  return method and parser[method](parser)
end

--- Runs `luadl completion SHELL`.
---@param argv string[]
---@param world { stdout: file*, stderr: file* }
---@return integer status
function completion.run(argv, world)
  local text = completion.text(argv[2])
  if not text then
    world.stderr:write("luadl: usage: luadl completion bash|zsh|fish\n")
    return exit.USAGE
  end
  world.stdout:write(text)
  return exit.OK
end

return completion
