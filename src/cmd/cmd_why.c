/* gilspy why: watches, and says in words why a process hangs or crawls. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "cmd/cmd.h"
#include "cmd/family.h"
#include "cmd/inquiry.h"
#include "cmd/message.h"
#include "cmd/output.h"
#include "cmd/signals.h"
#include "cmd/stuck.h"
#include "export/why.h"
#include "target/nested.h"

#define RATE_HZ     1000.0
#define DURATION_US UINT64_C(2000000)

enum { UNHEALTHY = 10 };

struct run {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    struct gs_inquiry *list;
    size_t count, shown;
    bool several;
};

/* The thread that looks waits for ever: nothing is left but to say so. */
static void give_up(const struct gs_stuck *stuck, void *context)
{
    const struct gs_target *target = context;
    struct gs_err err;
    if (gs_stuck_tell(stuck, target->pid, target, true, &err))
        gs_fail(&err, GS_FAILED, "cannot watch process %d any longer", (int)target->pid);
    _exit(gs_message(GS_FAILED, &err));
}

static enum gs_status guard(struct run *run, struct gs_err *err)
{
    for (size_t i = 0; i < run->count; i++) {
        struct gs_look *look = run->list[i].look;
        enum gs_status status = gs_watch_guard(look->watch, give_up, look->target);
        if (status != GS_OK)
            return gs_fail(err, status, "cannot watch process %d: %s", (int)look->target->pid, gs_status_text(status));
    }
    return GS_OK;
}

static bool all_ended(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (!run->list[i].ended)
            return false;
    }
    return true;
}

/* Looks at all of them until the time is over, or a signal ends it. */
static enum gs_status watch(struct run *run, struct gs_err *err)
{
    struct gs_pace pace;
    sigset_t waiting;
    uint64_t now_ns = gs_clock_ns();
    uint64_t duration_us = run->args->duration_us > 0 ? run->args->duration_us : DURATION_US;
    uint64_t end_ns = now_ns + duration_us * 1000;
    enum gs_status status = guard(run, err);
    gs_signals_catch(&waiting);
    gs_pace_init(&pace, RATE_HZ, now_ns);
    prctl(PR_SET_TIMERSLACK, 1UL);
    while (status == GS_OK && now_ns < end_ns && !all_ended(run)) {
        uint64_t next_ns = gs_pace_next(&pace, now_ns);
        if (!gs_signals_sleep(next_ns < end_ns ? next_ns : end_ns, &waiting))
            break;
        for (size_t i = 0; i < run->count && status == GS_OK; i++) {
            status = gs_inquiry_look(&run->list[i]);
            if (status != GS_OK)
                gs_fail(err, status, "cannot watch process %d any longer: %s", (int)run->list[i].look->target->pid,
                        gs_status_text(status));
        }
        now_ns = gs_clock_ns();
    }
    return status;
}

static enum gs_status show(struct run *run, struct gs_inquiry *inquiry)
{
    struct gs_dump dump = gs_look_dump(inquiry->look, &inquiry->args);
    FILE *out = run->output.file;
    if (run->args->json) {
        if (run->several)
            fputs(run->shown++ > 0 ? ", " : "{\"schema\": 1, \"processes\": [", out);
        return gs_why_json(&inquiry->why, &dump, out);
    }
    if (run->shown++ > 0)
        fputc('\n', out);
    return gs_why_text(&inquiry->why, &dump, &run->console, run->args->verbose);
}

/* The verdicts of all; *exit: what --exit-code asks for. */
static enum gs_status judge(struct run *run, int *exit, struct gs_err *err)
{
    for (size_t i = 0; i < run->count; i++) {
        struct gs_inquiry *inquiry = &run->list[i];
        enum gs_status status = gs_inquiry_judge(inquiry);
        if (status == GS_OK && inquiry->ended && !run->args->quiet)
            gs_remark("process %d %s while it was watched: this is what was seen until then",
                      (int)inquiry->look->target->pid,
                      inquiry->ended == GS_EXECED ? "began to run another program" : "has ended");
        if (status == GS_OK)
            status = show(run, inquiry);
        if (status != GS_OK)
            return gs_fail(err, status, "cannot judge process %d: %s", (int)inquiry->look->target->pid,
                           gs_status_text(status));
        if (run->args->exit_code && !gs_why_healthy(&inquiry->why))
            *exit = UNHEALTHY;
    }
    if (run->args->json)
        fputs(run->several ? "]}\n" : "\n", run->output.file);
    return GS_OK;
}

/* Opens the processes of a family; children that are no Python, or gone, are left out. */
static int open_all(struct run *run, const struct gs_family *family)
{
    int exit = 0;
    for (size_t i = 0; i < family->count; i++) {
        struct gs_inquiry *inquiry = &run->list[run->count];
        struct gs_err err = {0};
        enum gs_status status = gs_inquiry_open(inquiry, family->pids[i], run->args, &err);
        bool twice = false;
        for (size_t k = 0; k < run->count && status == GS_OK; k++)
            twice |= run->list[k].look->target->pid == inquiry->look->target->pid;
        if (status == GS_OK && !twice) {
            run->count++;
            continue;
        }
        gs_inquiry_close(inquiry);
        bool child = i >= family->named &&
                     (status == GS_NOT_PYTHON || status == GS_NO_PROCESS || gs_status_class(status) == GS_CLASS_GONE);
        if (status == GS_OK || child)
            continue;
        if (i < family->named)
            gs_nested_hint(&err, status, family->pids[i]);
        int failed = gs_message(status, &err);
        exit = exit ? exit : failed;
    }
    return exit;
}

static int inquire(struct run *run, int exit)
{
    struct gs_err err = {0};
    int verdict = 0;
    enum gs_status status = gs_output_open(&run->output, run->args->output, &err);
    if (status != GS_OK)
        return gs_message(status, &err);
    gs_console_init(&run->console, run->output.file, run->args->color);
    if (!run->args->core)
        status = watch(run, &err);
    if (status == GS_OK)
        status = judge(run, &verdict, &err);
    int failed = status == GS_OK ? 0 : gs_message(status, &err);
    status = gs_output_close(&run->output, failed == 0, &err);
    if (failed == 0 && status != GS_OK)
        failed = err.what[0] ? gs_message(status, &err) : gs_status_exit(status);
    return failed ? failed : exit ? exit : verdict;
}

static enum gs_status check_usage(const struct gs_args *args, struct gs_err *err)
{
    if (args->core && (args->pid_count > 0 || args->subprocesses || args->duration_us > 0))
        return gs_fail(err, GS_USAGE, "cannot judge: --core is instead of --%s, not beside it",
                       args->pid_count > 0  ? "pid"
                       : args->subprocesses ? "subprocesses"
                                            : "duration");
    if (args->exe && !args->core) {
        gs_fail(err, GS_USAGE, "cannot judge: --exe is for a core file, and none is named");
        gs_err_todo(err, "Name one with -c FILE");
        return GS_USAGE;
    }
    if (args->pid_count == 0 && !args->core) {
        gs_fail(err, GS_USAGE, "cannot judge: no process is named");
        gs_err_todo(err, "Name one with -p PID; gilspy ps lists them");
        return GS_USAGE;
    }
    return GS_OK;
}

static int run_core(struct run *run)
{
    struct gs_err err = {0};
    enum gs_status status = gs_inquiry_open(&run->list[0], 0, run->args, &err);
    run->count = 1;
    return status == GS_OK ? inquire(run, 0) : gs_message(status, &err);
}

static int run_why(const struct gs_args *args)
{
    struct gs_err err = {0};
    struct gs_family family = {0};
    struct run run = {.args = args, .several = args->pid_count > 1 || args->subprocesses};
    if (check_usage(args, &err) != GS_OK)
        return gs_message(GS_USAGE, &err);
    enum gs_status status = args->core ? GS_OK : gs_family_init(&family, args, &err);
    if (status != GS_OK)
        return gs_message(status, &err);
    int exit = 0;
    run.list = calloc(family.count + 1, sizeof *run.list);
    if (!run.list) {
        exit = gs_status_exit(GS_NO_MEMORY);
    } else if (args->core) {
        exit = run_core(&run);
    } else {
        exit = open_all(&run, &family);
        if (run.count > 0)
            exit = inquire(&run, exit);
    }
    for (size_t i = 0; i < run.count; i++)
        gs_inquiry_close(&run.list[i]);
    free(run.list);
    gs_family_fini(&family);
    return exit;
}

const struct gs_cmd gs_cmd_why = {
    .name = "why",
    .summary = "say in words why a process hangs or crawls",
    .help = "Watches a process for two seconds (--duration), looking a thousand times a second, and says what holds it "
            "up: who keeps the GIL and in which call, a deadlock with its circle, a lock and who has it, garbage "
            "collection, threads that crowd one another; or that it is idle, and what it waits for. What to try, "
            "and how sure that is, go with it; the dump of the last look follows.\n"
            "\n"
            "A verdict is certain when the memory of the process says so, else likely.\n"
            "\n"
            "  gilspy why -p 1234                  why does it hang?\n"
            "  gilspy why -p 1234 -d 10            where two seconds tell too little\n"
            "  gilspy why -p 1234 --exit-code      status 10 when something is wrong\n"
            "  gilspy why -c core.1234             why did it hang when it left this core?",
    .options = GS_OPT(PID) | GS_OPT(CORE) | GS_OPT(EXE) | GS_OPT(SUBPROCESSES) | GS_OPT(DURATION) | GS_OPT(NATIVE) |
               GS_OPT(DEBUGINFOD) | GS_OPT(EXIT_CODE) | GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) |
               GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) |
               GS_OPT(HELP),
    .run = run_why,
};
