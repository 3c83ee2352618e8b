--- Where the files go: a folder that is made when it's missing, looked at before any request (F7).
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local place = {}

local KINDS = {
  [1] = "permission",
  [13] = "permission",
  [28] = "no_space",
  [30] = "read_only",
  [122] = "quota",
}

local function failure(what, path, message, errno)
  local kind = KINDS[errno] or "bad_name"
  return errors.new(kind, ("%s %s: %s"):format(what, path, message), { path = path, errno = errno })
end

local function folder_of(path)
  local folder = path:match("^(.*)/[^/]*$")
  return folder == "" and "/" or folder or "."
end

--- Makes what `-d` names, and looks whether files can be written there and beside `-o`.
---@param sys table luadl.sys
---@param dir string|nil
---@param output string|nil
---@return luadl.error|nil
function place.prepare(sys, dir, output)
  if dir then
    local made, message, errno = sys.make_directories(dir)
    if not made then return failure("cannot make the folder", dir, message, errno) end
  end
  local folder = output and folder_of(output) or dir or "."
  local writable, message, errno = sys.writable(folder)
  if writable then return nil end
  return failure("cannot write into", folder, message, errno)
end

return place
