--- `-o -`: writes what the inputs bring to standard output, in order, one after the other.
-- SPDX-License-Identifier: MIT
--
-- A pipe whose reader is slow must not hold up the rest: between two writes, and while none is
-- possible, retries are answered, the display goes on, and Ctrl-C is heard.

local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")
local inputs = require("luadl.cli.inputs")
local lines = require("luadl.cli.lines")
local output = require("luadl.cli.output")
local reading = require("luadl.reading")
local sink = require("luadl.cli.sink")

local standard = {}

local STDOUT = 1
local STEP = 0.1 -- seconds between two looks around
local STOP_WITHIN = 1.5 -- seconds for a cancelled download to end
local EPIPE = 32
local SHOWN = "-" -- where a file has its path
local UNWRITABLE = "cannot write to standard output"

--- Standard output is the files' alone, or --json's: what scripts print goes to standard error from
--- now on.
---@param world table
function standard.claim(world)
  io.output(io.stderr)
  rawset(_G, "print", function(...) world.stderr:write(lines.printed(...)) end)
end

-- And what `--write-out` says.
local function world_beside(world)
  return setmetatable({ stdout = world.stderr, stdout_terminal = world.terminal },
    { __index = world })
end

local function serve(self, seconds)
  self.session:step(seconds)
  self.report:tick()
  if self.parts.sys.interrupted() == 0 then return true end
  return nil, errors.new("cancelled", "interrupted")
end

-- It may fail meanwhile, by its deadline, say.
local function put(self, stream, bytes)
  local at = 1
  while at <= #bytes do
    local count, message, errno = self.outlet:write(bytes, at, STEP)
    if not count then return nil, sink.failure(UNWRITABLE, message, errno) end
    at = at + count
    local ok, err = serve(self, 0)
    local _, failed = stream:result()
    if not ok or failed then return nil, err or failed end
  end
  return true
end

local function stop(self, stream, err)
  local now = self.parts.world.now
  local until_time = now() + STOP_WITHIN
  stream:close(err.message)
  while not stream:ended() and now() < until_time do self.session:step(STEP) end
  return nil, err
end

local function copy(self, stream)
  local ok, err
  repeat
    local bytes = stream:take()
    if bytes then
      ok, err = put(self, stream, bytes)
    elseif stream:ended() then
      return stream:result()
    else
      ok, err = serve(self, STEP)
    end
  until not ok
  return stop(self, stream, err)
end

-- Whoever read had enough: no line about that.
local function tell_end(self, download, result, err)
  if err and err.errno == EPIPE then return self.report:postponed(download) end
  if result then result.path = SHOWN end
  self.report:finished(download, result, err)
end

local function run_one(self, opts)
  local download
  local place = opts.output ~= SHOWN and "output"
  opts.output, opts.dir = nil, nil
  local refused = place and "the command's output is '-', this one names a file"
    or reading.refusal(opts)
  if refused then
    local err = errors.new("usage", refused, { url = errors.redact_url(opts.url) })
    self.report:finished({ url = err.url }, nil, err)
    return nil, err
  end
  local stream = self.session:stream(opts)
  download = stream.download
  self.report:started(download)
  local result, err = copy(self, stream)
  tell_end(self, download, result, err)
  return result, err
end

local function observers(self, request, number)
  local report = self.report
  local function on_retry(...) report:retry(...) end
  local function on_trace(event) report:trace(event, number) end
  return on_retry, request.command.why and on_trace or nil
end

-- What would come behind a gap is of no use: the first failure ends it.
local function run_all(self, request, next_input, count)
  local done, opts, err = 0, next_input()
  while opts do
    opts.on_retry, opts.on_trace = observers(self, request, count ~= 1 and done + 1 or nil)
    err = select(2, run_one(self, opts))
    if err then break end
    done = done + 1
    opts, err = next_input()
  end
  if opts == false then self.report:finished({}, nil, err) end
  local failed = err and 1 or 0
  local total = math.max(count or 0, done + failed)
  return { done = done, failed = failed, skipped = 0, total = total, first_error = err }
end

local function run(self, request, next_input, count)
  local report, sys = self.report, self.parts.sys
  if request.options.insecure then report:notice(lines.NOT_VERIFIED) end
  if self.session.notice then report:notice(self.session.notice) end
  self.session.interrupted = function() return sys.interrupted() > 0 end -- stops a busy policy, too
  sys.raise_fd_limit()
  sys.catch_signals(self.session:wake_fd())
  if count then report:expected(count) end
  local summary = run_all(self, request, next_input, count)
  local status = exit.status(summary.first_error)
  report:summary(summary, status)
  return status
end

--- Writes them all.
---@param parts table { sys, world }
---@param session luadl.session
---@param request table as luadl.cli.arguments reads it
---@return integer|nil status
---@return string|nil message what is wrong with the command line
function standard.run(parts, session, request)
  local outlet, message, errno = require("luadl.outlet").open(STDOUT)
  if not outlet then
    return exit.fail(parts.world, sink.failure("no standard output", message, errno))
  end
  local report, err = output.new(world_beside(parts.world), request.command)
  if not report then return exit.fail(parts.world, err) end
  local function warn(warning) report:notice(warning) end
  local next_input, count = inputs.open(request, parts, warn)
  local status
  if next_input then
    local self = { parts = parts, session = session, report = report, outlet = outlet }
    status = run(self, request, next_input, count)
  end
  err = report:close()
  outlet:close()
  if not next_input then return nil, count end
  return exit.after(status, parts.world, err)
end

return standard
