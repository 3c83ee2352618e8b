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

-- "| "fail" # nobody": a choice of an alias.
local function add_choice(block, text)
  local type, about = luacats.read(text)
  block.choices[#block.choices + 1] = { type = type, text = about:gsub("^#%s*", "") }
end

local function end_tag(block)
  local tag, text = block.tag, block.text
  block.tag, block.text = nil, nil
  if not tag then return end
  local read = tags[tag]
  assert(read, "unknown annotation @" .. tag)
  read(block, text)
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

-- What the block is about: the line of code below it.
local SUBJECTS = {
  { "function", "^%s*function%s+([%w_.]+)[.:]([%w_]+)%s*%(([^)]*)%)" },
  { "module", "^return%s+function()()%s*%(([^)]*)%)" },
  { "holder", "^local%s+([%w_]+)()()%s*=" },
  { "value", "^([%w_.]+)%.([%w_]+)()%s*=" },
  { "value", "^%s+()([%w_]+)()%s*=" },
}

local function set_subject(block, code)
  for _, subject in ipairs(SUBJECTS) do
    local holder, name, arguments = code:match(subject[2])
    if holder then
      block.kind, block.holder, block.name = subject[1], holder, name
      block.arguments = arguments
      block.method = code:match("^%s*function%s+[%w_.]+(:)") ~= nil
      return
    end
  end
  block.kind = "alone"
end

local function finish(blocks, block, code)
  if not block then return end
  end_tag(block)
  set_subject(block, code)
  if block.alias or block.class then block.kind = block.kind == "holder" and "holder" or "alone" end
  blocks[#blocks + 1] = block
end

local function read_blocks(text)
  local blocks, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local comment = line:match("^%s*%-%-%-%s?(.*)$")
    if comment then
      block = block or new_block(number)
      add_line(block, comment)
    else
      finish(blocks, block, line)
      block = nil
      local name = not comment and line:match("^function%s+([%w_.:]+)")
      local last = blocks[#blocks]
      if name and not (last and last.kind == "function" and number - last.line < 40
        and line:find(last.name .. "%s*%(")) then
        blocks[#blocks + 1] = { kind = "bare", name = name, line = number }
      end
    end
  end
  return blocks
end

return { read_blocks = read_blocks, annotations = annotations }
