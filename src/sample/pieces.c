/* The pieces of one scattered read: the words of the GILs at both ends, the heads of the lists, and of each thread its
 * state and the memory that its stack was found in before. */
#include <stdlib.h>
#include <string.h>

#include "sample/reader.h"

enum { PIECES_PER_INTERPRETER = 3 };

static struct gs_piece *add_piece(struct gs_reader *reader, gs_addr addr, void *dst, uint32_t len)
{
    struct gs_piece *piece = &reader->pieces[reader->piece_count++];
    *piece = (struct gs_piece){addr, dst, len, false};
    return piece;
}

/* ---- the heads: the words of the GILs, of the runtime and of the interpreters ---- */

static void add_head(struct gs_reader *reader, gs_addr addr, void *dst, uint32_t len)
{
    reader->heads[reader->head_count++] = (struct gs_piece){addr, dst, len, false};
}

static void add_interpreter(struct gs_reader *reader, struct gs_interp *interp)
{
    const struct gs_layout *layout = &reader->python->layout;
    gs_addr runtime = reader->python->at.runtime;
    add_head(reader, interp->addr + (gs_addr)layout->is_threads_head, &interp->head_now, 8);
    if (layout->is_gil_drop_request != GS_ABSENT)
        add_head(reader, interp->addr + (gs_addr)layout->is_gil_drop_request, &interp->drop_now, 4);
    else if (layout->rt_gil_drop_request != GS_ABSENT)
        add_head(reader, runtime + (gs_addr)layout->rt_gil_drop_request, &interp->drop_now, 4);
    else if (reader->python->at.gil_drop_request)
        add_head(reader, reader->python->at.gil_drop_request, &interp->drop_now, 4);
    if (layout->is_gc_collecting != GS_ABSENT)
        add_head(reader, interp->addr + (gs_addr)layout->is_gc_collecting, &interp->collecting_now, 4);
    else if (layout->rt_gc_collecting != GS_ABSENT)
        add_head(reader, runtime + (gs_addr)layout->rt_gc_collecting, &interp->collecting_now, 4);
    else if (reader->python->at.collecting)
        add_head(reader, reader->python->at.collecting, &interp->collecting_now, 4);
}

static int by_addr(const void *a, const void *b)
{
    const struct gs_piece *x = a, *y = b;
    return (x->addr > y->addr) - (x->addr < y->addr);
}

/* By address, because what lies close together is cheaper to read in that order. */
bool gs_pieces_arrange(struct gs_reader *reader)
{
    size_t most = 2 + reader->interp_count * PIECES_PER_INTERPRETER + reader->lock_count * GS_GIL_WINDOWS;
    if (!gs_grow(reader, (void **)&reader->heads, &reader->head_room, most, sizeof *reader->heads))
        return false;
    reader->head_count = 0;
    add_head(reader, reader->runtime_at, reader->runtime_now, reader->runtime_len);
    if (reader->python->at.initialized)
        add_head(reader, reader->python->at.initialized, &reader->initialized_now, 4);
    for (size_t i = 0; i < reader->interp_count; i++)
        add_interpreter(reader, &reader->interps[i]);
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        size_t count = gs_gil_pieces(&lock->place, lock->bytes[0], lock->pieces[0]);
        for (size_t k = 0; k < count; k++) {
            add_head(reader, lock->pieces[0][k].addr, lock->pieces[0][k].dst, lock->pieces[0][k].len);
            lock->pieces[0][k].ok = true; /* if one of the heads does not arrive, the reading is lost */
        }
    }
    qsort(reader->heads, reader->head_count, sizeof *reader->heads, by_addr);
    return true;
}

/* The words of the GIL once more, behind everything else. */
static void add_lock(struct gs_reader *reader, struct gs_lock *lock)
{
    size_t count = gs_gil_pieces(&lock->place, lock->bytes[1], lock->pieces[1]);
    memcpy(reader->pieces + reader->piece_count, lock->pieces[1], count * sizeof *reader->pieces);
    reader->piece_count += count;
}

static void decode_runtime(struct gs_reader *reader)
{
    const struct gs_layout *layout = &reader->python->layout;
    gs_addr low = reader->runtime_at, word = reader->python->at.runtime + (gs_addr)layout->rt_finalizing;
    reader->interp_head_now = gs_get_addr(reader->runtime_now, (int32_t)(reader->python->at.interp_head - low));
    if (layout->rt_finalizing != GS_ABSENT)
        reader->finalizing_now =
            word - low <= reader->runtime_len - 8 && gs_get_addr(reader->runtime_now, (int32_t)(word - low)) != 0;
    else
        reader->finalizing_now = reader->python->at.initialized && reader->initialized_now == 0;
}

size_t gs_pieces_bytes(const struct gs_reader *reader, const struct gs_member *member)
{
    return 2 * (member->chunks.bytes + member->extras.bytes + reader->tstate_bytes) + GS_CODE_SPAN;
}

uint64_t gs_pieces_cost(const struct gs_reader *reader, const struct gs_member *member)
{
    return gs_pieces_bytes(reader, member) / GS_PATIENT_BYTES +
           GS_PATIENT_PIECE * (member->chunks.count + member->extras.count);
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
    part->piece[which] = reader->piece_count;
    add_piece(reader, part->addr, bytes, part->len);
}

gs_addr gs_current_word(const struct gs_reader *reader, const struct gs_member *member)
{
    const struct gs_layout *layout = &reader->python->layout;
    if (reader->heap_frames)
        return member->tstate + (gs_addr)layout->ts_frame;
    if (layout->ts_current_frame != GS_ABSENT)
        return member->tstate + (gs_addr)layout->ts_current_frame;
    return member->cframe ? member->cframe + (gs_addr)layout->cf_current_frame : 0;
}

/* That word lies in the thread state itself, not on the C stack. */
static bool current_in_tstate(const struct gs_reader *reader)
{
    return reader->heap_frames || reader->python->layout.ts_cframe == GS_ABSENT;
}

static void add_tstate(struct gs_reader *reader, struct gs_member *member)
{
    member->tstate_copy = take_bytes(reader, reader->tstate_bytes);
    member->tstate_piece = reader->piece_count;
    add_piece(reader, member->tstate, member->tstate_copy, reader->tstate_bytes);
}

/* The word before the copies are taken; the copy of the thread state has it, unless it lies on the C stack. */
static void add_current_before(struct gs_reader *reader, struct gs_member *member)
{
    member->current[0] = 0;
    if (member->doubled && current_in_tstate(reader))
        add_tstate(reader, member);
    else if (member->cframe)
        add_piece(reader, gs_current_word(reader, member), &member->current[0], 8);
}

static void add_current_after(struct gs_reader *reader, struct gs_member *member)
{
    gs_addr word = gs_current_word(reader, member);
    member->current[1] = 0;
    if (word)
        add_piece(reader, word, &member->current[1], 8);
}

/* The newest chunk, which changes fastest, between the two words that point to the frame in it; the rest around it,
 * the same way out as in: a loop that comes back to where it was after just the time between two copies would not be
 * seen if that were the same for all of them. */
static void add_member(struct gs_reader *reader, struct gs_member *member, bool link)
{
    const struct gs_layout *layout = &reader->python->layout;
    struct gs_parts *chunks = &member->chunks, *extras = &member->extras;
    member->piece_first = reader->piece_count;
    member->link_now = member->tstate;
    if (link && member->prev) /* what points to the first one is read as one of the heads */
        add_piece(reader, member->prev + (gs_addr)layout->ts_next, &member->link_now, 8);
    member->leaf_copy = NULL;
    if (member->leaf && (member->doubled || member->still)) {
        uint32_t span = (uint32_t)gs_code_span(layout);
        uint8_t *bytes = take_bytes(reader, span);
        member->leaf_copy = bytes;
        add_piece(reader, member->leaf, bytes, span);
    }
    for (size_t i = 0; i < extras->count; i++) {
        extras->list[i].copy[1] = NULL;
        add_part(reader, &extras->list[i], 0);
    }
    for (size_t i = chunks->count; i-- > 0;) {
        chunks->list[i].copy[1] = NULL;
        if (i == 0)
            add_current_before(reader, member);
        add_part(reader, &chunks->list[i], 0);
    }
    if (chunks->count == 0)
        add_current_before(reader, member);
    for (size_t i = 0; member->doubled && i < chunks->count && i < GS_CHUNKS_TWICE; i++) {
        add_part(reader, &chunks->list[i], 1);
        if (i == 0)
            add_current_after(reader, member);
    }
    for (size_t i = extras->count; member->doubled && i-- > 0;)
        add_part(reader, &extras->list[i], 1);
    if (member->doubled && chunks->count == 0)
        add_current_after(reader, member);
    member->piece_count = reader->piece_count - member->piece_first;
}

static bool arrived(const struct gs_part *part, const void *context)
{
    const struct gs_reader *reader = context;
    return (!part->copy[0] || reader->pieces[part->piece[0]].ok) &&
           (!part->copy[1] || reader->pieces[part->piece[1]].ok);
}

bool gs_pieces_whole(struct gs_reader *reader, struct gs_member *member)
{
    bool ok = true;
    for (size_t k = 0; k < member->piece_count && ok; k++) {
        const struct gs_piece *piece = &reader->pieces[member->piece_first + k];
        if (!piece->ok && piece->dst == member->leaf_copy)
            member->leaf_copy = NULL; /* its memory is gone: that is found out */
        else
            ok = piece->ok;
    }
    if (!reader->pieces[member->tstate_piece].ok) {
        member->tstate_copy = NULL;
        return false;
    }
    if (ok) {
        const struct gs_layout *layout = &reader->python->layout;
        if (current_in_tstate(reader))
            member->current[0] =
                gs_get_addr(member->tstate_copy, reader->heap_frames ? layout->ts_frame : layout->ts_current_frame);
        if (!member->doubled)
            member->current[1] = member->current[0];
        return true;
    }
    /* Parts whose memory is gone are forgotten: whatever the chain leads to is found anew. */
    gs_parts_keep(&member->chunks, arrived, reader);
    gs_parts_keep(&member->extras, arrived, reader);
    return false;
}

/* Room for `more` pieces and those of the members, and for the members' copies. */
static bool make_room(struct gs_reader *reader, struct gs_member **members, size_t count, size_t more)
{
    size_t pieces = more, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        pieces += GS_MEMBER_PIECES + 2 * (members[i]->chunks.count + members[i]->extras.count);
        bytes += gs_pieces_bytes(reader, members[i]);
    }
    return gs_grow(reader, (void **)&reader->pieces, &reader->piece_room, pieces, sizeof *reader->pieces) &&
           gs_grow(reader, (void **)&reader->arena, &reader->arena_room, reader->arena_used + bytes, 1);
}

static void add_members(struct gs_reader *reader, struct gs_member **members, size_t count, bool link)
{
    reader->reading++;
    for (size_t i = 0; i < count; i++) {
        if (!members[i]->doubled || !current_in_tstate(reader))
            add_tstate(reader, members[i]);
    }
    for (size_t i = 0; i < count; i++)
        add_member(reader, members[i], link);
}

enum gs_status gs_pieces_read(struct gs_reader *reader, struct gs_member **members, size_t count, bool link)
{
    size_t heads = reader->head_count;
    if (!make_room(reader, members, count, heads + reader->lock_count * GS_GIL_WINDOWS))
        return GS_NO_MEMORY;
    memcpy(reader->pieces, reader->heads, heads * sizeof *reader->pieces);
    reader->piece_count = heads;
    add_members(reader, members, count, link);
    size_t behind = reader->piece_count;
    for (size_t i = 0; i < reader->lock_count; i++)
        add_lock(reader, &reader->locks[i]);
    enum gs_status status = gs_mem_read_many(reader->python->mem, reader->pieces, reader->piece_count);
    if (status)
        return status;
    for (size_t i = 0; i < heads; i++) {
        if (!reader->pieces[i].ok)
            return GS_LOST;
    }
    decode_runtime(reader);
    for (size_t i = 0; i < reader->lock_count; i++) {
        struct gs_lock *lock = &reader->locks[i];
        if (!gs_gil_decode(&lock->place, lock->bytes[0], lock->pieces[0], &lock->before) ||
            !gs_gil_decode(&lock->place, lock->bytes[1], &reader->pieces[behind], &lock->after))
            return GS_LOST;
        behind += lock->place.window_count;
    }
    return GS_OK;
}

enum gs_status gs_pieces_read_bare(struct gs_reader *reader, struct gs_member **members, size_t count, bool link)
{
    if (!make_room(reader, members, count, 0))
        return GS_NO_MEMORY;
    reader->piece_count = 0;
    add_members(reader, members, count, link);
    return gs_mem_read_many(reader->python->mem, reader->pieces, reader->piece_count);
}
