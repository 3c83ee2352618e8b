--- Lines of a file, a pipe or standard input, as they come: who reads them is never held up.
-- SPDX-License-Identifier: MIT

local pipe = {}

local methods = {}
local metatable = { __name = "luadl.cli.pipe", __index = methods }

local AT_ONCE = 65536 -- bytes
local LONGEST = 2 * 1024 * 1024 -- bytes of a line that are kept: more than any list may have

---@param file file*
---@param read fun(file: file*, most: integer): string|false|nil, string|nil as luadl.sys has it
function pipe.new(file, read)
  return setmetatable({ file = file, read = read, bytes = "", at = 1, kept = {}, length = 0 },
    metatable)
end

local function keep(self, bytes)
  if self.length >= LONGEST then return end
  self.kept[#self.kept + 1] = bytes
  self.length = self.length + #bytes
end

local function kept_line(self, bytes)
  if self.length == 0 then return bytes end
  keep(self, bytes)
  local line = table.concat(self.kept)
  self.kept, self.length = {}, 0
  return line
end

-- What has come is split as far as it goes.
local function next_whole(self)
  local found = self.bytes:find("\n", self.at, true)
  if found then
    local line = kept_line(self, self.bytes:sub(self.at, found - 1))
    self.at = found + 1
    return line
  end
  keep(self, self.bytes:sub(self.at))
  self.bytes, self.at = "", 1
  return nil
end

-- A last line needs no end.
local function finish(self, problem)
  self.ended, self.problem = true, problem
  if self.file ~= io.stdin then self.file:close() end
  return self.length > 0 and kept_line(self, "") or nil
end

--- The next line without its end.
---@return string|false|nil line false: none has come yet; nil: there is none
function methods:next()
  while not self.ended do
    local line = next_whole(self)
    if line then return line end
    local bytes, problem = self.read(self.file, AT_ONCE)
    if bytes == false then return false end
    if not bytes or bytes == "" then return finish(self, problem) end
    self.bytes = bytes
  end
  return nil
end

return pipe
