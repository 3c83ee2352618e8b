--- Small bodies, which come as a whole before their file is open: what keeps them from it, and what
-- becomes of the file then.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local luadl = require("luadl")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local FILE = { size = 30000, seed = 9, etag = '"1"' }

local origin, folder, session

-- The first answer stops after so many bytes; further ones are complete.
local function stopping(connection, _, parameters, state)
  state.asked = (state.asked or 0) + 1
  local sent = state.asked > 1 and parameters.size or parameters.sent
  connection:status(200, { { "Content-Length", parameters.size }, { "ETag", parameters.etag } })
  connection:body(0, sent - 1)
  if parameters.holds and sent < parameters.size then connection:hold() end
end

local function overlong(connection, _, parameters)
  connection:status(200, { { "Content-Length", parameters.size }, { "ETag", parameters.etag } })
  connection:body(0, parameters.size - 1)
  connection:send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
  connection:hold()
end

local function serve(path, behaviour, parameters)
  local all = merged(FILE, parameters)
  if not behaviour then return origin:serve(path, all) end
  return origin:serve(path, behaviour, all)
end

local function assert_right(result, err, path)
  assert.is_nil(err)
  assert.equal(path, result.path)
  assert.equal(server.sha256(FILE.seed, FILE.size), helper.sha256(path))
end

describe("a small body", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = assert(luadl.session({
      dir = folder, retry = oracle.quick(), stall_timeout = 0.4, timeout = 0.4,
    }))
  end)
  after_each(function()
    session:close()
    helper.finish()
  end)

  -- The name is asked for, known before any request, or presumed.
  local WAYS = {
    ["whose name the head tells"] = function(url) return session:get({ url = url }) end,
    ["whose name is known"] = function(url)
      return session:get({ url = url, output = url:match("[^/]*$") })
    end,
    ["whose name is presumed"] = function(url)
      local batch = session:batch()
      local item = batch:add({ url = url })
      batch:run()
      return item.result, item.error
    end,
  }

  for how, get in pairs(WAYS) do
    local name = "/" .. how:match("(%a+)$")

    it(how .. " is there", function()
      local result, err = get(serve(name))
      assert_right(result, err, folder .. name)
      assert.same({ name:sub(2) }, helper.entries(folder))
    end)

    it(how .. " is asked for again when it stops halfway", function()
      for _, holds in ipairs({ true, false }) do
        local path = name .. tostring(holds)
        local result, err = get(serve(path, stopping, { sent = 9000, holds = holds }))
        assert_right(result, err, folder .. path)
      end
    end)

    it(how .. " is asked for again when nothing of it comes", function()
      local result, err = get(serve(name .. 0, stopping, { sent = 0, holds = true }))
      assert_right(result, err, folder .. name .. 0)
    end)

    it(how .. " gets another name when its own was taken meanwhile", function()
      local path = name .. "-taken"
      helper.write(folder .. path, "mine")
      local result, err = get(serve(path))
      if how == "whose name is known" then
        assert.equal("exists", err.kind)
      else
        assert_right(result, err, folder .. path .. " (1)")
      end
      assert.equal("mine", helper.read(folder .. path))
    end)

    it(how .. " fails where the folder is gone", function()
      local url = serve(name)
      local opts = { dir = folder .. "/none" }
      session:close()
      session = assert(luadl.session(opts))
      local result, err = get(url)
      assert.is_nil(result)
      assert.equal("bad_name", err.kind, tostring(err))
    end)

    it(how .. " takes nothing of what follows it", function()
      local url = serve(name .. "-more", overlong)
      assert_right(select(1, get(url)), nil, folder .. name .. "-more")
      local after = serve(name .. "-after")
      assert_right(select(1, get(after)), nil, folder .. name .. "-after")
      assert.equal(1, #origin:requests(name .. "-after"))
    end)
  end

  it("waits for who has to accept it, and its connection serves others", function()
    session:close()
    session = assert(luadl.session({ dir = folder, loops = 1 }))
    local first, second = serve("/slow-policy"), serve("/other")
    local download = session:download({
      url = first,
      accept = function(_, ctx)
        assert(session:get({ url = second, context = ctx }))
        return true
      end,
    })
    local result, err = download:wait(5)
    assert_right(result, err, folder .. "/slow-policy")
    assert.equal(origin:requests("/slow-policy")[1].connection,
      origin:requests("/other")[1].connection)
  end)

  it("is gone when it is cancelled before its file is open", function()
    local download = session:download({
      url = serve("/cancelled"),
      accept = function(_, ctx) ctx:sleep(5) end,
    })
    while download:stats().state ~= "parked" do session:step(0.01) end
    download:cancel()
    assert.equal("cancelled", select(2, download:wait(5)).kind)
    assert.same({}, helper.entries(folder))
  end)
end)
