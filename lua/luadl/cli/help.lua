--- The command's help, told from the schema.
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")

local help = {}

local MARGIN = 31
local WIDTH = 80

local INTRODUCTION = [[
usage: luadl [options] URL...
       luadl [options] --resume PART [URL]
       luadl run PROGRAM [ARGUMENT...]

Downloads each URL into a file, over several connections at once. The same
command again continues what was interrupted. `run` runs a Lua program with
luadl in reach.
]]

local CONCLUSION = [[

SIZE: bytes, or like 512K, 16M, 1.5G. TIME: seconds, or like 500ms, 1m30s.
Exit status: 0 when every file is complete; else that of the first failure:
  2 timeout   3 not found   6 network   7 interrupted   9 disk full
  11 locked   13 file exists   16 permission   17 disk   19 DNS   22 bad answer
  23 redirects   24 authorisation   28 usage   29 unavailable   32 checksum
  1 anything else
]]

local function label(option)
  local flags = option.flag:gsub(" ", ", ")
  if not flags:find("^%-%a") then flags = "    " .. flags end
  return "  " .. flags .. (option.arg and " " .. option.arg or "")
end

local function note(option)
  local shown = option.note or (type(option.default) ~= "boolean" and option.default)
  return shown and (" (default: %s)"):format(shown) or ""
end

local function wrap(words, indent)
  local lines, line = {}, ""
  for word in words:gmatch("%S+") do
    if line ~= "" and #line + #word + 1 > WIDTH - indent then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function entry(option)
  local left = label(option)
  return left .. (" "):rep(MARGIN - #left) .. wrap(option.help .. note(option), MARGIN)
end

--- The whole text.
---@return string
function help.text()
  local lines = {}
  for _, option in options.each() do
    if option.flag then lines[#lines + 1] = entry(option) end
    if option.off then lines[#lines + 1] = entry(option.off) end
  end
  return INTRODUCTION .. "\n" .. table.concat(lines, "\n") .. "\n" .. CONCLUSION
end

return help
