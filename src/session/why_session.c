/* The looks at one process, from the first to the verdicts. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "diagnose/why_frames.h"
#include "diagnose/why_say.h"
#include "sample/merge.h"
#include "sample/snapshot_tasks.h"
#include "session/task_peers.h"
#include "session/why_lookup.h"
#include "session/why_session.h"

#define CLOSER_NS (GS_WHY_LONG_NS * 2) /* a hold that lasts so long is looked at more closely */
#define LATE_NS   UINT64_C(100000000)  /* so long between two looks nobody knows who waited */
#define LOCKS_NS  UINT64_C(100000000)  /* so often it is looked at which locks go round */

static enum gs_status read_waits(struct gs_why_session *session, struct gs_waits *waits)
{
    struct gs_attach *attach = session->attach;
    return gs_waits_read(waits, attach->target, attach->python, attach->snapshot, &session->facts.lookup);
}

static enum gs_status read_tasks(struct gs_why_session *session, struct gs_tasks *tasks)
{
    struct gs_attach *attach = session->attach;
    gs_tasks_free(tasks);
    enum gs_status status = gs_tasks_of(tasks, attach->python, gs_reader_codes(attach->reader), attach->snapshot,
                                        attach->target->postmortem ? 0 : (double)gs_clock_ns() / 1e9);
    gs_task_peers(tasks, attach->target);
    return gs_status_class(status) == GS_CLASS_FATAL ? status : GS_OK;
}

enum gs_status gs_why_session_remember(struct gs_why_session *session)
{
    if (session->ended)
        return GS_OK;
    gs_waits_fini(&session->before);
    session->facts.before = &session->before;
    session->before_ns = gs_clock_ns();
    return read_waits(session, &session->before);
}

/* The account of the locks goes on by a look. */
static enum gs_status add_locks(struct gs_why_session *session)
{
    const struct gs_snapshot *snapshot = session->attach->snapshot;
    uint64_t gap_ns = session->lock_look_ns ? snapshot->time_ns - session->lock_look_ns : 0;
    enum gs_status status = GS_OK;
    gap_ns = gap_ns < LATE_NS ? gap_ns : 0;
    gs_lock_account_begin(session->locks, snapshot->time_ns, gap_ns);
    for (size_t i = 0; i < snapshot->thread_count && !status; i++) {
        const struct gs_lock_wait *wait = &snapshot->threads[i].lock;
        struct gs_lock_sample now = {.word = wait->word, .since_ns = wait->since_ns, .number = wait->number};
        if (wait->word)
            status = gs_lock_account_wait(session->locks, snapshot->threads[i].tid, &now);
    }
    gs_lock_account_end(session->locks);
    session->lock_look_ns = snapshot->time_ns;
    session->lock_span.ns += gap_ns;
    session->lock_span.samples++;
    return status;
}

static enum gs_status tell_locks(struct gs_why_session *session, const struct gs_waits *waits)
{
    struct gs_lock_looks looks = {0};
    enum gs_status status =
        gs_lock_finder_tell(&session->finder, waits, session->attach, session->attach->snapshot, &looks);
    for (size_t i = 0; i < looks.count && !status; i++)
        status = gs_lock_account_look(session->locks, &looks.list[i]);
    return status;
}

/* Reading what everybody waits for takes long where there are many threads: it is done for a twentieth of the time. */
static enum gs_status follow_locks(struct gs_why_session *session)
{
    struct gs_waits now;
    uint64_t begin_ns = gs_clock_ns();
    if (begin_ns < session->locks_ns)
        return GS_OK;
    enum gs_status status = read_waits(session, &now);
    if (status != GS_OK)
        return status;
    status = tell_locks(session, &now);
    gs_locks_passed_add(&session->passed, &session->last, &now);
    gs_waits_fini(&session->last);
    session->last = now;
    uint64_t end_ns = gs_clock_ns(), rest_ns = 20 * (end_ns - begin_ns);
    session->locks_ns = end_ns + (rest_ns > LOCKS_NS ? rest_ns : LOCKS_NS);
    return status;
}

enum gs_status gs_why_session_open(struct gs_why_session *session, struct gs_attach *attach,
                                   const struct gs_why_session_options *options)
{
    struct gs_case *facts = &session->facts;
    enum gs_status status = GS_OK;
    *session = (struct gs_why_session){.attach = attach, .native = options->native};
    if (!attach->snapshot)
        return GS_LOST;
    *facts = (struct gs_case){
        .target = attach->target, .python = attach->python, .watch = &session->watch, .now = &session->now, .cpu = -1};
    facts->closers = session->closers;
    facts->patterns = options->patterns;
    facts->pattern_count = options->pattern_count;
    facts->lookup = gs_why_lookup_of(attach);
    facts->stopped = gs_target_stopped(attach->target, &facts->tracer);
    if (facts->tracer > 0)
        gs_process_comm(facts->tracer, facts->tracer_name);
    session->locks = gs_lock_account_new();
    if (!session->locks)
        return GS_NO_MEMORY;
    gs_reader_locks(attach->reader, !attach->target->postmortem);
    if (!attach->target->postmortem) {
        session->facts.tasks_before = &session->tasks_before;
        status = read_tasks(session, &session->tasks_before);
    }
    if (status == GS_OK && !attach->target->postmortem)
        status = gs_why_session_remember(session);
    if (status == GS_OK)
        status = gs_why_natives_begin(&session->natives, attach->target);
    if (status == GS_OK)
        status = gs_why_watch_add(&session->watch, attach->snapshot);
    session->begin_ns = gs_clock_ns();
    if (!gs_target_clock_ns(attach->target, &session->begin_cpu_ns))
        session->begin_cpu_ns = 0;
    return status;
}

/* Notes where the thread is, out of a snapshot with its C stack. */
static void note_closer(struct gs_why_session *session, pid_t tid)
{
    struct gs_attach *attach = session->attach;
    struct gs_native *natives = gs_reader_natives(attach->reader);
    struct gs_merge *merge = gs_merge_new();
    size_t count = 0, *used = &session->facts.closer_count;
    const struct gs_thread *threads = merge ? gs_merge_threads(merge, attach->snapshot, &count) : NULL;
    for (size_t i = 0; i < count && threads; i++) {
        struct gs_why_closer closer = {.tid = tid};
        char spare[16];
        if (threads[i].tid != tid)
            continue;
        snprintf(closer.name, sizeof closer.name, "%s", session->facts.lookup.name(attach, &threads[i], spare));
        snprintf(closer.stack, sizeof closer.stack, "%s", gs_said_stack(&session->facts, &threads[i]).words);
        closer.in_python = threads[i].frame_count > 0 && threads[i].frames[0].kind == GS_FRAME_PYTHON &&
                           attach->snapshot->native != GS_NATIVE_NONE;
        if (natives)
            gs_why_closer_name(threads[i].frames, threads[i].frame_count, natives, &closer);
        if (*used == GS_WHY_CLOSERS)
            memmove(session->closers, session->closers + 1, --*used * sizeof closer);
        session->closers[(*used)++] = closer;
        break;
    }
    gs_merge_free(merge);
}

/* A hold lasts: one look at the C stack of that thread names what keeps the GIL. */
static enum gs_status look_closer(struct gs_why_session *session)
{
    struct gs_attach *attach = session->attach;
    for (size_t i = 0; i < GS_GILS_MOST; i++) {
        const struct gs_why_hold *hold = &session->watch.gils[i].now;
        if (!hold->tid || hold->end_ns - hold->begin_ns < CLOSER_NS || session->native_ns[i] == hold->begin_ns)
            continue;
        session->native_ns[i] = hold->begin_ns;
        enum gs_status status = gs_reader_native(attach->reader, GS_NATIVE_LEAF, hold->tid);
        if (status == GS_OK)
            status = gs_reader_take(attach->reader, &attach->snapshot);
        if (status == GS_OK)
            note_closer(session, hold->tid);
        enum gs_status off = gs_reader_native(attach->reader, GS_NATIVE_NONE, 0);
        return status != GS_OK ? status : off;
    }
    return GS_OK;
}

/* While a process changes its program its memory looks as if it had ended. */
static void note_end(struct gs_why_session *session, enum gs_status status)
{
    if (gs_status_class(status) == GS_CLASS_GONE)
        session->ended = gs_target_check(session->attach->target) == GS_EXECED ? GS_EXECED : status;
}

enum gs_status gs_why_session_look(struct gs_why_session *session)
{
    struct gs_attach *attach = session->attach;
    if (session->ended)
        return GS_OK;
    enum gs_status status = gs_reader_take(attach->reader, &attach->snapshot);
    if (status == GS_OK)
        status = gs_why_watch_add(&session->watch, attach->snapshot);
    if (status == GS_OK) {
        session->facts.snapshot = attach->snapshot;
        gs_why_loops_add(&session->loops, &session->facts);
        status = look_closer(session);
    }
    if (status == GS_OK)
        status = add_locks(session);
    if (status == GS_OK)
        status = follow_locks(session);
    note_end(session, status);
    return gs_status_class(status) == GS_CLASS_FATAL ? status : GS_OK;
}

static enum gs_status look_at_files(struct gs_why_session *session)
{
    enum gs_status status = gs_why_files_find(&session->files, session->attach, &session->watch);
    session->facts.files = &session->files;
    note_end(session, status);
    return gs_status_class(status) == GS_CLASS_FATAL ? status : GS_OK;
}

/* A snapshot of everybody, with names, as dump takes it. */
static enum gs_status look_at_all(struct gs_why_session *session)
{
    struct gs_attach *attach = session->attach;
    enum gs_status status = session->native ? gs_reader_native(attach->reader, session->native, 0) : GS_OK;
    if (status != GS_OK)
        return status;
    status = gs_attach_snapshot(attach);
    note_end(session, status);
    if (status != GS_OK)
        return session->ended ? GS_OK : status;
    return gs_why_watch_add(&session->watch, attach->snapshot);
}

/* The C stacks of those who had a GIL, then everybody once more as the user wants them. */
static enum gs_status look_into_core(struct gs_why_session *session)
{
    struct gs_attach *attach = session->attach;
    pid_t holders[GS_WHY_CLOSERS];
    size_t count = 0;
    for (size_t i = 0; i < attach->snapshot->gil_count && count < GS_WHY_CLOSERS; i++) {
        if (attach->snapshot->gils[i].holder > 0)
            holders[count++] = attach->snapshot->gils[i].holder;
    }
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < count && status == GS_OK; i++) {
        status = gs_reader_native(attach->reader, GS_NATIVE_LEAF, holders[i]);
        if (status == GS_OK)
            status = gs_reader_take(attach->reader, &attach->snapshot);
        if (status == GS_OK)
            note_closer(session, holders[i]);
    }
    if (status == GS_OK && count > 0)
        status = gs_reader_native(attach->reader, session->native, 0);
    if (status == GS_OK && count > 0)
        status = gs_reader_take(attach->reader, &attach->snapshot);
    return status;
}

/* The last snapshot went with the process; what all of them added up to is there. */
static enum gs_status judge_gone(struct gs_why_session *session)
{
    static const struct gs_snapshot nobody = {.moved_count = GS_EVERYBODY};
    session->facts.ended = session->ended;
    session->facts.snapshot = session->attach->snapshot = &nobody;
    gs_why_watch_end(&session->watch);
    return gs_why_judge(&session->why, &session->facts);
}

enum gs_status gs_why_session_judge(struct gs_why_session *session)
{
    struct gs_attach *attach = session->attach;
    uint64_t cpu_ns, now_ns = gs_clock_ns();
    enum gs_status status = GS_OK;
    if (session->ended)
        return judge_gone(session);
    if (session->begin_cpu_ns > 0 && gs_target_clock_ns(attach->target, &cpu_ns) && now_ns > session->begin_ns)
        session->facts.cpu = (double)(cpu_ns - session->begin_cpu_ns) / (double)(now_ns - session->begin_ns);
    if (!attach->target->postmortem)
        status = look_at_files(session);
    if (status == GS_OK && !session->ended)
        status = attach->target->postmortem ? look_into_core(session) : look_at_all(session);
    if (session->ended)
        return judge_gone(session);
    if (status != GS_OK)
        return status;
    gs_why_watch_end(&session->watch);
    status = read_waits(session, &session->now);
    if (status == GS_OK)
        status = gs_lock_account_finish(session->locks, &session->lock_span, 1, &session->lock_costs);
    session->facts.locks = &session->lock_costs;
    if (status == GS_OK)
        status = read_tasks(session, &attach->tasks);
    session->facts.tasks = &attach->tasks;
    if (status == GS_OK && !attach->target->postmortem)
        status = gs_why_natives_end(&session->natives, attach->target, attach->snapshot);
    if (status == GS_OK && !attach->target->postmortem) {
        gs_why_origin_find(&session->origin, attach, &session->now);
        session->facts.origin = &session->origin;
        session->facts.natives = &session->natives;
        gs_locks_passed_add(&session->passed, &session->last, &session->now);
        gs_why_loops_end(&session->loops);
        session->facts.passed = &session->passed;
        session->facts.loops = &session->loops;
    }
    session->facts.apart_ns = attach->target->postmortem ? 0 : gs_clock_ns() - session->before_ns;
    session->facts.snapshot = attach->snapshot;
    return status == GS_OK ? gs_why_judge(&session->why, &session->facts) : status;
}

void gs_why_session_close(struct gs_why_session *session)
{
    gs_why_fini(&session->why);
    gs_tasks_free(&session->tasks_before);
    gs_waits_fini(&session->before);
    gs_lock_finder_fini(&session->finder);
    gs_lock_account_free(session->locks);
    gs_gilstat_fini(&session->lock_costs);
    gs_why_natives_fini(&session->natives);
    gs_waits_fini(&session->last);
    gs_waits_fini(&session->now);
    gs_why_watch_fini(&session->watch);
}
