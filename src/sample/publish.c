/* The result of a reading, as the public header has it. */
#include <stdlib.h>

#include "sample/reader.h"

static int by_tid(const void *a, const void *b)
{
    const struct gs_member *x = *(struct gs_member *const *)a, *y = *(struct gs_member *const *)b;
    if (x->tid != y->tid)
        return x->tid < y->tid ? -1 : 1;
    return x->apart != y->apart ? x->apart - y->apart
                                : (x->interpreter > y->interpreter) - (x->interpreter < y->interpreter);
}

static enum gs_status make_room(struct gs_reader *reader)
{
    /* Who had a GIL last may be met twice among those who moved. */
    size_t threads = reader->member_count + reader->natives.count + reader->lock_count;
    struct gs_snapshot *out = &reader->snapshot;
    size_t order_room = reader->out_thread_room, moved_room = order_room;
    if (!gs_grow(reader, (void **)&out->interpreters, &reader->out_interp_room, reader->interp_count,
                 sizeof *out->interpreters) ||
        !gs_grow(reader, (void **)&out->gils, &reader->out_gil_room, reader->lock_count, sizeof *out->gils) ||
        !gs_grow(reader, (void **)&reader->order, &order_room, threads, sizeof *reader->order) ||
        !gs_grow(reader, (void **)&reader->moved, &moved_room, threads, sizeof *reader->moved) ||
        !gs_grow(reader, (void **)&out->threads, &reader->out_thread_room, threads, sizeof *out->threads))
        return GS_NO_MEMORY;
    return GS_OK;
}

/* Main thread first, then by tid; anew only when the list changed. */
static void sort_members(struct gs_reader *reader)
{
    if (reader->ordered == reader->discovery)
        return;
    reader->ordered = reader->discovery;
    reader->order_count = 0;
    for (size_t i = 0; i < reader->member_count; i++) {
        if (reader->members[i]->tid)
            reader->order[reader->order_count++] = reader->members[i];
    }
    if (reader->order_count > 0)
        qsort(reader->order, reader->order_count, sizeof *reader->order, by_tid);
    /* The main thread has the lowest number, unless the kernel's numbers began anew since: then it is moved to the
     * front. */
    for (size_t i = 0, moved = 0; i < reader->order_count; i++) {
        struct gs_member *member = reader->order[i];
        if (member->tid != reader->python->target->pid)
            continue;
        for (size_t k = i; k > moved; k--)
            reader->order[k] = reader->order[k - 1];
        reader->order[moved++] = member;
    }
}

enum gs_gil_state gs_lock_state(const struct gs_gil_words *words)
{
    return !words->enabled  ? GS_GIL_DISABLED
           : !words->exists ? GS_GIL_UNKNOWN
           : words->locked  ? GS_GIL_HELD
                            : GS_GIL_FREE;
}

static void publish_lock(const struct gs_reader *reader, const struct gs_lock *lock, struct gs_gil *gil)
{
    const struct gs_layout *layout = &reader->python->layout;
    const struct gs_gil_words *words = &lock->after;
    const struct gs_member *holder = words->locked ? gs_list_find(reader, words->holder) : NULL;
    const struct gs_member *last = gs_list_find(reader, words->last_holder);
    *gil = (struct gs_gil){.last = last ? last->tid : 0,
                           .state = gs_lock_state(words),
                           .has_switches = words->has_switches,
                           .has_interval = words->interval_us != 0,
                           .switches = words->switches,
                           .interval_us = words->interval_us,
                           .since_ns = lock->since_ns};
    if (layout->drop_request_bit >= 0 && holder && holder->breaker_sample == reader->sample) {
        gil->has_drop = true;
        gil->drop_requested = holder->breaker >> layout->drop_request_bit & 1;
    } else if (layout->drop_request_bit >= 0 && words->enabled && !words->locked) {
        gil->has_drop = true; /* nobody to ask */
    }
}

static void publish_interpreter(const struct gs_reader *reader, const struct gs_interp *interp,
                                struct gs_interpreter *out)
{
    const struct gs_layout *layout = &reader->python->layout;
    *out = (struct gs_interpreter){.addr = interp->addr,
                                   .id = interp->id,
                                   .gil = interp->lock,
                                   .collecting_garbage = interp->collecting_now != 0,
                                   .finalizing = reader->finalizing_now};
    struct gs_gil *gil = &reader->snapshot.gils[interp->lock];
    if (layout->is_gil_drop_request != GS_ABSENT || layout->rt_gil_drop_request != GS_ABSENT ||
        reader->python->at.gil_drop_request) {
        gil->has_drop = true;
        gil->drop_requested |= interp->drop_now != 0;
    }
}

/* What this snapshot has of C stacks. */
static enum gs_native_scope native_scope(const struct gs_reader *reader)
{
    if (reader->polling)
        return reader->natives.polled ? GS_NATIVE_LEAF : GS_NATIVE_NONE;
    return reader->natives.scope;
}

static void publish_thread(const struct gs_reader *reader, const struct gs_member *member, struct gs_thread *thread)
{
    *thread = (struct gs_thread){.tstate = member->tstate,
                                 .ident = member->ident,
                                 .tid = member->tid,
                                 .ns_tid = member->ns_tid,
                                 .interpreter = member->interpreter,
                                 .main = member->tid == reader->python->target->pid && !member->apart,
                                 .gil = member->gil,
                                 .evidence = member->evidence,
                                 .activity = member->activity,
                                 .torn = member->torn,
                                 .c_stack = member->c_stack,
                                 .apart = member->apart,
                                 .read = member->read_sample,
                                 .frames = member->frames,
                                 .frame_count = member->frame_count};
    if (reader->polling && member->read_sample != reader->sample) {
        thread->torn = false;
        thread->frames = NULL;
        thread->frame_count = 0;
    }
    const struct gs_natives *natives = &reader->natives;
    const struct gs_cstack *cstack =
        native_scope(reader) != GS_NATIVE_NONE && (!natives->only || natives->only == member->tid)
            ? gs_natives_find(reader, member->tid)
            : NULL;
    if (!cstack || (reader->polling && cstack->read_sample != reader->sample))
        return;
    thread->native = &cstack->stack;
    if (cstack->read_sample > thread->read)
        thread->read = cstack->read_sample;
}

/* What a poll has of a stack the next one has no more. */
static void publish_member(const struct gs_reader *reader, struct gs_member *member)
{
    publish_thread(reader, member, &reader->snapshot.threads[member->place]);
    member->news = reader->polling && member->read_sample == reader->sample;
}

static void publish_stateless(const struct gs_reader *reader, const struct gs_cstack *cstack, struct gs_thread *thread)
{
    *thread = (struct gs_thread){.tid = cstack->tid,
                                 .ns_tid = cstack->ns_tid,
                                 .main = cstack->tid == reader->python->target->pid,
                                 .gil = GS_NONE,
                                 .evidence = GS_EXACT,
                                 .activity = cstack->before,
                                 .read = cstack->read_sample,
                                 .native = &cstack->stack};
}

/* Threads that are none of Python's go between the others. */
static void publish_all_stateless(struct gs_reader *reader)
{
    struct gs_snapshot *out = &reader->snapshot;
    const struct gs_natives *natives = &reader->natives;
    size_t more = 0, count = out->thread_count;
    if (native_scope(reader) != GS_NATIVE_ALL)
        return;
    for (size_t i = 0; i < natives->count; i++)
        more += !natives->list[i].has_state && natives->list[i].before.run != GS_RUN_GONE;
    size_t to = count + more;
    out->thread_count = to;
    for (size_t i = natives->count; i-- > 0;) {
        const struct gs_cstack *cstack = &natives->list[i];
        if (cstack->has_state || cstack->before.run == GS_RUN_GONE)
            continue;
        while (count > 0 && out->threads[count - 1].tid > cstack->tid && !out->threads[count - 1].main)
            out->threads[--to] = out->threads[--count];
        publish_stateless(reader, cstack, &out->threads[--to]);
    }
}

/* How much speaks for it that this is the state in which its thread runs Python. A state that a fork left behind may
 * have been found by a struct pthread that is another thread's by now. */
static int weight(const struct gs_member *member)
{
    bool says_so = member->native && (pid_t)member->native == member->ns_tid;
    return (says_so ? 4 : 0) + (member->frame_count > 0 ? 2 : 0) + (member->gil == GS_HOLDS ? 1 : 0);
}

/* A thread state that was just made bears the ident of the thread that made it until its own thread runs: of two for
 * one thread in one interpreter only one counts. */
static bool is_double(const struct gs_reader *reader, size_t index)
{
    const struct gs_member *member = reader->order[index];
    size_t first = index;
    while (first > 0 && reader->order[first - 1]->tid == member->tid)
        first--;
    for (size_t i = first; i < reader->order_count && reader->order[i]->tid == member->tid; i++) {
        const struct gs_member *other = reader->order[i];
        if (other->interpreter == member->interpreter &&
            (weight(other) > weight(member) || (weight(other) == weight(member) && i < index)))
            return true;
    }
    return false;
}

static void name_holder(struct gs_reader *reader, const struct gs_member *member)
{
    if (member->gil == GS_HOLDS)
        reader->snapshot.gils[reader->interps[member->interpreter].lock].holder = member->tid;
}

static void publish_threads(struct gs_reader *reader)
{
    struct gs_snapshot *out = &reader->snapshot;
    bool doubles = false;
    out->thread_count = 0;
    for (size_t i = 0; i < reader->order_count; i++) {
        struct gs_member *member = reader->order[i];
        bool twice = is_double(reader, i);
        doubles |= twice;
        member->place = SIZE_MAX;
        if (member->activity.run == GS_RUN_GONE || twice)
            continue;
        member->place = out->thread_count++;
        publish_member(reader, member);
        name_holder(reader, member);
    }
    reader->placed = doubles ? 0 : reader->discovery;
}

static void publish_one(struct gs_reader *reader, struct gs_member *member)
{
    struct gs_snapshot *out = &reader->snapshot;
    if (!member->news || member->place == SIZE_MAX)
        return;
    publish_member(reader, member);
    reader->moved[out->moved_count++] = (uint32_t)member->place;
}

/* All that were published last have their places still. */
static bool is_placed(const struct gs_reader *reader)
{
    return reader->placed == reader->discovery && reader->polling == reader->polled && !reader->any_gone &&
           reader->natives.scope == GS_NATIVE_NONE && !reader->natives.published;
}

/* Those of whom there is news. If nobody does anything else than in the last sample, there was no hand-over, and only
 * the stack of whoever had the GIL last was read. */
static void publish_moved(struct gs_reader *reader)
{
    reader->snapshot.moved_count = 0;
    for (size_t i = 0; reader->changed && i < reader->order_count; i++)
        publish_one(reader, reader->order[i]);
    for (size_t i = 0; i < reader->lock_count; i++) {
        const struct gs_gil_words *words = &reader->locks[i].after;
        struct gs_member *last = gs_list_find(reader, words->last_holder);
        const struct gs_member *holder = gs_list_find(reader, words->holder);
        if (last)
            publish_one(reader, last);
        if (holder && holder->place != SIZE_MAX)
            name_holder(reader, holder);
    }
}

static void publish_natives(struct gs_reader *reader)
{
    static const char *const evaluators[] = {
        [GS_EVALUATOR_EX] = "PyEval_EvalFrameEx", [GS_EVALUATOR_DEFAULT] = "_PyEval_EvalFrameDefault"};
    struct gs_snapshot *out = &reader->snapshot;
    out->native = native_scope(reader);
    out->natives = reader->natives.engine;
    out->evaluator = evaluators[reader->python->layout.evaluator];
    reader->natives.published = out->native != GS_NATIVE_NONE;
    publish_all_stateless(reader);
}

enum gs_status gs_publish(struct gs_reader *reader)
{
    struct gs_snapshot *out = &reader->snapshot;
    enum gs_status status = make_room(reader);
    if (status)
        return status;
    sort_members(reader);
    out->time_ns = reader->taken_ns;
    out->moved = reader->moved;
    out->moved_count = GS_EVERYBODY;
    out->interpreter_count = reader->interp_count;
    out->gil_count = reader->lock_count;
    for (size_t i = 0; i < reader->lock_count; i++)
        publish_lock(reader, &reader->locks[i], &out->gils[i]);
    for (size_t i = 0; i < reader->interp_count; i++)
        publish_interpreter(reader, &reader->interps[i], &out->interpreters[i]);
    if (is_placed(reader))
        publish_moved(reader);
    else
        publish_threads(reader);
    publish_natives(reader);
    return GS_OK;
}

void gs_publish_free(struct gs_reader *reader)
{
    free(reader->snapshot.interpreters);
    free(reader->snapshot.gils);
    free(reader->snapshot.threads);
    free(reader->order);
    free(reader->moved);
}
