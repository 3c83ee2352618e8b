-- Downloads a snapshot of a model's repository; every file is checked against its id in git.
-- HF_TOKEN=x luadl -s scripts/model.lua --set revision=v2 -d model https://huggingface.co/ME/IT

local luadl = require("luadl")
local digest = require("luadl.digest")
local url = require("luadl.url")

local settings = { revision = "main" } -- a branch, a tag or a commit

local token = os.getenv("HF_TOKEN")
local headers = { Authorization = token and "Bearer " .. token }

-- Git's id of a file: the SHA-1 of "blob SIZE", a zero byte, and the file.
local function check_blob(entry)
  return function(path)
    local file <close> = assert(io.open(path, "rb"))
    local sum = digest.new("sha1"):update(("blob %d\0"):format(entry.size))
    return sum:update(file:read("a")):hex() == entry.oid or "its id in git is another one"
  end
end

-- A large file is behind a redirect to a signed link. When that expires luadl asks here again.
local function request_for(base, entry)
  local folder, name = entry.path:match("^(.-)([^/]*)$")
  return {
    url = base .. entry.path:gsub("[^/]+", url.encode),
    headers = headers,
    dir = assert(luadl.filename.path(folder)),
    name = name,
    checksum = entry.lfs and "sha256:" .. entry.lfs.oid,
    verify = not entry.lfs and check_blob(entry) or nil,
  }
end

local function resolve(request, ctx)
  local host, repository = request.url:match("^(%a+://[^/]+)/([^/]+/[^/]+)$")
  if not host then return nil end
  local api = ("%s/api/models/%s/"):format(host, repository)
  local opts = { headers = headers, context = ctx, check = true }
  local page = assert(luadl.fetch(api .. "revision/" .. url.encode(settings.revision), opts))
  local commit = assert(page:json()).sha -- what comes later isn't in the snapshot
  local base, requests = ("%s/%s/resolve/%s/"):format(host, repository, commit), {}
  opts.query = { recursive = true }
  for each, err in luadl.pages(api .. "tree/" .. commit, opts) do
    for _, entry in ipairs(assert(assert(each, err):json())) do
      if entry.type == "file" then table.insert(requests, request_for(base, entry)) end
    end
  end
  return requests
end

return { label = "model", settings = settings, resolve = resolve }
