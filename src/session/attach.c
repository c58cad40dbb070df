/* Opening a process and taking a snapshot of it, in the steps that everybody shares. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/watch.h"
#include "session/attach.h"
#include "session/stuck.h"
#include "sample/snapshot_tasks.h"
#include "session/task_peers.h"
#include "session/values.h"

#define TAKE_NS  (UINT64_C(5) * 1000 * 1000 * 1000)
#define TASKS_NS (UINT64_C(100) * 1000 * 1000)

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
    const struct gs_postmortem *postmortem = target->postmortem;
    const char *path, *why;
    if (postmortem->lack && postmortem->lack(postmortem->files, 0, &path, &why)) {
        gs_fail(err, status, "cannot read the core %s: part of the memory is not in it, and %s %s", core, path, why);
        gs_err_todo(err, "Give the program's file as it was with --exe; its libraries are looked for below the same "
                         "root");
    } else if (postmortem->bytes < postmortem->whole_bytes) {
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

static enum gs_status open_process(struct gs_attach *attach, pid_t pid, const struct gs_attach_options *options,
                                   struct gs_err *err)
{
    struct gs_python_options python_options = {.assume = options->assume};
    enum gs_status status = options->core
                                ? gs_target_open_core(&attach->target, options->core, options->exe, attach->watch, err)
                                : gs_target_open(&attach->target, pid, attach->watch, err);
    if (status != GS_OK)
        return status;
    status = gs_python_open(&attach->python, attach->target, &python_options, err);
    if (status != GS_OK)
        return options->core ? explain_core(attach->target, options->core, status, err) : status;
    if (options->surroundings)
        gs_target_surroundings(attach->target);
    status = gs_reader_new(&attach->reader, attach->python, &options->reader);
    attach->names = gs_names_new(attach->python);
    if (status != GS_OK || !attach->names)
        return gs_fail(err, status != GS_OK ? status : GS_NO_MEMORY, "cannot read process %d: %s", (int)pid,
                       gs_status_text(status != GS_OK ? status : GS_NO_MEMORY));
    return GS_OK;
}

/* A target may make each attempt last. */
static bool patient(uint64_t began_ns, uint64_t most_ns)
{
    return gs_clock_ns() - began_ns < most_ns;
}

static size_t count_missed(const struct gs_attach *attach)
{
    size_t missed = 0;
    for (size_t i = 0; i < attach->snapshot->thread_count; i++)
        missed += !gs_names_get(attach->names, attach->snapshot->threads[i].ident);
    return missed;
}

/* Python changes its table of names while it is read, as threads come and go: another look finds who was missed. Those
 * that no look finds have none: threading does not know them. */
static void read_names(struct gs_attach *attach)
{
    size_t missed = SIZE_MAX, same = 0;
    int attempts = attach->target->postmortem ? 1 : NAMES_ATTEMPTS;
    uint64_t began_ns = gs_clock_ns();
    for (int i = 0; i < attempts && missed > 0 && same < NAMES_SAME && patient(began_ns, NAMES_NS); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = NAMES_PAUSE_NS}, NULL);
        for (size_t k = 0; k < attach->snapshot->interpreter_count; k++)
            gs_names_refresh(attach->names, attach->snapshot->interpreters[k].addr);
        size_t now = count_missed(attach);
        same = now == missed ? same + 1 : 0;
        missed = now;
    }
}

static struct timespec time_of(const struct gs_postmortem *postmortem)
{
    return (struct timespec){.tv_sec = postmortem->time_ns / 1000000000, .tv_nsec = postmortem->time_ns % 1000000000};
}

static void infer_names(struct gs_attach *attach)
{
    for (size_t i = 0; i < attach->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &attach->snapshot->threads[i];
        for (uint32_t f = 0; f < thread->frame_count; f++) {
            const struct gs_frame *frame = &thread->frames[f];
            if (frame->kind == GS_FRAME_PYTHON)
                gs_codes_infer(gs_reader_codes(attach->reader), frame->code, frame->frame, frame->first);
        }
    }
}

enum gs_status gs_attach_snapshot(struct gs_attach *attach)
{
    enum gs_status status = GS_LOST;
    int attempts = attach->target->postmortem ? 1 : TAKE_ATTEMPTS;
    uint64_t began_ns = gs_clock_ns();
    for (int i = 0; i < attempts && gs_status_class(status) == GS_CLASS_LOST && patient(began_ns, TAKE_NS); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = TAKE_PAUSE_NS}, NULL);
        gs_reader_full_census(attach->reader);
        clock_gettime(CLOCK_REALTIME, &attach->time);
        status = gs_reader_take(attach->reader, &attach->snapshot);
    }
    if (attach->target->postmortem)
        attach->time = time_of(attach->target->postmortem);
    memset(attach->frames, 0, sizeof attach->frames);
    if (status == GS_OK)
        read_names(attach);
    if (status == GS_OK)
        infer_names(attach);
    return status;
}

/* The environment lies in the memory of the process. */
static int64_t rank_of(const struct gs_attach *attach)
{
    if (attach->target->postmortem || !gs_watch_enter_spare(attach->watch, "reading its environment"))
        return -1;
    int64_t rank = gs_process_rank(attach->target->living);
    gs_watch_leave(attach->watch);
    return rank;
}

static enum gs_status take_threads(struct gs_attach *attach, const struct gs_attach_options *options,
                                   struct gs_err *err)
{
    enum gs_status status = gs_attach_snapshot(attach);
    if (status != GS_OK && options->core)
        return explain_core(attach->target, options->core, status, err);
    if (gs_status_class(status) == GS_CLASS_LOST && gs_watch_careful(attach->watch))
        return gs_fail(err, GS_FAILED, "cannot read process %d: what its threads hang on is in the memory left out",
                       (int)attach->target->pid);
    if (status != GS_OK)
        return gs_fail(err, status, "cannot read process %d: %s", (int)attach->target->pid, gs_status_text(status));
    attach->rank = rank_of(attach);
    return GS_OK;
}

static enum gs_status take_tasks(struct gs_attach *attach, struct gs_err *err)
{
    gs_tasks_free(&attach->tasks);
    enum gs_status status = gs_tasks_of(&attach->tasks, attach->python, gs_reader_codes(attach->reader),
                                        attach->snapshot, attach->target->postmortem ? 0 : (double)gs_clock_ns() / 1e9);
    if (status == GS_OK)
        return GS_OK;
    return gs_fail(err, status, "cannot read the tasks of process %d: %s", (int)attach->target->pid,
                   gs_status_text(status));
}

/* Threads and tasks of one moment: when a loop has gone on to another task since its thread was looked at, both are
 * looked at again, for as long as that is quick. */
static enum gs_status take(struct gs_attach *attach, const struct gs_attach_options *options, struct gs_err *err)
{
    uint64_t until_ns = gs_clock_ns() + TASKS_NS;
    enum gs_status status = take_threads(attach, options, err);
    if (!options->tasks || status != GS_OK)
        return status;
    status = take_tasks(attach, err);
    while (status == GS_OK && gs_tasks_moved(&attach->tasks) && gs_clock_ns() < until_ns) {
        gs_reader_drop(attach->reader);
        status = take_threads(attach, options, err);
        if (status == GS_OK)
            status = take_tasks(attach, err);
    }
    if (status == GS_OK)
        gs_task_peers(&attach->tasks, attach->target);
    return status;
}

static enum gs_status glance(struct gs_attach *attach, struct gs_err *err)
{
    enum gs_status status = gs_reader_take(attach->reader, &attach->snapshot);
    if (gs_status_class(status) == GS_CLASS_LOST)
        return GS_OK; /* it is a Python, only too busy at this moment */
    return status == GS_OK
               ? GS_OK
               : gs_fail(err, status, "cannot read process %d: %s", (int)attach->target->pid, gs_status_text(status));
}

/* What is done in a thread of its own, because the kernel may keep it for ever. */
struct opening {
    struct gs_attach attach; /* first: whoever is given it gives it back */
    const char *misled;      /* why --exe does not name the program of the core; NULL: it does, or is not given */
    pid_t pid;
    const struct gs_attach_options *options;
    enum gs_attach_depth depth;
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
    enum gs_status status = open_process(&opening->attach, opening->pid, opening->options, &opening->err);
    if (status == GS_OK && opening->depth != GS_ATTACH_OPEN)
        status = check_memory(opening->attach.target, &opening->err);
    if (status == GS_OK && opening->depth == GS_ATTACH_GLANCE)
        status = glance(&opening->attach, &opening->err);
    if (status == GS_OK && opening->depth == GS_ATTACH_WHOLE)
        status = take(&opening->attach, opening->options, &opening->err);
    const struct gs_postmortem *postmortem = opening->attach.target ? opening->attach.target->postmortem : NULL;
    if (status == GS_OK && postmortem && postmortem->misled)
        opening->misled = postmortem->misled(postmortem->files);
    return status;
}

enum gs_status gs_attach_open(struct gs_attach **attach, pid_t pid, const struct gs_attach_options *options,
                              enum gs_attach_depth depth, struct gs_err *err)
{
    struct gs_stuck stuck;
    struct gs_watch *watch = NULL;
    *attach = NULL;
    for (int i = 0; i < STUCK_MOST; i++) {
        struct opening *opening = calloc(1, sizeof *opening);
        watch = gs_watch_new(watch, &stuck);
        if (!opening || !watch) {
            free(opening);
            return gs_fail(err, GS_NO_MEMORY, "cannot read process %d: out of memory", (int)pid);
        }
        *opening =
            (struct opening){.attach = {.watch = watch, .rank = -1, .wish = options->wish, .remarks = options->remarks},
                             .pid = pid,
                             .options = options,
                             .depth = depth};
        enum gs_status status = gs_watch_run(watch, open_and_take, opening, &stuck);
        if (!stuck.what) {
            *attach = &opening->attach;
            *err = opening->err;
            if (status == GS_OK && opening->attach.python->note && !options->quiet)
                gs_tell(options->remarks, "%s", opening->attach.python->note);
            if (status == GS_OK && opening->attach.tasks.unknown && !options->quiet)
                gs_tell(options->remarks, "greenlets are not shown: this build of greenlet or of Python is not known");
            if (status == GS_OK && opening->misled && !options->quiet)
                gs_tell(options->remarks, "%s, which --exe names, was not used: it %s", options->exe, opening->misled);
            return status;
        }
        if (gs_stuck_tell(&stuck, pid, opening->attach.target, i == 0, options->remarks, err))
            continue;
        if (stuck.holding)
            options->end(options->context, err);
        return GS_FAILED;
    }
    return gs_fail(err, GS_FAILED, "cannot read process %d: the kernel does not answer", (int)pid);
}

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const struct gs_attach *attach = context;
    if (frame->kind == GS_FRAME_NATIVE) {
        const struct gs_native_name *name = gs_native_place(gs_reader_natives(attach->reader), frame->code);
        *info = (struct gs_frame_info){
            .function = name->function, .file = name->file, .module = name->module, .line = name->line};
        return true;
    }
    const struct gs_code *code = gs_codes_find(gs_reader_codes(attach->reader), frame->code);
    if (!code)
        return false;
    info->function = code->function;
    info->qualname = code->qualname;
    info->inferred = code->inferred && code->qualname;
    info->file = code->file;
    info->line = gs_code_line(&attach->python->layout, code, frame->instr);
    return true;
}

/* The same for one snapshot, whose code objects do not change: a line that was found is remembered. */
static bool find_frame_again(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    struct gs_attach *attach = context;
    struct gs_attach_frame *known =
        &attach->frames[(frame->code / 16 + (uint32_t)frame->instr * 31) % GS_ATTACH_FRAMES];
    if (known->code != frame->code || known->instr != frame->instr || !known->info.function) {
        if (!find_frame(context, frame, info))
            return false;
        *known = (struct gs_attach_frame){.code = frame->code, .instr = frame->instr, .info = *info};
    }
    *info = known->info;
    return true;
}

static const char *find_name(void *context, const struct gs_thread *thread, char spare[16])
{
    const struct gs_attach *attach = context;
    const char *name = gs_names_get(attach->names, thread->ident);
    if (name)
        return name;
    spare[0] = '\0';
    gs_target_comm(attach->target, thread->tid, spare);
    return spare;
}

/* How many frames of the same stack there are from this one on, as far as it can be told: that of a thread with several
 * states is a copy. */
static size_t frames_from(const struct gs_snapshot *snapshot, const struct gs_tasks *tasks,
                          const struct gs_frame *frame)
{
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        uintptr_t begin = (uintptr_t)thread->frames, bytes = thread->frame_count * sizeof *frame;
        if ((uintptr_t)frame - begin < bytes)
            return (bytes - ((uintptr_t)frame - begin)) / sizeof *frame;
    }
    uintptr_t begin = (uintptr_t)tasks->frames, bytes = tasks->frame_count * sizeof *frame;
    return (uintptr_t)frame - begin < bytes ? (bytes - ((uintptr_t)frame - begin)) / sizeof *frame : 1;
}

static enum gs_status find_locals(void *context, const struct gs_frame *frame, struct gs_local **locals, size_t *count)
{
    struct gs_attach *attach = context;
    if (!attach->values)
        attach->values = gs_values_new(attach->python, &attach->wish, attach->remarks);
    if (!attach->values)
        return GS_NO_MEMORY;
    return gs_values_locals(attach->values, frame, frames_from(attach->snapshot, &attach->tasks, frame),
                            gs_reader_codes(attach->reader), locals, count);
}

struct gs_lookup gs_attach_lookup(struct gs_attach *attach)
{
    return (struct gs_lookup){.context = attach, .frame = find_frame, .name = find_name};
}

struct gs_lookup gs_attach_lookup_again(struct gs_attach *attach)
{
    return (struct gs_lookup){.context = attach,
                              .frame = find_frame_again,
                              .name = find_name,
                              .locals = attach->wish.locals || attach->wish.path_count > 0 ? find_locals : NULL,
                              .whole = attach->wish.bytes > 0 || attach->wish.path_count > 0};
}

char gs_attach_stopped(const struct gs_attach *attach, const struct gs_remarks *remarks)
{
    int pid = (int)attach->target->pid;
    pid_t tracer;
    char stopped = gs_target_stopped(attach->target, &tracer);
    if (stopped == 'F')
        gs_tell(remarks, "process %d is frozen by its cgroup: none of its threads runs until it is thawed", pid);
    else if (stopped == 'T')
        gs_tell(remarks, "process %d is stopped by a signal: none of its threads runs until kill -CONT %d", pid, pid);
    return stopped == 'T' || stopped == 'F' ? stopped : 0;
}

void gs_attach_close(struct gs_attach *attach)
{
    if (!attach)
        return;
    gs_watch_unguard(attach->watch);
    if (!gs_values_free(attach->values))
        return; /* a thread was left behind with it */
    gs_tasks_free(&attach->tasks);
    gs_names_free(attach->names);
    gs_reader_free(attach->reader);
    gs_python_close(attach->python);
    gs_target_close(attach->target);
    gs_watch_free(attach->watch);
    free(attach);
}
