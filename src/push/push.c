/* Samples -> spans -> profiles -> a server. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "push/push.h"
#include "push/spans.h"

enum { KEEP_BYTES = 16 << 20 };
#define PATIENCE_NS (GS_NS_PER_S * 9 / 2) /* of the 5 s that the end may take */

static const struct gs_push_protocol *const protocols[] = {&gs_push_pyroscope, &gs_push_otlp, &gs_push_parca};

struct gs_push {
    struct gs_spans *spans;
    struct gs_sender *sender;
    struct gs_spool *spool;
    char *server;
};

static enum gs_status no_url(const char *url, struct gs_err *err)
{
    gs_fail(err, GS_USAGE, "cannot push to '%.100s': it is no URL of a server of profiles", url);
    gs_err_todo(err, "Write pyroscope+http://HOST:4040, otlp+http://HOST:4318 or parca+http://HOST:7070, or https");
    return GS_USAGE;
}

enum gs_status gs_push_url(const char *url, const struct gs_push_protocol **protocol, char **server, struct gs_err *err)
{
    const char *rest = NULL;
    *server = NULL;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols && !rest; i++) {
        size_t len = strlen(protocols[i]->name);
        if (strncmp(url, protocols[i]->name, len) == 0 && url[len] == '+') {
            *protocol = protocols[i];
            rest = url + len + 1;
        }
    }
    const char *slashes = rest ? strstr(rest, "://") : NULL, *host = slashes ? slashes + 3 : NULL;
    if (!host || (strncmp(rest, "http:", 5) != 0 && strncmp(rest, "https:", 6) != 0) || strchr("/:?#", *host) ||
        strpbrk(host, "?#"))
        return no_url(url, err);
    for (const char *at = host; *at; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return no_url(url, err);
    }
    if (strchr(host, '@')) {
        gs_fail(err, GS_USAGE, "cannot push to a URL with a password: everybody here can read command lines");
        gs_err_todo(err, "Set GILSPY_PUSH_USER and GILSPY_PUSH_PASSWORD_FILE, or GILSPY_PUSH_TOKEN_FILE");
        return GS_USAGE;
    }
    size_t len = strlen(rest);
    while (rest[len - 1] == '/')
        len--;
    *server = strndup(rest, len);
    return *server ? GS_OK : gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
}

static void take(void *context, struct gs_push_profile *profile)
{
    gs_sender_take(((struct gs_push *)context)->sender, profile);
}

enum gs_status gs_push_open(struct gs_push **out, const struct gs_push_options *options, struct gs_sink *to,
                            struct gs_err *err)
{
    const struct gs_push_protocol *protocol;
    struct gs_push *push = calloc(1, sizeof *push);
    *out = push;
    if (!push)
        return gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    enum gs_status status = gs_push_url(options->url, &protocol, &push->server, err);
    if (status)
        return status;
    if (options->spool && (status = gs_spool_open(&push->spool, options->spool, options->spool_bytes, err)))
        return status;
    const struct gs_sender_options sending = {.protocol = protocol,
                                              .server = push->server,
                                              .keep_bytes = KEEP_BYTES,
                                              .spool = push->spool,
                                              .remarks = options->remarks};
    const struct gs_spans_options spans = {.every_ns = options->every_us * 1000,
                                           .labels = options->labels,
                                           .label_count = options->label_count,
                                           .ahead_ns = gs_clock_ahead_ns,
                                           .take = take,
                                           .context = push};
    status = gs_sender_open(&push->sender, &sending, err);
    if (!status && gs_spans_new(&push->spans, &spans, to))
        status = gs_fail(err, GS_NO_MEMORY, "cannot push: out of memory");
    return status;
}

struct gs_sink *gs_push_sink(struct gs_push *push)
{
    return gs_spans_sink(push->spans);
}

enum gs_status gs_push_gone(struct gs_push *push, pid_t pid)
{
    return gs_spans_gone(push->spans, pid);
}

void gs_push_sum(struct gs_push *push, struct gs_sent *sent)
{
    gs_sender_sum(push->sender, sent);
}

enum gs_status gs_push_finish(struct gs_push *push, uint64_t since_ns, struct gs_sent *sent, struct gs_err *err)
{
    *sent = (struct gs_sent){0};
    if (push->sender)
        gs_sender_finish(push->sender, since_ns + PATIENCE_NS, sent);
    if (sent->lost == 0)
        return GS_OK;
    return gs_fail(err, GS_OUTPUT, "%llu of %llu profiles, of %.1f s, did not reach %.100s: %.200s",
                   (unsigned long long)sent->lost, (unsigned long long)(sent->sent + sent->lost),
                   (double)sent->lost_ns / 1e9, push->server, sent->why);
}

void gs_push_close(struct gs_push *push)
{
    if (!push)
        return;
    if (!gs_sender_close(push->sender))
        return;
    gs_spool_close(push->spool);
    gs_spans_free(push->spans);
    free(push->server);
    free(push);
}
