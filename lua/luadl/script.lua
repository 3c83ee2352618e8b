--- Loads a policy from a file: of somebody who is trusted, or into the sandbox.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local policy = require("luadl.policy")
local sandbox = require("luadl.sandbox")

local script = {}

local MOST_REDIRECTS = 10

local function read_text(path)
  local file, message = io.open(path, "rb")
  local text
  if file then text, message = file:read("*a") end
  if file then file:close() end
  if text then return (text:gsub("^#[^\n]*", "")) end
  local reason = (message or "it can't be read"):gsub("^.*: ", "")
  return nil, errors.new("usage", ("cannot read the script %s: %s"):format(path, reason))
end

local function label_of(path)
  return (path:match("[^/]+$") or path)
end

-- Its own label goes before the file's name.
local function reader(label)
  return function(given)
    local read, message = policy.read(given)
    if not read then return nil, ("%s: %s"):format(label, message) end
    read.label = read.label or label
    return read
  end
end

-- Trusted

local function run_trusted(text, name, label)
  local chunk, message = (loadstring or load)(text, name) -- luacheck: ignore loadstring
  if not chunk then return nil, errors.new("usage", message) end
  local thread = coroutine.create(chunk)
  local ok, result = coroutine.resume(thread, label)
  if not ok then return nil, errors.wrap_thrown(result, label, thread) end
  local read, wrong = reader(label)(result)
  if not read then return nil, errors.new("usage", wrong) end
  return read
end

-- In the sandbox: a fetch asks declared hosts alone, wherever a redirect leads.

local FETCH = {
  url = true, method = true, body = true, json = true, form = true, query = true, headers = true,
  user = true, max_size = true, range = true, timeout = true, deadline = true, check = true,
}

local function fetch_options(url, opts)
  local copy = {}
  for name, value in next, opts or {} do
    if not FETCH[name] then
      error(("fetch: the option '%s' is not for the sandbox"):format(tostring(name)), 0)
    end
    copy[name] = value
  end
  copy.url, copy.max_redirects, copy.check = url, 0, nil
  return copy
end

-- The host of the download that it is asked about is one that somebody else has named.
local function check_host(self, session, url)
  local about = session.loop:owner()
  if not self.policy or not policy.may_ask(self.policy, url, about and about.opts.url) then
    error(("%s: it has not declared the host of %s"):format(self.label, errors.redact_url(url)), 0)
  end
end

local function location_of(page)
  local location = page.status >= 300 and page.status < 400 and page.headers:get("location")
  return location and require("luadl.url").join(page.url, location)
end

local function fetch_for(session)
  return function(self, url, opts)
    if type(url) ~= "string" then error("fetch: a URL is expected", 0) end
    local asked = fetch_options(url, opts)
    for _ = 0, MOST_REDIRECTS do
      check_host(self, session, asked.url)
      local page, err = session:fetch(asked)
      local location = page and location_of(page)
      if not location and page and opts and rawget(opts, "check") then return page:check() end
      if not location then return page, err end
      asked = fetch_options(location) -- as a plain GET, without what was meant for the first host
    end
    return nil, errors.new("redirect_limit", "too many redirects", { url = url })
  end
end

local function world_of(session)
  return {
    now = session.core.now,
    sleep = function(seconds) session.loop:sleep(seconds) end,
    fetch = fetch_for(session),
  }
end

local function run_sandboxed(text, name, label, session, opts)
  return sandbox.load(text, name, {
    label = label, world = world_of(session), read = reader(label),
    instructions = opts.instructions, memory = opts.memory,
  })
end

-- Settings

local function apply(read, settings)
  for name, value in pairs(settings or {}) do
    local ok, message = policy.set(read, name, value)
    if not ok then return nil, errors.new("usage", message) end
  end
  return read
end

--- Loads a policy.
---@param session luadl.session what it fetches with in the sandbox
---@param path string a Lua file that returns the policy
---@param opts { sandbox: boolean?, settings: table?, instructions: integer?, memory: integer? }|nil
---@return luadl.policy|nil
---@return luadl.error|nil
function script.load(session, path, opts)
  local text, err = read_text(path)
  if not text then return nil, err end
  local run = opts and opts.sandbox and run_sandboxed or run_trusted
  local read, wrong = run(text, "@" .. path, label_of(path), session, opts)
  if not read then return nil, wrong end
  return apply(read, opts and opts.settings)
end

return script
