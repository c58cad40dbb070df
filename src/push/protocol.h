/* How a kind of server is told of profiles: each is a file of its own and a row of the table in url.c. */
#ifndef GS_PUSH_PROTOCOL_H
#define GS_PUSH_PROTOCOL_H

#include "export/pprof/pprof.h"
#include "push/http.h"
#include "push/profile.h"

#include "push.pb-c.h"

/* A request but for the server. */
struct gs_push_message {
    char *path; /* malloc'ed, with its query */
    const char *content_type;
    uint8_t *body; /* malloc'ed */
    size_t len;
    bool gzip;
    const char *header; /* "Name: value" or NULL */
};

struct gs_push_protocol {
    const char *name; /* in the URL, before "+http" */
    /* GS_FAILED: the profile is not one; GS_NO_MEMORY. The message is freed in any case. */
    enum gs_status (*encode)(const struct gs_push_profile *profile, struct gs_push_message *message);
    /* Whether an answer of status 200 says that the profile was taken; else why not, in words. NULL: it does. */
    bool (*taken)(const struct gs_http_answer *answer, char why[GS_HTTP_WHY]);
    const struct gs_push_protocol *otherwise; /* for a server that does not know the path; NULL: there is none */
    const char *wanted;                       /* what such a server is not, in words */
};

extern const struct gs_push_protocol gs_push_pyroscope, gs_push_otlp, gs_push_parca;

void gs_push_message_free(struct gs_push_message *message);
/* The pprof of a profile, to be freed with gs__profile__free_unpacked. NULL: it is none, or out of memory. */
Gs__Profile *gs_push_unpack(const struct gs_push_profile *profile);

/* The labels of a profile's series: the kind of profile, service_name, pid, and the user's own. */
struct gs_push_pairs {
    Gs__PushLabel *list, **labels;
    size_t count;
    char pid[16];
};

/* The strings are the profile's; `pairs` must stay where it is. False: out of memory. */
bool gs_push_pairs_init(struct gs_push_pairs *pairs, const struct gs_push_profile *profile);
void gs_push_pairs_fini(struct gs_push_pairs *pairs);

#endif
