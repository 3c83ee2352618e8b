-- Logs in by a form, with its hidden fields and cookies, then downloads what is behind it.
-- LOGIN=me PASSWORD=secret luadl run scripts/login.lua https://example.org/login URL...

local luadl = require("luadl")
local html = require("luadl.html")
local url = require("luadl.url")

if not arg[2] then return nil, "usage: login.lua PAGE URL..." end
local TEXT = { text = true, email = true, [""] = true }

local session = assert(luadl.session({ cookies = true }))

-- The form of a page that asks for a password, or nil.
local function login_form(page)
  local form = { fields = {} }
  for _, tag in ipairs(assert(html.tags(page.body, { "form", "input" }))) do
    local given = tag.attributes
    if tag.name == "form" and form.password then break end
    if tag.name == "form" then form = { fields = {}, action = given.action } end
    if given.type == "password" then form.password = given.name end
    if TEXT[given.type or ""] and not form.password then form.user = given.name end
    if given.name and tag.name == "input" then form.fields[given.name] = given.value or "" end
  end
  return form.password and form
end

local page = assert(session:fetch(arg[1], { check = true }))
local form = login_form(page)
if not form then return nil, "no form asks for a password there" end
form.fields[form.user or "user"] = os.getenv("LOGIN")
form.fields[form.password] = os.getenv("PASSWORD")

local action = url.join(page.url, form.action or "")
local answer = assert(session:fetch(action, { form = form.fields, check = true }))
if login_form(answer) then return nil, "the login was refused" end

for index = 2, #arg do
  local file = assert(session:get({
    url = arg[index],
    accept = function(head) -- a server that forgot who we are shows its form
      return head.content_type ~= "text/html" or "a web page in the file's place"
    end,
  }))
  print(file.path)
end
