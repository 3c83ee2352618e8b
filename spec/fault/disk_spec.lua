--- The disk's faults in the middle of files that get a record (rows F1 to F7, F21 to F29): what is
-- said, what stays, and that the same command goes on once the cause is gone. files_spec.lua has
-- the small ones, which begin anew.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local process = require("spec.support.process")
local root = require("spec.support.root")
local server = require("spec.support.server")

local SIZE = 3 * 1048576 + 4711
local SEED = 5
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }

local origin, folder, path

local function chunked(connection, _, parameters)
  connection:status(200, { { "Transfer-Encoding", "chunked" }, { "ETag", parameters.etag } })
  for first = 0, parameters.size - 1, 65536 do
    connection:chunk(connection:bytes(first, math.min(first + 65536, parameters.size) - 1))
  end
  connection:last_chunk()
end

local function serve(name, behaviour, parameters)
  return origin:serve(name, behaviour, merged(FILE, parameters))
end

local function luadl(words, env)
  local all = { "-n3", "--min-split", "65536", "--retry", "0", table.unpack(words) }
  all[#all + 1] = { env = env }
  return helper.luadl(table.unpack(all))
end

local function luadl_with(fault, words)
  return luadl(words, helper.faulty(fault))
end

local function check_refused(result, status, words)
  assert.equal(status, result.status, result.stderr)
  assert.truthy(result.stderr:find(words, 1, true), result.stderr)
  assert.is_nil(result.stderr:find("internal error", 1, true), result.stderr)
end

-- The same command without the fault: the whole file, and nothing beside it.
local function check_continued(words, where, ...)
  local result = luadl(words)
  assert.equal(0, result.status, result.stderr)
  assert.equal(server.sha256(SEED, SIZE), helper.sha256(where))
  assert.same({ ... }, helper.entries((where:gsub("/[^/]*$", ""))))
end

local function need_allocation()
  if not helper.allocates(folder) then pending("the folder for temporary files is in memory") end
end

-- row, the fault, status, the words, what else is to be known of it
local FAULTS = {
  { "F1: no room at the start", "fallocate:ENOSPC", 9, "No space left", allocates = true },
  { "F1: no room for the record", "journal-fallocate:ENOSPC", 9, "No space left",
    allocates = true },
  { "F2: a disk that is full midway", "pwrite:ENOSPC:2", 9, "No space left" },
  { "F2: a disk that is full at once", "pwrite:ENOSPC", 9, "No space left" },
  { "F2: a disk that is full midway, length unknown", "pwrite:ENOSPC:2", 9, "No space left",
    behaviour = chunked },
  { "F3: a quota used up at the start", "fallocate:EDQUOT", 9, "quota", allocates = true },
  { "F3: a quota used up midway", "pwrite:EDQUOT:2", 9, "quota" },
  { "F4: a write that fails midway", "pwrite:EIO:2", 17, "Input/output error" },
  { "F4: a first write that fails", "pwrite:EIO", 17, "Input/output error" },
  { "F5: a last sync that fails once", "fsync:EIO:0:1", 17, "Input/output error" },
  { "F7: a part that can't be opened", "openat:EACCES", 16, "Permission denied" },
  { "F7: a record that can't be opened", "journal-openat:EACCES", 16, "Permission denied" },
  { "F7: a disk that is read-only", "openat:EROFS", 16, "Read-only file system" },
  { "F22: a size that can't be set", "fallocate:EOPNOTSUPP,ftruncate:EIO", 17,
    "Input/output error" },
  { "F29: a rename that fails", "renameat2:EIO", 17, "Input/output error" },
  { "F29: a rename that is forbidden", "renameat2:EACCES", 16, "Permission denied" },
}

-- What has to be borne.
local HARMLESS = {
  { "F5: a record that can't be synced any more", "journal-fdatasync:EIO:2" },
  { "F5: a record that can't be written any more", "journal-pwrite:EIO:2" },
  { "F2: a record that gets no room any more", "journal-pwrite:ENOSPC:2" },
  { "F6: short writes", "pwrite:SHORT" },
  { "F6: interrupted writes", "pwrite:EINTR:0:20" },
  { "F6: an interrupted allocation", "fallocate:EINTR:0:3" },
  { "F6: short writes of the record", "journal-pwrite:SHORT:0:1" },
  { "F6: interrupted writes of the record", "journal-pwrite:EINTR:0:3" },
  { "F21: no preallocation", "fallocate:EOPNOTSUPP,journal-fallocate:EOPNOTSUPP" },
  { "F21: no preallocation, said otherwise", "fallocate:EINVAL,journal-fallocate:EINVAL" },
  { "F21: no preallocation, said by an old kernel", "fallocate:ENOSYS,journal-fallocate:ENOSYS" },
  { "F21: no early write-back", "sync_file_range:ENOSYS" },
  { "F26: no rename without replacing", "renameat2:EINVAL" },
  { "F26: neither that nor links", "renameat2:EINVAL,linkat:EPERM" },
  { "F27: a close that fails", "close:EIO,journal-close:EIO" },
}

describe("the disk", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
    helper.write(folder .. "/other", "kept")
  end)
  after_each(function()
    helper.run("rm -rf " .. folder .. "/*")
    helper.finish()
  end)

  for _, fault in ipairs(FAULTS) do
    it(fault[1] .. " is an error; the same command goes on when it is over", function()
      if fault.allocates then need_allocation() end
      local words = { "-o", path, serve("/fault", fault.behaviour) }
      check_refused(luadl_with(fault[2], words), fault[3], fault[4])
      assert.is_false(helper.exists(path))
      assert.equal("kept", helper.read(folder .. "/other"))
      check_continued(words, path, "file.bin", "other")
    end)
  end

  for _, fault in ipairs(HARMLESS) do
    it(fault[1] .. " is borne", function()
      for _, behaviour in ipairs({ false, chunked }) do
        local words = { "--exists", "replace", "-o", path, serve("/borne", behaviour or nil) }
        local result = luadl_with(fault[2], words)
        assert.equal(0, result.status, result.stderr)
        assert.equal(server.sha256(SEED, SIZE), helper.sha256(path))
        assert.same({ "file.bin", "other" }, helper.entries(folder))
      end
    end)
  end

  -- A checkpoint before the fault: some of it, then a pause, then more.
  local function in_two_parts(connection, request, parameters)
    local first = request.range and request.range.first or 0
    local part = parameters.size * 3 // 8
    connection:status(206, {
      { "Content-Range", ("bytes %d-%d/%d"):format(first, parameters.size - 1, parameters.size) },
      { "Content-Length", parameters.size - first }, { "ETag", parameters.etag },
    })
    if first < part then
      connection:body(first, part - 1)
      connection:sleep(parameters.pause)
      first = part
    end
    connection:body(first, parameters.size - 1)
  end

  local function asked(name)
    local log = origin:requests(name)
    local first = log[#log].head:match("Range: bytes=(%d+)%-")
    return tonumber(first)
  end

  it("F4: what was on the disk before a write failed isn't asked for again", function()
    local url = serve("/halves", in_two_parts, { pause = 2.5 })
    local words = { "-n1", "-o", path, url }
    check_refused(luadl_with("pwrite:EIO:4", words), 17, "Input/output error")
    serve("/halves", in_two_parts, { pause = 0 })
    check_continued(words, path, "file.bin", "other")
    assert.is_true(asked("/halves") > 0, "all of it was asked for again")
  end)

  it("F5: what was not on the disk when a sync failed is asked for again", function()
    local url = serve("/voided", in_two_parts, { pause = 1.5 })
    local words = { "-n1", "-o", path, url }
    check_refused(luadl_with("fsync:EIO:0:1,fdatasync:EIO:0:1", words), 17, "Input/output error")
    serve("/voided", in_two_parts, { pause = 0 })
    check_continued(words, path, "file.bin", "other")
    assert.equal(0, asked("/voided"))
  end)

  it("F23: a limit of a file's size is told before anything is fetched", function()
    local url = serve("/limited")
    local line = ("ulimit -f 1000; exec %s/scripts/luadl --retry 0 -o %s %s")
      :format(helper.root, path, url)
    check_refused(helper.run(line), 1, "File too large")
    assert.is_false(helper.exists(path))
    check_continued({ "-o", path, url }, path, "file.bin", "other")
  end)

  it("F23: a limit of a file's size is told when it is met, where no length was", function()
    local url = serve("/limited-chunks", chunked)
    local line = ("ulimit -f 1000; exec %s/scripts/luadl --retry 0 -o %s %s")
      :format(helper.root, path, url)
    check_refused(helper.run(line), 1, "File too large")
    assert.is_false(helper.exists(path))
    check_continued({ "-o", path, url }, path, "file.bin", "other")
  end)

  it("F29: a folder that may not be written any more loses nothing", function()
    if not root.is() then pending("needs another user to be") end
    local url = serve("/locked-out", in_two_parts, { pause = 1 })
    local words = { helper.root .. "/scripts/luadl", "--retry", "0", "-n1", "-o", path, url }
    words = root.as_nobody(words) or pending("other users can't reach this tree")
    helper.run({ "chmod", "777", folder })
    local line = ([[
      %s & child=$!
      while ! [ -s %s.part ]; do sleep 0.01; done
      chmod 555 %s
      wait $child
    ]]):format(process.command(words), path, folder)
    check_refused(helper.run(line, { timeout = 10 }), 16, "Permission denied")
    assert.is_false(helper.exists(path))
    helper.run({ "chmod", "777", folder })
    local again = helper.run(words)
    assert.equal(0, again.status, again.stderr)
    assert.equal(server.sha256(SEED, SIZE), helper.sha256(path))
  end)

  describe("of little room", function()
    local disk

    setup(function() disk = root.mount("4m") end)
    teardown(function() root.unmount(disk) end)
    before_each(function()
      if not disk then pending("only root may mount a small file system") end
      helper.run("rm -f " .. disk .. "/*")
    end)

    local function fill(bytes)
      helper.write(disk .. "/ballast", ("x"):rep(bytes))
    end

    for _, case in ipairs({
      { "F1: that doesn't hold the file is told, and enough is made", 2000000 },
      { "F1: that doesn't hold the record either is told, and enough is made", 4190000 },
      { "F2: that ends midway of an unknown length is told, and enough is made", 2000000, chunked },
    }) do
      it(case[1], function()
        fill(case[2])
        local words = { "-d", disk, serve("/file.bin", case[3]) }
        check_refused(luadl(words), 9, "No space left")
        assert.is_false(helper.exists(disk .. "/file.bin"))
        assert.equal(case[2], lfs.attributes(disk .. "/ballast", "size"))
        os.remove(disk .. "/ballast")
        check_continued(words, disk .. "/file.bin", "file.bin")
      end)
    end
  end)
end)
