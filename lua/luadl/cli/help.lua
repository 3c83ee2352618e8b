--- The command's help, told from the schema: all of it, or one topic.
-- SPDX-License-Identifier: MIT

local exit = require("luadl.cli.exit")
local nearest = require("luadl.options.nearest")
local topics = require("luadl.cli.topics")

local help = {}

local MARGIN = 31
local WIDTH = 80

local INTRODUCTION = [[
usage: luadl [options] URL...
       luadl [options] -i LIST
       luadl [options] --resume PART [URL]
       luadl run PROGRAM [ARGUMENT...]
       luadl config | doctor | man | completion SHELL

Downloads each URL into a file, over several connections at once. The same
command again continues what was interrupted. `run` runs a Lua program with
luadl in reach.
]]

local CONCLUSION = [[

SIZE: bytes, or like 512K, 16M, 1.5G. TIME: seconds, or like 500ms, 1m30s.
Exit status: that of the first failure.
]]

local function label(flag)
  local short, long, argument = topics.words(flag)
  return "  " .. (short and short .. ", " or "    ") .. long .. (argument and " " .. argument or "")
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

local function entry(flag)
  local left, note = label(flag), topics.note(flag)
  local right = wrap(flag.help .. (note and (" (default: %s)"):format(note) or ""), MARGIN)
  local gap = #left < MARGIN and (" "):rep(MARGIN - #left) or "\n" .. (" "):rep(MARGIN)
  return left .. gap .. right
end

local function section(topic)
  local lines = { ("%s (--help %s)"):format(topic.title, topic.name) }
  for _, flag in ipairs(topic.flags) do lines[#lines + 1] = entry(flag) end
  return table.concat(lines, "\n") .. "\n"
end

local function chapter(topic)
  return wrap(topic.about, 0) .. "\n\n" .. section(topic)
end

local function statuses()
  local lines = {}
  for index, each in ipairs(exit.meanings()) do
    lines[index] = ("  %2d  %s\n"):format(each[1], each[2])
  end
  return table.concat(lines)
end

local function find(name)
  local names = {}
  for _, topic in ipairs(topics.all()) do
    if topic.name == name then return topic end
    names[#names + 1] = topic.name
  end
  local meant = nearest.word(name, names)
  local question = meant and (": did you mean '%s'?"):format(meant) or ""
  return nil, ("there is no help on '%s'%s; topics: %s"):format(name, question,
    table.concat(names, ", "))
end

--- The text.
---@param name string|nil of a topic; nil, or curl's "all": all of them
---@return string|nil
---@return string|nil message there is no such topic
function help.text(name)
  if name and name ~= "all" then
    local topic, message = find(name)
    return topic and chapter(topic), message
  end
  local parts = { INTRODUCTION }
  for _, topic in ipairs(topics.all()) do parts[#parts + 1] = section(topic) end
  return table.concat(parts, "\n") .. CONCLUSION .. statuses()
end

return help
