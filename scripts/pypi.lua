-- Downloads files of a Python package from its index (PEP 503), each checked against its digest.
-- luadl -s scripts/pypi.lua --set match=-2%.31%..*whl$ https://pypi.org/simple/requests/

local luadl = require("luadl")
local html = require("luadl.html")
local url = require("luadl.url")

local settings = { match = "" } -- a pattern of Lua's for file names

local function resolve(request, ctx)
  if not request.url:find("/simple/[^/]+/$") then return nil end
  local page = assert(luadl.fetch(request.url, { context = ctx, check = true }))
  local requests = {}
  for _, link in ipairs(assert(html.links(page.body, page.url))) do
    local address, fragment = link.url:match("^([^#]*)#?(.*)$")
    local name = url.decode(address:match("[^/]*$"))
    local is_yanked = link.attributes["data-yanked"] -- taken back (PEP 592)
    if link.tag == "a" and not is_yanked and name:find(settings.match) then
      local checksum = fragment:match("^%w+=%x+$") -- sha256=...
      table.insert(requests, { url = address, checksum = checksum })
    end
  end
  return requests
end

return { label = "pypi", settings = settings, resolve = resolve }
