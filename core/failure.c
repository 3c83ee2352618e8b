/* failure.c: what libcurl's failures mean.
 * SPDX-License-Identifier: MIT */
#include "failure.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "accept.h"

static const struct {
    int code, kind;
} kinds[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, LDL_BAD_URL},
    {CURLE_URL_MALFORMAT, LDL_BAD_URL},
    {CURLE_COULDNT_RESOLVE_PROXY, LDL_DNS},
    {CURLE_COULDNT_RESOLVE_HOST, LDL_DNS},
    {CURLE_COULDNT_CONNECT, LDL_CONNECT},
    {CURLE_WEIRD_SERVER_REPLY, LDL_PROTOCOL},
    {CURLE_PARTIAL_FILE, LDL_SHORT_BODY},
    {CURLE_OUT_OF_MEMORY, LDL_NO_MEMORY},
    {CURLE_OPERATION_TIMEDOUT, LDL_TIMEOUT},
    {CURLE_SSL_CONNECT_ERROR, LDL_TLS},
    {CURLE_GOT_NOTHING, LDL_PROTOCOL},
    {CURLE_SEND_ERROR, LDL_CONNECT},
    {CURLE_RECV_ERROR, LDL_CONNECT},
    {CURLE_SSL_CERTPROBLEM, LDL_TLS_VERIFY}, /* our own; asked again it is the same */
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, LDL_TLS_VERIFY},
    {CURLE_INTERFACE_FAILED, LDL_CONNECT},
    {CURLE_SSL_CIPHER, LDL_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, LDL_TLS_VERIFY},
    {CURLE_BAD_CONTENT_ENCODING, LDL_ENCODING},
    {CURLE_SSL_CACERT_BADFILE, LDL_TLS_VERIFY},
    {CURLE_PROXY, LDL_CONNECT},
    {CURLE_SSL_ISSUER_ERROR, LDL_TLS_VERIFY},
    {CURLE_USE_SSL_FAILED, LDL_TLS_VERIFY}, /* it would send the file in the clear */
    {CURLE_LOGIN_DENIED, LDL_AUTH},
    {CURLE_REMOTE_ACCESS_DENIED, LDL_AUTH},
    {CURLE_FTP_COULDNT_RETR_FILE, LDL_NOT_FOUND},
    {CURLE_REMOTE_FILE_NOT_FOUND, LDL_NOT_FOUND},
    {CURLE_FTP_CANT_GET_HOST, LDL_CONNECT},
    {CURLE_SSH, LDL_CONNECT},
};

/* An FTP reply (RFC 959, 4.2): 4yz is about this moment, 530 and 532 about the login; 550 is any other reason. */
static int kind_of_reply(struct fetch *fetch, int kind)
{
    long reply = 0;
    bool judged = kind == LDL_AUTH || kind == LDL_NOT_FOUND;
    if (strncmp(fetch->url.scheme, "ftp", 3) != 0 || !judged)
        return kind;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &reply);
    return reply >= 400 && reply < 500    ? LDL_RATE_LIMITED
           : reply == 530 || reply == 532 ? LDL_AUTH
           : reply == 550                 ? LDL_NOT_FOUND
                                          : kind;
}

static int kind_of(struct fetch *fetch, int code)
{
    if (fetch->socket_errno == EMFILE || fetch->socket_errno == ENFILE)
        return LDL_FD_LIMIT;
    if (fetch->state == FETCH_BODY && (code == CURLE_RECV_ERROR || code == CURLE_SSH))
        return LDL_SHORT_BODY;
    if (fetch->state == FETCH_BODY && code == CURLE_OPERATION_TIMEDOUT)
        return LDL_STALLED;
    if (code == CURLE_INTERFACE_FAILED && fetch->purpose != FETCH_RANGE)
        return LDL_USAGE; /* one that was there before may come back */
    if (code == CURLE_UNSUPPORTED_PROTOCOL && fetch->url.web)
        return LDL_PROTOCOL; /* the server speaks no HTTP/1 (H47) */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].code == code)
            return kind_of_reply(fetch, kinds[i].kind);
    return LDL_PROTOCOL;
}

/* libcurl may call itself out of memory when a header line is over 100 KB (H43). */
static bool is_endless_line(struct fetch *fetch, int code)
{
    return code == CURLE_OUT_OF_MEMORY && fetch->state == FETCH_HEAD && fetch_connected(fetch);
}

/* The proxy that was to lead to the server wants another login: an HTTP one refused the tunnel, or it speaks SOCKS. */
static bool is_locked_out(struct fetch *fetch)
{
    long status = 0, refusal = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    curl_easy_getinfo(fetch->easy, CURLINFO_PROXY_ERROR, &refusal);
    return status == 401 || status == 407 || refusal == CURLPX_NO_AUTH
           || refusal == CURLPX_USER_REJECTED;
}

/* libcurl would show the whole URL of the proxy, with its login (S2). */
static bool is_bad_proxy(const char *text)
{
    return strncmp(text, "Unsupported proxy", strlen("Unsupported proxy")) == 0;
}

/* An SFTP server opens a folder as it does a file, and refuses to read it; what it says libcurl doesn't tell. */
static const char *text_of(struct fetch *fetch, int code)
{
    if (fetch->detail[0])
        return fetch->detail;
    if (code == CURLE_SSH && fetch_connected(fetch))
        return "nothing of it came; it may be a folder";
    return curl_easy_strerror((CURLcode) code);
}

void failure_set(struct fetch *fetch, int code)
{
    const char *text = text_of(fetch, code);
    int kind = kind_of(fetch, code);
    long errnum = 0;
    if (is_endless_line(fetch, code)) {
        accept_refuse_header(fetch);
        return;
    }
    if (kind == LDL_FD_LIMIT) /* libcurl says "Couldn't connect to server" */
        text = ldl_kind_text(kind);
    if (is_bad_proxy(text))
        error_set(&fetch->error, LDL_BAD_URL, fetch->url.text,
                  "not a usable proxy: it is [scheme://]host[:port]");
    else if (is_locked_out(fetch))
        error_set(&fetch->error, LDL_AUTH, fetch->url.text, "the proxy wants a login: %s", text);
    else
        error_set(&fetch->error, kind, fetch->url.text, "%s", text);
    curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &errnum);
    fetch->error.errnum = fetch->socket_errno ? fetch->socket_errno : (int) errnum;
    fetch->error.curl_code = code;
}
