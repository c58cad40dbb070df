/* One scattered read for all that is predicted to be needed, and what may be believed of it.
 *
 * Only the holder of the GIL runs Python. If the words of a GIL are the same before and after a read, everybody but
 * its last holder stood still during it, and one copy of them is the truth. The last holder is copied twice: if both
 * copies tell the same stack, nothing moved in what counts. */
#include <string.h>

#include "sample/reader.h"

enum { ROUNDS = 5, TRIES_IF_TORN = 2 };

bool gs_lock_proves(const struct gs_reader *reader, const struct gs_lock *lock)
{
    return lock->after.has_switches && lock->after.enabled && lock->sharers == 1 &&
           !reader->python->layout.free_threaded;
}

static struct gs_piece *add_piece(struct gs_reader *reader, gs_addr addr, void *dst, uint32_t len)
{
    struct gs_piece *piece = &reader->pieces[reader->piece_count++];
    *piece = (struct gs_piece){addr, dst, len, false};
    return piece;
}

static void add_lock(struct gs_reader *reader, struct gs_lock *lock, int which)
{
    size_t count = gs_gil_pieces(&lock->place, lock->bytes[which], lock->pieces[which]);
    for (size_t i = 0; i < count; i++)
        add_piece(reader, lock->pieces[which][i].addr, lock->pieces[which][i].dst, lock->pieces[which][i].len);
}

static void add_interpreter(struct gs_reader *reader, struct gs_interp *interp)
{
    const struct gs_layout *layout = &reader->python->layout;
    gs_addr runtime = reader->python->at.runtime;
    add_piece(reader, interp->addr + (gs_addr)layout->is_threads_head, &interp->head_now, 8);
    if (layout->is_gil_drop_request != GS_ABSENT)
        add_piece(reader, interp->addr + (gs_addr)layout->is_gil_drop_request, &interp->drop_now, 4);
    else if (layout->rt_gil_drop_request != GS_ABSENT)
        add_piece(reader, runtime + (gs_addr)layout->rt_gil_drop_request, &interp->drop_now, 4);
    else if (reader->python->at.gil_drop_request)
        add_piece(reader, reader->python->at.gil_drop_request, &interp->drop_now, 4);
    if (layout->is_gc_collecting != GS_ABSENT)
        add_piece(reader, interp->addr + (gs_addr)layout->is_gc_collecting, &interp->collecting_now, 4);
    else if (layout->rt_gc_collecting != GS_ABSENT)
        add_piece(reader, runtime + (gs_addr)layout->rt_gc_collecting, &interp->collecting_now, 4);
    if (layout->rt_finalizing != GS_ABSENT)
        add_piece(reader, runtime + (gs_addr)layout->rt_finalizing, &interp->finalizing_now, 8);
}

enum { PIECES_PER_INTERPRETER = 4, PIECES_PER_LOCK = 2 * GS_GIL_WINDOWS, PIECES_PER_MEMBER = 6 };

static size_t parts_of(const struct gs_member *member)
{
    return member->chunks.count + member->extras.count;
}

static size_t bytes_of(const struct gs_reader *reader, const struct gs_member *member)
{
    size_t bytes = 0;
    for (size_t i = 0; i < member->chunks.count; i++)
        bytes += member->chunks.list[i].len;
    for (size_t i = 0; i < member->extras.count; i++)
        bytes += member->extras.list[i].len;
    return 2 * (bytes + reader->tstate_bytes);
}

static uint8_t *take_bytes(struct gs_reader *reader, uint32_t len)
{
    uint8_t *bytes = reader->arena + reader->arena_used;
    reader->arena_used += len;
    return bytes;
}

static void add_part(struct gs_reader *reader, struct gs_part *part, int which)
{
    uint8_t *bytes = take_bytes(reader, part->len);
    part->copy[which] = bytes;
    add_piece(reader, part->addr, bytes, part->len);
}

/* Where the word lies that points to the innermost frame. */
static gs_addr current_word(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_layout *layout = &reader->python->layout;
    if (reader->heap_frames)
        return member->tstate + (gs_addr)layout->ts_frame;
    if (layout->ts_current_frame != GS_ABSENT)
        return member->tstate + (gs_addr)layout->ts_current_frame;
    return member->cframe ? member->cframe + (gs_addr)layout->cf_current_frame : 0;
}

static void add_current(struct gs_reader *reader, struct gs_member *member, int which)
{
    gs_addr word = current_word(reader, member);
    member->current[which] = 0;
    if (word)
        add_piece(reader, word, &member->current[which], 8);
}

/* The newest chunk, which changes fastest, between the two words that point to the frame in it; the rest around it,
 * the same way out as in. */
static void add_member(struct gs_reader *reader, struct gs_member *member, bool link)
{
    const struct gs_layout *layout = &reader->python->layout;
    struct gs_parts *chunks = &member->chunks, *extras = &member->extras;
    member->piece_first = reader->piece_count;
    member->tstate_copy[0] = take_bytes(reader, (reader->tstate_bytes + 7) & ~7u);
    add_piece(reader, member->tstate, member->tstate_copy[0], reader->tstate_bytes);
    member->link_now = member->tstate;
    if (link && layout->ts_prev != GS_ABSENT) {
        gs_addr head = reader->interps[member->interpreter].addr + (gs_addr)layout->is_threads_head;
        add_piece(reader, member->prev ? member->prev + (gs_addr)layout->ts_next : head, &member->link_now, 8);
    }
    for (size_t i = 0; i < extras->count; i++) {
        extras->list[i].copy[1] = NULL;
        add_part(reader, &extras->list[i], 0);
    }
    for (size_t i = chunks->count; i-- > 0;) {
        chunks->list[i].copy[1] = NULL;
        if (i == 0)
            add_current(reader, member, 0);
        add_part(reader, &chunks->list[i], 0);
    }
    if (chunks->count == 0)
        add_current(reader, member, 0);
    for (size_t i = 0; member->doubled && i < chunks->count; i++) {
        add_part(reader, &chunks->list[i], 1);
        if (i == 0)
            add_current(reader, member, 1);
    }
    for (size_t i = extras->count; member->doubled && i-- > 0;)
        add_part(reader, &extras->list[i], 1);
    if (member->doubled && chunks->count == 0)
        add_current(reader, member, 1);
    if (!member->doubled)
        member->current[1] = member->current[0];
    member->piece_count = reader->piece_count - member->piece_first;
}

/* Parts whose memory is gone are forgotten: whatever the chain leads to is found anew. */
static void drop_unreadable(struct gs_reader *reader, struct gs_member *member, struct gs_parts *parts)
{
    size_t kept = 0;
    for (size_t i = 0; i < parts->count; i++) {
        bool ok = true;
        for (size_t k = 0; k < member->piece_count && ok; k++) {
            const struct gs_piece *piece = &reader->pieces[member->piece_first + k];
            ok = piece->ok || (piece->dst != parts->list[i].copy[0] && piece->dst != parts->list[i].copy[1]);
        }
        if (ok)
            parts->list[kept++] = parts->list[i];
    }
    parts->count = kept;
}

static bool whole(struct gs_reader *reader, struct gs_member *member)
{
    bool ok = true;
    for (size_t k = 0; k < member->piece_count && ok; k++)
        ok = reader->pieces[member->piece_first + k].ok;
    if (ok) {
        if (!member->doubled)
            member->current[1] = member->current[0];
        return true;
    }
    member->tstate_copy[0] = reader->pieces[member->piece_first].ok ? member->tstate_copy[0] : NULL;
    drop_unreadable(reader, member, &member->chunks);
    drop_unreadable(reader, member, &member->extras);
    return false;
}

/* Reads a batch that fits one system call. */
static enum gs_status read_batch(struct gs_reader *reader, struct gs_member **members, size_t count, bool link)
{
    size_t pieces = reader->interp_count * PIECES_PER_INTERPRETER + reader->lock_count * PIECES_PER_LOCK;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        pieces += PIECES_PER_MEMBER + 2 * parts_of(members[i]);
        bytes += bytes_of(reader, members[i]) + 16;
    }
    if (!gs_grow(reader, (void **)&reader->pieces, &reader->piece_room, pieces, sizeof *reader->pieces) ||
        !gs_grow(reader, (void **)&reader->arena, &reader->arena_room, reader->arena_used + bytes, 1))
        return GS_NO_MEMORY;
    reader->piece_count = 0;
    for (size_t i = 0; i < reader->lock_count; i++)
        add_lock(reader, &reader->locks[i], 0);
    size_t heads = reader->piece_count;
    for (size_t i = 0; i < reader->interp_count; i++)
        add_interpreter(reader, &reader->interps[i]);
    size_t heads_end = reader->piece_count;
    for (size_t i = 0; i < count; i++)
        add_member(reader, members[i], link);
    size_t behind = reader->piece_count;
    for (size_t i = 0; i < reader->lock_count; i++)
        add_lock(reader, &reader->locks[i], 1);
    enum gs_status status = gs_mem_read_many(reader->python->mem, reader->pieces, reader->piece_count);
    if (status)
        return status;
    for (size_t i = heads; i < heads_end; i++) {
        if (!reader->pieces[i].ok)
            return GS_LOST;
    }
    size_t before = 0;
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        if (!gs_gil_decode(&lock->place, lock->bytes[0], &reader->pieces[before], &lock->before) ||
            !gs_gil_decode(&lock->place, lock->bytes[1], &reader->pieces[behind], &lock->after))
            return GS_LOST;
        before += lock->place.window_count;
        behind += lock->place.window_count;
    }
    return GS_OK;
}

/* Nobody but the old and the new holder ran while the words of the lock went from before to after. */
static bool proven_still(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = &reader->locks[reader->interps[member->interpreter].lock];
    if (member->still)
        return true;
    return gs_lock_proves(reader, lock) && lock->before.has_switches &&
           lock->after.switches - lock->before.switches <= 1 && member->tstate != lock->before.last_holder &&
           member->tstate != lock->after.last_holder;
}

/* Before the read: whether the member may run during it. */
static bool expected_still(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_lock *lock = &reader->locks[reader->interps[member->interpreter].lock];
    return member->still || (gs_lock_proves(reader, lock) && member->tstate != lock->after.last_holder);
}

static enum gs_walk walk(struct gs_reader *reader, struct gs_member *member)
{
    return reader->heap_frames ? gs_heap_walk(reader, member) : gs_chunk_walk(reader, member);
}

static bool predict(struct gs_reader *reader, struct gs_member *member)
{
    return reader->heap_frames ? gs_heap_predict(reader, member) : gs_chunk_predict(reader, member);
}

/* What a thread state itself says of the GIL. */
static void note_flags(struct gs_reader *reader, struct gs_member *member)
{
    const struct gs_layout *layout = &reader->python->layout;
    if (!member->tstate_copy[0])
        return;
    if (layout->ts_gil_requested != GS_ABSENT) {
        member->requested = gs_get_u32(member->tstate_copy[0], layout->ts_gil_requested) != 0;
        member->requested_sample = reader->sample;
    }
    if (layout->drop_request_bit >= 0 && layout->ts_eval_breaker != GS_ABSENT) {
        member->breaker = gs_get_addr(member->tstate_copy[0], layout->ts_eval_breaker);
        member->breaker_sample = reader->sample;
    }
}

/* What came of one member in this round: done, or what to do before the next. */
static bool settle(struct gs_reader *reader, struct gs_member *member, unsigned *torn)
{
    bool proven = proven_still(reader, member);
    if (!proven && !member->doubled) {
        member->doubled = true;
        return false;
    }
    bool read = whole(reader, member);
    note_flags(reader, member);
    member->linked = gs_list_linked(reader, member);
    enum gs_walk result = read ? walk(reader, member) : GS_WALK_MISSING;
    if (result == GS_WALK_OK) {
        member->torn = false;
        return true;
    }
    reader->quality.retried += !reader->stopping;
    if (result == GS_WALK_TORN)
        return ++*torn >= TRIES_IF_TORN || member->still;
    /* Predicting changes the parts, whose copies in the arena stay where they are. */
    return !predict(reader, member);
}

static void mark_torn(struct gs_reader *reader, struct gs_member *member)
{
    bool moves = member->doubled && !member->still;
    member->torn = true;
    if (moves) /* its frames may be of different moments */
        member->frame_count = 0;
    if (!reader->stopping)
        (void)gs_member_push(reader, member, (struct gs_frame){.kind = GS_FRAME_GAP,
                             .gap = moves ? GS_GAP_CHANGED : GS_GAP_DAMAGED});
}

/* Reads the members from first on that fit one system call until each is settled; returns where the next begin. */
static enum gs_status read_some(struct gs_reader *reader, struct gs_member **members, size_t count, size_t *taken)
{
    size_t n = 0;
    for (size_t pieces = 0; n < count; n++) {
        struct gs_member *member = members[n];
        member->doubled = !expected_still(reader, member);
        member->torn = true;
        pieces += PIECES_PER_MEMBER + parts_of(member) * (member->doubled ? 2 : 1);
        if (n > 0 && pieces > GS_PIECES_MAX)
            break;
    }
    *taken = n;
    size_t open = n;
    unsigned torn = 0;
    for (unsigned round = 0; round < ROUNDS && open > 0; round++) {
        reader->arena_used = 0;
        enum gs_status status = read_batch(reader, members, open, count <= 2);
        if (status)
            return status;
        /* Those that are settled go behind those that are not. */
        for (size_t i = open; i-- > 0;) {
            struct gs_member *member = members[i];
            if (!settle(reader, member, &torn))
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

void gs_read_finish(struct gs_reader *reader, struct gs_member *member)
{
    if (!member->torn)
        member->torn = walk(reader, member) != GS_WALK_OK;
    if (member->torn)
        mark_torn(reader, member);
}

bool gs_read_reserve(struct gs_reader *reader, struct gs_member *member)
{
    size_t room = member->frame_room, chunks = member->chunks.count, extras = member->extras.count;
    if (!gs_grow(reader, (void **)&member->frames, &room, 2 * member->frame_count + 256, sizeof *member->frames))
        return false;
    member->frame_room = (uint32_t)room;
    return gs_grow(reader, (void **)&member->chunks.list, &member->chunks.room, 2 * chunks + 16, sizeof(struct gs_part)) &&
           gs_grow(reader, (void **)&member->extras.list, &member->extras.room, 2 * extras + 64, sizeof(struct gs_part)) &&
           gs_grow(reader, (void **)&reader->chain, &reader->chain_room, 2 * member->frame_count + 1024, sizeof(gs_addr)) &&
           gs_grow(reader, (void **)&reader->pieces, &reader->piece_room, 4 * (chunks + extras) + 512,
                   sizeof *reader->pieces) &&
           gs_grow(reader, (void **)&reader->arena, &reader->arena_room, 3 * bytes_of(reader, member) + (256 << 10), 1);
}
