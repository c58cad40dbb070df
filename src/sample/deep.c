/* Deep stacks: of most of the frames each byte is what it was when the stack was walked last. A walk ends at the first
 * frame from which on, up to the outermost one, all memory is the same: what was made of that holds.
 *
 * Kept are the chunks and the heads of the frames elsewhere as that walk found them. Code objects that are known no
 * longer end that, too; those that are known are confirmed after each walk, whoever walked it (renamed.c). */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "sample/stack_reader.h"

enum {
    WORTH_FRAMES = 48, /* fewer are walked as fast */
    BYTES_MOST = 1 << 19,
    MEMBERS_MOST = 8,         /* for whom this is kept: the first ones that ran in two samples in a row */
    ELSEWHERE_MOST = 1 << 12, /* frames outside the chunks */
    HEAD_MOST = 128           /* bytes of the head of one */
};

/* A chunk as far as it was in use. */
struct kept_chunk {
    gs_addr addr;
    size_t len, room;
    uint8_t *bytes;
};

/* A frame that does not lie in a chunk. */
struct kept_frame {
    gs_addr addr;
    uint32_t index; /* so many frames of Python lie further in */
    bool c_stack;   /* it says where on the C stack the evaluator is */
    uint8_t head[HEAD_MOST];
};

struct kept_frames {
    struct kept_frame *list;
    size_t count, room;
};

struct gs_deep {
    uint64_t generation; /* of the code objects, */
    uint32_t read;       /* and in which sample it was read */
    /* The stack as it was walked last; count 0: it is not known. */
    struct gs_frame *frames;
    uint32_t count, room;
    bool aside; /* these are frames; else the member's own are */
    struct gs_walk_end end;
    struct kept_chunk *chunks; /* the root first */
    size_t chunk_count, chunk_room;
    struct kept_frames elsewhere;

    /* Of the walk that goes on: */
    size_t chunk;           /* from this chunk on, newest first, */
    gs_addr until;          /* and in it up to here, all is the same; */
    uint32_t first;         /* from this one of the frames on, those elsewhere are, too */
    uint32_t at;            /* frames further in were met */
    struct kept_frames met; /* elsewhere, and what is taken over of those */
    bool missed;            /* there was no room for one */
};

static void free_deep(struct gs_deep *deep)
{
    for (size_t i = 0; i < deep->chunk_room; i++)
        free(deep->chunks[i].bytes);
    free(deep->chunks);
    free(deep->elsewhere.list);
    free(deep->met.list);
    free(deep->frames);
    free(deep);
}

void gs_deep_free(struct gs_thread_list *threads, struct gs_member *member)
{
    if (!member->stack.deep)
        return;
    threads->frames_room -= member->stack.deep->room;
    threads->deep_count--;
    free_deep(member->stack.deep);
    member->stack.deep = NULL;
}

void gs_deep_spoil(struct gs_member *member)
{
    member->stack.same_count = 0;
    struct gs_deep *deep = member->stack.deep;
    if (deep && (!deep->aside || deep->read == member->stack.read_sample))
        deep->count = 0;
}

/* ---- what is the same ---- */

/* So many bytes are the same in both, from the first one on. */
static size_t same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    static const size_t steps[] = {4096, 512, 64, 8};
    size_t at = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        while (len - at >= steps[i] && memcmp(a + at, b + at, steps[i]) == 0)
            at += steps[i];
    }
    return at;
}

/* Of the part of a chunk that was read. */
static size_t same_in_chunk(const struct kept_chunk *kept, const struct gs_part *part, size_t head)
{
    size_t len = gs_least(kept->len, part->len);
    if (kept->addr != part->addr || len < head)
        return 0;
    len = head + same_bytes(kept->bytes + head, part->copy[0] + head, len - head);
    return part->copy[1] ? head + same_bytes(part->copy[0] + head, part->copy[1] + head, len - head) : len;
}

static void compare_chunks(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    struct gs_deep *deep = member->stack.deep;
    const struct gs_parts *chunks = &member->stack.chunks;
    size_t head = (size_t)stacks->threads->python->layout.ck_data;
    deep->chunk = chunks->count;
    for (size_t i = chunks->count, k = 0; i-- > 0 && k < deep->chunk_count; k++) {
        const struct gs_part *part = &chunks->list[i];
        size_t same = same_in_chunk(&deep->chunks[k], part, head);
        deep->chunk = i;
        deep->until = part->addr + same;
        if (same < part->len)
            break;
    }
}

static void compare_elsewhere(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_deep *deep = member->stack.deep;
    deep->first = 0;
    for (size_t i = 0; i < deep->elsewhere.count; i++) {
        const struct kept_frame *kept = &deep->elsewhere.list[i];
        for (int which = 0; which <= member->stack.doubled; which++) {
            const uint8_t *now = gs_parts_at(stacks, &member->stack.extras, kept->addr, stacks->frame_bytes, which);
            if (!now || memcmp(now, kept->head, stacks->frame_bytes) != 0)
                deep->first = kept->index;
        }
    }
}

static void exchange_frames(struct gs_member *member)
{
    struct gs_deep *deep = member->stack.deep;
    struct gs_frame *frames = deep->frames;
    uint32_t room = deep->room;
    deep->frames = member->stack.frames;
    deep->room = member->stack.frame_room;
    member->stack.frames = frames;
    member->stack.frame_room = room;
}

void gs_deep_begin(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_deep *deep = member->stack.deep;
    deep->at = 0;
    deep->chunk = SIZE_MAX;
    deep->met.count = 0;
    deep->missed = false;
    if (deep->count == 0 || deep->generation != gs_codes_generation(stacks->codes)) {
        deep->count = 0;
        return;
    }
    if (!deep->aside)
        exchange_frames(member);
    deep->aside = true;
    compare_chunks(stacks, member);
    compare_elsewhere(stacks, member);
}

/* ---- walking ---- */

static struct kept_frame *next_met(struct gs_deep *deep)
{
    if (deep->met.count == ELSEWHERE_MOST ||
        !gs_room((void **)&deep->met.list, &deep->met.room, deep->met.count + 1, sizeof *deep->met.list)) {
        deep->missed = true;
        return NULL;
    }
    return &deep->met.list[deep->met.count++];
}

void gs_deep_meet(const struct gs_stack_reader *stacks, struct gs_member *member, gs_addr addr, const uint8_t *head,
                  bool c_stack)
{
    struct kept_frame *met = next_met(member->stack.deep);
    if (!met)
        return;
    met->addr = addr;
    met->index = member->stack.frame_count;
    met->c_stack = c_stack;
    memcpy(met->head, head, stacks->frame_bytes);
}

/* Those elsewhere that are further out than the frame where the walk ends. */
static void take_over_elsewhere(struct gs_member *member, uint32_t index)
{
    struct gs_deep *deep = member->stack.deep;
    for (size_t i = 0; i < deep->elsewhere.count; i++) {
        const struct kept_frame *kept = &deep->elsewhere.list[i];
        struct kept_frame *met = kept->index > deep->at ? next_met(deep) : NULL;
        if (!met)
            continue;
        *met = *kept;
        met->index = kept->index - deep->at + index;
        if (kept->c_stack)
            member->stack.c_stack = kept->addr;
    }
}

bool gs_deep_ends(struct gs_stack_reader *stacks, struct gs_member *member, size_t chunk, struct gs_walk_end *end)
{
    struct gs_deep *deep = member->stack.deep;
    bool same = chunk > deep->chunk || (chunk == deep->chunk && end->last + stacks->frame_bytes <= deep->until);
    uint32_t index = member->stack.frame_count - 1;
    if (!same || deep->count == 0 || index == UINT32_MAX || member->stack.frames[index].frame != end->last)
        return false;
    while (deep->at < deep->count && deep->frames[deep->at].frame != end->last)
        deep->at++;
    uint32_t rest = deep->count - deep->at;
    if (rest == 0 || deep->at < deep->first || !gs_member_grow(stacks, member, index + rest))
        return false;
    memcpy(member->stack.frames + index, deep->frames + deep->at, rest * sizeof *deep->frames);
    member->stack.frame_count = index + rest;
    member->stack.same_read = deep->read;
    member->stack.same_count = deep->read != member->stack.read_sample ? rest : 0;
    take_over_elsewhere(member, index);
    *end = deep->end;
    return true;
}

/* ---- keeping ---- */

static bool keep_chunk(struct kept_chunk *kept, const struct gs_part *part, size_t same)
{
    if (!gs_room((void **)&kept->bytes, &kept->room, part->len, 1))
        return false;
    memcpy(kept->bytes + same, part->copy[0] + same, part->len - same);
    kept->addr = part->addr;
    kept->len = part->len;
    return true;
}

static bool keep_chunks(struct gs_member *member)
{
    struct gs_deep *deep = member->stack.deep;
    const struct gs_parts *chunks = &member->stack.chunks;
    if (!gs_room_zeroed((void **)&deep->chunks, &deep->chunk_room, chunks->count, sizeof *deep->chunks))
        return false;
    deep->chunk_count = chunks->count;
    for (size_t i = chunks->count, k = 0; i-- > 0; k++) {
        const struct gs_part *part = &chunks->list[i];
        size_t same = i > deep->chunk ? part->len : i == deep->chunk ? deep->until - part->addr : 0;
        if (!keep_chunk(&deep->chunks[k], part, same))
            return false;
    }
    return true;
}

static bool is_worth(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    uint32_t least = member->stack.deep ? WORTH_FRAMES / 2 : WORTH_FRAMES;
    return member->stack.frame_count >= least && member->stack.chunks.bytes <= BYTES_MOST && !member->stack.cut &&
           stacks->frame_bytes <= HEAD_MOST && stacks->threads->python->layout.if_tlbc_index == GS_ABSENT;
}

void gs_deep_keep(struct gs_stack_reader *stacks, struct gs_member *member, const struct gs_walk_end *end)
{
    struct gs_deep *deep = member->stack.deep;
    if (!is_worth(stacks, member)) {
        gs_deep_free(stacks->threads, member);
        return;
    }
    if (!deep) {
        bool again = member->stack.same_read > 0 && member->stack.same_read + 1 == member->stack.read_sample;
        member->stack.same_read = member->stack.read_sample;
        if (again && member->stack.doubled && stacks->threads->deep_count < MEMBERS_MOST)
            stacks->threads->deep_count += (member->stack.deep = calloc(1, sizeof *deep)) != NULL;
        return;
    }
    struct kept_frames before = deep->elsewhere;
    deep->elsewhere = deep->met;
    deep->met = before;
    deep->aside = false;
    deep->end = *end;
    deep->read = member->stack.read_sample;
    deep->generation = gs_codes_generation(stacks->codes);
    deep->count = keep_chunks(member) && !deep->missed ? member->stack.frame_count : 0;
}
