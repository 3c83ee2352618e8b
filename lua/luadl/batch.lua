--- Many downloads, a few at once.
-- SPDX-License-Identifier: MIT

local batch = {}

local STEP = 0.1 -- seconds between two ticks
local STOP_WITHIN = 1.5 -- seconds for cancelled downloads to end

local function start_next(run)
  local opts = run.list[run.next]
  run.next = run.next + 1
  local download = run.session:download(opts)
  run.active[#run.active + 1] = download
  run.hooks.started(download)
end

local function count(run, result, err)
  local summary = run.summary
  if result then
    summary.done = summary.done + 1
  else
    summary.failed = summary.failed + 1
    summary.first_error = summary.first_error or err
  end
end

local function reap(run)
  local still = {}
  for _, download in ipairs(run.active) do
    if download.ended.fired then
      local result, err = download:wait()
      count(run, result, err)
      run.hooks.finished(download, result, err)
    else
      still[#still + 1] = download
    end
  end
  run.active = still
end

local function fill(run)
  while #run.active < run.hooks.jobs and run.next <= #run.list do start_next(run) end
end

local function step(run)
  run.session:step(STEP)
  reap(run)
  run.hooks.tick()
end

local function stop(run, now)
  for _, download in ipairs(run.active) do download:cancel("interrupted") end
  local until_time = now() + STOP_WITHIN
  while #run.active > 0 and now() < until_time do step(run) end
end

--- Runs the downloads of `list` (their options), in order, `hooks.jobs` at once.
---@param session luadl.session
---@param list table[]
---@param hooks { jobs: integer, started: fun(download), finished: fun(download, result, err),
--- tick: fun(), interrupted: fun(): boolean }
---@return { done: integer, failed: integer, total: integer, first_error: luadl.error|nil }
function batch.run(session, list, hooks)
  local run = {
    session = session, list = list, hooks = hooks,
    next = 1, active = {}, summary = { done = 0, failed = 0, total = #list },
  }
  fill(run)
  while #run.active > 0 and not hooks.interrupted() do
    step(run)
    fill(run)
  end
  if #run.active > 0 then stop(run, session.core.now) end
  return run.summary
end

return batch
