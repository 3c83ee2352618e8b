std = "lua54"
max_line_length = 100
include_files = { "lua", "scripts/luadl", "scripts/*.lua", "spec" }
exclude_files = { "spec/**/*.c", "spec/**/*.h", "spec/fuzz/corpus", "spec/**/*.supp" }
files["spec"] = { std = "lua54+busted" }
