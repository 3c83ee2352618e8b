--- A session that can't be opened for want of descriptors closed descriptor 0 of its host.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")

local PROGRAM = [[
package.cpath = arg[1] .. "/?.so;" .. package.cpath
local core = require("luadl.core")
local engine, err = core.session()
print(engine == nil, err and err.kind, (io.stdin:read("l")))
]]

describe("without descriptors", function()
  before_each(helper.begin)
  after_each(helper.finish)

  it("a session fails clearly and leaves the host's descriptors alone", function()
    local folder = helper.tmpdir()
    local build = os.getenv("LUADL_BUILD") or helper.root .. "/build/5.4"
    helper.write(folder .. "/program.lua", PROGRAM)
    helper.write(folder .. "/input", "still open\n")
    local line = ("ulimit -n 4; lua5.4 %s/program.lua %s"):format(folder, build)
    local run = helper.run(line, { stdin = folder .. "/input" })
    assert.equal("true\tfd_limit\tstill open\n", run.stdout)
  end)
end)
