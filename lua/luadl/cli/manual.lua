--- `luadl man`: the manual page, in the man macros, told from the schema.
-- SPDX-License-Identifier: MIT

local core_version = require("luadl.core").version
local exit = require("luadl.cli.exit")
local topics = require("luadl.cli.topics")

local manual = {}

local function escape(words)
  return (words:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

local HEAD = [[
.TH LUADL 1 2026-11-22 "luadl %s" "User Commands"
.SH NAME
luadl \- downloads that Lua decides
.SH SYNOPSIS
.B luadl
.RI [ options ] " URL" ...
.br
.B luadl
.RI [ options ] " " \-i " LIST"
.br
.B luadl
.RI [ options ] " " \-\-resume " PART" " " [ URL ]
.br
.B luadl run
.I PROGRAM
.RI [ ARGUMENT ...]
.br
.B luadl config
|
.B doctor
|
.B man
|
.B completion
.I SHELL
.SH DESCRIPTION
Downloads each URL into a file, over several connections at once, and writes each byte at its own
offset. The same command again continues what was interrupted, once it is shown that the server
still has the same file. Exit status 0 means: every file is there, and complete.
]]

local TAIL = [[
.SH EXIT STATUS
That of the first failure, in the numbers that aria2 uses.
%s.SH ENVIRONMENT
.TP
.BR LUADL_CONNECTIONS ", " LUADL_JOBS " and so on"
the options of the same names, where the command line doesn't say otherwise
.TP
.BR http_proxy ", " https_proxy ", " all_proxy ", " no_proxy
as for curl
.TP
.B NO_COLOR
no colours
.SH FILES
.TP
.I ~/.config/luadl/config.lua
the configuration: options as globals, host["*.example.org"] = { ... }, policy { ... }
.TP
.IR NAME .part ", " NAME .part.lj
what came of an interrupted download, and the record of it
.SH EXAMPLES
.nf
luadl https://example.org/big.iso
luadl \-n 16 \-d isos https://example.org/a.iso https://example.org/b.iso
luadl \-i list.txt \-j 8 \-\-archive done.txt
luadl \-o \- https://example.org/all.tar.gz | tar xz
.fi
]]

local function entry(flag)
  local short, long, argument = topics.words(flag)
  local names = "\\fB" .. escape(long) .. "\\fR"
  if short then names = "\\fB" .. escape(short) .. "\\fR, " .. names end
  if argument then names = names .. " \\fI" .. escape(argument) .. "\\fR" end
  local note = topics.note(flag)
  local text = flag.help .. (note and (" (default: %s)"):format(note) or "")
  return (".TP\n%s\n%s\n"):format(names, escape(text))
end

local function section(topic)
  local parts = { (".SS %s\n%s\n"):format(topic.title, escape(topic.about)) }
  for _, flag in ipairs(topic.flags) do parts[#parts + 1] = entry(flag) end
  return table.concat(parts)
end

local function statuses()
  local parts = {}
  for _, each in ipairs(exit.meanings()) do
    parts[#parts + 1] = (".TP\n.B %d\n%s\n"):format(each[1], escape(each[2]))
  end
  return table.concat(parts)
end

--- The page.
---@return string
function manual.text()
  local parts = { HEAD:format(core_version), ".SH OPTIONS\n" }
  for _, topic in ipairs(topics.all()) do parts[#parts + 1] = section(topic) end
  parts[#parts + 1] = TAIL:format(statuses())
  return table.concat(parts)
end

--- Runs `luadl man`.
---@param _ string[]
---@param world { stdout: file* }
---@return integer status
function manual.run(_, world)
  world.stdout:write(manual.text())
  return exit.OK
end

return manual
