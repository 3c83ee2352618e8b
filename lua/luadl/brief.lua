--- Downloads that most likely need no decision: the many small files of a list.
-- SPDX-License-Identifier: MIT
--
-- Where nobody has an opinion the engine asks only when something is wrong, or when the server
-- names the file. Such a download is made from a model of the request that it shares with others,
-- and is no more than what its end needs. Whoever wants more of it, the engine with a question or a
-- caller with a method, finds a whole download in its place.

local asking = require("luadl.asking")
local download = require("luadl.download")
local ending = require("luadl.ending")
local filename = require("luadl.filename")
local options = require("luadl.options")
local requesting = require("luadl.requesting")
local target = require("luadl.target")

local brief = {}

---@class luadl.briefs
---@field private session luadl.session
---@field private model userdata|false|nil the engine's; false: this session's downloads are whole
local methods = {}
local metatable = { __name = "luadl.briefs", __index = methods }

-- What an item may say for itself: nothing of it counts before something goes wrong.
local SUITS = { url = "string", position = "number", on_retry = "function" }

-- What makes a request differ from the next one, has a say in each, or looks at each.
local UNFIT = {
  "category", "conditional", "deadline", "file_limit_rate", "make_dirs", "restart", "template",
  "timestamps", "trust_redirect_name",
  "accept", "name", "request", "resolve", "verify",
  "on_done", "on_progress", "on_start", "on_trace",
}

--- For the downloads of a session.
---@param session luadl.session
---@return luadl.briefs
function brief.new(session)
  local dir = session.defaults.dir
  return setmetatable({ session = session, dir = dir ~= "." and dir or nil }, metatable)
end

-- The model

-- Nobody of the session decides or looks on, and no two requests differ.
local function is_fit(session, opts)
  if session.pace or not session.by_host:is_empty() or opts.http == "2" then return false end
  if opts.exists ~= "rename" or session.policies[1] then return false end
  for _, name in ipairs(UNFIT) do
    if opts[name] then return false end
  end
  return true
end

local function new_model(session, url)
  local opts = options.read({ url = url }, "download", session.defaults)
  if not opts or not is_fit(session, opts) then return nil end
  local request = requesting.of({ session = session, core = session.core }, opts)
  if not request then return nil end
  request.no_resume = opts.resume == false
  request.connections = opts.connections
  return (session.engine:model(request))
end

-- One that isn't there yet; policies may have come meanwhile.
local function model_for(self, url)
  local session = self.session
  if self.policies ~= #session.policies then
    self.policies = #session.policies
    self.model = new_model(session, url) or false
  end
  return self.model
end

-- The downloads

-- In place: who has it keeps it.
local function make_whole(self)
  local was = {}
  for name, value in next, self do was[name] = value end
  setmetatable(self, nil)
  download.take_over(self, was)
end

local function end_well(self, event)
  local session = self.session
  self.engine:forget(self.id)
  session:drop(self)
  session.hosts:leave(self)
  self.done, self.result = event, ending.describe(event, {})
  self.release()
  self.keeper:on_end()
end

local own = { requests = false }

function own.handle(self, event)
  if event.kind == "done" and not event.error then return end_well(self, event) end
  make_whole(self)
  self:handle(event)
end

function own.wait(self, ...)
  if self.result then return self.result end
  make_whole(self)
  return self:wait(...)
end

local of_each = { __name = "luadl.download" }

function of_each.__index(self, name)
  if own[name] ~= nil then return own[name] end
  make_whole(self)
  return self[name]
end

local function suits(self, keeper, opts)
  for name, value in next, opts do
    if type(value) ~= SUITS[name] then return false end
  end
  local position = opts.position or 1
  if position < 1 or position % 1 ~= 0 then return false end
  local is_known = self.session.hosts:is_known(keeper.host) -- and wants peace, or few connections
  return opts.url and not is_known and not keeper.context and not keeper.wants_head
end

--- A download for an item, if it is one of these.
---@param keeper luadl.item
---@param opts table unchecked
---@return luadl.download|nil
function methods:begin(keeper, opts)
  local name = suits(self, keeper, opts) and filename.plain(opts.url)
  local model = name and model_for(self, opts.url)
  if not model then return nil end
  local session, dir = self.session, self.dir
  local id = session.engine:like(model, opts.url, dir, name)
  if not id then return nil end -- the usual way tells why
  keeper:on_named(target.join(dir, name))
  local each = setmetatable({
    session = session, engine = session.engine, id = id, given = opts, keeper = keeper,
    url = keeper.url, origin = keeper.host, target = { dir = dir, name = name },
    release = session.loop:hold(), within = asking.within(session.loop),
  }, of_each)
  session.hosts:enter(keeper.host, each)
  session:enter(each)
  return each
end

return brief
