--- The file system's faults (rows F1 to F12 and F21 to F29), through the whole command.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local library = require("luadl")
local merged = require("spec.support.merged")
local root = require("spec.support.root")
local server = require("spec.support.server")

local SIZE = 300000
local SEED = 3
local FILE = { size = SIZE, seed = SEED, etag = '"1"' }

local origin, folder, path

local function serve(name, behaviour, parameters)
  return origin:serve(name, behaviour, merged(FILE, parameters))
end

-- A body that nobody knows the end of.
local function chunked(connection, _, parameters)
  connection:status(200, { { "Transfer-Encoding", "chunked" } })
  for first = 0, parameters.size - 1, 16384 do
    connection:chunk(connection:bytes(first, math.min(first + 16384, parameters.size) - 1))
  end
  connection:last_chunk()
end

local function luadl(words, opts)
  local all = { "-n3", "--min-split", "4096", "--retry", "0", table.unpack(words) }
  all[#all + 1] = opts
  return helper.luadl(table.unpack(all))
end

-- Runs the command with system calls that fail (see spec/support/faultfs.c).
local function luadl_with(fault, words)
  return luadl(words, { env = helper.faulty(fault) })
end

local function assert_saved(result, where, size)
  assert.equal("", result.status == 0 and "" or result.stderr)
  assert.equal(server.sha256(SEED, size or SIZE), helper.sha256(where or path))
end

local function assert_refused(result, status, ...)
  assert.equal(status, result.status, result.stderr)
  for _, words in ipairs({ ... }) do
    assert.is_truthy(result.stderr:find(words, 1, true), result.stderr)
  end
end

local function need_allocation()
  if not helper.allocates(folder) then pending("the folder for temporary files is in memory") end
end

describe("the file system", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/file.bin"
  end)
  after_each(helper.finish)

  local function fails_with(fault, status, words, behaviour)
    helper.write(folder .. "/other", "kept")
    local result = luadl_with(fault, { "-o", path, serve("/fault", behaviour) })
    assert_refused(result, status, path, words)
    assert.same({ "other" }, helper.entries(folder))
    assert.equal("kept", helper.read(folder .. "/other"))
  end

  it("F1: refuses a file for which there is no room before its body is fetched", function()
    need_allocation()
    fails_with("fallocate:ENOSPC", 9, "No space left on device")
  end)

  it("F2: stops at once when the disk is full midway", function()
    fails_with("pwrite:ENOSPC:1", 9, "No space left on device")
    fails_with("pwrite:ENOSPC", 9, "No space left on device", chunked)
  end)

  it("F3: stops when the quota is used up", function()
    fails_with("pwrite:EDQUOT", 9, "quota")
    need_allocation()
    fails_with("fallocate:EDQUOT", 9, "quota")
  end)

  it("F4: stops when the disk fails", function()
    fails_with("pwrite:EIO:1", 17, "Input/output error")
  end)

  it("F5: believes no second fsync after one that failed", function()
    fails_with("fsync:EIO:0:1", 17, "Input/output error")
  end)

  it("F6: goes on after short and interrupted writes", function()
    for _, fault in ipairs({ "pwrite:SHORT", "pwrite:EINTR:0:5", "fallocate:EINTR:0:3" }) do
      local url = serve("/short")
      assert_saved(luadl_with(fault, { "--exists", "replace", "-o", path, url }))
    end
  end)

  it("F7: names the file that can't be created", function()
    fails_with("openat:EACCES", 16, "Permission denied")
    fails_with("openat:EPERM", 16, "Operation not permitted")
    fails_with("openat:EROFS", 16, "Read-only file system")
  end)

  it("F8: cuts a name that is too long for the file system, and keeps its extension", function()
    local name = ("n"):rep(300) .. ".tar.gz"
    local url = serve("/long", nil, { disposition = 'attachment; filename="' .. name .. '"' })
    assert.equal(0, luadl({ "-d", folder, url }).status)
    local saved = helper.entries(folder)[1]
    assert.is_true(#saved <= 255 - #".part.lj" and #saved > 200)
    assert.matches("^n+%.tar%.gz$", saved)
    assert_refused(luadl({ "-o", folder .. "/" .. name, url }), 1, "File name too long")
  end)

  it("F9: doesn't take a folder for the file", function()
    for _, what in ipairs({ "fail", "replace", "skip" }) do
      local result = luadl({ "--exists", what, "-o", folder, serve("/f9") })
      assert_refused(result, 13, folder, "Is a directory", "-d DIR")
    end
    assert.same({}, helper.entries(folder))
  end)

  it("F9: takes a name with a slash at its end for a folder", function()
    assert_saved(luadl({ "-o", folder .. "/sub/", serve("/f9") }), folder .. "/sub/f9")
  end)

  it("F10: leaves what a symbolic link leads to alone", function()
    local victim = folder .. "/victim"
    helper.write(victim, "kept")
    lfs.link(victim, path, true)
    local url = serve("/f10")
    assert_refused(luadl({ "-o", path, url }), 13, path, "File exists")
    assert.equal("link", lfs.symlinkattributes(path, "mode"))
    assert_saved(luadl({ "--exists", "replace", "-o", path, url }))
    assert.equal("file", lfs.symlinkattributes(path, "mode"))
    assert.equal("kept", helper.read(victim))
  end)

  it("F10: writes through no link that waits under the .part's name", function()
    local victim, part = folder .. "/victim", path .. ".part"
    helper.write(victim, "kept")
    lfs.link(victim, part, true)
    assert_refused(luadl({ "-o", path, serve("/f10") }), 1, path)
    assert.equal("kept", helper.read(victim))
    assert.is_false(helper.exists(path))
    os.remove(part)
  end)

  it("F11: refuses a fifo", function()
    helper.run({ "mkfifo", path })
    for _, what in ipairs({ "fail", "replace", "skip", "rename" }) do
      assert_refused(luadl({ "--exists", what, "-o", path, serve("/f11") }), 1, path, "regular")
    end
    assert.equal("named pipe", lfs.symlinkattributes(path, "mode"))
    assert.same({ "file.bin" }, helper.entries(folder))
  end)

  it("F12: fails, renames, replaces or skips as --exists says", function()
    local url = serve("/file.bin")
    local function again(...)
      helper.write(path, "mine")
      return luadl({ ... })
    end
    assert_refused(again("-o", path, url), 13, path, "--exists")
    assert.equal("mine", helper.read(path))
    assert.equal(0, again("--exists", "skip", "-o", path, url).status)
    assert.equal("mine", helper.read(path))
    assert_saved(again("-d", folder, url), folder .. "/file (1).bin")
    assert_saved(again("--exists", "rename", "-o", path, url), folder .. "/file (2).bin")
    assert.equal("mine", helper.read(path))
    assert_saved(again("--exists", "replace", "-d", folder, url))
  end)

  -- The server fills the name itself once the download is under way.
  local function taken_meanwhile(connection, _, parameters)
    connection:status(200, { { "Content-Length", parameters.size }, { "Accept-Ranges", "none" } })
    connection:body(0, parameters.size / 2)
    connection:await(function()
      local part = io.open(parameters.path .. ".part")
      return part and part:close()
    end, 5)
    local file = io.open(parameters.path, "w")
    file:write("theirs")
    file:close()
    connection:body(parameters.size / 2 + 1, parameters.size - 1)
  end

  local function assert_kept_as_part(result)
    assert_refused(result, 13, path, "File exists", "kept beside it as .part")
    assert.equal("theirs", helper.read(path))
    assert.equal(server.sha256(SEED, SIZE), helper.sha256(path .. ".part"))
    os.remove(path .. ".part")
    os.remove(path)
  end

  it("F12: replaces nothing that came while it worked", function()
    local url = serve("/file.bin", taken_meanwhile, { path = path })
    assert_kept_as_part(luadl({ "-o", path, url }))
    assert_saved(luadl({ "-d", folder, url }), folder .. "/file (1).bin")
    assert.equal("theirs", helper.read(path))
    os.remove(path)
    assert.equal(0, luadl({ "--exists", "skip", "-o", path, url }).status)
    assert.same({ "file (1).bin", "file.bin" }, helper.entries(folder))
  end)

  it("F18: keeps a large .part of an earlier run and says so", function()
    helper.write(path .. ".part", ("x"):rep(1048577))
    for _, what in ipairs({ "fail", "skip", "replace" }) do
      local result = luadl({ "--exists", what, "-o", path, serve("/file.bin") })
      assert_refused(result, 1, path, ".part has no journal")
    end
    assert_saved(luadl({ "-d", folder, serve("/file.bin") }), folder .. "/file (1).bin")
    assert.equal(1048577, lfs.attributes(path .. ".part", "size"))
    os.remove(path .. ".part")
  end)

  it("F21: does without preallocation where there is none", function()
    for _, errno in ipairs({ "EOPNOTSUPP", "EINVAL", "ENOSYS" }) do
      local words = { "--exists", "replace", "-o", path, serve("/f21") }
      assert_saved(luadl_with("fallocate:" .. errno, words))
    end
  end)

  it("F22: checks the size that it set", function()
    fails_with("fallocate:EOPNOTSUPP,ftruncate:EIO", 17, "Input/output error")
  end)

  it("F23: refuses what is larger than a file may be", function()
    local line = ("ulimit -f 100; exec %s/scripts/luadl --retry 0 -o %s %s")
      :format(helper.root, path, serve("/f23"))
    assert_refused(helper.run(line), 1, path, "File too large")
    assert.same({}, helper.entries(folder))
  end)

  it("F24, F25: saves files of every size at the borders of pieces", function()
    for _, size in ipairs({ 0, 1, 4095, 4096, 4097, 12287, 12288, 12289 }) do
      local url = origin:serve("/size", { size = size, seed = SEED })
      assert_saved(luadl({ "--exists", "replace", "-o", path, url }), path, size)
      assert.equal(size, lfs.attributes(path, "size"))
    end
  end)

  it("F26: publishes where the file system can't rename without replacing", function()
    local no_rename, no_link = "renameat2:EINVAL", "renameat2:EINVAL,linkat:EPERM"
    for _, fault in ipairs({ no_rename, no_link }) do
      assert_saved(luadl_with(fault, { "-o", path, serve("/f26") }))
      assert.same({ "file.bin" }, helper.entries(folder))
      os.remove(path)
      local url = serve("/file.bin", taken_meanwhile, { path = path })
      assert_kept_as_part(luadl_with(fault, { "-o", path, url }))
    end
  end)

  it("F27: is not led astray by a close that fails after the sync", function()
    assert_saved(luadl_with("close:EIO", { "-o", path, serve("/f27") }))
  end)

  it("F28: gives the file the server's time and the user's mode", function()
    local stamped = { last_modified = "Sun, 06 Nov 1994 08:49:37 GMT" }
    assert_saved(luadl({ "-o", path, serve("/f28", nil, stamped) }))
    assert.equal(784111777, lfs.attributes(path, "modification"))
    local umask = tonumber(helper.run("umask").stdout, 8)
    local mode = helper.run({ "stat", "-c", "%a", path }).stdout
    assert.equal(("%o\n"):format(tonumber("666", 8) & ~umask), mode)
  end)

  it("F28: takes no insane time", function()
    local stamped = { last_modified = "Fri, 31 Dec 9999 23:59:59 GMT" }
    assert_saved(luadl({ "-o", path, serve("/f28", nil, stamped) }))
    assert.is_true(math.abs(lfs.attributes(path, "modification") - os.time()) < 60)
  end)

  it("F28: lets nobody else read a partial file", function()
    local url = serve("/f28", server.hanging)
    local script = ([[
      umask 022
      %s/scripts/luadl -q -o %s %s & child=$!
      while ! [ -s %s.part ]; do sleep 0.01; done
      stat -c %%a %s.part
      kill -INT $child; wait $child; echo $?
    ]]):format(helper.root, path, url, path, path)
    assert.equal("600\n7\n", helper.run(script, { timeout = 10 }).stdout)
    assert.same({}, helper.entries(folder))
  end)

  it("F29: keeps the complete .part when it can't be published", function()
    for errno, status in pairs({ EIO = 17, EACCES = 16 }) do
      local fault = "renameat2:" .. errno
      local result = luadl_with(fault, { "-o", path, serve("/f29") })
      assert_refused(result, status, path)
      assert.same({ "file.bin.part" }, helper.entries(folder))
      assert.equal(server.sha256(SEED, SIZE), helper.sha256(path .. ".part"))
      os.remove(path .. ".part")
    end
  end)

  -- The folder goes once the .part is there.
  local function removing(connection, _, parameters)
    connection:status(200, { { "Content-Length", parameters.size }, { "Accept-Ranges", "none" } })
    connection:body(0, parameters.size / 2)
    connection:await(function()
      local part = io.open(parameters.folder .. "/file.bin.part")
      return part and part:close()
    end, 5)
    os.execute("rm -r '" .. parameters.folder .. "'")
    connection:body(parameters.size / 2 + 1, parameters.size - 1)
  end

  it("F29: fails when its folder is removed meanwhile", function()
    local doomed = folder .. "/doomed"
    local url = serve("/file.bin", removing, { folder = doomed })
    assert_refused(luadl({ "-d", doomed, url }), 1, doomed .. "/file.bin")
    assert.is_false(helper.exists(doomed))
  end)

  describe("of a small disk", function()
    local disk

    setup(function() disk = root.mount("256k") end)
    teardown(function() root.unmount(disk) end)

    local function need_disk()
      if not disk then pending("only root may mount a small file system") end
    end

    it("F1: refuses what doesn't fit", function()
      need_disk()
      local result = luadl({ "-d", disk, serve("/file.bin") })
      assert_refused(result, 9, disk .. "/file.bin", "No space left")
      assert.same({}, helper.entries(disk))
    end)

    it("F2: stops when a file of unknown size fills it, and leaves nothing behind", function()
      need_disk()
      helper.write(disk .. "/mine", "kept")
      local result = luadl({ "-d", disk, serve("/file.bin", chunked) })
      assert_refused(result, 9, disk .. "/file.bin", "No space left")
      assert.same({ "mine" }, helper.entries(disk))
      assert.equal("kept", helper.read(disk .. "/mine"))
      os.remove(disk .. "/mine")
    end)

    it("F2: lets the downloads on other disks go on", function()
      need_disk()
      local bad, good = serve("/bad.bin"), serve("/good.bin")
      assert_refused(luadl({ "-d", disk, bad }), 9, "bad.bin")
      assert_saved(luadl({ "-d", folder, good }), folder .. "/good.bin")
    end)

    it("F7: asks a server for nothing when the disk is read-only", function()
      need_disk()
      helper.run({ "mount", "-o", "remount,ro", disk })
      local url = serve("/f7")
      for where, option in pairs({ [""] = "-d", ["/x"] = "-o", ["/new"] = "-d" }) do
        local result = luadl({ option, disk .. where, url })
        assert_refused(result, 16, disk, "Read-only file system")
      end
      helper.run({ "mount", "-o", "remount,rw", disk })
      assert.equal(0, #origin:requests("/f7"))
    end)
  end)

  -- As somebody whom the modes of files bind.
  local function luadl_unprivileged(...)
    if not root.is() then return luadl({ ... }) end
    local words = root.as_nobody({ helper.root .. "/scripts/luadl", ... })
    return helper.run(words or pending("other users can't reach this tree"))
  end

  it("F7: asks a server for nothing when the folder is not writable", function()
    helper.run({ "chmod", "555", folder })
    local result = luadl_unprivileged("-d", folder, serve("/f7a"))
    helper.run({ "chmod", "755", folder })
    assert_refused(result, 16, folder, "Permission denied")
    assert.equal(0, #origin:requests("/f7a"))
  end)

  -- The command looks first (luadl.cli.place); a program with the library asks the engine itself.
  it("F7, F9, F11, F12: the library learns of an unusable target before any request", function()
    local url = serve("/library")
    helper.write(folder .. "/taken", "mine")
    helper.run({ "mkdir", folder .. "/folder" })
    helper.run({ "mkfifo", folder .. "/fifo" })
    local session = library.session()
    local kinds = {
      taken = "exists", folder = "exists", fifo = "not_regular", ["missing/x"] = "bad_name",
    }
    for name, kind in pairs(kinds) do
      local result, err = session:get({ url = url, output = folder .. "/" .. name })
      assert.is_nil(result)
      assert.equal(kind, err.kind)
    end
    session:close()
    assert.equal(0, #origin:requests("/library"))
    assert.equal("mine", helper.read(folder .. "/taken"))
  end)
end)
