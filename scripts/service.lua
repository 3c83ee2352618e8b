-- Fetches the reports of several accounts at once; credentials travel in contexts (Go's WithAuth).
-- ALICE=token BOB=token luadl run scripts/service.lua https://api.example.org ALICE BOB

local luadl = require("luadl")
local sys = require("luadl.sys")

local TOKEN = {} -- a key that nobody else has
local base = arg[1]

local function with_auth(ctx, token)
  return ctx:with_value(TOKEN, token)
end

-- Just before each request of whatever belongs to such a context; nobody else learns the token.
local function authorize(attempt, ctx)
  local token = ctx:value(TOKEN)
  local is_ours = attempt.url:sub(1, #base + 1) == base .. "/"
  if not token or not is_ours then return nil end
  return { headers = { Authorization = "Bearer " .. token } }
end

local session = assert(luadl.session({ policies = { { label = "auth", request = authorize } } }))

-- From here on nothing knows of credentials.
local function save_reports(ctx, dir)
  assert(sys.make_directories(dir))
  local page = assert(session:fetch(base .. "/reports", { context = ctx, check = true }))
  local group = luadl.group(ctx, { limit = 4 })
  return group:map(assert(page:json()), function(own, report)
    return session:get({ url = report.url, dir = dir, context = own })
  end)
end

return luadl.run(function(ctx)
  local group = luadl.group(ctx)
  for index = 2, #arg do
    local account = arg[index]
    local token = assert(os.getenv(account), account .. " is not set")
    group:go(function(own) return save_reports(with_auth(own, token), account) end)
  end
  return group:wait()
end)
