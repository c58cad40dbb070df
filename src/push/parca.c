/* Parca: WriteRaw of its ProfileStoreService by gRPC-Web, since its REST paths answer 200 to anything. */
#include <stdlib.h>
#include <string.h>

#include "push/protocol.h"

/* A message has this head: flags, and its length (gRPC over HTTP/2, "Length-Prefixed-Message"); the trailers come as
 * one with a flag of their own (gRPC-Web, "Protocol differences"). */
enum { FRAME_HEAD = 5, FRAME_TRAILERS = 0x80 };

static enum gs_status encode(const struct gs_push_profile *profile, struct gs_push_message *message)
{
    struct gs_push_pairs pairs;
    Gs__PushRaw raw = GS__PUSH_RAW__INIT, *raws = &raw;
    Gs__ParcaLabels labels = GS__PARCA_LABELS__INIT;
    Gs__ParcaSeries series = GS__PARCA_SERIES__INIT, *list = &series;
    Gs__ParcaWrite write = GS__PARCA_WRITE__INIT;
    bool paired = gs_push_pairs_init(&pairs, profile);
    raw.raw_profile = (ProtobufCBinaryData){profile->len, profile->pprof};
    labels.n_labels = pairs.count;
    labels.labels = pairs.labels;
    series.labels = &labels;
    series.n_samples = 1;
    series.samples = &raws;
    write.n_series = 1;
    write.series = &list;
    write.normalized = true;
    message->content_type = "application/grpc-web+proto";
    message->header = "X-Grpc-Web: 1";
    message->path = strdup("/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw");
    size_t len = paired ? gs__parca_write__get_packed_size(&write) : UINT32_MAX;
    message->body = len < UINT32_MAX ? malloc(FRAME_HEAD + len) : NULL;
    if (message->body) {
        message->body[0] = 0;
        for (int i = 1; i < FRAME_HEAD; i++)
            message->body[i] = (uint8_t)(len >> (8 * (FRAME_HEAD - 1 - i)));
        message->len = FRAME_HEAD + gs__parca_write__pack(&write, message->body + FRAME_HEAD);
    }
    gs_push_pairs_fini(&pairs);
    return message->path && message->body ? GS_OK : GS_NO_MEMORY;
}

/* The trailers of an answer, with a NUL behind them; NULL: it has none. */
static const char *trailers(const struct gs_http_answer *answer)
{
    const uint8_t *at = answer->body, *end = answer->body + answer->len;
    while ((size_t)(end - at) > FRAME_HEAD) {
        size_t len = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
        if (at[0] & FRAME_TRAILERS)
            return (const char *)at + FRAME_HEAD;
        if (len > (size_t)(end - at) - FRAME_HEAD)
            return NULL;
        at += FRAME_HEAD + len;
    }
    return NULL;
}

static bool taken(const struct gs_http_answer *answer, char why[GS_HTTP_WHY])
{
    static const char key[] = "grpc-status:";
    const char *found = trailers(answer), *message;
    const char *status = answer->grpc_status;
    if (found && (status = strcasestr(found, key)))
        status += strlen(key);
    if (!status || !*status) {
        snprintf(why, GS_HTTP_WHY, "what answers is no Parca");
        return false;
    }
    if (strtol(status, NULL, 10) == 0)
        return true;
    message = found ? strcasestr(found, "grpc-message:") : NULL;
    snprintf(why, GS_HTTP_WHY, "gRPC status %ld%s%.*s", strtol(status, NULL, 10), message ? ": " : "",
             message ? (int)strcspn(message + 13, "\r\n") : 0, message ? message + 13 : "");
    return false;
}

const struct gs_push_protocol gs_push_parca = {
    .name = "parca",
    .encode = encode,
    .taken = taken,
    .wanted = "Parca",
};
