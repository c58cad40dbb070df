/* Whose stacks are as they were. Where many threads had the GIL since the last snapshot it is not known which, and most
 * are none of them: one copy of what the stack of each lies in, the same in every byte as when the stack was read last,
 * shows that. It need not be proven that nobody moved meanwhile: a copy that was taken of two states is not the same as
 * one of a third. */
#include <string.h>

#include "sample/stack_reader.h"

enum {
    WORTH_THREADS = 48, /* fewer are read as fast */
    TOGETHER = 32,      /* members of one read: their copies stay in a cache */
    BYTES_MOST = 1 << 20,
    PAUSE = 16, /* samples, after one in which most had moved */
    LANES = 4
};

/* Of what was copied: four sums at a time, since each step waits for the one before. */
static uint64_t mix(uint64_t mark, const uint8_t *bytes, size_t len)
{
    uint64_t lanes[LANES] = {mark, ~mark, mark << 1, mark >> 1}, words[LANES];
    for (; len >= sizeof words; bytes += sizeof words, len -= sizeof words) {
        memcpy(words, bytes, sizeof words);
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = (lanes[i] ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) + (lanes[i] >> 29);
    }
    memset(words, 0, sizeof words);
    memcpy(words, bytes, len);
    for (size_t i = 0; i < LANES; i++)
        mark = (mark ^ lanes[i] ^ words[i] ^ mark >> 31) * UINT64_C(0xff51afd7ed558ccd);
    return mark ^ mark >> 32;
}

static uint64_t mix_parts(uint64_t mark, const struct gs_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        const struct gs_part *part = &parts->list[i];
        mark = mix(mark ^ part->addr, (const uint8_t *)&part->len, sizeof part->len);
        mark = mix(mark, part->copy[0], part->len);
    }
    return mark;
}

/* All frames, and which of them is the innermost. */
static uint64_t mark_of(const struct gs_member *member)
{
    return mix_parts(mix_parts(member->stack.current[0], &member->stack.chunks), &member->stack.extras);
}

void gs_unmoved_note(const struct gs_stack_reader *stacks, struct gs_member *member)
{
    member->stack.marked = !stacks->stopping && stacks->threads->member_count >= WORTH_THREADS &&
                           stacks->natives.scope == GS_NATIVE_NONE && gs_list_proves(stacks->threads) &&
                           gs_pieces_bytes(stacks, member) <= BYTES_MOST;
    if (member->stack.marked)
        member->stack.mark = mark_of(member);
}

/* Whoever has the GIL moves. */
static bool may_stand(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    const struct gs_lock *lock = gs_lock_of(stacks->threads, member);
    return member->stack.marked && !member->stack.torn && member->tstate != lock->before.last_holder &&
           member->tstate != lock->after.last_holder;
}

/* Or has ended, or is another one by now. */
static bool has_moved(struct gs_stack_reader *stacks, struct gs_member *member)
{
    if (!gs_pieces_whole(stacks, member) || !gs_list_linked(stacks->threads, member) ||
        mark_of(member) != member->stack.mark || (!stacks->heap_frames && !gs_chunk_as_predicted(stacks, member)))
        return true;
    gs_pieces_flags(stacks, member);
    return false;
}

/* Sorts the first `count` of them by whether they moved, those who did first; returns how many did. */
static size_t sort_moved(struct gs_stack_reader *stacks, struct gs_member **members, size_t count)
{
    size_t moved = 0;
    stacks->arena_used = 0;
    for (size_t i = 0; i < count; i++)
        members[i]->stack.doubled = members[i]->stack.still = false;
    bool read = gs_pieces_read_bare(stacks, members, count, false) == GS_OK;
    for (size_t i = 0; i < count; i++) {
        struct gs_member *member = members[i];
        if (read && !has_moved(stacks, member))
            continue;
        members[i] = members[moved];
        members[moved++] = member;
    }
    return moved;
}

size_t gs_unmoved_drop(struct gs_stack_reader *stacks, struct gs_member **members, size_t count)
{
    if (count < WORTH_THREADS || stacks->natives.scope != GS_NATIVE_NONE)
        return count;
    if (stacks->all_move > 0) {
        stacks->all_move--;
        return count;
    }
    size_t moved = 0, tried = 0, open = 0;
    struct gs_member *some[TOGETHER];
    for (size_t i = 0; i < count; i++) {
        if (may_stand(stacks, members[i]) && gs_spend(stacks, gs_pieces_cost(stacks, members[i])))
            some[open++] = members[i];
        else
            members[moved++] = members[i];
        if (open < TOGETHER && i + 1 < count)
            continue;
        size_t among = sort_moved(stacks, some, open);
        memcpy(members + moved, some, among * sizeof *some);
        moved += among;
        tried += open;
        open = 0;
    }
    if (moved > count - tried / 2)
        stacks->all_move = PAUSE;
    return moved;
}

static uint64_t mark_of_frames(const struct gs_member *member)
{
    size_t count = member->stack.frame_count;
    return count > 0 ? mix(count, (const uint8_t *)member->stack.frames, count * sizeof *member->stack.frames) : 0;
}

static bool same_stack(struct gs_stack_reader *stacks, struct gs_member *member)
{
    uint64_t before = mark_of_frames(member), generation = gs_codes_generation(stacks->codes);
    return gs_pieces_whole(stacks, member) && gs_list_linked(stacks->threads, member) &&
           gs_handles_exception(stacks, member) == member->stack.handles &&
           gs_member_walk(stacks, member) == GS_WALK_OK && mark_of_frames(member) == before &&
           gs_codes_stand(stacks, member) && generation == gs_codes_generation(stacks->codes);
}

bool gs_unmoved_again(struct gs_stack_reader *stacks, struct gs_member *member, bool lists)
{
    stacks->patience = GS_PATIENCE;
    stacks->arena_used = 0;
    member->stack.doubled = false;
    member->stack.still = true;
    bool same = gs_pieces_read(stacks, &member, lists ? 0 : 1, true) == GS_OK && gs_list_same(stacks->threads) &&
                (lists || same_stack(stacks, member));
    member->stack.still = false;
    if (!same) { /* the frames may be other ones by now */
        gs_deep_spoil(member);
        member->stack.marked = false;
    }
    gs_mem_cache_clear(stacks->threads->cache);
    return same;
}
