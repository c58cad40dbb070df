/* One scattered read for all that is predicted to be needed, and what may be believed of it.
 *
 * Only the holder of the GIL runs Python. If the words of a GIL are the same before and after a read, everybody but
 * its last holder stood still during it, and one copy of them is the truth. The last holder is copied twice: if both
 * copies tell the same stack, nothing moved in what counts. */
#include <string.h>

#include "base/clock.h"
#include "sample/stack_reader.h"

enum {
    ROUNDS = 5,
    TRIES_IF_TORN = 2,
    STOPPED_BYTES_MAX = 1 << 20, /* a deeper stack would hold its thread up for too long */
    REFUSED_NS = 1000000000      /* whoever another program traced may be let go by then */
};

bool gs_read_fresh(void *context, struct gs_member *member)
{
    struct gs_stack_reader *stacks = context;
    gs_parts_clear(&member->stack.chunks);
    gs_parts_clear(&member->stack.extras);
    member->stack.torn_history = 0;
    return gs_predict(stacks, member) || stacks->threads->python->target->postmortem;
}

enum gs_status gs_read_gils(struct gs_stack_reader *stacks)
{
    return gs_pieces_read(stacks, NULL, 0, false);
}

/* It does not move whoever holds what: it is stopped, or a core's. */
static bool stands(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    return member->stack.still || stacks->threads->python->target->postmortem;
}

/* Nobody but the old and the new holder ran while the fields of the lock went from before to after. */
static bool proven_still(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(stacks->threads, member);
    if (stands(stacks, member))
        return true;
    return gs_lock_proves(stacks->threads, lock) && gs_gil_kept_still(&lock->before, &lock->after, member->tstate);
}

/* Before the read: whether the member may run during it. */
static bool expected_still(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(stacks->threads, member);
    return stands(stacks, member) ||
           (gs_lock_proves(stacks->threads, lock) && member->tstate != lock->after.last_holder);
}

static bool predict_anew(struct gs_stack_reader *stacks, struct gs_member *member)
{
    gs_mem_cache_clear(stacks->threads->cache);
    return gs_predict(stacks, member);
}

/* Walks the copies of a thread that may have run since, and whose code may be new at an old address. What is there now
 * is then the copies' own only if the thread has not left it since. */
static enum gs_walk walk_mover(struct gs_stack_reader *stacks, struct gs_member *member)
{
    uint64_t renewed = gs_codes_renewed(stacks->codes);
    enum gs_walk result = gs_member_walk(stacks, member);
    if (result != GS_WALK_OK || stacks->stopping || !(member->stack.doubled || member->stack.still))
        return result;
    if (!gs_codes_stand(stacks, member))
        result = gs_member_walk(stacks, member);
    bool sure = renewed == gs_codes_renewed(stacks->codes) || gs_stack_stands(stacks, member);
    return result == GS_WALK_OK && !sure ? GS_WALK_TORN : result;
}

/* Whoever held the GIL all the time ran in the middle of the reading if both copies of its innermost frame, and of what
 * lies on its data stack behind it, differ: only it itself writes there. Then the kernel need not be asked. */
static bool seen_running(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_lock *lock = gs_lock_of(threads, member);
    const struct gs_part *top = member->stack.chunks.list;
    gs_addr at = member->stack.current[0], from = member->stack.chunks.count > 0 ? at - top->addr : 0;
    if (!member->stack.doubled || !gs_lock_proves(threads, lock) || !gs_gil_same(&lock->before, &lock->after) ||
        !gs_member_holds(threads, member))
        return false;
    if (member->stack.chunks.count > 0 && from < top->len)
        return memcmp(top->copy[0] + from, top->copy[1] + from, top->len - from) != 0;
    const uint8_t *a = gs_parts_at(stacks, &member->stack.extras, at, stacks->frame_bytes, 0);
    const uint8_t *b = gs_parts_at(stacks, &member->stack.extras, at, stacks->frame_bytes, 1);
    return a && b && memcmp(a, b, stacks->frame_head) != 0;
}

bool gs_was_refused(const struct gs_stack_reader *stacks, uint64_t refused_ns)
{
    return refused_ns > 0 && stacks->threads->taken_ns - refused_ns < REFUSED_NS;
}

bool gs_may_stop(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    return stacks->options.stopping != GS_STOP_NEVER && !gs_was_refused(stacks, member->stack.refused_ns) &&
           member->syscall_fd >= 0 && gs_pieces_bytes(stacks, member) / 2 <= STOPPED_BYTES_MAX &&
           gs_budget_allows(&stacks->budget);
}

/* What came of one member in this round: done, or what to do before the next. */
static bool settle(struct gs_stack_reader *stacks, struct gs_member *member)
{
    bool proven = proven_still(stacks, member);
    if (!proven && !member->stack.doubled) {
        member->stack.doubled = true;
        return false;
    }
    bool read = gs_pieces_whole(stacks, member);
    member->stack.read_sample = stacks->threads->sample;
    gs_pieces_flags(stacks, member);
    member->stack.linked = gs_list_linked(stacks->threads, member);
    if (!read)
        member->stack.frame_count = 0;
    member->stack.unreadable = !read;
    member->stack.lacks_code = false;
    enum gs_walk result = read ? walk_mover(stacks, member) : GS_WALK_MISSING;
    if (result == GS_WALK_OK) {
        member->stack.torn = false;
        gs_unmoved_note(stacks, member);
        if (seen_running(stacks, member))
            member->stack.ran_sample = stacks->threads->sample;
        return true;
    }
    stacks->quality.retried += !stacks->stopping;
    /* Predicting changes the parts, whose copies in the arena stay where they are. */
    if (result == GS_WALK_MISSING && !predict_anew(stacks, member))
        return true;
    if (stands(stacks, member))
        return result == GS_WALK_TORN;
    /* Another look would find it in a state that lasts: it is for whoever stops threads to decide. */
    if (member->stack.doubled && gs_may_stop(stacks, member))
        return true;
    return result == GS_WALK_TORN && ++member->stack.tries >= TRIES_IF_TORN;
}

static void mark_torn(struct gs_stack_reader *stacks, struct gs_member *member)
{
    bool moves = member->stack.doubled && !member->stack.still && !member->stack.lacks_code;
    enum gs_gap gap = moves ? GS_GAP_CHANGED : member->stack.unreadable ? GS_GAP_UNREADABLE : GS_GAP_DAMAGED;
    member->stack.torn = true;
    gs_deep_spoil(member);
    if (moves) /* its frames may be of different moments */
        member->stack.frame_count = 0;
    struct gs_frame end = {.kind = GS_FRAME_GAP, .gap = gap};
    /* Where there is no room for it, it takes the place of a frame: no torn stack may look whole. */
    if (!stacks->stopping && !gs_member_push(stacks, member, end) && member->stack.frame_count > 0)
        member->stack.frames[member->stack.frame_count - 1] = end;
}

/* Where much more is needed than was predicted, not all of the open members fit one read any more: those that do not
 * are left for the next one, behind the `taken`. */
static void leave_large(const struct gs_stack_reader *stacks, struct gs_member **members, size_t *open, size_t *taken)
{
    size_t fit = 0, settled = *taken - *open;
    for (size_t bytes = 0; fit < *open; fit++) {
        bytes += gs_pieces_bytes(stacks, members[fit]);
        if (fit > 0 && bytes > GS_READ_MAX)
            break;
    }
    size_t left = *open - fit, swaps = left < settled ? left : settled;
    for (size_t i = 0; i < swaps; i++) {
        struct gs_member *member = members[fit + i];
        members[fit + i] = members[*taken - 1 - i];
        members[*taken - 1 - i] = member;
    }
    *open = fit;
    *taken = fit + settled;
}

/* Reads the members from first on that fit one system call until each is settled; returns where the next begin. */
static enum gs_status read_some(struct gs_stack_reader *stacks, struct gs_member **members, size_t count, size_t *taken)
{
    size_t n = 0;
    for (size_t pieces = 0, bytes = 0; n < count; n++) {
        struct gs_member *member = members[n];
        member->stack.doubled = !expected_still(stacks, member);
        member->stack.torn = true;
        member->stack.paired = false;
        member->stack.tries = 0;
        member->stack.marked = false;
        if (!gs_spend(stacks, gs_pieces_cost(stacks, member))) {
            gs_parts_clear(&member->stack.chunks); /* what is not read is missing, and is not looked for */
            gs_parts_clear(&member->stack.extras);
        }
        pieces += GS_MEMBER_PIECES +
                  (member->stack.chunks.count + member->stack.extras.count) * (member->stack.doubled ? 2 : 1);
        bytes += gs_pieces_bytes(stacks, member);
        if (n > 0 && (pieces > GS_PIECES_MAX || bytes > GS_READ_MAX))
            break;
    }
    *taken = n;
    size_t open = n;
    bool still = count == 1 && members[0]->stack.still;
    /* Once even for nobody: the fields of the GILs and the heads of the lists count too. */
    for (unsigned round = 0; round < ROUNDS && (round == 0 || open > 0); round++) {
        stacks->arena_used = 0;
        if (round > 0)
            leave_large(stacks, members, &open, taken);
        enum gs_status status = still ? gs_pieces_read_bare(stacks, members, 1, true)
                                      : gs_pieces_read(stacks, members, open, count <= GS_MOVERS_MOST);
        if (status)
            return status;
        /* Those that are settled go behind those that are not. */
        for (size_t i = open; i-- > 0;) {
            struct gs_member *member = members[i];
            if (!settle(stacks, member))
                continue;
            members[i] = members[--open];
            members[open] = member;
            if (member->stack.torn)
                mark_torn(stacks, member);
        }
    }
    for (size_t i = 0; i < open; i++)
        mark_torn(stacks, members[i]);
    return GS_OK;
}

enum gs_status gs_read_members(struct gs_stack_reader *stacks, struct gs_member **members, size_t count)
{
    size_t done = 0;
    do {
        size_t taken;
        enum gs_status status = read_some(stacks, members + done, count - done, &taken);
        if (status)
            return status;
        done += taken;
    } while (done < count);
    return GS_OK;
}

enum gs_status gs_read_stopped(struct gs_stack_reader *stacks, struct gs_member *member)
{
    size_t taken;
    member->stack.still = true;
    enum gs_status status = read_some(stacks, &member, 1, &taken);
    member->stack.still = false;
    return status;
}

enum gs_status gs_read_finish(struct gs_stack_reader *stacks, struct gs_member *member)
{
    enum gs_status status = gs_read_gils(stacks);
    if (status)
        return status;
    member->stack.linked = gs_list_linked(stacks->threads, member);
    member->stack.still = true;
    if (!member->stack.torn)
        member->stack.torn = walk_mover(stacks, member) != GS_WALK_OK;
    if (member->stack.torn)
        mark_torn(stacks, member);
    member->stack.still = false;
    return GS_OK;
}

bool gs_read_reserve(struct gs_stack_reader *stacks, struct gs_member *member)
{
    size_t chunks = member->stack.chunks.count, extras = member->stack.extras.count;
    return gs_member_grow(stacks, member, 2 * (size_t)member->stack.frame_count + 256) &&
           gs_parts_reserve(stacks, &member->stack.chunks, 2 * chunks + 16) &&
           gs_parts_reserve(stacks, &member->stack.extras, 2 * extras + 64) &&
           gs_grow(stacks, (void **)&stacks->chain, &stacks->chain_room, 2 * member->stack.frame_count + 1024,
                   sizeof(gs_addr)) &&
           gs_grow(stacks, (void **)&stacks->pieces, &stacks->piece_room, 4 * (chunks + extras) + 512,
                   sizeof *stacks->pieces) &&
           gs_grow(stacks, (void **)&stacks->arena, &stacks->arena_room,
                   3 * gs_pieces_bytes(stacks, member) + (256 << 10), 1);
}
