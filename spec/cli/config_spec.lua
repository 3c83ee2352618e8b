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

  it("has variables beside it, of which those that are almost right are told", function()
    local env = {
      LUADL_CONECTIONS = "3", LUADL_OUTPUT = "f", LUADL_JOBS = "2", LUADL_HOME = "/srv/luadl",
    }
    local UNKNOWN = "LUADL_CONECTIONS is unknown: did you mean LUADL_CONNECTIONS?"
    local ONCE = "LUADL_OUTPUT counts for nothing: that is said anew in each command line"
    local shown = helper.luadl("config", { env = env }).stdout
    assert.truthy(shown:find("\n-- " .. UNKNOWN .. "\n-- " .. ONCE .. "\n", 1, true), shown)
    local list = folder .. "/list"
    helper.write(list, "")
    local told = helper.luadl("--json", "-i", list, { env = env }).stderr
    assert.equal(1, select(2, told:gsub("\nluadl: warning: LUADL_", "")), told)
    assert.truthy(told:find("^luadl: warning: LUADL_CONECTIONS is unknown"), told)
    assert.equal("", helper.luadl("-q", "-i", list, { env = env }).stderr)
    local seen = helper.luadl("doctor", { env = env }).stdout
    assert.truthy(seen:find("note     " .. UNKNOWN, 1, true), seen)
    assert.is_nil((shown .. told .. seen):find("LUADL_HOME", 1, true))
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

  it("says how results are shown where nothing else was typed", function()
    local json = read("json = true")
    assert.is_true(json.command.json)
    assert.is_nil(json.options.json) -- the session has no such option
    assert.is_false(read("json = true", { "-w", "x" }).command.json)
    assert.is_false(read("json = true", { "-o", "-" }).command.json)
    assert.is_false(read("json = true", { "--progress", "bar" }).command.json)
    assert.is_nil(read("progress = 'bar'; write_out = 'x'", { "--json" }).command.progress)
    assert.truthy(refused("json = true; progress = 'bar'"):find("'--json'", 1, true))
  end)

  it("has policies in the place of options, for any number of files", function()
    local request = read("renew = function() end", { "http://host/other" })
    assert.is_function(request.options.renew)
  end)

  it("has secrets in files, where the environment names them with @", function()
    os.execute("mkdir -p " .. folder .. "/luadl")
    helper.write(folder .. "/token", "abc\n")
    local request = read("", {}, { LUADL_BEARER = "@" .. folder .. "/token" })
    assert.equal("abc", request.options.bearer)
    local _, message = parse({ "http://host/" }, { LUADL_BEARER = "@" .. folder .. "/none" })
    assert.truthy(message:find("^LUADL_BEARER: .*none: No such file"), message)
  end)

  it("has tables for hosts, below what the command line says", function()
    local text = 'host["*.a.org"] = { connections = 2, retry = 1 }'
    local request = read(text, { "-n", "9" })
    assert.same({ ["*.a.org"] = { retry = 1 } }, request.options.host)
    assert.same({ ["*.a.org"] = { connections = 2, retry = 1 } }, read(text).options.host)
  end)

  it("knows the home folder, as a shell does", function()
    local text = 'dir = "~/isos"; scripts = { "~/a.lua", "b.lua" }; host["a.org"].cert = "~/c.pem"'
    local request = read(text, {}, { HOME = "/home/me" })
    assert.equal("/home/me/isos", request.options.dir)
    assert.same({ "/home/me/a.lua", "b.lua" }, request.command.scripts)
    assert.equal("/home/me/c.pem", request.options.host["a.org"].cert)
    assert.equal("/home/me", read('dir = "~"', {}, { HOME = "/home/me" }).options.dir)
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
    assert.truthy(refused("policy(nil)"):find("expected a policy table", 1, true))
    assert.truthy(refused("host['a.org:80'].retry = 1"):find("without scheme and port", 1, true))
    local request, message = parse({ "http://host/" }, { LUADL_JOBS = "many" })
    assert.is_nil(request)
    assert.equal("LUADL_JOBS: expected an integer, got 'many'", message)
  end)

  it("is refused when others may write it", function()
    write("connections = 3")
    assert(os.execute("chmod g+w " .. path))
    local request, message = parse({ "--config", path, "http://host/file" })
    assert.is_nil(request)
    assert.truthy(message:find("others may write it", 1, true), message)
  end)

  it("is not read with --no-config, and must be there when it is named", function()
    write("connections = 3")
    local set = { XDG_CONFIG_HOME = folder }
    assert.equal(3, parse({ "http://host/" }, set).options.connections)
    assert.is_nil(rawget(parse({ "--no-config", "http://host/" }, set).options, "connections"))
    assert.is_nil((parse({ "--config", folder .. "/none.lua", "http://host/" }, set)))
    assert.is_table(parse({ "http://host/" }, { HOME = folder }))
  end)

  it("is not passed over when it is there and can't be read", function()
    os.execute("mkdir -p " .. folder .. "/luadl; ln -s config.lua " .. path)
    local request, message = parse({ "http://host/" }, { XDG_CONFIG_HOME = folder })
    assert.is_nil(request)
    assert.truthy(message:find("Too many levels of symbolic links", 1, true), message)
  end)

  it("keeps nobody from the help", function()
    write("conections = 3")
    assert.is_table(parse({ "--help" }, { XDG_CONFIG_HOME = folder }))
    assert.is_table(parse({ "--version" }, { XDG_CONFIG_HOME = folder }))
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
    assert.equal("from the file", origin:requests("/file")[1]:header("x-key"))
  end)

  it("sends a host's headers to nobody whose URL only looks like that host's", function()
    write('host["mine.org"] = { headers = { ["X-Key"] = "hush" } }')
    local url = origin:serve("/looks", nil, { size = 10 }):gsub("://", "://mine.org\\@")
    local result = helper.luadl("-d", folder, url, { env = { XDG_CONFIG_HOME = folder } })
    assert.equal(0, result.status, result.stderr)
    assert.equal(1, #origin:requests("/looks"))
    for _, request in ipairs(origin:requests("/looks")) do
      assert.is_nil(request:header("x-key"))
    end
  end)

  it("prints what is in force and where it is from, but no secret", function()
    write('connections = 3\nuser = "me:hidden"\nproxy = "http://me:hidden@proxy:1"\n'
      .. 'host["a.org"] = { headers = { Key = "hidden" }, retry = 1 }\n'
      .. 'host["a.org"].proxy = "me:hidden@plain:1"')
    local result = helper.luadl("config", "-j", "2", "--http", "2", {
      env = { XDG_CONFIG_HOME = folder, LUADL_RETRY = "7" },
    })
    assert.equal(0, result.status, result.stderr)
    local function line(text, from)
      for each in result.stdout:gmatch("[^\n]+") do
        local is_meant = each:sub(1, #text) == text
        if is_meant then return assert.equal(from, each:match("%-%- ([^=]*)$")) end
      end
      error("no line " .. text .. " in\n" .. result.stdout, 2)
    end
    line("connections = 3", path)
    line("jobs = 2", "command line")
    line("retry = 7", "LUADL_RETRY")
    line("min_split = \"1M\"", "default")
    line('http = "2"', "command line")
    line('-- user = "..."', path)
    line('proxy = "http://proxy:1"', path)
    line('-- host["a.org"].headers = "..."', path)
    line('host["a.org"].proxy = "plain:1"', path)
    assert.is_nil(result.stdout:find("hidden", 1, true))
    assert.is_nil(result.stdout:find("a.org\"].retry", 1, true))
  end)

  it("prints what can be a configuration again", function()
    write('http = "2"; user_agent = "5"; bearer = "secret"; retry = function() end\n'
      .. 'max_size = 2^40; category = { "video=*.mp4" }; host["a.org"].connections = 2')
    local env = { XDG_CONFIG_HOME = folder, LUADL_TRUSTED_HOSTS = "b.org", LUADL_QUIET = "on" }
    local function printed(from)
      local result = helper.luadl("config", "--config", from, { env = env })
      assert.equal(0, result.status, result.stderr)
      return result.stdout
    end
    local function values(text)
      return (text:gsub("[^\n]*retry = [^\n]*", ""):gsub("%s*%-%-[^\n]*", ""))
    end
    local first = printed(path)
    helper.write(folder .. "/again.lua", first)
    local again = printed(folder .. "/again.lua")
    assert.equal(values(first), values(again))
    assert.truthy(first:find("max_size = 1099511627776", 1, true), first)
    assert.truthy(first:find("quiet = true", 1, true), first)
  end)

  it("refuses a wrong configuration before anything else", function()
    write("conections = 3")
    local result = helper.luadl("http://127.0.0.1:1/", { env = { XDG_CONFIG_HOME = folder } })
    assert.equal(28, result.status)
    assert.truthy(result.stderr:find("conections", 1, true), result.stderr)
  end)
end)
