--- `luadl doctor`: what is here, and what is missing.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")

local GONE = [[error("module '%s' not found")]]
local SAID = "luadl: the Lua module argparse is missing; luadl doctor says more\n"

local function doctor(env)
  return helper.luadl("doctor", { env = env })
end

describe("luadl doctor", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("tells versions, protocols and files, and ends with 0 where nothing is missing", function()
    local result = doctor()
    assert.equal(0, result.status, result.stdout)
    assert.truthy(result.stdout:find("\nok       libcurl %d+%.%d+"), result.stdout)
    assert.truthy(result.stdout:find("protocols: http, https", 1, true))
    assert.is_nil(result.stdout:find("missing", 1, true))
  end)

  it("finds what is missing or wrong, and ends with 1", function()
    local folder = helper.tmpdir()
    os.execute("mkdir -p " .. folder .. "/luadl")
    helper.write(folder .. "/luadl/config.lua", "conections = 3")
    local result = doctor({ XDG_CONFIG_HOME = folder })
    assert.equal(1, result.status, result.stdout)
    assert.truthy(result.stdout:find("missing  configuration: .*conections"), result.stdout)
  end)

  it("looks at the environment, though there is no configuration", function()
    local result = doctor({ LUADL_JOBS = "many" })
    assert.equal(1, result.status, result.stdout)
    assert.truthy(result.stdout:find("LUADL_JOBS: expected an integer", 1, true), result.stdout)
  end)

  it("names what is missing to start with, and Debian's package of it", function()
    local folder = helper.tmpdir()
    for _, name in ipairs({ "argparse", "dkjson" }) do
      helper.write(folder .. "/" .. name .. ".lua", GONE:format(name))
    end
    local env = { LUA_PATH = folder .. "/?.lua;;" }
    local result = doctor(env)
    assert.equal(1, result.status, result.stderr)
    for _, name in ipairs({ "argparse", "dkjson" }) do
      local line = ("missing  %s: all but luadl doctor needs it (on Debian `apt install lua-%s`")
        :format(name, name)
      assert.truthy(result.stdout:find(line, 1, true), result.stdout)
    end
    local other = helper.luadl("http://127.0.0.1:1/", { env = env })
    assert.equal(SAID, other.stderr)
    assert.equal(1, other.status)
  end)

  it("finds each missing part of what is built", function()
    for name, line in pairs({
      sys = "missing  the engine: ", url_core = "missing  the engine: ",
      poll = "missing  the engine: ", outlet = "missing  luadl.outlet: -o - needs it",
    }) do
      local folder = helper.tmpdir()
      os.execute("mkdir -p " .. folder .. "/luadl")
      helper.write(folder .. "/luadl/" .. name .. ".lua", GONE:format("luadl." .. name))
      local result = doctor({ LUA_PATH = folder .. "/?.lua;;" })
      assert.equal(1, result.status, name)
      assert.truthy(result.stdout:find(line, 1, true), name .. ": " .. result.stdout)
      assert.equal("", result.stderr)
    end
  end)

  it("refuses what it can't obey, as `luadl man` and others do", function()
    for _, words in ipairs({ { "doctor", "x" }, { "man", "x" }, { "completion", "bash", "x" } }) do
      local result = helper.luadl(table.unpack(words))
      assert.equal(28, result.status)
      assert.truthy(result.stderr:find("'x' is one word too many", 1, true), result.stderr)
    end
  end)

  it("shows proxies without their login", function()
    local result = doctor({
      https_proxy = "http://me:hidden@proxy:3128", http_proxy = "me:hidden@plain:3128",
    })
    assert.truthy(result.stdout:find("https_proxy: http://proxy:3128", 1, true), result.stdout)
    assert.truthy(result.stdout:find("http_proxy: plain:3128", 1, true), result.stdout)
    assert.is_nil(result.stdout:find("hidden", 1, true))
  end)
end)
