--- Every kind of fault has a spec of its own: each id stands before the sentence that names it.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local helper = require("spec.support.helper")

local LEAST = 150 -- different sentences

-- The catalogue's rows: H what servers do, F file systems, P processes and hosts, N names, S those
-- who mean harm, L- Lua programs. Left out is what luadl doesn't have yet: a daemon (S6, S12, S13,
-- L-3), mirrors and checksums (H18, S14), HTTP/2 (H50, H51).
local ROWS = {
  { "H", 66, { [18] = true, [50] = true, [51] = true } },
  { "F", 29, {} },
  { "P", 11, {} },
  { "N", 12, {} },
  { "S", 15, { [6] = true, [12] = true, [13] = true, [14] = true } },
  { "L-", 12, { [3] = true } },
}

local function each_file(folder, visit)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    local is_folder = lfs.attributes(path, "mode") == "directory"
    if is_folder and not name:find("^%.") then each_file(path, visit) end
    if name:find("_spec%.lua$") or name:find("_test%.c$") then visit(helper.read(path)) end
  end
end

-- Ids and sentences, of texts like "H3: a 206 with another start" or "F24, F25: any size".
local function collect(text, ids, sentences)
  for list, rest in text:gmatch('"([HFPNSL]%-?%d[%w, -]*):([^"]*)') do
    sentences[list .. ":" .. rest] = true
    for id in list:gmatch("%f[%w][HFPNSL]%-?%d+") do ids[id] = true end
  end
end

local function named()
  local ids, sentences, count = {}, {}, 0
  each_file(helper.root .. "/spec", function(text) collect(text, ids, sentences) end)
  for _ in pairs(sentences) do count = count + 1 end
  return ids, count
end

describe("the faults", function()
  it("have a spec each", function()
    local ids, missing = named(), {}
    for _, row in ipairs(ROWS) do
      for number = 1, row[2] do
        local id = row[1] .. number
        if not row[3][number] and not ids[id] then missing[#missing + 1] = id end
      end
    end
    assert.same({}, missing)
  end)

  it("are 150 at least", function()
    local _, count = named()
    assert.is_true(count >= LEAST, ("only %d are named"):format(count))
  end)

  it("are read from what specs say, lists and single ids alike", function()
    local ids, sentences = {}, {}
    collect('it("F24, F25: of every size", f) { "L-12: late" } x = "HTTP/1.1: no" "P2 without"',
      ids, sentences)
    assert.same({ F24 = true, F25 = true, ["L-12"] = true }, ids)
  end)
end)
