--- What other users of the machine must not read in the list of processes (S2).
-- SPDX-License-Identifier: MIT

local secrets = {}

local function user_of(url)
  return url:match("^%a[%w+.-]*://([^/?#]*)@")
end

--- The parts of a command line that may be secret: logins, and the values of headers.
---@param request table as luadl.cli.arguments reads it
---@return string[]
function secrets.of(request)
  local found = { request.options.user }
  for _, header in ipairs(request.options.headers or {}) do found[#found + 1] = header[2] end
  found[#found + 1] = user_of(request.options.proxy or "")
  for _, url in ipairs(request.urls) do found[#found + 1] = user_of(url) end
  return found
end

return secrets
