--- What the command's options are about: the order and the headings of help and manual.
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")

local topics = {}

-- By the names in the schema; each option with a flag stands in one topic.
local LIST = {
  {
    name = "files", title = "Where files go",
    about = "A name that the server chose is made safe and gives way to what is there: the file "
      .. "becomes 'big (1).iso'. One that -o gives doesn't: luadl fails. -o may be a template, "
      .. "such as '{host}/{date:%Y-%m}/{name}{ext}'; -o - writes to standard output.",
    options = "output dir ahead category exists trust_redirect_name max_size",
  },
  {
    name = "resume", title = "Interrupted downloads",
    about = "The same command again continues: NAME.part has what came, NAME.part.lj what of it "
      .. "is safely there, and of which file. Two versions of a file are never mixed.",
    options = "resume restart resume_check changed adopt renew conditional timestamps",
  },
  {
    name = "check", title = "Right or not",
    about = "A file gets its name when it is complete, and right by what is known of it.",
    options = "checksum range",
  },
  {
    name = "speed", title = "Connections and limits",
    about = "RATE is bytes per second, such as 2M, or a schedule such as '09:00-18:00=2M,10M'. A "
      .. "server that allows fewer connections gets fewer.",
    options = "connections jobs per_host min_split rate limit_rate host_limit_rate file_limit_rate",
  },
  {
    name = "lists", title = "Many files",
    about = "A list has one URL a line, with aria2's indented options below it, or JSON objects "
      .. "with url, output, dir, sha256, size, headers, mirrors. It is read as it is needed.",
    options = "input_file trust_list glob curl archive journal shard fail_fast",
  },
  {
    name = "requests", title = "Requests",
    about = "Headers and logins are meant for the URL's own host, and stay behind on a redirect "
      .. "to another one. @FILE and @- read them from a file or from standard input.",
    options = "headers host_headers user_agent user auth bearer netrc netrc_file method body"
      .. " cookies load_cookies save_cookies trusted_hosts max_redirects allow_downgrade",
  },
  {
    name = "network", title = "Network and TLS",
    about = "Without -x the environment's http_proxy, https_proxy, all_proxy and no_proxy count.",
    options = "proxy proxy_auth no_proxy addresses doh interface ip http insecure cacert capath"
      .. " cert key key_password pinned_key tls_min known_hosts",
  },
  {
    name = "patience", title = "Patience",
    about = "Network errors, 408, 425, 429 and 5xx are tried again, with growing pauses or when "
      .. "the server says. Other 4xx are not.",
    options = "retry max_retry_after timeout connect_timeout deadline",
  },
  {
    name = "scripts", title = "Scripts",
    about = "A script is a Lua file that returns a table of policies: what they answer, decides.",
    options = "scripts set sandbox",
  },
  {
    name = "output", title = "What is shown",
    about = "Standard output has results alone; progress and errors go to standard error.",
    options = "progress info write_out report json quiet verbose why",
  },
  {
    name = "other", title = "Configuration and help",
    about = "The command line counts before LUADL_... in the environment, and that before the "
      .. "configuration; `luadl config` shows what is in force.",
    options = "config version help",
  },
}

local function flags_of(names)
  local flags = {}
  for name in names:gmatch("%S+") do
    local option = options.get(name)
    for _, flag in ipairs(options.flags(option)) do
      flags[#flags + 1] = setmetatable({ option = option }, { __index = flag })
    end
  end
  return flags
end

---@class luadl.cli.topic
---@field name string
---@field title string
---@field about string
---@field flags table[] as `options.flags` has them, each with its `option`

--- All topics in their order.
---@return luadl.cli.topic[]
function topics.all()
  local list = {}
  for index, topic in ipairs(LIST) do
    list[index] = {
      name = topic.name, title = topic.title, about = topic.about, flags = flags_of(topic.options),
    }
  end
  return list
end

--- What is added to a flag's help: the default.
---@param flag table
---@return string|nil
function topics.note(flag)
  return flag.note or (type(flag.default) ~= "boolean" and flag.default ~= nil
    and tostring(flag.default)) or nil
end

--- "-n", "--connections" and "N" of "-n --connections".
---@param flag table
---@return string|nil short
---@return string long
---@return string|nil argument
function topics.words(flag)
  return flag.flag:match("^%-%w"), flag.long, flag.arg
end

return topics
