-- The cases of the comparison: what goes wrong, in a user's words, and how it is brought about.
-- SPDX-License-Identifier: MIT
--
-- A case has runs of the same command. A run has the server's behaviour, the version of the file
-- that is served, perhaps a signal that ends the program when half of the file is there, and
-- perhaps something that happens before. What a program says at its own interruption counts only
-- where the run is `told` to be judged. `right` are the versions that the file may be in the
-- end.

local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local misbehaviour = require("spec.bench.differential.misbehaviour")

local MIB = 1048576
local SIZE = 4 * MIB

local function version(seed, fields)
  return merged({
    size = SIZE,
    seed = seed,
    etag = ('"v%d"'):format(seed),
    last_modified = ("Mon, %02d Jan 2025 10:00:00 GMT"):format(6 + 7 * seed),
    rate = 2 * MIB,
  }, fields)
end

local function anonymous(seed)
  local made = version(seed)
  made.etag, made.last_modified = nil, nil
  return made
end

local OLD, NEW = version(1), version(2)
local LARGER, SMALLER = version(2, { size = 5 * MIB }), version(2, { size = MIB })

local function interrupted(signal, what)
  return { behaviour = misbehaviour.slow_end, version = what or OLD, signal = signal }
end

local function told(interrupted_run)
  interrupted_run.judged = true
  return interrupted_run
end

local function run(behaviour, what, given)
  return { behaviour = behaviour, version = what or OLD, given = given }
end

local function after(change, then_run)
  then_run.before = change
  return then_run
end

-- A run alone, then again by itself when it has failed.
local function once(title, name, given, right)
  return { title = title, runs = { run(misbehaviour[name], OLD, given) }, right = { right or OLD } }
end

-- Interrupted in the middle, then continued from a server with this behaviour.
local function continued(title, signal, name, what)
  local runs = { interrupted(signal), run(misbehaviour[name], what) }
  return { title = title, runs = runs, right = { what or OLD } }
end

-- The disk between two runs

local function patch(path, offset, bytes)
  local file = io.open(path, "r+b")
  if not file then return end
  file:seek("set", offset)
  file:write(bytes)
  file:close()
end

local function zero_a_block(folder, rival)
  patch(folder .. "/" .. rival.data, 131072, ("\0"):rep(65536))
end

local function zero_all(folder, rival)
  local path = folder .. "/" .. rival.data
  local bytes = helper.read(path)
  if bytes then patch(path, 0, ("\0"):rep(#bytes)) end
end

local function shorten(folder, rival)
  local path = folder .. "/" .. rival.data
  if helper.exists(path) then helper.run({ "truncate", "-s", MIB, path }) end
end

local function drop_control(folder, rival)
  if rival.control then os.remove(folder .. "/" .. rival.control) end
end

local function tampered(title, change)
  return {
    title = title,
    runs = { interrupted("INT"), after(change, run(misbehaviour.none)) },
    right = { OLD },
  }
end

local function room(size)
  return function(folder)
    local mounted = helper.run({ "mountpoint", "-q", folder }).status == 0
    local options = (mounted and "remount," or "") .. "size=" .. size
    local mount = helper.run({ "mount", "-t", "tmpfs", "-o", options, "tmpfs", folder })
    assert(mount.status == 0, mount.stderr)
  end
end

return {
  once("The server falls silent for good", "silent_for_good"),
  once("The first two answers fall silent in the middle", "silent", { times = 2 }),
  once("The first two answers break off in the middle", "broken_off", { times = 2 }),
  once("Chunked answers end too early, twice", "chunked", { times = 2 }),
  once("Two contradicting Content-Length", "two_lengths"),
  once("One connection per address, others get 503", "crowded", { most = 1 }),
  once("Parts are shorter than asked", "short_parts", { most = 524288 }),
  once("The link behind the redirect expires midway (403)", "expiring"),
  once("The file is replaced midway, same size", "replaced", { successor = NEW }, NEW),
  { title = "Ctrl-C in the middle", runs = { told(interrupted("INT")) }, right = { OLD } },
  continued("Ctrl-C, then the same command", "INT", "none"),
  continued("kill -9, then the same command", "KILL", "none"),
  {
    title = "Complete, then the same command",
    runs = { run(misbehaviour.none), run(misbehaviour.none) },
    right = { OLD },
  },
  continued("Ctrl-C; replaced, same size", "INT", "none", NEW),
  continued("kill -9; replaced, same size", "KILL", "none", NEW),
  {
    title = "Ctrl-C; replaced, same size, no ETag or date",
    runs = { interrupted("INT", anonymous(1)), run(misbehaviour.none, anonymous(2)) },
    right = { NEW },
  },
  continued("Ctrl-C; replaced, If-Range is ignored", "INT", "no_if_range", NEW),
  continued("Ctrl-C; replaced by a larger one", "INT", "none", LARGER),
  continued("Ctrl-C; replaced by a smaller one", "INT", "none", SMALLER),
  continued("Ctrl-C; ranges are ignored (200)", "INT", "no_ranges"),
  continued("Ctrl-C; parts start elsewhere than asked", "INT", "wrong_start"),
  continued("Ctrl-C; 206 without Content-Range", "INT", "part_of_nothing"),
  continued("Ctrl-C; a login page in the file's place", "INT", "login_page"),
  {
    title = "Ctrl-C; gzip unasked, same ETag",
    runs = { interrupted("INT"), run(misbehaviour.gzipped) },
    right = { OLD, version(1, { gzipped = true }) },
    gzip = true,
  },
  tampered("Ctrl-C; the partial file is shortened", shorten),
  tampered("Ctrl-C; 64 KiB of the partial file become zeros", zero_a_block),
  tampered("Ctrl-C; all of the partial file becomes zeros (as after a power cut)", zero_all),
  tampered("Ctrl-C; the control file is lost", drop_control),
  {
    title = "The disk is full midway; room is made",
    runs = {
      after(room("3m"), run(misbehaviour.none)),
      after(room("64m"), run(misbehaviour.none)),
    },
    right = { OLD },
    tmpfs = true,
  },
}
