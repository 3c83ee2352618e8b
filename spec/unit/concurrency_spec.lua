--- Random trees of contexts and groups under errors, cancels and deadlines in every order.
-- SPDX-License-Identifier: MIT
--
-- What happens when is drawn first, so a naive model can say why and when each context ends: the
-- earliest of its own cancels and deadlines and those of its ancestors.

local context = require("luadl.context")
local errors = require("luadl.errors")
local group = require("luadl.group")
local random = require("spec.support.random")
local run = require("luadl.run")
local world = require("spec.support.world")

local SEEDS = tonumber(os.getenv("LUADL_SEEDS")) or 150
local HORIZON = 50 -- seconds in which all is drawn to happen
local NEVER = math.huge

-- A time that no other draw has: what comes at the same time has no order to check.
local function moments(draw)
  local taken = {}
  return function()
    local time
    repeat time = draw(1, HORIZON * 1000) / 1000 until not taken[time]
    taken[time] = true
    return time
  end
end

-- Trees of contexts

local function draw_tree(draw, at)
  local nodes = { { parent = nil } }
  for index = 2, draw(3, 25) do
    local kind = draw(1, 4)
    nodes[index] = {
      parent = nodes[draw(1, index - 1)],
      due = kind == 1 and at() or nil,
      cancels = kind ~= 2 and draw(1, 3) == 1 and { at(), at() } or {},
      listens = draw(1, 2) == 1,
      leaves = draw(1, 4) == 1 and at() or nil, -- when its listener is taken off
    }
  end
  return nodes
end

local function own_end(node)
  local time, reason = node.due or NEVER, "deadline"
  for number, cancel in ipairs(node.cancels or {}) do
    if cancel < time then time, reason = cancel, "cancel " .. number .. " at " .. cancel end
  end
  return time, reason
end

local function expected_end(node)
  local time, reason = NEVER, nil
  while node do
    local own, why = own_end(node)
    if own < time then time, reason = own, why end
    node = node.parent
  end
  return time, reason
end

local function build(here, nodes)
  nodes[1].ctx, nodes[1].cancels = context.background(here.loop), {}
  for index = 2, #nodes do
    local node, above = nodes[index], nodes[index].parent.ctx
    node.ctx = node.due and above:with_deadline(1000 + node.due) or above:with_cancel()
    for number, time in ipairs(node.cancels) do
      here:at(time, function() node.ctx:cancel("cancel " .. number .. " at " .. time) end)
    end
    if node.listens then
      local remove = node.ctx:on_cancel(function(err)
        node.heard = (node.heard or 0) + 1
        node.heard_at, node.heard_reason = here:elapsed(), err
      end)
      if node.leaves then here:at(node.leaves, remove) end
    end
  end
end

local function reason_of(err)
  return err and (err.kind == "deadline" and "deadline" or err.message)
end

local function near(one, other)
  return math.abs(one - other) < 1e-6
end

local function check_node(node, where)
  local time, reason = expected_end(node)
  assert.equal(reason, reason_of(node.ctx:err()), where)
  if not node.listens then return end
  local told = time < NEVER and not (node.leaves and node.leaves < time)
  assert.equal(told and 1 or nil, node.heard, where)
  if told then assert.is_true(near(time, node.heard_at), where) end
end

-- What still listens, for it may hear of something yet.
local function release(here, nodes)
  for index = #nodes, 1, -1 do nodes[index].ctx:cancel("end") end
  here:settle()
  assert.equal(0, here.loop.timers:count())
  for _, node in ipairs(nodes) do
    assert.is_true(not node.ctx.listeners or node.ctx.listeners:is_empty())
  end
end

-- Trees of groups

-- Each task sleeps, with or without its context, perhaps starts a group of its own, and ends well,
-- with an error or by throwing one.
local function task_body(here, draw, log, depth)
  local sleeps, heeds, fate = draw(0, 20) / 10, draw(1, 4) > 1, draw(1, 12)
  local children, bound = depth > 0 and draw(0, 4) or 0, draw(1, 3)
  local limit = draw(1, 2) == 1 and draw(1, 3) or nil
  return function(ctx)
    local entry = { begun = here:elapsed() }
    log[#log + 1] = entry
    local below = bound == 1 and ctx:with_timeout(draw(1, 30) / 10) or ctx:with_cancel()
    if bound == 2 then
      local remove = below:on_cancel(function() end)
      if fate > 6 then remove() end
    end
    local inner = children > 0 and group.new(below, { limit = limit })
    for _ = 1, children do inner:go(task_body(here, draw, log, depth - 1)) end
    if heeds then below:sleep(sleeps) else here.loop:sleep(sleeps) end
    local ok, err = true, nil
    if inner then ok, err = inner:wait() end
    below:cancel("left")
    entry.ended = here:elapsed()
    if not ok then return nil, err end
    if fate == 1 then return nil, errors.new("io", "drawn") end
    if fate == 2 then error("thrown") end
  end
end

local function check_groups(seed)
  local here, draw = world.new(), random.new(seed)
  local log, at_end = {}, nil
  local cut = draw(1, 3) == 1 and draw(1, 40) / 10 or nil
  local result, err = run(here.loop, function(ctx)
    if cut then here.loop:after(cut, function() ctx:cancel("cut") end) end
    local top = group.new(ctx, { limit = draw(1, 6) })
    for _ = 1, draw(1, 6) do top:go(task_body(here, draw, log, 2)) end
    local ok, why = top:wait()
    for _, entry in ipairs(log) do assert.is_number(entry.ended, "a task still runs") end
    at_end = #log
    return ok, why
  end)
  assert.equal(at_end, #log, "a task began after the wait")
  assert.is_true(result == true or err ~= nil, tostring(err))
  if cut then here:run_until(math.max(cut, here:elapsed()) + 0.1) end
  assert.equal(0, here.loop.timers:count())
  assert.is_nil(here.loop:timeout())
end

describe("contexts", function()
  it("end when and why the model says, and leave nothing, in any tree", function()
    for seed = 1, SEEDS do
      local here, draw = world.new(), random.new(seed)
      local nodes = draw_tree(draw, moments(draw))
      build(here, nodes)
      here:run_until(HORIZON + 1)
      for index, node in ipairs(nodes) do
        check_node(node, ("seed %d, context %d"):format(seed, index))
      end
      release(here, nodes)
    end
  end)

  it("say the same when nobody looks before the end", function()
    for seed = 1, SEEDS do
      local here, draw = world.new(), random.new(seed)
      local nodes = draw_tree(draw, moments(draw))
      for _, node in ipairs(nodes) do node.listens = false end
      build(here, nodes)
      here:run_until(HORIZON + 1)
      local order = {}
      for index = 1, #nodes do table.insert(order, draw(1, index), index) end
      for _, index in ipairs(order) do
        check_node(nodes[index], ("seed %d, context %d"):format(seed, index))
      end
      release(here, nodes)
    end
  end)
end)

describe("groups", function()
  it("return after all their tasks, and leave nothing, whatever fails when", function()
    for seed = 1, SEEDS do
      local ok, problem = xpcall(check_groups, debug.traceback, seed)
      assert.is_true(ok, ("seed %d: %s"):format(seed, tostring(problem)))
    end
  end)
end)
