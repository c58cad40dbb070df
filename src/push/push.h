/* What is sampled goes to a server of profiles, span after span. */
#ifndef GS_PUSH_PUSH_H
#define GS_PUSH_PUSH_H

#include "gilspy/sample.h"
#include "push/sender.h"

struct gs_push;

struct gs_push_options {
    const char *url;   /* as gs_push_url takes it */
    uint64_t every_us; /* length of a span */
    const char *spool; /* folder of profiles that wait for the server; NULL: they wait in memory */
    uint64_t spool_bytes;
    const struct gs_push_label *labels;
    size_t label_count;
    const struct gs_remarks *remarks; /* told from another thread too; NULL: nobody listens */
};

/* Divides "pyroscope+http://host:4040" into the protocol and the server's URL, malloc'ed and without a slash at its
 * end. GS_USAGE, err filled: it is no such URL, or has a password in it. */
enum gs_status gs_push_url(const char *url, const struct gs_push_protocol **protocol, char **server,
                           struct gs_err *err) GS_MUST_CHECK;

/* to: gets all samples, too; NULL: nobody does. Status as of gs_push_url and gs_sender_open. Close it in any case. */
enum gs_status gs_push_open(struct gs_push **push, const struct gs_push_options *options, struct gs_sink *to,
                            struct gs_err *err) GS_MUST_CHECK;
struct gs_sink *gs_push_sink(struct gs_push *push);
/* As gs_spans_gone. */
enum gs_status gs_push_gone(struct gs_push *push, pid_t pid) GS_MUST_CHECK;
/* What became of the profiles so far. */
void gs_push_sum(struct gs_push *push, struct gs_sent *sent);
/* Behind the sink's end, which was asked for at since_ns: sends what is left, for less than 5 s after that. GS_OUTPUT,
 * err filled: not everything was taken. */
enum gs_status gs_push_finish(struct gs_push *push, uint64_t since_ns, struct gs_sent *sent,
                              struct gs_err *err) GS_MUST_CHECK;
void gs_push_close(struct gs_push *push);

#endif
