-- Offsets past 4 GiB (and past 2 GiB): every byte of a sparse file of 5 GiB lands where it belongs.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local GIB, MIB = 2 ^ 30, 2 ^ 20
local SIZE = 5 * GIB + 12345
local ROOM = 6 * GIB

-- Known bytes around each offset that 31 or 32 bits would get wrong, and at both ends.
local MARKS = { 0, GIB, 2 * GIB - MIB / 2, 4 * GIB - MIB / 2, SIZE - MIB }

local function make_sparse(path)
  local file = assert(io.open(path, "wb"))
  for seed, offset in ipairs(MARKS) do
    file:seek("set", math.floor(offset))
    assert(file:write(server.content(seed, 0, MIB - 1)))
  end
  assert(file:close())
end

local function free_bytes(folder)
  local answer = helper.run({ "df", "--output=avail", "-B1", folder }).stdout
  return tonumber(answer:match("(%d+)%s*$")) or 0
end

local function free_memory()
  local kilobytes = (helper.read("/proc/meminfo") or ""):match("MemAvailable:%s*(%d+)")
  return (tonumber(kilobytes) or 0) * 1024
end

-- Memory where there is plenty, because a disk takes its time for so many bytes.
local function roomy_folder()
  if free_memory() > 2 * ROOM and free_bytes("/dev/shm") > ROOM then
    return helper.run({ "mktemp", "-d", "-p", "/dev/shm" }).stdout:match("%S+")
  end
  local folder = helper.make_folder()
  if free_bytes(folder) > ROOM then return folder end
  helper.remove_folder(folder)
  return nil
end

local function check_marks(path)
  local file = assert(io.open(path, "rb"))
  assert.equal(math.floor(SIZE), file:seek("end"))
  for seed, offset in ipairs(MARKS) do
    file:seek("set", math.floor(offset))
    assert.is_true(file:read(MIB) == server.content(seed, 0, MIB - 1), "wrong at " .. offset)
    assert.is_true(seed == #MARKS or file:read(MIB) == ("\0"):rep(MIB), "wrong after " .. offset)
  end
  file:close()
end

describe("a file of 5 GiB", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("comes whole, over eight connections", function()
    local folder = roomy_folder()
    if not folder then
      pending("needs 6 GiB of free space for temporary files")
      return
    end
    local web = nginx.start({ root = folder .. "/root" })
    finally(function()
      web:stop()
      helper.remove_folder(folder)
    end)
    make_sparse(web.root .. "/large")
    local session = luadl.session()
    local result, err = session:get({ url = web.url .. "/large", dir = folder, connections = 8 })
    session:close()
    assert.is_nil(err)
    assert.equal(math.floor(SIZE), result.size)
    check_marks(result.path)
    assert.is_false(helper.exists(result.path .. ".part"))
  end)
end)
