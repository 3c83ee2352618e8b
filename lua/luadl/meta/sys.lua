--- What programs need of the system, for editors; never loaded.
-- SPDX-License-Identifier: MIT

---@meta luadl.sys

local sys = {}

--- Makes a folder and those above it; what is there already is fine.
---@param path string
---@return boolean? made true
---@return string? message
---@return integer? errno
function sys.make_directories(path) end

--- Whether files can be made in a folder.
---@param directory string
---@return boolean? writable true
---@return string? message
---@return integer? errno
function sys.writable(directory) end

--- Takes a lock on a file, which is made where it is missing; it ends with the process, too.
---@param path string
---@param seconds number how long to wait for somebody else's
---@return luadl.sys.lock? lock
---@return string? message
---@return integer? errno
function sys.lock(path, seconds) end

---@class luadl.sys.lock
local lock = {}

--- Gives the lock back.
function lock:release() end

--- Reads a file that nobody else may read.
---@param path string
---@return string? bytes
---@return string? message
---@return integer? errno EPERM (1): others may read it, or it is somebody else's
function sys.read_private(path) end

--- Writes a file at once: it has the old bytes or the new ones, also after a power cut.
---@param path string
---@param bytes string
---@return boolean? replaced true
---@return string? message
---@return integer? errno
function sys.replace(path, bytes) end

--- A text that changes when `replace` was there.
---@param path string
---@return string? stamp nil: there is no file
function sys.stamp(path) end

--- What is known of a file.
---@param path string
---@return { size: integer, modified: integer, is_file: boolean, is_own: boolean }? found modified:
--- seconds since the epoch; is_own: nobody else, but for root, may write it
---@return string? message
---@return integer? errno
function sys.stat(path) end

--- What was written to an open file survives a power cut from now on.
---@param file file* of io.open
---@return boolean? ok true
---@return string? message
---@return integer? errno
function sys.sync(file) end

--- Reads what a file or a pipe has now; never waits. Lua's own reads see nothing of it.
---@param file file* io.stdin, or of io.open
---@param most integer bytes
---@return string|false|nil bytes "" at the end; false: nothing has come yet
---@return string? message
---@return integer? errno
function sys.read(file, most) end

--- Whether a descriptor is a terminal.
---@param fd integer
---@return boolean
function sys.is_terminal(fd) end

--- How wide a terminal is.
---@param fd integer
---@return integer? columns nil: it is none
---@return integer? rows
function sys.columns(fd) end

--- Whether a terminal listens to another job of its shell: what is drawn would be in the way.
---@param fd integer
---@return boolean
function sys.in_background(fd) end

--- From now on SIGINT, SIGTERM and SIGHUP are counted, and a second one ends the process.
---@param wake_fd integer? an eventfd that is written then, such as `session:wake_fd()`
---@return boolean? ok true
---@return string? message
---@return integer? errno
function sys.catch_signals(wake_fd) end

--- How many SIGINT, SIGTERM and SIGHUP came.
---@return integer
function sys.interrupted() end

--- Whether the terminal has changed its size since the last call.
---@return boolean
function sys.resized() end

--- Whether the process was stopped (Ctrl-Z) and goes on since the last call.
---@return boolean
function sys.continued() end

--- Has as many files open as the system lets the process, at most 65,536.
---@return integer? limit
---@return string? message
---@return integer? errno
function sys.raise_fd_limit() end

--- Bounds the process's address space to what it has now and so much more.
---@param bytes integer
---@return boolean? ok true
---@return string? message
---@return integer? errno
function sys.limit_memory(bytes) end

--- Overwrites a secret in the process's arguments, which everybody can read.
---@param secret string
function sys.hide(secret) end

return sys
