-- Writes the annotations as ldoc reads them: `lua5.4 spec/support/apidoc.lua FOLDER`, a file each.
-- SPDX-License-Identifier: MIT
--
-- ldoc knows neither LuaCATS' types nor its classes, so this says in ldoc's tags what the
-- annotations say. Types lead to where they are described.

package.path = "./?.lua;" .. package.path

local api = require("spec.support.api")

-- Where the types are described that no public room has in its own file.
local PLACES = {
  ["lua/luadl/meta/options.lua"] = "luadl.options",
  ["lua/luadl/meta/policies.lua"] = "luadl.policies",
  ["lua/luadl/policy.lua"] = "luadl.policies",
  ["lua/luadl/trace.lua"] = "luadl.policies",
  ["lua/luadl/meta/errors.lua"] = "luadl.errors",
  ["lua/luadl/disposition.lua"] = "luadl.filename",
}

local SUMMARIES = {
  ["luadl.session"] = "A session: one engine, and the defaults of its downloads and fetches.",
  ["luadl.download"] = "One download: to wait for, to look at, to end.",
  ["luadl.options"] = "The options of sessions, downloads and fetches.",
  ["luadl.policies"] = "What policies decide, what observers see, and what both are called with.",
  ["luadl.sys"] = "What programs need of the system: folders, locks, signals, the terminal.",
  ["luadl.core"] = "The engine itself, for who builds something else on it.",
}

-- Pages: what is on each

local function new_page(name)
  return { name = name, summary = SUMMARIES[name], functions = {}, values = {}, types = {} }
end

local function place_of(block, public)
  local place = PLACES[block.path] or public[block.path]
  return assert(place, "no page for the types of " .. block.path)
end

local function find_page(pages, name)
  for _, page in ipairs(pages) do
    if page.name == name then return page end
  end
  pages[#pages + 1] = new_page(name)
  return pages[#pages]
end

local function sorted_names(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function collect_pages()
  local rooms, types = api.rooms(), api.types()
  local pages, public = {}, {}
  for _, room in ipairs(rooms) do
    local page = new_page(room.name)
    page.summary = page.summary or room.summary
    page.functions, page.values = room.functions, room.values
    pages[#pages + 1], public[room.path] = page, room.name
  end
  local reachable = api.reachable(rooms, types)
  for _, name in ipairs(sorted_names(reachable)) do
    local page = find_page(pages, place_of(types[name], public))
    page.types[#page.types + 1] = types[name]
  end
  return pages
end

local pages = collect_pages()

-- Text

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["@"] = "&#64;" }
local anchors = {} -- by name of a type

local function escape(text)
  return (text:gsub("[&<>@]", ENTITIES):gsub("%-%-+", function(dashes) -- would end a comment
    return ("&#45;"):rep(#dashes)
  end))
end

local function prose(text)
  return (escape(text):gsub("`([^`]+)`", "<code>%1</code>"))
end

local function link(name)
  return anchors[name] and ('<a href="%s">%s</a>'):format(anchors[name], name)
end

local function described(item)
  local type = escape(item.type.text):gsub("luadl[%w_.]*[%w_]", link)
  return ("<code>%s%s</code> %s"):format(type, item.optional and "?" or "", prose(item.text))
end

-- The first line is what ldoc's lists show.
local function block_of(lines, tag)
  local text = table.concat(lines, " ")
  local first, rest = text:match("^(.-%.) (.*)$")
  return { "--- " .. prose(first or text), "-- " .. prose(rest or ""), "-- " .. tag }
end

-- Items

local function function_lines(block, tag)
  local lines = block_of(block.prose, tag)
  for _, param in ipairs(block.params) do
    lines[#lines + 1] = ("-- @param %s %s"):format(param.name, described(param))
  end
  for _, found in ipairs(block.returns) do
    lines[#lines + 1] = "-- @return " .. described(found)
  end
  return lines
end

local function value_lines(block)
  local lines = block_of(block.prose, "@value " .. block.full_name)
  local type = block.type and described({ type = block.type, text = "" }) or ""
  table.insert(lines, 3, ("-- <p>%s</p>"):format(type))
  return lines
end

local function list_item(name, item)
  return ('-- <li><span class="parameter">%s</span> %s</li>'):format(name, described(item))
end

-- What a type consists of, as a list.
local function members_of(block)
  local lines = { "-- <ul>" }
  for _, parent in ipairs(block.parents or {}) do
    lines[#lines + 1] = ("-- <li>all of <code>%s</code></li>"):format(link(parent) or parent)
  end
  for _, field in ipairs(block.fields) do lines[#lines + 1] = list_item(field.name, field) end
  for _, choice in ipairs(block.choices or {}) do lines[#lines + 1] = list_item("", choice) end
  if block.alias and block.type then
    lines[#lines + 1] = list_item("", { type = block.type, text = "" })
  end
  lines[#lines + 1] = "-- </ul>"
  return #lines > 2 and lines or {}
end

local function type_lines(block, tag)
  local about = #block.prose > 0 and block.prose or { block.about or "" }
  local lines = block_of(about, tag .. " " .. (block.class or block.alias))
  for index, line in ipairs(members_of(block)) do table.insert(lines, index + 2, line) end
  return lines
end

-- Pages: how they are written

local function methods_of(page, class)
  local found = {}
  for _, block in ipairs(page.functions) do
    local is_its = block.full_name == ("%s:%s"):format(class, block.name)
    if is_its and not block.hidden then found[#found + 1] = block end
  end
  return found
end

local function add(lines, more)
  for _, line in ipairs(more) do lines[#lines + 1] = line end
  lines[#lines + 1] = ""
end

local function has_methods(page, block)
  return block.class and #methods_of(page, block.class) > 0
end

local function add_classes(lines, page)
  for _, block in ipairs(page.types) do
    if has_methods(page, block) then
      add(lines, type_lines(block, "@type"))
      for _, method in ipairs(methods_of(page, block.class)) do
        add(lines, function_lines(method, "@function " .. method.name))
      end
    end
  end
end

local function add_functions(lines, page)
  for _, block in ipairs(page.functions) do
    if not block.hidden and not block.full_name:find(":", 1, true) then
      add(lines, function_lines(block, "@function " .. block.full_name))
    end
  end
  for _, block in ipairs(page.values) do add(lines, value_lines(block)) end
end

local function add_kinds(lines, page)
  for _, block in ipairs(page.types) do
    if not has_methods(page, block) then add(lines, type_lines(block, "@kind")) end
  end
end

local function page_lines(page)
  local lines = {}
  add(lines, { "--- " .. prose(page.summary), "-- @module " .. page.name })
  add_functions(lines, page)
  add_kinds(lines, page)
  add_classes(lines, page)
  return lines
end

local function find_anchors()
  for _, page in ipairs(pages) do
    for _, block in ipairs(page.types) do
      local name = block.class or block.alias
      local place = has_methods(page, block) and "Class_" .. name:gsub("%.", "_") or name
      anchors[name] = ("%s.html#%s"):format(page.name, place)
    end
  end
end

local function write_pages(folder)
  for _, page in ipairs(pages) do
    local file = assert(io.open(("%s/%s.lua"):format(folder, page.name), "w"))
    assert(file:write(table.concat(page_lines(page), "\n"), "\n"))
    assert(file:close())
  end
end

find_anchors()
write_pages(assert(arg[1], "a folder is expected"))
