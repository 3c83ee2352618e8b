--- scripts/hls.lua: variants, byte ranges, keys and the order of segments.
-- SPDX-License-Identifier: MIT

local codec = require("luadl.codec")
local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local KEY, IV = "0123456789abcdef", ("\1"):rep(16)

local MASTER = [[#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1,mp4a"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=1920x1080
hd/index.m3u8?t=1
#EXT-X-STREAM-INF:BANDWIDTH=500000
mid.m3u8
]]

local function encrypt(bytes, iv)
  return assert(codec.aes_encrypt("cbc", KEY, iv, bytes))
end

describe("scripts/hls.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    site:record("/film/master.m3u8", { body = MASTER })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function save(playlist)
    return recorded.run("hls", site.url .. playlist, folder .. "/film.ts")
  end

  local function saved()
    return helper.read(folder .. "/film.ts")
  end

  it("takes the variant with the most bandwidth, and its segments in their order", function()
    local lines, whole = { "#EXTM3U" }, {}
    for number = 1, 20 do
      whole[number] = ("segment %d;"):format(number)
      lines[#lines + 1] = ("#EXTINF:4.0,\r\n%d.ts"):format(number)
      site:record(("/film/hd/%d.ts"):format(number), { body = whole[number] })
    end
    site:record("/film/hd/index.m3u8", { query = "t=1", body = table.concat(lines, "\r\n") })
    local result = save("/film/master.m3u8")
    assert.equal(0, result.status, result.stderr)
    assert.equal(table.concat(whole), saved())
  end)

  it("takes parts of a file, one behind the other where nothing else is said", function()
    site:record("/all.mp4", { body = "headONETWOxxxTHREE" })
    site:record("/ranges.m3u8", { body = [[#EXTM3U
#EXT-X-MAP:URI="all.mp4",BYTERANGE="4@0"
#EXTINF:4,
#EXT-X-BYTERANGE:3@4
all.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:3
all.mp4
#EXT-X-BYTERANGE:5@13
all.mp4
]] })
    local result = save("/ranges.m3u8")
    assert.equal(0, result.status, result.stderr)
    assert.equal("headONETWOTHREE", saved())
  end)

  it("decrypts, with the vector that is given or the segment's number", function()
    site:record("/key", { body = KEY })
    site:record("/1.ts", { body = encrypt("one", IV) })
    site:record("/2.ts", { body = encrypt("two", ("\0"):rep(15) .. "\8") })
    site:record("/3.ts", { body = "three" })
    site:record("/secret.m3u8", { body = [[#EXTM3U
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x01010101010101010101010101010101
1.ts
#EXT-X-KEY:METHOD=AES-128,URI="{site}/key"
2.ts
#EXT-X-KEY:METHOD=NONE
3.ts
]] })
    local result = save("/secret.m3u8")
    assert.equal(0, result.status, result.stderr)
    assert.equal("onetwothree", saved())
  end)

  it("says how it is called", function()
    local result = recorded.run("hls")
    assert.equal(1, result.status)
    assert.equal("luadl: usage: hls.lua PLAYLIST FILE\n", result.stderr)
  end)

  it("makes no file when a segment is missing", function()
    site:record("/lost.m3u8", { body = "#EXTM3U\n1.ts\n" })
    local result = save("/lost.m3u8")
    assert.equal(3, result.status)
    assert.matches("^luadl: .* answered 404[^\n]*\n$", result.stderr)
    assert.is_nil(saved())
    os.remove(folder .. "/film.ts.part")
  end)
end)
