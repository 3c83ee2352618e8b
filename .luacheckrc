std = "lua54"
max_line_length = 100
include_files = { "lua", "scripts/luadl", "scripts/*.lua", "spec" }
exclude_files = { "spec/**/*.c", "spec/**/*.h", "spec/fuzz/corpus", "spec/**/*.supp", "spec/**/*.py", "spec/**/*.dict" }
files["spec"] = { std = "lua54+busted" }
files["lua/luadl/meta"] = { ignore = { "212", "241", "631" } } -- declarations; a type is one line
