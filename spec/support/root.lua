--- What only root can do: mount a small file system, and be somebody else.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")

local root = {}

local AS_NOBODY = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups" }

--- Whether the specs run as root.
function root.is()
  return helper.run({ "id", "-u" }).stdout == "0\n"
end

--- A fresh file system of this size ("256k"), which the caller gives to `unmount`; nil: not here.
---@return string? folder
function root.mount(size)
  local folder = helper.make_folder()
  local words = { "mount", "-t", "tmpfs", "-o", "size=" .. size, "tmpfs", folder }
  if root.is() and helper.run(words).status == 0 then return folder end
  helper.remove_folder(folder)
  return nil
end

---@param folder string? nil: nothing was mounted
function root.unmount(folder)
  if not folder then return end
  helper.run({ "umount", folder })
  helper.remove_folder(folder)
end

--- The command (a list of words) as somebody else; nil where they can't reach this tree.
---@return string[]?
function root.as_nobody(command)
  local function with(words)
    return table.move(words, 1, #words, #AS_NOBODY + 1, { table.unpack(AS_NOBODY) })
  end
  local reached = helper.run(with({ "test", "-x", helper.root .. "/scripts/luadl" })).status == 0
  return reached and with(command) or nil
end

return root
