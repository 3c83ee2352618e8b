-- A cancel of a thousand transfers at once: every waiter has its answer in time, nothing is left.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local core = require("luadl.core")
local helper = require("spec.support.helper")
local luadl = require("luadl")
local server = require("spec.support.server")
local sys = require("luadl.sys")

local TRANSFERS = os.getenv("LUADL_SANITIZER") and 100 or 1000
local SERVERS = 4 -- a process waits for 1024 descriptors at most with select(2)
local SIZE = 3 * 1048576 -- so each body that comes has a journal
local REACH = 20 -- seconds in which all must be where they are wanted
local ANSWER = 0.25
local CLEAN = 2
local TRIES = 3 -- other work on the machine and its disk makes a cancel slower, never faster
local GIVE_UP = 20 -- seconds in which nothing may be left on however busy a machine
local DESCRIPTORS = 4 * TRANSFERS

local function hold(connection)
  return connection:hold()
end

local function begin_and_hold(connection, request, parameters)
  local size = parameters.size
  connection:status(206, {
    { "Content-Range", ("bytes 0-%d/%d"):format(size - 1, size) },
    { "Content-Length", size },
    { "ETag", '"a"' },
  })
  connection:body(0, 2000, { size = size })
  return connection:hold(request)
end

local function refuse(connection)
  return connection:reply(503, { { "Connection", "close" } }, "")
end

-- In turn; each says how far a download has got.
local KINDS = {
  {
    name = "waiting", behaviour = hold,
    reached = function(origins)
      local count = 0
      for _, origin in ipairs(origins) do count = count + #origin:requests("/waiting") end
      return count
    end,
  },
  { name = "receiving", behaviour = begin_and_hold },
  { name = "parked", behaviour = begin_and_hold, policy = "name" },
  { name = "retrying", behaviour = refuse, policy = "retry" },
}

local function start_servers()
  local origins = {}
  for index = 1, SERVERS do
    origins[index] = server.start()
    for _, kind in ipairs(KINDS) do
      origins[index]:serve("/" .. kind.name, kind.behaviour, { size = SIZE })
    end
  end
  return origins
end

local function options_of(kind, number, url, ctx, reached)
  local opts = { url = url, output = number .. ".bin", connections = 1, context = ctx }
  if kind.policy == "name" then
    opts.output, opts.name = nil, function(_, own)
      reached.parked = reached.parked + 1
      own:sleep(60)
      return number .. ".bin"
    end
  elseif kind.policy == "retry" then
    opts.retry = function()
      reached.retrying = reached.retrying + 1
      return 60
    end
  end
  return opts
end

local function locks_held()
  local mark, count = " " .. lfs.symlinkattributes("/proc/self", "target") .. " ", 0
  for line in helper.read("/proc/locks"):gmatch("[^\n]+") do
    if line:find("FLOCK", 1, true) and line:find(mark, 1, true) then count = count + 1 end
  end
  return count
end

-- Every one has its answer; returns the last one's time.
local function check_answers(answers)
  local latest = 0
  assert.equal(TRANSFERS, #answers)
  for _, answer in ipairs(answers) do
    latest = math.max(latest, answer.time)
    assert.equal("cancelled", answer.err.kind, tostring(answer.err))
    assert.equal("enough", answer.err.cause.message)
  end
  return latest
end

describe("a cancel of " .. TRANSFERS .. " transfers", function()
  local origins = {}

  local function stop_servers()
    for _, origin in ipairs(origins) do origin:stop() end
    origins = {}
  end

  before_each(helper.begin)
  after_each(function()
    stop_servers()
    helper.finish()
  end)

  local function start_all(session, tasks, downloads, reached, answers)
    for number = 1, TRANSFERS do
      local kind = KINDS[number % #KINDS + 1]
      local url = origins[number % SERVERS + 1].url .. "/" .. kind.name
      tasks:go(function(ctx)
        local download = session:download(options_of(kind, number, url, ctx, reached))
        downloads[kind.name][#downloads[kind.name] + 1] = download
        local _, err = download:wait()
        answers[number] = { time = core.now(), err = err }
      end)
    end
  end

  local function count_receiving(downloads)
    local count = 0
    for _, download in ipairs(downloads.receiving) do
      if download:stats().received > 0 then count = count + 1 end
    end
    return count
  end

  local function all_there(downloads, reached)
    local each = TRANSFERS / #KINDS
    return reached.parked >= each and reached.retrying >= each
      and count_receiving(downloads) >= each and KINDS[1].reached(origins) >= each
  end

  local function wait_until_there(ctx, downloads, reached)
    local began = core.now()
    while not all_there(downloads, reached) do
      assert(core.now() - began < REACH, "not all of them got where they were wanted")
      ctx:sleep(0.2)
    end
    assert.is_true(locks_held() >= TRANSFERS / 4)
  end

  -- Returns when it cancelled, and the time of each answer from then on.
  local function cancel_all(session)
    local downloads, reached, answers = {}, { parked = 0, retrying = 0 }, {}
    for _, kind in ipairs(KINDS) do downloads[kind.name] = {} end
    local cancelled
    assert(session:run(function(ctx)
      local inner = ctx:with_cancel()
      local tasks = luadl.group(inner)
      start_all(session, tasks, downloads, reached, answers)
      wait_until_there(ctx, downloads, reached)
      cancelled = core.now()
      inner:cancel("enough")
      return tasks:wait()
    end))
    for _, answer in ipairs(answers) do answer.time = answer.time - cancelled end
    return cancelled, answers
  end

  -- Seconds until the last answer, and until nothing was left.
  local function measure()
    origins = start_servers()
    local leaks = helper.leaks()
    local session <close> = luadl.session({ dir = helper.tmpdir() })
    local cancelled, answers = cancel_all(session)
    local latest = check_answers(answers)
    assert.equal(0, session.loop.timers:count())
    while locks_held() > 0 and core.now() - cancelled < GIVE_UP do session:step(0.01) end
    assert.equal(0, locks_held())
    session:close()
    leaks:check()
    local clean = core.now() - cancelled
    stop_servers()
    return latest, clean
  end

  it("I6: answers every waiter within 250 ms and leaves nothing within 2 s", function()
    if sys.raise_fd_limit() < DESCRIPTORS then return pending("too few descriptors") end
    local latest, clean, tries = math.huge, math.huge, 0
    while (latest >= ANSWER or clean >= CLEAN) and tries < TRIES do
      local answered, left = measure()
      latest, clean, tries = math.min(latest, answered), math.min(clean, left), tries + 1
    end
    assert.is_true(latest < ANSWER, ("the last answer came after %.3f s"):format(latest))
    assert.is_true(clean < CLEAN, ("something was left for %.3f s"):format(clean))
  end)
end)
