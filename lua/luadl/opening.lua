--- The beginning of a download's file: what the server says of it, its name and its place.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local errors = require("luadl.errors")
local filename = require("luadl.filename")
local filtering = require("luadl.filtering")
local folders = require("luadl.folders")
local freshness = require("luadl.freshness")
local headers = require("luadl.headers")
local policy = require("luadl.policy")
local reading = require("luadl.reading")
local target = require("luadl.target")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")

local opening = {}

local IN_THE_WAY = { exists = true, locked = true } -- another name is free

local fail, from_core = transfer.fail, transfer.from_core

local MOST_ALTERNATIVES = 10000

-- Who named the file, in words.
local NAMED = {
  output = "as asked for",
  policy = "the name policy says so",
  disposition = "from Content-Disposition",
  final_url = "from the URL behind the redirect",
  url = "from the URL",
  default = "nobody names it",
}
local SECOND = "%s is there with the same size and date: timestamps (-N) leaves such files out"
local EEXIST = 17
local EXISTS = { fail = true, rename = true, replace = true, skip = true }

-- Where it goes

--- The path of the file that is being filled.
---@param self luadl.download
---@return string
function opening.path(self)
  return target.join(self.target.dir, self.target.name)
end

-- The others' files of a batch stay, whatever their names.
local function may_replace(self, where)
  return not self.keeper or self.keeper:may_replace(target.join(where.dir, where.name))
end

-- `restart` drops what an earlier run left, never what this one has brought.
local function place(self, where)
  where.replace = where.replace or self.opts.exists == "replace"
  if where.replace and not may_replace(self, where) then
    where.replace, self.beside = false, true
  end
  where.restart = where.restart or (self.opts.restart and not self.opened) or nil
  return where
end

-- Once for each session and folder.
local function make_folder(self, where)
  local session, dir = self.session, where.dir
  if not dir or not (where.make or self.opts.make_dirs) then return true end
  session.folders = session.folders or {}
  if session.folders[dir] then return true end
  local made, err = folders.make(require("luadl.sys"), dir)
  session.folders[dir] = made
  return made, err
end

-- The engine has no file, and brings the bytes in order.
local function open_filtered(self)
  local is_open = self.file ~= nil
  local ok, err = filtering.open(self)
  if ok and not is_open then return reading.start(self) end
  if ok then return end
  if IN_THE_WAY[err.kind] then return opening.taken(self, err) end
  fail(self, err)
end

--- Has the engine open this target.
---@param self luadl.download
---@param where { dir: string?, name: string, replace: boolean?, restart: boolean? }
function opening.start(self, where)
  self.target, self.presumed = place(self, where), nil
  local made, unmade = make_folder(self, where)
  if not made then return fail(self, unmade) end
  if self.keeper then self.keeper:on_named(opening.path(self)) end
  if self.filtered then return open_filtered(self) end
  local ok, err = self.engine:start(self.id, self.target)
  if not ok then fail(self, from_core(err)) end
end

local WANT_THE_HEAD = { "exists", "accept" }

--- The target, when nobody has to see the head first: then the file is opened before any request.
---@param self luadl.download
---@return table|nil where nil, nil: somebody has to
---@return luadl.error|nil
function opening.known_target(self)
  if not self.opts.output or self.info or self.reading then return nil end
  if freshness.is_wanted(self) then return nil end
  if self.keeper and self.keeper.wants_head then return nil end
  for _, name in ipairs(WANT_THE_HEAD) do
    if asking.has(self, name) then return nil end
  end
  local where, err = target.explicit(self.opts)
  if where then err = select(2, make_folder(self, where)) end
  if err then return nil, err end
  if self.keeper then self.keeper:on_named(target.join(where.dir, where.name)) end
  return place(self, where)
end

-- The head

--- The media type that the answer names, without parameters.
---@param text string? the event's headers
---@return string?
function opening.content_type(text)
  local kind = (headers.value(text, "content-type") or ""):match("^%s*([^;%s]+)")
  return kind and kind:lower()
end

--- What the server says, for policies.
---@param self luadl.download
---@param event table of the engine
---@return luadl.head
function opening.describe_head(self, event)
  local fields = headers.new(event.headers)
  return {
    url = event.url,
    requested_url = self.url,
    status = event.status,
    headers = fields,
    total = event.total,
    ranges = event.ranges,
    etag = fields:get("etag"),
    last_modified = fields:get("last-modified"),
    content_type = opening.content_type(event.headers),
    content_encoding = fields:get("content-encoding"),
    labels = self.opts.labels,
  }
end

--- The head, for who asks: it is put together when somebody does.
---@param self luadl.download
---@return luadl.head|nil nil: none has come yet
function opening.head(self)
  if not self.head and self.answer then self.head = opening.describe_head(self, self.answer) end
  return self.head
end

local function ask_about_head(self, policy_name)
  if not asking.has(self, policy_name) then return nil end
  return asking.ask(self, policy_name, opening.head(self))
end

local function place_for(self)
  if self.opts.output then return target.explicit(self.opts) end
  return target.chosen(self.core, self.opts, {
    wish = ask_about_head(self, "name"),
    disposition = headers.value(self.answer.headers, "content-disposition"),
    url = self.url,
    final_url = self.answer.url,
    headers = self.answer.headers,
  })
end

local function refusal(self, message)
  message = message or "the accept policy refused the file"
  return errors.new("cancelled", message, { url = self.answer.url })
end

--- Ends it without a failure: there is nothing to download.
---@param self luadl.download
---@param reason string|true
function opening.skip(self, reason)
  self.skipped = {
    url = self.url, path = self.target and opening.path(self),
    size = self.answer and self.answer.total, skipped = reason,
  }
  self.engine:cancel(self.id)
end

-- True, or nil and why not; it may change how many connections there are.
local function accept(self)
  local answer, _, script = ask_about_head(self, "accept")
  if answer == nil or answer == true then return true end
  if answer == false then return nil, refusal(self) end
  if type(answer) == "string" then return nil, refusal(self, answer) end
  local wish, message = policy.read({ accept = answer })
  if not wish then asking.refuse(script, "the accept policy answered: " .. message) end
  local count = wish.accept.connections
  if not count then return true end
  self.opts.connections = count
  return self.engine:connections(self.id, self.hosts:limit(self.origin, count))
end

--- Answers the engine's HEAD.
---@param self luadl.download
---@param event table
function opening.answer_head(self, event)
  self.answer, self.head = event, nil
  local needless = self.keeper and self.keeper.wants_head
    and self.keeper:on_head(opening.head(self))
  if needless then return opening.skip(self, needless) end
  local accepted, refused = accept(self)
  if not accepted then return fail(self, refused) end
  if self.reading and not self.filtered then return reading.start(self) end
  local where, err, source = place_for(self)
  if not where then return fail(self, err) end
  local current = freshness.judge(self, where)
  if current then
    self.target = where
    return opening.skip(self, current)
  end
  opening.start(self, where)
  if not trace.is_wanted(self) then return end
  trace.note(self, "name", NAMED[source or "output"], { path = opening.path(self) })
end

-- The file exists

local function decide_exists(self, err)
  local found = { path = opening.path(self), error = err, head = opening.head(self) }
  return asking.word(self, "exists", EXISTS, "fail", found)
end

local function next_name(self)
  self.alternatives = self.alternatives + 1
  self.first_name = self.first_name or self.target.name
  local name_max = target.name_limit(self.core, self.opts.dir)
  return filename.alternative(self.first_name, self.alternatives, { name_max = name_max })
end

local exists = {}

function exists.fail(self, err)
  fail(self, err)
end

-- Once for each session: of a list that runs again each file would say it.
local function warn_of_second(self)
  if self.session.told_of_second or not freshness.looks_current(self) then return end
  self.session.told_of_second = true
  transfer.warn(self, SECOND:format(opening.path(self)))
end

function exists.rename(self, err)
  if self.alternatives >= MOST_ALTERNATIVES then return fail(self, err) end
  if not self.opened then warn_of_second(self) end
  opening.start(self, { dir = self.target.dir, name = next_name(self) })
end

function exists.replace(self, err)
  if self.beside then return exists.rename(self, err) end
  if self.target.replace or err.kind ~= "exists" then return fail(self, err) end
  opening.start(self, { dir = self.target.dir, name = self.target.name, replace = true })
end

-- A folder of this name isn't the file.
function exists.skip(self, err)
  if err.kind ~= "exists" or err.errno ~= EEXIST then return fail(self, err) end
  opening.skip(self, true)
end

--- The name is taken: somebody decides.
---@param self luadl.download
---@param err luadl.error
function opening.taken(self, err)
  local own = self.keeper and self.keeper:on_taken(opening.path(self), opening.head(self))
  if own then return opening.skip(self, own) end
  local word = decide_exists(self, err)
  trace.note(self, "exists", ("%s: %s"):format(err.message, word), {
    error = err, path = opening.path(self),
  })
  exists[word](self, err)
end

return opening
