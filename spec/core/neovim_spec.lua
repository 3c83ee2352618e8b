--- Neovim itself, with the module for Lua 5.1 that its LuaJIT loads: a download while it edits.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local server = require("spec.support.server")

local SIZE = 3000000
local MODULES = helper.root .. "/build/5.1/?.so"

-- The editor goes on typing while luadl downloads, and luadl's task writes into the buffer.
local PROGRAM = [[
  local root, modules, url, folder = unpack(vim.split(%q, "\n"))
  package.path = root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua;" .. package.path
  package.cpath = modules .. ";" .. package.cpath
  local luadl = require("luadl")
  local session = luadl.session({ dir = folder, min_split = 65536 })
  local adapter = require("luadl.adapter.luv")(session.loop)
  local finished, ticks = false, 0
  vim.fn.timer_start(1, function() ticks = ticks + 1 end, { ["repeat"] = -1 })
  session.loop:spawn("download", function(ctx)
    local file, err = session:get({ url = url, on_progress = function() end })
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { file and file.path or tostring(err) })
    finished = true
  end)
  local ok = vim.wait(20000, function() return finished end, 5)
  print(ok, ticks > 0, vim.api.nvim_get_current_line())
  adapter.close()
  session:close()
  vim.cmd("qa!")
]]

local pending_reason = os.getenv("LUADL_SANITIZER") and "a sanitizer's runtime isn't Neovim's"

describe("in Neovim", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  it("downloads while the editor goes on, and a task may touch the buffer", function()
    if pending_reason then return pending(pending_reason) end
    local folder = helper.tmpdir()
    local url = origin:serve("/file.bin", nil, { size = SIZE, seed = 8, etag = '"a"' })
    local facts = table.concat({ helper.root, MODULES, url, folder }, "\n")
    helper.write(folder .. "/program.lua", PROGRAM:format(facts))
    local ended = helper.run({
      "nvim", "--headless", "-u", "NONE", "-i", "NONE",
      "-c", "luafile " .. folder .. "/program.lua",
    })
    local printed = (ended.stdout .. ended.stderr):match("^%s*(.-)%s*$")
    assert.equal("true true " .. folder .. "/file.bin", printed)
    assert.equal(server.sha256(8, SIZE), helper.sha256(folder .. "/file.bin"))
  end)
end)
