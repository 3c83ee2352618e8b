-- The annotations for editors beside what the modules export, check and hand out.
-- SPDX-License-Identifier: MIT

local api = require("spec.support.api")
local helper = require("spec.support.helper")
local luacats = require("spec.support.luacats")
local merged = require("spec.support.merged")
local world = require("spec.support.world")

local rooms, types = api.rooms(), api.types()

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function functions_of(room, separator)
  local named = {}
  for _, each in ipairs(room.functions) do
    local owner = each.full_name:match("^(.*)[.:][%w_]+$")
    if separator == "." and not each.full_name:find(":") then named[each.full_name] = true end
    if separator == ":" and each.full_name:find(":") then
      named[owner] = named[owner] or {}
      named[owner][each.name] = true
    end
  end
  return named
end

-- What modules export

-- The room of each function, by its annotation: others may export it, too.
local function owners()
  local found = {}
  for _, room in ipairs(rooms) do
    local module = require(room.name)
    for name in pairs(functions_of(room, ".")) do
      local value = type(module) == "table" and module[name:sub(#room.name + 2)]
      if value then found[value] = room.name end
    end
  end
  return found
end

local function is_namespace(value)
  if type(value) ~= "table" or getmetatable(value) then return false end
  return type(select(2, next(value))) == "function"
end

local function collect_exports(module, name, found)
  for key, value in pairs(module) do
    local full = name .. "." .. key
    found[full] = value
    if is_namespace(value) then collect_exports(value, full, found) end
  end
  return found
end

local function exports_of(room)
  local module = require(room.name)
  if type(module) == "function" then return { [room.name] = module } end
  return collect_exports(module, room.name, {})
end

local function annotated(room)
  local named = functions_of(room, ".")
  for _, value in ipairs(room.values) do named[value.full_name] = true end
  return named
end

-- One of each class that has methods.
local function instances()
  local luadl = require("luadl")
  local core = require("luadl.core")
  local folder = helper.tmpdir()
  local here = world.new()
  local background = luadl.context.background()
  return {
    ["luadl.session"] = luadl.session(),
    ["luadl.download"] = here:download({ output = "file.bin" }),
    ["luadl.batch"] = require("luadl.batch").new(here.session),
    ["luadl.page"] = require("luadl.page").new({ status = 200, headers = {} }),
    ["luadl.headers"] = require("luadl.headers").new(),
    ["luadl.error"] = require("luadl.errors").new("usage"),
    ["luadl.context"] = background,
    ["luadl.group"] = luadl.group(background),
    ["luadl.loop"] = here.loop,
    ["luadl.signal"] = here.loop:signal(),
    ["luadl.xml.element"] = require("luadl.xml").parse("<a/>"),
    ["luadl.digest"] = require("luadl.digest").new("sha256"),
    ["luadl.codec.filter"] = require("luadl.codec").filter.gunzip(),
    ["luadl.store"] = require("luadl.store").open("types", { folder = folder }),
    ["luadl.sys.lock"] = require("luadl.sys").lock(folder .. "/lock", 0),
    ["luadl.engine"] = core.session(),
    ["luadl.stream"] = require("luadl.stream").new(here:download({}, "reading")),
    ["luadl.outlet.open"] = require("luadl.outlet").open(2),
  }
end

local function release(list)
  list["luadl.session"]:close()
  list["luadl.engine"]:close()
  list["luadl.sys.lock"]:release()
end

-- { "a", "b" } for "a, b" without the receiver
local function arguments_of(block)
  local list = {}
  for name in block.arguments:gmatch("[^,%s]+") do
    if name ~= "_" then list[#list + 1] = name end
  end
  return list
end

local function each_function(visit)
  for _, room in ipairs(rooms) do
    for _, block in ipairs(room.functions) do
      if not block.hidden then visit(block) end
    end
  end
end

describe("the annotations", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("name what each public module exports, and nothing else", function()
    local owner = owners()
    for _, room in ipairs(rooms) do
      local named, exported = annotated(room), exports_of(room)
      for name, value in pairs(exported) do
        local known = named[name] or is_namespace(value)
          or (owner[value] or room.name) ~= room.name
        assert.truthy(known, name .. " has no annotation")
      end
      for name in pairs(named) do
        assert.is_not_nil(exported[name], name .. " is annotated, but isn't there")
      end
    end
  end)

  it("name the methods of each class, and nothing else", function()
    local list = instances()
    for _, room in ipairs(rooms) do
      for class, named in pairs(functions_of(room, ":")) do
        assert.is_not_nil(list[class], "no specimen of " .. class)
        local methods = getmetatable(list[class]).__index
        assert.same(sorted(methods), sorted(named), class)
      end
    end
    release(list)
  end)

  it("say what each function does, and of each parameter what it is", function()
    each_function(function(block)
      assert.is_true(#block.prose > 0, block.full_name .. " is not described")
      local named = {}
      for index, param in ipairs(block.params) do named[index] = param.name end
      assert.same(arguments_of(block), named, block.full_name)
    end)
  end)

  it("name types that are defined and described", function()
    local found, missing = api.reachable(rooms, types)
    assert.same({}, missing)
    for name in pairs(found) do
      local block = types[name]
      local said = #block.prose > 0 or (block.about or "") ~= "" or block.holder
      assert.truthy(said, name .. " is not described")
    end
  end)
end)

-- Options

local options = require("luadl.options")

-- The schema's words in those of the annotations.
local WRITTEN = {
  integer = { "integer" }, number = { "number" }, boolean = { "boolean" }, string = { "string" },
  requests = { "string", "table" }, hosts = { "table<string, luadl.options.host>" },
  path = { "string" }, data = { "string" }, bytes = { "integer", "string" },
  seconds = { "number", "string" }, list = { "string[]" }, policies = { "luadl.policy[]" },
  headers = { "luadl.options.headers" }, host_headers = { "luadl.options.host_headers" },
  labels = { "luadl.labels" }, rate = { "luadl.options.rate" }, pace = { "string", "number" },
  context = { "luadl.context" }, range = { "luadl.range", "string" }, ["function"] = { "fun" },
}

-- The classes of options that are tables.
local CLASSES = {
  expect = "luadl.options.expect", request = "luadl.attempt.changes",
  accept = "luadl.policy.accepted",
}

local function words_of(option)
  if option.type == "table" then return { CLASSES[option.name] } end
  if option.type ~= "enum" then return WRITTEN[option.type] end
  local words = {}
  for index, word in ipairs(option.values) do words[index] = ('"%s"'):format(word) end
  return words
end

local function expected_set(option)
  local set = { ["nil"] = true }
  for _, word in ipairs(words_of(option)) do set[word] = true end
  if option.policy then set.fun = true end
  if option.switch then set.boolean = true end
  return set
end

-- With "fun" for aliases of functions.
local function written_set(field)
  local set = {}
  for name in pairs(luacats.set(field.type)) do
    local alias = types[name] and types[name].alias and types[name].type
    local is_function = alias and luacats.set(alias).fun
    set[is_function and "fun" or name] = true
  end
  if field.optional then set["nil"] = true end
  return set
end

-- Those that this scope knows, by what it says of them.
local function options_in(scope)
  local found = {}
  for _, option in options.each() do
    local _, message = options.read({ [option.name] = false }, scope)
    local is_known = not (message and message:find("^unknown option"))
    if is_known and option.scope ~= "command" then found[option.name] = option end
  end
  return found
end

local function check_field(option, field, scope)
  if option.type ~= "any" then
    assert.same(sorted(expected_set(option)), sorted(written_set(field)), option.name)
  end
  local own = scope == "fetch" and option.fetch ~= true and option.fetch
  local default = own or option.default
  if not default then return end
  local said = "default " .. tostring(default)
  local _, last = field.text:find(said, 1, true)
  local says_so = last and not field.text:find("^%w", last + 1)
  assert.truthy(says_so, ("%s doesn't say '%s'"):format(option.name, said))
end

describe("the annotated options", function()
  for _, scope in ipairs({ "session", "host", "download", "fetch", "batch" }) do
    it("are those of the schema, with their types and defaults: of a " .. scope, function()
      local known, fields = options_in(scope), api.fields(types, "luadl.options." .. scope)
      assert.same(sorted(known), sorted(fields))
      for name, option in pairs(known) do check_field(option, fields[name], scope) end
    end)
  end

  it("have the fields of those that are tables", function()
    for _, option in options.each() do
      if option.fields then
        local fields = api.fields(types, CLASSES[option.name])
        for _, field in ipairs(option.fields) do
          assert.is_not_nil(fields[field.name], option.name .. "." .. field.name)
          check_field(field, fields[field.name])
          fields[field.name] = nil
        end
        assert.same({}, sorted(fields))
      end
    end
  end)
end)

describe("the annotated kinds", function()
  local function choices(alias)
    local set = {}
    for _, choice in ipairs(types[alias].choices) do
      set[choice.type.text:match('^"(.*)"$')] = true
    end
    return set
  end

  it("of errors are those that there are", function()
    local kinds = require("luadl.errors").kinds
    assert.same(sorted(kinds), sorted(choices("luadl.error.kind")))
  end)

  it("of decisions and observers are those that a policy may have", function()
    local policy = require("luadl.policy")
    local fields = api.fields(types, "luadl.policy")
    local names = { label = true, hosts = true, settings = true }
    for _, name in ipairs(policy.names()) do names[name] = true end
    assert.same(sorted(names), sorted(fields))
    for name, field in pairs(fields) do
      local takes = policy.read({ [name] = function() end }) ~= nil
      assert.equal(written_set(field).fun or false, takes, name)
    end
  end)
end)

-- What policies and observers get

local conforms -- forward declaration

local LUA_TYPE = { integer = "number", fun = "function" }

local function is_one_of(value, set)
  for name in pairs(set) do
    local text = name:match('^"(.*)"$')
    local lua_type = name:find("[%[{<]") and "table" or LUA_TYPE[name] or name
    local fits = name == "any" or value == text or type(value) == lua_type
      or (types[name] and conforms(value, name))
    if fits then return true end
  end
  return false
end

local function check_class(value, name)
  local fields = api.fields(types, name)
  for key in pairs(value) do
    assert.is_not_nil(fields[key], ("%s has no field %s"):format(name, tostring(key)))
  end
  for key, field in pairs(fields) do
    local set = luacats.set(field.type)
    set["nil"] = set["nil"] or field.optional
    assert.truthy(is_one_of(value[key], set), ("%s.%s is no %s"):format(name, key, field.type.text))
  end
end

function conforms(value, name)
  local class = getmetatable(value)
  if types[name].class and class then return class.__name == name end
  if types[name].class then
    return type(value) == "table" and (check_class(value, name) == nil)
  end
  if types[name].type then return is_one_of(value, luacats.set(types[name].type)) end
  for _, choice in ipairs(types[name].choices) do
    if is_one_of(value, luacats.set(choice.type)) then return true end
  end
  return false
end

-- A policy that keeps what it is asked with; `answer` is its answer.
local function witness(seen, class, answer)
  return function(value)
    seen[class] = (seen[class] or 0) + 1
    check_class(value, class)
    return answer
  end
end

local function watched(seen, more)
  return merged({
    request = witness(seen, "luadl.attempt"),
    resolve = witness(seen, "luadl.question"),
    name = witness(seen, "luadl.head"),
    exists = witness(seen, "luadl.found", "rename"),
    retry = witness(seen, "luadl.fault", 1),
    on_progress = witness(seen, "luadl.stats"),
    on_done = witness(seen, "luadl.result"),
    on_trace = witness(seen, "luadl.step"),
    on_retry = function(fault, delay, change)
      check_class(fault, "luadl.fault")
      assert.is_number(delay)
      assert.is_nil(change)
    end,
    verify = function(_, file)
      seen["luadl.candidate"] = 1
      check_class(file, "luadl.candidate")
      return true
    end,
    labels = { from = "types" },
  }, more)
end

describe("the annotated events", function()
  it("have the fields that policies and observers find", function()
    local here, seen = world.new(), {}
    local download = here:download(watched(seen))
    here:settle()
    here:head(1)
    here:settle()
    here:taken(1)
    here:fault(1)
    here:run_until(5)
    here:complete(1)
    here:settle()
    here:done(1)
    local result, err = download:wait()
    assert.is_nil(err)
    check_class(result, "luadl.result")
    check_class(download:stats(), "luadl.stats")
    for _, name in ipairs({ "attempt", "question", "head", "found", "fault", "stats", "result",
      "step", "candidate" }) do
      assert.is_not_nil(seen["luadl." .. name], "nobody saw a luadl." .. name)
    end
  end)

  it("have the changes that there are words for", function()
    local retry = require("luadl.retry")
    for key in pairs(api.fields(types, "luadl.change")) do
      assert.truthy(retry.describe(0, { [key] = true }):find("again now ."), key)
    end
  end)
end)
