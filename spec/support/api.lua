-- All that luadl offers to Lua programs, by its annotations: the rooms, and the types they name.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local annotations = require("spec.support.annotations")
local luacats = require("spec.support.luacats")

local api = {}

-- What a program may require or is given, in the order of the pages.
local PUBLIC = {
  "luadl", "luadl.session", "luadl.download", "luadl.batch", "luadl.page", "luadl.headers",
  "luadl.errors",
  "luadl.context", "luadl.group", "luadl.loop", "luadl.retry", "luadl.filename", "luadl.progress",
  "luadl.units", "luadl.url", "luadl.json", "luadl.html", "luadl.xml", "luadl.digest",
  "luadl.codec", "luadl.store", "luadl.sys", "luadl.adapter.luv", "luadl.adapter.cqueues",
  "luadl.core",
}

local function exists(path)
  return lfs.attributes(path, "mode") == "file"
end

local function file_of(name)
  if name == "luadl" then return "lua/luadl/init.lua" end
  local path = "lua/" .. name:gsub("%.", "/") .. ".lua"
  return exists(path) and path or path:gsub("^lua/luadl/", "lua/luadl/meta/")
end

--- The public rooms, in order.
---@return table[] rooms as annotations.read gives them
function api.rooms()
  local rooms = {}
  for index, name in ipairs(PUBLIC) do
    rooms[index] = annotations.read(file_of(name), name)
    rooms[index].path = file_of(name)
  end
  return rooms
end

local function collect(folder, files)
  for entry in lfs.dir(folder) do
    local path = folder .. "/" .. entry
    if entry:find("%.lua$") then files[#files + 1] = path end
    if not entry:find("%.") then collect(path, files) end
  end
  return files
end

local function add_types(types, blocks, kind, path)
  for _, block in ipairs(blocks) do
    local name = block[kind]
    assert(not types[name], name .. " is defined twice")
    types[name], block.path = block, path
  end
end

--- All classes and aliases by name, of internal rooms, too.
---@return table<string, table>
function api.types()
  local types = {}
  for _, path in ipairs(collect("lua/luadl", {})) do
    local room = annotations.read(path, path)
    add_types(types, room.classes, "class", path)
    add_types(types, room.aliases, "alias", path)
  end
  return types
end

--- A class's fields with those of its parents.
---@param types table<string, table>
---@param name string
---@return table<string, table> fields by name
function api.fields(types, name)
  local fields, class = {}, assert(types[name], name)
  for _, parent in ipairs(class.parents) do
    for key, field in pairs(api.fields(types, parent)) do fields[key] = field end
  end
  for _, field in ipairs(class.fields) do fields[field.name] = field end
  return fields
end

local function each_type(block, visit)
  for _, list in ipairs({ block.params or {}, block.returns or {}, block.fields or {} }) do
    for _, item in ipairs(list) do visit(item.type, block) end
  end
  if block.type then visit(block.type, block) end
  for _, choice in ipairs(block.choices or {}) do visit(choice.type, block) end
  for _, parent in ipairs(block.parents or {}) do visit(luacats.read(parent), block) end
end

local function visit_names(found, types, block, missing)
  each_type(block, function(type, from)
    for _, name in ipairs(type.names) do
      local known = luacats.is_built_in(name) or from.generic[name]
      if not known and not types[name] then missing[#missing + 1] = name end
      if types[name] and not found[name] then
        found[name] = true
        visit_names(found, types, types[name], missing)
      end
    end
  end)
end

--- The types that public functions name, and those that these name.
---@return table<string, boolean> names
---@return string[] missing names that stand for nothing
function api.reachable(rooms, types)
  local found, missing = {}, {}
  for _, room in ipairs(rooms) do
    for _, list in ipairs({ room.functions, room.values, room.classes, room.aliases }) do
      for _, block in ipairs(list) do
        if not block.hidden then visit_names(found, types, block, missing) end
      end
    end
  end
  return found, missing
end

return api
