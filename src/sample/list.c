/* The interpreters of a runtime and their threads: walked when they changed, known in between. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/room.h"
#include "base/sorted.h"
#include "base/watch.h"
#include "sample/thread_list.h"

enum { KEPT_UNFOUND = 16 /* discoveries that failed, during which a thread that they do not find is kept */ };

static size_t slot_of(const struct gs_thread_list *threads, gs_addr tstate)
{
    return (size_t)((tstate >> 4) * 0x9e3779b97f4a7c15) & (threads->by_tstate.size - 1);
}

struct gs_member *gs_list_find(const struct gs_thread_list *threads, gs_addr tstate)
{
    if (!threads->by_tstate.size || !tstate)
        return NULL;
    for (size_t i = slot_of(threads, tstate); threads->by_tstate.slots[i];
         i = (i + 1) & (threads->by_tstate.size - 1)) {
        if (threads->by_tstate.slots[i]->tstate == tstate)
            return threads->by_tstate.slots[i];
    }
    return NULL;
}

static void insert(struct gs_thread_list *threads, struct gs_member *member)
{
    size_t i = slot_of(threads, member->tstate);
    while (threads->by_tstate.slots[i])
        i = (i + 1) & (threads->by_tstate.size - 1);
    threads->by_tstate.slots[i] = member;
}

bool gs_list_index(struct gs_thread_list *threads)
{
    size_t size = 64;
    while (size < 3 * threads->member_count)
        size *= 2;
    struct gs_member **slots = calloc(size, sizeof *slots);
    if (!slots)
        return false;
    free(threads->by_tstate.slots);
    threads->by_tstate.slots = slots;
    threads->by_tstate.size = size;
    for (size_t i = 0; i < threads->member_count; i++)
        insert(threads, threads->members[i]);
    return true;
}

static void free_member(struct gs_thread_list *threads, struct gs_member *member)
{
    threads->parts_room -= member->stack.chunks.room + member->stack.extras.room;
    threads->frames_room -= member->stack.frame_room;
    if (member->syscall_fd >= 0)
        close(member->syscall_fd);
    if (member->runs_fd >= 0)
        close(member->runs_fd);
    free(member->stack.chunks.list);
    free(member->stack.extras.list);
    gs_deep_free(threads, member);
    free(member->stack.frames);
    free(member);
}

static struct gs_member *new_member(struct gs_thread_list *threads, gs_addr tstate)
{
    struct gs_member *member =
        gs_room((void **)&threads->members, &threads->member_room, threads->member_count + 1, sizeof *threads->members)
            ? calloc(1, sizeof *member)
            : NULL;
    if (!member)
        return NULL;
    member->tstate = tstate;
    member->syscall_fd = member->runs_fd = -1;
    member->wait.activity.number = -1;
    threads->members[threads->member_count++] = member;
    if (2 * threads->member_count < threads->by_tstate.size)
        insert(threads, member);
    else if (!gs_list_index(threads))
        return NULL;
    return member;
}

static enum gs_status take_in(struct gs_thread_list *threads, struct gs_kernel_threads *tasks, gs_addr tstate,
                              const uint8_t *copy, uint32_t interpreter)
{
    const struct gs_layout *layout = &threads->python->layout;
    struct gs_member *member = gs_list_find(threads, tstate);
    if (member && member->found == threads->discovery)
        return GS_LOST; /* a cycle */
    if (!member && !(member = new_member(threads, tstate)))
        return GS_NO_MEMORY;
    uint64_t ident = gs_get_addr(copy, layout->ts_thread_id);
    uint64_t native = layout->ts_native_thread_id == GS_ABSENT ? 0 : gs_get_addr(copy, layout->ts_native_thread_id);
    uint64_t serial = layout->ts_id == GS_ABSENT ? 0 : gs_get_addr(copy, layout->ts_id);
    bool other = member->found && (member->ident != ident || member->serial != serial || member->native != native ||
                                   member->wait.activity.run == GS_RUN_GONE);
    if (other) { /* the memory of an ended thread's state, used again */
        member->apart = false;
        member->ns_tid = -1;
        member->wait.activity = (struct gs_activity){.number = -1};
        member->wait.asked_ns = 0;
    }
    member->ident = ident;
    member->serial = serial;
    member->native = native;
    member->interpreter = interpreter;
    member->prev = layout->ts_prev == GS_ABSENT ? 0 : gs_get_addr(copy, layout->ts_prev);
    member->next = gs_get_addr(copy, layout->ts_next);
    if (layout->ts_native_thread_id != GS_ABSENT && native == 0)
        member->tid = member->ns_tid = 0; /* made, but its thread does not run yet */
    else
        gs_identity_find(threads, tasks, member, native);
    bool first = !member->found || other;
    member->found = threads->discovery;
    member->stack.tstate_copy = NULL;
    return first && !threads->meet(threads->context, member) ? GS_LOST : GS_OK;
}

/* A page in which it lies did not come when it was to be read before. */
static bool never_comes(const struct gs_thread_list *threads, gs_addr tstate)
{
    enum { PAGE = 4096 };
    gs_addr start = tstate & ~(gs_addr)(PAGE - 1);
    return gs_watch_avoids(threads->python->target->watch, start, tstate - start + threads->tstate_bytes);
}

static enum gs_status walk_threads(struct gs_thread_list *threads, struct gs_kernel_threads *tasks,
                                   uint32_t interpreter)
{
    const struct gs_layout *layout = &threads->python->layout;
    const struct gs_interp *interp = &threads->interps[interpreter];
    uint8_t copy[GS_TSTATE_MAX];
    gs_addr prev = 0;
    for (gs_addr at = interp->head; at;) {
        if (never_comes(threads, at))
            return GS_UNREADABLE;
        if (!gs_identity_count(threads, tasks) || gs_mem_read(threads->cache, at, copy, threads->tstate_bytes) ||
            gs_get_addr(copy, layout->ts_interp) != interp->addr ||
            (layout->ts_prev != GS_ABSENT && gs_get_addr(copy, layout->ts_prev) != prev))
            return GS_LOST;
        enum gs_status status = take_in(threads, tasks, at, copy, interpreter);
        if (status)
            return status;
        prev = at;
        at = gs_get_addr(copy, layout->ts_next);
    }
    return GS_OK;
}

/* The index of the lock at gil, which is taken in if it is new. */
static enum gs_status take_in_lock(struct gs_thread_list *threads, gs_addr gil, uint32_t *index)
{
    for (*index = 0; *index < threads->lock_count; (*index)++) {
        if (threads->locks[*index].addr == gil) {
            threads->locks[*index].sharers++;
            return GS_OK;
        }
    }
    if (!gs_room((void **)&threads->locks, &threads->lock_room, threads->lock_count + 1, sizeof *threads->locks))
        return GS_NO_MEMORY;
    struct gs_lock *lock = &threads->locks[threads->lock_count];
    *lock = (struct gs_lock){.addr = gil, .sharers = 1};
    if (!gs_gil_place(threads->python, gil, &lock->place))
        return GS_LOST;
    size_t pieces = gs_gil_pieces(&lock->place, lock->bytes[0], lock->pieces[0]);
    if (gs_mem_read_many(threads->python->mem, lock->pieces[0], pieces) ||
        !gs_gil_decode(&lock->place, lock->bytes[0], lock->pieces[0], &lock->after))
        return GS_LOST;
    lock->before = lock->last = lock->after;
    threads->lock_count++;
    return GS_OK;
}

static enum gs_status walk_interpreters(struct gs_thread_list *threads)
{
    const struct gs_layout *layout = &threads->python->layout;
    struct gs_mem *mem = threads->python->mem;
    enum gs_status status = gs_mem_read_addr(mem, threads->python->at.interp_head, &threads->interp_head);
    gs_addr at = threads->interp_head;
    size_t known = threads->interp_count;
    threads->interp_count = threads->lock_count = 0;
    while (at && !status) {
        gs_addr next, gil = 0;
        struct gs_interp interp = {.addr = at, .id = (int64_t)threads->interp_count};
        if (threads->interp_count >= GS_INTERPRETERS_MAX ||
            gs_mem_read_addr(mem, at + (gs_addr)layout->is_next, &next) ||
            gs_mem_read_addr(mem, at + (gs_addr)layout->is_threads_head, &interp.head) ||
            (layout->is_id != GS_ABSENT && gs_mem_read(mem, at + (gs_addr)layout->is_id, &interp.id, 8)) ||
            (layout->gil_home == GS_GIL_INTERPRETER && gs_mem_read_addr(mem, at + (gs_addr)layout->is_gil, &gil)))
            return GS_LOST;
        if (!gs_room((void **)&threads->interps, &threads->interp_room, threads->interp_count + 1,
                     sizeof *threads->interps))
            return GS_NO_MEMORY;
        status = take_in_lock(threads, gil, &interp.lock);
        if (status)
            break;
        struct gs_interp *was = &threads->interps[threads->interp_count++];
        if (threads->interp_count <= known && was->addr == at) {
            interp.collector = was->collector;
            interp.collecting_now = was->collecting_now;
        }
        *was = interp;
        at = next;
    }
    return status;
}

GS_BY(by_id, struct gs_interp, id);

/* The list begins with the newest; users think of the main one, 0, first, and of its GIL. */
static void main_first(struct gs_thread_list *threads)
{
    if (threads->interp_count == 0)
        return;
    /* Without ids of their own (up to 3.6) they are numbered as they were made. */
    for (size_t i = 0; threads->python->layout.is_id == GS_ABSENT && i < threads->interp_count; i++)
        threads->interps[i].id = (int64_t)(threads->interp_count - 1 - i);
    qsort(threads->interps, threads->interp_count, sizeof *threads->interps, by_id);
    uint32_t its = threads->interps[0].lock;
    struct gs_lock lock = threads->locks[its];
    threads->locks[its] = threads->locks[0];
    threads->locks[0] = lock;
    for (size_t i = 0; i < threads->interp_count; i++) {
        uint32_t was = threads->interps[i].lock;
        threads->interps[i].lock = was == its ? 0 : was == 0 ? its : was;
    }
}

/* Those that were not found since `since`. */
static void drop_ended(struct gs_thread_list *threads, uint64_t since)
{
    size_t kept = 0;
    for (size_t i = 0; i < threads->member_count; i++) {
        if (threads->members[i]->found >= since)
            threads->members[kept++] = threads->members[i];
        else
            free_member(threads, threads->members[i]);
    }
    threads->member_count = kept;
}

/* In the order of the lists: what follows reads them so. */
static int by_list(const void *a, const void *b)
{
    const struct gs_member *x = *(struct gs_member *const *)a, *y = *(struct gs_member *const *)b;
    return x->interpreter != y->interpreter ? (x->interpreter < y->interpreter ? -1 : 1)
                                            : (x->tstate > y->tstate) - (x->tstate < y->tstate);
}

/* What is damaged in a process that stands still stays so, and so does a page that never comes: what was reached of its
 * lists is all there is. */
static enum gs_status forgive(struct gs_thread_list *threads, enum gs_status status)
{
    bool still = threads->python->target->postmortem && threads->interp_count > 0;
    if (status != GS_UNREADABLE && (status != GS_LOST || !still))
        return status;
    threads->partial = true;
    return GS_OK;
}

enum gs_status gs_list_discover(struct gs_thread_list *threads)
{
    struct gs_kernel_threads tasks = {0};
    threads->discovery++;
    threads->arrangement++;
    threads->partial = false;
    gs_mem_cache_clear(threads->cache);
    enum gs_status status = walk_interpreters(threads);
    if (status == GS_UNREADABLE)
        status = GS_LOST;
    status = forgive(threads, status);
    if (!status)
        main_first(threads);
    for (uint32_t i = 0; i < threads->interp_count && !status; i++)
        status = forgive(threads, walk_threads(threads, &tasks, i));
    free(tasks.list);
    if (status == GS_OK || status == GS_LOST) {
        /* One that was not reached this time may well be there the next, but not for ever. */
        uint64_t kept = status == GS_OK ? 0 : KEPT_UNFOUND;
        drop_ended(threads, threads->discovery > kept ? threads->discovery - kept : 0);
        if (threads->member_count > 0)
            qsort(threads->members, threads->member_count, sizeof *threads->members, by_list);
        if (!gs_list_index(threads))
            return GS_NO_MEMORY;
    }
    return status;
}

bool gs_list_linked(const struct gs_thread_list *threads, const struct gs_member *member)
{
    const struct gs_layout *layout = &threads->python->layout;
    const uint8_t *copy = member->stack.tstate_copy;
    if (!copy || gs_get_addr(copy, layout->ts_interp) != threads->interps[member->interpreter].addr ||
        gs_get_addr(copy, layout->ts_next) != member->next ||
        gs_get_addr(copy, layout->ts_thread_id) != member->ident ||
        (layout->ts_id != GS_ABSENT && gs_get_addr(copy, layout->ts_id) != member->serial) ||
        (layout->ts_native_thread_id != GS_ABSENT &&
         gs_get_addr(copy, layout->ts_native_thread_id) != member->native) ||
        (layout->ts_prev != GS_ABSENT && gs_get_addr(copy, layout->ts_prev) != member->prev))
        return false;
    bool first = layout->ts_prev != GS_ABSENT && !member->prev;
    return (first ? threads->interps[member->interpreter].head_now : member->stack.link_now) == member->tstate;
}

bool gs_list_same(const struct gs_thread_list *threads)
{
    if (threads->interp_head != threads->interp_head_now)
        return false;
    for (size_t i = 0; i < threads->interp_count; i++) {
        if (threads->interps[i].head != threads->interps[i].head_now)
            return false;
    }
    return true;
}

bool gs_list_stands(const struct gs_thread_list *threads)
{
    for (size_t i = 0; i < threads->lock_count; i++) {
        if (!threads->locks[i].stands)
            return false;
    }
    return true;
}

void gs_list_free(struct gs_thread_list *threads)
{
    for (size_t i = 0; i < threads->member_count; i++)
        free_member(threads, threads->members[i]);
    free(threads->members);
    free(threads->by_tstate.slots);
    free(threads->interps);
    free(threads->locks);
}
