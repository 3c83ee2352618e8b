-- What the annotations of a Lua file say: its functions, classes, aliases and values.
-- SPDX-License-Identifier: MIT

local luacats = require("spec.support.luacats")

local annotations = {}

-- Tags

local tags = {}

local function read_named(text, pattern)
  local name, optional, rest = text:match(pattern)
  assert(name, "no name: " .. text)
  local type, about = luacats.read(rest)
  return { name = name, optional = optional == "?", type = type, text = about }
end

function tags.param(block, text)
  local param = read_named(text, "^([%w_.]+)(%??)%s+(.*)$")
  block.params[#block.params + 1] = param
end

function tags.field(block, text)
  local visible, rest = text:match("^(%l+)%s+(%S+%s+.*)$")
  local hidden = visible == "private" or visible == "package" or visible == "protected"
  local field = read_named(hidden and rest or text, "^(%[?[%w_.]+%]?)(%??)%s+(.*)$")
  if hidden then return end
  block.fields[#block.fields + 1] = field
end

-- The word after the type is its name, when there is one.
tags["return"] = function(block, text)
  local found = { text = text }
  if text:find("^%.%.%.") then
    found.type, found.text = luacats.read("any"), text
  else
    found.type, found.text = luacats.read(text)
  end
  block.returns[#block.returns + 1] = found
end

function tags.class(block, text)
  local name, rest = text:match("^([%w_.]+)%s*(.*)$")
  block.class, block.parents = name, {}
  if rest:sub(1, 1) ~= ":" then
    block.about = rest
    return
  end
  for parent in rest:sub(2):gmatch("[%w_.]+") do block.parents[#block.parents + 1] = parent end
end

function tags.alias(block, text)
  local name, rest = text:match("^([%w_.]+)%s*(.*)$")
  block.alias, block.choices = name, {}
  if rest ~= "" then block.type = luacats.read(rest) end
end

function tags.type(block, text)
  block.type = luacats.read(text)
end

function tags.generic(block, text)
  block.generic[text:match("^[%w_]+")] = true
end

function tags.package(block)
  block.hidden = true
end

tags.private = tags.package

function tags.meta() end

-- Blocks

local function new_block(line)
  return { line = line, prose = {}, params = {}, returns = {}, fields = {}, generic = {} }
end

-- | "fail" # nobody gets hurt
local function add_choice(block, text)
  local type, about = luacats.read(text)
  block.choices[#block.choices + 1] = { type = type, text = (about:gsub("^#%s*", "")) }
end

local function end_tag(block)
  local tag, text = block.tag, block.text
  block.tag, block.text = nil, nil
  if not tag then return end
  assert(tags[tag], ("line %d: unknown annotation @%s"):format(block.line, tag))(block, text)
end

-- A line that isn't a tag goes on with the one before it.
local function add_line(block, line)
  local tag, text = line:match("^@(%l+)%s*(.*)$")
  if tag then
    end_tag(block)
    block.tag, block.text = tag, text
  elseif line:find("^|") then
    end_tag(block)
    add_choice(block, line:match("^|%s*(.*)$"))
  elseif block.tag then
    block.text = block.text .. " " .. line:match("^%s*(.*)$")
  else
    block.prose[#block.prose + 1] = line:match("^%s*(.*)$")
  end
end

-- What a line of code makes, and what its captures are.
local SUBJECTS = {
  { "function", "^function%s+([%w_.]+)[.:]([%w_]+)%s*%(([^)]*)%)", "holder", "name", "arguments" },
  { "module", "^return%s+function%s*%(([^)]*)%)", "arguments" },
  { "holder", "^local%s+([%w_]+)%s*=", "holder" },
  { "value", "^([%w_.]+)%.([%w_]+)%s*=", "holder", "name" },
  { "value", "^%s+([%w_]+)%s*=", "name" }, -- in the module's constructor
}

local function set_subject(block, code)
  for _, subject in ipairs(SUBJECTS) do
    local captures = { code:match(subject[2]) }
    if captures[1] then
      block.kind = subject[1]
      for index, text in ipairs(captures) do block[subject[index + 2]] = text end
      return
    end
  end
end

local function finish(blocks, block, code)
  end_tag(block)
  set_subject(block, code)
  blocks[#blocks + 1] = block
end

-- A block of comments and the line of code below it; a function without comments has an empty one.
local function read_blocks(text)
  local blocks, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local comment = line:match("^%s*%-%-%-%s?(.*)$")
    if comment or line:find("^function%s") then block = block or new_block(number) end
    if comment then
      add_line(block, comment)
    elseif block then
      finish(blocks, block, line)
      block = nil
    end
  end
  return blocks
end

-- Files

-- What the file says of itself below its first sentence.
local function read_about(text)
  local lines = {}
  local rest = text:match("\n%-%- SPDX[^\n]*\n%-%-\n(.*)$") or ""
  for line in rest:gmatch("(.-)\n") do
    local comment = line:match("^%-%- ?(.*)$")
    if not comment or comment:find("^%-") then break end
    lines[#lines + 1] = comment
  end
  return lines
end

-- By the variables that hold them: the names of what Lua programs see, and how a member follows.
local function find_holders(room, blocks, text)
  local holders = {}
  local own = text:match("\nreturn ([%a_][%w_]*)%s*$")
  if own then holders[own] = { name = room.name, separator = "." } end
  for _, block in ipairs(blocks) do
    if block.class and block.holder then
      holders[block.holder] = { name = block.class, separator = ":" }
    end
  end
  return holders, own
end

-- "luadl.session:get", "luadl.url.parse", "luadl.codec.filter.gzip"; nil: within nobody's reach.
local function full_name(room, holders, own, block)
  if block.kind == "module" then return room.name end
  local first, rest = (block.holder or own or ""):match("^([^.]*)(.*)$")
  local holder = holders[first]
  return holder and block.name and holder.name .. rest .. holder.separator .. block.name
end

local function sort_block(room, block, name)
  if block.class then room.classes[#room.classes + 1] = block end
  if block.alias then room.aliases[#room.aliases + 1] = block end
  if block.class or block.alias or not name then return end
  block.full_name = name
  local list = block.kind == "value" and room.values or room.functions
  list[#list + 1] = block
end

--- What a file says.
---@param path string
---@param name string of the module
---@return { name: string, summary: string, about: string[], functions: table[], values: table[],
--- classes: table[], aliases: table[] }
function annotations.read(path, name)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  local blocks = read_blocks(text)
  local room = { name = name, functions = {}, values = {}, classes = {}, aliases = {} }
  room.summary, room.about = table.concat(blocks[1].prose, " "), read_about(text)
  local holders, own = find_holders(room, blocks, text)
  for index = 2, #blocks do
    sort_block(room, blocks[index], full_name(room, holders, own, blocks[index]))
  end
  return room
end

return annotations
