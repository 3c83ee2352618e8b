--- `--info`: shows what servers say of each input; nothing is saved.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")
local info = require("luadl.cli.info")
local inputs = require("luadl.cli.inputs")
local lines = require("luadl.cli.lines")
local output = require("luadl.cli.output")

local inspection = {}

local PAUSE = 0.05 -- seconds until a list is looked at again that is still being written

local function print_text(world, _, head, err, opts)
  if not head then return world.stderr:write(lines.failed(err), "\n") end
  world.stdout:write(info.text(head, opts))
end

local function print_json(world, url, head, err, opts)
  world.stdout:write(head and info.json(head, opts) or info.json_failure(url, err))
end

local function tracer(request, report, number)
  return request.command.why and function(event) report:trace(event, number) end or nil
end

local function next_of(parts, next_input)
  local opts, err = next_input()
  while opts == false and err == nil do
    parts.luadl.sleep(PAUSE)
    opts, err = next_input()
  end
  return opts, err
end

local SENDS = "--info asks by GET, and sends no data"

-- What a list says of a request counts here, too; nothing may be changed by it.
local function inspect(session, opts, trace)
  if opts.body or (opts.method or "GET") ~= "GET" then
    return nil, errors.new("usage", SENDS, { url = errors.redact_url(opts.url) })
  end
  opts.on_trace = trace
  return session:info(opts)
end

local function show_all(parts, session, request, report, source)
  local show = request.command.json and print_json or print_text
  local index, first_error = 0, nil
  local opts, wrong = next_of(parts, source.next)
  while opts ~= nil do
    index = index + 1
    local head, err = nil, wrong
    if opts then
      local trace = tracer(request, report, source.count ~= 1 and index or nil)
      head, err = inspect(session, opts, trace)
    end
    show(parts.world, opts and opts.url or "", head, err, request.options)
    first_error = first_error or err
    opts, wrong = next_of(parts, source.next)
  end
  return exit.status(first_error)
end

--- Shows them all.
---@param parts table { luadl, sys, world }
---@param session luadl.session
---@param request table as luadl.cli.arguments reads it
---@return integer|nil status
---@return string|nil message what is wrong with the command line
function inspection.run(parts, session, request)
  local function warn(message)
    if request.command.quiet then return end
    parts.world.stderr:write(lines.warning(message), "\n")
  end
  local next_input, count = inputs.open(request, parts, warn)
  if not next_input then return nil, count end
  if request.options.insecure then warn(lines.NOT_VERIFIED) end
  local report, err = output.new(parts.world, request.command)
  if not report then return exit.fail(parts.world, err) end
  return show_all(parts, session, request, report, { next = next_input, count = count })
end

return inspection
