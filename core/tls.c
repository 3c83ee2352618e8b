/* tls.c: whom a fetch trusts, and what it shows of itself, in TLS.
 * SPDX-License-Identifier: MIT
 */
#include "tls.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "login.h"

struct text {
    CURLoption option;
    const char *value;
};

/* NULL takes libcurl's own default away, too. */
static int set(CURL *easy, const struct text *list, size_t count)
{
    CURLcode code = CURLE_OK;
    for (size_t i = 0; code == CURLE_OK && i < count; i++)
        code = curl_easy_setopt(easy, list[i].option, list[i].value);
    return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -LDL_NO_MEMORY : -LDL_USAGE;
}

/* Where one of file and folder is named, the system's other one counts no more. */
static int trust(CURL *easy, const struct ldl_request *options)
{
    const struct text named[] = {
        {CURLOPT_CAINFO, options->cacert},
        {CURLOPT_CAPATH, options->capath},
        {CURLOPT_PROXY_CAINFO, options->cacert},
        {CURLOPT_PROXY_CAPATH, options->capath},
    };
    return options->cacert || options->capath ? set(easy, named, sizeof named / sizeof *named) : 0;
}

static bool is_pkcs12(const char *path)
{
    const char *suffix = strrchr(path, '.');
    return suffix && (strcasecmp(suffix, ".p12") == 0 || strcasecmp(suffix, ".pfx") == 0);
}

/* Without a password OpenSSL would ask for one on the terminal. */
static int show(CURL *easy, const struct ldl_request *options)
{
    const struct text shown[] = {
        {CURLOPT_SSLCERT, options->cert},
        {CURLOPT_SSLCERTTYPE, is_pkcs12(options->cert) ? "P12" : "PEM"},
        {CURLOPT_SSLKEY, options->key},
        {CURLOPT_KEYPASSWD, options->key_password ? options->key_password : ""},
    };
    return set(easy, shown, sizeof shown / sizeof *shown);
}

/* Where nothing shows a key libcurl would look for none. */
static int pin(struct fetch *fetch, const char *key)
{
    const char *scheme = fetch->url.scheme;
    if (!key)
        return 0;
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "ftp") != 0)
        return set(fetch->easy, &(struct text){CURLOPT_PINNEDPUBLICKEY, key}, 1);
    error_set(&fetch->error, LDL_TLS_VERIFY, fetch->url.text, "no TLS, so no key is shown here");
    return -LDL_TLS_VERIFY;
}

int tls_set(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    const struct ldl_request *options = fetch_options(fetch);
    long least = options->tls_min == 13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, least);
    int result = trust(easy, options);
    if (result == 0)
        result = pin(fetch, options->pinned_key);
    return result == 0 && options->cert && login_is_known(fetch) ? show(easy, options) : result;
}
