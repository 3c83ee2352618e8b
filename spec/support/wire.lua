-- Plain values between a spec and its server: a table as Lua text, with its length before it.
-- SPDX-License-Identifier: MIT

local wire = {}

local encoders = {}

local function encode(value)
  local encoder = encoders[type(value)]
  if not encoder then
    error("a " .. type(value) .. " can't be sent to the server", 0)
  end
  return encoder(value)
end

encoders["nil"] = tostring
encoders.boolean = tostring

function encoders.number(value)
  return ("%q"):format(value)
end

function encoders.string(value)
  return ("%q"):format(value)
end

function encoders.table(value)
  local parts = {}
  for key, item in pairs(value) do
    parts[#parts + 1] = "[" .. encode(key) .. "]=" .. encode(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- A value as bytes for the connection. An error if it holds functions, userdata or threads.
function wire.encode(value)
  local text = encode(value)
  return #text .. "\n" .. text
end

--- Reads a value from a connection with luasocket's `receive`; nil when the other end has gone.
function wire.read(connection)
  local length = connection:receive("*l")
  local text = length and connection:receive(tonumber(length))
  return text and load("return " .. text, "=wire", "t", {})()
end

return wire
