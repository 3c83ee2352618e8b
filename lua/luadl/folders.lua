--- Folders that are made where they are missing, and what is said when they can't be.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local folders = {}

local KINDS = {
  [1] = "permission",
  [13] = "permission",
  [28] = "no_space",
  [30] = "read_only",
  [122] = "quota",
}

--- An error of the system as one of luadl's.
---@param what string what couldn't be done, as "cannot make the folder"
---@param path string
---@param message string
---@param errno integer
---@return luadl.error
function folders.failure(what, path, message, errno)
  local kind = KINDS[errno] or "bad_name"
  return errors.new(kind, ("%s %s: %s"):format(what, path, message), { path = path, errno = errno })
end

--- Makes a folder, and those above it.
---@param sys table luadl.sys
---@param dir string
---@return boolean|nil
---@return luadl.error|nil
function folders.make(sys, dir)
  local made, message, errno = sys.make_directories(dir)
  if made then return true end
  return nil, folders.failure("cannot make the folder", dir, message, errno)
end

return folders
