--- A place for scripts that aren't trusted: no files, no programs, little time, declared hosts.
-- SPDX-License-Identifier: MIT
--
-- A script sees copies: of the libraries, so that it changes nobody else's, and of what it is
-- asked, so that no way leads from there to the rest of the program; what it answers is copied,
-- too. Its instructions are counted; how far the memory of the whole state grows is looked at. A
-- single operation can't be interrupted: a hostile pattern, or strings that are joined to a huge
-- one; for those the command limits the memory of its process.

local errors = require("luadl.errors")
local options = require("luadl.options")
local view = require("luadl.view")

local sandbox = {}

local STEP = 1000 -- instructions between two looks
local OUTER = 1000 -- looks between two of the hook that was there before
local LONGEST = 64 * 1024 * 1024 -- bytes that string.rep makes

local DEFAULTS = {
  instructions = 100000000, -- in one call; about a second
  memory = 64 * 1024 * 1024, -- bytes
}

-- Budgets

local function excess(self, used, base)
  if used > self.instructions then
    return errors.new("script_budget", ("%s: it used more than %d instructions"):format(
      self.label, self.instructions))
  end
  if (collectgarbage("count") - base) * 1024 <= self.memory then return nil end
  collectgarbage()
  if (collectgarbage("count") - base) * 1024 <= self.memory then return nil end
  return errors.new("no_memory", ("%s: it used more than %d bytes of memory"):format(
    self.label, self.memory))
end

-- Once it is over it stays so: with each further instruction, so that nothing catches it for good.
local function watch(self, before)
  local looks, base, over = 0, collectgarbage("count"), nil
  local function look(event)
    looks = looks + 1
    over = over or excess(self, looks * STEP, base)
    if over then
      debug.sethook(look, "", 1)
      error(over, 0)
    end
    if before and looks % OUTER == 0 then before(event) end
  end
  return look
end

local NOT_THERE = "LuaJIT has no sandbox: what it has compiled keeps to no budget"

-- What a script throws may bring a __tostring that never ends.
local function thrown_text(self, thrown)
  if errors.is(thrown) then return thrown end
  if thrown == "not enough memory" then
    return errors.new("no_memory", self.label .. ": there wasn't enough memory for it")
  end
  if type(thrown) == "string" or type(thrown) == "number" then return tostring(thrown) end
  return ("%s: it threw a %s"):format(self.label, type(thrown))
end

local function leave(self, hook, mask, count, ok, ...)
  debug.sethook(hook, mask, count)
  if not ok then error(thrown_text(self, (...)), 0) end
  return view.bare((...)), view.bare((select(2, ...)))
end

--- Runs `fn` within the budget, on views of its arguments; returns copies of up to two results.
---@param self table
---@param fn function
local function enter(self, fn, ...)
  local hook, mask, count = debug.gethook()
  debug.sethook(watch(self, hook), "", STEP)
  return leave(self, hook, mask, count, pcall(fn, ...))
end

local function bounded(self, fn)
  return function(...)
    return enter(self, fn, view.all(...))
  end
end

-- What luadl does for a script must not be torn apart in the middle.
local function come_back(self, hook, mask, count, ok, ...)
  debug.sethook(hook, mask, count)
  if not ok then error(thrown_text(self, (...)), 0) end
  return view.all(...)
end

local function trusted(self, fn)
  return function(...)
    local hook, mask, count = debug.gethook()
    debug.sethook()
    return come_back(self, hook, mask, count, pcall(fn, view.bare_all(...)))
  end
end

-- What a script finds

local GLOBALS = {
  "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "tonumber", "tostring", "type", "unpack", "_VERSION",
}
local LIBRARIES = { "math", "string", "table", "utf8" }
local MODULES = { "codec", "digest", "filename", "html", "json", "retry", "units", "url", "xml" }
local LEFT_OUT = {
  math = { randomseed = true }, -- others throw dice, too
  string = { dump = true },
  digest = { file = true, sri_check_file = true },
}

local function copy_of(name, library)
  local copy = {}
  for key, value in pairs(library) do
    if not (LEFT_OUT[name] and LEFT_OUT[name][key]) then copy[key] = value end
  end
  return copy
end

local function rep(text, count, separator)
  local length = #tostring(text) + #tostring(separator or "")
  if (tonumber(count) or 0) * length > LONGEST then
    error("string.rep: the result is too long", 2)
  end
  return string.rep(text, count, separator)
end

local function handle(handler, ok, ...)
  if ok then return true, ... end
  return false, handler(...)
end

-- Lua calls the handler where the error is thrown; when that is the hook, no hook stops it there.
local function xpcall_after(fn, handler, ...)
  return handle(handler, pcall(fn, ...))
end

-- Only the metatables that it has set itself, and none that would run code of its own later.
local function metatables()
  local own = setmetatable({}, { __mode = "k" })
  local function set(object, metatable)
    if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
      error("setmetatable: __gc is not allowed here", 2)
    end
    setmetatable(object, metatable)
    own[object] = metatable
    return object
  end
  return set, function(object) return own[object] end
end

local function compile(text, name, environment)
  if type(text) ~= "string" or text:sub(1, 1) == "\27" then
    return nil, "only the text of a program can be loaded here"
  end
  if not setfenv then return load(text, name, "t", environment) end -- luacheck: ignore setfenv
  local chunk, message = loadstring(text, name) -- luacheck: ignore loadstring
  return chunk and setfenv(chunk, environment), message -- luacheck: ignore setfenv
end

local STORE = { "get", "set", "delete" }

-- It has one, whatever name it says.
local function new_store(self)
  local store
  local open = trusted(self, function()
    local err
    store, err = require("luadl.store").open((self.label:gsub("[^%w._-]", "_")))
    return store ~= nil, err
  end)
  local object = {}
  for _, name in ipairs(STORE) do
    local call = trusted(self, function(...) return store[name](store, ...) end)
    object[name] = function(_, ...) return call(...) end
  end
  return { open = function()
    local ok, err = open()
    if not ok then return nil, err end
    return object
  end }
end

-- Each module at its first use.
local function new_require(self, luadl)
  local loaded = { luadl = luadl }
  for _, name in ipairs(MODULES) do loaded["luadl." .. name] = false end
  return function(name)
    if name == "luadl.store" then return luadl.store end
    local found = loaded[name]
    if found == nil then
      error(("%s: there is no module '%s' here"):format(self.label, tostring(name)), 2)
    end
    found = found or copy_of(name:match("[^.]+$"), require(name))
    loaded[name] = found
    return found
  end
end

-- They are fetched as everything else is.
local function new_pages(self)
  return function(url, opts)
    local step
    trusted(self, function(...)
      local function fetch(asked) return self.world.fetch(self, asked.url, asked) end
      step = require("luadl.pages").each(fetch, options.with_url(...))
    end)(url, opts)
    return trusted(self, function() return step() end)
  end
end

local function new_luadl(self)
  local luadl = {
    sleep = trusted(self, function(seconds) self.world.sleep(seconds) end),
    now = self.world.now,
    time = function() return os.time() end,
    fetch = trusted(self, function(url, opts) return self.world.fetch(self, url, opts) end),
    pages = new_pages(self),
    store = new_store(self),
    version = require("luadl.core").version,
    filename = copy_of("filename", require("luadl.filename")),
    retry = copy_of("retry", require("luadl.retry")),
  }
  return luadl
end

local function new_environment(self)
  local environment, luadl = {}, new_luadl(self)
  for _, name in ipairs(GLOBALS) do environment[name] = _G[name] end
  for _, name in ipairs(LIBRARIES) do
    environment[name] = _G[name] and copy_of(name, _G[name])
  end
  environment.string.rep, environment.xpcall = rep, xpcall_after
  environment.setmetatable, environment.getmetatable = metatables()
  environment.require = new_require(self, luadl)
  environment.load = function(text, name, _, env)
    return compile(text, name or "=load", env or environment)
  end
  environment._G = environment
  return environment
end

-- Its policy

-- What was there before is the user's.
local function check_exists(self, word)
  if word == "replace" then error(self.label .. ": it may not replace files", 0) end
  return word
end

local function bind(self, policy)
  for name, value in pairs(policy) do
    if type(value) == "function" then policy[name] = bounded(self, value) end
  end
  local exists = policy.exists
  if exists ~= nil then
    policy.exists = function(...)
      return check_exists(self, type(exists) == "function" and exists(...) or exists)
    end
  end
  policy.sandboxed, policy.hosts = true, policy.hosts or {}
  return policy
end

local function run_chunk(self, chunk)
  local hook, mask, count = debug.gethook()
  debug.sethook(watch(self, hook), "", STEP)
  local ok, result = pcall(chunk, self.label)
  debug.sethook(hook, mask, count)
  if not ok then error(thrown_text(self, result), 0) end
  return result
end

--- Runs the text of a script and returns the policy that it returns, its functions bounded.
---@param text string
---@param name string as `load` wants it, such as "@policy.lua"
---@param opts { label: string, instructions: integer?, memory: integer?,
--- world: { sleep: function, now: function, fetch: function }, read: fun(policy): luadl.policy? }
---@return luadl.policy|nil
---@return luadl.error|nil err of kind "callback", "script_budget", "no_memory", or "usage"
function sandbox.load(text, name, opts)
  if rawget(_G, "jit") then return nil, errors.new("usage", NOT_THERE) end
  local self = {
    label = opts.label, world = opts.world, policy = nil,
    instructions = opts.instructions or DEFAULTS.instructions,
    memory = opts.memory or DEFAULTS.memory,
  }
  local chunk, message = compile(text, name, new_environment(self))
  if not chunk then return nil, errors.new("usage", message) end
  local thread = coroutine.create(run_chunk)
  local ok, result = coroutine.resume(thread, self, chunk)
  if not ok then
    return nil, errors.is(result) and result or errors.wrap_thrown(result, self.label, thread)
  end
  if coroutine.status(thread) ~= "dead" then
    return nil, errors.new("callback", self.label .. ": it waits before it has returned its policy")
  end
  local policy, wrong = opts.read(result)
  if not policy then return nil, errors.new("usage", wrong) end
  self.policy = bind(self, policy)
  return policy
end

--- Has the methods of strings be those of the sandbox, in the whole program.
function sandbox.seal()
  local methods = copy_of("string", string)
  methods.rep = rep
  getmetatable("").__index = methods
end

return sandbox
