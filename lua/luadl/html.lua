--- The links and tags of a web page, however broken its HTML is.
-- SPDX-License-Identifier: MIT
--
-- Reads tags as browsers do (HTML Standard, section 13.2.5), in one pass: each byte is looked at a
-- bounded number of times, whatever a server sends (L-3). Every pattern here is anchored or plain,
-- and none has two parts that could share out a run of characters.

local errors = require("luadl.errors")
local trim = require("luadl.text").trim

local html = {}

--- A link in a page.
---@class luadl.html.link
---@field url string absolute where the page's URL was given; else as it stands there
---@field text string? of <a>: what it encloses, white space collapsed, at most 1,000 bytes
---@field tag string
---@field attribute string which one held it
---@field rel string?
---@field attributes table<string, string> all of the tag's, by names in lower case

local TEXT_MOST = 1000
local URL_MOST = 16384 -- bytes; images in data: URLs are longer
local BASE_MOST = 2048
local LINKS_MOST = 100000

-- Entities (HTML Standard, section 13.5), as far as links and their texts have use for them.
local NAMED = {
  amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", AMP = "&", LT = "<", GT = ">",
  QUOT = '"', ndash = "\226\128\147", mdash = "\226\128\148", lsquo = "\226\128\152",
  rsquo = "\226\128\153", ldquo = "\226\128\156", rdquo = "\226\128\157", bull = "\226\128\162",
  hellip = "\226\128\166", euro = "\226\130\172", trade = "\226\132\162", Tab = "\t",
  NewLine = "\n", colon = ":", sol = "/", quest = "?", equals = "=", num = "#", period = ".",
  comma = ",", lowbar = "_", plus = "+", percnt = "%", commat = "@", excl = "!", semi = ";",
  lpar = "(", rpar = ")", ast = "*", dollar = "$", hyphen = "\226\128\144",
}

-- U+00A0 to U+00FF.
local LATIN = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr "
  .. "deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 "
  .. "iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave "
  .. "Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute "
  .. "Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave "
  .. "eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide "
  .. "oslash ugrave uacute ucirc uuml yacute thorn yuml"

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  local tail = { string.char(0x80 + code % 64) }
  local rest, room = math.floor(code / 64), 32
  while rest >= room do
    table.insert(tail, 1, string.char(0x80 + rest % 64))
    rest, room = math.floor(rest / 64), room / 2
  end
  return string.char(256 - room * 2 + rest) .. table.concat(tail)
end

do
  local code = 0xA0
  for name in LATIN:gmatch("%w+") do
    NAMED[name] = utf8_of(code)
    code = code + 1
  end
end

local function character(code)
  if not code or code == 0 or code > 0x10FFFF or (code >= 0xD800 and code <= 0xDFFF) then
    return "\239\191\189"
  end
  return utf8_of(code)
end

local function entity(name)
  local hexadecimal = name:match("^#[xX](%x+)$")
  if hexadecimal then return character(#hexadecimal <= 8 and tonumber(hexadecimal, 16)) end
  local decimal = name:match("^#(%d+)$")
  if decimal then return character(#decimal <= 8 and tonumber(decimal)) end
  return NAMED[name]
end

local function unescape(text)
  if not text:find("&", 1, true) then return text end
  return (text:gsub("&(#?%w+);", entity))
end

-- Elements whose content isn't markup: nothing in them is a link.
local RAW = {
  script = true, style = true, textarea = true, title = true, xmp = true, iframe = true,
  noembed = true, noframes = true,
}

-- Attributes that lead somewhere.
local LINKING = {
  a = { "href" }, area = { "href" }, link = { "href" }, img = { "src", "srcset" },
  source = { "src", "srcset" }, video = { "src", "poster" }, audio = { "src" }, track = { "src" },
  embed = { "src" }, iframe = { "src" }, frame = { "src" }, script = { "src" }, input = { "src" },
  object = { "data" }, image = { "href", "xlink:href" }, use = { "href", "xlink:href" },
}

-- Of a srcset: a comma in a URL belongs to it, one at its end doesn't.
local function each_candidate(text, visit)
  local at = text:find("[^%s,]")
  while at do
    local candidate = text:match("^%S+", at)
    at = at + #candidate
    if candidate:sub(-1) ~= "," then at = text:find(",", at, true) end
    visit(candidate:match("^.*[^,]"))
    at = at and text:find("[^%s,]", at)
  end
end

-- Where <meta http-equiv=refresh content="5; url=..."> leads, or nil.
local function refresh_target(content)
  local at = content:find("[;,]")
  local rest = at and content:match("^%s*(.*)$", at + 1)
  if not rest or rest:sub(1, 3):lower() ~= "url" then return nil end
  local target = rest:match("^%s*=%s*(.*)$", 4)
  return target and target:gsub("^['\"]", ""):gsub("['\"].*$", "") or nil
end

-- One page that is being read.
local page = {}
page.__index = page

function page:add(reference, tag, attribute, attributes)
  -- White space around it, and line breaks in it, don't count.
  local clean = trim(reference):gsub("[\t\r\n]+", "")
  if #clean > URL_MOST then return nil end
  local link = {
    url = clean, tag = tag, attribute = attribute, rel = attributes.rel, attributes = attributes,
  }
  self.links[#self.links + 1] = link
  return link
end

function page:close_anchor()
  if self.anchor then
    self.anchor.text = trim(unescape(table.concat(self.pieces))):gsub("%s+", " ")
  end
  self.anchor, self.pieces, self.room = nil, {}, TEXT_MOST
end

function page:see_text(from, to)
  if not self.anchor or self.room <= 0 or to < from then return end
  local piece = self.text:sub(from, math.min(to, from + self.room - 1))
  self.pieces[#self.pieces + 1] = piece
  self.room = self.room - #piece
end

function page:see_refresh(attributes)
  if (attributes["http-equiv"] or ""):lower() ~= "refresh" then return end
  local target = refresh_target(attributes.content or "")
  if target then self:add(target, "meta", "content", attributes) end
end

function page:see_links(tag, attributes)
  for _, attribute in ipairs(LINKING[tag] or {}) do
    local value = attributes[attribute]
    if value and attribute == "srcset" then
      each_candidate(value, function(url) self:add(url, tag, attribute, attributes) end)
    elseif value then
      local link = self:add(value, tag, attribute, attributes)
      if tag == "a" then self.anchor = link end
    end
  end
end

function page:see_tag(tag, attributes)
  if tag == "a" then self:close_anchor() end
  if tag == "base" then self.base = self.base or attributes.href end
  if tag == "meta" then self:see_refresh(attributes) end
  if tag == "img" and attributes.alt then self:see_alternative(attributes.alt) end
  self:see_links(tag, attributes)
end

-- Of a link that is an image the text is what the image says; it is unescaped already.
function page:see_alternative(text)
  if not self.anchor or self.room <= 0 then return end
  local piece = text:sub(1, self.room):gsub("&", "&amp;")
  self.pieces[#self.pieces + 1] = piece
  self.room = self.room - #piece
end

-- An attribute's value behind "=", and where it ends; nil: the page ends first.
local function read_value(text, at)
  local quote = text:match("^[\"']", at)
  if not quote then
    local value = text:match("^[^%s>]*", at)
    return value, at + #value
  end
  local finish = text:find(quote, at + 1, true)
  if not finish then return nil end
  return text:sub(at + 1, finish - 1), finish + 1
end

-- The attributes of a start tag, and where the page goes on; nil: the page ends first.
local function read_attributes(text, at)
  local attributes = {}
  while true do
    at = text:find("[^%s/]", at)
    if not at then return nil end
    if text:byte(at) == 62 then return attributes, at + 1 end -- ">"
    local name = text:match("^=?[^%s/>=]*", at)
    local value, _, equals = "", text:find("^%s*=%s*", at + #name)
    at = at + #name
    if equals then
      value, at = read_value(text, equals + 1)
      if not value then return nil end
    end
    name = name:lower()
    if attributes[name] == nil then attributes[name] = unescape(value) end
  end
end

-- Where the end tag of an element begins whose content isn't markup, or nil.
local function end_of_raw(text, tag, at)
  while true do
    at = text:find("</", at, true)
    if not at then return nil end
    local behind = text:sub(at + 2, at + 2 + #tag)
    if behind:sub(1, #tag):lower() == tag and behind:find("^[%s/>]?$", #tag + 1) then return at end
    at = at + 2
  end
end

function page:read_start(at)
  local tag = self.text:match("^[^%s/>]+", at)
  local attributes, next_at = read_attributes(self.text, at + #tag)
  if not attributes then return nil end
  tag = tag:lower()
  self:see_tag(tag, attributes)
  if RAW[tag] then return end_of_raw(self.text, tag, next_at) end
  if tag == "plaintext" then return nil end
  return next_at
end

function page:read_end(at)
  local finish = self.text:find(">", at, true)
  if not finish then return nil end
  if self.text:find("^[aA][%s/>]", at) then self:close_anchor() end
  return finish + 1
end

function page:read_comment(at)
  local _, finish = self.text:find("^<!%-%-%-?>", at) -- "<!-->" and "<!--->" are whole comments
  if not finish then _, finish = self.text:find("-->", at + 4, true) end
  return finish and finish + 1
end

local function after(text, what, at)
  local found = text:find(what, at, true)
  return found and found + #what
end

-- Reads what begins with "<" at `at`; where the page goes on, or nil at its end.
function page:read_markup(at)
  local text = self.text
  if text:find("^%a", at + 1) then return self:read_start(at + 1) end
  if text:find("^/%a", at + 1) then return self:read_end(at + 2) end
  if text:find("^!%-%-", at + 1) then return self:read_comment(at) end
  if text:find("^[!?/]", at + 1) then return after(text, ">", at + 1) end
  self:see_text(at, at)
  return at + 1
end

function page:read()
  local at = 1
  while at and #self.links <= self.limit do
    local markup = self.text:find("<", at, true)
    self:see_text(at, (markup or #self.text + 1) - 1)
    at = markup and self:read_markup(markup)
  end
  self:close_anchor()
end

-- What joins a reference with the page's URL, or with what its <base> says.
local function joiner(page_url, base)
  local join = require("luadl.url").join
  local start = base and #base <= BASE_MOST and join(page_url, base) or page_url
  return function(reference) return (join(start, reference)) end
end

local function resolved(self, base_url)
  if not base_url then return self.links end
  local join, kept = joiner(base_url, self.base), {}
  for _, link in ipairs(self.links) do
    link.url = join(link.url)
    if link.url then kept[#kept + 1] = link end
  end
  return kept
end

local function too_many(limit, what)
  return nil, errors.new("too_large", ("the page has more than %d %s"):format(limit, what))
end

--- The links of a page in the order in which they stand there, those of images, frames, scripts and
--- styles included: see `tag`. With the page's URL they are absolute, and those that lead to no
--- host (mailto, javascript, data) are left out.
---@param text string
---@param base_url string? the page's URL; one in the page (<base>) is joined with it
---@param opts { limit: integer }? links at most, default 100,000
---@return luadl.html.link[]? links
---@return luadl.error? err kind "too_large"
function html.links(text, base_url, opts)
  if type(text) ~= "string" then error("a page must be a string", 2) end
  if base_url ~= nil and type(base_url) ~= "string" then error("a URL must be a string", 2) end
  if base_url and #base_url > BASE_MOST then
    return nil, errors.new("too_large", "the page's URL is too long")
  end
  local limit = opts and opts.limit or LINKS_MOST
  local self = setmetatable({ text = text, links = {}, limit = limit }, page)
  self:close_anchor()
  self:read()
  if #self.links > limit then return too_many(limit, "links") end
  return resolved(self, base_url)
end

-- A page of which only tags are wanted.
local catalogue = setmetatable({}, page)
catalogue.__index = catalogue

function catalogue:see_tag(tag, attributes)
  if self.wanted[tag] then self.links[#self.links + 1] = { name = tag, attributes = attributes } end
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name:lower()] = true end
  return set
end

--- The start tags of these names in the order in which they stand there: the fields of a form, say.
---@param text string
---@param names string[]
---@param opts { limit: integer }? tags at most, default 100,000
---@return { name: string, attributes: table<string, string> }[]? tags names in lower case
---@return luadl.error? err kind "too_large"
function html.tags(text, names, opts)
  if type(text) ~= "string" then error("a page must be a string", 2) end
  if type(names) ~= "table" then error("a list of names is expected", 2) end
  local limit = opts and opts.limit or LINKS_MOST
  local self = { text = text, links = {}, limit = limit, wanted = set_of(names) }
  setmetatable(self, catalogue):close_anchor()
  self:read()
  if #self.links > limit then return too_many(limit, "tags") end
  return self.links
end

return html
