/* Requests to a server, by libcurl, which is loaded when there is something to push and not before: with all that it
 * needs it takes five times as long to load as gilspy itself. */
#ifndef GS_PUSH_HTTP_H
#define GS_PUSH_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gilspy/status.h"

struct gs_http;

struct gs_http_request {
    const char *url, *content_type;
    const uint8_t *body;
    size_t len;
    bool gzip;                  /* the body is */
    const char *const *headers; /* "Name: value", NULL at the end */
    const char *ca_file;        /* whom to trust, NULL: whom this machine trusts */
};

enum { GS_HTTP_ANSWER = 4096, GS_HTTP_WHY = 256 };

struct gs_http_answer {
    long status; /* 0: there was none, and `why` tells */
    uint64_t retry_after_s;
    uint8_t body[GS_HTTP_ANSWER]; /* the first of it, with a NUL behind it */
    size_t len;
    char grpc_status[16]; /* of the head, "" where there is none */
    char why[GS_HTTP_WHY];
};

/* GS_FAILED, err filled: this gilspy cannot, or there is no libcurl. give_up: ends a request that is under way. */
enum gs_status gs_http_open(struct gs_http **http, const atomic_bool *give_up, struct gs_err *err) GS_MUST_CHECK;
void gs_http_close(struct gs_http *http);
/* Redirects are not followed; the server's certificate is verified. */
void gs_http_post(struct gs_http *http, const struct gs_http_request *request, struct gs_http_answer *answer);

#endif
