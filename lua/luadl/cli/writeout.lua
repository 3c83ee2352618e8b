--- `--write-out`: a line of the user's own making for each file that ends.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local format = require("luadl.options.format")
local outcome = require("luadl.cli.outcome")
local text = require("luadl.text")

local writeout = {}

local methods = {}
local metatable = { __name = "luadl.cli.writeout", __index = methods }

---@param parts table as luadl.options.format reads them
---@param write fun(bytes: string, stream: "stdout"|"stderr")
---@param tally table
---@param is_terminal fun(stream: string): boolean what servers say must not steer one
function writeout.new(parts, write, tally, is_terminal)
  return setmetatable({
    parts = parts, write = write, tally = tally, is_terminal = is_terminal, count = 0,
  }, metatable)
end

local function as_json(facts)
  local object = {}
  for _, name in ipairs(format.NAMES) do
    local value = facts[format.VARIABLES[name].fact]
    object[name] = type(value) == "string" and text.utf8(value) or value
  end
  return dkjson.encode(object, { keyorder = format.NAMES })
end

local function text_of(part, facts, for_terminal)
  if type(part) == "string" then return part end
  local shown = part.json and as_json(facts) or format.show(part.variable, facts)
  return for_terminal and text.clean(shown) or shown
end

-- What is written for this file: runs of text, each for one stream.
local function render(self, facts, failed)
  local run = { stream = "stdout" }
  local runs = { run }
  for _, part in ipairs(self.parts) do
    local directive = type(part) == "table" and part.directive
    if directive == "onerror" then
      if not failed then break end
    elseif directive then
      run = { stream = directive }
      runs[#runs + 1] = run
    else
      run[#run + 1] = text_of(part, facts, self.is_terminal(run.stream))
    end
  end
  return runs
end

function methods:finished(download, result, err)
  local facts = outcome.of(download, result, err, self.tally)
  facts.number, self.count = self.count, self.count + 1
  for _, run in ipairs(render(self, facts, not result)) do
    if run[1] then self.write(table.concat(run), run.stream) end
  end
end

methods.skip = methods.finished

return writeout
