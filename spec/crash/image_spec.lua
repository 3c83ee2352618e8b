-- P3 on a real file system: while the command is stopped, the image under its mounted ext4 is
-- copied, as a power cut would leave it; in the copy the same command again gets the file.
-- SPDX-License-Identifier: MIT

local crash = require("spec.support.crash")
local helper = require("spec.support.helper")
local scenes = require("spec.support.scenes")
local server = require("spec.support.server")

local STEP = crash.full and 3 or 20 -- changes from one stop to the next
local SCENES = crash.full and { "fresh", "half", "changed", "unknown" } or { "fresh" }
local AT_LEAST = crash.full and 50 or 2

local MAKE = [[
  set -e
  cd "$1"
  mkdir live copy
  truncate -s 24M image
  mkfs.ext4 -q image
  mount -o loop image live
  mkdir live/files
]]

-- Status 1: the command ended before it was stopped. A copy counts if nothing was written while it
-- was made: the file system goes on by itself.
local CUT = [[
  cd "$1" && shift
  sync -f live
  "$@" & child=$!
  until [ "$(cut -d' ' -f3 /proc/$child/stat 2>/dev/null)" = T ]; do
    kill -0 $child 2>/dev/null || exit 1
    sleep 0.005
  done
  until cp --sparse=always image cut && cmp -s image cut; do :; done
  kill -KILL $child
  mount -o loop cut copy || exit 2
]]

local function sh(script, ...)
  return helper.run({ "sh", "-c", "PATH=$PATH:/usr/sbin:/sbin\n" .. script, "sh", ... })
end

describe("a copied disk", function()
  local origin, folder, problem
  local total = 0

  setup(function()
    origin = server.start()
    folder = helper.make_folder()
    local made = sh(MAKE, folder)
    problem = made.status ~= 0 and made.stderr
  end)

  teardown(function()
    if not problem then sh('umount "$1/live"', folder) end
    helper.remove_folder(folder)
    origin:stop()
  end)

  before_each(helper.begin)
  after_each(helper.finish)

  local function need_image()
    if problem then pending("no image can be mounted here: " .. problem) end
  end

  -- Says whether the command was stopped at this change.
  local function try(scene, site, left, change)
    local live = site:at(folder .. "/live/files")
    live:restore(left)
    local result = sh(CUT, folder, table.unpack(live:command({ stop = change })))
    if result.status == 1 then return false end
    assert.equal(0, result.status, result.stderr)
    local ok, err = pcall(site.check_recovery, site:at(folder .. "/copy/files"), scene.late)
    sh('umount "$1/copy" && rm "$1/cut"', folder)
    if not ok then error(("stopped at change %d: %s"):format(change, err), 0) end
    return true
  end

  for _, name in ipairs(SCENES) do
    local scene = scenes.get(name)
    it(("P3: at a change of %s has what is needed"):format(scene.title), function()
      need_image()
      local site, left = scenes.prepare(origin, scene)
      local change = STEP
      while try(scene, site, left, change) do
        change = change + STEP
        total = total + 1
      end
    end)
  end

  it("was taken often enough", function()
    need_image()
    print(("%d copied disks"):format(total))
    assert.is_true(total >= AT_LEAST)
  end)
end)
