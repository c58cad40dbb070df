/* The pieces of one scattered read: the fields of the GILs at both ends, the heads of the lists, and of each thread its
 * state and the memory that its stack was found in before. */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "sample/collector.h"
#include "sample/stack_reader.h"

enum { PIECES_PER_INTERPRETER = 6 };

static struct gs_piece *add_piece(struct gs_stack_reader *stacks, gs_addr addr, void *dst, uint32_t len)
{
    struct gs_piece *piece = &stacks->pieces[stacks->piece_count++];
    *piece = (struct gs_piece){addr, dst, len, false};
    return piece;
}

/* ---- the heads: the fields of the GILs, of the runtime and of the interpreters ---- */

static void add_head(struct gs_stack_reader *stacks, gs_addr addr, void *dst, uint32_t len)
{
    stacks->heads[stacks->head_count++] = (struct gs_piece){addr, dst, len, false};
}

static void add_interpreter(struct gs_stack_reader *stacks, struct gs_interp *interp)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    gs_addr runtime = threads->python->at.runtime;
    add_head(stacks, interp->addr + (gs_addr)layout->is_threads_head, &interp->head_now, 8);
    if (layout->is_gil_drop_request != GS_ABSENT)
        add_head(stacks, interp->addr + (gs_addr)layout->is_gil_drop_request, &interp->drop_now, 4);
    else if (layout->rt_gil_drop_request != GS_ABSENT)
        add_head(stacks, runtime + (gs_addr)layout->rt_gil_drop_request, &interp->drop_now, 4);
    else if (threads->python->at.gil_drop_request)
        add_head(stacks, threads->python->at.gil_drop_request, &interp->drop_now, 4);
    if (layout->is_gc_collecting != GS_ABSENT)
        add_head(stacks, interp->addr + (gs_addr)layout->is_gc_collecting, &interp->collecting_now, 4);
    else if (layout->rt_gc_collecting != GS_ABSENT)
        add_head(stacks, runtime + (gs_addr)layout->rt_gc_collecting, &interp->collecting_now, 4);
    else if (threads->python->at.collecting)
        add_head(stacks, threads->python->at.collecting, &interp->collecting_now, 4);
    gs_collector_find(threads, interp);
    if (interp->collector.len > 0)
        add_head(stacks, interp->collector.at, interp->collector.bytes, interp->collector.len);
    if (gs_stop_world_known(layout)) {
        add_head(stacks, interp->addr + (gs_addr)layout->is_stop_world, interp->collector.worlds[0],
                 GS_STOP_WORLD_BYTES);
        add_head(stacks, runtime + (gs_addr)layout->rt_stop_world, interp->collector.worlds[1], GS_STOP_WORLD_BYTES);
    }
}

GS_BY(by_addr, struct gs_piece, addr);

/* By address, because what lies close together is cheaper to read in that order. */
bool gs_pieces_arrange(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    size_t most = 2 + threads->interp_count * PIECES_PER_INTERPRETER + threads->lock_count * GS_GIL_WINDOWS;
    if (!gs_grow(stacks, (void **)&stacks->heads, &stacks->head_room, most, sizeof *stacks->heads))
        return false;
    stacks->head_count = 0;
    add_head(stacks, stacks->runtime_at, stacks->runtime_now, stacks->runtime_len);
    if (threads->python->at.initialized)
        add_head(stacks, threads->python->at.initialized, &stacks->initialized_now, 4);
    for (size_t i = 0; i < threads->interp_count; i++)
        add_interpreter(stacks, &threads->interps[i]);
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_lock *lock = &threads->locks[i];
        size_t count = gs_gil_pieces(&lock->place, lock->bytes[0], lock->pieces[0]);
        for (size_t k = 0; k < count; k++) {
            add_head(stacks, lock->pieces[0][k].addr, lock->pieces[0][k].dst, lock->pieces[0][k].len);
            lock->pieces[0][k].ok = true; /* if one of the heads does not arrive, the reading is lost */
        }
    }
    qsort(stacks->heads, stacks->head_count, sizeof *stacks->heads, by_addr);
    return true;
}

/* The fields of the GIL once more, behind everything else. */
static void add_lock(struct gs_stack_reader *stacks, struct gs_lock *lock)
{
    size_t count = gs_gil_pieces(&lock->place, lock->bytes[1], lock->pieces[1]);
    memcpy(stacks->pieces + stacks->piece_count, lock->pieces[1], count * sizeof *stacks->pieces);
    stacks->piece_count += count;
}

static void decode_runtime(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    gs_addr low = stacks->runtime_at, word = threads->python->at.runtime + (gs_addr)layout->rt_finalizing;
    threads->interp_head_now = gs_get_addr(stacks->runtime_now, (int32_t)(threads->python->at.interp_head - low));
    if (layout->rt_finalizing != GS_ABSENT)
        stacks->finalizing_now =
            word - low <= stacks->runtime_len - 8 && gs_get_addr(stacks->runtime_now, (int32_t)(word - low)) != 0;
    else
        stacks->finalizing_now = threads->python->at.initialized && stacks->initialized_now == 0;
}

size_t gs_pieces_bytes(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    return 2 * (member->stack.chunks.bytes + member->stack.extras.bytes + stacks->threads->tstate_bytes) + GS_CODE_SPAN;
}

uint64_t gs_pieces_cost(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    return gs_pieces_bytes(stacks, member) / GS_PATIENT_BYTES +
           GS_PATIENT_PIECE * (member->stack.chunks.count + member->stack.extras.count);
}

static uint8_t *take_bytes(struct gs_stack_reader *stacks, uint32_t len)
{
    uint8_t *bytes = stacks->arena + stacks->arena_used;
    stacks->arena_used += len;
    return bytes;
}

static void add_part(struct gs_stack_reader *stacks, struct gs_part *part, int which)
{
    uint8_t *bytes = take_bytes(stacks, part->len);
    part->copy[which] = bytes;
    part->piece[which] = stacks->piece_count;
    add_piece(stacks, part->addr, bytes, part->len);
}

gs_addr gs_current_word(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    if (stacks->heap_frames)
        return member->tstate + (gs_addr)layout->ts_frame;
    if (layout->ts_current_frame != GS_ABSENT)
        return member->tstate + (gs_addr)layout->ts_current_frame;
    return member->stack.cframe ? member->stack.cframe + (gs_addr)layout->cf_current_frame : 0;
}

/* That word lies in the thread state itself, not on the C stack. */
static bool current_in_tstate(const struct gs_stack_reader *stacks)
{
    return stacks->heap_frames || stacks->threads->python->layout.ts_cframe == GS_ABSENT;
}

static void add_tstate(struct gs_stack_reader *stacks, struct gs_member *member)
{
    member->stack.tstate_copy = take_bytes(stacks, stacks->threads->tstate_bytes);
    member->stack.tstate_piece = stacks->piece_count;
    add_piece(stacks, member->tstate, member->stack.tstate_copy, stacks->threads->tstate_bytes);
}

/* The word before the copies are taken; the copy of the thread state has it, unless it lies on the C stack. */
static void add_current_before(struct gs_stack_reader *stacks, struct gs_member *member)
{
    member->stack.current[0] = 0;
    if (member->stack.doubled && current_in_tstate(stacks))
        add_tstate(stacks, member);
    else if (member->stack.cframe)
        add_piece(stacks, gs_current_word(stacks, member), &member->stack.current[0], 8);
}

static void add_current_after(struct gs_stack_reader *stacks, struct gs_member *member)
{
    gs_addr word = gs_current_word(stacks, member);
    member->stack.current[1] = 0;
    if (word)
        add_piece(stacks, word, &member->stack.current[1], 8);
}

/* The newest chunk, which changes fastest, between the two words that point to the frame in it; the rest around it,
 * the same way out as in: a loop that comes back to where it was after just the time between two copies would not be
 * seen if that were the same for all of them. */
static void add_member(struct gs_stack_reader *stacks, struct gs_member *member, bool link)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    struct gs_parts *chunks = &member->stack.chunks, *extras = &member->stack.extras;
    member->stack.piece_first = stacks->piece_count;
    member->stack.link_now = member->tstate;
    if (link && member->prev) /* what points to the first one is read as one of the heads */
        add_piece(stacks, member->prev + (gs_addr)layout->ts_next, &member->stack.link_now, 8);
    member->stack.leaf_copy = NULL;
    if (member->stack.leaf && (member->stack.doubled || member->stack.still)) {
        uint32_t span = (uint32_t)gs_code_span(layout);
        uint8_t *bytes = take_bytes(stacks, span);
        member->stack.leaf_copy = bytes;
        add_piece(stacks, member->stack.leaf, bytes, span);
    }
    for (size_t i = 0; i < extras->count; i++) {
        extras->list[i].copy[1] = NULL;
        add_part(stacks, &extras->list[i], 0);
    }
    for (size_t i = chunks->count; i-- > 0;) {
        chunks->list[i].copy[1] = NULL;
        if (i == 0)
            add_current_before(stacks, member);
        add_part(stacks, &chunks->list[i], 0);
    }
    if (chunks->count == 0)
        add_current_before(stacks, member);
    for (size_t i = 0; member->stack.doubled && i < chunks->count && i < GS_CHUNKS_TWICE; i++) {
        add_part(stacks, &chunks->list[i], 1);
        if (i == 0)
            add_current_after(stacks, member);
    }
    for (size_t i = extras->count; member->stack.doubled && i-- > 0;)
        add_part(stacks, &extras->list[i], 1);
    if (member->stack.doubled && chunks->count == 0)
        add_current_after(stacks, member);
    member->stack.piece_count = stacks->piece_count - member->stack.piece_first;
}

static bool arrived(const struct gs_part *part, const void *context)
{
    const struct gs_stack_reader *stacks = context;
    return (!part->copy[0] || stacks->pieces[part->piece[0]].ok) &&
           (!part->copy[1] || stacks->pieces[part->piece[1]].ok);
}

bool gs_pieces_whole(struct gs_stack_reader *stacks, struct gs_member *member)
{
    bool ok = true;
    for (size_t k = 0; k < member->stack.piece_count && ok; k++) {
        const struct gs_piece *piece = &stacks->pieces[member->stack.piece_first + k];
        if (!piece->ok && piece->dst == member->stack.leaf_copy)
            member->stack.leaf_copy = NULL; /* its memory is gone: that is found out */
        else
            ok = piece->ok;
    }
    if (!stacks->pieces[member->stack.tstate_piece].ok) {
        member->stack.tstate_copy = NULL;
        return false;
    }
    if (ok) {
        const struct gs_layout *layout = &stacks->threads->python->layout;
        if (current_in_tstate(stacks))
            member->stack.current[0] = gs_get_addr(member->stack.tstate_copy,
                                                   stacks->heap_frames ? layout->ts_frame : layout->ts_current_frame);
        if (!member->stack.doubled)
            member->stack.current[1] = member->stack.current[0];
        return true;
    }
    /* Parts whose memory is gone are forgotten: whatever the chain leads to is found anew. */
    gs_parts_keep(&member->stack.chunks, arrived, stacks);
    gs_parts_keep(&member->stack.extras, arrived, stacks);
    return false;
}

void gs_pieces_flags(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    if (!member->stack.tstate_copy)
        return;
    member->stack.handles = gs_handles_exception(stacks, member);
    if (layout->ts_gil_requested != GS_ABSENT) {
        member->stack.requested = gs_get_u32(member->stack.tstate_copy, layout->ts_gil_requested) != 0;
        member->stack.requested_sample = threads->sample;
    }
    if (layout->drop_request_bit >= 0 && layout->ts_eval_breaker != GS_ABSENT) {
        member->stack.breaker = gs_get_addr(member->stack.tstate_copy, layout->ts_eval_breaker);
        member->stack.breaker_sample = threads->sample;
    }
}

/* Room for `more` pieces and those of the members, and for the members' copies. */
static bool make_room(struct gs_stack_reader *stacks, struct gs_member **members, size_t count, size_t more)
{
    size_t pieces = more, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        pieces += GS_MEMBER_PIECES + 2 * (members[i]->stack.chunks.count + members[i]->stack.extras.count);
        bytes += gs_pieces_bytes(stacks, members[i]);
    }
    return gs_grow(stacks, (void **)&stacks->pieces, &stacks->piece_room, pieces, sizeof *stacks->pieces) &&
           gs_grow(stacks, (void **)&stacks->arena, &stacks->arena_room, stacks->arena_used + bytes, 1);
}

static void add_members(struct gs_stack_reader *stacks, struct gs_member **members, size_t count, bool link)
{
    stacks->reading++;
    for (size_t i = 0; i < count; i++) {
        if (!members[i]->stack.doubled || !current_in_tstate(stacks))
            add_tstate(stacks, members[i]);
    }
    for (size_t i = 0; i < count; i++)
        add_member(stacks, members[i], link);
}

enum gs_status gs_pieces_read(struct gs_stack_reader *stacks, struct gs_member **members, size_t count, bool link)
{
    struct gs_thread_list *threads = stacks->threads;
    size_t heads = stacks->head_count;
    if (!make_room(stacks, members, count, heads + threads->lock_count * GS_GIL_WINDOWS))
        return GS_NO_MEMORY;
    memcpy(stacks->pieces, stacks->heads, heads * sizeof *stacks->pieces);
    stacks->piece_count = heads;
    add_members(stacks, members, count, link);
    size_t behind = stacks->piece_count;
    for (size_t i = 0; i < threads->lock_count; i++)
        add_lock(stacks, &threads->locks[i]);
    enum gs_status status = gs_mem_read_many(threads->python->mem, stacks->pieces, stacks->piece_count);
    if (status)
        return status;
    for (size_t i = 0; i < heads; i++) {
        if (!stacks->pieces[i].ok)
            return GS_LOST;
    }
    decode_runtime(stacks);
    for (size_t i = 0; i < threads->lock_count; i++) {
        struct gs_lock *lock = &threads->locks[i];
        if (!gs_gil_decode(&lock->place, lock->bytes[0], lock->pieces[0], &lock->before) ||
            !gs_gil_decode(&lock->place, lock->bytes[1], &stacks->pieces[behind], &lock->after))
            return GS_LOST;
        behind += lock->place.window_count;
    }
    return GS_OK;
}

enum gs_status gs_pieces_read_bare(struct gs_stack_reader *stacks, struct gs_member **members, size_t count, bool link)
{
    if (!make_room(stacks, members, count, 0))
        return GS_NO_MEMORY;
    stacks->piece_count = 0;
    add_members(stacks, members, count, link);
    return gs_mem_read_many(stacks->threads->python->mem, stacks->pieces, stacks->piece_count);
}
