/* The result of a reading, as the public header has it. */
#include <stdlib.h>
#include <string.h>

#include "sample/collector.h"
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
    /* Who had a GIL last may be met twice among those who moved, and so may who collects, or did. */
    size_t threads = reader->threads.member_count + reader->stacks.natives.count + reader->threads.lock_count +
                     2 * reader->threads.interp_count;
    struct gs_snapshot *out = &reader->out.snapshot;
    size_t order_room = reader->out.thread_room, moved_room = order_room, had = reader->out.collecting_room;
    struct gs_collecting **collecting = &reader->out.collecting;
    if (!gs_grow(&reader->stacks, (void **)collecting, &reader->out.collecting_room, reader->threads.interp_count,
                 sizeof **collecting))
        return GS_NO_MEMORY;
    if (had < reader->out.collecting_room)
        memset(*collecting + had, 0, (reader->out.collecting_room - had) * sizeof **collecting);
    if (!gs_grow(&reader->stacks, (void **)&out->interpreters, &reader->out.interp_room, reader->threads.interp_count,
                 sizeof *out->interpreters) ||
        !gs_grow(&reader->stacks, (void **)&out->gils, &reader->out.gil_room, reader->threads.lock_count,
                 sizeof *out->gils) ||
        !gs_grow(&reader->stacks, (void **)&reader->out.order, &order_room, threads, sizeof *reader->out.order) ||
        !gs_grow(&reader->stacks, (void **)&reader->out.moved, &moved_room, threads, sizeof *reader->out.moved) ||
        !gs_grow(&reader->stacks, (void **)&out->threads, &reader->out.thread_room, threads, sizeof *out->threads))
        return GS_NO_MEMORY;
    return GS_OK;
}

/* Main thread first, then by tid; anew only when the list changed. */
static void sort_members(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    if (reader->out.ordered == threads->arrangement)
        return;
    reader->out.ordered = threads->arrangement;
    reader->out.order_count = 0;
    for (size_t i = 0; i < threads->member_count; i++) {
        if (threads->members[i]->tid)
            reader->out.order[reader->out.order_count++] = threads->members[i];
    }
    if (reader->out.order_count > 0)
        qsort(reader->out.order, reader->out.order_count, sizeof *reader->out.order, by_tid);
    /* The main thread has the lowest number, unless the kernel's numbers began anew since: then it is moved to the
     * front. */
    for (size_t i = 0, moved = 0; i < reader->out.order_count; i++) {
        struct gs_member *member = reader->out.order[i];
        if (member->tid != threads->python->target->pid)
            continue;
        for (size_t k = i; k > moved; k--)
            reader->out.order[k] = reader->out.order[k - 1];
        reader->out.order[moved++] = member;
    }
}

static void publish_lock(const struct gs_reader *reader, const struct gs_lock *lock, struct gs_gil *gil)
{
    const struct gs_thread_list *threads = &reader->threads;
    const struct gs_layout *layout = &threads->python->layout;
    const struct gs_gil_fields *now = &lock->after;
    const struct gs_member *holder = now->locked ? gs_list_find(threads, now->holder) : NULL;
    const struct gs_member *last = gs_list_find(threads, now->last_holder);
    *gil = (struct gs_gil){.last = last ? last->tid : 0,
                           .state = gs_gil_state_of(now),
                           .has_switches = now->has_switches,
                           .has_interval = now->interval_us != 0,
                           .switches = now->switches,
                           .interval_us = now->interval_us,
                           .since_ns = lock->since_ns};
    if (layout->drop_request_bit >= 0 && holder && holder->stack.breaker_sample == threads->sample) {
        gil->has_drop = true;
        gil->drop_requested = holder->stack.breaker >> layout->drop_request_bit & 1;
    } else if (layout->drop_request_bit >= 0 && now->enabled && !now->locked) {
        gil->has_drop = true; /* nobody to ask */
    }
}

static struct gs_stopped_world world_of(const struct gs_thread_list *threads, const struct gs_collector *collector)
{
    const struct gs_member *requester = collector->requester ? gs_list_find(threads, collector->requester) : NULL;
    return (struct gs_stopped_world){.known = collector->known,
                                     .requested = collector->requester != 0,
                                     .stopped = collector->stopped,
                                     .requester = requester ? requester->tid : 0};
}

static void publish_interpreter(const struct gs_reader *reader, const struct gs_interp *interp,
                                struct gs_interpreter *out)
{
    const struct gs_layout *layout = &reader->threads.python->layout;
    *out = (struct gs_interpreter){.addr = interp->addr,
                                   .id = interp->id,
                                   .gil = interp->lock,
                                   .collecting_garbage = interp->collecting_now != 0,
                                   .collecting_known = layout->is_gc_collecting != GS_ABSENT ||
                                                       layout->rt_gc_collecting != GS_ABSENT ||
                                                       reader->threads.python->at.collecting != 0,
                                   .collections = interp->collector.len > 0 ? &interp->collector.ended : NULL,
                                   .world = world_of(&reader->threads, &interp->collector),
                                   .finalizing = reader->stacks.finalizing_now};
    struct gs_gil *gil = &reader->out.snapshot.gils[interp->lock];
    if (layout->is_gil_drop_request != GS_ABSENT || layout->rt_gil_drop_request != GS_ABSENT ||
        reader->threads.python->at.gil_drop_request) {
        gil->has_drop = true;
        gil->drop_requested |= interp->drop_now != 0;
    }
}

/* What this snapshot has of C stacks. */
static enum gs_native_scope native_scope(const struct gs_reader *reader)
{
    if (reader->threads.polling)
        return reader->stacks.natives.polled ? GS_NATIVE_LEAF : GS_NATIVE_NONE;
    return reader->stacks.natives.scope;
}

/* Ahead of the frames of a thread that collects. */
static void add_collector(const struct gs_reader *reader, const struct gs_member *member, struct gs_thread *thread)
{
    struct gs_collecting *copy = &reader->out.collecting[member->interpreter];
    if (reader->threads.interps[member->interpreter].collector.thread != member->tstate ||
        !gs_grow(&reader->stacks, (void **)&copy->frames, &copy->room, thread->frame_count + 1, sizeof *copy->frames))
        return;
    copy->frames[0] = (struct gs_frame){.kind = GS_FRAME_GC, .instr = -1};
    if (thread->frame_count > 0)
        memcpy(copy->frames + 1, thread->frames, thread->frame_count * sizeof *copy->frames);
    thread->frames = copy->frames;
    thread->frame_count++;
}

static void publish_thread(const struct gs_reader *reader, const struct gs_member *member, struct gs_thread *thread)
{
    const struct gs_thread_list *threads = &reader->threads;
    *thread = (struct gs_thread){.tstate = member->tstate,
                                 .ident = member->ident,
                                 .tid = member->tid,
                                 .ns_tid = member->ns_tid,
                                 .interpreter = member->interpreter,
                                 .main = member->tid == threads->python->target->pid && !member->apart,
                                 .gil = member->wait.gil,
                                 .evidence = member->wait.evidence,
                                 .activity = member->wait.activity,
                                 .lock = member->wait.gil == GS_WITHOUT || member->wait.gil == GS_NONE
                                             ? member->wait.lock
                                             : (struct gs_lock_wait){0},
                                 .torn = member->stack.torn,
                                 .late = member->late,
                                 .handles = member->stack.handles,
                                 .c_stack = member->stack.c_stack,
                                 .apart = member->apart,
                                 .read = member->stack.read_sample,
                                 .same_read = member->stack.same_read,
                                 .same_count = member->stack.same_count,
                                 .frames = member->stack.frames,
                                 .frame_count = member->stack.frame_count};
    if (threads->polling && member->stack.read_sample != threads->sample) {
        thread->torn = false;
        thread->frames = NULL;
        thread->frame_count = 0;
    }
    add_collector(reader, member, thread);
    const struct gs_natives *natives = &reader->stacks.natives;
    const struct gs_cstack *cstack =
        native_scope(reader) != GS_NATIVE_NONE && (!natives->only || natives->only == member->tid)
            ? gs_natives_find(&reader->stacks, member->tid)
            : NULL;
    if (!cstack || (threads->polling && cstack->read_sample != threads->sample))
        return;
    thread->native = &cstack->stack;
    if (cstack->read_sample > thread->read)
        thread->read = cstack->read_sample;
}

/* What a poll has of a stack the next one has no more. */
static void publish_member(const struct gs_reader *reader, struct gs_member *member)
{
    publish_thread(reader, member, &reader->out.snapshot.threads[member->place]);
    member->news = reader->threads.polling && member->stack.read_sample == reader->threads.sample;
}

static void publish_stateless(const struct gs_reader *reader, const struct gs_cstack *cstack, struct gs_thread *thread)
{
    *thread = (struct gs_thread){.tid = cstack->tid,
                                 .ns_tid = cstack->ns_tid,
                                 .main = cstack->tid == reader->threads.python->target->pid,
                                 .gil = GS_NONE,
                                 .evidence = GS_EXACT,
                                 .activity = cstack->before,
                                 .read = cstack->read_sample,
                                 .native = &cstack->stack};
}

/* Threads that are none of Python's go between the others. */
static void publish_all_stateless(struct gs_reader *reader)
{
    struct gs_snapshot *out = &reader->out.snapshot;
    const struct gs_natives *natives = &reader->stacks.natives;
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
    return (says_so ? 4 : 0) + (member->stack.frame_count > 0 ? 2 : 0) + (member->wait.gil == GS_HOLDS ? 1 : 0);
}

/* A thread state that was just made bears the ident of the thread that made it until its own thread runs: of two for
 * one thread in one interpreter only one counts. */
static bool is_double(const struct gs_reader *reader, size_t index)
{
    const struct gs_member *member = reader->out.order[index];
    size_t first = index;
    while (first > 0 && reader->out.order[first - 1]->tid == member->tid)
        first--;
    for (size_t i = first; i < reader->out.order_count && reader->out.order[i]->tid == member->tid; i++) {
        const struct gs_member *other = reader->out.order[i];
        if (other->interpreter == member->interpreter &&
            (weight(other) > weight(member) || (weight(other) == weight(member) && i < index)))
            return true;
    }
    return false;
}

static void name_holder(struct gs_reader *reader, const struct gs_member *member)
{
    if (member->wait.gil == GS_HOLDS)
        reader->out.snapshot.gils[reader->threads.interps[member->interpreter].lock].holder = member->tid;
}

static void publish_threads(struct gs_reader *reader)
{
    struct gs_snapshot *out = &reader->out.snapshot;
    bool doubles = false;
    out->thread_count = 0;
    for (size_t i = 0; i < reader->out.order_count; i++) {
        struct gs_member *member = reader->out.order[i];
        bool twice = is_double(reader, i);
        doubles |= twice;
        member->place = SIZE_MAX;
        if (member->wait.activity.run == GS_RUN_GONE || twice)
            continue;
        member->place = out->thread_count++;
        publish_member(reader, member);
        name_holder(reader, member);
    }
    reader->out.placed = doubles ? 0 : reader->threads.arrangement;
}

static void publish_one(struct gs_reader *reader, struct gs_member *member)
{
    struct gs_snapshot *out = &reader->out.snapshot;
    if (!member->news || member->place == SIZE_MAX)
        return;
    publish_member(reader, member);
    reader->out.moved[out->moved_count++] = (uint32_t)member->place;
}

/* All that were published last have their places still. */
static bool is_placed(const struct gs_reader *reader)
{
    return reader->out.placed == reader->threads.arrangement && reader->threads.polling == reader->polled &&
           !reader->waiters.any_gone && native_scope(reader) == GS_NATIVE_NONE && !reader->stacks.natives.published;
}

/* Whoever collects, or did until now. */
static void publish_collector(struct gs_reader *reader, gs_addr tstate)
{
    struct gs_member *member = tstate ? gs_list_find(&reader->threads, tstate) : NULL;
    if (!member)
        return;
    member->news = true;
    publish_one(reader, member);
}

/* Those of whom there is news. If nobody does anything else than in the last sample, there was no hand-over, and only
 * the stack of whoever had the GIL last was read. */
static void publish_moved(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    reader->out.snapshot.moved_count = 0;
    for (size_t i = 0; threads->changed && i < reader->out.order_count; i++)
        publish_one(reader, reader->out.order[i]);
    for (size_t i = 0; i < threads->lock_count; i++) {
        const struct gs_gil_fields *now = &threads->locks[i].after;
        struct gs_member *last = gs_list_find(threads, now->last_holder);
        const struct gs_member *holder = gs_list_find(threads, now->holder);
        if (last)
            publish_one(reader, last);
        if (holder && holder->place != SIZE_MAX)
            name_holder(reader, holder);
    }
    for (size_t i = 0; i < threads->interp_count; i++) {
        struct gs_collector *collector = &threads->interps[i].collector;
        publish_collector(reader, collector->thread);
        if (collector->published != collector->thread)
            publish_collector(reader, collector->published);
    }
}

static void publish_natives(struct gs_reader *reader)
{
    static const char *const evaluators[] = {
        [GS_EVALUATOR_EX] = "PyEval_EvalFrameEx", [GS_EVALUATOR_DEFAULT] = "_PyEval_EvalFrameDefault"};
    struct gs_snapshot *out = &reader->out.snapshot;
    out->native = native_scope(reader);
    out->natives = reader->stacks.natives.engine;
    out->evaluator = evaluators[reader->threads.python->layout.evaluator];
    reader->stacks.natives.published = out->native != GS_NATIVE_NONE;
    publish_all_stateless(reader);
}

enum gs_status gs_publish(struct gs_reader *reader)
{
    struct gs_thread_list *threads = &reader->threads;
    struct gs_snapshot *out = &reader->out.snapshot;
    enum gs_status status = make_room(reader);
    if (status)
        return status;
    gs_collectors_decode(threads);
    sort_members(reader);
    out->partial = threads->partial;
    out->time_ns = threads->taken_ns;
    out->moved = reader->out.moved;
    out->moved_count = GS_EVERYBODY;
    out->interpreter_count = threads->interp_count;
    out->gil_count = threads->lock_count;
    for (size_t i = 0; i < threads->lock_count; i++)
        publish_lock(reader, &threads->locks[i], &out->gils[i]);
    for (size_t i = 0; i < threads->interp_count; i++)
        publish_interpreter(reader, &threads->interps[i], &out->interpreters[i]);
    if (is_placed(reader))
        publish_moved(reader);
    else
        publish_threads(reader);
    for (size_t i = 0; i < threads->interp_count; i++)
        threads->interps[i].collector.published = threads->interps[i].collector.thread;
    publish_natives(reader);
    return GS_OK;
}

void gs_publish_free(struct gs_publication *out)
{
    free(out->snapshot.interpreters);
    free(out->snapshot.gils);
    free(out->snapshot.threads);
    free(out->order);
    free(out->moved);
    for (size_t i = 0; i < out->collecting_room; i++)
        free(out->collecting[i].frames);
    free(out->collecting);
}
