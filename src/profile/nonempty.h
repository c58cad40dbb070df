/* Whether what is drawn has anything in it. */
#ifndef GS_PROFILE_NONEMPTY_H
#define GS_PROFILE_NONEMPTY_H

#include "gilspy/sample.h"
#include "profile/modes.h"

/* A sink in front of another. */
struct gs_nonempty {
    struct gs_sink sink;
    struct gs_sink *to;
    const struct gs_selection *selection;
    bool samples, fits; /* there was one; a thread that the patterns mean */
    bool tells;         /* what the mode is about */
    bool locks;         /* a thread waited for one that is no GIL */
    bool must;          /* without one of the first two, or without the third in any case, */
    bool empty;         /* `to` gets no end, and the source GS_FAILED */
};

void gs_nonempty_init(struct gs_nonempty *nonempty, struct gs_sink *to, const struct gs_selection *selection,
                      bool must);

#endif
