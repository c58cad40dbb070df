/* What a user is told beside the result of a function: where it goes is a value, which the caller gives. */
#ifndef GS_BASE_REMARKS_H
#define GS_BASE_REMARKS_H

#include "gilspy/status.h"

struct gs_remarks {
    void *context;
    /* A remark that is no failure; not escaped. */
    void (*tell)(void *context, const char *text);
    /* A failure that does not end what is done; returns its exit status. */
    int (*fail)(void *context, enum gs_status status, const struct gs_err *err);
};

/* to may be NULL: nobody listens. */
void gs_tell(const struct gs_remarks *to, const char *fmt, ...) GS_PRINTF(2, 3);
int gs_tell_failure(const struct gs_remarks *to, enum gs_status status, const struct gs_err *err);

#endif
