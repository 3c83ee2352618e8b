-- The comparison as a Markdown table, and the README around it.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")

local report = {}

local BEGIN = "<!-- differential: what `make differential` found -->\n"
local FINISH = "<!-- differential: end -->"

local WORDS = { corrupt = "**corrupt, exit 0**", hangs = "**hangs**" }

local function row(cells)
  return "| " .. table.concat(cells, " | ") .. " |\n"
end

local function head(programs)
  local names, rules = { "" }, { "-" }
  for index, program in ipairs(programs) do
    names[index + 1] = program.name .. " " .. program.version
    rules[index + 1] = "-"
  end
  return row(names) .. "|" .. table.concat(rules, "|") .. "|\n"
end

--- A line for each case, a column for each program.
---@param cases { title: string }[]
---@param programs { name: string, version: string }[]
---@param outcomes table<string, table<string, string>> by title and name
function report.table(cases, programs, outcomes)
  local lines = { head(programs) }
  for _, case in ipairs(cases) do
    local cells = { case.title }
    for index, program in ipairs(programs) do
      local outcome = outcomes[case.title][program.name]
      cells[index + 1] = WORDS[outcome] or outcome
    end
    lines[#lines + 1] = row(cells)
  end
  return table.concat(lines)
end

--- Puts the table between the README's two markers.
function report.into(path, text)
  local readme = helper.read(path)
  local _, from = readme:find(BEGIN, 1, true)
  local to = readme:find(FINISH, 1, true)
  assert(from and to and from < to, path .. " has no place for the comparison")
  helper.write(path, readme:sub(1, from) .. text .. readme:sub(to))
end

return report
