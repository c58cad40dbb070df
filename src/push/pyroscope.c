/* Pyroscope: its PusherService, or the older /ingest, where that is not there. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "push/protocol.h"

static enum gs_status encode_push(const struct gs_push_profile *profile, struct gs_push_message *message)
{
    struct gs_push_pairs pairs;
    Gs__PushRaw raw = GS__PUSH_RAW__INIT, *raws = &raw;
    Gs__PyroscopeSeries series = GS__PYROSCOPE_SERIES__INIT, *list = &series;
    Gs__PyroscopePush push = GS__PYROSCOPE_PUSH__INIT;
    bool paired = gs_push_pairs_init(&pairs, profile);
    raw.raw_profile = (ProtobufCBinaryData){profile->len, profile->pprof};
    series.n_labels = pairs.count;
    series.labels = pairs.labels;
    series.n_samples = 1;
    series.samples = &raws;
    push.n_series = 1;
    push.series = &list;
    message->content_type = "application/proto";
    message->path = strdup("/push.v1.PusherService/Push");
    message->body = paired ? malloc(gs__pyroscope_push__get_packed_size(&push)) : NULL;
    if (message->body)
        message->len = gs__pyroscope_push__pack(&push, message->body);
    gs_push_pairs_fini(&pairs);
    return message->path && message->body ? GS_OK : GS_NO_MEMORY;
}

/* Of name{label=value,...}, where the characters that divide it cannot be quoted. */
static void put_query(FILE *out, const char *text, bool whole)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool divides = !whole && strchr("{}=,\"", *at);
        if (divides)
            fputc('_', out);
        else if (*at < 0x80 && (isalnum(*at) || strchr("-._", *at)))
            fputc(*at, out);
        else
            fprintf(out, "%%%02X", *at);
    }
}

/* Times are whole seconds there. Those of the profile are exact. */
static enum gs_status encode_ingest(const struct gs_push_profile *profile, struct gs_push_message *message)
{
    size_t len;
    struct gs_push_pairs pairs;
    FILE *out = gs_push_pairs_init(&pairs, profile) ? open_memstream(&message->path, &len) : NULL;
    int64_t until_ns = profile->begin_ns + (int64_t)profile->duration_ns;
    if (!out) {
        gs_push_pairs_fini(&pairs);
        return GS_NO_MEMORY;
    }
    fputs("/ingest?name=", out);
    put_query(out, profile->service, false);
    for (size_t i = 2; i < pairs.count; i++) {
        put_query(out, i > 2 ? "," : "{", true);
        put_query(out, pairs.labels[i]->name, false);
        put_query(out, "=", true);
        put_query(out, pairs.labels[i]->value, false);
    }
    put_query(out, "}", true);
    fprintf(out, "&format=pprof&spyName=gilspy&from=%" PRId64 "&until=%" PRId64,
            profile->begin_ns / (int64_t)GS_NS_PER_S, until_ns / (int64_t)GS_NS_PER_S);
    gs_push_pairs_fini(&pairs);
    message->content_type = "application/octet-stream";
    message->body = fclose(out) == 0 ? malloc(profile->len) : NULL;
    message->len = profile->len;
    if (message->body)
        memcpy(message->body, profile->pprof, profile->len);
    return message->body ? GS_OK : GS_NO_MEMORY;
}

static const struct gs_push_protocol ingest = {
    .name = "pyroscope /ingest",
    .encode = encode_ingest,
    .wanted = "Pyroscope",
};

const struct gs_push_protocol gs_push_pyroscope = {
    .name = "pyroscope",
    .encode = encode_push,
    .otherwise = &ingest,
    .wanted = "Pyroscope 1.0 or later",
};
