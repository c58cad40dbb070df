/* gilspy dump: one snapshot of every thread's stack and GIL state. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/family.h"
#include "cmd/look.h"
#include "cmd/message.h"
#include "cmd/output.h"
#include "target/nested.h"

/* What has been written so far. */
struct writing {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    bool open, several; /* several: the form of JSON for more than one process */
    size_t documents;
    pid_t *shown; /* as many as documents */
};

/* The output is opened when there is something to write: a failure leaves no file behind. */
static enum gs_status begin(struct writing *w, struct gs_err *err)
{
    if (w->open)
        return GS_OK;
    enum gs_status status = gs_output_open(&w->output, w->args->output, err);
    if (status != GS_OK)
        return status;
    w->open = true;
    gs_console_init(&w->console, w->output.file, w->args->color);
    return GS_OK;
}

static enum gs_status write_json(struct writing *w, const struct gs_dump *dump)
{
    if (w->several)
        fputs(w->documents > 0 ? ", " : "{\"schema\": 1, \"processes\": [", w->output.file);
    return gs_dump_json(dump, w->output.file);
}

/* One thread that minds the others, or several that all do nothing. */
static bool may_be_master(const struct gs_snapshot *snapshot)
{
    bool idle = true;
    for (size_t i = 0; i < snapshot->thread_count && idle; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        idle = (thread->gil == GS_WITHOUT || thread->gil == GS_NONE) && thread->activity.run != GS_RUN_RUNNING;
    }
    return idle || snapshot->thread_count == 1;
}

/* A process that only minds others is not what the user is after: point to them. */
static enum gs_status write_text(struct writing *w, const struct gs_look *look, struct gs_dump *dump)
{
    pid_t *children = NULL;
    if (may_be_master(dump->snapshot) && !w->args->subprocesses && !w->args->quiet && !look->target->still &&
        gs_family_pythons(look->target, &children, &dump->child_count) != GS_OK)
        dump->child_count = 0;
    dump->children = children;
    if (w->documents > 0)
        fputc('\n', w->output.file);
    enum gs_status status = gs_dump_text(dump, &w->console, w->args->verbose);
    free(children);
    return status;
}

static bool shown_before(const struct writing *w, pid_t pid)
{
    for (size_t i = 0; i < w->documents; i++) {
        if (w->shown[i] == pid)
            return true;
    }
    return false;
}

/* Text says it itself. */
static void tell_lacks(const struct gs_target *target)
{
    const struct gs_still *still = target->still;
    const char *path, *why;
    if (still->bytes < still->whole_bytes)
        gs_remark("the core is cut off: it has %" PRIu64 " of %" PRIu64 " bytes", still->bytes, still->whole_bytes);
    for (size_t i = 0; still->lack && still->lack(still->files, i, &path, &why); i++)
        gs_remark("part of the memory is not in the core, and %s %s", path, why);
}

static enum gs_status dump_one(struct writing *w, pid_t pid, struct gs_err *err)
{
    struct gs_look *look;
    enum gs_status status = gs_look_open(&look, pid, w->args, GS_LOOK_WHOLE, err);
    if (status == GS_OK && !shown_before(w, look->target->pid)) {
        status = begin(w, err);
        if (status == GS_OK) {
            struct gs_dump dump = gs_look_dump(look, w->args);
            status = w->args->json ? write_json(w, &dump) : write_text(w, look, &dump);
            if (status != GS_OK)
                gs_fail(err, status, "cannot show process %d: %s", (int)pid, gs_status_text(status));
            if (w->args->json && !w->args->quiet && look->target->still)
                tell_lacks(look->target);
            w->shown[w->documents++] = look->target->pid;
        }
    }
    gs_look_close(look);
    return status;
}

/* Ends the output; `exit` is the status of the first failure until here. */
static int finish(struct writing *w, int exit)
{
    struct gs_err err;
    if (!w->open)
        return exit;
    if (w->args->json)
        fputs(w->several ? "]}\n" : "\n", w->output.file);
    enum gs_status status = gs_output_close(&w->output, true, &err);
    if (status == GS_OK)
        return exit;
    return err.what[0] ? gs_message(status, &err) : gs_status_exit(status);
}

/* A child may be no Python, or gone by now. */
static bool expected_of_child(enum gs_status status)
{
    return status == GS_NOT_PYTHON || status == GS_NO_PROCESS || gs_status_class(status) == GS_CLASS_GONE;
}

static int dump_all(const struct gs_args *given, const struct gs_family *family)
{
    struct gs_args here = *given, *args = &here;
    struct writing w = {.args = args, .several = args->pid_count > 1 || args->subprocesses};
    int exit = 0;
    here.writing = &w.output;
    w.shown = calloc(family->count, sizeof *w.shown);
    for (size_t i = 0; i < family->count && w.shown; i++) {
        struct gs_err err = {0};
        enum gs_status status = dump_one(&w, family->pids[i], &err);
        if (status == GS_OK || (i >= family->named && expected_of_child(status)))
            continue;
        if (i < family->named)
            gs_nested_hint(&err, status, family->pids[i]);
        int failed = gs_message(status, &err);
        exit = exit ? exit : failed;
        if (status == GS_OUTPUT)
            break;
    }
    exit = finish(&w, exit);
    free(w.shown);
    return exit;
}

static int dump_core(const struct gs_args *args)
{
    pid_t shown = 0;
    struct gs_err err = {0};
    struct writing w = {.args = args, .shown = &shown};
    enum gs_status status = dump_one(&w, 0, &err);
    return finish(&w, status == GS_OK ? 0 : gs_message(status, &err));
}

/* What is to be looked at: processes, or one core. */
static enum gs_status check_usage(const struct gs_args *args, struct gs_err *err)
{
    if (args->core && (args->pid_count > 0 || args->subprocesses))
        return gs_fail(err, GS_USAGE, "cannot dump: --core is instead of --%s, not beside it",
                       args->pid_count > 0 ? "pid" : "subprocesses");
    if (args->exe && !args->core) {
        gs_fail(err, GS_USAGE, "cannot dump: --exe is for a core file, and none is named");
        gs_err_todo(err, "Name one with -c FILE");
        return GS_USAGE;
    }
    if (args->show_secrets && !args->locals) {
        gs_fail(err, GS_USAGE, "cannot dump: --show-secrets is about values, and none are asked for");
        gs_err_todo(err, "Ask for them with -l");
        return GS_USAGE;
    }
    if (args->pid_count == 0 && !args->core) {
        gs_fail(err, GS_USAGE, "cannot dump: no process is named");
        gs_err_todo(err, "Name one with -p PID; gilspy ps lists them");
        return GS_USAGE;
    }
    return GS_OK;
}

static int run(const struct gs_args *args)
{
    struct gs_err err;
    struct gs_family family = {0};
    if (check_usage(args, &err) != GS_OK)
        return gs_message(GS_USAGE, &err);
    if (args->core)
        return dump_core(args);
    enum gs_status status = gs_family_init(&family, args, &err);
    int exit = status == GS_OK ? dump_all(args, &family) : gs_message(status, &err);
    gs_family_fini(&family);
    return exit;
}

const struct gs_cmd gs_cmd_dump = {
    .name = "dump",
    .summary = "show every thread's stack and GIL state, once",
    .help = "Shows who holds the GIL, who waits for it, and every thread's Python stack, innermost frame first.\n"
            "\n"
            "The process is not stopped. Threads that do the same are shown once, with the list of their tids; "
            "-v shows each by itself.\n"
            "\n"
            "  gilspy dump -p 1234              what does it do?\n"
            "  gilspy dump -p 1234 -l           with the values of its variables\n"
            "  gilspy dump -n -p 1234           with frames of C: where in a library is it?\n"
            "  gilspy dump -s -p 1234           with the processes that it started\n"
            "  gilspy dump -j -p 1234 | jq .    for programs\n"
            "  gilspy dump -c core.1234         what did it do when it left this core file?",
    .options = GS_OPT(PID) | GS_OPT(CORE) | GS_OPT(EXE) | GS_OPT(SUBPROCESSES) | GS_OPT(THREAD) | GS_OPT(LOCALS) |
               GS_OPT(SHOW_SECRETS) | GS_OPT(NATIVE) | GS_OPT(DEBUGINFOD) | GS_OPT(FUNCTION) | GS_OPT(BLOCKING) |
               GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) |
               GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
    .whole = true,
};
