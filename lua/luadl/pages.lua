--- One page after the other, as their Link headers lead to the next one (RFC 8288).
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local host = require("luadl.host")

local pages = {}

local USUAL_MOST = 1000

-- What the first page is asked with and the others aren't: their URL says all of it.
local FIRST_ONLY = { query = true, method = true, body = true, json = true, form = true }
local PERSONAL = { headers = true, user = true }

-- Another origin gets no header and no login: the caller meant them for the first one.
local function options_for(opts, from, url)
  local stranger = host.origin(from) ~= host.origin(url)
  local following = {}
  for name, value in next, opts do
    local kept = not FIRST_ONLY[name] and not (stranger and PERSONAL[name])
    if kept then following[name] = value end
  end
  following.url = url
  return following
end

local function check_most(most)
  if most == nil then return USUAL_MOST end
  if type(most) ~= "number" or most < 1 or most % 1 ~= 0 then
    error("option 'max_pages': expected an integer above 0", 3)
  end
  return most
end

local function refusal(self, url)
  if self.seen[url] then
    return errors.new("protocol", "the pages go in a circle", { url = url })
  end
  if self.count >= self.most then
    return errors.new("too_large", ("there are more than %d pages"):format(self.most), {
      url = url,
    })
  end
  return nil
end

local function look_ahead(self, page)
  local url = page.ok and page:links().next
  self.opts = url and options_for(self.opts, self.first, url) or nil
  self.problem = url and refusal(self, url) or nil
end

local function step(self)
  local opts, problem = self.opts, self.problem
  if not opts then return nil end
  self.opts, self.problem = nil, nil
  if problem then return false, problem end
  self.seen[opts.url] = true
  local page, err = self.fetch(opts)
  if not page then return false, err end
  self.seen[page.url] = true
  self.opts, self.count = opts, self.count + 1
  look_ahead(self, page)
  return page
end

--- Walks over pages: each is a luadl.page, or false with an error, and then it's over.
---@param fetch fun(opts: table): luadl.page|nil, luadl.error|nil
---@param given table options of a fetch, and `max_pages`; others than the first origin get no
--- headers and no login
---@return fun(): luadl.page|false|nil, luadl.error|nil
function pages.each(fetch, given)
  local opts = {}
  for name, value in next, given do opts[name] = value end
  opts.max_pages = nil
  local self = {
    fetch = fetch,
    opts = opts,
    first = errors.redact_url(tostring(opts.url)),
    most = check_most(given.max_pages),
    seen = {},
    count = 0,
  }
  return function() return step(self) end
end

return pages
