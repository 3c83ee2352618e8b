--- What many small files cost: events, tasks and connections, which don't depend on the machine.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local luadl = require("luadl")
local nginx = require("spec.support.nginx")

local FILES, AT_ONCE, LOOPS = 64, 8, 2
local CONFIG = "add_header X-Connection $connection;"

-- An engine whose events are noted before anybody takes them.
local function watched(engine, events)
  return setmetatable({}, {
    __index = function(_, call)
      return function(_, ...)
        local answer, err = engine[call](engine, ...)
        if call == "next" and answer then events[#events + 1] = answer end
        return answer, err
      end
    end,
  })
end

describe("many small files", function()
  local root, web, folder, session, events

  setup(function()
    root = helper.make_folder()
    for index = 1, FILES do
      helper.write(("%s/f%d"):format(root, index), ("x"):rep(4096))
    end
    web = nginx.start({ root = root, config = CONFIG })
  end)

  teardown(function()
    web:stop()
    helper.remove_folder(root)
  end)

  before_each(function()
    helper.begin()
    folder, events = helper.tmpdir(), {}
    session = luadl.session({ dir = folder, loops = LOOPS })
    session.engine = watched(session.engine, events)
  end)

  after_each(function()
    session:close()
    helper.finish()
  end)

  local function start(index, is_named)
    local name = "f" .. index
    return session:download({ url = web.url .. "/" .. name, output = is_named and name or nil })
  end

  local function fetch_all(is_named)
    for first = 1, FILES, AT_ONCE do
      local downloads = {}
      for index = first, first + AT_ONCE - 1 do
        downloads[#downloads + 1] = start(index, is_named)
      end
      for _, download in ipairs(downloads) do assert(download:wait()) end
    end
  end

  local function count_connections()
    local seen, count = {}, 0
    for _, event in ipairs(events) do
      local connection = event.headers:match("X%-Connection: (%d+)")
      count = count + (seen[connection] and 0 or 1)
      seen[connection] = true
    end
    return count
  end

  it("cost two events each: the head, and the end", function()
    fetch_all(false)
    assert.equal(2 * FILES, #events)
  end)

  it("cost one event each where their names are known", function()
    fetch_all(true)
    assert.equal(FILES, #events)
  end)

  it("cost no task where nobody is asked or told", function()
    local before = session.loop.last
    fetch_all(false)
    assert.equal(before, session.loop.last)
  end)

  it("share a few connections", function()
    fetch_all(false)
    local count = count_connections()
    assert.is_true(count <= AT_ONCE * LOOPS, count .. " connections")
  end)

  it("are there, each with its name", function()
    fetch_all(false)
    for index = 1, FILES do
      assert.equal(4096, #helper.read(("%s/f%d"):format(folder, index)))
    end
  end)
end)
