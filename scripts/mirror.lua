-- Mirrors a directory index with the folders below it; run again, it fetches what has changed.
-- luadl run scripts/mirror.lua https://example.org/pub/ copy

local luadl = require("luadl")
local html = require("luadl.html")
local store = require("luadl.store")
local sys = require("luadl.sys")
local url = require("luadl.url")

local session = assert(luadl.session())
local group = luadl.group(luadl.context.background(), { limit = 6 })
local dates = assert(store.open("dates", { folder = arg[2] })) -- Last-Modified, by path
local failure

local function is_there(path)
  local file = io.open(path)
  return file and file:close()
end

local function save(ctx, address, path)
  local known = is_there(path) and dates:get(path) or nil
  local file, err = session:get({
    url = address, output = path, exists = "replace", context = ctx,
    headers = { ["If-Modified-Since"] = known },
  })
  if file then
    print(path)
    if file.last_modified then assert(dates:set(path, file.last_modified)) end
  elseif err.status ~= 304 then
    failure = failure or err -- the others go on
  end
end

local function walk(ctx, folder, dir)
  assert(sys.make_directories(dir))
  local page, seen = assert(session:fetch(folder, { context = ctx, check = true })), {}
  for _, link in ipairs(assert(html.links(page.body, page.url))) do
    local is_below = link.tag == "a" and link.url:sub(1, #page.url) == page.url
    local name, slash = link.url:sub(#page.url + 1):match("^([^/?#]+)(/?)$")
    if is_below and name and not seen[name] then
      seen[name] = true
      local path = dir .. "/" .. assert(luadl.filename.sanitise(url.decode(name)))
      group:go(slash == "/" and walk or save, link.url, path)
    end
  end
end

group:go(walk, arg[1], arg[2])
assert(group:wait())
return not failure or nil, failure
