--- The end of a download: what its result says, or why there is none.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local filtering = require("luadl.filtering")
local headers = require("luadl.headers")
local lifetime = require("luadl.lifetime")
local opening = require("luadl.opening")
local summing = require("luadl.summing")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")
local verifying = require("luadl.verifying")

local ending = {}

local LAST_WORDS = 5 -- seconds that observers of the end have where there is a deadline

-- They say more than the engine's reason.
local BY_SCRIPT = { callback = true, script_budget = true, no_memory = true }

-- A login page in a file's place has a right length, too (H30).
local function check_type(event, kind, warnings)
  if kind ~= "text/html" and kind ~= "application/xhtml+xml" then return end
  local extension = (event.path or ""):lower():match("%.([%w]+)$")
  local expected = not extension or extension:match("^x?html?$") or extension:match("^php%d?$")
    or extension:match("^aspx?$") or extension == "jsp"
  if not expected then warnings[#warnings + 1] = "the server sent a web page (" .. kind .. ")" end
end

--- The result of a download that is complete, as far as the engine knows it.
---@param event table its "done"
---@param warnings string[] what is worth telling is added
---@return luadl.result
function ending.describe(event, warnings)
  local kind = opening.content_type(event.headers)
  check_type(event, kind, warnings)
  if event.warning then warnings[#warnings + 1] = event.warning end
  return {
    path = event.path,
    size = event.received,
    resumed = event.resumed,
    elapsed = event.elapsed,
    url = event.url,
    status = event.status,
    redirects = event.redirects,
    address = event.address,
    content_type = kind,
    etag = headers.value(event.headers, "etag"),
    last_modified = headers.value(event.headers, "last-modified"),
    length_verified = event.length_verified,
    content_encoding = event.content_encoding,
    warnings = warnings,
  }
end

local function describe_result(self, event)
  local result = ending.describe(event, self.warnings)
  result.checksum, result.verified = self.opts.checksum, self.verified
  result.labels = self.opts.labels
  return result
end

-- Nothing was answered: what an earlier run left is as it was.
local function is_left(self)
  local opts = self.opts
  if not self.target or self.answer then return false end
  if not opts.resume or opts.restart or opts.range then return false end
  local record = self.core.journal(opening.path(self) .. ".part")
  return record ~= nil and (opts.resume ~= true or record.url == self.url)
end

-- A name that was only presumed counts when the server has answered.
local function has_file(self, event)
  return self.target ~= nil and (not self.presumed or event.headers ~= nil)
end

local function explain(self, event)
  local reason = self.reason
  if not reason or (reason.kind ~= event.error.kind and not BY_SCRIPT[reason.kind]) then
    reason = transfer.from_core(event.error)
  end
  reason.resumable = event.resumable or is_left(self) or nil
  local has_place = has_file(self, event) or reason.resumable
  if has_place and not reason.path then reason.path = opening.path(self) end
  return reason
end

-- What a filter has made of it becomes the file.
local function finish_filtered(self, event)
  local date = headers.value(event.headers, "last-modified")
  local part, err = filtering.complete(self, date and self.core.date(date))
  if not part then return nil, err end
  local right, wrong = verifying.ask_policy(self, part)
  if not right then return nil, wrong end
  event.received = self.file:size()
  event.path, err = filtering.publish(self, opening.taken)
  return event.path ~= nil, err
end

-- What was read in order is looked at when all of it was.
local function finish_reading(self, event)
  local right, err = summing.finish(self)
  if not right or not self.filtered then return right, err end
  return finish_filtered(self, event)
end

local function outcome(self, event)
  local right, wrong = true, nil
  if self.reading and not event.error and not self.skipped then
    right, wrong = finish_reading(self, event)
  end
  if self.skipped then
    self.skipped.elapsed, self.skipped.warnings = event.elapsed, self.warnings
    return self.skipped
  end
  if event.error then return nil, explain(self, event) end
  if not right then return nil, wrong end
  return self.info and opening.describe_head(self, event) or describe_result(self, event)
end

--- It has ended, for everybody who waits.
---@param self luadl.download
---@param result table|nil
---@param err luadl.error|nil
function ending.finish(self, result, err)
  if err and not self.id then trace.failed(self, err) end
  self.result, self.error = result, err
  if self.filtered then filtering.close(self) end
  lifetime.finish(self, err)
  self.hosts:leave(self)
  self.ended:fire()
  if self.keeper then self.keeper:on_end() end
  transfer.hurry(self)
  transfer.wake_reader(self)
end

local function settle(self, result, err)
  self.engine:forget(self.id)
  self.session:drop(self)
  ending.finish(self, result, err)
end

local function note_end(self, result, err)
  if err then
    trace.failed(self, err)
  elseif result.skipped then
    trace.note(self, "done", "skipped", { path = result.path })
  elseif self.info then
    local told = result.status and ("status %d"):format(result.status) or "it is there"
    trace.note(self, "done", told, { url = result.url })
  else
    trace.note(self, "done", ("%d bytes are there"):format(result.size), {
      path = result.path, seconds = result.elapsed,
    })
  end
end

-- The last step: all of them are told before anybody learns of the end.
local function tell_end(self, result, err)
  if trace.is_wanted(self) then note_end(self, result, err) end
  return trace.finish(self)
end

-- The observers of its end; what one throws fails the download, though the file is there.
local function tell(self, result, err)
  if self.info then return result, err end
  if err then
    local failure = asking.tell(self, "on_error", err)
    if failure then err.observer = failure end
    return nil, err
  end
  local failure = asking.has(self, "on_progress") and asking.tell(self, "on_progress", self:stats())
    or asking.tell(self, "on_done", result)
  if failure then return nil, failure end
  return result
end

--- Whether nothing may be asked for any more.
---@param self luadl.download
---@return boolean
function ending.is_near(self)
  return self.ended.fired or self.failing == true
end

--- Ends one that the engine doesn't know, or not yet.
---@param self luadl.download
---@param err luadl.error
function ending.fail_early(self, err)
  if ending.is_near(self) then return end
  if self.info or not asking.has(self, "on_error") then return ending.finish(self, nil, err) end
  self.failing = true
  self.loop:spawn("on_error", function()
    tell(self, nil, err)
    if not self.ended.fired then ending.finish(self, nil, err) end
  end)
end

--- Answers the engine's DONE.
---@param self luadl.download
---@param event table
function ending.answer_done(self, event)
  self.done = event
  self.due = self.due and self.core.now() + LAST_WORDS
  local result, err = tell(self, outcome(self, event))
  local failure = tell_end(self, result, err)
  if failure and result then result, err = nil, failure end
  settle(self, result, err)
end

--- The engine has nothing more to say: that something threw must end it here.
---@param self luadl.download
---@param err luadl.error
function ending.settle_failed(self, err)
  if not self.ended.fired then settle(self, nil, err) end
end

return ending
