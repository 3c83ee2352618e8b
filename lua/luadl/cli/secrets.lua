--- What other users of the machine must not read in the list of processes (S2).
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")

local secrets = {}

local function user_of(url)
  if type(url) ~= "string" then return nil end
  return url:gsub("^%a[%w+.-]*://", ""):match("^([^/?#]*)@") -- a proxy may lack its scheme
end

-- A text, texts, or lists whose last items are the values of headers.
local function add(found, value)
  if type(value) == "string" then found[#found + 1] = value end
  for _, row in ipairs(type(value) == "table" and value or {}) do
    found[#found + 1] = type(row) == "string" and row or row[#row]
  end
end

--- The parts of a command line that may be secret: logins, and what is sent.
---@param request table as luadl.cli.arguments reads it
---@return string[]
function secrets.of(request)
  local found = {}
  for _, option in options.each() do
    local name = option.name
    if option.joined then
      add(found, request.written and request.written[name]) -- they stand there one by one
    elseif option.secret then
      add(found, request.options[name] or request.each[name] or request.command[name])
    end
  end
  for _, name in ipairs({ "proxy", "renew", "doh" }) do
    found[#found + 1] = user_of(request.options[name])
  end
  for _, url in ipairs(request.urls) do found[#found + 1] = user_of(url) end
  return found
end

return secrets
