--- Who is asked and told about a download: its own policies and observers, then the scripts'.
-- SPDX-License-Identifier: MIT
--
-- The first with an opinion decides. A function in the options is asked before all scripts; a mere
-- value in them is what counts when nobody has an opinion.

local errors = require("luadl.errors")
local lifetime = require("luadl.lifetime")
local policy = require("luadl.policy")
local scheme = require("luadl.scheme")
local retry = require("luadl.retry")

local asking = {}

local NOBODY = {}

local unpack = table.unpack or unpack -- luacheck: ignore unpack

-- These belong to one request: their value is an opinion, too.
local OWN_VALUE = {
  name = true, resolve = true, request = true, accept = true, renew = true,
  verify = true,
}

-- Nil: they neither decide nor look on.
local function own_script(opts)
  local own
  for _, name in ipairs(policy.names()) do
    local value = opts[name]
    if value ~= nil and (type(value) == "function" or OWN_VALUE[name]) then
      own = own or {}
      own[name] = value
    end
  end
  return own
end

--- The scripts that are asked or told just now: they have no say in what they begin meanwhile.
---@param loop luadl.loop
---@return table|nil within { script =, above = }
function asking.within(loop)
  return loop.current and loop.current.within
end

local function is_within(within, script)
  while within do
    if within.script == script then return true end
    within = within.above
  end
  return false
end

-- On what anybody has something to say: most downloads ask a dozen times, and nobody answers.
local function subjects_of(scripts)
  local subjects = {}
  for _, script in ipairs(scripts) do
    for _, name in ipairs(policy.names()) do
      if script[name] ~= nil then subjects[name] = true end
    end
  end
  return subjects
end

--- Everybody who has a say in a download with these options, in order.
---@param opts table
---@param policies luadl.policy[]|nil the session's
---@param within table|nil who has begun it
---@return luadl.policy[] scripts with `subjects`: on what anybody has something to say
function asking.scripts(opts, policies, within)
  local scripts = { own_script(opts) }
  for _, script in ipairs(policies or NOBODY) do
    if not is_within(within, script) then scripts[#scripts + 1] = script end
  end
  scripts.subjects = subjects_of(scripts)
  return scripts
end

local function said(script, what)
  return script.label and script.label .. ": " .. what or what
end

-- Nil with an error is a failure, as everywhere in luadl, and no lack of an opinion.
local function check_failure(err)
  if errors.is(err) or type(err) == "string" then error(err, 0) end
end

-- All of them get the download's context as the last argument.
local function with_context(self, ...)
  local count, list = select("#", ...) + 1, { ... }
  list[count] = lifetime.context(self)
  return unpack(list, 1, count)
end

-- What it throws names its script.
local function call(self, script, what, run, ...)
  local task = self.loop.current
  local before, above = self.loop:describe(said(script, what)), task.within
  task.within = { script = script, above = self.within }
  local answer, more = run(with_context(self, ...))
  if answer == nil then check_failure(more) end
  self.loop:describe(before)
  task.within = above
  return answer, more
end

--- Whether anybody decides or looks on there.
---@param self luadl.download
---@param name string
---@return boolean
function asking.has(self, name)
  return self.scripts.subjects[name] or false
end

--- What the first with an opinion answers.
---@param self luadl.download
---@param name string the policy
---@param ... any what it is asked about
---@return any answer nil: nobody has an opinion
---@return any more what it answered besides
---@return luadl.policy|nil script whose answer it is
function asking.ask(self, name, ...)
  for _, script in ipairs(self.scripts) do
    local answer, more = script[name], nil
    if type(answer) == "function" then
      answer, more = call(self, script, name .. " policy", answer, ...)
    end
    if answer ~= nil then return answer, more, script end
  end
  return nil
end

--- Ends the task: the answer can't be used.
---@param script luadl.policy|nil
---@param message string
function asking.refuse(script, message)
  error(script and said(script, message) or message, 0)
end

--- Ends the task when the script has declared other hosts than this URL's and the download's.
---@param self luadl.download
---@param script luadl.policy|nil
---@param url string
function asking.check_host(self, script, url)
  if type(url) ~= "string" then asking.refuse(script, "a URL is expected") end
  local meant = self.core.redact(url) -- to the engine "file:/x" is one of file, too
  if not scheme.may_answer(meant, self.opts.url, script and script.sandboxed) then
    asking.refuse(script, "it may not have this fetched: " .. errors.redact_url(url))
  end
  if not script or policy.may_ask(script, url, self.opts.url) then return end
  asking.refuse(script, "it has declared other hosts than that of " .. errors.redact_url(url))
end

--- One of some words, of the policies, the options or the default; false means no: "fail".
---@param self luadl.download
---@param name string
---@param words table<string, boolean>
---@param default string
---@param question table
---@return string
function asking.word(self, name, words, default, question)
  local word, _, script = asking.ask(self, name, question)
  local value = self.opts[name]
  if word == nil and type(value) ~= "function" then word = value end
  if word == nil then word = default end
  if word and not words[word] then
    asking.refuse(script, ("the %s policy answered '%s'"):format(name, tostring(word)))
  end
  return word or "fail"
end

local CHANGES = { "url", "renew", "fewer", "single", "fresh", "restart" }

-- Read raw: it is the script's own table (L-10).
local function read_change(self, script, change)
  if change == nil then return nil end
  local copy = {}
  for _, name in ipairs(CHANGES) do copy[name] = rawget(change, name) end
  if copy.url ~= nil then asking.check_host(self, script, copy.url) end
  return copy
end

local function default_retry(self, fault)
  local opts = self.opts
  self.backoff = self.backoff or retry.backoff({
    tries = type(opts.retry) == "number" and opts.retry or nil,
    max_retry_after = opts.max_retry_after,
  })
  return self.backoff(fault)
end

--- Whether and when to try again, of the policies or the default one.
---@param self luadl.download
---@param fault table
---@return number|false delay seconds; false: not at all
---@return table|nil change what to do differently
function asking.retry(self, fault)
  local delay, change, script = asking.ask(self, "retry", fault)
  if delay == nil then delay, change = default_retry(self, fault) end
  local usable = type(delay) == "number" and delay == delay
  if delay and not (usable and (change == nil or type(change) == "table")) then
    asking.refuse(script, "the retry policy must answer a delay in seconds and perhaps a table")
  end
  return delay, delay and read_change(self, script, change)
end

--- Tells all observers, one after the other: what one throws keeps no other from being told.
---@param self luadl.download
---@param name string
---@param ... any what there is to tell
---@return luadl.error|nil failure of the first that threw
function asking.tell(self, name, ...)
  local failure
  for _, script in ipairs(self.scripts) do
    if script[name] then
      local what = said(script, name)
      local task = self.loop:spawn(what, script[name], with_context(self, ...))
      task.within = { script = script, above = self.within }
      self.loop:await(task.ended)
      failure = failure or task.failure
    end
  end
  return failure
end

return asking
