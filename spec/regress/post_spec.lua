--- A POST that a server may have seen was sent again: libcurl itself asks twice when a kept
-- connection is found dead, and a failure behind a redirect counted as one before any request.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local server = require("spec.support.server")

describe("a POST", function()
  local origin, session

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    session = assert(luadl.session({
      dir = helper.tmpdir(), loops = 1, retry = luadl.retry.backoff({ base = 0.01 }),
      trusted_hosts = { "127.0.0.1" }, -- a body goes along to other ports
    }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  local function count_posts(path)
    local count = 0
    for _, entry in ipairs(origin:requests(path)) do
      count = count + (entry.method == "POST" and 1 or 0)
    end
    return count
  end

  local function close_after(connection, request)
    connection:read_body(request)
    return connection:close()
  end

  local ASK = {
    ["in memory"] = function(url, opts)
      return session:fetch(url, { method = "POST", body = "x", retry = opts and opts.retry })
    end,
    ["for a file"] = function(url, opts)
      return session:get({ url = url, method = "POST", body = "x", retry = opts and opts.retry })
    end,
  }

  for what, ask in pairs(ASK) do
    it("isn't repeated when the connection that another request left behind is lost: " .. what,
      function()
        local path = "/kept-" .. what:gsub(" ", "-")
        assert(session:fetch(origin:serve("/before", { size = 10 })))
        local result, err = ask(origin:serve(path, close_after))
        assert.is_nil(result)
        assert.is_table(err)
        assert.equal(1, count_posts(path))
      end)

    it("goes to no other origin that isn't trusted, whoever leads there: " .. what, function()
      local path = "/away-" .. what:gsub(" ", "-")
      local other = server.renamed(origin:serve(path, { size = 10 }))
      local nowhere = helper.dead_url()
      local result, err = ask(nowhere, { retry = function() return 0, { url = other } end })
      assert.is_nil(result)
      assert.is_table(err)
      assert.equal(0, count_posts(path))
    end)

    it("isn't repeated when a redirect led to where nobody is: " .. what, function()
      local path = "/moved-" .. what:gsub(" ", "-")
      local nowhere = helper.dead_url()
      local result, err = ask(origin:serve(path, function(connection, request, parameters)
        connection:read_body(request)
        return connection:redirect(parameters.to, 307)
      end, { to = nowhere }))
      assert.is_nil(result)
      assert.equal("connect", err.kind)
      assert.equal(1, count_posts(path))
    end)
  end
end)
