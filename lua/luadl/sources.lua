--- Where else to ask for a download's file: a fresh link, or a mirror.
-- SPDX-License-Identifier: MIT
--
-- One link serves all ranges: who fails while it is made waits for it, who failed before it came
-- goes on with it. Wherever it leads, the file's identity is checked as ever.

local asking = require("luadl.asking")
local errors = require("luadl.errors")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")
local types = require("luadl.options.types")

local sources = {}

local LIST = { type = "list" }

local NOT_TAKEN = "what is sent isn't taken elsewhere"

-- The engine says of a URL that it doesn't ask only what kind of reason there is.
local function refusal(err, url)
  local message = err.kind == "redirect_forbidden" and NOT_TAKEN or err.message
  return errors.new(err.kind, message, { url = url })
end

--- Asks this URL from now on.
---@param self luadl.download
---@param url string
---@return boolean|nil
---@return luadl.error|nil
function sources.use(self, url)
  local ok, err = self.engine:renew(self.id, url)
  if not ok then return nil, refusal(err, url) end
  self.renewals, self.renewed_at = self.renewals + 1, self.core.now()
  trace.note(self, "renew", "from now on", { url = self.core.redact(url) })
  transfer.hurry(self)
  return true
end

local function change(self, event, fault, find)
  while self.renewing and not self.ended.fired do self.loop:await(transfer.turn(self)) end
  if transfer.is_void(self, event) or self.renewals ~= event.renewals then return true end
  self.renewing = true
  local url = find(self, fault)
  self.renewing = false
  if self.ended.fired then return true end
  if not url then return nil, fault.error end
  return sources.use(self, url)
end

-- Links that ran out

-- The policy's link, or the original URL, from which a redirect leads to a fresh one; else false.
local function fresh_link(self, fault)
  local url, _, script = asking.ask(self, "renew", fault)
  if url == nil then return fault.redirected and self.opts.url or false end
  if url and type(url) ~= "string" then
    asking.refuse(script, "the renew policy must answer a URL")
  end
  if url then asking.check_host(self, script, url) end
  return url
end

--- Has the link renewed.
---@param self luadl.download
---@param event table of the request that failed
---@param fault table
---@return boolean|nil true when there is one that this request hasn't asked yet
---@return luadl.error|nil
function sources.renew(self, event, fault)
  return change(self, event, fault, fresh_link)
end

-- Mirrors

local function read_mirrors(script, answer)
  if not answer then return {} end
  local list, message = types.read(LIST, type(answer) == "string" and { answer } or answer)
  if not list then asking.refuse(script, "the mirror policy answered: " .. message) end
  return list
end

-- Those that weren't tried yet.
local function ask_mirrors(self, fault)
  local answer, _, script = asking.ask(self, "mirror", fault)
  local value = self.opts.mirror
  if answer == nil and type(value) ~= "function" then answer = value end
  local fresh = {}
  for _, url in ipairs(read_mirrors(script, answer)) do
    asking.check_host(self, script, url)
    if not self.tried[url] then fresh[#fresh + 1] = url end
  end
  return fresh
end

local function next_mirror(self, fault)
  self.tried = self.tried or { [self.opts.url] = true }
  if not (self.mirrors and self.mirrors[1]) then self.mirrors = ask_mirrors(self, fault) end
  local url = table.remove(self.mirrors, 1)
  if not url then return false end
  self.tried[url], self.mirror = true, url
  return url
end

--- Turns to the next mirror when this URL is given up.
---@param self luadl.download
---@param event table of the request that failed
---@param fault table
---@return boolean|nil true when there is one that this request hasn't asked yet
---@return luadl.error|nil
function sources.turn(self, event, fault)
  local ok, err = change(self, event, fault, next_mirror)
  if not ok then return ok, err end
  self.spent = self.spent or {} -- failures of ranges at URLs that were given up
  self.spent[event.range[1]] = event.attempt
  return ok, err
end

--- Failures of this range at the present URL.
---@param self luadl.download
---@param event table
---@return integer
function sources.attempt(self, event)
  local spent = self.spent and self.spent[event.range[1]] or 0
  return event.attempt > spent and event.attempt - spent or event.attempt
end

return sources
