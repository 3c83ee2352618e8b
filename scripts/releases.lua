-- Downloads what a project has released on a code host, each release into a folder of its own.
-- GITHUB_TOKEN=x luadl -s scripts/releases.lua --set match=deb$ https://api.github.com/repos/ME/IT

local luadl = require("luadl")
local json = require("luadl.json")

local settings = { match = "" } -- a pattern of Lua's for "TAG/NAME": which files

local function headers(accept)
  local token = os.getenv("GITHUB_TOKEN")
  return { Accept = accept, Authorization = token and "Bearer " .. token }
end

-- The bytes are on another host, to which a redirect leads: it doesn't get the token.
local function request_for(release, asset)
  return {
    url = asset.url,
    headers = headers("application/octet-stream"),
    dir = assert(luadl.filename.path(release.tag_name)),
    name = asset.name,
    expect = { size = asset.size },
    checksum = asset.digest ~= json.null and asset.digest or nil,
  }
end

local function resolve(request, ctx)
  if not request.url:find("/repos/[^/]+/[^/]+$") then return nil end
  local requests = {}
  local opts = {
    headers = headers("application/json"), query = { per_page = 100 }, context = ctx, check = true,
  }
  for page, err in luadl.pages(request.url .. "/releases", opts) do
    for _, release in ipairs(assert(assert(page, err):json())) do
      for _, asset in ipairs(release.assets) do
        local is_wanted = (release.tag_name .. "/" .. asset.name):find(settings.match)
        if is_wanted then table.insert(requests, request_for(release, asset)) end
      end
    end
  end
  return requests
end

return { label = "releases", settings = settings, resolve = resolve }
