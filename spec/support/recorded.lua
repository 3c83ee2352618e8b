-- Recorded answers on a local server: what a site said, path by path, for scripts to run against.
-- SPDX-License-Identifier: MIT
--
--   local site = recorded.start()
--   site:record("/feed.xml", { headers = { { "ETag", '"1"' } }, body = "<rss>{site}</rss>" })
--   site:record("/api/list", {
--     { query = "page=2", body = "[]" },
--     { with = { authorization = "^Bearer " }, body = "[1]" },
--     { status = 401 },
--   })
--
-- An answer has `status` (200), `headers`, `body` (""), all plain values. It is given to requests
-- that meet what it names: `method` (GET and HEAD), `query` (as it is sent), `with` (patterns by
-- header in lower case), `sent` (a pattern for the request's body). The first that fits is given.
-- Parts and conditions (ETag, Last-Modified) are answered as a good server does. "{site}" in
-- headers and bodies of text is the site's URL.

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local recorded = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.recorded" }

-- The behaviour; it runs in the server's process, so all of it is in one function.
local function play(connection, request, parameters)
  local sent = connection:read_body(request)
  local query = request.target:match("%?(.*)$")

  local function fits(answer)
    local is_read = request.method == "GET" or request.method == "HEAD"
    if answer.method ~= request.method and (answer.method or not is_read) then return false end
    if answer.query and answer.query ~= query then return false end
    if answer.sent and not sent:find(answer.sent) then return false end
    for name, pattern in pairs(answer.with or {}) do
      if not (request.headers[name] or ""):find(pattern) then return false end
    end
    return true
  end

  local function is_known(answer)
    for _, header in ipairs(answer.headers) do
      local name = header[1]:lower()
      local condition = name == "etag" and "if-none-match"
        or name == "last-modified" and "if-modified-since"
      if condition and request.headers[condition] == header[2] then return true end
    end
    return false
  end

  local function give(answer)
    local status, body, range = answer.status or 200, answer.body or "", request.range
    if status ~= 200 then return connection:reply(status, answer.headers, body) end
    if is_known(answer) then return connection:status(304, answer.headers) end
    if not range or body == "" then return connection:reply(200, answer.headers, body) end
    local last = math.min(range.last or #body - 1, #body - 1)
    local part = ("bytes %d-%d/%d"):format(range.first, last, #body)
    local headers = { { "Content-Range", part }, table.unpack(answer.headers) }
    return connection:reply(206, headers, body:sub(range.first + 1, last + 1))
  end

  for _, answer in ipairs(parameters.answers) do
    if fits(answer) then return give(answer) end
  end
  return connection:reply(404, {}, "nothing recorded\n")
end

local function with_site(text, url)
  return (text:gsub("{site}", url))
end

-- Bytes that aren't text stay as they are.
local function fill(answer, url)
  local filled = { headers = {} }
  for name, value in pairs(answer) do filled[name] = filled[name] or value end
  for index, header in ipairs(answer.headers or {}) do
    filled.headers[index] = { header[1], with_site(header[2], url) }
  end
  if answer.body and utf8.len(answer.body) then filled.body = with_site(answer.body, url) end
  return filled
end

--- Starts a site. Fields: url ("http://127.0.0.1:PORT"), server.
function recorded.start()
  local origin = server.start()
  return setmetatable({ server = origin, url = origin.url }, metatable)
end

--- What the site says to requests for this path: one answer, or a list of which the first fits.
---@param path string what stands before a "?" in the request's target
---@param answers table
---@return string url
function methods:record(path, answers)
  if not answers[1] then answers = { answers } end
  local filled = {}
  for index, answer in ipairs(answers) do filled[index] = fill(answer, self.url) end
  return self.server:serve(path, play, { answers = filled })
end

--- The requests to a path: see spec.support.server.
function methods:requests(path)
  return self.server:requests(path)
end

function methods:stop()
  self.server:stop()
end

--- Runs scripts/NAME.lua as a program; the rest as with helper.luadl.
function recorded.run(name, ...)
  return helper.luadl("run", ("%s/scripts/%s.lua"):format(helper.root, name), ...)
end

--- Loads scripts/NAME.lua as a policy; the rest as with helper.luadl.
function recorded.load(name, ...)
  return helper.luadl("-s", ("%s/scripts/%s.lua"):format(helper.root, name), ...)
end

return recorded
