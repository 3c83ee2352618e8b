-- Downloads the tarballs that a package-lock.json (v2, v3) names; each must have its integrity.
-- luadl run scripts/npm.lua package-lock.json tarballs

local luadl = require("luadl")
local digest = require("luadl.digest")
local json = require("luadl.json")
local sys = require("luadl.sys")

local file = assert(io.open(arg[1], "rb"))
local lock = assert(json.decode(file:read("a")))
file:close()

local session = assert(luadl.session())

local tarballs = {} -- by path: a package may be there several times
for place, package in pairs(lock.packages) do
  if package.resolved and package.integrity then -- else it is a link, or comes with another one
    local name = package.name or place:match("^.*node_modules/(.+)$")
    local tarball = ("%s-%s.tgz"):format(name, package.version)
    tarballs[arg[2] .. "/" .. assert(luadl.filename.sanitise(tarball))] = package
  end
end

local function save(ctx, path, package)
  if digest.sri_check_file(package.integrity, path) then return true end
  return session:get({
    url = package.resolved,
    output = path,
    exists = "replace",
    context = ctx,
    checksum = package.integrity,
  })
end

assert(sys.make_directories(arg[2]))
local group = luadl.group(luadl.context.background(), { limit = 8 })
for path, package in pairs(tarballs) do group:go(save, path, package) end
return group:wait()
