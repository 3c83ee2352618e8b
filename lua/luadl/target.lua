--- Where a download goes: folder and name, from the options, from the head, or from a .part.
-- SPDX-License-Identifier: MIT
--
-- Pure, but for the core that is handed in: it knows the charsets, how long a name may be, and how
-- to read the record beside a .part.

local errors = require("luadl.errors")
local filename = require("luadl.filename")

local target = {}

local function split(path)
  local dir, name = path:match("^(.*)/([^/]*)$")
  if not dir then return nil, path end
  return dir == "" and "/" or dir, name
end

--- `path` as it is seen from outside `dir`.
---@param dir string|nil
---@param path string
---@return string
function target.join(dir, path)
  if not dir or dir == "." or path:sub(1, 1) == "/" then return path end
  return (dir:gsub("/$", "")) .. "/" .. path
end

--- The longest name that `dir` takes, or nil when nobody knows.
---@return integer|nil
function target.name_limit(core, dir)
  return core.name_max(dir) or nil
end

--- What the option `output` says.
---@param opts { dir: string, output: string }
---@return { dir: string?, name: string }|nil
---@return luadl.error|nil
function target.explicit(opts)
  local dir, name = split(target.join(opts.dir, opts.output))
  if name == "" or name == "." or name == ".." then
    return nil, errors.new("bad_name", "the output is a folder: name a file in it", {
      path = opts.output,
    })
  end
  return { dir = dir, name = name }
end

--- What the policy `name`, the server or the URL say; made safe.
---@param core table
---@param opts table a download's options
---@param head table what the server answered
---@param wish string|boolean|nil what the policy `name` answered
---@return { dir: string?, name: string }|nil
---@return luadl.error|nil
---@return string|nil source of the name, as in filename.choose
function target.chosen(core, opts, head, wish)
  if wish == false then
    return nil, errors.new("cancelled", "the name policy refused the file", { url = head.url })
  end
  local name, source = filename.choose({
    policy = wish or nil,
    disposition = head.headers:get("content-disposition"),
    url = head.requested_url,
    final_url = head.url,
    trust_redirect_name = opts.trust_redirect_name,
    decode = core.decode,
    name_max = target.name_limit(core, opts.dir),
  })
  if not name then return nil, source end
  return { dir = opts.dir ~= "." and opts.dir or nil, name = name }, nil, source
end

local function unusable(part, err)
  local why = err.kind == "journal_corrupt" and "no usable record is beside it" or err.message
  return errors.new(err.kind, ("cannot continue %s: %s"):format(part, why), {
    path = part, errno = err.errno,
  })
end

-- A record says where its bytes came from and nothing else: no option, no name (S11).
local function url_of(core, opts, part)
  local record, err = core.journal(part)
  if not record then
    local untold = opts.url and (opts.adopt or opts.restart) -- nobody needs a record then
    return opts.url, not untold and unusable(part, err) or nil
  end
  if opts.url or (record.url or "") ~= "" then return opts.url or record.url end
  return nil, unusable(part, { kind = "bad_url", message = "it tells no URL, so name one" })
end

--- What `resume = PART` means for the other options; those of other downloads stay as they are.
---@param core table
---@param opts table a download's options; `url`, `output`, `dir` and `exists` are set
---@return boolean|nil renewed whether another URL takes the place of the record's
---@return luadl.error|nil
function target.continue(core, opts)
  local part = opts.resume:gsub("%.lj$", "")
  local renewed = opts.url ~= nil
  local url, err = url_of(core, opts, part)
  opts.url, opts.output, opts.dir, opts.exists = url, part:gsub("%.part$", ""), ".", "fail"
  if err then return nil, err end
  return renewed
end

return target
