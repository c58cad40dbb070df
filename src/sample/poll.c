/* A snapshot without stacks: only the fields of the GILs and the heads of the lists are read, and the kernel is asked
 * about those that may have changed. Whoever keeps a GIL for long is looked at more closely. */
#include "sample/collector.h"
#include "sample/reader.h"

enum {
    ATTEMPTS = 6,
    HASTY = 2,      /* so often once more, if the GIL changed hands while the kernel was asked */
    LONG_MOST = 16, /* stacks in one poll */
    SETTLE_LEAST_NS = 1000000,
    SETTLE_MOST_NS = 100000000
};

/* The threads that collect garbage, or have had their GIL for long, and whose stack was not read since, or for as long.
 */
static size_t choose_long(struct gs_reader *reader, uint64_t long_ns, struct gs_member *chosen[LONG_MOST])
{
    struct gs_thread_list *threads = &reader->threads;
    size_t count = 0;
    for (size_t i = 0; i < threads->interp_count && count < LONG_MOST; i++) {
        struct gs_member *member = gs_collector_unseen(threads, &threads->interps[i].collector);
        if (member) {
            member->stack.looked_ns = threads->taken_ns;
            chosen[count++] = member;
        }
    }
    if (long_ns == 0 || gs_over_budget(&reader->stacks))
        return count;
    for (size_t i = 0; i < threads->lock_count && count < LONG_MOST; i++) {
        const struct gs_lock *lock = &threads->locks[i];
        struct gs_member *holder = lock->last.locked ? gs_list_find(threads, lock->last.holder) : NULL;
        if (!holder || !holder->tid || holder->stack.looked_ns == threads->taken_ns ||
            threads->taken_ns - lock->since_ns < long_ns ||
            (holder->stack.polled_ns > lock->since_ns && threads->taken_ns - holder->stack.polled_ns < long_ns))
            continue;
        holder->stack.polled_ns = threads->taken_ns;
        chosen[count++] = holder;
    }
    return count;
}

/* Hand-overs since the last snapshot; UINT64_MAX: not known. */
static uint64_t moved_since(const struct gs_reader *reader, bool fresh)
{
    const struct gs_thread_list *threads = &reader->threads;
    const struct gs_lock *lock = &threads->locks[0];
    if (fresh || threads->lock_count != 1 || threads->interp_count != 1 || !lock->after.has_switches ||
        !lock->last.has_switches)
        return UINT64_MAX;
    return lock->after.switches - lock->last.switches;
}

static bool holder_unknown(const struct gs_reader *reader)
{
    const struct gs_thread_list *threads = &reader->threads;
    for (size_t i = 0; i < threads->lock_count; i++) {
        const struct gs_gil_fields *now = &threads->locks[i].after;
        if (now->locked && !gs_list_find(threads, now->holder))
            return true;
    }
    return false;
}

static enum gs_status read_gils(struct gs_reader *reader, uint64_t long_ns, bool fresh)
{
    struct gs_member *chosen[LONG_MOST];
    size_t count = fresh ? 0 : choose_long(reader, long_ns, chosen);
    enum gs_status status = gs_natives_read(&reader->stacks, chosen, count);
    if (status)
        return status;
    return gs_list_same(&reader->threads) ? GS_OK : GS_LOST;
}

/* The C stacks of those who were looked at more closely, and have it still, or stop all others for something else than
 * to collect. */
static void take_natives(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    for (size_t i = 0; i < threads->lock_count && reader->stacks.natives.scope != GS_NATIVE_NONE; i++) {
        const struct gs_gil_fields *now = &threads->locks[i].after;
        struct gs_member *holder = now->locked ? gs_list_find(threads, now->holder) : NULL;
        if (holder && holder->stack.polled_ns == threads->taken_ns && holder->wait.gil == GS_HOLDS)
            gs_natives_poll(&reader->stacks, holder);
    }
    for (size_t i = 0; i < threads->interp_count && reader->stacks.natives.scope != GS_NATIVE_NONE; i++) {
        const struct gs_collector *collector = &threads->interps[i].collector;
        struct gs_member *member =
            collector->requester && !collector->thread ? gs_list_find(threads, collector->requester) : NULL;
        if (member && member->stack.looked_ns == threads->taken_ns)
            gs_natives_poll(&reader->stacks, member);
    }
}

static enum gs_status poll(struct gs_reader *reader, uint64_t long_ns)
{
    struct gs_thread_list *threads = &reader->threads;
    enum gs_status status = GS_LOST;
    bool fresh = threads->discovery == 0 || reader->lost_before || reader->stale || reader->stacks.codes_stale,
         again = true;
    int hasty = 0;
    reader->stale = reader->stacks.codes_stale = false;
    threads->changed = reader->out.snapshot.threads == NULL || reader->lost_before || !reader->polled ||
                       reader->stacks.natives.published;
    for (int i = 0; i < ATTEMPTS; i++) {
        if (fresh) {
            threads->changed = reader->unread = true;
            status = gs_sample_discover(reader);
            if (gs_target_left_memory(threads->python->target))
                return GS_LOST; /* the caller finds out what became of it */
        }
        if (!fresh || !status)
            status = read_gils(reader, long_ns, fresh);
        if (status == GS_LOST) {
            fresh = true;
            continue;
        }
        if (status)
            return status;
        gs_classify_threads(&reader->waiters, moved_since(reader, fresh));
        bool strange = again && (gs_sample_ghosts(reader) || holder_unknown(reader));
        if (!strange && (gs_list_stands(threads) || hasty++ == HASTY)) {
            take_natives(reader);
            return GS_OK;
        }
        again &= !strange; /* once: it may stay like that */
        fresh = strange;
    }
    return status;
}

/* A state that was just made bears the ident of the thread that made it, or none, until its own thread runs. It is
 * looked at again soon; if it stays like that, as states do that a fork left behind, less and less often. */
static void settle(struct gs_reader *reader)
{
    uint64_t now_ns = reader->threads.taken_ns;
    if (reader->out.snapshot.thread_count == reader->threads.member_count) {
        reader->unsettled_ns = 0;
        return;
    }
    if (reader->unsettled_ns == 0)
        reader->unsettled_ns = reader->settle_ns = now_ns;
    if (now_ns < reader->settle_ns)
        return;
    uint64_t wait_ns = (now_ns - reader->unsettled_ns) / 2 + SETTLE_LEAST_NS;
    reader->settle_ns = now_ns + (wait_ns < SETTLE_MOST_NS ? wait_ns : (uint64_t)SETTLE_MOST_NS);
    reader->stale = true;
}

enum gs_status gs_reader_poll(struct gs_reader *reader, uint64_t long_ns, const struct gs_snapshot **snapshot)
{
    gs_stop_settle(&reader->stacks.stop);
    reader->threads.polling = true;
    reader->stacks.natives.polled = false;
    enum gs_status status = gs_sample_begin(reader);
    if (!status)
        status = poll(reader, long_ns);
    status = gs_sample_end(reader, status, snapshot);
    if (!status)
        settle(reader);
    return status;
}
