/* record --rotate: one recording after the other, of which the last are kept. */
#ifndef GS_RECORDING_ROTATE_H
#define GS_RECORDING_ROTATE_H

#include "base/remarks.h"
#include "gilspy/sample.h"

struct gs_rotation;

struct gs_rotation_options {
    const char *output;               /* the name that the numbers go into */
    uint64_t rotate_us, rotate_bytes; /* of a recording, 0: any */
    uint64_t keep;                    /* recordings */
    const struct gs_remarks *remarks; /* NULL: nobody listens */
};

/* What became of it. */
struct gs_rotated {
    uint64_t made;  /* recordings, in this run */
    uint64_t *kept; /* numbers of those that are kept, of earlier runs too, in rising order */
    size_t kept_count;
};

/* sum: what the run came to so far. GS_OUTPUT: nothing can be written there;
 * GS_NO_MEMORY. err is filled. Close it in any case. */
enum gs_status gs_rotation_open(struct gs_rotation **rotation, const struct gs_rotation_options *options,
                                void (*sum)(void *context, struct gs_run_end *end), void *context,
                                struct gs_err *err) GS_MUST_CHECK;
struct gs_sink *gs_rotation_sink(struct gs_rotation *rotation);
/* No sample comes any more; status: how it ended. A recording that could not be finished is left as it grew, and err,
 * which is filled when status is GS_OUTPUT, tells where. Returns status. */
enum gs_status gs_rotation_finish(struct gs_rotation *rotation, enum gs_status status,
                                  struct gs_err *err) GS_MUST_CHECK;
const struct gs_rotated *gs_rotation_result(const struct gs_rotation *rotation);
/* The name of a recording, malloc'ed. */
char *gs_rotation_name(const struct gs_rotation *rotation, uint64_t number);
void gs_rotation_close(struct gs_rotation *rotation);

#endif
