--- The Link header field (RFC 8288): where a page says its next one, its last one and others are.
-- SPDX-License-Identifier: MIT

local links = {}

-- A token or a quoted string that begins at `at`, and where it ends; nil: neither.
local function read_value(field, at)
  if field:sub(at, at) ~= '"' then
    local first, last = field:find("^[^%s,;\"]+", at)
    return first and field:sub(first, last), (last or at - 1) + 1
  end
  local parts, from = {}, at + 1
  while true do
    local stop = field:find('["\\]', from)
    if not stop then return nil, #field + 1 end
    parts[#parts + 1] = field:sub(from, stop - 1)
    if field:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    parts[#parts + 1] = field:sub(stop + 1, stop + 1)
    from = stop + 2
  end
end

-- `; name=value` as often as it comes; the first of a name counts (RFC 8288, section 3.3).
local function read_parameters(field, at)
  local parameters = {}
  while true do
    local _, last, name, equals = field:find("^%s*;%s*([^%s=;,\"]*)%s*(=?)%s*", at)
    if not last then return parameters, at end
    local value = ""
    at = last + 1
    if equals ~= "" then value, at = read_value(field, at) end
    name = name:lower()
    if value and parameters[name] == nil then parameters[name] = value end
  end
end

-- What can't be read is skipped, up to the next comma.
local function read_field(field, found)
  local at = 1
  while at <= #field do
    local _, last, target = field:find("^%s*<([^<>]*)>", at)
    if target then
      local parameters
      parameters, at = read_parameters(field, last + 1)
      parameters.target = target
      found[#found + 1] = parameters
    end
    at = (field:find(",", at, true) or #field) + 1
  end
end

--- What the fields say, in order: each link with its `target`, as it stands there, and its
--- parameters by name in lower case.
---@param fields string[] values of Link
---@return table<string, string>[]
function links.parse(fields)
  local found = {}
  for _, field in ipairs(fields) do read_field(field, found) end
  return found
end

--- The targets by relation, in lower case; the first of a relation counts. Links of something else
--- (`anchor`) are left out.
---@param fields string[]
---@return table<string, string>
function links.by_relation(fields)
  local targets = {}
  for _, link in ipairs(links.parse(fields)) do
    for relation in (link.anchor and "" or link.rel or ""):gmatch("%S+") do
      relation = relation:lower()
      targets[relation] = targets[relation] or link.target
    end
  end
  return targets
end

return links
