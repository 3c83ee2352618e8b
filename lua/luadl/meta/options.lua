--- The options of sessions, downloads and fetches, for editors; never loaded.
-- SPDX-License-Identifier: MIT
--
-- Bytes and seconds are numbers, or text such as "16M" and "1m30s".

---@meta luadl.meta.options

--- Bytes per second: a number, "2M", or what holds at a time of day: "09:00-18:00=2M,10M",
--- "mon-fri 22:00-06:00=none"; several with a comma between or in a list. 0 and "none": no limit.
---@alias luadl.options.rate number|string|(number|string)[]

--- What a session, each of its downloads and each of its fetches may say.
---@class luadl.options.shared
---@field request luadl.attempt.changes|luadl.policy.request? asked before each attempt
---@field retry integer|luadl.policy.retry? further tries without progress, default 5
---@field headers luadl.options.headers? sent with each request
---@field user_agent string? what luadl calls itself; default luadl and its version
---@field host_headers luadl.options.host_headers? sent to these hosts and to no others
---@field user string? "name:password"; kept from other hosts on redirects
---@field auth "basic"|"digest"? how to log in, default basic
---@field bearer string? a token to log in with; kept from other hosts on redirects
---@field netrc boolean? log in as ~/.netrc says, which nobody else may read; default false
---@field netrc_file string? the same with another file
---@field proxy string? its URL; default what the environment says
---@field proxy_auth "basic"|"digest"? how to log in to it, default basic
---@field no_proxy string? hosts that are asked directly: "a.org,b.org", "*" for all
---@field addresses string[]? "host:port:address": where a host is, in the place of what DNS says
---@field doh string? an https URL that is asked for addresses
---@field interface string? its name, or the address to send from
---@field ip integer? 4 or 6: connects over no other
---@field http "1.1"|"2"? 2: many small files share a connection; default 1.1
---@field insecure boolean? neither certificates nor host keys are verified
---@field cacert string? a file: certificates to trust, and no others
---@field capath string? a folder: certificates to trust, and no others
---@field cert string? a file: the client certificate to show (PEM, or .p12)
---@field key string? a file: its key, when it is elsewhere
---@field key_password string? of that key
---@field pinned_key string? "sha256//BASE64" or a file: the public key that the servers have
---@field tls_min "1.2"|"1.3"? the least version of TLS, default 1.2
---@field max_redirects integer? redirects to follow, default 10
---@field allow_downgrade boolean? redirects from https to http are followed
---@field trusted_hosts string[]? hosts that get the headers, too, when a redirect leads there
---@field max_size integer|string? bytes at most: larger is refused; of a fetch default 16M
---@field file_limit_rate luadl.options.rate? bytes per second of each file and each answer
---@field max_retry_after number|string? longest wait that a server may ask for, default 5m
---@field timeout number|string? longest time without a byte: first_byte and stall_timeout at once
---@field first_byte_timeout number|string? longest time to the first byte, default 30s
---@field stall_timeout number|string? longest time from a byte to the next one, default 20s
---@field connect_timeout number|string? longest time to connect, default 10s
---@field deadline number|string? longest time for all of it
---@field on_trace luadl.observer.trace? sees each step and each decision
---@field on_retry luadl.observer.retry? is told before another try

--- What a session and each of its downloads may say.
---@class luadl.options.files
---@field ahead integer|string? of a stream: bytes at most that wait for the reader, default 64M
---@field dir string? the folder for the files, default .
---@field template string? names the file below `dir` where `output` doesn't:
--- "{host}/{date:%Y-%m}/{name}{ext}"
---@field make_dirs boolean? `dir`, and the folder of `output`, are made where they are missing
---@field category string[]? folders by rule, where neither `output` nor `template` says where:
--- "video=*.mp4,video/*,@*.example.org"
---@field conditional boolean? what is there is replaced if, and only if, the server says it has
--- changed, whatever `exists` says
---@field timestamps boolean? the same if what the server has is newer or of another size
---@field exists "fail"|"rename"|"replace"|"skip"|luadl.policy.exists? when the name is taken;
--- without it "rename", with `output` "fail"
---@field resume string|boolean? false: neither continue nor keep a record, default true; a text:
--- the .part to continue
---@field restart boolean? what an earlier run left is dropped
---@field resume_check "strict"|"all"? "strict": continue only what validators prove; "all": read
--- all of it again
---@field changed "restart"|"fail"|luadl.policy.changed? when the file has changed on the server,
--- restart when left out, fail where `url` takes the place of the URL of the .part of `resume`
---@field adopt boolean? what another program left is continued, as far as it can be proven
---@field renew string|luadl.policy.renew? makes a fresh link when one has run out
---@field name string|luadl.policy.name? names the file; what it says is made safe
---@field resolve boolean|string|table|luadl.policy.resolve? which requests a URL stands for; false: itself
---@field accept luadl.policy.accepted|luadl.policy.accept? looks at the head: go on, refuse, choose connections
---@field mirror string[]|luadl.policy.mirror? other URLs of the same file
---@field verify string|luadl.policy.verify? looks at the complete file before it gets its name; text: as `checksum`
---@field trust_redirect_name boolean? the URL behind a redirect may name the file
---@field connections integer? for one file, default 8
---@field min_split integer|string? bytes: smallest piece with a connection of its own, default 1M
---@field known_hosts string? a file: the hosts that sftp trusts, default ~/.ssh/known_hosts
---@field on_start luadl.observer.start? is told before the first request
---@field on_progress luadl.observer.progress? is told five times a second
---@field on_done luadl.observer.done? is told of the complete file
---@field on_error luadl.observer.error? is told of the failure

--- What is for one request alone.
---@class luadl.options.request
---@field url string? what is asked for
---@field context luadl.context? ends it, and brings its values to the policies
---@field method string? default GET, or POST where there is something to send; of a download others
--- than GET bring a file in one piece, which isn't continued
---@field body string? what is sent
---@field range luadl.range|string? only these bytes

--- For some hosts, in the place of the session's.
---@class luadl.options.host: luadl.options.shared, luadl.options.files
---@field host_limit_rate luadl.options.rate? bytes per second, of one host that stands there by name

--- Of a session: what its downloads and fetches don't say themselves.
---@class luadl.options.session: luadl.options.shared, luadl.options.files
---@field policies luadl.policy[]? scripts: the first with an opinion decides
---@field limit_rate luadl.options.rate? bytes per second of all together
---@field host_limit_rate luadl.options.rate? bytes per second of each host
---@field rate string|number? how many downloads and fetches begin in a time: "30/min"
---@field host table<string, luadl.options.host>? other options for some hosts, by "example.org" or
--- "*.example.org"; the nearer pattern counts
---@field loops integer? network threads; default one for each processor, 4 at most
---@field cookies boolean? cookies are kept, and sent with later requests; default false
---@field load_cookies string? a cookies.txt to begin with
---@field save_cookies string? a file that they are written to at the end, for its owner alone

--- Of a download.
---@class luadl.options.download: luadl.options.request, luadl.options.shared, luadl.options.files
---@field output string? the file to write, below `dir`
---@field position integer? which of several downloads this is, for `template`
---@field known_etag string? of what is there, for `conditional`
---@field labels luadl.labels? for policies and observers
---@field checksum string? "sha256:HEX" or "sha512-BASE64" (SRI): the file must have this digest
---@field expect luadl.options.expect? what the server must say of the file
---@field filter luadl.codec.filter|(fun(bytes: string?): string?, any)? makes of the bytes, which
--- come in order, those of the file; a function is called with nil at the end. Such a download can't
--- be continued

--- Of a stream: those of a download that aren't of files on the disk.
---@alias luadl.options.stream luadl.options.download

--- Of a batch.
---@class luadl.options.batch
---@field jobs integer? files at once, default 4
---@field per_host integer? files at once from one host
---@field fail_fast boolean? the first failure ends all; default false
---@field archive string? a file: what it has was finished before and is skipped; what is finished
--- now is added
---@field journal string? a file that notes how far the batch is: the same batch goes on there
---@field shard string? "2/8": only the second of eight parts of what the sources bring
---@field on_item (fun(item: luadl.item, event: luadl.item.event))? is told what becomes of each

--- Of a fetch.
---@class luadl.options.fetch: luadl.options.request, luadl.options.shared
---@field json any a value that is sent as JSON
---@field form table<string, string|number|boolean|table>? fields that are sent as of an HTML form
---@field query table<string, string|number|boolean|table>? appended to the URL
---@field cache luadl.cache? keeps answers with an ETag or a date, and asks whether they still hold
---@field check boolean? default false; true: an answer whose status isn't 2xx is nil and an error

--- Of a walk over pages.
---@class luadl.options.pages: luadl.options.fetch
---@field max_pages integer? default 1000

--- What a server must say of a file; else it is refused.
---@class luadl.options.expect
---@field size integer|string? bytes
---@field content_type string? without parameters, such as "application/zip"

--- Header fields: by name, where a list gives a name several times; as pairs; or as whole lines.
---@alias luadl.options.headers
---| table<string, string|string[]>
---| { [1]: string, [2]: string }[]
---| string[]

--- Header fields by host, such as "example.org" or "*.example.org" (all below); or whole lines, with
--- the host before the name.
---@alias luadl.options.host_headers
---| table<string, luadl.options.headers>
---| string[]

--- What a fetch keeps answers in: a table, or an object such as a store.
---@alias luadl.cache table|luadl.cache.object

--- An object that keeps answers.
---@class luadl.cache.object
---@field get fun(self: luadl.cache.object, key: string): any
---@field set fun(self: luadl.cache.object, key: string, value: any): any

--- The first and the last byte, both included, counted from 0.
---@alias luadl.range { [1]: integer, [2]: integer? }

--- A caller's own words for a download.
---@alias luadl.labels table<string, string|number|boolean>
