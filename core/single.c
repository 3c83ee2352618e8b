/* single.c: what is fetched without HTTP: one stream, from beginning to end, of which little is told.
 * SPDX-License-Identifier: MIT
 *
 * Nothing proves that two answers are of one version of a file. So there are no ranges, nothing is continued, and a stream
 * that breaks begins anew.
 */
#include "single.h"

#include <curl/curl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "date.h"
#include "login.h"

#define TIME_MOST 253402300799 /* the end of the year 9999 */

/* SSH */

static char *below_home(const char *name)
{
    const char *home = getenv("HOME");
    char *path = NULL;
    return home && asprintf(&path, "%s/.ssh/%s", home, name) >= 0 ? path : NULL;
}

/* libcurl's own choice looks into the current directory, too. */
static char *find_key(void)
{
    static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = below_home(names[i]);
        if (path && access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static int set_key(struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    char *found = options->key ? NULL : find_key();
    const char *key = options->key ? options->key : found;
    long ways = CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD | CURLSSH_AUTH_AGENT;
    CURLcode code = CURLE_OK;
    if (key) {
        code = curl_easy_setopt(fetch->easy, CURLOPT_SSH_PRIVATE_KEYFILE, key);
        ways |= CURLSSH_AUTH_PUBLICKEY;
    }
    curl_easy_setopt(fetch->easy, CURLOPT_KEYPASSWD,
                     options->key_password ? options->key_password : "");
    curl_easy_setopt(fetch->easy, CURLOPT_SSH_AUTH_TYPES, ways);
    free(found);
    return code == CURLE_OK ? 0 : -LDL_NO_MEMORY;
}

static int judge_host_key(CURL *easy, const struct curl_khkey *known,
                          const struct curl_khkey *found, enum curl_khmatch match, void *subject)
{
    struct fetch *fetch = subject;
    const char *file = fetch_options(fetch)->known_hosts;
    (void) easy, (void) known, (void) found;
    if (match == CURLKHMATCH_OK)
        return CURLKHSTAT_FINE;
    error_set(&fetch->error, LDL_TLS_VERIFY, fetch->url.text,
              match == CURLKHMATCH_MISMATCH ? "%s shows another host key than the one in %s"
                                            : "%s shows a host key that isn't in %s",
              fetch->url.host, file ? file : "~/.ssh/known_hosts");
    return CURLKHSTAT_REJECT;
}

/* Without a file libcurl accepts any host. */
static int set_known_hosts(struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    char *usual = options->known_hosts ? NULL : below_home("known_hosts");
    const char *file = options->known_hosts ? options->known_hosts : usual ? usual : "/dev/null";
    CURLcode code = CURLE_OK;
    if (!options->insecure) {
        code = curl_easy_setopt(fetch->easy, CURLOPT_SSH_KNOWNHOSTS, file);
        curl_easy_setopt(fetch->easy, CURLOPT_SSH_KEYFUNCTION, judge_host_key);
        curl_easy_setopt(fetch->easy, CURLOPT_SSH_KEYDATA, fetch);
    }
    free(usual);
    return code == CURLE_OK ? 0 : -LDL_NO_MEMORY;
}

/* As ssh does it: who isn't named is the one who asks. */
static int set_user(struct fetch *fetch)
{
    struct passwd entry, *found = NULL;
    char room[4096];
    if (login_user(fetch) || getpwuid_r(geteuid(), &entry, room, sizeof room, &found) != 0
        || !found)
        return 0;
    CURLcode code = curl_easy_setopt(fetch->easy, CURLOPT_USERNAME, found->pw_name);
    return code == CURLE_OK ? 0 : -LDL_NO_MEMORY;
}

static int set_ssh(struct fetch *fetch)
{
    int result = set_user(fetch);
    if (result == 0)
        result = set_key(fetch);
    return result == 0 ? set_known_hosts(fetch) : result;
}

/* All */

/* Called wherever libcurl waits, too. */
static int is_leaving(void *subject, curl_off_t total, curl_off_t now, curl_off_t to_send,
                      curl_off_t sent)
{
    const struct fetch *fetch = subject;
    (void) total, (void) now, (void) to_send, (void) sent;
    return fetch->leaving;
}

int single_set(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    fetch->leaving = false;
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, is_leaving);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, fetch->url.scheme);
    curl_easy_setopt(easy, CURLOPT_FILETIME, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L); /* else it is the proxy that speaks FTP */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);   /* see single_cut */
    if (strcmp(fetch->url.scheme, "ftps") == 0)          /* the commands are; the file, too */
        curl_easy_setopt(easy, CURLOPT_USE_SSL, (long) CURLUSESSL_ALL);
    return strcmp(fetch->url.scheme, "sftp") == 0 ? set_ssh(fetch) : 0;
}

struct told {
    struct ldl_header list[2]; /* the first member: a pointer to it is one to the whole */
    char length[24], time[DATE_SIZE];
};

static void look(struct fetch *fetch, curl_off_t *length, curl_off_t *modified)
{
    *length = fetch->local.length;
    *modified = fetch->local.modified;
    if (fetch->url.local)
        return;
    curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, length);
    curl_easy_getinfo(fetch->easy, CURLINFO_FILETIME_T, modified);
}

struct ldl_header *single_head(struct fetch *fetch, size_t *count)
{
    struct told *told = calloc(1, sizeof *told);
    curl_off_t length = -1, modified = -1;
    *count = 0;
    if (!told)
        return NULL;
    look(fetch, &length, &modified);
    if (length >= 0) {
        snprintf(told->length, sizeof told->length, "%lld", (long long) length);
        told->list[(*count)++] = (struct ldl_header){"Content-Length", told->length};
    }
    if (modified >= 0 && modified <= TIME_MOST) {
        date_format((int64_t) modified, told->time);
        told->list[(*count)++] = (struct ldl_header){"Last-Modified", told->time};
    }
    return (struct ldl_header *) told;
}

void single_cut(struct fetch *fetch)
{
    curl_socket_t socket = fetch->socket;
    if (fetch->url.web)
        return;
    fetch->leaving = true;
    if (socket == -1)
        curl_easy_getinfo(fetch->easy, CURLINFO_ACTIVESOCKET, &socket);
    if (socket != CURL_SOCKET_BAD)
        shutdown(socket, SHUT_RDWR);
}
