-- Cookies of a session (S15): which it keeps, who gets them. What was sent is read at the server
-- that received it.
-- SPDX-License-Identifier: MIT

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local nginx = require("spec.support.nginx")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")

local SIZE = 200000

local origin, folder, session

-- 503 and a cookie for who brings none.
local function at_the_door(connection, request, parameters)
  if request.headers.cookie then
    return connection:file(request, parameters)
  end
  return connection:reply(503, { { "Set-Cookie", "door=open" } }, "")
end

local function sets(...)
  local headers = {}
  for _, value in ipairs({ ... }) do headers[#headers + 1] = { "Set-Cookie", value } end
  return headers
end

local function serve(path, ...)
  return origin:serve(path, { size = SIZE, seed = 1, etag = '"a"', headers = sets(...) })
end

local function redirect(path, location, ...)
  return origin:redirect(path, location, { headers = sets(...) })
end

local function cookies_of(entry)
  local found = {}
  for _, header in ipairs(entry.headers) do
    if header[1]:lower() == "cookie" then found[#found + 1] = header[2] end
  end
  return found[1] and table.concat(found, " | ") or "none"
end

local function cookies_at(path)
  local list = {}
  for index, entry in ipairs(origin:requests(path)) do list[index] = cookies_of(entry) end
  return list
end

local function open(opts)
  local usual = { dir = folder, connections = 1, retry = oracle.quick(), cookies = true }
  session = assert(luadl.session(merged(usual, opts)))
  return session
end

local function get(url, opts)
  return assert(session:get(merged({ url = url }, opts)))
end

describe("cookies", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(function()
    if session then session:close() end
    session = nil
    helper.finish()
  end)

  it("S15: set by a redirect go to the next hop and with every range", function()
    open({ connections = 4, min_split = 16384 })
    local target = origin:serve("/hop", { size = SIZE, seed = 1, etag = '"a"', rate = 300000 })
    get(redirect("/to-hop", target, "a=1; Path=/; HttpOnly", "b=2; Path=/hop", "c=3; Path=/other"))
    local seen = cookies_at("/hop")
    assert.is_true(#seen >= 2)
    for _, cookies in ipairs(seen) do assert.equal("b=2; a=1", cookies) end
    assert.same({ "none" }, cookies_at("/to-hop"))
  end)

  it("S15: go to no other host", function()
    open()
    local target = server.renamed(serve("/elsewhere", "theirs=1; Path=/"))
    local url = redirect("/to-elsewhere", target, "ours=1; Path=/",
      "forged=1; Path=/; Domain=localhost")
    get(url)
    get(url)
    assert.same({ "none", "theirs=1" }, cookies_at("/elsewhere"))
    assert.same({ "none", "ours=1" }, cookies_at("/to-elsewhere"))
  end)

  it("S15: are shared by the downloads of a session, and by no others", function()
    open()
    local setting = serve("/setting", "a=1; Path=/", "gone=1; Path=/")
    local asking = serve("/asking", "gone=; Path=/; Max-Age=0")
    get(setting)
    get(asking)
    get(asking)
    session:close()
    open()
    get(asking)
    assert.same({ "a=1; gone=1", "a=1", "none" }, cookies_at("/asking"))
  end)

  it("S15: are kept of answers that are refused, too", function()
    open()
    get(origin:serve("/door", at_the_door, { size = SIZE, seed = 1 }))
    assert.same({ "none", "door=open" }, cookies_at("/door"))
  end)

  it("S15: give way to the caller's own", function()
    open()
    local url = serve("/own", "a=1; Path=/")
    get(url)
    get(url, { headers = { cookie = "mine=1" } })
    get(redirect("/to-own", server.renamed(url)), { headers = { Cookie = "mine=1" } })
    assert.same({ "none", "mine=1", "none" }, cookies_at("/own"))
  end)

  it("S15: are not kept unless the session says so", function()
    for _, cookies in ipairs({ false, "default" }) do
      local opts = { dir = folder }
      if cookies == false then opts.cookies = false end
      session = assert(luadl.session(opts))
      local path = "/off-" .. tostring(cookies)
      local url = serve(path, "a=1; Path=/")
      get(url)
      get(url)
      session:close()
      assert.same({ "none", "none" }, cookies_at(path))
    end
  end)

  it("S15: of https stay there, and none goes along when https is left", function()
    open({ allow_downgrade = true })
    local plain = serve("/plain", "late=1; Path=/")
    local tls = nginx.start({
      tls = true,
      config = ([[
        location /set {
          add_header Set-Cookie "safe=1; Path=/; Secure" always;
          add_header Set-Cookie "any=1; Path=/" always;
          return 302 /down;
        }
        location /down {
          add_header Set-Cookie "seen=$http_cookie; Secure" always;
          return 302 %s;
        }
        location /echo { return 200 "$http_cookie"; }
      ]]):format(plain),
    })
    local ok, problem = pcall(function()
      get(tls.tls_url .. "/set", { cacert = tls.ca })
      get(plain)
      local echo = get(tls.tls_url .. "/echo", { cacert = tls.ca })
      assert.equal("safe=1; any=1; seen=safe=1; late=1", helper.read(echo.path))
    end)
    tls:stop()
    assert(ok, problem)
    assert.same({ "none", "any=1; late=1" }, cookies_at("/plain"))
  end)
end)
