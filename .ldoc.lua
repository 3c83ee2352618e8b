-- The API pages of `make api`, from what spec/support/apidoc.lua makes of the annotations.
-- SPDX-License-Identifier: MIT

project = "luadl"
title = "luadl: the Lua interface"
description = "Downloads that Lua decides: what programs and policies call, and what they are given."
full_description = "A spec compares every name here with what the modules export."
not_luadoc = true
no_space_before_args = true
no_lua_ref = true
sort_modules = true

new_type("value", "Values")
new_type("kind", "Types")

-- By the whole name, as a program writes it.
function custom_display_name_handler(item, default)
  local name = default(item)
  if item.type == "module" or name:find("^luadl%f[.:]") then return name end
  return item.module.name .. "." .. name
end
