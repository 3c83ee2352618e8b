--- HTTP/2 against nginx: many small files on one connection, ranges on their own, and answers whose
-- end only the stream tells (rows H50, H51, L20, L21).
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SMALL, LARGE = 4096, 3000000
local FILES = 60
local SEED = 13

local LOCATIONS = [[
location /upstream/ { proxy_pass %s; proxy_buffering off; }
location /slow/ { limit_rate 1m; rewrite ^/slow/(.*)$ /$1 break; }
]]

local web, origin, folder

local function versions(pattern)
  local found = { ["1.1"] = 0, ["2.0"] = 0 }
  for path, version in web:log():gmatch('"%u+ (%S+) HTTP/([%d.]+)"') do
    if path:find(pattern) then found[version] = found[version] + 1 end
  end
  return found
end

-- How many connections were opened meanwhile.
local function session_with(opts, seen)
  opts.dir, opts.cacert = folder, web.ca
  opts.on_trace = function(event)
    if event.step == "connect" then seen.connections = (seen.connections or 0) + 1 end
  end
  return assert(luadl.session(opts))
end

local function get_all(session, count)
  local downloads = {}
  for number = 1, count do
    downloads[number] = session:download({ url = ("%s/small-%d"):format(web.tls_url, number) })
  end
  for number, download in ipairs(downloads) do
    local result, err = download:wait(20)
    assert.is_nil(err)
    assert.equal(SMALL, result.size)
    assert.equal(server.content(number, 0, SMALL - 1), helper.read(result.path))
  end
end

local function check_file(result, size)
  assert.equal(server.sha256(SEED, size), helper.sha256(result.path))
end

describe("HTTP/2", function()
  setup(function()
    origin = server.start()
    web = nginx.start({ tls = true, http2 = true, config = LOCATIONS:format(origin.url) })
    for number = 1, FILES do
      helper.write(web.root .. "/small-" .. number, server.content(number, 0, SMALL - 1))
    end
    helper.write(web.root .. "/large", server.content(SEED, 0, LARGE - 1))
  end)
  teardown(function()
    web:stop()
    origin:stop()
  end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(helper.finish)

  it("L21: brings many small files over one connection of each thread", function()
    local seen, before = {}, versions("^/small%-")
    local session = session_with({ http = "2", loops = 2 }, seen)
    get_all(session, FILES)
    session:close()
    local after = versions("^/small%-")
    assert.equal(FILES, after["2.0"] - before["2.0"])
    assert.equal(0, after["1.1"] - before["1.1"])
    assert.is_true(seen.connections <= 2, tostring(seen.connections))
  end)

  it("L20: leaves the ranges of a large file their own connections of HTTP/1.1", function()
    local seen, before = {}, versions("^/slow/large")
    local session = session_with({ http = "2", connections = 4, min_split = "64K" }, seen)
    local result, err = session:get({ url = web.tls_url .. "/slow/large", output = "large" })
    session:close()
    assert.is_nil(err)
    check_file(result, LARGE)
    local after = versions("^/slow/large")
    assert.equal(1, after["2.0"] - before["2.0"])
    assert.is_true(after["1.1"] - before["1.1"] >= 3)
    assert.is_true(seen.connections >= 4, tostring(seen.connections))
  end)

  it("L21: is not spoken unasked, though the server offers it", function()
    local before, seen = versions("large"), {}
    local session = session_with({ connections = 8, min_split = "64K", loops = 2 }, seen)
    local result = assert(session:get({ url = web.tls_url .. "/slow/large", output = "unasked" }))
    session:close()
    check_file(result, LARGE)
    assert.equal(before["2.0"], versions("large")["2.0"])
    assert.is_true(seen.connections >= 8, tostring(seen.connections))
  end)

  it("isn't what a download of HTTP/1.1 is given that comes after", function()
    local session = session_with({ loops = 1 }, {})
    local before = versions("^/small%-1$")
    assert(session:get({ url = web.tls_url .. "/small-1", http = "2", output = "a" }))
    assert(session:get({ url = web.tls_url .. "/small-1", output = "b" }))
    assert(session:get({ url = web.tls_url .. "/small-1", http = "2", output = "c" }))
    session:close()
    local after = versions("^/small%-1$")
    assert.equal(2, after["2.0"] - before["2.0"])
    assert.equal(1, after["1.1"] - before["1.1"])
  end)

  it("is HTTP/1.1 over plain http", function()
    local session = session_with({ http = "2" }, {})
    local before = versions("^/small%-2$")
    assert(session:get({ url = web.url .. "/small-2" }))
    session:close()
    assert.equal(1, versions("^/small%-2$")["1.1"] - before["1.1"])
  end)

  local function unbounded(connection, _, parameters)
    connection:status(200, { { "Transfer-Encoding", "chunked" } })
    connection:chunk(connection:bytes(0, parameters.size - 1))
    if parameters.broken then return connection:close() end
    return connection:last_chunk()
  end

  it("H50: asks again over HTTP/1.1 for a body whose length nobody tells", function()
    local path = "/upstream/unbounded"
    origin:serve(path, unbounded, { size = SMALL, seed = SEED })
    local session = session_with({ http = "2" }, {})
    local result = assert(session:get({ url = web.tls_url .. path }))
    local page = assert(session:fetch(web.tls_url .. path))
    session:close()
    check_file(result, SMALL)
    assert.equal(SMALL, #page.body)
    assert.same({ ["1.1"] = 2, ["2.0"] = 2 }, versions(path))
  end)

  it("H50: never takes a broken body for a whole one", function()
    for _, name in ipairs({ "/upstream/broken-small", "/upstream/broken-large" }) do
      origin:serve(name, unbounded, {
        size = name:find("large") and 200000 or SMALL, seed = SEED, broken = true,
      })
      local session = session_with({ http = "2", retry = 0 }, {})
      local result, err = session:get({ url = web.tls_url .. name, output = "broken" })
      local page, why = session:fetch(web.tls_url .. name)
      session:close()
      assert.is_nil(result)
      assert.is_nil(page)
      assert.equal("short_body", err.kind)
      assert.is_table(why)
      assert.is_false(helper.exists(folder .. "/broken"))
    end
  end)

  local function cut_once(connection, request, parameters, state)
    state.count = (state.count or 0) + 1
    if state.count > 1 then return connection:file(request, parameters) end
    connection:status(200, {
      { "Content-Length", parameters.size }, { "Content-Type", "application/octet-stream" },
    })
    connection:body(0, parameters.size // 2)
    return connection:close()
  end

  it("H51: falls back to HTTP/1.1 when a stream breaks, also for the host's next files", function()
    local path, old = "/upstream/cut", versions("^/small%-4$")
    origin:serve(path, cut_once, { size = 400000, seed = SEED })
    local session = session_with({ http = "2", retry = luadl.retry.backoff({ base = 0.01 }) }, {})
    local result, err = session:get({ url = web.tls_url .. path })
    assert(session:get({ url = web.tls_url .. "/small-4" }))
    session:close()
    assert.is_nil(err)
    check_file(result, 400000)
    assert.equal(old["1.1"] + 1, versions("^/small%-4$")["1.1"])
    local found = versions(path)
    assert.equal(1, found["2.0"])
    assert.is_true(found["1.1"] >= 1)
  end)

  it("is an option of the command", function()
    local before = versions("^/small%-3$")
    local result = helper.luadl("--http", "2", "--cacert", web.ca, "-d", folder,
      web.tls_url .. "/small-3")
    assert.equal(0, result.status, result.stderr)
    assert.equal(1, versions("^/small%-3$")["2.0"] - before["2.0"])
    assert.equal(28, helper.luadl("--http", "3", web.tls_url .. "/small-3").status)
  end)
end)
