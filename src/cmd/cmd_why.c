/* gilspy why: watches, and says in words why a process hangs or crawls. */
#include <stdlib.h>

#include "cmd/cmd.h"
#include "session/why_run.h"
#include "cmd/message.h"
#include "cmd/wire.h"
#include "export/why_many.h"
#include "session/role.h"
#include "session/values.h"

#define LEAST_HZ 20.0 /* with fewer looks one cannot tell a long wait from several */

enum { UNHEALTHY = 10 };

struct run {
    const struct gs_args *args;
    struct gs_output output;
    struct gs_console console;
    struct gs_why_run all;
    bool several;
};

static void remark(const struct gs_why_session *session)
{
    int pid = (int)session->attach->target->pid;
    if (session->ended)
        gs_remark("process %d %s while it was watched: this is what was seen until then", pid,
                  session->ended == GS_EXECED ? "began to run another program" : "has ended");
    if (session->why.left_out > 0)
        gs_remark("%zu %s on other threads of process %d: without --thread all are told", session->why.left_out,
                  session->why.left_out == 1 ? "more verdict is" : "more verdicts are", pid);
}

/* The verdicts of all; *exit: what --exit-code asks for. */
static enum gs_status judge(struct run *run, int *exit, struct gs_err *err)
{
    for (size_t i = 0; i < run->all.count; i++) {
        struct gs_why_session *session = run->all.list[i];
        enum gs_status status = gs_why_session_judge(session);
        if (status != GS_OK)
            return gs_fail(err, status, "cannot judge process %d: %s", (int)session->attach->target->pid,
                           gs_status_text(status));
        if (!run->args->quiet)
            remark(session);
        if (run->args->exit_code && !gs_why_healthy(&session->why))
            *exit = UNHEALTHY;
    }
    return GS_OK;
}

static enum gs_status write(const struct run *run, const struct gs_why_many *many)
{
    FILE *out = run->output.file;
    if (!run->args->json)
        return gs_why_many_text(many, &run->console, run->args->verbose);
    enum gs_status status =
        run->several ? gs_why_many_json(many, out) : gs_why_json(many->members[0].why, &many->members[0].dump, out);
    fputc('\n', out);
    return status;
}

/* roles, members: room for all. */
static enum gs_status show_all(const struct run *run, struct gs_role_member *roles, struct gs_why_member *members)
{
    struct gs_why_many many;
    size_t count = run->all.count;
    for (size_t i = 0; i < count; i++) {
        const struct gs_target *target = run->all.list[i]->attach->target;
        pid_t parent = target->postmortem ? 0 : gs_role_parent(target->pid);
        roles[i] = (struct gs_role_member){.pid = target->pid, .parent = parent, .command = target->command};
    }
    bool named = gs_roles_find(roles, count);
    for (size_t i = 0; i < count; i++) {
        struct gs_why_session *session = run->all.list[i];
        members[i] = (struct gs_why_member){.why = &session->why,
                                            .watch = &session->watch,
                                            .dump = gs_wire_dump(session->attach, run->args),
                                            .role = roles[i].role,
                                            .master = roles[i].master};
    }
    uint64_t met = 0;
    enum gs_status status = named ? gs_why_many_init(&many, members, count) : GS_NO_MEMORY;
    if (!status)
        status = write(run, &many);
    for (size_t i = 0; i < count; i++)
        met |= gs_values_met(run->all.list[i]->attach->values);
    if (!status)
        gs_wire_tell_paths(run->args, met);
    if (named)
        gs_why_many_fini(&many);
    gs_roles_free(roles, count);
    return status;
}

static enum gs_status show(const struct run *run, struct gs_err *err)
{
    struct gs_role_member *roles = calloc(run->all.count, sizeof *roles);
    struct gs_why_member *members = calloc(run->all.count, sizeof *members);
    enum gs_status status = roles && members ? show_all(run, roles, members) : GS_NO_MEMORY;
    free(roles);
    free(members);
    return status ? gs_fail(err, status, "cannot show the verdicts: %s", gs_status_text(status)) : GS_OK;
}

static int watch(struct run *run)
{
    const struct gs_args *args = run->args;
    const struct gs_why_run_options options = {
        .family = gs_wire_family(args, &run->output),
        .each = {.patterns = args->threads, .pattern_count = args->thread_count, .native = args->native},
        .rate_hz = args->rate_hz,
        .duration_us = args->duration_us};
    struct gs_err err = {0};
    int verdict = 0, exit = 0;
    gs_console_init(&run->console, run->output.file, run->args->color);
    enum gs_status status = gs_why_run_open(&run->all, &options, &exit, &err);
    if (status == GS_OK)
        status = gs_why_run_watch(&run->all, &err);
    if (status == GS_OK)
        status = judge(run, &verdict, &err);
    if (status == GS_OK)
        status = show(run, &err);
    status = gs_output_end(&run->output, status, &err);
    if (status != GS_OK)
        return err.what[0] || !exit ? gs_output_message(status, &err) : exit;
    return exit ? exit : verdict;
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
    if (args->program && args->core)
        return gs_fail(err, GS_USAGE, "cannot judge: -c and a command behind -- exclude each other");
    if (args->show_secrets && !args->locals && args->show_count == 0) {
        gs_fail(err, GS_USAGE, "cannot judge: --show-secrets is about values, and none are asked for");
        gs_err_todo(err, "Ask for them with -l or --show EXPR");
        return GS_USAGE;
    }
    if (args->exit_code && args->program)
        return gs_fail(err, GS_USAGE, "cannot judge: with a command the exit status is its own, without --exit-code");
    if (args->rate_hz < LEAST_HZ) {
        gs_fail(err, GS_USAGE, "cannot judge: %g looks a second tell too little", args->rate_hz);
        gs_err_todo(err, "Take %g or more", LEAST_HZ);
        return GS_USAGE;
    }
    return gs_args_check(args, "judge", err);
}

static int run_why(const struct gs_args *args)
{
    struct gs_err err = {0};
    struct run run = {.args = args, .several = gs_args_several(args)};
    enum gs_status status = check_usage(args, &err);
    if (status == GS_OK)
        status = gs_output_open(&run.output, args->output, &gs_to_user, &err);
    if (status != GS_OK)
        return gs_message(status, &err);
    int exit = watch(&run);
    return gs_wire_exit(exit, gs_why_run_close(&run.all));
}

const struct gs_cmd gs_cmd_why = {
    .name = "why",
    .summary = "say in words why a process hangs or crawls",
    .operands = "[-- COMMAND ...]",
    .offers = GS_OFFER_PROGRAM,
    .help =
        "Watches a process for two seconds (--duration), looking a thousand times a second, and says what holds it "
        "up: who keeps the GIL and in which call, a deadlock with its circle, a lock and who has it, garbage "
        "collection, threads that crowd one another; or that it is idle, and what it waits for. What to try, "
        "and how sure that is, go with it; the dump of the last look follows.\n"
        "\n"
        "A verdict is certain when the memory of the process says so, else likely. With --thread the verdicts "
        "are told that these threads have a part in, and the dump shows these only; everybody is judged, since "
        "what holds one up is mostly what another does. A command is watched from its start on; gilspy then waits "
        "for its end.\n"
        "\n"
        "Of several processes there is one table, the worst first: those that are alike are in one row, and of each "
        "row that is not well, or that differs from others of its kind, one process is told about (with -v, every "
        "process).\n"
        "\n"
        "  gilspy why -p 1234                  why does it hang?\n"
        "  gilspy why -p 1234 -d 10            where two seconds tell too little\n"
        "  gilspy why -p 1234 --thread 'w-*'   what holds these threads up?\n"
        "  gilspy why -s -p 1234               which of its workers, and why?\n"
        "  gilspy why -d 5 -- python3 app.py   why does it not start?\n"
        "  gilspy why -p 1234 --exit-code      status 10 when something is wrong\n"
        "  gilspy why -c core.1234             why did it hang when it left this core?",
    .options = GS_OPT(PID) | GS_OPT(NAME) | GS_OPT(CGROUP) | GS_OPT(CORE) | GS_OPT(EXE) | GS_OPT(SUBPROCESSES) |
               GS_OPT(USER) | GS_OPT(RATE) | GS_OPT(DURATION) | GS_OPT(CONTROL) | GS_OPT(THREAD) | GS_OPT(LOCALS) |
               GS_OPT(SHOW) | GS_OPT(SHOW_SECRETS) | GS_OPT(NATIVE) | GS_OPT(DEBUGINFOD) | GS_OPT(EXIT_CODE) |
               GS_OPT(BLOCKING) | GS_OPT(NONBLOCKING) | GS_OPT(MAX_PAUSE) | GS_OPT(JSON) | GS_OPT(OUTPUT) |
               GS_OPT(ASSUME) | GS_OPT(COLOR) | GS_OPT(QUIET) | GS_OPT(VERBOSE) | GS_OPT(HELP),
    .rate = "1000",
    .run = run_why,
    .whole = true,
};
