--- The `luadl` command: reads its arguments, runs the downloads, reports, and says how it went.
-- SPDX-License-Identifier: MIT

local arguments = require("luadl.cli.arguments")
local exit = require("luadl.cli.exit")
local help = require("luadl.cli.help")
local info = require("luadl.cli.info")
local lines = require("luadl.cli.lines")
local output = require("luadl.cli.output")
local place = require("luadl.cli.place")
local program = require("luadl.cli.program")
local scripts = require("luadl.cli.scripts")
local secrets = require("luadl.cli.secrets")
local text = require("luadl.text")

local cli = {}

local HELP = { ["-h"] = true, ["--help"] = true }
local NOT_VERIFIED = "TLS certificates are not verified (--insecure)"

-- Loaded late: the help is there without an engine.
local function load_parts()
  local sys = require("luadl.sys")
  return {
    luadl = require("luadl"),
    batch = require("luadl.batch"),
    sys = sys,
    world = output.world(sys),
  }
end

local function say_usage(stderr, message)
  stderr:write("luadl: ", text.clean(message), "\ntry luadl --help\n")
  return exit.USAGE
end

local function count_of(request)
  return math.max(1, #request.urls) -- a .part brings its URL
end

local function tracer(request, report, index)
  local number = count_of(request) > 1 and index or nil
  return request.command.why and function(event) report:trace(event, number) end or nil
end

local function downloads_of(request, report)
  local list = {}
  for index = 1, count_of(request) do
    list[index] = {
      url = request.urls[index],
      output = request.each.output,
      range = request.each.range,
      checksum = request.each.checksum,
      dir = request.each.output and ".", -- the output begins with it already
      on_retry = function(...) report:retry(...) end,
      on_trace = tracer(request, report, index),
    }
  end
  return list
end

local function status_of(summary, wanted, interrupted)
  if summary.first_error then return exit.status(summary.first_error) end
  if interrupted and summary.done < wanted then return exit.INTERRUPTED end
  return exit.OK
end

-- Without a place to write nothing is asked for.
local function no_place(request, report, err)
  report:finished({}, nil, err)
  local count = count_of(request)
  return { done = 0, failed = count, total = count, first_error = err }, exit.status(err)
end

local function run_batch(parts, session, request, report)
  local sys = parts.sys
  local path = request.each.output or request.options.resume or nil
  local err = place.prepare(sys, request.options.dir, path)
  if err then return no_place(request, report, err) end
  local function interrupted() return sys.interrupted() > 0 end
  sys.raise_fd_limit() -- jobs times connections soon pass the usual 1024
  sys.catch_signals(session:wake_fd())
  local list = downloads_of(request, report)
  local summary = parts.batch.run(session, list, {
    jobs = request.command.jobs,
    started = function(download) report:started(download) end,
    finished = function(...) report:finished(...) end,
    postponed = function(download) report:postponed(download) end,
    tick = function() report:tick() end,
    interrupted = interrupted,
  })
  return summary, status_of(summary, #list, interrupted())
end

local function download(parts, session, request)
  local report = output.new(parts.world, request.command)
  if request.options.insecure then report:notice(NOT_VERIFIED) end
  local summary, status = run_batch(parts, session, request, report)
  report:summary(summary, status)
  if request.options.insecure and #request.urls > 1 then report:notice(NOT_VERIFIED) end
  report:close()
  return status
end

local function print_text(world, _, head, err, opts)
  if not head then return world.stderr:write(lines.failed(err), "\n") end
  world.stdout:write(info.text(head, opts))
end

local function print_json(world, url, head, err, opts)
  world.stdout:write(head and info.json(head, opts) or info.json_failure(url, err))
end

local function show_info(parts, session, request)
  local show = request.command.json and print_json or print_text
  local first_error
  if request.options.insecure then
    parts.world.stderr:write(lines.warning(NOT_VERIFIED), "\n")
  end
  local report = output.new(parts.world, request.command)
  for index, url in ipairs(request.urls) do
    local head, err = session:info({ url = url, on_trace = tracer(request, report, index) })
    show(parts.world, url, head, err, request.options)
    first_error = first_error or err
  end
  return exit.status(first_error)
end

local function print_traceback(stderr, err)
  for line in (err.traceback or ""):gmatch("[^\n]+") do stderr:write(text.clean(line), "\n") end
end

-- Plain calls of a script, such as luadl.fetch, are the command's own.
local function with_scripts(parts, session, request)
  if request.command.scripts then parts.luadl.share(session) end
  local loaded, err = scripts.load(session, parts.sys, request.command)
  local action = request.command.info and show_info or download
  if loaded then return action(parts, session, request) end
  parts.world.stderr:write(lines.failed(err), "\n")
  if request.command.verbose then print_traceback(parts.world.stderr, err) end
  return exit.status(err)
end

local function run(parts, request)
  local session, err = parts.luadl.session(request.options)
  if not session then
    parts.world.stderr:write(lines.failed(err), "\n")
    return exit.status(err)
  end
  local ok, status = xpcall(with_scripts, debug.traceback, parts, session, request)
  session:close()
  if not ok then error(status, 0) end
  return status
end

local function answer_at_once(request)
  if request.command.help then
    io.stdout:write(help.text())
    return exit.OK
  end
  io.stdout:write("luadl ", require("luadl").version, "\n")
  return exit.OK
end

--- Runs the command.
---@param argv string[]
---@param parts table|nil { luadl, batch, sys, world } to use instead of the real ones
---@return integer status
function cli.main(argv, parts)
  if argv[1] == "run" and not HELP[argv[2]] then return program.run(argv, io.stderr) end
  local request, message = arguments.parse(argv)
  if not request then return say_usage(parts and parts.world.stderr or io.stderr, message) end
  if request.command.help or request.command.version then return answer_at_once(request) end
  parts = parts or load_parts()
  for _, secret in ipairs(secrets.of(request)) do parts.sys.hide(secret) end
  return run(parts, request)
end

return cli
