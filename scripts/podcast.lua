-- Fetches the episodes of a podcast that it hasn't fetched before; run it from cron.
-- luadl run scripts/podcast.lua https://example.org/feed.xml episodes

local luadl = require("luadl")
local store = require("luadl.store")
local url = require("luadl.url")
local xml = require("luadl.xml")

if not arg[2] then return nil, "usage: podcast.lua FEED FOLDER" end
local session = assert(luadl.session({ dir = arg[2] }))
local seen = assert(store.open("podcast"))

local page = assert(session:fetch(arg[1], { cache = seen, check = true }))

local episodes = {}
assert(xml.each(page.body, "rss/channel/item", function(item)
  local enclosure = item:find("enclosure")
  local id = enclosure and "seen " .. (item:text("guid") or enclosure.attributes.url)
  if id and not seen:get(id) then
    local address = url.join(page.url, enclosure.attributes.url)
    table.insert(episodes, { id = id, title = item:text("title"), url = address })
  end
end))

local function name_for(episode)
  return function(head)
    local _, extension = luadl.filename.split(luadl.filename.default(head))
    return episode.title and episode.title .. extension
  end
end

local failure
for _, episode in ipairs(episodes) do
  local file, err = session:get({ url = episode.url, name = name_for(episode) })
  if file then
    print(file.path)
    assert(seen:set(episode.id, os.time()))
  end
  failure = failure or err
end
return not failure or nil, failure
