--- A copy of the first table, with what the others say in its place; nil stands for none.
-- SPDX-License-Identifier: MIT

return function(...)
  local all = {}
  for index = 1, select("#", ...) do
    for name, value in pairs((select(index, ...)) or {}) do all[name] = value end
  end
  return all
end
