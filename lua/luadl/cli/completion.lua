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
  { "completion", "print what a shell completes", { "bash", "zsh", "fish" } },
}

-- What may follow a flag: a value, or a topic.
local function choices_of(flag)
  if flag.option.name ~= "help" then return flag.arg and flag.option.values end
  local names = {}
  for index, topic in ipairs(topics.all()) do names[index] = topic.name end
  return names
end

local function add(parser, flag)
  local short, long, argument = topics.words(flag)
  local names, choices = short and short .. " " .. long or long, choices_of(flag)
  local made = (argument or choices) and parser:option(names) or parser:flag(names)
  made:description(flag.help)
  if argument or choices then made:args(argument and 1 or "?") end
  if choices then made:choices(choices) end
end

-- A word behind a command's, such as a shell's name, is a command of its own to argparse.
local function add_command(parser, name, help, words)
  local command = parser:command(name):description(help):add_help(false):require_command(false)
  for _, word in ipairs(words or {}) do command:command(word):add_help(false) end
end

local function new_parser()
  local parser = argparse("luadl"):add_help(false)
  for _, topic in ipairs(topics.all()) do
    for _, flag in ipairs(topic.flags) do add(parser, flag) end
  end
  for _, command in ipairs(COMMANDS) do
    add_command(parser, command[1], command[2], command[3])
  end
  parser:require_command(false)
  return parser
end

-- To argparse the first word is a command's: behind a URL zsh would find nothing.
local BEHIND_A_URL = [[

    *)
      words=(luadl $words)
      (( CURRENT++ ))
      _arguments -s -S \
        $options \
        "*: :_files" \
        && return 0
      ;;

  esac
]]

local function add_urls(text)
  return (text:gsub("\n  esac\n", function() return BEHIND_A_URL end, 1))
end

--- What the shell reads.
---@param shell "bash"|"zsh"|"fish"
---@return string|nil text nil: there is no such shell here
function completion.text(shell)
  local parser, method = new_parser(), SHELLS[shell]
  local text = method and parser[method](parser)
  return text and shell == "zsh" and add_urls(text) or text
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
