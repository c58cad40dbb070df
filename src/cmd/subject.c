/* Between the command line and a process that can be traced. */
#include "base/clock.h"
#include "cmd/message.h"
#include "cmd/nobody.h"
#include "cmd/signals.h"
#include "cmd/subject.h"
#include "target/nested.h"

enum { POLL_NS = 5000000 /* how often a program that was started is asked whether it is a Python by now */ };

enum gs_status gs_subject_check(const struct gs_args *args, const char *verb, struct gs_err *err)
{
    enum gs_status status = gs_args_check(args, verb, err);
    if (status || (args->pid_count <= 1 && !args->subprocesses))
        return status;
    gs_fail(err, GS_USAGE, "cannot %s: exact events are of one process at a time", verb);
    gs_err_todo(err, "Name one process, or have all of them sampled: gilspy stat%s", args->subprocesses ? " -s" : "");
    return GS_USAGE;
}

/* It becomes a Python when it becomes one. */
static enum gs_status open_started(struct gs_subject *subject, struct gs_err *err)
{
    while (!gs_spawn_ended(&subject->spawn) && !gs_signals_ended()) {
        enum gs_status status = gs_look_open(&subject->look, subject->spawn.pid, subject->args, GS_LOOK_GLANCE, err);
        if (status == GS_OK && subject->look->snapshot && subject->look->snapshot->thread_count > 0)
            return GS_OK;
        gs_look_close(subject->look);
        subject->look = NULL;
        if (status == GS_UNKNOWN_PYTHON || status == GS_NO_MEMORY || status == GS_NOT_PERMITTED)
            return status;
        gs_signals_sleep(gs_clock_ns() + POLL_NS, &subject->waiting);
    }
    struct gs_nobody nobody = {"traced", .over = subject->spawn.ended, .due = true, .single = true};
    return gs_nobody_tell(&nobody, subject->args, err);
}

enum gs_status gs_subject_open(struct gs_subject *subject, const struct gs_args *args,
                               void (*give_up)(const struct gs_stuck *stuck, void *context), void *context,
                               struct gs_err *err)
{
    enum gs_status status = GS_OK;
    *subject = (struct gs_subject){.args = args};
    if (args->program)
        status = gs_spawn_start(&subject->spawn, args->program, &(struct gs_spawn_manner){.user = args->user}, err);
    subject->spawned = args->program && !status;
    gs_signals_catch(&subject->waiting);
    if (status)
        return status;
    if (subject->spawned) {
        gs_signals_wake_for_children();
        status = open_started(subject, err);
    } else {
        status = gs_look_open(&subject->look, args->pids[0], args, GS_LOOK_WHOLE, err);
        if (status)
            gs_nested_hint(err, status, args->pids[0]);
    }
    if (status)
        return status;
    status = gs_watch_guard(subject->look->watch, give_up, context);
    return status ? gs_fail(err, status, "cannot trace: %s", gs_status_text(status)) : GS_OK;
}

int gs_subject_close(struct gs_subject *subject)
{
    gs_look_close(subject->look);
    subject->look = NULL;
    return subject->spawned ? gs_spawn_wait(&subject->spawn, &subject->waiting) : -1;
}
