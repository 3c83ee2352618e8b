-- An FTP server that misbehaves as the name of the file says (RFC 959, 2428, 3659).
-- SPDX-License-Identifier: MIT
--
-- A process of its own: PORT SIZE. Every file has the content of seed 1, but "changed", which has
-- another one from the second time on. The names: see FILES.

local socket = require("socket")
local content = require("spec.support.content")
local scheduler = require("spec.support.scheduler").new()

local SIZE = tonumber(arg[2])
local HALF = math.floor(SIZE / 2)

-- sent: so many bytes come; told: SIZE says that (false: nothing); once: only the first time;
-- reply: to RETR, instead of the data; ending: after the data; silent: so it stays for ever.
local FILES = {
  right = {},
  untold = { told = false },
  cut = { sent = HALF, ending = "426 broken off", once = true },
  always_cut = { sent = HALF, ending = "426 broken off" },
  untold_cut = { sent = HALF, told = false, ending = "426 broken off" },
  short = { sent = HALF },
  longer = { told = HALF },
  busy = { reply = "450 somebody else writes it", once = true },
  mute = { reply = false },
  stuck = { sent = HALF, ending = false, open = true },
  lazy = { ending = false },
  changed = { sent = HALF, ending = "426 broken off", once = true },
}

local asked = {} -- by name: how often it was retrieved

local function send(client, bytes)
  local position = 1
  while position <= #bytes do
    local last, err, partial = client:send(bytes, position)
    position = (last or partial) + 1
    if err == "timeout" then scheduler:writable(client) elseif err then return end
  end
end

local function say(self, line)
  send(self.control, line .. "\r\n")
end

local function receive_line(client)
  local line, err, partial = client:receive("*l")
  while not line do
    if err ~= "timeout" then return nil end
    scheduler:readable(client)
    line, err, partial = client:receive("*l", partial)
  end
  return line
end

local function behaviour(path)
  local name = path:match("[^/]*$")
  local file = FILES[name]
  if file and file.once and (asked[name] or 0) > 0 then return {}, name end
  return file, name
end

local function total_of(name)
  return name == "changed" and (asked[name] or 0) > 0 and SIZE - 1 or SIZE
end

local commands = {}

function commands.USER(self, name)
  if name == "crowd" then return say(self, "421 too many users") end
  say(self, "331 go on")
end

function commands.PASS(self) say(self, "230 welcome") end
function commands.PWD(self) say(self, '257 "/"') end
function commands.TYPE(self) say(self, "200 fine") end
function commands.CWD(self) say(self, "250 fine") end

function commands.EPSV(self)
  if self.data then self.data:close() end
  self.data = assert(socket.bind("127.0.0.1", 0))
  self.data:settimeout(0)
  local _, port = self.data:getsockname()
  say(self, ("229 here (|||%d|)"):format(port))
end

function commands.SIZE(self, path)
  local file, name = behaviour(path)
  if not file then return say(self, "550 no such file") end
  if file.told == false then return say(self, "502 not here") end
  say(self, ("213 %d"):format(file.told or total_of(name)))
end

function commands.MDTM(self, path)
  local _, name = behaviour(path)
  say(self, total_of(name) == SIZE and "213 20010203040506" or "213 20020203040506")
end

local function transmit(self, file, name)
  scheduler:readable(self.data)
  local client = self.data:accept()
  self.data:close()
  self.data = nil
  client:settimeout(0)
  local total = total_of(name)
  send(client, content.bytes(total == SIZE and 1 or 2, 0, (file.sent or total) - 1))
  if not file.open then client:close() end
  self.kept = file.open and client
  if file.ending ~= false then say(self, file.ending or "226 all of it") end
end

function commands.RETR(self, path)
  local file, name = behaviour(path)
  if not file then return say(self, "550 no such file") end
  local reply = file.reply
  if reply == nil then
    say(self, "150 it comes")
    transmit(self, file, name)
  elseif reply then
    say(self, reply)
  end
  asked[name] = (asked[name] or 0) + 1
end

local function serve(client)
  local self = { control = client }
  say(self, "220 ready")
  for line in receive_line, client do
    local name, argument = line:match("^(%a+)%s?(.-)\r?$")
    local command = name and commands[name:upper()]
    if name == "QUIT" then break end
    if command then command(self, argument) else say(self, "502 no") end
  end
  client:close()
  if self.data then self.data:close() end
  if self.kept then self.kept:close() end
end

local listener = assert(socket.bind("127.0.0.1", tonumber(arg[1])))
listener:settimeout(0)
scheduler:go(function()
  while scheduler:readable(listener) do
    local client = listener:accept()
    if client then
      client:settimeout(0)
      scheduler:go(serve, client)
    end
  end
end)
scheduler:run()
