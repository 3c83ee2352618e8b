--- XML for scripts: a small tree, or the elements of a path one after the other; read by expat.
-- SPDX-License-Identifier: MIT
--
-- For sitemaps, feeds, listings and the like. Names are local; the namespace stands beside each.
-- Nothing outside the document is fetched; entities that blow it up, and elements nested without
-- end, are refused.

local core = require("luadl.xml_core")
local errors = require("luadl.errors")
local check_string = require("luadl.misuse").check_string
local options = require("luadl.options")
local trim = require("luadl.text").trim

local xml = {}

---@class luadl.xml.element
---@field name string without prefix
---@field uri string? the namespace
---@field attributes table<string, string> by "name", or "{namespace}name" for those with a prefix
---@field [integer] luadl.xml.element|string children and text, in order
local methods = {}
local metatable = { __name = "luadl.xml.element", __index = methods }

local DEPTH_MOST = 256
local SIZE_MOST = 64 * 1048576
local SIZE_LIMIT = 1073741823 -- expat counts with int

local OPTIONS = {
  { name = "encoding", type = "string" },
  { name = "max_size", type = "bytes" },
  { name = "max_depth", type = "integer" },
}

-- What carries out events on an element that is built: `stack` holds the open ones. Text comes in
-- pieces, and is joined when an element begins or ends.
local function flush_text(stack)
  if #stack.pieces == 0 then return end
  local element = stack[#stack]
  element[#element + 1] = table.concat(stack.pieces)
  stack.pieces = {}
end

local function open_element(stack, name, uri, attributes)
  local element = setmetatable({ name = name, uri = uri, attributes = attributes }, metatable)
  local parent = stack[#stack]
  if parent then
    flush_text(stack)
    parent[#parent + 1] = element
  end
  stack[#stack + 1] = element
end

-- The element, if it was the outermost one.
local function close_element(stack)
  flush_text(stack)
  local element = table.remove(stack)
  return #stack == 0 and element or nil
end

-- A start tag's attributes, up to the false that ends them, and the index after that.
local function read_attributes(events, at)
  local attributes = {}
  while events[at] do
    attributes[events[at]] = events[at + 1]
    at = at + 2
  end
  return attributes, at + 1
end

local HANDLERS = {
  ["<"] = function(self, events, at)
    local attributes, next_at = read_attributes(events, at + 2)
    self:start(events[at], events[at + 1] or nil, attributes)
    return next_at
  end,
  ["="] = function(self, events, at)
    local pieces = #self.stack > 0 and self.stack.pieces
    if pieces then pieces[#pieces + 1] = events[at] end
    return at + 1
  end,
  [">"] = function(self, _, at)
    self:finish()
    return at
  end,
}

local function handle(self, events)
  local at = 1
  while events[at] ~= nil and not self.is_stopped do
    at = HANDLERS[events[at]](self, events, at + 1)
  end
end

local function failed(message, is_refused)
  return nil, errors.new(is_refused and "too_large" or "protocol", "not XML: " .. message)
end

local function too_large(text, most)
  return nil, errors.new("too_large", ("%d bytes of XML are more than %d"):format(#text, most))
end

-- Lets `self` see all of the document, or until it is stopped.
local function walk(self, text, opts)
  local most = math.min(opts.max_size or SIZE_MOST, SIZE_LIMIT)
  if #text > most then return too_large(text, most) end
  local reader = core.new(opts.max_depth or DEPTH_MOST, opts.encoding)
  while not self.is_stopped do
    local events, message, is_refused = reader:next(text)
    if message then return failed(message, is_refused) end
    if not events then break end
    handle(self, events)
  end
  reader:close()
  return true
end

local tree = {
  start = function(self, ...) open_element(self.stack, ...) end,
  finish = function(self) self.root = close_element(self.stack) or self.root end,
}
tree.__index = tree

--- Of a document.
---@class luadl.xml.options
---@field encoding string? what HTTP says of it; outweighs the document's own declaration
---@field max_size number? bytes, default 64 MiB
---@field max_depth integer? elements in each other, default 256

--- The document's root element.
---@param text string
---@param opts luadl.xml.options?
---@return luadl.xml.element? root
---@return luadl.error? err kind "protocol" (it isn't XML) or "too_large" (it is more than allowed)
function xml.parse(text, opts)
  check_string(text, "XML", 2)
  local self = setmetatable({ stack = { pieces = {} } }, tree)
  local ok, err = walk(self, text, options.of_helper(opts, OPTIONS, 2))
  if not ok then return nil, err end
  return self.root
end

local function split_path(path, level)
  if type(path) ~= "string" or path == "" then
    error("a path is like 'feed/entry' or '//entry'", level + 1)
  end
  local anywhere, rest = path:match("^(//)(.*)$")
  local names = {}
  for name in (rest or path:gsub("^/", "")):gmatch("[^/]+") do names[#names + 1] = name end
  if #names == 0 then error(("there is no name in the path '%s'"):format(path), level + 1) end
  return { names = names, anywhere = anywhere ~= nil }
end

local function names_match(path, trail)
  local offset = #trail - #path.names
  if offset < 0 or (offset > 0 and not path.anywhere) then return false end
  for index = #path.names, 1, -1 do
    local wanted = path.names[index]
    if wanted ~= "*" and wanted ~= trail[offset + index] then return false end
  end
  return true
end

local selection = {
  start = function(self, name, uri, attributes)
    self.trail[#self.trail + 1] = name
    if #self.stack > 0 or names_match(self.path, self.trail) then
      open_element(self.stack, name, uri, attributes)
    end
  end,
  finish = function(self)
    self.trail[#self.trail] = nil
    local element = #self.stack > 0 and close_element(self.stack)
    if not element then return end
    self.count = self.count + 1
    self.is_stopped = self.visit(element) == false
  end,
}
selection.__index = selection

--- Calls `visit(element)` for each element of a path from the root ("urlset/url"), or of the end of
--- one ("//item"), "*" being any name; of one in another only the outer. Only that element is in
--- memory. It is called while the document is read, so before what is broken further on is seen;
--- when it returns false the rest isn't read.
---@param text string
---@param path string
---@param visit fun(element: luadl.xml.element): boolean?
---@param opts luadl.xml.options?
---@return integer? count how many were visited
---@return luadl.error? err as with `xml.parse`
function xml.each(text, path, visit, opts)
  check_string(text, "XML", 2)
  if type(visit) ~= "function" then error("a function is called for each element", 2) end
  local self = setmetatable({
    path = split_path(path, 2), visit = visit, trail = {}, stack = { pieces = {} }, count = 0,
  }, selection)
  local ok, err = walk(self, text, options.of_helper(opts, OPTIONS, 2))
  if not ok then return nil, err end
  return self.count
end

local function children(element, name, found)
  for _, child in ipairs(element) do
    local fits = type(child) == "table" and (name == "*" or child.name == name)
    if fits then found[#found + 1] = child end
  end
end

--- All elements below this one by a path of names ("propstat/prop/*"), in order.
---@param path string
---@return luadl.xml.element[]
function methods:all(path)
  local level = { self }
  for _, name in ipairs(split_path(path, 2).names) do
    local found = {}
    for _, element in ipairs(level) do children(element, name, found) end
    level = found
  end
  return level
end

--- The first of them, or nil.
---@param path string
---@return luadl.xml.element?
function methods:find(path)
  return self:all(path)[1]
end

local function collect(element, pieces)
  for _, child in ipairs(element) do
    if type(child) == "string" then
      pieces[#pieces + 1] = child
    else
      collect(child, pieces)
    end
  end
  return pieces
end

--- All text in this element, or in the first one by a path below it (nil: there is none), without
--- white space around it.
---@param path string?
---@return string?
function methods:text(path)
  local element = path and self:find(path) or not path and self
  if not element then return nil end
  return trim(table.concat(collect(element, {})))
end

return xml
