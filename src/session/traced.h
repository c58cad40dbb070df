/* The one process that is traced: named by its pid, or started. */
#ifndef GS_SESSION_TRACED_H
#define GS_SESSION_TRACED_H

#include "profile/exact.h"
#include "session/family.h"

struct gs_traced {
    struct gs_attach *attach; /* NULL: not opened */
    struct gs_family family;
};

/* Opens it, or starts it and waits until it is a Python; signals are caught as gs_signals_catch does. options name one
 * process, or a program; verb, depths, at_once and hopeless are set here. Not to be moved; to be closed in any case. */
enum gs_status gs_traced_open(struct gs_traced *traced, const struct gs_family_options *options,
                              struct gs_err *err) GS_MUST_CHECK;
/* What there is to trace of it, which keeps using it: holders are looked up with the C stack of theirs. */
struct gs_exact_subject gs_traced_subject(const struct gs_traced *traced);
/* Closes it; waits for the end of a program that was started, and passes on to it what signals come: its exit status;
 * -1: none was started. */
int gs_traced_close(struct gs_traced *traced);

#endif
