/* libcurl, loaded by hand. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>

#include "push/http.h"
#include "push/library.h"

enum { CONNECT_S = 5, WHOLE_S = 30 };

/* What is called of it. The macros of curl.h would call by name. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#define FUNCTIONS(F)                                                                                                   \
    F(curl_global_init)                                                                                                \
    F(curl_easy_init)                                                                                                  \
    F(curl_easy_setopt)                                                                                                \
    F(curl_easy_getinfo)                                                                                               \
    F(curl_easy_perform)                                                                                               \
    F(curl_easy_reset)                                                                                                 \
    F(curl_easy_cleanup)                                                                                               \
    F(curl_easy_strerror)                                                                                              \
    F(curl_slist_append)                                                                                               \
    F(curl_slist_free_all)

struct gs_http {
#define FUNCTION(name) __typeof__(&(name)) name;
    FUNCTIONS(FUNCTION)
#undef FUNCTION
    CURL *curl;
    const atomic_bool *give_up;
};

/* Any of the flavours that distributions have. */
static bool load(struct gs_http *http)
{
#define FUNCTION(name) {#name, offsetof(struct gs_http, name)},
    static const struct gs_library_function functions[] = {FUNCTIONS(FUNCTION){NULL, 0}};
#undef FUNCTION
    return gs_library_load(http, (const char *const[]){"libcurl.so.4", "libcurl-gnutls.so.4", NULL}, functions);
}

enum gs_status gs_http_open(struct gs_http **out, const atomic_bool *give_up, struct gs_err *err)
{
    struct gs_http *http = calloc(1, sizeof *http);
    *out = http;
    if (!http)
        return gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    if (getauxval(AT_SECURE)) {
        gs_fail(err, GS_FAILED,
                "cannot push: gilspy has capabilities of its own, and whoever starts it would choose "
                "the server, and files to send to it");
        gs_err_todo(err, "Leave out --push, or run a gilspy without capabilities as root");
        return GS_FAILED;
    }
    http->give_up = give_up;
    if (load(http) && http->curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (http->curl = http->curl_easy_init()))
        return GS_OK;
    gs_fail(err, GS_FAILED, "cannot push: there is no libcurl here that can be used");
    gs_err_todo(err, "Install it (Debian: libcurl4), or record with -o and without --push");
    return GS_FAILED;
}

void gs_http_close(struct gs_http *http)
{
    if (!http)
        return;
    if (http->curl)
        http->curl_easy_cleanup(http->curl);
    free(http);
}

static size_t keep_body(char *bytes, size_t size, size_t count, void *context)
{
    struct gs_http_answer *answer = context;
    size_t len = size * count, room = sizeof answer->body - 1 - answer->len;
    size_t kept = len < room ? len : room;
    memcpy(answer->body + answer->len, bytes, kept);
    answer->len += kept;
    return len;
}

static size_t keep_head(char *line, size_t size, size_t count, void *context)
{
    static const char name[] = "grpc-status:";
    struct gs_http_answer *answer = context;
    size_t len = size * count, at = sizeof name - 1, used = 0;
    if (len > at && strncasecmp(line, name, at) == 0) {
        for (; at < len && used < sizeof answer->grpc_status - 1; at++) {
            if (isdigit((unsigned char)line[at]))
                answer->grpc_status[used++] = line[at];
        }
        answer->grpc_status[used] = '\0';
    }
    return len;
}

static int look(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct gs_http *http = context;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(http->give_up);
}

/* NULL: out of memory. */
static struct curl_slist *headers_of(struct gs_http *http, const struct gs_http_request *request)
{
    char line[128];
    const char *const ours[] = {"Expect:", request->gzip ? "Content-Encoding: gzip" : "Accept:", line};
    struct curl_slist *list = NULL, *longer;
    snprintf(line, sizeof line, "Content-Type: %s", request->content_type);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (!(longer = http->curl_slist_append(list, ours[i])))
            goto failed;
        list = longer;
    }
    for (const char *const *header = request->headers; header && *header; header++) {
        if (!(longer = http->curl_slist_append(list, *header)))
            goto failed;
        list = longer;
    }
    return list;
failed:
    http->curl_slist_free_all(list);
    return NULL;
}

static void set_options(struct gs_http *http, const struct gs_http_request *request, struct curl_slist *headers,
                        struct gs_http_answer *answer)
{
    CURL *curl = http->curl;
    http->curl_easy_reset(curl);
    http->curl_easy_setopt(curl, CURLOPT_URL, request->url);
    http->curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    http->curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    http->curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_S);
    http->curl_easy_setopt(curl, CURLOPT_USERAGENT, "gilspy/" GILSPY_VERSION);
    http->curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    http->curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    http->curl_easy_setopt(curl, CURLOPT_POST, 1L);
    http->curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    http->curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
    http->curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    http->curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    http->curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_head);
    http->curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    http->curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    http->curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    http->curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
    if (request->ca_file)
        http->curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
}

void gs_http_post(struct gs_http *http, const struct gs_http_request *request, struct gs_http_answer *answer)
{
    char why[CURL_ERROR_SIZE] = "";
    *answer = (struct gs_http_answer){0};
    struct curl_slist *headers = headers_of(http, request);
    if (!headers) {
        snprintf(answer->why, sizeof answer->why, "out of memory");
        return;
    }
    set_options(http, request, headers, answer);
    http->curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, why);
    CURLcode code = http->curl_easy_perform(http->curl);
    if (code == CURLE_OK) {
        curl_off_t after = 0;
        http->curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
        http->curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &after);
        answer->retry_after_s = after > 0 ? (uint64_t)after : 0;
    } else {
        snprintf(answer->why, sizeof answer->why, "%s", why[0] ? why : http->curl_easy_strerror(code));
    }
    http->curl_slist_free_all(headers);
}
