--- Who may know whom: the dependency lines of the engine and of the Lua layer.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")

-- The engine, from the top down. A room includes its own header and those it names here; a new
-- room needs a line.
local ENGINE = {
  lua_core = "luadl lua_compat file url date",
  lua_poll = "lua_compat",
  lua_outlet = "lua_compat",
  lua_file = "code file lua_compat",
  lua_sys = "lua_compat",
  lua_sys_file = "io lua_compat lua_sys",
  lua_url = "lua_compat",
  lua_codec = "lua_compat",
  lua_zlib = "lua_compat",
  lua_cipher = "lua_compat",
  lua_digest = "lua_compat",
  lua_xml = "lua_compat",
  lua_compat = "",
  session = "luadl code disk exit fork jar loop reading transfer",
  loop = "code fetch latch pass queue sockets watch trace throttle local single whole",
  disk = "begin checkpoint job latch publish queue",
  begin = "adoption checkpoint job resume trace transfer whole",
  publish = "adoption checkpoint job transfer",
  job = "transfer",
  resume = "adoption edges transfer",
  adoption = "adopt code io transfer",
  checkpoint = "edges transfer",
  edges = "file journal",
  prove = "fetch",
  page = "failure fetch field redirect",
  trace = "transfer",
  connection = "fetch route trace",
  fetch = "accept connection cookie failure lines page pass reading receive redirect send"
    .. " throttle transfer whole",
  failure = "accept fetch",
  ["local"] = "code fetch receive throttle",
  single = "date fetch login",
  accept = "connection fetch field jar page prove reading redirect single trace",
  receive = "accept fetch page pass prove throttle single sockets",
  pass = "fetch reading receive",
  reading = "transfer",
  send = "connection fetch header login route single throttle tls",
  header = "date fetch jar login",
  login = "fetch",
  tls = "fetch login",
  route = "fetch",
  redirect = "fetch trace",
  watch = "fetch receive throttle",
  transfer = "luadl answer chunk file hasher hosts limit queue record request url window",
  sockets = "",
  window = "luadl",
  whole = "transfer",
  request = "luadl chunk url",
  answer = "luadl field identity",
  identity = "",
  lines = "luadl",
  jar = "cookie io luadl",
  cookie = "ascii date",
  field = "luadl ascii date",
  date = "ascii",
  ascii = "",
  chunk = "luadl",
  file = "luadl code io",
  record = "code io journal",
  hasher = "luadl",
  io = "",
  url = "luadl",
  queue = "code",
  journal = "luadl identity",
  adopt = "luadl",
  exit = "",
  fork = "",
  latch = "",
  throttle = "fetch",
  hosts = "limit",
  limit = "",
  code = "luadl",
  luadl = "",
}

local CURL = {
  ["url.c"] = true, ["send.c"] = true, ["accept.c"] = true, ["receive.c"] = true,
  ["fetch.c"] = true, ["failure.c"] = true, ["loop.c"] = true, ["page.c"] = true,
  ["connection.c"] = true, ["local.c"] = true, ["single.c"] = true,
  ["lua_url.c"] = true, ["header.c"] = true, ["tls.c"] = true, ["route.c"] = true,
}
local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

-- The Lua layer: what each kind of room may require.
local MAY = {
  errors = "",
  pure = "pure errors",
  concurrency = "concurrency errors",
  downloads = "downloads concurrency helper pure errors engine system",
  adapter = "library",
  helper = "helper pure errors binding system library",
  face = "face downloads concurrency helper pure errors engine",
  cli = "cli face downloads helper pure errors engine binding system library",
}

local KINDS = {
  errors = "errors",
  loop = "concurrency", listeners = "concurrency", timers = "concurrency", heap = "concurrency",
  context = "concurrency", group = "concurrency", run = "concurrency",
  ["adapter.luv"] = "adapter", ["adapter.cqueues"] = "adapter",
  hub = "downloads", session = "downloads", download = "downloads", lifetime = "downloads",
  reading = "downloads", stream = "downloads", filtering = "downloads",
  summing = "downloads",
  asking = "downloads", attempt = "downloads", beginning = "downloads", ending = "downloads",
  faults = "downloads",
  opening = "downloads", resolving = "downloads", sources = "downloads", transfer = "downloads",
  verifying = "downloads", logins = "downloads", requesting = "downloads", cookies = "downloads",
  script = "downloads", sandbox = "downloads",
  fetch = "downloads", message = "downloads", page = "downloads", trace = "downloads",
  brief = "downloads",
  batch = "downloads", ["batch.waiting"] = "downloads", ["batch.item"] = "downloads",
  ["batch.feed"] = "downloads", ["batch.memory"] = "downloads", ["batch.archive"] = "downloads",
  ["batch.journal"] = "downloads", ["batch.course"] = "downloads", ["batch.claims"] = "downloads",
  init = "face",
  core = "engine", poll = "engine", file_core = "engine", sys = "system", outlet = "system",
  url = "helper", json = "helper", html = "helper", xml = "helper", digest = "helper",
  codec = "helper", store = "helper", identity = "helper", records = "helper",
  url_core = "binding", codec_core = "binding", zlib_core = "binding", cipher_core = "binding",
  digest_core = "binding", xml_core = "binding",
  argparse = "library", dkjson = "library", luv = "library", cqueues = "library",
  ["cqueues.condition"] = "library",
}

for _, name in ipairs({
  "netrc", "checksum", "chunkmap", "disposition", "filename", "headers", "host", "hostname",
  "meter", "misuse", "options", "options.checks", "options.format", "options.headers",
  "options.hosts", "options.nearest", "options.schema", "options.types", "policy", "progress",
  "retry", "target", "text", "units", "view",
}) do
  KINDS[name] = "pure"
end

KINDS.limits, KINDS.pacing, KINDS.schedule = "downloads", "pure", "pure"
KINDS.penalties = "downloads"
KINDS.links, KINDS.pages, KINDS.revalidation = "pure", "pure", "pure"
KINDS.scheme = "pure"
KINDS.list, KINDS["list.aria2"], KINDS["list.item"] = "helper", "helper", "helper"
KINDS["list.records"] = "helper"
KINDS.category = "pure"
KINDS.folders, KINDS.freshness = "downloads", "downloads"
KINDS.glob, KINDS.template, KINDS.shellwords = "pure", "pure", "pure"
KINDS.curlline, KINDS["curlline.known"] = "pure", "pure"

local function kind_of(name)
  return KINDS[name] or (name:find("^cli%.") and "cli") or nil
end

local function words(text)
  local set = {}
  for word in text:gmatch("%S+") do set[word] = true end
  return set
end

-- { ["fetch.c"] = { { name = "curl/curl.h", own = false }, ... } }
local function includes()
  local found = {}
  for file in lfs.dir(helper.root .. "/core") do
    if file:find("%.[ch]$") then
      found[file] = {}
      for line in helper.read(helper.root .. "/core/" .. file):gmatch("[^\n]+") do
        local open, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
        if name then table.insert(found[file], { name = name, own = open == '"' }) end
      end
    end
  end
  return found
end

local function collect_requires(folder, prefix, found)
  for entry in lfs.dir(folder) do
    local path = folder .. "/" .. entry
    if entry:find("^%.") then
      found = found
    elseif lfs.attributes(path, "mode") == "directory" then
      if entry ~= "meta" then collect_requires(path, prefix .. entry .. ".", found) end
    elseif entry:find("%.lua$") then
      local room = prefix .. entry:gsub("%.lua$", "")
      found[room] = {}
      local program = helper.read(path):gsub("%-%-[^\n]*", "")
      for name in program:gmatch("require%s*%(?%s*[\"']([%w_.]+)[\"']") do
        local ours = name == "luadl" and "init" or name:match("^luadl%.(.*)$") or name
        table.insert(found[room], ours == "cli" and "cli.init" or ours)
      end
    end
  end
  return found
end

local function requires()
  return collect_requires(helper.root .. "/lua/luadl", "", {})
end

-- The rooms of a circle that goes through `room`, or nil.
local function circle(graph, room, path, seen)
  if path[room] then return room end
  if seen[room] then return nil end
  path[room], seen[room] = true, true
  for _, name in ipairs(graph[room] or {}) do
    local found = circle(graph, name, path, seen)
    if found then return room .. " -> " .. found end
  end
  path[room] = nil
  return nil
end

describe("the engine", function()
  it("has no room without a line here, and no line without a room", function()
    local rooms = {}
    for file in pairs(includes()) do rooms[file:gsub("%.[ch]$", "")] = true end
    for room in pairs(rooms) do
      assert.is_string(ENGINE[room], "core/" .. room .. " has no line in rooms_spec.lua")
    end
    for room in pairs(ENGINE) do
      assert.is_true(rooms[room] or false, "there is no core/" .. room)
    end
  end)

  it("includes only what lies below", function()
    for file, list in pairs(includes()) do
      local room = file:gsub("%.[ch]$", "")
      local allowed = words(ENGINE[room] .. " " .. room)
      for _, header in ipairs(list) do
        local ok = not header.own or allowed[header.name:gsub("%.h$", "")]
        assert.truthy(ok, file .. " includes " .. header.name)
      end
    end
  end)

  it("knows Lua in lua_*.c alone", function()
    for file, list in pairs(includes()) do
      for _, header in ipairs(list) do
        local ok = not LUA_HEADERS[header.name] or file:find("^lua_")
        assert.truthy(ok, file .. " includes " .. header.name)
      end
    end
  end)

  it("knows libcurl in a few rooms, and in no header", function()
    local seen = {}
    for file, list in pairs(includes()) do
      for _, header in ipairs(list) do
        local is_curl = header.name:find("^curl/") ~= nil
        assert.truthy(not is_curl or CURL[file], file .. " includes " .. header.name)
        seen[file] = seen[file] or is_curl
      end
    end
    for file in pairs(CURL) do assert.is_true(seen[file], file .. " needs no libcurl any more") end
  end)

  it("has a public header that a C program can use alone", function()
    for _, header in ipairs(includes()["luadl.h"]) do
      assert.truthy(header.name:find("^std%l+%.h$"), "luadl.h includes " .. header.name)
    end
  end)

  it("has pure rooms that know no thread, file or clock", function()
    local found = includes()
    for _, room in ipairs({
      "adopt", "answer", "chunk", "cookie", "date", "field", "identity", "journal",
      "lines",
    }) do
      for _, suffix in ipairs({ ".c", ".h" }) do
        for _, header in ipairs(found[room .. suffix]) do
          local impure = words("pthread.h unistd.h fcntl.h time.h sys/stat.h stdatomic.h")
          assert.is_nil(impure[header.name], room .. suffix .. " includes " .. header.name)
        end
      end
    end
  end)
end)

describe("the Lua layer", function()
  it("has no room without a kind", function()
    for room in pairs(requires()) do
      assert.is_string(kind_of(room), "lua/luadl/" .. room .. " has no kind in rooms_spec.lua")
    end
  end)

  it("requires only what lies below", function()
    for room, list in pairs(requires()) do
      local allowed = words(MAY[kind_of(room)])
      for _, name in ipairs(list) do
        local kind = kind_of(name)
        assert.truthy(kind and allowed[kind], ("%s requires %s"):format(room, name))
      end
    end
  end)

  it("has no circle", function()
    local graph = requires()
    for room in pairs(graph) do assert.is_nil(circle(graph, room, {}, {})) end
  end)

  it("has pure rooms that load without an engine, and alone", function()
    for name, kind in pairs(KINDS) do
      if kind == "pure" or kind == "errors" or kind == "concurrency" then
        local script = ([[
          package.cpath = ""
          require("luadl.%s")
          for _, engine in ipairs({ "luadl.core", "luadl.sys", "luadl.session" }) do
            assert(not package.loaded[engine])
          end
        ]]):format(name)
        local run = helper.run({ "lua5.4", "-e", script }, {
          cwd = helper.root, env = { LUA_PATH = "lua/?.lua;lua/?/init.lua" },
        })
        assert.equal(0, run.status, run.stderr)
      end
    end
  end)
end)
