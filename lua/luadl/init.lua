--- luadl: downloads that Lua decides.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local core = require("luadl.core")
local filename = require("luadl.filename")
local group = require("luadl.group")
local hub = require("luadl.hub")
local options = require("luadl.options")
local retry = require("luadl.retry")
local run = require("luadl.run")
local session = require("luadl.session")

local luadl = {
  --- luadl's own.
  ---@type string
  version = core.version,

  --- A session: see `luadl.session.new`.
  ---@type fun(opts: luadl.options.session?): luadl.session?, luadl.error?
  session = session.new,

  --- A group: see `luadl.group.new`.
  ---@type fun(ctx: luadl.context, opts: { limit: integer? }?): luadl.group
  group = group.new,

  --- Monotonic seconds: what deadlines are on.
  ---@type fun(): number
  now = core.now,

  --- The module luadl.filename.
  filename = filename,

  --- The module luadl.retry.
  retry = retry,

  context = {},
}

local shared

-- One session serves all plain calls: its connections are used again.
local function shared_session()
  if not shared or not shared.engine then shared = assert(session.new()) end
  return shared
end

--- From now on plain calls such as `luadl.get` use this session.
---@param given luadl.session
function luadl.share(given)
  shared = given
end

--- Seconds since the epoch.
---@return integer
function luadl.time()
  return os.time()
end

--- Downloads one file; blocks, also outside any coroutine.
---@param url string
---@param opts luadl.options.download|nil
---@return luadl.result|nil
---@return luadl.error|nil
function luadl.get(url, opts)
  local request = options.with_url(url, opts)
  return shared_session():get(request)
end

--- A batch of downloads: see luadl.session's `batch`.
---@param opts luadl.options.batch|nil
---@return luadl.batch|nil
---@return luadl.error|nil
function luadl.batch(opts)
  local made, err = shared_session():batch(opts)
  return made, err
end

--- An answer in memory: see luadl.session's `fetch`.
---@param url string|luadl.options.fetch
---@param opts luadl.options.fetch|nil
---@return luadl.page|nil
---@return luadl.error|nil
function luadl.fetch(url, opts)
  local request = options.with_url(url, opts)
  return shared_session():fetch(request)
end

--- One page after the other: see luadl.session's `pages`.
---@param url string|luadl.options.pages
---@param opts luadl.options.pages|nil
---@return fun(): luadl.page|false|nil, luadl.error|nil
function luadl.pages(url, opts)
  local request = options.with_url(url, opts)
  return shared_session():pages(request)
end

--- A resource as a stream: see luadl.session's `stream`.
---@param url string|luadl.options.stream
---@param opts luadl.options.stream|nil
---@return luadl.stream stream
function luadl.stream(url, opts)
  local request = options.with_url(url, opts)
  return shared_session():stream(request)
end

--- Waits; other tasks go on.
---@param seconds number
function luadl.sleep(seconds)
  hub.get().loop:sleep(seconds)
end

--- The root of a tree of contexts: see luadl.context.
---@return luadl.context
function luadl.context.background()
  return context.background(hub.get().loop)
end

--- Runs `program(ctx)` as a task, and waits until it and all that it started have ended: tasks of
--- groups, downloads. `ctx` ends then, or as soon as the program fails.
---@param program fun(ctx: luadl.context): ...
---@return any ... what the program returned; nil and an error of kind "callback", with a traceback,
--- when it threw
function luadl.run(program)
  local loop = hub.get().loop
  return run(loop, program)
end

return luadl
