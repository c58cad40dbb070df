/* One scattered read for all that is predicted to be needed, and what may be believed of it.
 *
 * Only the holder of the GIL runs Python. If the words of a GIL are the same before and after a read, everybody but
 * its last holder stood still during it, and one copy of them is the truth. The last holder is copied twice: if both
 * copies tell the same stack, nothing moved in what counts. */
#include <string.h>

#include "base/clock.h"
#include "sample/reader.h"

enum { ROUNDS = 5, TRIES_IF_TORN = 2 };

bool gs_lock_proves(const struct gs_reader *reader, const struct gs_lock *lock)
{
    return lock->after.has_switches && lock->after.enabled && lock->sharers == 1 &&
           !reader->python->layout.free_threaded;
}

bool gs_reader_proves(const struct gs_reader *reader)
{
    return reader->lock_count == 1 && reader->interp_count == 1 && gs_lock_proves(reader, &reader->locks[0]);
}

enum gs_status gs_read_words(struct gs_reader *reader)
{
    return gs_pieces_read(reader, NULL, 0, false);
}

/* It does not move whoever holds what: it is stopped, or a core's. */
static bool stands(const struct gs_reader *reader, const struct gs_member *member)
{
    return member->still || reader->python->target->still;
}

/* Nobody but the old and the new holder ran while the words of the lock went from before to after. */
static bool proven_still(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    if (stands(reader, member))
        return true;
    return gs_lock_proves(reader, lock) && lock->before.has_switches &&
           lock->after.switches - lock->before.switches <= 1 && member->tstate != lock->before.last_holder &&
           member->tstate != lock->after.last_holder;
}

/* Before the read: whether the member may run during it. */
static bool expected_still(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    return stands(reader, member) || (gs_lock_proves(reader, lock) && member->tstate != lock->after.last_holder);
}

static enum gs_walk walk(struct gs_reader *reader, struct gs_member *member)
{
    return reader->heap_frames ? gs_heap_walk(reader, member) : gs_chunk_walk(reader, member);
}

static bool predict_anew(struct gs_reader *reader, struct gs_member *member)
{
    gs_mem_cache_clear(reader->cache);
    return gs_predict(reader, member);
}

void gs_read_flags(struct gs_reader *reader, struct gs_member *member)
{
    const struct gs_layout *layout = &reader->python->layout;
    if (!member->tstate_copy)
        return;
    if (layout->ts_gil_requested != GS_ABSENT) {
        member->requested = gs_get_u32(member->tstate_copy, layout->ts_gil_requested) != 0;
        member->requested_sample = reader->sample;
    }
    if (layout->drop_request_bit >= 0 && layout->ts_eval_breaker != GS_ABSENT) {
        member->breaker = gs_get_addr(member->tstate_copy, layout->ts_eval_breaker);
        member->breaker_sample = reader->sample;
    }
}

/* Walks the copies of a thread that may have run since, and whose code may be new at an old address. What is there now
 * is then the copies' own only if the thread has not left it since. */
static enum gs_walk walk_mover(struct gs_reader *reader, struct gs_member *member)
{
    uint64_t renewed = gs_codes_renewed(reader->codes);
    enum gs_walk result = walk(reader, member);
    if (result != GS_WALK_OK || reader->stopping || !(member->doubled || member->still))
        return result;
    if (!gs_codes_stand(reader, member))
        result = walk(reader, member);
    bool sure = renewed == gs_codes_renewed(reader->codes) || gs_stack_stands(reader, member);
    return result == GS_WALK_OK && !sure ? GS_WALK_TORN : result;
}

/* Whoever held the GIL all the time ran in the middle of the reading if both copies of its innermost frame, and of what
 * lies on its data stack behind it, differ: only it itself writes there. Then the kernel need not be asked. */
static bool seen_running(struct gs_reader *reader, struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(reader, member);
    const struct gs_part *top = member->chunks.list;
    gs_addr at = member->current[0], from = member->chunks.count > 0 ? at - top->addr : 0;
    if (!member->doubled || !gs_lock_proves(reader, lock) || !gs_gil_same(&lock->before, &lock->after) ||
        !gs_member_holds(reader, member))
        return false;
    if (member->chunks.count > 0 && from < top->len)
        return memcmp(top->copy[0] + from, top->copy[1] + from, top->len - from) != 0;
    const uint8_t *a = gs_parts_at(reader, &member->extras, at, reader->frame_bytes, 0);
    const uint8_t *b = gs_parts_at(reader, &member->extras, at, reader->frame_bytes, 1);
    return a && b && memcmp(a, b, reader->frame_bytes) != 0;
}

/* What came of one member in this round: done, or what to do before the next. */
static bool settle(struct gs_reader *reader, struct gs_member *member)
{
    bool proven = proven_still(reader, member);
    if (!proven && !member->doubled) {
        member->doubled = true;
        return false;
    }
    bool read = gs_pieces_whole(reader, member);
    member->read_sample = reader->sample;
    gs_read_flags(reader, member);
    member->linked = gs_list_linked(reader, member);
    if (!read)
        member->frame_count = 0;
    member->unreadable = !read;
    member->lacks_code = false;
    enum gs_walk result = read ? walk_mover(reader, member) : GS_WALK_MISSING;
    if (result == GS_WALK_OK) {
        member->torn = false;
        gs_unmoved_note(reader, member);
        if (seen_running(reader, member))
            member->ran_sample = reader->sample;
        return true;
    }
    reader->quality.retried += !reader->stopping;
    /* Predicting changes the parts, whose copies in the arena stay where they are. */
    if (result == GS_WALK_MISSING && !predict_anew(reader, member))
        return true;
    if (stands(reader, member))
        return result == GS_WALK_TORN;
    /* Another look would find it in a state that lasts: it is for whoever stops threads to decide. */
    if (member->doubled && gs_may_stop(reader, member))
        return true;
    return result == GS_WALK_TORN && ++member->tries >= TRIES_IF_TORN;
}

static void mark_torn(struct gs_reader *reader, struct gs_member *member)
{
    bool moves = member->doubled && !member->still && !member->lacks_code;
    enum gs_gap gap = moves ? GS_GAP_CHANGED : member->unreadable ? GS_GAP_UNREADABLE : GS_GAP_DAMAGED;
    member->torn = true;
    if (moves) /* its frames may be of different moments */
        member->frame_count = 0;
    struct gs_frame end = {.kind = GS_FRAME_GAP, .gap = gap};
    /* Where there is no room for it, it takes the place of a frame: no torn stack may look whole. */
    if (!reader->stopping && !gs_member_push(reader, member, end) && member->frame_count > 0)
        member->frames[member->frame_count - 1] = end;
}

/* Where much more is needed than was predicted, not all of the open members fit one read any more: those that do not
 * are left for the next one, behind the `taken`. */
static void leave_large(const struct gs_reader *reader, struct gs_member **members, size_t *open, size_t *taken)
{
    size_t fit = 0, settled = *taken - *open;
    for (size_t bytes = 0; fit < *open; fit++) {
        bytes += gs_pieces_bytes(reader, members[fit]);
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
static enum gs_status read_some(struct gs_reader *reader, struct gs_member **members, size_t count, size_t *taken)
{
    size_t n = 0;
    for (size_t pieces = 0, bytes = 0; n < count; n++) {
        struct gs_member *member = members[n];
        member->doubled = !expected_still(reader, member);
        member->torn = true;
        member->paired = false;
        member->tries = 0;
        member->marked = false;
        if (!gs_spend(reader, gs_pieces_cost(reader, member))) {
            gs_parts_clear(&member->chunks); /* what is not read is missing, and is not looked for */
            gs_parts_clear(&member->extras);
        }
        pieces += GS_MEMBER_PIECES + (member->chunks.count + member->extras.count) * (member->doubled ? 2 : 1);
        bytes += gs_pieces_bytes(reader, member);
        if (n > 0 && (pieces > GS_PIECES_MAX || bytes > GS_READ_MAX))
            break;
    }
    *taken = n;
    size_t open = n;
    bool still = count == 1 && members[0]->still;
    /* Once even for nobody: the words of the GILs and the heads of the lists count too. */
    for (unsigned round = 0; round < ROUNDS && (round == 0 || open > 0); round++) {
        reader->arena_used = 0;
        if (round > 0)
            leave_large(reader, members, &open, taken);
        enum gs_status status = still ? gs_pieces_read_bare(reader, members, 1, true)
                                      : gs_pieces_read(reader, members, open, count <= GS_MOVERS_MOST);
        if (status)
            return status;
        /* Those that are settled go behind those that are not. */
        for (size_t i = open; i-- > 0;) {
            struct gs_member *member = members[i];
            if (!settle(reader, member))
                continue;
            members[i] = members[--open];
            members[open] = member;
            if (member->torn)
                mark_torn(reader, member);
        }
    }
    for (size_t i = 0; i < open; i++)
        mark_torn(reader, members[i]);
    return GS_OK;
}

enum gs_status gs_read_members(struct gs_reader *reader, struct gs_member **members, size_t count)
{
    size_t done = 0;
    do {
        size_t taken;
        enum gs_status status = read_some(reader, members + done, count - done, &taken);
        if (status)
            return status;
        done += taken;
    } while (done < count);
    return GS_OK;
}

enum gs_status gs_read_stopped(struct gs_reader *reader, struct gs_member *member)
{
    size_t taken;
    member->still = true;
    enum gs_status status = read_some(reader, &member, 1, &taken);
    member->still = false;
    return status;
}

enum gs_status gs_read_finish(struct gs_reader *reader, struct gs_member *member)
{
    enum gs_status status = gs_read_words(reader);
    if (status)
        return status;
    member->linked = gs_list_linked(reader, member);
    member->still = true;
    if (!member->torn)
        member->torn = walk_mover(reader, member) != GS_WALK_OK;
    if (member->torn)
        mark_torn(reader, member);
    member->still = false;
    return GS_OK;
}

bool gs_read_reserve(struct gs_reader *reader, struct gs_member *member)
{
    size_t chunks = member->chunks.count, extras = member->extras.count;
    return gs_member_grow(reader, member, 2 * (size_t)member->frame_count + 256) &&
           gs_parts_reserve(reader, &member->chunks, 2 * chunks + 16) &&
           gs_parts_reserve(reader, &member->extras, 2 * extras + 64) &&
           gs_grow(reader, (void **)&reader->chain, &reader->chain_room, 2 * member->frame_count + 1024,
                   sizeof(gs_addr)) &&
           gs_grow(reader, (void **)&reader->pieces, &reader->piece_room, 4 * (chunks + extras) + 512,
                   sizeof *reader->pieces) &&
           gs_grow(reader, (void **)&reader->arena, &reader->arena_room,
                   3 * gs_pieces_bytes(reader, member) + (256 << 10), 1);
}
