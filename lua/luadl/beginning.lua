--- Before anything is asked for: which requests a URL stands for, and what the first one sends.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local attempt = require("luadl.attempt")
local ending = require("luadl.ending")
local errors = require("luadl.errors")
local host = require("luadl.host")
local resolving = require("luadl.resolving")
local target = require("luadl.target")

local beginning = {}

local BEFORE = { "request", "on_start" }

local NO_FILE = "the URL stands for no file"
local MANY = "the URL stands for %d files: session:resolve lists them"

-- Which URL it is of, and whether that is to take the place of a record's.
local function find_url(self)
  local opts, err = self.opts, nil
  if type(opts.resume) == "string" then
    self.replaces, err = target.continue(self.core, opts)
  end
  if not opts.url then return nil, err end
  self.url = self.core.redact(opts.url)
  self.origin = host.origin(self.url)
  return not err, err
end

--- Makes these the download's options.
---@param self luadl.download
---@param opts table checked
---@return boolean|nil
---@return luadl.error|nil
function beginning.take(self, opts)
  self.opts, self.scripts = opts, asking.scripts(opts, self.session.policies, self.within)
  return find_url(self)
end

--- Whether anybody has a say before the first request.
---@param self luadl.download
---@return boolean
function beginning.is_wanted(self)
  for _, name in ipairs(BEFORE) do
    if asking.has(self, name) then return true end
  end
  return self.unfold or (self.opts.resolve ~= false and asking.has(self, "resolve"))
end

-- One URL may stand for another one, for none, or for many.
local function resolve(self)
  if self.info or self.opts.resolve == false then return true end
  local requests, err = resolving.ask(self)
  if not requests then return nil, err end
  self.requests = requests
  if self.unfold then return true end
  if #requests == 0 then return nil, errors.new("cancelled", NO_FILE, { url = self.url }) end
  if #requests > 1 then
    return nil, errors.new("usage", MANY:format(#requests), { url = self.url })
  end
  self.requests = nil
  return beginning.take(self, requests[1])
end

local function announce(self)
  local failure = not self.info and asking.tell(self, "on_start", self)
  if failure then return nil, failure end
  local opts
  self.wish, opts = attempt.ask(self)
  self.opts = opts or self.opts
  return true
end

--- Asks the policies and tells the observers; what comes of it is in the download.
---@param self luadl.download
---@return boolean|nil true when it may go on
---@return luadl.error|nil
function beginning.prepare(self)
  local ok, err = resolve(self)
  if not ok or self.unfold or ending.is_near(self) then return ok, err end
  return announce(self)
end

return beginning
