--- Names by template: fields, folders, and what a server may not do with them.
-- SPDX-License-Identifier: MIT

local filename = require("luadl.filename")
local merged = require("spec.support.merged")
local random = require("spec.support.random")
local template = require("luadl.template")

local NOON = os.time({ year = 2024, month = 3, day = 9, hour = 12 })

local function facts(more)
  return merged({
    url = "https://me:pw@Example.ORG:8443/pub/some%20dir/big.tar.gz?x=1#y",
    name = "big.tar.gz", now = NOON, position = 7,
  }, more)
end

local function path(text, more)
  return template.path(assert(template.parse(text)), facts(more))
end

describe("a template", function()
  for text, expected in pairs({
    ["plain"] = "plain",
    ["{host}/{date:%Y-%m}/{name}{ext}"] = "example.org/2024-03/big.tar.gz",
    ["{path}/{name}{ext}"] = "pub/some dir/big.tar.gz",
    ["{n}-{name}"] = "7-big",
    ["{n:04}{ext}"] = "0007.tar.gz",
    ["{n:4}{ext}"] = "7.tar.gz",
    ["{date}/{name}"] = "2024-03-09/big",
    ["{date:%Y/%m}/{name}"] = "2024/03/big",
    ["{date:%%Q%Ey%Om}/{name}"] = "%Q2403/big",
    ["{modified:%Y}-{name}"] = "2024-big",
    ["{{{name}}}{ext}"] = "{big}.tar.gz",
    ["{{name}}"] = "{name}",
    ["a}b"] = "a}b",
    ["/data/{name}"] = "/data/big",
    ["../{name}"] = "../big",
    ["./.cache/{name}"] = "./.cache/big",
    ["a//{name}"] = "a/big",
  }) do
    it(text .. " makes a path", function() assert.equal(expected, path(text)) end)
  end

  for text, message in pairs({
    ["{nam}"] = "a name has no field '{nam}': did you mean '{name}'?",
    ["{hots}/x"] = "a name has no field '{hots}': did you mean '{host}'?",
    ["{}"] = "a name has no field '{}'; there are host, path, name, ext, n, date, modified,"
      .. " and {{ for a brace",
    ["x{name"] = "a '{' without its end at position 2",
    ["{name{ext}}"] = "a '{' without its end at position 1",
    ["{name:x}"] = "the field '{name}' takes nothing behind it",
    ["{n:x}"] = "'x' is no width, like 04",
    ["{n:99999}"] = "'99999' is no width, like 04",
    ["{date:%Q}"] = "'%Q' is no form of a date",
    ["{date:%EQ}"] = "'%EQ' is no form of a date",
    ["{date:%E%%c}"] = "'%E%%c' is no form of a date",
    ["{date:%}"] = "'%' is no form of a date",
    ["{date:}"] = "'' is no form of a date",
    ["{date:*t}"] = "'*t' is no form of a date",
  }) do
    it(text .. " is refused", function()
      assert.same({ nil, message }, { template.parse(text) })
    end)
  end

  it("takes the server's date of the file, and today's where there is none", function()
    local before = os.time({ year = 2001, month = 2, day = 3, hour = 12 })
    assert.equal("2001-02-03.gz", path("{modified}.gz", { modified = before }))
    assert.equal("2024-03-09.gz", path("{modified}.gz"))
  end)

  it("leaves folders out of which nothing is left", function()
    assert.equal("big", path("{path}/{name}", { url = "http://h/" }))
    assert.equal("big", path("{path}/{name}", { url = "http://h" }))
  end)

  it("fails when there is no name for the file", function()
    local _, err = path("{ext}", { name = "README" })
    assert.equal("bad_name", err.kind)
    assert.matches("leaves no name", err.message)
    _, err = path("{path}/", {})
    assert.equal("bad_name", err.kind)
  end)

  it("takes any text that is escaped for itself", function()
    for _, text in ipairs({ "a{b}c", "{{", "}}", "{name}", "}{" }) do
      assert.equal(text, path(template.escape(text)))
    end
  end)
end)

describe("a server", function()
  for what, case in pairs({
    ["can't leave the folder by its path"] = {
      "{path}/{name}", { url = "http://h/a/../../%2e%2e/%2e%2e%2fetc/x" }, "a/etc/big",
    },
    ["can't add folders to other fields"] = {
      "{host}/{name}", { url = "http://h\\..\\x/y" }, "big",
    },
    ["can't hide a file"] = { "{ext}", { name = "a.bashrc" }, "_bashrc" },
    ["can't make it an option"] = { "{host}", { url = "http://-rf/x" }, "_rf" },
    ["can't give it the name of a partial file"] = {
      "{name}.part", { name = "x" }, "x.part_",
    },
    ["can't begin at the root"] = { "{path}/{name}", { url = "http://h//etc/x" }, "etc/big" },
  }) do
    it(what, function() assert.equal(case[3], path(case[1], case[2])) end)
  end

  it("never gets further than the template does, whatever it sends", function()
    local draw = random.new(3)
    local pieces = { "..", "/", "\\", ".", "%2e", "%2f", "\0", "a", "~", "-", "\226\128\174",
      ":", "@", "?", "#", "%00", " ", ".part", "CON", "\255" }
    local parsed = assert(template.parse("{host}/{path}/x{name}{ext}"))
    for _ = 1, 5000 do
      local url, name = "http://h", ""
      for _ = 1, draw(1, 10) do url = url .. pieces[draw(1, #pieces)] end
      for _ = 1, draw(1, 6) do name = name .. pieces[draw(1, #pieces)] end
      name = filename.sanitise(name) or "download"
      local result = assert(template.path(parsed, { url = url, name = name, now = NOON }))
      for component in (result .. "/"):gmatch("([^/]*)/") do
        assert.is_true(filename.is_safe(component), url .. " " .. result)
      end
    end
  end)
end)
