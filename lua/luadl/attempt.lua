--- The policy `request`: what the next attempt sends, such as a signature or a fresh token.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local headers = require("luadl.headers")
local options = require("luadl.options")
local requesting = require("luadl.requesting")
local types = require("luadl.options.types")
local view = require("luadl.view")

local attempt = {}

local FIELDS = options.get("request").fields
local NONE = headers.new({})

local function describe(self, fault)
  return {
    download = not self.hidden and self or nil,
    url = self.opts.url,
    headers = view.veil(headers.new(self.opts.headers), NONE), -- the user's secrets
    attempt = fault and fault.attempt + 1 or 1,
    range = fault and fault.range,
    error = fault and fault.error,
    labels = self.opts.labels,
  }
end

-- The download's own headers, with those of the answer in the place of their namesakes.
local function merge(own, given)
  local merged, seen = headers.new(own), {}
  for _, field in ipairs(given) do
    local name = field[1]:lower()
    if not seen[name] then merged:remove(name) end
    seen[name] = true
    merged:add(field[1], field[2])
  end
  return merged:list()
end

--- Asked just before each attempt.
---@param self luadl.download
---@param fault table|nil what the attempt before has met; nil: it is the first
---@return { url: string?, headers: table?, user: string? }|nil changes
---@return table|nil opts those of its options that are meant for what it asks then
function attempt.ask(self, fault)
  if not asking.has(self, "request") then return nil end
  local answer, _, script = asking.ask(self, "request", describe(self, fault))
  if not answer then return nil end
  if type(answer) ~= "table" then
    asking.refuse(script, "the request policy must answer a table")
  end
  local changes, message = types.read_fields(FIELDS, answer, "field")
  if not changes then asking.refuse(script, "the request policy answered: " .. message) end
  local opts = self.opts
  if changes.url then
    asking.check_host(self, script, changes.url)
    opts = requesting.options_at(self, changes.url, self.hidden and "fetch" or "download")
  end
  changes.headers = changes.headers and merge(opts.headers, changes.headers)
  return changes, opts
end

return attempt
