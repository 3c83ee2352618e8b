-- Downloads a WebDAV folder with all that is below it.
-- luadl -s scripts/webdav.lua -u me:secret -d copy https://cloud.example.org/dav/folder/

local luadl = require("luadl")
local url = require("luadl.url")
local xml = require("luadl.xml")

-- What is in a folder (RFC 4918, section 9.1); the folder itself is among it.
local function entries(folder, ctx)
  local found = {}
  local page = assert(luadl.fetch(folder, {
    method = "PROPFIND", headers = { Depth = "1" }, context = ctx, check = true,
  }))
  assert(xml.each(page.body, "multistatus/response", function(response)
    local address = assert(url.join(folder, response:text("href")))
    local is_folder = response:find("propstat/prop/resourcetype/collection") ~= nil
    if is_folder and address:sub(-1) ~= "/" then address = address .. "/" end
    found[#found + 1] = { url = address, is_folder = is_folder }
  end))
  return found
end

local function walk(root, folder, requests, ctx)
  for _, entry in ipairs(entries(folder, ctx)) do
    local is_below = #entry.url > #folder and entry.url:sub(1, #folder) == folder
    if is_below and entry.is_folder then
      walk(root, entry.url, requests, ctx)
    elseif is_below then
      local inside = url.decode(entry.url:sub(#root + 1)):match("^.*/") or ""
      requests[#requests + 1] = { url = entry.url, dir = luadl.filename.path(inside) }
    end
  end
  return requests
end

return {
  resolve = function(request, ctx)
    if request.url:sub(-1) ~= "/" then return nil end
    return walk(request.url, request.url, {}, ctx)
  end,
}
