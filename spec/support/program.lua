-- A Lua program with this tree's modules in a process of its own, where system calls can be made to
-- fail or hang.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")

local program = {}

-- The sanitizer's runtime has to come first. Threads that are left behind on purpose are no leaks.
local function preload(opts)
  local libraries = { os.getenv("LUADL_SANITIZER") }
  if opts.fault then libraries[#libraries + 1] = helper.build .. "/faultfs.so" end
  if opts.clock then libraries[#libraries + 1] = helper.build .. "/faultclock.so" end
  return table.concat(libraries, ":")
end

local function also(name, option)
  local options = os.getenv(name)
  return options and options .. ":" .. option or option
end

local function environment(opts)
  local root = helper.root
  return {
    LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;;"):format(root, root, root),
    LUA_CPATH = helper.build .. "/?.so;;",
    LD_PRELOAD = preload(opts),
    LUADL_FAULT = opts.fault or "",
    LUADL_CLOCK = opts.clock or "",
    ASAN_OPTIONS = also("ASAN_OPTIONS", "detect_leaks=0"),
    TSAN_OPTIONS = also("TSAN_OPTIONS", "report_thread_leaks=0"),
  }
end

--- Runs Lua source; its `...` are the arguments. See helper.run for the result.
---@param source string
---@param opts? { arguments: string[], fault: string, clock: string, timeout: number,
--- interpreter: string[] } fault as in faultfs.c, clock as in faultclock.c
function program.run(source, opts)
  opts = opts or {}
  local folder = helper.make_folder()
  helper.write(folder .. "/program.lua", source)
  local words = { table.unpack(opts.interpreter or { "lua5.4" }) }
  words[#words + 1] = folder .. "/program.lua"
  for _, word in ipairs(opts.arguments or {}) do words[#words + 1] = word end
  local result = helper.run(words, {
    env = environment(opts),
    timeout = opts.timeout,
    cwd = helper.root,
  })
  helper.remove_folder(folder)
  return result
end

return program
