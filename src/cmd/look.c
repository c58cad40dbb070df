/* Opening a process and taking a snapshot of it, in the steps that every command shares. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/watch.h"
#include "cmd/look.h"
#include "cmd/message.h"
#include "cmd/output.h"
#include "cmd/stuck.h"
#include "cmd/values.h"

#define TAKE_NS (UINT64_C(5) * 1000 * 1000 * 1000)

enum {
    TAKE_ATTEMPTS = 200,
    TAKE_PAUSE_NS = 500 * 1000,
    NAMES_ATTEMPTS = 12,
    NAMES_NS = 1000 * 1000 * 1000,
    NAMES_SAME = 3,
    NAMES_PAUSE_NS = 50 * 1000,
    STUCK_MOST = 16 /* pages that do not come, and such */
};

/* The core has no Python, or what is needed to find it is in none of the files. */
static enum gs_status explain_core(const struct gs_target *target, const char *core, enum gs_status status,
                                   struct gs_err *err)
{
    const struct gs_still *still = target->still;
    const char *path, *why;
    if (still->lack && still->lack(still->files, 0, &path, &why)) {
        gs_fail(err, status, "cannot read the core %s: part of the memory is not in it, and %s %s", core, path, why);
        gs_err_todo(err, "Give the program's file as it was with --exe; its libraries are looked for below the same "
                         "root");
    } else if (still->bytes < still->whole_bytes) {
        gs_fail(err, status, "cannot read the core %s: it is cut off, and no CPython is found in what there is of it",
                core);
    } else if (status == GS_NOT_PYTHON) {
        gs_fail(err, status, "cannot read the core %s: process %d (%s) was no CPython process", core, (int)target->pid,
                target->exe);
    } else if (gs_status_class(status) == GS_CLASS_LOST) {
        gs_fail(err, status, "cannot read the core %s: the memory that has the list of Python's threads is not in it",
                core);
    }
    return status;
}

static enum gs_status open_process(struct gs_look *look, pid_t pid, const struct gs_args *args, struct gs_err *err)
{
    struct gs_python_options python_options = {.assume = args->assume};
    struct gs_reader_options reader_options = {
        .stopping = args->stopping,
        .max_pause = args->max_pause,
        .native = args->native,
        .native_options = {.thorough = args->verbose, .debuginfod = args->debuginfod}};
    enum gs_status status = args->core ? gs_target_open_core(&look->target, args->core, args->exe, look->watch, err)
                                       : gs_target_open(&look->target, pid, look->watch, err);
    if (status != GS_OK)
        return status;
    status = gs_python_open(&look->python, look->target, &python_options, err);
    if (status != GS_OK)
        return args->core ? explain_core(look->target, args->core, status, err) : status;
    status = gs_reader_new(&look->reader, look->python, &reader_options);
    look->names = gs_names_new(look->python);
    if (status != GS_OK || !look->names)
        return gs_fail(err, status != GS_OK ? status : GS_NO_MEMORY, "cannot read process %d: %s", (int)pid,
                       gs_status_text(status != GS_OK ? status : GS_NO_MEMORY));
    return GS_OK;
}

/* A target may make each attempt last. */
static bool patient(uint64_t began_ns, uint64_t most_ns)
{
    return gs_clock_ns() - began_ns < most_ns;
}

static size_t count_missed(const struct gs_look *look)
{
    size_t missed = 0;
    for (size_t i = 0; i < look->snapshot->thread_count; i++)
        missed += !gs_names_get(look->names, look->snapshot->threads[i].ident);
    return missed;
}

/* Python changes its table of names while it is read, as threads come and go: another look finds who was missed. Those
 * that no look finds have none: threading does not know them. */
static void read_names(struct gs_look *look)
{
    size_t missed = SIZE_MAX, same = 0;
    int attempts = look->target->still ? 1 : NAMES_ATTEMPTS;
    uint64_t began_ns = gs_clock_ns();
    for (int i = 0; i < attempts && missed > 0 && same < NAMES_SAME && patient(began_ns, NAMES_NS); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = NAMES_PAUSE_NS}, NULL);
        for (size_t k = 0; k < look->snapshot->interpreter_count; k++)
            gs_names_refresh(look->names, look->snapshot->interpreters[k].addr);
        size_t now = count_missed(look);
        same = now == missed ? same + 1 : 0;
        missed = now;
    }
}

static struct timespec time_of(const struct gs_still *still)
{
    return (struct timespec){.tv_sec = still->time_ns / 1000000000, .tv_nsec = still->time_ns % 1000000000};
}

static enum gs_status take(struct gs_look *look, const struct gs_args *args, struct gs_err *err)
{
    enum gs_status status = GS_LOST;
    int attempts = look->target->still ? 1 : TAKE_ATTEMPTS;
    uint64_t began_ns = gs_clock_ns();
    for (int i = 0; i < attempts && gs_status_class(status) == GS_CLASS_LOST && patient(began_ns, TAKE_NS); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = TAKE_PAUSE_NS}, NULL);
        gs_reader_full_census(look->reader);
        clock_gettime(CLOCK_REALTIME, &look->time);
        status = gs_reader_take(look->reader, &look->snapshot);
    }
    if (look->target->still)
        look->time = time_of(look->target->still);
    if (status != GS_OK && args->core)
        return explain_core(look->target, args->core, status, err);
    if (gs_status_class(status) == GS_CLASS_LOST && gs_watch_careful(look->watch))
        return gs_fail(err, GS_FAILED, "cannot read process %d: what its threads hang on is in the memory left out",
                       (int)look->target->pid);
    if (status != GS_OK)
        return gs_fail(err, status, "cannot read process %d: %s", (int)look->target->pid, gs_status_text(status));
    read_names(look);
    return GS_OK;
}

static enum gs_status glance(struct gs_look *look, struct gs_err *err)
{
    enum gs_status status = gs_reader_take(look->reader, &look->snapshot);
    if (gs_status_class(status) == GS_CLASS_LOST)
        return GS_OK; /* it is a Python, only too busy at this moment */
    return status == GS_OK
               ? GS_OK
               : gs_fail(err, status, "cannot read process %d: %s", (int)look->target->pid, gs_status_text(status));
}

/* What is done in a thread of its own, because the kernel may keep it for ever. */
struct opening {
    struct gs_look look; /* first: whoever is given it gives it back */
    const char *misled;  /* why --exe does not name the program of the core; NULL: it does, or is not given */
    pid_t pid;
    const struct gs_args *args;
    enum gs_look_depth depth;
    struct gs_err err;
};

/* What is seen in memory that is lent is the parent's; whoever looks for new processes will find it when it is itself.
 */
static enum gs_status check_memory(const struct gs_target *target, struct gs_err *err)
{
    pid_t lender = gs_target_lender(target);
    if (!lender)
        return GS_OK;
    gs_fail(err, GS_NOT_PYTHON,
            "process %d runs no program of its own yet: it was started by vfork, and its memory is "
            "that of process %d, which waits for it",
            (int)target->pid, (int)lender);
    gs_err_todo(err, "Look at process %d", (int)lender);
    return GS_NOT_PYTHON;
}

static enum gs_status open_and_take(void *context)
{
    struct opening *opening = context;
    enum gs_status status = open_process(&opening->look, opening->pid, opening->args, &opening->err);
    if (status == GS_OK && opening->depth != GS_LOOK_OPEN)
        status = check_memory(opening->look.target, &opening->err);
    if (status == GS_OK && opening->depth == GS_LOOK_GLANCE)
        status = glance(&opening->look, &opening->err);
    if (status == GS_OK && opening->depth == GS_LOOK_WHOLE)
        status = take(&opening->look, opening->args, &opening->err);
    const struct gs_still *still = opening->look.target ? opening->look.target->still : NULL;
    if (status == GS_OK && still && still->misled)
        opening->misled = still->misled(still->files);
    return status;
}

static _Noreturn void end_at_once(const struct gs_args *args, const struct gs_err *err)
{
    if (args->writing)
        gs_output_abandon(args->writing);
    _exit(gs_message(GS_FAILED, err));
}

enum gs_status gs_look_open(struct gs_look **look, pid_t pid, const struct gs_args *args, enum gs_look_depth depth,
                            struct gs_err *err)
{
    struct gs_stuck stuck;
    struct gs_watch *watch = NULL;
    *look = NULL;
    for (int i = 0; i < STUCK_MOST; i++) {
        struct opening *opening = calloc(1, sizeof *opening);
        watch = gs_watch_new(watch, &stuck);
        if (!opening || !watch) {
            free(opening);
            return gs_fail(err, GS_NO_MEMORY, "cannot read process %d: out of memory", (int)pid);
        }
        *opening = (struct opening){.look.watch = watch, .pid = pid, .args = args, .depth = depth};
        enum gs_status status = gs_watch_run(watch, open_and_take, opening, &stuck);
        if (!stuck.what) {
            *look = &opening->look;
            *err = opening->err;
            if (status == GS_OK && opening->look.python->note && !args->quiet)
                gs_remark("%s", opening->look.python->note);
            if (status == GS_OK && opening->misled && !args->quiet)
                gs_remark("%s, which --exe names, was not used: it %s", args->exe, opening->misled);
            return status;
        }
        if (gs_stuck_tell(&stuck, pid, opening->look.target, i == 0, err))
            continue;
        if (stuck.holding)
            end_at_once(args, err);
        return GS_FAILED;
    }
    return gs_fail(err, GS_FAILED, "cannot read process %d: the kernel does not answer", (int)pid);
}

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const struct gs_look *look = context;
    if (frame->kind == GS_FRAME_NATIVE) {
        const struct gs_native_name *name = gs_native_place(gs_reader_natives(look->reader), frame->code);
        *info = (struct gs_frame_info){
            .function = name->function, .file = name->file, .module = name->module, .line = name->line};
        return true;
    }
    const struct gs_code *code = gs_codes_find(gs_reader_codes(look->reader), frame->code);
    if (!code)
        return false;
    info->function = code->function;
    info->qualname = code->qualname;
    info->file = code->file;
    info->line = gs_code_line(&look->python->layout, code, frame->instr);
    return true;
}

/* The same for one snapshot, whose code objects do not change: a line that was found is remembered. */
static bool find_frame_again(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    struct gs_look *look = context;
    struct gs_look_frame *known = &look->frames[(frame->code / 16 + (uint32_t)frame->instr * 31) % GS_LOOK_FRAMES];
    if (known->code == frame->code && known->instr == frame->instr && known->info.function) {
        *info = known->info;
        return true;
    }
    if (!find_frame(context, frame, info))
        return false;
    *known = (struct gs_look_frame){.code = frame->code, .instr = frame->instr, .info = *info};
    return true;
}

static const char *find_name(void *context, const struct gs_thread *thread, char spare[16])
{
    const struct gs_look *look = context;
    const char *name = gs_names_get(look->names, thread->ident);
    if (name)
        return name;
    spare[0] = '\0';
    gs_target_comm(look->target, thread->tid, spare);
    return spare;
}

/* How many frames of the same stack there are from this one on, as far as it can be told: that of a thread with several
 * states is a copy. */
static size_t frames_from(const struct gs_snapshot *snapshot, const struct gs_frame *frame)
{
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        uintptr_t begin = (uintptr_t)thread->frames, bytes = thread->frame_count * sizeof *frame;
        if ((uintptr_t)frame - begin < bytes)
            return (bytes - ((uintptr_t)frame - begin)) / sizeof *frame;
    }
    return 1;
}

static enum gs_status find_locals(void *context, const struct gs_frame *frame, struct gs_local **locals, size_t *count)
{
    struct gs_look *look = context;
    if (!look->values)
        look->values = gs_values_new(look->python, look->secrets);
    if (!look->values)
        return GS_NO_MEMORY;
    return gs_values_locals(look->values, frame, frames_from(look->snapshot, frame), gs_reader_codes(look->reader),
                            locals, count);
}

struct gs_lookup gs_look_lookup(struct gs_look *look)
{
    return (struct gs_lookup){.context = look, .frame = find_frame, .name = find_name};
}

/* Who keeps us from stopping threads. */
static void find_holdup(const struct gs_look *look, struct gs_dump *dump)
{
    for (size_t i = 0; i < look->snapshot->thread_count && dump->holdup == 0; i++) {
        const struct gs_thread *thread = &look->snapshot->threads[i];
        if (thread->native && thread->native->end == GS_NATIVE_TRACED)
            dump->holdup = gs_target_tracer(look->target, thread->tid);
    }
    if (dump->holdup > 0)
        gs_process_comm(dump->holdup, dump->holdup_name);
}

struct gs_dump gs_look_dump(struct gs_look *look, const struct gs_args *args)
{
    struct gs_dump dump = {
        .target = look->target,
        .python = look->python,
        .snapshot = look->snapshot,
        .quality = gs_reader_quality(look->reader),
        .lookup = {.context = look, .frame = find_frame_again, .name = find_name},
        .time = look->time,
        .uptime_s = gs_target_uptime_s(look->target),
        .no_lines = args->function,
        .patterns = args->threads,
        .pattern_count = args->thread_count,
    };
    dump.stopped = gs_target_stopped(look->target, &dump.tracer);
    if (dump.tracer > 0)
        gs_process_comm(dump.tracer, dump.tracer_name);
    find_holdup(look, &dump);
    look->secrets = args->show_secrets;
    if (args->locals)
        dump.lookup.locals = find_locals;
    return dump;
}

void gs_look_close(struct gs_look *look)
{
    if (!look)
        return;
    gs_watch_unguard(look->watch);
    if (!gs_values_free(look->values))
        return; /* a thread was left behind with it */
    gs_names_free(look->names);
    gs_reader_free(look->reader);
    gs_python_close(look->python);
    gs_target_close(look->target);
    gs_watch_free(look->watch);
    free(look);
}
