--- scripts/webdav.lua: folders in folders, a login, and links that lead elsewhere.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local LOGIN = { authorization = "^Basic bWU6c2VjcmV0$" } -- me:secret

local function response(href, is_folder)
  return ("<d:response><d:href>%s</d:href><d:propstat><d:prop><d:resourcetype>%s</d:resourcetype>"
    .. "</d:prop></d:propstat></d:response>"):format(href, is_folder and "<d:collection/>" or "")
end

local function multistatus(...)
  return '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">' .. table.concat({ ... })
    .. "</d:multistatus>"
end

describe("scripts/webdav.lua", function()
  local site, folder

  local function record_folder(path, ...)
    site:record(path, {
      { method = "PROPFIND", status = 207, body = multistatus(...),
        with = { authorization = LOGIN.authorization, depth = "^1$" } },
      { method = "PROPFIND", status = 401 },
    })
  end

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    record_folder("/dav/", response("/dav/", true), response("/dav/a.txt"),
      response("{site}/dav/in%20side", true), response("/etc/passwd"), response("/other/", true))
    record_folder("/dav/in%20side/", response("/dav/in%20side/", true),
      response("/dav/in%20side/b%26.txt"), response("/dav/", true))
    site:record("/dav/a.txt", { with = LOGIN, body = "a" })
    site:record("/dav/in%20side/b%26.txt", { with = LOGIN, body = "b" })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  it("copies a folder with all that is below it, and nothing else", function()
    local result = recorded.load("webdav", "-u", "me:secret", "-d", folder, site.url .. "/dav/")
    assert.equal(0, result.status, result.stderr)
    assert.equal("a", helper.read(folder .. "/a.txt"))
    assert.equal("b", helper.read(folder .. "/in side/b&.txt"))
    assert.same({}, site:requests("/etc/passwd"))
    assert.same({}, site:requests("/other/"))
    assert.equal(1, #site:requests("/dav/"))
  end)

  it("fails where the login is refused", function()
    local result = recorded.load("webdav", "-u", "me:wrong", "-d", folder, site.url .. "/dav/")
    assert.equal(24, result.status)
    assert.is_truthy(result.stderr:find("answered 401", 1, true), result.stderr)
  end)
end)
