-- Keeps a folder as a file of checksums says: fetches what is new or has changed, and checks it.
-- luadl --quiet --jobs 2 -s scripts/nightly.lua -d copy https://example.org/nightly/SHA256SUMS

local luadl = require("luadl")
local digest = require("luadl.digest")
local url = require("luadl.url")

local function request_for(list, name, sum)
  return {
    url = url.join(list, (name:gsub("[^/]+", url.encode))),
    dir = assert(luadl.filename.path(name:match("^.*/") or "")),
    name = name:match("[^/]+$"),
    checksum = "sha256:" .. sum,
    exists = "replace",
  }
end

local function resolve(request, ctx)
  if not request.url:find("SHA256SUMS$") then return nil end
  local page = assert(luadl.fetch(request.url, { context = ctx, check = true }))
  local requests = {}
  for sum, name in page.body:gmatch("(%x+) [ *](%C+)") do
    local path = request.dir .. "/" .. assert(luadl.filename.path(name))
    if digest.file("sha256", path) ~= sum:lower() then
      table.insert(requests, request_for(page.url, name, sum))
    end
  end
  return requests
end

return { label = "nightly", resolve = resolve }
