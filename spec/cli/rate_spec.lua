-- The options of the command that slow it down: rates of bytes, and of files.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SIZE, SEED = 512 * 1024, 9
local RATE = 256 * 1024
local LEAST = SIZE / (RATE * 1.03) - 0.1 -- seconds; a tenth of one may come at once

describe("luadl", function()
  local web, root, folder, path, sum

  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    helper.write(root .. "/small", "small")
    sum = server.sha256(SEED, SIZE)
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
  end)

  after_each(helper.finish)

  local function assert_saved(result)
    assert.equal(0, result.status, result.stderr)
    assert.equal(sum, helper.sha256(path))
  end

  for _, flag in ipairs({ "--limit-rate", "--host-limit-rate", "--file-limit-rate" }) do
    it("keeps to " .. flag, function()
      local result = helper.luadl(flag, "256K", "-o", path, web.url .. "/file.bin")
      assert_saved(result)
      assert.is_true(result.elapsed >= LEAST, result.elapsed .. " s")
    end)
  end

  it("keeps to the rate of the hour", function()
    local now, later = os.date("%H:%M", os.time() - 120), os.date("%H:%M", os.time() + 600)
    local schedule = now .. "-" .. later .. "=256K"
    local result = helper.luadl("--limit-rate", schedule, "-o", path, web.url .. "/file.bin")
    assert_saved(result)
    assert.is_true(result.elapsed >= LEAST, result.elapsed .. " s")
  end)

  it("has no limit at another hour", function()
    local from, to = os.date("%H:%M", os.time() + 7200), os.date("%H:%M", os.time() + 7800)
    local schedule = from .. "-" .. to .. "=1"
    assert_saved(helper.luadl("--limit-rate", schedule, "-o", path, web.url .. "/file.bin"))
  end)

  it("begins with a file as often as --rate says", function()
    local small = web.url .. "/small"
    local result = helper.luadl("--rate", "5/s", "-d", folder, small, small, small, small)
    assert.equal(0, result.status, result.stderr)
    assert.is_true(result.elapsed >= 0.6, result.elapsed .. " s")
  end)

  it("says what is wrong with a rate", function()
    for flag, message in pairs({
      ["--limit-rate"] = "option '--limit-rate': 'fast' is not a rate like '2M'",
      ["--file-limit-rate"] = "option '--file-limit-rate': 'fast' is not a rate like '2M'",
      ["--rate"] = "option '--rate': expected a pace like '30/min', got 'fast'",
    }) do
      local result = helper.luadl(flag, "fast", web.url .. "/small")
      assert.equal(28, result.status)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    end
  end)
end)
