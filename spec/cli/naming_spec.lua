--- Where the command puts files: templates for -o, and folders by rule.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local origin, folder

local function answer(connection, _, parameters)
  connection:reply(200, parameters.headers, "content\n")
end

local function serve(path, headers)
  return origin:serve(path, answer, { headers = headers or {} })
end

local function luadl(...)
  return helper.luadl("--retry", "0", "-d", folder .. "/base", ...)
end

local function files()
  local found = helper.run({ "find", ".", "-type", "f", "-printf", "%P\n" }, { cwd = folder })
  local list = {}
  for name in found.stdout:gmatch("[^\n]+") do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function assert_files(result, ...)
  assert.equal(0, result.status, result.stderr)
  assert.same({ ... }, files())
end

setup(function() origin = server.start() end)

teardown(function() origin:stop() end)

before_each(function()
  helper.begin()
  folder = helper.tmpdir()
end)

after_each(helper.finish)

describe("several -o", function()
  it("name a file each, in the order of the URLs", function()
    local one, two = serve("/pair/one"), serve("/pair/two")
    assert_files(luadl("-o", "a", one, "-o", "b", two), "base/a", "base/b")
    assert_files(luadl("-o", "c/", "-o", "{name}.d", two, one), "base/a", "base/b", "base/c/two",
      "base/one.d")
    assert.equal(1, #origin:requests("/pair/one") - 1)
  end)

  it("are refused where it isn't plain whose they are", function()
    local url = serve("/pair/none")
    local REFUSED = {
      ["given 2 times, for one URL: one is for each URL"] = { url },
      ["given 2 times, for 3 URLs"] = { url, url, url },
      ["choose one of several '--output' and '--glob'"] = { "--glob", url, url },
      ["choose one of several '--output' and '--input-file'"] = { url, url, "-i", "x" },
      ["choose one of several '--output' and '--curl'"] = { url, "--curl", "curl " .. url },
    }
    for message, words in pairs(REFUSED) do
      local result = luadl("-o", "a", "-o", "b", table.unpack(words))
      assert.equal(28, result.status, message)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    end
    local result = helper.luadl("-o", "-", url, "-o", "b", url)
    assert.matches("'%-' is for all URLs, or for none", result.stderr)
    assert.same({}, origin:requests("/pair/none"))
  end)
end)

describe("a template", function()
  it("names several files, and makes their folders", function()
    local one, two = serve("/pub/one.tar.gz"), serve("/two")
    assert_files(luadl("-o", "{host}/{path}/{n:02}-{name}{ext}", one, two),
      "base/127.0.0.1/02-two", "base/127.0.0.1/pub/01-one.tar.gz")
  end)

  it("knows the server's name for the file, and its date", function()
    local url = serve("/get", {
      { "Content-Disposition", 'attachment; filename="report.pdf"' },
      { "Last-Modified", "Sun, 09 Sep 2001 12:00:00 GMT" },
    })
    assert_files(luadl("-o", "{modified:%Y-%m}/{name}.copy{ext}", url),
      "base/2001-09/report.copy.pdf")
  end)

  it("leaves a file its name when it ends with a folder", function()
    assert_files(luadl("-o", "{host}/", serve("/a.bin")), "base/127.0.0.1/a.bin")
  end)

  it("may lead anywhere, as -o does", function()
    assert_files(luadl("-o", folder .. "/there/{name}{ext}", serve("/a.bin")), "there/a.bin")
  end)

  it("lets no server out of the folder", function()
    local url = serve("/x/..%2f..%2f../y", {
      { "Content-Disposition", 'attachment; filename="../../z"' },
    })
    local result = luadl("-o", "{path}/{name}{ext}", url)
    assert.equal(0, result.status, result.stderr)
    for _, name in ipairs(files()) do assert.matches("^base/", name) end
  end)

  it("gives way to another file of that name", function()
    local one, two = serve("/1/a.bin"), serve("/2/a.bin")
    assert_files(luadl("-j1", "-o", "x{ext}", one, two), "base/x (1).bin", "base/x.bin")
  end)

  it("takes the parts of a pattern", function()
    serve("/v1/a.bin")
    serve("/v2/a.bin")
    for _, output in ipairs({ "#1/{name}{ext}", "#1/" }) do
      assert_files(luadl("--glob", "-o", output, "--exists", "replace",
        origin.url .. "/{v1,v2}/a.bin"), "base/v1/a.bin", "base/v2/a.bin")
    end
  end)

  it("is one name where a pattern stands for one URL", function()
    assert_files(luadl("--glob", "-o", "x", serve("/a.bin")), "base/x")
  end)

  it("gives way to what a list says", function()
    serve("/a.bin")
    helper.write(folder .. "/urls.txt", origin.url .. "/a.bin\n  out=own\n" .. origin.url
      .. "/a.bin\n")
    local result = luadl("-o", "t{ext}", "-i", folder .. "/urls.txt")
    assert_files(result, "base/own", "base/t.bin", "urls.txt")
  end)

  it("is refused with the name of the right field", function()
    local result = luadl("-o", "{nme}", "http://h/")
    assert.equal(28, result.status)
    assert.is_truthy(result.stderr:find("no field '{nme}': did you mean '{name}'?", 1, true),
      result.stderr)
  end)

  it("isn't needed for a brace", function()
    assert_files(luadl("-o", "a{{b}}", serve("/a.bin")), "base/a{b}")
  end)
end)

describe("--category", function()
  it("puts a file into the folder of the first rule that fits", function()
    local film, page, other = serve("/film.mp4"), serve("/page", {
      { "Content-Type", "text/html; charset=utf-8" },
    }), serve("/other.bin")
    assert_files(luadl("--category", "video=*.mp4,*.mkv", "--category", "pages/new=text/*", film,
      page, other), "base/other.bin", "base/pages/new/page", "base/video/film.mp4")
  end)

  it("knows hosts", function()
    assert_files(luadl("--category", "local=@127.0.0.*", serve("/a.bin")), "base/local/a.bin")
  end)

  it("leaves alone what has a name already", function()
    assert_files(luadl("--category", "all=*", "-o", "x", serve("/a.bin")), "base/x")
  end)

  it("is refused where it isn't a rule", function()
    local result = luadl("--category", "video", "http://h/")
    assert.equal(28, result.status)
    assert.is_truthy(result.stderr:find("expected FOLDER=PATTERN", 1, true), result.stderr)
  end)
end)

describe("what a script makes of a URL", function()
  it("is named by the template and put into folders, too", function()
    local one = serve("/one.mp4")
    local script = helper.tmpdir() .. "/album.lua"
    helper.write(script, ("return { resolve = function() return { %q } end }"):format(one))
    assert_files(luadl("-s", script, "-o", "t/{name}{ext}", "--conditional", "album"),
      "base/t/one.mp4")
    assert_files(luadl("-s", script, "--category", "c=*.mp4", "-N", "album"),
      "base/c/one.mp4", "base/t/one.mp4")
  end)
end)
