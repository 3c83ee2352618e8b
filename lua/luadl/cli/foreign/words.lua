--- Options of aria2, curl, wget and others that luadl doesn't take, and what to write instead.
-- SPDX-License-Identifier: MIT
--
-- Rows of an advice and its words; "--bt-*" is any that begins so. What luadl takes as it is stands
-- in luadl.cli.foreign.taken.

return {
  -- Where files go
  { "leave it out, files keep their names; use -o FILE for another one", "-O --remote-name" },
  { "use -d DIR (--dir), or --glob for a pattern", "-P" },
  { "use -d DIR (--dir), which makes the folder", "--create-dirs" },
  { "use -o '{host}{path}/{name}{ext}' (--output)",
    "--force-directories --cut-dirs --protocol-directories" },
  { "use --exists replace", "--allow-overwrite" },
  { "use --no-resume", "--remove-on-error" },
  { "use --exists rename, which is the default, or --exists fail",
    "--auto-file-renaming --backups" },
  { "use --exists skip, as wget has it, or rename, as curl has it", "--no-clobber" },
  { "leave it out, names are always made safe", "--restrict-file-names --content-disposition-*" },
  { "leave it out, files keep the server's time",
    "-R --remote-time --no-use-server-timestamps" },

  -- Interrupted downloads
  { "leave it out, luadl continues by itself; --adopt continues what others left, too",
    "-c -C --continue --continue-at --always-resume --max-resume-failure-tries" },
  { "use --restart", "--remove-control-file" },
  { "use --conditional", "-z --time-cond --etag-compare --no-if-modified-since" },
  { "leave it out, --archive FILE keeps ETags", "--etag-save" },
  { "use --checksum ALGO:HEX", "--check-integrity --hash-check-only" },
  { "use --version; or --checksum ALGO:HEX, where the file is to be checked", "-V" },
  { "use --range A-B", "--start-pos" },
  { "use --range A-B; luadl doesn't follow links into pages", "-r" },

  -- Speed and patience
  { "use -n N (--connections)", "--split --max-connection-per-server --num-connections" },
  { "use -j N (--jobs)", "--max-threads" },
  { "use --limit-rate RATE", "--max-speed" },
  { "leave it out, luadl uploads nothing", "--max-upload-limit --max-overall-upload-limit" },
  { "use --timeout TIME", "-y -Y --speed-limit --speed-time --lowest-speed-limit" },
  { "use --timeout TIME; luadl sends no file but with --data @FILE", "-T --upload-file" },
  { "use --connect-timeout TIME", "--connect-time --dns-timeout" },
  { "use --retry N; --timeout TIME is the longest time without a byte", "-t" },
  { "use --retry N", "--tries --max-tries --max-file-not-found" },
  { "use --deadline TIME, or --retry N; luadl doesn't follow links into pages", "-m" },
  { "use --deadline TIME", "--stop --retry-max-time" },
  { "leave it out, pauses grow by themselves or are the server's (--max-retry-after TIME)",
    "--retry-delay --retry-wait --waitretry" },
  { "leave it out, what may pass is tried again (--retry N)",
    "--retry-all-errors --retry-on-http-error" },
  { "use --rate N/TIME, such as 30/min", "--wait --random-wait" },
  { "use --max-size SIZE, which is of each file", "-Q --quota" },

  -- Many files
  { "use --glob", "--parameterized-uri" },
  { "leave it out, luadl takes URLs as they are unless you say --glob", "-g --globoff" },
  { "leave it out, luadl downloads several files at once (-j N, --jobs)", "-Z --parallel" },
  { "use --journal FILE", "--save-session --joblog" },
  { "use --archive FILE", "--download-archive" },
  { "leave it out, all URLs may stand in one command; a list (-i) has options for each", "--next" },
  { "write whole URLs", "-B --base" },
  { "luadl doesn't follow links into pages; a program of `luadl run` can",
    "-p --recursive --mirror --level --accept --reject --accept-* --reject-* --no-parent"
    .. " --convert-links --page-requisites --adjust-extension --span-hosts --domains --list-only"
    .. " --exclude-* --include-directories --relative --backup-converted" },
  { "use -s FILE, a script with on_done or on_error", "--on-download-* --on-bt-*" },
  { "use -i -, which takes URLs as they come, and --json", "--enable-rpc --rpc-*" },
  { "leave it out: luadl has neither BitTorrent nor Metalink",
    "--bt-* --dht-* --enable-dht* --seed-* --peer-* --listen-port --follow-* --torrent-file"
    .. " --select-file --index-out --show-files --metalink-* --enable-peer-exchange --gid"
    .. " --pause*" },
  { "luadl has neither BitTorrent nor Metalink; use `luadl man` for the manual", "-M" },

  -- Requests
  { "use -A (--user-agent)", "--useragent" },
  { "use -A (--user-agent); a proxy's login stands in its URL: -x http://NAME:PASSWORD@HOST:PORT",
    "-U" },
  { "use -H 'Referer: ...' (--header)", "-e --referer" },
  { "use -H 'Cookie: ...' (--header), or --load-cookies FILE; in the background the shell's &",
    "-b" },
  { "use -H 'Cookie: ...' (--header), or --load-cookies FILE", "--cookie" },
  { "leave it out, luadl keeps no cookies unless told so (--cookies)",
    "--no-cookies --junk-session-cookies --keep-session-cookies" },
  { "use -H 'Cache-Control: no-cache' (--header)", "--no-cache --http-no-cache" },
  { "luadl saves files as they are sent", "--compressed --http-accept-gzip --compression" },
  { "use -u NAME:PASSWORD (--user), or -u @FILE",
    "--http-user --http-passwd --http-password --password --ftp-user --ftp-passwd --ftp-password"
    .. " --ask-password --use-askpass" },
  { "use --auth digest, or basic",
    "--anyauth --ntlm --negotiate --auth-no-challenge --http-auth-challenge" },
  { "use --trusted-host HOST", "--location-trusted" },
  { "use --data TEXT, or --data @FILE", "--data-raw --data-ascii --data-urlencode --post-data"
    .. " --body-data" },
  { "use --data @FILE", "--post-file --body-file" },
  { "luadl sends no multipart forms; use --data 'name=value&...', or `luadl run`",
    "-F --form --form-string" },
  { "write what is asked for behind the URL's question mark", "-G --get --url-query" },

  -- Network and TLS
  { "use -x URL (--proxy)", "--http-proxy --https-proxy --ftp-proxy --preproxy --proxy1.0" },
  { "use -x http://NAME:PASSWORD@HOST:PORT (--proxy)",
    "--proxy-user --proxy-password --proxy-passwd --all-proxy-* --http-proxy-* --https-proxy-*" },
  { "use -x socks5://HOST:PORT (--proxy), or socks4, socks4a, socks5h",
    "--socks4 --socks4a --socks5 --socks5-hostname" },
  { "use --resolve HOST:PORT:ADDRESS", "--connect-to" },
  { "use --interface NAME", "--bind-address --multiple-interface" },
  { "use -4 (--ipv4), or -6 (--ipv6)", "--prefer-family --disable-ipv6" },
  { "use -k (--insecure)", "--check-certificate --proxy-insecure" },
  { "use --cert FILE", "-E --client-cert" },
  { "use --key-password @FILE", "--pass" },
  { "use --tls-min VERSION", "--secure-protocol --min-tls-version --tls-max --tlsv1.0 --tlsv1.1" },
  { "use --http 1.1", "-0 --http1.0" },
  { "leave it out, luadl doesn't go from https to http unless you say --allow-downgrade",
    "--proto --proto-redir --https-only --proto-default" },

  -- What is shown
  { "leave it out, luadl fails on HTTP errors", "-f --fail --fail-with-body" },
  { "use --info", "-I --head --spider --dry-run --server-response --include --dump-header" },
  { "leave it out, luadl shows errors; use --info for what the server says", "-S --show-error" },
  { "leave it out, luadl shows its progress on a terminal (--progress WHAT)",
    "-# -a --progress-bar --enable-color --truncate-console-readout --human-readable" },
  { "use --progress bar", "--show-progress" },
  { "use --progress bar, or none", "--show-console-readout" },
  { "use --progress line", "--summary-interval" },
  { "use --report FILE", "--download-result" },
  { "use -v or --why, and 2>FILE of the shell", "--log --log-level --console-log-level"
    .. " --output-file --append-output --stderr --trace --trace-ascii --debug --rejected-log" },
  { "use -v or --why, and 2>FILE of the shell; luadl lists no folders", "-l" },
  { "use & of the shell", "--daemon --background" },
  { "use --info for what the server says; in the background the shell's &", "-D" },
  { "use -q (--quiet), and -o - for standard output", "--silent" },
  { "use --config FILE, which is Lua here", "-K --conf-path --execute" },
  { "leave it out, luadl sees to that by itself",
    "--file-allocation --disk-cache --async-dns* --enable-http-* --piece-length --use-head"
    .. " --stream-piece-selector --uri-selector --rlimit-nofile --deferred-input --reuse-uri"
    .. " --ftp-pasv --ftp-type --no-passive-ftp --realtime-chunk-checksum --tcp-nodelay"
    .. " --tcp-fastopen --keepalive-time --no-keepalive --no-http-keep-alive --path-as-is"
    .. " --no-buffer --no-iri --no-dns-cache --no-hsts --hsts --server-stat-*"
    .. " --auto-save-interval --save-session-interval --optimize-concurrent-downloads"
    .. " --force-save --no-file-allocation-limit --event-poll --socket-recv-buffer-size"
    .. " --no-netrc --no-sessionid --no-alpn --unlink --max-download-result"
    .. " --keep-unfinished-download-result --max-mmap-limit --stop-with-process" },
}
