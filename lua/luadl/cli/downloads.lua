--- Downloads what the command line asks for: its inputs become a batch, whose course is reported.
-- SPDX-License-Identifier: MIT

local exit = require("luadl.cli.exit")
local inputs = require("luadl.cli.inputs")
local lines = require("luadl.cli.lines")
local options = require("luadl.options")
local output = require("luadl.cli.output")
local place = require("luadl.cli.place")

local downloads = {}

-- What the batch tells of an item, as the report takes it.
local events = {}

function events.started(report, item)
  report:started(item.download)
end

function events.postponed(report, item)
  report:postponed(item.download)
end

function events.done(report, item)
  report:finished(item.download, item.result)
end

function events.skipped(report, item)
  if item.download then return events.done(report, item) end
  report:skip({ url = item.url }, { url = item.url, skipped = item.reason })
end

function events.failed(report, item)
  local stopped = item.stopped and item.error.kind == "cancelled"
  report:finished(item.download or { url = item.url }, nil, item.error, stopped)
end

local function hooks_of(parts, report)
  return {
    event = function(item, event) events[event](report, item) end,
    notice = function(message) report:notice(message) end,
    tick = function() report:tick() end,
    interrupted = function() return parts.sys.interrupted() > 0 end,
  }
end

-- Everything that the batch is given reports; with --why by its number, if there are several.
local function watched(request, report, source)
  local index, several = 0, source.count ~= 1
  local function on_retry(...) report:retry(...) end
  return function()
    local opts, where = source.next()
    if not opts then return opts, where end
    index = index + 1
    source.has_brought = true
    local number = several and index or nil
    opts.on_retry, opts.position = on_retry, opts.position or index
    if request.command.why then
      opts.on_trace = function(event) report:trace(event, number) end
    end
    return opts, where
  end
end

local function batch_options(command)
  local opts = {}
  for _, option in options.each() do
    if option.scope == "batch" then opts[option.name] = command[option.name] end
  end
  return opts
end

local function status_of(summary)
  if summary.first_error then return exit.status(summary.first_error) end
  return summary.stopped and exit.INTERRUPTED or exit.OK
end

-- Nothing was asked for.
local function nothing(report, count, err)
  report:finished({}, nil, err)
  return { done = 0, failed = count, skipped = 0, total = count, first_error = err }
end

local function run_batch(parts, session, request, report, source)
  local sys = parts.sys
  local path = request.is_one and request.each.output or request.options.resume or nil
  local err = place.find(sys, request.options)
    or place.prepare(sys, request.options.dir, path)
  if err then return nothing(report, source.count or 0, err) end
  local batch, wrong = parts.batch.new(session, batch_options(request.command),
    hooks_of(parts, report))
  if not batch then return nothing(report, source.count or 0, wrong) end
  session.interrupted = function() return sys.interrupted() > 0 end -- stops a busy policy, too
  sys.raise_fd_limit() -- jobs times connections soon pass the usual 1024
  sys.catch_signals(session:wake_fd())
  if source.count then report:expected(source.count) end
  batch:source(watched(request, report, source))
  local summary = batch:run()
  if summary.stopped then summary.total = math.max(summary.total, source.count or 0) end
  return summary
end

-- Other parts of the list have it all.
local function tell_empty_shard(request, report, source, summary)
  local shard = request.command.shard
  if not shard or not source.has_brought or summary.total > 0 or summary.stopped then return end
  report:notice(("shard %s: nothing of the list falls into it"):format(shard))
end

local function run(parts, session, request, report, source)
  if request.options.insecure then report:notice(lines.NOT_VERIFIED) end
  if session.notice then report:notice(session.notice) end
  local summary = run_batch(parts, session, request, report, source)
  tell_empty_shard(request, report, source, summary)
  local status = status_of(summary)
  report:summary(summary, status)
  if request.options.insecure and summary.total > 1 then report:notice(lines.NOT_VERIFIED) end
  return status
end

--- Runs them all.
---@param parts table { batch, sys, world }
---@param session luadl.session
---@param request table as luadl.cli.arguments reads it
---@return integer|nil status
---@return string|nil message what is wrong with the command line
function downloads.run(parts, session, request)
  local report, err = output.new(parts.world, request.command)
  if not report then return exit.fail(parts.world, err) end
  local function warn(message) report:notice(message) end
  local next_input, count = inputs.open(request, parts, warn)
  if not next_input then
    report:close()
    return nil, count
  end
  local status = run(parts, session, request, report, { next = next_input, count = count })
  return exit.after(status, parts.world, report:close())
end

return downloads
