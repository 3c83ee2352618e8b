--- Where the files go: a folder that is made when it's missing, looked at before any request (F7).
-- SPDX-License-Identifier: MIT

local folders = require("luadl.folders")

local place = {}

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
    local made, err = folders.make(sys, dir)
    if not made then return err end
  end
  local folder = output and folder_of(output) or dir or "."
  local writable, message, errno = sys.writable(folder)
  if writable then return nil end
  return folders.failure("cannot write into", folder, message, errno)
end

return place
