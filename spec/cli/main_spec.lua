--- The command as a whole, with the library, the batch and the system made up around it.
-- SPDX-License-Identifier: MIT

local cli = require("luadl.cli")
local errors = require("luadl.errors")
local headers = require("luadl.headers")

local function stream()
  local written = {}
  return {
    write = function(_, ...) written[#written + 1] = table.concat({ ... }) end,
    flush = function() end,
    text = function() return table.concat(written) end,
  }
end

local function parts(changes)
  local made = { seen = {}, interrupts = 0 }
  made.world = { stdout = stream(), stderr = stream(), now = function() return 0 end }
  made.session = {
    wake_fd = function() return 7 end,
    close = function() made.seen.closed = true end,
  }
  made.luadl = { session = function(opts) made.seen.options = opts return made.session end }
  made.summary = { done = 1, failed = 0, skipped = 0, total = 1 }
  made.run = function() return made.summary end
  made.batch = {
    new = function(session, opts, hooks)
      made.seen.session, made.seen.batch, made.seen.hooks, made.seen.list = session, opts, hooks, {}
      return {
        source = function(_, next_input)
          for opts_of_one in next_input do table.insert(made.seen.list, opts_of_one) end
        end,
        run = function() return made.run() end,
      }
    end,
  }
  made.sys = {
    hide = function() end,
    raise_fd_limit = function() end,
    catch_signals = function(fd) made.seen.wake_fd = fd end,
    interrupted = function() return made.interrupts end,
    make_directories = function(path) made.seen.dir = path return true end,
    stat = function() return {} end,
    writable = function(path) made.seen.folder = path return true end,
  }
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

describe("the command", function()
  it("hands each URL to the batch and the options to the session", function()
    local made = parts()
    assert.equal(0, cli.main({ "-j2", "-n3", "http://a/1", "http://a/2" }, made))
    assert.same({ connections = 3 }, made.seen.options)
    assert.equal(made.session, made.seen.session)
    assert.equal("http://a/2", made.seen.list[2].url)
    assert.equal(2, made.seen.batch.jobs)
    assert.equal(7, made.seen.wake_fd)
    assert.is_true(made.seen.closed)
  end)

  it("ends with the status of the first failure", function()
    local made = parts()
    made.summary.first_error = errors.new("no_space")
    assert.equal(9, cli.main({ "http://a/1" }, made))
  end)

  it("ends with 7 when it was interrupted before all was done", function()
    local made = parts({ interrupts = 1 })
    assert.equal(0, cli.main({ "http://a/1", "http://a/2" }, made))
    assert.is_true(made.seen.hooks.interrupted())
    made.summary.stopped = errors.new("cancelled")
    assert.equal(7, cli.main({ "http://a/1", "http://a/2" }, made))
  end)

  it("ends with 28 and two lines for a wrong command line", function()
    local made = parts()
    assert.equal(28, cli.main({ "--nonsense\27", "http://a/1" }, made))
    assert.matches("^luadl: unknown option '%-%-nonsense\\x1B'[^\n]*\ntry luadl %-%-help\n$",
      made.world.stderr.text())
    assert.is_nil(made.seen.options)
  end)

  it("reports retries of the downloads it made", function()
    local made = parts()
    function made.run()
      made.seen.list[1].on_retry({ error = errors.new("connect", "refused") }, 0)
      return made.summary
    end
    cli.main({ "-v", "http://a/1" }, made)
    assert.equal("luadl: again now: refused\n", made.world.stderr.text())
  end)

  it("says loudly that certificates are not verified", function()
    local made = parts()
    cli.main({ "-k", "http://a/1" }, made)
    local shown = made.world.stderr.text()
    assert.matches("warning: TLS certificates and host keys are not verified", shown)
  end)

  it("makes the folder of -d and asks for nothing when files can't be written there", function()
    local made = parts()
    made.sys.writable = function() return nil, "Permission denied", 13 end
    made.run = function() error("a request") end
    assert.equal(16, cli.main({ "-d", "new", "http://a/1" }, made))
    assert.equal("new", made.seen.dir)
    assert.matches("^luadl: cannot write into new: Permission denied; ", made.world.stderr.text())
  end)

  it("hands a .part to the session, with a URL if there is one", function()
    for _, url in ipairs({ "http://a/new", false }) do
      local made = parts()
      assert.equal(0, cli.main({ "--resume", "d/f.part", url or nil }, made))
      assert.equal("d/f.part", made.seen.options.resume)
      assert.equal(1, #made.seen.list)
      assert.equal(url or nil, made.seen.list[1].url)
      assert.equal("d", made.seen.folder)
    end
  end)

  it("looks where -o leads", function()
    for output, folder in pairs({ ["f"] = ".", ["a/b/f"] = "a/b", ["/f"] = "/" }) do
      local made = parts()
      assert.equal(0, cli.main({ "-o", output, "http://a/1" }, made))
      assert.equal(folder, made.seen.folder)
    end
  end)

  it("closes the session also when something throws", function()
    local made = parts()
    made.run = function() error("bug") end
    assert.has_error(function() cli.main({ "http://a/1" }, made) end)
    assert.is_true(made.seen.closed)
  end)
end)

describe("luadl --info", function()
  local function with_heads()
    local made = parts()
    function made.session.info(_, opts)
      if opts.url == "http://a/missing" then
        return nil, errors.new("http_status", "not found", { status = 404 })
      end
      return {
        requested_url = opts.url, url = "http://b/x", status = 206, total = 3145728, ranges = true,
        headers = headers.new({ { "Content-Disposition", 'attachment; filename="big.iso"' } }),
        content_type = "text/\27[2Jplain", etag = '"1"',
      }
    end
    return made
  end

  it("prints what the server says, as text", function()
    local made = with_heads()
    assert.equal(0, cli.main({ "--info", "http://a/x" }, made))
    assert.equal(table.concat({
      "url       http://a/x",
      "leads to  http://b/x",
      "status    206",
      "name      big.iso",
      "size      3.0 MiB (3145728 bytes)",
      "ranges    yes",
      "type      text/\\x1B[2Jplain",
      'etag      "1"',
      "",
    }, "\n"), made.world.stdout.text())
  end)

  it("prints it as JSON", function()
    local made = with_heads()
    cli.main({ "--info", "--json", "http://a/x" }, made)
    assert.matches('^{"type":"info","name":"big.iso","requested_url":"http://a/x",.*}\n$',
      made.world.stdout.text())
    assert.matches('"total":3145728,"ranges":true', made.world.stdout.text())
  end)

  it("asks with what a list or curl's command line says of the request", function()
    local made, asked = with_heads(), nil
    local answer = made.session.info
    function made.session.info(self, opts)
      asked = opts
      return answer(self, opts)
    end
    local line = "curl -H 'X-Key: 1' -u me:secret -x http://proxy:1 http://a/x"
    assert.equal(0, cli.main({ "--info", "--curl", line }, made))
    assert.same({ { "X-Key", "1" }, "me:secret", "http://proxy:1" },
      { asked.headers[1], asked.user, asked.proxy })
  end)

  it("sends nothing", function()
    for _, line in ipairs({ "curl -d a=b http://a/x", "curl -X DELETE http://a/x" }) do
      local made = with_heads()
      function made.session.info() error("asked") end
      assert.equal(28, cli.main({ "--info", "--curl", line }, made))
      assert.matches("asks by GET", made.world.stderr.text())
    end
  end)

  it("prints failures as JSON too", function()
    local made = with_heads()
    assert.equal(3, cli.main({ "--info", "--json", "http://a/missing" }, made))
    assert.matches('^{"type":"error","url":"http://a/missing","kind":"http_status"',
      made.world.stdout.text())
  end)

  it("ends with the status of the first failure and goes on to the others", function()
    local made = with_heads()
    assert.equal(3, cli.main({ "--info", "http://a/missing", "http://a/x" }, made))
    assert.matches("name      big%.iso", made.world.stdout.text())
    assert.equal("luadl: not found (HTTP 404); check the URL\n", made.world.stderr.text())
  end)
end)
