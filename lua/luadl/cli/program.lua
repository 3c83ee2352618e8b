--- `luadl run program.lua ...`: a Lua program as `lua` runs it, with luadl in reach.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")
local text = require("luadl.text")

local program = {}

local unpack = table.unpack or unpack -- luacheck: ignore unpack

-- As in the lua program: `arg[0]` is the script, what comes before it has negative places.
local function arguments_of(argv)
  local list = { [0] = argv[2], [-1] = "run", [-2] = argv[0] or "luadl" }
  for index = 3, #argv do list[index - 2] = argv[index] end
  return list
end

-- An address would tell nobody anything.
local function text_of(thrown)
  if type(thrown) == "string" or type(thrown) == "number" then return tostring(thrown) end
  local metatable = getmetatable(thrown)
  if type(metatable) == "table" and metatable.__tostring then return tostring(thrown) end
  return ("(error object is a %s value)"):format(type(thrown))
end

-- The lua program throws "interrupted!" for a Ctrl-C.
local function explain(thrown)
  if errors.is(thrown) then return thrown end
  local message = text_of(thrown)
  if message:find("interrupted!$") then return errors.new("cancelled", "interrupted") end
  return debug.traceback(message, 2)
end

-- What luadl says of a failed call is for users; where a program is wrong its author wants more.
local function report(stderr, failure)
  local err = errors.root(failure)
  local lines = errors.is(err) and (err.traceback or tostring(err)) or tostring(err)
  stderr:write("luadl: ", (lines:gsub("[^\n\t]+", text.clean)), "\n")
  return errors.is(err) and exit.status(err) or exit.OTHER
end

-- A whole number is the status; false, or nil and an error, say that it failed.
local function status_of(stderr, answer, err)
  if answer == nil and err ~= nil then return report(stderr, err) end
  if type(answer) == "number" and answer % 1 == 0 then return math.floor(answer % 256) end
  local has_failed = answer == false or type(answer) == "number"
  return has_failed and exit.OTHER or exit.OK
end

--- Runs it.
---@param argv string[] "run", the file, and its arguments
---@param world { stderr: file* }
---@return integer status
function program.run(argv, world)
  local path, stderr = argv[2], world.stderr
  if not path or path:find("^%-") then
    local what = path and ("unknown option '%s'"):format(text.clean(path)) or "no program given"
    stderr:write("luadl: ", what, "; usage: luadl run PROGRAM [ARGUMENT...]\n")
    return exit.USAGE
  end
  local chunk, message = loadfile(path)
  if not chunk then
    stderr:write("luadl: ", text.clean(message), "\n")
    return exit.OTHER
  end
  arg = arguments_of(argv) -- luacheck: ignore 121
  local ok, answer, err = xpcall(chunk, explain, unpack(arg))
  if ok then return status_of(stderr, answer, err) end
  return report(stderr, answer)
end

return program
