/* Opening a process and taking a snapshot of it, in the steps that everybody shares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/room.h"
#include "base/sorted.h"
#include "base/watch.h"
#include "gilspy/snapshot.h"
#include "mem/metered.h"
#include "python/classes.h"
#include "sample/snapshot_tasks.h"
#include "session/attach.h"
#include "session/stuck.h"
#include "session/values.h"

/* Reads a class once for each frame; pages are read once for all. */
enum { FRAMES_MOST = 4000, READS_MOST = 2 << 20 };

static void classes_free(struct gs_classes *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        free(classes->list[i].qualname);
    free(classes->list);
    *classes = (struct gs_classes){0};
}

static void add(struct gs_classes *classes, const struct gs_frame *frame, const char *class, const char *function)
{
    char *qualname;
    if (!gs_room((void **)&classes->list, &classes->room, classes->count + 1, sizeof *classes->list) ||
        asprintf(&qualname, "%s.%s", class, function) < 0)
        return;
    classes->list[classes->count++] = (struct gs_class_frame){frame->frame, frame->code, qualname};
}

static bool below(const struct gs_class_frame *a, gs_addr frame, gs_addr code)
{
    return a->frame != frame ? a->frame < frame : a->code < code;
}

static int by_frame(const void *left, const void *right)
{
    const struct gs_class_frame *a = left, *b = right;
    return below(a, b->frame, b->code) ? -1 : below(b, a->frame, a->code);
}

/* Of a Python whose code has no qualname; else there are none. What cannot be found out is left out, as are frames when
 * there are very many. */
static void classes_read(struct gs_classes *classes, const struct gs_python *python, const struct gs_codes *codes,
                         const struct gs_snapshot *snapshot)
{
    uint64_t left = READS_MOST;
    struct gs_metered metered;
    struct gs_types types = {0};
    size_t frames = 0;
    char name[GS_CLASS_NAME];
    classes_free(classes);
    struct gs_mem *pages = python->layout.co_qualname == GS_ABSENT ? gs_mem_cache_new(python->mem) : NULL;
    if (!pages)
        return;
    gs_metered_init(&metered, pages, &left);
    classes->time_ns = snapshot->time_ns;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        const struct gs_thread *thread = &snapshot->threads[i];
        for (uint32_t f = 0; f < thread->frame_count && frames < FRAMES_MOST; f++, frames++) {
            const struct gs_frame *frame = &thread->frames[f];
            const struct gs_code *code = frame->kind == GS_FRAME_PYTHON ? gs_codes_find(codes, frame->code) : NULL;
            if (code && gs_class_of(python, &metered.mem, &types, frame->frame, code, name))
                add(classes, frame, name, code->function);
        }
    }
    gs_mem_free(pages);
    if (classes->count > 0)
        qsort(classes->list, classes->count, sizeof *classes->list, by_frame);
}

/* NULL: not known. */
static const char *classes_find(const struct gs_classes *classes, const struct gs_snapshot *snapshot,
                                const struct gs_frame *frame)
{
    size_t at = GS_FIRST_NOT(i, classes->count, below(&classes->list[i], frame->frame, frame->code));
    bool known = at < classes->count && snapshot && snapshot->time_ns == classes->time_ns &&
                 classes->list[at].frame == frame->frame && classes->list[at].code == frame->code;
    return known ? classes->list[at].qualname : NULL;
}

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
    int attempts = attach->target->still ? 1 : NAMES_ATTEMPTS;
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

static struct timespec time_of(const struct gs_still *still)
{
    return (struct timespec){.tv_sec = still->time_ns / 1000000000, .tv_nsec = still->time_ns % 1000000000};
}

enum gs_status gs_attach_snapshot(struct gs_attach *attach)
{
    enum gs_status status = GS_LOST;
    int attempts = attach->target->still ? 1 : TAKE_ATTEMPTS;
    uint64_t began_ns = gs_clock_ns();
    for (int i = 0; i < attempts && gs_status_class(status) == GS_CLASS_LOST && patient(began_ns, TAKE_NS); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = TAKE_PAUSE_NS}, NULL);
        gs_reader_full_census(attach->reader);
        clock_gettime(CLOCK_REALTIME, &attach->time);
        status = gs_reader_take(attach->reader, &attach->snapshot);
    }
    if (attach->target->still)
        attach->time = time_of(attach->target->still);
    memset(attach->frames, 0, sizeof attach->frames);
    if (status == GS_OK)
        read_names(attach);
    if (status == GS_OK)
        classes_read(&attach->classes, attach->python, gs_reader_codes(attach->reader), attach->snapshot);
    return status;
}

/* The environment lies in the memory of the process. */
static int64_t rank_of(const struct gs_attach *attach)
{
    if (attach->target->still || !gs_watch_enter_spare(attach->watch, "reading its environment"))
        return -1;
    int64_t rank = gs_process_rank(attach->target->living);
    gs_watch_leave(attach->watch);
    return rank;
}

static enum gs_status take(struct gs_attach *attach, const struct gs_attach_options *options, struct gs_err *err)
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
    if (!options->tasks)
        return GS_OK;
    gs_tasks_free(&attach->tasks);
    status = gs_tasks_of(&attach->tasks, attach->python, gs_reader_codes(attach->reader), attach->snapshot,
                         attach->target->still ? 0 : (double)gs_clock_ns() / 1e9);
    return status == GS_OK ? GS_OK
                           : gs_fail(err, status, "cannot read the tasks of process %d: %s", (int)attach->target->pid,
                                     gs_status_text(status));
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
    const struct gs_still *still = opening->attach.target ? opening->attach.target->still : NULL;
    if (status == GS_OK && still && still->misled)
        opening->misled = still->misled(still->files);
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

static bool find_code(const struct gs_attach *attach, const struct gs_frame *frame, struct gs_frame_info *info)
{
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
    info->inferred = false;
    info->file = code->file;
    info->line = gs_code_line(&attach->python->layout, code, frame->instr);
    return true;
}

/* The same code may be run by methods of several classes. */
static void find_class(const struct gs_attach *attach, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const char *inferred = frame->kind == GS_FRAME_PYTHON && !info->qualname && attach->classes.count > 0
                               ? classes_find(&attach->classes, attach->snapshot, frame)
                               : NULL;
    if (!inferred)
        return;
    info->qualname = inferred;
    info->inferred = true;
}

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    bool found = find_code(context, frame, info);
    if (found)
        find_class(context, frame, info);
    return found;
}

/* The same for one snapshot, whose code objects do not change: a line that was found is remembered. */
static bool find_frame_again(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    struct gs_attach *attach = context;
    struct gs_attach_frame *known =
        &attach->frames[(frame->code / 16 + (uint32_t)frame->instr * 31) % GS_ATTACH_FRAMES];
    if (known->code != frame->code || known->instr != frame->instr || !known->info.function) {
        if (!find_code(context, frame, info))
            return false;
        *known = (struct gs_attach_frame){.code = frame->code, .instr = frame->instr, .info = *info};
    }
    *info = known->info;
    find_class(context, frame, info);
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
    classes_free(&attach->classes);
    gs_names_free(attach->names);
    gs_reader_free(attach->reader);
    gs_python_close(attach->python);
    gs_target_close(attach->target);
    gs_watch_free(attach->watch);
    free(attach);
}
