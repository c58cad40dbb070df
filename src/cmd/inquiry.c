/* The looks at one process, from the first to the verdicts. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/inquiry.h"
#include "diagnose/why_closer.h"
#include "diagnose/why_say.h"
#include "sample/merge.h"

#define CLOSER_NS (GS_WHY_LONG_NS * 2) /* a hold that lasts so long is looked at more closely */

enum { LAST_ATTEMPTS = 50, LAST_PAUSE_NS = 1000 * 1000 };

static const char *name_of(void *context, const struct gs_thread *thread, char spare[16])
{
    struct gs_lookup lookup = gs_look_lookup(context);
    return lookup.name(lookup.context, thread, spare);
}

static bool place_of(void *context, const struct gs_frame *frame, struct gs_place *place)
{
    struct gs_lookup lookup = gs_look_lookup(context);
    struct gs_frame_info info;
    if (!lookup.frame(lookup.context, frame, &info))
        return false;
    *place = (struct gs_place){.function = info.function,
                               .qualname = info.qualname,
                               .file = info.file ? info.file : "",
                               .line = info.line,
                               .kind = frame->kind};
    return true;
}

static const struct gs_code *code_of(void *context, const struct gs_frame *frame)
{
    const struct gs_look *look = context;
    return gs_codes_find(gs_reader_codes(look->reader), frame->code);
}

static enum gs_status read_waits(struct gs_inquiry *inquiry, struct gs_waits *waits)
{
    struct gs_look *look = inquiry->look;
    return gs_waits_read(waits, look->target, look->python, look->snapshot, &inquiry->facts.lookup);
}

enum gs_status gs_inquiry_remember(struct gs_inquiry *inquiry)
{
    if (inquiry->ended)
        return GS_OK;
    gs_waits_fini(&inquiry->before);
    inquiry->facts.before = &inquiry->before;
    inquiry->before_ns = gs_clock_ns();
    return read_waits(inquiry, &inquiry->before);
}

enum gs_status gs_inquiry_open(struct gs_inquiry *inquiry, pid_t pid, const struct gs_args *args,
                               enum gs_look_depth depth, struct gs_err *err)
{
    *inquiry = (struct gs_inquiry){.args = *args, .native = args->core ? GS_NATIVE_NONE : args->native};
    if (!args->core)
        inquiry->args.native = GS_NATIVE_NONE;
    enum gs_status status = gs_look_open(&inquiry->look, pid, &inquiry->args, depth, err);
    struct gs_look *look = inquiry->look;
    if (status != GS_OK)
        return status;
    if (!look->snapshot)
        return gs_fail(err, GS_LOST, "cannot watch process %d: %s", (int)pid, gs_status_text(GS_LOST));
    struct gs_case *facts = &inquiry->facts;
    *facts = (struct gs_case){
        .target = look->target, .python = look->python, .watch = &inquiry->watch, .now = &inquiry->now, .cpu = -1};
    facts->closers = inquiry->closers;
    facts->patterns = args->threads;
    facts->pattern_count = args->thread_count;
    facts->lookup = (struct gs_why_lookup){look, name_of, place_of, code_of};
    facts->stopped = gs_target_stopped(look->target, &facts->tracer);
    if (facts->tracer > 0)
        gs_process_comm(facts->tracer, facts->tracer_name);
    if (!look->target->still)
        status = gs_inquiry_remember(inquiry);
    if (status == GS_OK)
        status = gs_why_watch_add(&inquiry->watch, look->snapshot);
    inquiry->begin_ns = gs_clock_ns();
    if (!gs_target_clock_ns(look->target, &inquiry->begin_cpu_ns))
        inquiry->begin_cpu_ns = 0;
    return status == GS_OK ? GS_OK
                           : gs_fail(err, status, "cannot watch process %d: %s", (int)pid, gs_status_text(status));
}

/* Notes where the thread is, out of a snapshot with its C stack. */
static void note_closer(struct gs_inquiry *inquiry, pid_t tid)
{
    struct gs_look *look = inquiry->look;
    struct gs_native *natives = gs_reader_natives(look->reader);
    struct gs_merge *merge = gs_merge_new();
    size_t count = 0, *used = &inquiry->facts.closer_count;
    const struct gs_thread *threads = merge ? gs_merge_threads(merge, look->snapshot, &count) : NULL;
    for (size_t i = 0; i < count && threads; i++) {
        struct gs_why_closer closer = {.tid = tid};
        char spare[16];
        if (threads[i].tid != tid)
            continue;
        snprintf(closer.name, sizeof closer.name, "%s", name_of(look, &threads[i], spare));
        snprintf(closer.stack, sizeof closer.stack, "%s", gs_said_stack(&inquiry->facts, &threads[i]).words);
        closer.in_python = threads[i].frame_count > 0 && threads[i].frames[0].kind == GS_FRAME_PYTHON &&
                           look->snapshot->native != GS_NATIVE_NONE;
        if (natives)
            gs_why_closer_name(threads[i].frames, threads[i].frame_count, natives, &closer);
        if (*used == GS_WHY_CLOSERS)
            memmove(inquiry->closers, inquiry->closers + 1, --*used * sizeof closer);
        inquiry->closers[(*used)++] = closer;
        break;
    }
    gs_merge_free(merge);
}

/* A hold lasts: one look at the C stack of that thread names what keeps the GIL. */
static enum gs_status look_closer(struct gs_inquiry *inquiry)
{
    struct gs_look *look = inquiry->look;
    for (size_t i = 0; i < GS_WHY_GILS; i++) {
        const struct gs_why_hold *hold = &inquiry->watch.gils[i].now;
        if (!hold->tid || hold->end_ns - hold->begin_ns < CLOSER_NS || inquiry->native_ns[i] == hold->begin_ns)
            continue;
        inquiry->native_ns[i] = hold->begin_ns;
        enum gs_status status = gs_reader_native(look->reader, GS_NATIVE_LEAF, hold->tid);
        if (status == GS_OK)
            status = gs_reader_take(look->reader, &look->snapshot);
        if (status == GS_OK)
            note_closer(inquiry, hold->tid);
        enum gs_status off = gs_reader_native(look->reader, GS_NATIVE_NONE, 0);
        return status != GS_OK ? status : off;
    }
    return GS_OK;
}

/* While a process changes its program its memory looks as if it had ended. */
static void note_end(struct gs_inquiry *inquiry, enum gs_status status)
{
    if (gs_status_class(status) == GS_CLASS_GONE)
        inquiry->ended = gs_target_check(inquiry->look->target) == GS_EXECED ? GS_EXECED : status;
}

enum gs_status gs_inquiry_look(struct gs_inquiry *inquiry)
{
    struct gs_look *look = inquiry->look;
    if (inquiry->ended)
        return GS_OK;
    enum gs_status status = gs_reader_take(look->reader, &look->snapshot);
    if (status == GS_OK)
        status = gs_why_watch_add(&inquiry->watch, look->snapshot);
    if (status == GS_OK)
        status = look_closer(inquiry);
    note_end(inquiry, status);
    return gs_status_class(status) == GS_CLASS_FATAL ? status : GS_OK;
}

/* A snapshot of everybody, with names, as dump takes it. */
static enum gs_status look_at_all(struct gs_inquiry *inquiry)
{
    struct gs_look *look = inquiry->look;
    enum gs_status status = inquiry->native ? gs_reader_native(look->reader, inquiry->native, 0) : GS_OK;
    if (status != GS_OK)
        return status;
    status = GS_LOST;
    for (int i = 0; i < LAST_ATTEMPTS && gs_status_class(status) == GS_CLASS_LOST; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = LAST_PAUSE_NS}, NULL);
        gs_reader_full_census(look->reader);
        clock_gettime(CLOCK_REALTIME, &look->time);
        status = gs_reader_take(look->reader, &look->snapshot);
    }
    note_end(inquiry, status);
    if (status != GS_OK)
        return inquiry->ended ? GS_OK : status;
    memset(look->frames, 0, sizeof look->frames);
    for (size_t i = 0; i < look->snapshot->interpreter_count; i++)
        gs_names_refresh(look->names, look->snapshot->interpreters[i].addr);
    return gs_why_watch_add(&inquiry->watch, look->snapshot);
}

/* The C stacks of those who had a GIL, then everybody once more as the user wants them. */
static enum gs_status look_into_core(struct gs_inquiry *inquiry)
{
    struct gs_look *look = inquiry->look;
    pid_t holders[GS_WHY_CLOSERS];
    size_t count = 0;
    for (size_t i = 0; i < look->snapshot->gil_count && count < GS_WHY_CLOSERS; i++) {
        if (look->snapshot->gils[i].holder > 0)
            holders[count++] = look->snapshot->gils[i].holder;
    }
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        status = gs_reader_native(look->reader, GS_NATIVE_LEAF, holders[i]);
        if (status == GS_OK)
            status = gs_reader_take(look->reader, &look->snapshot);
        if (status == GS_OK)
            note_closer(inquiry, holders[i]);
    }
    if (status == GS_OK && count > 0)
        status = gs_reader_native(look->reader, inquiry->args.native, 0);
    if (status == GS_OK && count > 0)
        status = gs_reader_take(look->reader, &look->snapshot);
    return status;
}

/* The last snapshot went with the process; what all of them added up to is there. */
static enum gs_status judge_gone(struct gs_inquiry *inquiry)
{
    static const struct gs_snapshot nobody = {.moved_count = GS_EVERYBODY};
    inquiry->facts.ended = inquiry->ended;
    inquiry->facts.snapshot = inquiry->look->snapshot = &nobody;
    gs_why_watch_end(&inquiry->watch);
    return gs_why_judge(&inquiry->why, &inquiry->facts);
}

enum gs_status gs_inquiry_judge(struct gs_inquiry *inquiry)
{
    struct gs_look *look = inquiry->look;
    uint64_t cpu_ns, now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (inquiry->ended)
        return judge_gone(inquiry);
    if (inquiry->begin_cpu_ns > 0 && gs_target_clock_ns(look->target, &cpu_ns) && now_ns > inquiry->begin_ns)
        inquiry->facts.cpu = (double)(cpu_ns - inquiry->begin_cpu_ns) / (double)(now_ns - inquiry->begin_ns);
    status = look->target->still ? look_into_core(inquiry) : look_at_all(inquiry);
    if (inquiry->ended)
        return judge_gone(inquiry);
    if (status != GS_OK)
        return status;
    gs_why_watch_end(&inquiry->watch);
    status = read_waits(inquiry, &inquiry->now);
    inquiry->facts.apart_ns = look->target->still ? 0 : gs_clock_ns() - inquiry->before_ns;
    inquiry->facts.snapshot = look->snapshot;
    return status == GS_OK ? gs_why_judge(&inquiry->why, &inquiry->facts) : status;
}

void gs_inquiry_close(struct gs_inquiry *inquiry)
{
    gs_why_fini(&inquiry->why);
    gs_waits_fini(&inquiry->before);
    gs_waits_fini(&inquiry->now);
    gs_why_watch_fini(&inquiry->watch);
    gs_look_close(inquiry->look);
}
