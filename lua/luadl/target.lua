--- Where a download goes: folder and name, from the options, from the head, or from a .part.
-- SPDX-License-Identifier: MIT
--
-- Pure, but for the core that is handed in: it knows the charsets, how long a name may be, and how
-- to read the record beside a .part.

local category = require("luadl.category")
local errors = require("luadl.errors")
local filename = require("luadl.filename")
local headers = require("luadl.headers")
local hostname = require("luadl.hostname")
local template = require("luadl.template")

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

-- Both make their folders.

local function by_template(core, opts, name, told)
  local modified = headers.value(told.headers, "last-modified")
  local path, err = template.path(template.parse(opts.template), {
    url = told.url, name = name, position = opts.position, now = os.time(),
    modified = modified and core.date(modified),
  }, { name_max = target.name_limit(core, opts.dir) })
  if not path then return nil, err end
  local dir, last = split(target.join(opts.dir, path))
  return { dir = dir, name = last, make = true }
end

local function by_category(opts, name, told)
  local kind = headers.value(told.headers, "content-type") or ""
  local folder = category.folder(category.read(opts.category), {
    name = name, type = kind:match("^%s*([^;%s]+)"), host = hostname.of(told.url),
  })
  return folder and { dir = target.join(opts.dir, folder), name = name, make = true }
end

local function placed(core, opts, name, told)
  if opts.template then return by_template(core, opts, name, told) end
  local where = opts.category and by_category(opts, name, told)
  return where or { dir = opts.dir ~= "." and opts.dir or nil, name = name }
end

--- What the policy `name`, the server or the URL say; made safe.
---@param core table
---@param opts table a download's options
---@param told { wish: string|boolean|nil, disposition: string?, url: string, final_url: string,
--- headers: string? } what the policy `name` answered, the header, the URL that was asked, the one
--- that answered, and the head as it came
---@return { dir: string?, name: string, make: boolean? }|nil where make: its folder may be missing
---@return luadl.error|nil
---@return string|nil source of the name, as in filename.choose
function target.chosen(core, opts, told)
  if told.wish == false then
    local message = "the name policy refused the file"
    return nil, errors.new("cancelled", message, { url = told.final_url })
  end
  local name, source = filename.choose({
    policy = told.wish or nil,
    disposition = told.disposition,
    url = told.url,
    final_url = told.final_url,
    trust_redirect_name = opts.trust_redirect_name,
    decode = core.decode,
    name_max = target.name_limit(core, opts.dir),
  })
  if not name then return nil, source end
  local where, err = placed(core, opts, name, told)
  return where, err, source
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
