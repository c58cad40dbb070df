/* Whether a thread waits for the GIL, judged of plain values. */
#ifndef GS_SAMPLE_VERDICT_H
#define GS_SAMPLE_VERDICT_H

#include "gilspy/snapshot.h"
#include "python/gil.h"

/* Of the threads of one GIL that do not hold it. */
struct gs_gil_counts {
    uint32_t in_cond, in_mutex, in_switch; /* asleep on its futexes */
    uint32_t open;                         /* awake: cannot be told by what they sleep on */
    uint32_t waited;                       /* of these, such as waited in the last sample */
};

/* What is known of one thread. */
struct gs_wait_facts {
    bool holds;           /* by the GIL's fields */
    bool owns_mutex;      /* it is the one that has the GIL's mutex for a moment */
    bool told, requested; /* its gil_requested field was read in this sample (3.15 on), and is set */
    enum gs_gil_futex futex;
    enum gs_run run;
    enum gs_gil_word before; /* the verdict of the last sample, */
    bool kept_out;           /* and it is known not to have had the GIL since */
    bool outside;            /* it is known to compute without the GIL, or nothing moves */
    bool one_of_many;        /* this sample is: it may say what is true of most */
    bool polling;            /* this sample is one without stacks */
};

struct gs_verdict {
    enum gs_gil_word gil;
    enum gs_evidence evidence;
};

/* last, now: the GIL as of the last sample and of this one. */
struct gs_verdict gs_wait_verdict(const struct gs_gil_fields *last, const struct gs_gil_fields *now,
                                  const struct gs_gil_counts *counts, const struct gs_wait_facts *thread);

#endif
