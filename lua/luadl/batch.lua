--- Many downloads, a few at once.
-- SPDX-License-Identifier: MIT

local batch = {}

local STEP = 0.1 -- seconds between two ticks
local STOP_WITHIN = 1.5 -- seconds for cancelled downloads to end

local function next_opts(run)
  local postponed = table.remove(run.postponed, 1)
  if postponed then return postponed end
  run.next = run.next + 1
  return run.list[run.next - 1]
end

local function start_next(run)
  local opts = next_opts(run)
  local download = run.session:download(opts)
  run.started[download] = { opts = opts, alone = run.jobs == 1 }
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

-- What the process can't open now it can when others have ended; then fewer run at once (P6).
local function postpone(run, download, opts, others)
  run.jobs = math.max(1, math.min(run.jobs, others))
  run.postponed[#run.postponed + 1] = opts
  run.hooks.postponed(download)
end

-- Its URL stood for others, which come next.
local function unfold(run, download)
  for index, opts in ipairs(download.requests) do table.insert(run.postponed, index, opts) end
  run.summary.total = run.summary.total + #download.requests - 1
  run.hooks.postponed(download)
end

local function finish(run, download, others)
  local result, err = download:wait()
  local start = run.started[download]
  run.started[download] = nil
  if download.requests then return unfold(run, download) end
  if err and err.kind == "fd_limit" and not start.alone then
    return postpone(run, download, start.opts, others)
  end
  count(run, result, err)
  run.hooks.finished(download, result, err)
end

local function reap(run)
  local still, ended = {}, {}
  for _, download in ipairs(run.active) do
    local list = download.ended.fired and ended or still
    list[#list + 1] = download
  end
  run.active = still
  for _, download in ipairs(ended) do finish(run, download, #still) end
end

local function has_more(run)
  return run.postponed[1] or run.next <= #run.list
end

local function fill(run)
  while #run.active < run.jobs and has_more(run) do start_next(run) end
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
--- postponed: fun(download), tick: fun(), interrupted: fun(): boolean } what is postponed ends
--- without a result and is started anew later
---@return { done: integer, failed: integer, total: integer, first_error: luadl.error|nil }
function batch.run(session, list, hooks)
  session.interrupted = hooks.interrupted -- a policy that is busy stops, too
  local run = {
    session = session, list = list, hooks = hooks, jobs = hooks.jobs,
    next = 1, active = {}, postponed = {}, started = {},
    summary = { done = 0, failed = 0, total = #list },
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
