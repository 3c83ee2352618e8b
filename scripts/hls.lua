-- Saves an HLS stream as one file: the best variant, byte ranges, AES-128, segments in order.
-- luadl run scripts/hls.lua https://example.org/master.m3u8 film.ts

local luadl = require("luadl")
local codec = require("luadl.codec")
local url = require("luadl.url")

if not arg[2] then return nil, "usage: hls.lua PLAYLIST FILE" end
local session = assert(luadl.session())

local function fetch(address, range, ctx)
  return assert(session:fetch(address, { range = range, context = ctx, check = true }))
end

local function attribute(text, name) -- of NAME=value,NAME="a value"
  return text:match("%f[%w-]" .. name .. '="(.-)"') or text:match("%f[%w-]" .. name .. "=([^,]*)")
end

local page, best, most = fetch(arg[1]), nil, 0
for tag, variant in page.body:gmatch("#EXT%-X%-STREAM%-INF:(%C*)%c+([^#%c]+)") do
  local bandwidth = tonumber(attribute(tag, "BANDWIDTH"))
  if bandwidth > most then best, most = url.join(page.url, variant), bandwidth end
end
if best then page = fetch(best) end
local pieces, key, part, stop = {}, nil, nil, 0
local number = tonumber(page.body:match("#EXT%-X%-MEDIA%-SEQUENCE:(%d+)") or 0)
local function add(address, bytes) -- "COUNT@FIRST"; without FIRST right behind the one before
  local count, first = (bytes or ""):match("^(%d+)@?(%d*)$")
  first = tonumber(first) or stop
  stop = first + (count or 0)
  local range = count and { first, stop - 1 }
  table.insert(pieces, { url = address, range = range, key = key, number = number })
end
for line in page.body:gmatch("%C+") do
  local tag, value = line:match("^#EXT%-X%-(%u+):(.*)$")
  if tag == "KEY" then key = attribute(value, "METHOD") == "AES-128" and value or nil end
  if tag == "MAP" then add(attribute(value, "URI"), attribute(value, "BYTERANGE")) end
  if tag == "BYTERANGE" then part = value end
  if not line:find("^#") then
    add(line, part)
    part, number = nil, number + 1
  end
end

local function load_piece(ctx, piece)
  local bytes = fetch(url.join(page.url, piece.url), piece.range, ctx).body
  if not piece.key then return bytes end
  local secret = fetch(url.join(page.url, attribute(piece.key, "URI")), nil, ctx).body
  local iv = attribute(piece.key, "IV") or ("%x"):format(piece.number)
  iv = codec.hex_decode((("0"):rep(32) .. iv:gsub("^0[xX]", "")):sub(-32))
  return codec.aes_decrypt("cbc", secret, iv, bytes)
end

local file = assert(io.open(arg[2] .. ".part", "wb"))
for first = 1, #pieces, 6 do -- so many at once
  local few = { table.unpack(pieces, first, first + 5) }
  local group = luadl.group(luadl.context.background())
  assert(file:write(table.unpack(assert(group:map(few, load_piece)))))
end
assert(file:close() and os.rename(arg[2] .. ".part", arg[2]))
