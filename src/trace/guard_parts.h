/* What the two sides of a guard say to each other, for the sources of this folder. */
#ifndef GS_TRACE_GUARD_PARTS_H
#define GS_TRACE_GUARD_PARTS_H

#include "target/request.h"
#include "trace/guard.h"

enum gs_guard_order { GS_GUARD_ENABLE, GS_GUARD_DISABLE, GS_GUARD_COUNT, GS_GUARD_DRAIN };

/* The first is sent when everything is open, or not; behind it come the lists of the facts. An answer for each order,
 * and one at the end. */
struct gs_guard_opened {
    enum gs_status status;
    struct gs_err err;
    struct gs_watchpoints_facts facts;
};

struct gs_guard_answer {
    struct gs_guard_numbers numbers;
    size_t bytes; /* that lie in the buffer */
    bool more;    /* than fit in */
};

enum { GS_GUARD_BUFFER = 8 << 20 }; /* what the rings of a few processors hold */

/* Memory that both have, anonymous: whose turn it is to use buffer is told by orders and answers. */
struct gs_guard_shared {
    _Alignas(8) uint8_t buffer[GS_GUARD_BUFFER];
    struct gs_request request; /* to stop a thread */
};

/* What the child is given. */
struct gs_guard_post {
    int socket, epoll;
    struct gs_guard_shared *shared;
    const struct gs_target *target;
    const struct gs_watchpoints_facts *plan;
};

/* The child; it never returns. */
_Noreturn void gs_guard_stand(const struct gs_guard_post *post);

/* All of it; false: the other side has ended. */
bool gs_guard_send(int socket, const void *data, size_t len);
bool gs_guard_receive(int socket, void *data, size_t len);

#endif
