/* The one process that is traced: named by its pid, or started. */
#ifndef GS_CMD_SUBJECT_H
#define GS_CMD_SUBJECT_H

#include <signal.h>

#include "base/watch.h"
#include "cmd/look.h"
#include "cmd/spawn.h"

struct gs_subject {
    const struct gs_args *args;
    struct gs_look *look; /* NULL: not opened */
    struct gs_spawn spawn;
    bool spawned;
    sigset_t waiting; /* as gs_signals_catch has it, which is called */
};

/* args is known to name one process, or a program. GS_USAGE and err filled where it does not; verb: as "trace". */
enum gs_status gs_subject_check(const struct gs_args *args, const char *verb, struct gs_err *err) GS_MUST_CHECK;
/* Opens it, or starts it and waits until it is a Python. Afterwards give_up is called, from another thread, when the
 * kernel keeps us for ever; it must not return. */
enum gs_status gs_subject_open(struct gs_subject *subject, const struct gs_args *args,
                               void (*give_up)(const struct gs_stuck *stuck, void *context), void *context,
                               struct gs_err *err) GS_MUST_CHECK;
/* Closes it; waits for the end of a program that was started, and passes on to it what signals come: its exit status;
 * -1: none was started. */
int gs_subject_close(struct gs_subject *subject);

#endif
