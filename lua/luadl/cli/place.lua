--- Where the files go: a folder that is made when it's missing, looked at before any request (F7).
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local folders = require("luadl.folders")

local place = {}

local function folder_of(path)
  local folder = path:match("^(.*)/[^/]*$")
  return folder == "" and "/" or folder or "."
end

local ENOENT = 2

-- Its record may be all that is left of it.
local function is_there(sys, path)
  local found, _, errno = sys.stat(path)
  return found ~= nil or errno ~= ENOENT
end

--- Looks whether there is anything to continue.
---@param sys table luadl.sys
---@param opts { resume: string|false|nil, restart: boolean|nil, adopt: boolean|nil }
---@return luadl.error|nil
function place.find(sys, opts)
  if not opts.resume or opts.restart or opts.adopt then return nil end
  local part = opts.resume:gsub("%.lj$", "")
  local name = part:gsub("%.part$", "")
  if is_there(sys, part) or is_there(sys, part .. ".lj") then return nil end
  local message = ("cannot continue %s: there is no such file"):format(part)
  if is_there(sys, name) then message = ("%s, but %s is there"):format(message, name) end
  return errors.new("not_found", message, { path = part, errno = ENOENT })
end

--- Makes what `-d` names, and looks whether files can be written there and beside `-o`.
---@param sys table luadl.sys
---@param dir string|nil
---@param output string|nil
---@return luadl.error|nil
function place.prepare(sys, dir, output)
  if dir then
    local made, err = folders.make(sys, dir)
    if not made then return err end
  end
  local folder = output and folder_of(output) or dir or "."
  local writable, message, errno = sys.writable(folder)
  if writable then return nil end
  return folders.failure("cannot write into", folder, message, errno)
end

return place
