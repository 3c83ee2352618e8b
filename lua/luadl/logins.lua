--- The logins that a netrc file has for a download's hosts, read once in a session.
-- SPDX-License-Identifier: MIT
--
-- Only who asks for it gets it: a file that lies around says nothing about what may be sent.

local errors = require("luadl.errors")
local netrc = require("luadl.netrc")

local logins = {}

local EPERM = 1

local function usual_path()
  return os.getenv("NETRC") or (os.getenv("HOME") or "") .. "/.netrc"
end

local function failure(path, message)
  return nil, errors.new("usage", ("%s: %s"):format(path, message), { path = path })
end

local function read(path)
  local text, message, errno = require("luadl.sys").read_private(path)
  if errno == EPERM then
    return failure(path, "others may read it: `chmod 600` makes it yours alone")
  end
  if not text then return failure(path, message) end
  local list, wrong = netrc.parse(text)
  if not list then return failure(path, wrong) end
  return list
end

--- What a download with these options may log in with.
---@param session luadl.session it keeps what was read
---@param opts table checked options
---@return { [1]: string, [2]: string }[]|nil list { host, "name:password" }; nil without an error:
--- nothing was asked for
---@return luadl.error|nil err kind "usage": the file can't be read, or others can
function logins.of(session, opts)
  if not opts.netrc and not opts.netrc_file then return nil end
  local path = opts.netrc_file or usual_path()
  local known = session.logins or {}
  session.logins = known
  if known[path] then return known[path] end
  local list, err = read(path)
  known[path] = list
  return list, err
end

return logins
