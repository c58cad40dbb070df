/* Plain structures out of the options of a command line. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/message.h"
#include "cmd/wire.h"
#include "session/search.h"
#include "session/values.h"

/* A thread of the process stands still until we end. */
static void end_at_once(void *context, const struct gs_err *err)
{
    if (context)
        gs_output_abandon(context);
    _exit(gs_message(GS_FAILED, err));
}

struct gs_attach_options gs_wire_attach(const struct gs_args *args, const struct gs_output *output)
{
    return (struct gs_attach_options){
        .core = args->core,
        .exe = args->exe,
        .assume = args->assume,
        .surroundings = args->push || args->listen || args->textfile,
        .reader = {.stopping = args->stopping,
                   .max_pause = args->max_pause,
                   .native = args->native,
                   .native_options = {.thorough = args->verbose, .debuginfod = args->debuginfod}},
        .wish = {.locals = args->locals,
                 .secrets = args->show_secrets,
                 .bytes = args->local_bytes,
                 .paths = args->shows,
                 .path_count = args->show_count},
        .quiet = args->quiet,
        .remarks = &gs_to_user,
        .end = end_at_once,
        .context = (void *)output};
}

struct gs_family_options gs_wire_family(const struct gs_args *args, const struct gs_output *output)
{
    static const pid_t core = 0;
    return (struct gs_family_options){.pids = args->core ? &core : args->pids,
                                      .pid_count = args->core ? 1 : args->pid_count,
                                      .found_count = args->core ? 0 : args->found,
                                      .program = args->program,
                                      .manner = {.user = args->user},
                                      .descendants = args->subprocesses,
                                      .attach = gs_wire_attach(args, output)};
}

void gs_wire_tell_paths(const struct gs_args *args, uint64_t met)
{
    for (size_t i = 0; i < args->show_count && i < GS_VALUES_PATHS && !args->quiet; i++) {
        if (!(met >> i & 1))
            gs_remark("no frame that was read has %s", args->shows[i]);
    }
}

enum gs_status gs_wire_find(struct gs_args *args, struct gs_err *err)
{
    const struct gs_search search = {.patterns = args->names,
                                     .pattern_count = args->name_count,
                                     .cgroups = args->cgroups,
                                     .cgroup_count = args->cgroup_count};
    size_t named = args->pid_count;
    if (args->name_count == 0 && args->cgroup_count == 0)
        return GS_OK;
    enum gs_status status = gs_search(&search, &args->pids, &args->pid_count, err);
    args->found = args->pid_count - named;
    return status;
}

/* Who keeps us from stopping threads. */
static void find_holdup(const struct gs_attach *attach, struct gs_dump *dump)
{
    for (size_t i = 0; i < attach->snapshot->thread_count && dump->holdup == 0; i++) {
        const struct gs_thread *thread = &attach->snapshot->threads[i];
        if (thread->native && thread->native->end == GS_NATIVE_TRACED)
            dump->holdup = gs_target_tracer(attach->target, thread->tid);
    }
    if (dump->holdup > 0)
        gs_process_comm(dump->holdup, dump->holdup_name);
}

struct gs_dump gs_wire_dump(struct gs_attach *attach, const struct gs_args *args)
{
    struct gs_dump dump = {
        .target = attach->target,
        .python = attach->python,
        .snapshot = attach->snapshot,
        .quality = gs_reader_quality(attach->reader),
        .tasks = &attach->tasks,
        .tree = args->tree,
        .running_only = args->tasks == GS_TASKS_RUNNING,
        .lookup = gs_attach_lookup_again(attach),
        .time = attach->time,
        .uptime_s = gs_target_uptime_s(attach->target),
        .rank = attach->rank,
        .no_lines = args->function,
        .patterns = args->threads,
        .pattern_count = args->thread_count,
    };
    dump.stopped = gs_target_stopped(attach->target, &dump.tracer);
    if (dump.tracer > 0)
        gs_process_comm(dump.tracer, dump.tracer_name);
    find_holdup(attach, &dump);
    return dump;
}

enum gs_status gs_wire_check_one(const struct gs_args *args, const char *verb, struct gs_err *err)
{
    enum gs_status status = gs_args_check(args, verb, err);
    if (status || (args->pid_count <= 1 && !args->subprocesses))
        return status;
    gs_fail(err, GS_USAGE, "cannot %s: exact events are of one process at a time", verb);
    gs_err_todo(err, "Name one process, or have all of them sampled: gilspy stat%s", args->subprocesses ? " -s" : "");
    return GS_USAGE;
}

char *gs_wire_name(const struct gs_args *args, const char *extension)
{
    char time_text[32], *name;
    time_t now = time(NULL);
    struct tm local;
    if (args->output || !extension[0])
        return strdup(args->output ? args->output : "-");
    strftime(time_text, sizeof time_text, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    int len = args->pid_count > 0 ? asprintf(&name, "gilspy-%d-%s%s", (int)args->pids[0], time_text, extension)
                                  : asprintf(&name, "gilspy-%s%s", time_text, extension);
    return len < 0 ? NULL : name;
}

int gs_wire_exit(int exit, int child)
{
    if (child < 0)
        return exit;
    return exit ? gs_status_exit(GS_FAILED) : child;
}
