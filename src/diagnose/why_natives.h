/* Threads of the process that run no Python: what they had of the processors meanwhile. */
#ifndef GS_DIAGNOSE_WHY_NATIVES_H
#define GS_DIAGNOSE_WHY_NATIVES_H

#include "diagnose/why.h"

struct gs_why_native {
    pid_t tid;
    char name[16];    /* as the kernel has it */
    uint64_t ran_ns;  /* processor time so far */
    uint64_t kept_ns; /* time that it could have run, but others had the processors */
    double ran, kept; /* shares of the time watched */
    bool python;      /* it is one of the snapshot's */
};

struct gs_why_natives {
    struct gs_why_native *list; /* all threads of the process */
    size_t count;
    uint64_t ns; /* when they were read */
    bool known;  /* of every one of them it is known what it did */
};

/* Those that there are, and what they had so far. A core has none. GS_NO_MEMORY or GS_OK. */
enum gs_status gs_why_natives_begin(struct gs_why_natives *natives, const struct gs_target *target) GS_MUST_CHECK;
/* What they had since; one that was born meanwhile, all that it had. snapshot: of Python's threads; NULL: the caller
 * says which these are. May be called again, for what they had since then. */
enum gs_status gs_why_natives_end(struct gs_why_natives *natives, const struct gs_target *target,
                                  const struct gs_snapshot *snapshot) GS_MUST_CHECK;
void gs_why_natives_fini(struct gs_why_natives *natives);

/* What those that run no Python had of a processor, together. */
double gs_why_natives_ran(const struct gs_why_natives *natives);
/* The busiest of these behind `last` (NULL: of all); NULL: nobody else had a twentieth of a processor. */
const struct gs_why_native *gs_why_natives_next(const struct gs_why_natives *natives, const struct gs_why_native *last);

#endif
