--- The configuration: the file, the environment, the command line, and `luadl config`.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local config = require("luadl.cli.config")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

local folder, path

local function write(text)
  os.execute("mkdir -p " .. folder .. "/luadl")
  helper.write(path, text)
end

local function variables(set)
  return function(name) return (set or {})[name] end
end

local function parse(words, set)
  return arguments.parse(words, config.reader(variables(set)))
end

local function read(text, words, set)
  write(text)
  local all = { "--config", path, "http://host/file" }
  for _, word in ipairs(words or {}) do all[#all + 1] = word end
  return assert(parse(all, set))
end

local function refused(text)
  write(text)
  local request, message = parse({ "--config", path, "http://host/file" })
  assert.is_nil(request)
  return message
end

describe("the configuration", function()
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/luadl/config.lua"
  end)
  after_each(helper.finish)

  it("has globals that are options", function()
    local request = read("connections = 3\nlocal many = connections * 2\njobs = many\nquiet = true")
    assert.equal(3, request.options.connections)
    assert.equal(6, request.command.jobs)
    assert.is_true(request.command.quiet)
  end)

  it("comes after the environment, and that after the command line", function()
    local set = { LUADL_CONNECTIONS = "4", LUADL_JOBS = "5", LUADL_INSECURE = "yes" }
    local request = read("connections = 3; jobs = 3; max_size = '3M'", { "-j", "6" }, set)
    assert.equal(4, request.options.connections)
    assert.equal(6, request.command.jobs)
    assert.equal(3 * 1048576, request.options.max_size)
    assert.is_true(request.options.insecure)
  end)

  it("gives way to what contradicts it on the command line", function()
    local request = read("quiet = true", { "--verbose" })
    assert.is_true(request.command.verbose)
    assert.is_false(request.command.quiet)
  end)

  it("has tables for hosts, below what the command line says", function()
    local text = 'host["*.a.org"] = { connections = 2, retry = 1 }'
    local request = read(text, { "-n", "9" })
    assert.same({ ["*.a.org"] = { retry = 1 } }, request.options.host)
    assert.same({ ["*.a.org"] = { connections = 2, retry = 1 } }, read(text).options.host)
  end)

  it("knows the home folder, as a shell does", function()
    local request = read('dir = "~/isos"', {}, { HOME = "/home/me" })
    assert.equal("/home/me/isos", request.options.dir)
  end)

  it("says what is wrong, and where", function()
    assert.truthy(refused("conections = 3"):find("did you mean 'connections'", 1, true))
    assert.truthy(refused("conections = 3"):find(path .. ":1", 1, true))
    assert.truthy(refused("connections = 0"):find("option 'connections'", 1, true))
    assert.truthy(refused("output = 'x'"):find("unknown option 'output'", 1, true))
    assert.truthy(refused("connections ="):find("config.lua:1", 1, true))
    assert.truthy(refused("error('oops')"):find("oops", 1, true))
    assert.truthy(refused("host['a.org'] = { jobs = 2 }"):find("a.org: unknown option", 1, true))
    assert.truthy(refused("policy { nmae = 1 }"):find("did you mean 'name'", 1, true))
    local request, message = parse({ "http://host/" }, { LUADL_JOBS = "many" })
    assert.is_nil(request)
    assert.equal("LUADL_JOBS: expected an integer, got 'many'", message)
  end)

  it("is not read with --no-config, and must be there when it is named", function()
    write("connections = 3")
    local set = { XDG_CONFIG_HOME = folder }
    assert.equal(3, parse({ "http://host/" }, set).options.connections)
    assert.is_nil(rawget(parse({ "--no-config", "http://host/" }, set).options, "connections"))
    assert.is_nil((parse({ "--config", folder .. "/none.lua", "http://host/" }, set)))
    assert.is_table(parse({ "http://host/" }, { HOME = folder }))
  end)
end)

describe("the command", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    path = folder .. "/luadl/config.lua"
  end)
  after_each(helper.finish)

  it("asks with a host's headers, and lets a configured policy look on", function()
    write([[
      dir = "]] .. folder .. [["
      host["127.0.0.1"] = { headers = { ["X-Key"] = "from the file" } }
      policy { label = "mine", name = "chosen.bin" }
    ]])
    local url = origin:serve("/file", nil, { size = 1000, etag = '"a"' })
    local result = helper.luadl(url, { env = { XDG_CONFIG_HOME = folder } })
    assert.equal(0, result.status, result.stderr)
    assert.is_true(helper.exists(folder .. "/chosen.bin"))
    local sent = {}
    for _, field in ipairs(origin:requests("/file")[1].headers) do sent[field[1]] = field[2] end
    assert.equal("from the file", sent["X-Key"])
  end)

  it("prints what is in force and where it is from, but no secret", function()
    write('connections = 3\nuser = "me:hidden"\nproxy = "http://me:hidden@proxy:1"\n'
      .. 'host["a.org"] = { headers = { Key = "hidden" }, retry = 1 }')
    local result = helper.luadl("config", "-j", "2", {
      env = { XDG_CONFIG_HOME = folder, LUADL_RETRY = "7" },
    })
    assert.equal(0, result.status, result.stderr)
    local function line(text, from)
      for each in result.stdout:gmatch("[^\n]+") do
        if each:sub(1, #text) == text then return assert.equal(from, each:match("%-%- (.*)$")) end
      end
      error("no line " .. text .. " in\n" .. result.stdout, 2)
    end
    line("connections = 3", path)
    line("jobs = 2", "command line")
    line("retry = 7", "LUADL_RETRY")
    line("min_split = \"1M\"", "default")
    line('user = "..."', path)
    line('proxy = "http://proxy:1"', path)
    line('host["a.org"].headers = "..."', path)
    assert.is_nil(result.stdout:find("hidden", 1, true))
    assert.is_nil(result.stdout:find("a.org\"].retry", 1, true))
  end)

  it("refuses a wrong configuration before anything else", function()
    write("conections = 3")
    local result = helper.luadl("http://127.0.0.1:1/", { env = { XDG_CONFIG_HOME = folder } })
    assert.equal(28, result.status)
    assert.truthy(result.stderr:find("conections", 1, true), result.stderr)
  end)
end)
