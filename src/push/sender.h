/* Sends profiles, one after the other, from a thread of its own, and keeps them on disk from another one: neither a
 * server nor a disk that is slow or away keeps anybody from sampling. */
#ifndef GS_PUSH_SENDER_H
#define GS_PUSH_SENDER_H

#include "base/remarks.h"
#include "push/profile.h"
#include "push/protocol.h"
#include "push/spool.h"

struct gs_sender;

struct gs_sender_options {
    const struct gs_push_protocol *protocol;
    const char *server;               /* URL without a path of ours, for messages too */
    size_t keep_bytes;                /* of profiles that could not be sent yet */
    struct gs_spool *spool;           /* where they are kept then instead; NULL: in memory. It is the caller's */
    const struct gs_remarks *remarks; /* told from the sender's thread; NULL: nobody listens */
};

/* What became of the profiles. */
struct gs_sent {
    uint64_t sent, lost;   /* lost: refused for good, or dropped because too many waited, or not taken until the end */
    uint64_t lost_ns;      /* the spans of those */
    uint64_t bytes;        /* of the bodies that were sent, each try */
    uint64_t spooled;      /* wait in the spool */
    char why[GS_HTTP_WHY]; /* the last one was lost; "": none was */
};

/* An answer of 429 or 5xx, and none at all, have a profile tried again, later each time, with those that came since
 * behind it; of more than keep_bytes, or than the spool may have, the oldest go; what is in the spool stays there at
 * the end. Any other status but 200 to 299 is told once, and the profile is lost. GS_FAILED: nothing can be sent, err
 * is filled; GS_NO_MEMORY. Close it in any case. */
enum gs_status gs_sender_open(struct gs_sender **sender, const struct gs_sender_options *options,
                              struct gs_err *err) GS_MUST_CHECK;
/* Takes a profile; it never waits. */
void gs_sender_take(struct gs_sender *sender, struct gs_push_profile *profile);
/* What became of them so far. */
void gs_sender_sum(struct gs_sender *sender, struct gs_sent *sent);
/* Waits until all is sent, or for a part of the time until then, and for the rest of it until what was not sent is on
 * disk; what is neither is lost. */
void gs_sender_finish(struct gs_sender *sender, uint64_t until_ns, struct gs_sent *sent);
/* False: a thread is stuck, and left behind with all that it may touch: the spool, too. */
bool gs_sender_close(struct gs_sender *sender) GS_MUST_CHECK;

#endif
