/* gilspy dump: one snapshot of every thread's stack and GIL state. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/dump_merge.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/dump_groups.h"
#include "session/values.h"

/* What has been written so far. */
struct writing {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    bool open, several; /* several: the form of JSON for more than one process */
    size_t documents;
    uint64_t met; /* of the values that --show names */
    struct gs_dump_groups groups;
};

/* The output is opened when there is something to write: a failure leaves no file behind. */
static enum gs_status begin(struct writing *w, struct gs_err *err)
{
    if (w->open)
        return GS_OK;
    enum gs_status status = gs_output_open(&w->output, w->args->output, &gs_to_user, err);
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
    enum gs_status status = gs_dump_json(dump, w->output.file);
    return status == GS_OK && w->several ? gs_dump_groups_add(&w->groups, dump) : status;
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
static enum gs_status write_text(struct writing *w, const struct gs_attach *attach, struct gs_dump *dump)
{
    pid_t *children = NULL;
    if (may_be_master(dump->snapshot) && !w->args->subprocesses && !w->args->quiet && !attach->target->postmortem &&
        gs_family_pythons(attach->target, &children, &dump->child_count) != GS_OK)
        dump->child_count = 0;
    dump->children = children;
    if (w->documents > 0)
        fputc('\n', w->output.file);
    enum gs_status status = gs_dump_text(dump, &w->console, w->args->verbose);
    free(children);
    return status;
}

/* Text says it itself. */
static void tell_lacks(const struct gs_target *target)
{
    const struct gs_postmortem *postmortem = target->postmortem;
    const char *path, *why;
    if (postmortem->bytes < postmortem->whole_bytes)
        gs_remark("the core is cut off: it has %" PRIu64 " of %" PRIu64 " bytes", postmortem->bytes,
                  postmortem->whole_bytes);
    for (size_t i = 0; postmortem->lack && postmortem->lack(postmortem->files, i, &path, &why); i++)
        gs_remark("part of the memory is not in the core, and %s %s", path, why);
}

/* Each process is shown when it is opened. */
static enum gs_status show(void *context, struct gs_attach *attach, struct gs_err *err)
{
    struct writing *w = context;
    enum gs_status status = begin(w, err);
    if (status != GS_OK)
        return status;
    struct gs_dump dump = gs_wire_dump(attach, w->args);
    status = w->args->json ? write_json(w, &dump) : write_text(w, attach, &dump);
    if (status != GS_OK)
        gs_fail(err, status, "cannot show process %d: %s", (int)attach->target->pid, gs_status_text(status));
    if (w->args->json && !w->args->quiet && attach->target->postmortem)
        tell_lacks(attach->target);
    w->documents++;
    w->met |= gs_values_met(attach->values);
    return status;
}

/* Ends the output; `exit` is the status of the first failure until here. */
static int finish(struct writing *w, int exit)
{
    struct gs_err err;
    enum gs_status status = GS_OK;
    if (!w->open)
        return exit;
    if (w->args->json && w->several) {
        fputs("], \"groups\": ", w->output.file);
        status = gs_dump_groups_json(&w->groups, w->output.file);
    }
    if (w->args->json)
        fputs(w->several ? "}\n" : "\n", w->output.file);
    gs_dump_groups_fini(&w->groups);
    gs_wire_tell_paths(w->args, w->met);
    enum gs_status closed = gs_output_close(&w->output, status == GS_OK, &err);
    status = status == GS_OK ? closed : gs_fail(&err, status, "cannot group them: %s", gs_status_text(status));
    return status == GS_OK ? exit : gs_output_message(status, &err);
}

static int dump(const struct gs_args *args)
{
    struct writing w = {.args = args, .several = gs_args_several(args)};
    struct gs_family_options options = gs_wire_family(args, &w.output);
    struct gs_family_calls calls = {.context = &w, .opened = show};
    struct gs_family family;
    struct gs_err err = {0};
    int exit = 0;
    options.verb = "show";
    options.at_once = options.passing = true;
    options.named = GS_ATTACH_WHOLE;
    options.attach.tasks = args->tasks != GS_TASKS_OFF;
    enum gs_status status = gs_family_open(&family, &options, &calls, &exit, &err);
    gs_family_close(&family);
    if (status != GS_OK && err.what[0])
        exit = gs_message(status, &err);
    return finish(&w, exit);
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
    if (args->show_secrets && !args->locals && args->show_count == 0) {
        gs_fail(err, GS_USAGE, "cannot dump: --show-secrets is about values, and none are asked for");
        gs_err_todo(err, "Ask for them with -l or --show EXPR");
        return GS_USAGE;
    }
    if (args->merge && (args->core || args->locals || args->show_count > 0))
        return gs_fail(err, GS_USAGE, "cannot merge: stacks of processes are, not %s",
                       args->core ? "cores (dump --json of each is)" : "values");
    if (args->pid_count == 0 && !args->core && args->word_count == 0) {
        gs_fail(err, GS_USAGE, "cannot dump: no process is named");
        gs_err_todo(err, "Name one with -p PID; gilspy ps lists them");
        return GS_USAGE;
    }
    return GS_OK;
}

static int run(const struct gs_args *args)
{
    struct gs_err err;
    if (check_usage(args, &err) != GS_OK)
        return gs_message(GS_USAGE, &err);
    return args->merge ? gs_dump_merge(args) : dump(args);
}

const struct gs_cmd gs_cmd_dump = {
    .name = "dump",
    .operands = "[--merge FILE ...]",
    .offers = GS_OFFER_FILES,
    .summary = "show every thread's stack and GIL state, once",
    .help = "Shows who holds the GIL, who waits for it, and every thread's Python stack, innermost frame first.\n"
            "\n"
            "The process is not stopped. Threads that do the same are shown once, with the list of their tids; "
            "-v shows each by itself.\n"
            "\n"
            "  gilspy dump -p 1234              what does it do?\n"
            "  gilspy dump -p 1234 -l           with the values of its variables\n"
            "  gilspy dump -p 1234 --show self.order.id      which order is it at?\n"
            "  gilspy dump -n -p 1234           with frames of C: where in a library is it?\n"
            "  gilspy dump --tree -p 1234       which task or greenlet awaits which?\n"
            "  gilspy dump -s -p 1234           with the processes that it started\n"
            "  gilspy dump --merge --name a.py  which of many does something else?\n"
            "  gilspy dump --merge a.json -     of what dump --json wrote elsewhere\n"
            "  gilspy dump -j -p 1234 | jq .    for programs\n"
            "  gilspy dump -c core.1234         what did it do when it left this core file?",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(CORE) | GS_OPT(EXE) | GS_OPT(SUBPROCESSES) |
               GS_OPT(THREAD) | GS_OPT(LOCALS) | GS_OPT(MERGE) | GS_OPT(SHOW) | GS_OPT(SHOW_SECRETS) | GS_OPT(TASKS) |
               GS_OPT(TREE) | GS_OPT(NATIVE) | GS_OPT(DEBUGINFOD) | GS_OPT(FUNCTION) | GS_OPT(BLOCKING) |
               GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) | GS_OPT(OUTPUT) | GS_OPT(ASSUME) |
               GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .run = run,
    .whole = true,
};
