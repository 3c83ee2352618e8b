-- Downloads the pages of a sitemap, or of an index of sitemaps, into folders as on the site.
-- luadl -s scripts/sitemap.lua --set match=/docs/ -d copy https://example.org/sitemap.xml

local luadl = require("luadl")
local codec = require("luadl.codec")
local url = require("luadl.url")
local xml = require("luadl.xml")

local settings = { match = "" } -- a pattern of Lua's: which pages

local function read(address, ctx)
  local page = assert(luadl.fetch(address, { context = ctx, check = true }))
  local is_packed = page.body:sub(1, 2) == "\31\139"
  return is_packed and assert(codec.gunzip(page.body)) or page.body
end

local function collect(text, path)
  local found = {}
  assert(xml.each(text, path, function(element) found[#found + 1] = element:text() end))
  return found
end

local function request_for(address)
  local folder = url.decode(url.parse(address).path):match("^.*/")
  return { url = address, dir = luadl.filename.path(folder) }
end

local function resolve(request, ctx)
  if not request.url:find("%.xml") then return nil end
  local requests, text = {}, read(request.url, ctx)
  local texts = { text }
  for _, each in ipairs(collect(text, "sitemapindex/sitemap/loc")) do
    texts[#texts + 1] = read(each, ctx)
  end
  for _, each in ipairs(texts) do
    for _, address in ipairs(collect(each, "urlset/url/loc")) do
      if address:find(settings.match) then requests[#requests + 1] = request_for(address) end
    end
  end
  return requests
end

return { settings = settings, resolve = resolve }
