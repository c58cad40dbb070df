/* A trace of the GIL that never was: what the timelines are tested with. */
#ifndef TESTS_TRACED_H
#define TESTS_TRACED_H

#include <stdio.h>

#include "export/timeline/timeline.h"
#include "support/stream.h"

enum { TRACED_PID = 7, TRACED_A = 7, TRACED_B = 8 };
#define TRACED_MS UINT64_C(1000000)

struct traced {
    struct gs_timeline *timeline;
    struct stream stream;
    uint64_t begin_ns;
};

void traced_begin(struct traced *t, const struct gs_timeline_format *format, FILE *out);
/* Two threads that hand it over and are sampled twice, one of which has a name that means harm, and collects garbage.
 */
void traced_draw(struct traced *t);
/* They go on so, this many times more. */
void traced_go_on(struct traced *t, unsigned times);
void traced_finish(struct traced *t);

#endif
