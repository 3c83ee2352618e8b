--- The format of --write-out.
-- SPDX-License-Identifier: MIT

local format = require("luadl.options.format")

describe("a format", function()
  it("has texts, variables, directives and curl's escapes", function()
    assert.same({
      "a", "\t", { variable = "url" }, "%", " 100", "%", "\n", { directive = "onerror" },
      { json = true }, "\\q",
    }, format.read("a\\t%{url}%% 100%\\n%{onerror}%{json}\\q"))
  end)

  it("keeps a percent sign and a backslash that begin nothing", function()
    for text, read in pairs({
      ["%"] = { "%" }, ["\\"] = { "\\" }, ["%x"] = { "%", "x" }, ["%{url"] = { "%", "{url" },
      ["\\\\n"] = { "\\\\", "n" },
      [""] = {},
    }) do
      assert.same(read, format.read(text))
    end
  end)

  it("names the nearest word, or says what is not kept", function()
    local function refusal(text)
      local parts, message = format.read(text)
      assert.is_nil(parts)
      return message
    end
    assert.equal("unknown variable %{htp_code}: did you mean %{http_code}?", refusal("%{htp_code}"))
    assert.matches("^unknown variable %%{}: known are json, content_type, ", refusal("%{}"))
    assert.matches("^%%{time_connect}: .*%-%-why", refusal("%{time_connect}"))
    assert.matches("^%%header{%.%.%.}: .*%-%-info", refusal("%header{etag}"))
  end)

  it("shows what is known as curl does", function()
    assert.equal("200", format.show("http_code", { http_status = 200 }))
    assert.equal("000", format.show("http_code", {}))
    assert.equal("1.500000", format.show("time_total", { seconds = 1.5 }))
    assert.equal("", format.show("content_type", {}))
    assert.equal("0", format.show("size_download", { fetched = 0 }))
  end)
end)
