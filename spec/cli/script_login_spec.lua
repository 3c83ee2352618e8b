--- scripts/login.lua: the form's fields and cookies, and what a refused login leads to.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local recorded = require("spec.support.recorded")

local LOGIN = [[<form action="/search"><input name="q"></form>
<form method="post" action="session"><input type="hidden" name="csrf" value="a&amp;b">
<input name="user"><input type="password" name="pass"><input type="submit"></form>]]

describe("scripts/login.lua", function()
  local site, folder

  before_each(function()
    helper.begin()
    site, folder = recorded.start(), helper.tmpdir()
    site:record("/in/", {
      headers = { { "Set-Cookie", "visit=1; Path=/" } }, body = LOGIN,
    })
    site:record("/in/session", {
      { method = "POST", with = { cookie = "visit=1" },
        sent = "^csrf=a%%26b&pass=s%%20e&user=me$", status = 303,
        headers = { { "Location", "/home" }, { "Set-Cookie", "session=xyz; Path=/" } } },
      { method = "POST", body = LOGIN },
    })
    site:record("/home", { with = { cookie = "session=xyz" }, body = "<p>Welcome</p>" })
    site:record("/report.pdf", {
      { with = { cookie = "session=xyz" }, body = "the report" },
      { headers = { { "Content-Type", "text/html" } }, body = LOGIN },
    })
  end)

  after_each(function()
    site:stop()
    helper.finish()
  end)

  local function log_in(password)
    return recorded.run("login", site.url .. "/in/", site.url .. "/report.pdf", {
      cwd = folder, env = { LOGIN = "me", PASSWORD = password },
    })
  end

  it("sends the form with its hidden fields, keeps the cookies, and downloads", function()
    local result = log_in("s e")
    assert.equal(0, result.status, result.stderr)
    assert.equal("the report", helper.read(folder .. "/report.pdf"))
    assert.equal("report.pdf\n", result.stdout)
  end)

  it("fails when the login is refused, and downloads nothing", function()
    local result = log_in("wrong")
    assert.equal(1, result.status)
    assert.equal("luadl: the login was refused\n", result.stderr)
    assert.same({}, site:requests("/report.pdf"))
  end)
end)
