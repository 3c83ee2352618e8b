--- Files that are there already: --conditional has the server decide, -N their dates and sizes.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local OLD, NEW = 1000000000, 1000001000 -- seconds since the epoch

local web, root, folder, path, source

local function write(content, time)
  helper.write(source, content)
  assert(lfs.touch(source, time, time))
end

local function luadl(...)
  return helper.luadl("--retry", "0", "-d", folder, ...)
end

local function assert_saved(result, content)
  assert.equal(0, result.status, result.stderr)
  assert.equal(content, helper.read(path))
  assert.is_nil(result.stderr:find("not modified", 1, true), result.stderr)
end

local function assert_kept(result, content)
  assert.equal(0, result.status, result.stderr)
  assert.equal(content, helper.read(path))
  assert.is_truthy(result.stderr:find("file.bin  not modified, skipped", 1, true), result.stderr)
end

setup(function()
  root = helper.make_folder()
  source = root .. "/file.bin"
  web = nginx.start({ root = root })
end)

teardown(function()
  web:stop()
  helper.remove_folder(root)
end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
  path = folder .. "/file.bin"
  write("old", OLD)
end)

after_each(helper.finish)

describe("--conditional", function()
  it("downloads what isn't there", function()
    assert_saved(luadl("--conditional", web.url .. "/file.bin"), "old")
  end)

  it("downloads nothing while the file is the same", function()
    luadl(web.url .. "/file.bin")
    assert_kept(luadl("--conditional", web.url .. "/file.bin"), "old")
    assert_kept(luadl("--conditional", "-o", "file.bin", web.url .. "/file.bin"), "old")
  end)

  it("replaces the file when it has changed", function()
    luadl(web.url .. "/file.bin")
    write("new one", NEW)
    assert_saved(luadl("--conditional", web.url .. "/file.bin"), "new one")
    assert_kept(luadl("--conditional", web.url .. "/file.bin"), "new one")
  end)

  it("keeps the old file when the new one doesn't come", function()
    luadl(web.url .. "/file.bin")
    write("new one", NEW)
    local wrong = luadl("--conditional", "--checksum", "md5:" .. ("0"):rep(32),
      web.url .. "/file.bin")
    assert.equal(32, wrong.status, wrong.stderr)
    assert.equal("old", helper.read(path))
    os.remove(path .. ".part")
    os.remove(path .. ".part.lj")
  end)

  it("says in JSON that nothing was downloaded", function()
    luadl(web.url .. "/file.bin")
    local result = luadl("--conditional", "--json", web.url .. "/file.bin")
    assert.equal(0, result.status, result.stderr)
    assert.is_truthy(result.stdout:find('"skipped":"not modified"', 1, true), result.stdout)
  end)

  it("asks behind redirects, too", function()
    local origin = server.start()
    local url = origin:redirect("/moved/file.bin", web.url .. "/file.bin")
    assert_saved(luadl(url), "old")
    assert_kept(luadl("--conditional", url), "old")
    write("new one", NEW)
    assert_saved(luadl("--conditional", url), "new one")
    origin:stop()
  end)

  it("asks in the first request alone", function()
    local origin = server.start()
    local size = 2 ^ 20
    local url = origin:serve("/file.bin", nil, { size = size, seed = 3, etag = '"3"' })
    helper.write(path, "old")
    local result = luadl("--conditional", "-n4", "--min-split", "64K", url)
    assert_saved(result, server.content(3, 0, size - 1))
    local asked = {}
    for index, request in ipairs(origin:requests("/file.bin")) do
      if request:header("if-modified-since") then asked[#asked + 1] = index end
    end
    assert.is_true(#origin:requests("/file.bin") > 1)
    assert.same({ 1 }, asked)
    origin:stop()
  end)

  it("takes no 304 that it hasn't asked for", function()
    local origin = server.start()
    local url = origin:serve("/file.bin", function(connection) connection:status(304, {}) end)
    local result = luadl("--conditional", url)
    assert.equal(22, result.status, result.stderr)
    assert.is_false(helper.exists(path))
    origin:stop()
  end)

  it("asks by the ETag that the archive has of the file there", function()
    local origin = server.start()
    local archive = folder .. "/archive"
    local url = origin:serve("/file.bin", function(connection, request, parameters)
      if request.headers["if-none-match"] == parameters.etag then
        return connection:status(304, { { "ETag", parameters.etag } })
      end
      connection:reply(200, { { "ETag", parameters.etag } }, parameters.etag)
    end, { etag = '"1"' })
    local function again() return luadl("--conditional", "--archive", archive, url) end
    assert_saved(again(), '"1"')
    assert_kept(again(), '"1"')
    helper.write(path, "mine")
    assert_saved(again(), '"1"')
    assert_kept(again(), '"1"')
    origin:stop()
  end)

  it("looks at the dates itself where there is no HTTP", function()
    assert_saved(luadl("--conditional", "file://" .. source), "old")
    assert_kept(luadl("--conditional", "file://" .. source), "old")
    write("new", NEW)
    assert_saved(luadl("--conditional", "file://" .. source), "new")
  end)

  it("is no choice beside --exists", function()
    local result = luadl("--conditional", "--exists", "rename", "http://h/")
    assert.equal(28, result.status, result.stderr)
  end)
end)

describe("-N", function()
  it("downloads what isn't there, and nothing while it is the same", function()
    assert_saved(luadl("-N", web.url .. "/file.bin"), "old")
    assert_kept(luadl("-N", web.url .. "/file.bin"), "old")
  end)

  it("replaces an older file", function()
    luadl(web.url .. "/file.bin")
    write("new", NEW)
    assert_saved(luadl("-N", web.url .. "/file.bin"), "new")
  end)

  it("replaces one of another size", function()
    luadl(web.url .. "/file.bin")
    write("longer", OLD - 1000)
    assert_saved(luadl("-N", web.url .. "/file.bin"), "longer")
  end)

  it("keeps one that is newer than the server's", function()
    luadl(web.url .. "/file.bin")
    write("eld", OLD - 1000)
    assert_kept(luadl("--timestamps", web.url .. "/file.bin"), "old")
  end)

  it("replaces what has no date on the server", function()
    local origin = server.start()
    local url = origin:serve("/file.bin", function(connection) connection:reply(200, {}, "one") end)
    luadl(url)
    assert_saved(luadl("-N", url), "one")
    assert.is_false(helper.exists(folder .. "/file (1).bin"))
    origin:stop()
  end)
end)
