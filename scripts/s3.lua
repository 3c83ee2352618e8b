-- Downloads what an S3 bucket has below a prefix; each request is signed (Signature Version 4).
-- luadl -s scripts/s3.lua -d copy https://s3.us-east-1.amazonaws.com/bucket/prefix/

local luadl = require("luadl")
local digest = require("luadl.digest")
local url = require("luadl.url")
local xml = require("luadl.xml")

local settings = { region = "us-east-1" } -- --set region=...
local id, secret = os.getenv("AWS_ACCESS_KEY_ID"), os.getenv("AWS_SECRET_ACCESS_KEY")
local token = os.getenv("AWS_SESSION_TOKEN") -- of a role; or none

-- The header fields for a GET of a URL that is spelled as url.encode and url.query do it.
local function sign(address)
  local parts, time = url.parse(address), os.date("!%Y%m%dT%H%M%SZ")
  local host = parts.port and ("%s:%d"):format(parts.host, parts.port) or parts.host
  local payload = "UNSIGNED-PAYLOAD"
  local fields = { { "host", host }, { "x-amz-content-sha256", payload }, { "x-amz-date", time } }
  fields[4] = token and { "x-amz-security-token", token }
  local names, lines = {}, { "GET", parts.path, parts.query or "" }
  for index, field in ipairs(fields) do
    names[index], lines[index + 3] = field[1], field[1] .. ":" .. field[2]
  end
  names = table.concat(names, ";")
  local canonical = table.concat(lines, "\n") .. "\n\n" .. names .. "\n" .. payload
  local scope = ("%s/%s/s3/aws4_request"):format(time:sub(1, 8), settings.region)
  local text = ("AWS4-HMAC-SHA256\n%s\n%s\n%s"):format(time, scope, digest.hex("sha256", canonical))
  local key = "AWS4" .. secret
  for step in scope:gmatch("[^/]+") do key = digest.hmac("sha256", key, step, true) end
  fields[1] = { "Authorization", ("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s")
    :format(id, scope, names, digest.hmac("sha256", key, text)) }
  return fields
end

local function request_for(object, bucket, above)
  local path = object:text("Key")
  local inside = path:sub(#above + 1):match("^.*/") or ""
  return { url = bucket .. path:gsub("[^/]+", url.encode), dir = luadl.filename.path(inside) }
end

local function resolve(request, ctx)
  local bucket, prefix = request.url:match("^(%a+://[^/]+/[^/]+/)(.*)$")
  local query = { ["list-type"] = 2, prefix = url.decode(prefix) }
  local requests, above = {}, query.prefix:match("^.*/") or ""
  repeat
    local address = bucket .. "?" .. url.query(query)
    local opts = { headers = sign(address), context = ctx, check = true }
    local list = assert(xml.parse(assert(luadl.fetch(address, opts)).body))
    for _, object in ipairs(list:all("Contents")) do -- "folder/" stands for itself
      local found = request_for(object, bucket, above)
      if found.url:sub(-1) ~= "/" then requests[#requests + 1] = found end
    end
    query["continuation-token"] = list:text("NextContinuationToken")
  until not query["continuation-token"]
  return requests
end

local function request(attempt) return { headers = sign(attempt.url) } end
return { settings = settings, resolve = resolve, request = request }
