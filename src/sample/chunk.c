/* Stacks from 3.11 on: frames lie one behind the other in the chunks of a thread's data stack; those of generators and
 * the marks that the evaluator leaves on the C stack (3.12 on) lie elsewhere.
 * Sources: Include/internal/pycore_frame.h (3.11-3.13), pycore_interpframe.h (3.14 on), Python/pystate.c
 * (_PyThreadState_PushFrame, push_chunk). */
#include <string.h>

#include "sample/stack_reader.h"

enum { OWNED_BY_THREAD = 0, OWNED_BY_GENERATOR = 1 }; /* enum _frameowner */
enum { CHUNKS_PER_UNIT = 32, PARTS_PER_UNIT = 64 /* that are looked through, or moved, for one unit of gs_spend */ };
enum { JOIN_BYTES = 1024 /* frames on the C stack that are closer than this are read in one piece */ };

#define NO_CHUNK SIZE_MAX

/* One chunk, as the copy of its head says. */
static gs_addr chunk_first_frame(const struct gs_stack_reader *stacks, const struct gs_part *chunk, bool root)
{
    /* push_chunk leaves the first word of the root chunk empty. */
    return chunk->addr + (gs_addr)stacks->threads->python->layout.ck_data + (root ? 8 : 0);
}

static bool holds(const struct gs_parts *chunks, size_t index, gs_addr addr)
{
    return index < chunks->count && addr - chunks->list[index].addr < chunks->list[index].len;
}

/* The chunk that holds addr; *index is where it was last found, and is tried first: callers lie in the same or the
 * next one. */
static bool chunk_at(struct gs_stack_reader *stacks, const struct gs_member *member, gs_addr addr, size_t *index)
{
    const struct gs_parts *chunks = &member->stack.chunks;
    if (holds(chunks, *index, addr))
        return true;
    if (holds(chunks, *index + 1, addr)) {
        ++*index;
        return true;
    }
    if (!gs_spend(stacks, chunks->count / CHUNKS_PER_UNIT))
        return false;
    for (size_t i = 0; i < chunks->count; i++) {
        if (holds(chunks, i, addr)) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* ---- prediction: through the memory itself ---- */

/* The data stack's chunks, newest first, each as far as it is in use; of a very deep one those that may be read. */
static bool predict_chunks(struct gs_stack_reader *stacks, struct gs_member *member, gs_addr chunk, gs_addr top)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    struct gs_parts *chunks = &member->stack.chunks;
    gs_addr mark = 0;
    gs_parts_clear(chunks);
    member->stack.cut = false;
    while (chunk) {
        gs_addr previous;
        uint64_t size, used, head = (uint64_t)layout->ck_data;
        if (gs_mem_read_addr(threads->cache, chunk + (gs_addr)layout->ck_previous, &previous) ||
            gs_mem_read(threads->cache, chunk + (gs_addr)layout->ck_size, &size, 8) ||
            gs_mem_read(threads->cache, chunk + (gs_addr)layout->ck_top, &used, 8))
            return gs_member_lacks(member) || chunks->count > 0; /* what was found is read and checked */
        used = chunks->count == 0 ? top - chunk + GS_CHUNK_SLACK : head + 8 * used;
        if (size < head || size > GS_CHUNK_MAX || used < head || (chunks->count > 0 && used > size))
            return false;
        if (gs_chain_turns(chunk, chunks->count, &mark) || !gs_spend(stacks, GS_PATIENT_PAGE))
            return false;
        if (!gs_parts_append(stacks, chunks, chunk, (uint32_t)(used < size ? used : size))) {
            member->stack.cut = chunks->count > 0;
            return member->stack.cut;
        }
        chunk = previous;
    }
    return true;
}

/* Only the chunks up to this one are needed. */
static void drop_chunks(struct gs_member *member, size_t last)
{
    struct gs_parts *chunks = &member->stack.chunks;
    for (; chunks->count > last + 1; member->stack.cut = true)
        chunks->bytes -= chunks->list[--chunks->count].len;
}

/* Adds the frames that lie outside the chunks. */
static bool predict_frames(struct gs_stack_reader *stacks, struct gs_member *member, gs_addr frame)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    size_t index = 0, depth = 0;
    gs_addr before = 0;
    for (; frame && depth < GS_FRAME_LIMIT; depth++) {
        gs_addr previous;
        if (!gs_spend_frame(stacks, frame, before))
            return false;
        before = frame;
        if (gs_mem_read_addr(stacks->threads->cache, frame + (gs_addr)layout->if_previous, &previous))
            return true; /* what was found is read and checked */
        if (chunk_at(stacks, member, frame, &index)) {
            frame = previous;
            continue;
        }
        if (member->stack.cut && index + 1 == member->stack.chunks.count)
            return true; /* in the chunks that are left out */
        if (!gs_spend(stacks, member->stack.extras.count / PARTS_PER_UNIT) ||
            !gs_parts_add(stacks, &member->stack.extras, frame, stacks->frame_bytes, JOIN_BYTES))
            return false;
        frame = previous;
    }
    if (depth == GS_FRAME_LIMIT && member->stack.chunks.count > 0)
        drop_chunks(member, index);
    return true;
}

bool gs_chunk_predict(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    uint8_t tstate[GS_TSTATE_MAX];
    if (gs_mem_read(threads->cache, member->tstate, tstate, threads->tstate_bytes))
        return gs_member_lacks(member);
    if (!predict_chunks(stacks, member, gs_get_addr(tstate, layout->ts_datastack_chunk),
                        gs_get_addr(tstate, layout->ts_datastack_top)))
        return false;
    gs_addr frame = 0;
    if (layout->ts_cframe != GS_ABSENT) {
        member->stack.cframe = gs_get_addr(tstate, layout->ts_cframe);
        if (member->stack.cframe &&
            gs_mem_read_addr(threads->cache, member->stack.cframe + (gs_addr)layout->cf_current_frame, &frame))
            return gs_member_lacks(member);
    } else {
        frame = gs_get_addr(tstate, layout->ts_current_frame);
    }
    gs_parts_age(stacks, &member->stack.extras);
    gs_exceptions_predict(stacks, member);
    return predict_frames(stacks, member, frame);
}

/* ---- walking the copies ---- */

struct walk {
    struct gs_stack_reader *stacks;
    struct gs_member *member;
    gs_addr above;              /* the in-chunk frame that was walked last, 0: none yet */
    size_t above_chunk;         /* its chunk */
    bool loose;                 /* frames do not lie as they should */
    const struct gs_code *code; /* of the frame before: recursion finds it again at once */
    struct gs_walk_end end;
};

/* In-chunk frames lie without gaps from the newest down to the first one of the root chunk. */
static bool fits(struct walk *walk, gs_addr addr, size_t chunk, const struct gs_code *code)
{
    const struct gs_parts *chunks = &walk->member->stack.chunks;
    bool root = chunk == chunks->count - 1;
    bool ok = true;
    if (walk->above && chunk == walk->above_chunk)
        ok = addr + 8 * (gs_addr)code->frame_words == walk->above;
    else if (walk->above)
        ok = chunk == walk->above_chunk + 1 &&
             walk->above == chunk_first_frame(walk->stacks, &chunks->list[walk->above_chunk], false);
    walk->above = addr;
    walk->above_chunk = chunk;
    walk->end.at_root = root && addr == chunk_first_frame(walk->stacks, &chunks->list[chunk], true);
    return ok;
}

/* The copy `which` of the frame at addr, in the chunk given or (NO_CHUNK) outside; NULL: not read. */
static const uint8_t *copy_of(struct walk *walk, gs_addr addr, size_t chunk, int which)
{
    uint32_t len = walk->stacks->frame_bytes;
    if (chunk == NO_CHUNK)
        return gs_parts_at(walk->stacks, &walk->member->stack.extras, addr, len, which);
    const struct gs_part *part = &walk->member->stack.chunks.list[chunk];
    if (!part->copy[which] || len > part->len || addr - part->addr > part->len - len)
        return NULL;
    return part->copy[which] + (addr - part->addr);
}

static bool same(const struct gs_layout *layout, const uint8_t *a, const uint8_t *b, bool innermost)
{
    return gs_get_addr(a, layout->if_code) == gs_get_addr(b, layout->if_code) &&
           gs_get_addr(a, layout->if_previous) == gs_get_addr(b, layout->if_previous) &&
           (innermost || gs_get_addr(a, layout->if_instr) == gs_get_addr(b, layout->if_instr));
}

static const struct gs_code *code_of(struct walk *walk, gs_addr addr)
{
    enum gs_status why = GS_OK;
    if (!walk->code || walk->code->addr != addr)
        walk->code = gs_codes_get(walk->stacks->codes, addr, &why);
    walk->member->stack.lacks_code = why == GS_UNREADABLE && gs_reader_may_lack(walk->stacks);
    walk->member->stack.unreadable = walk->member->stack.lacks_code;
    return walk->code;
}

/* The frame lies in the chunks that are not read. */
static bool left_out(const struct walk *walk, gs_addr addr)
{
    const struct gs_member *member = walk->member;
    size_t last = member->stack.chunks.count - 1;
    return member->stack.cut && walk->above && walk->above_chunk == last &&
           walk->above == chunk_first_frame(walk->stacks, &member->stack.chunks.list[last], false) &&
           !holds(&member->stack.chunks, last, addr);
}

/* The thread state says that the chain ends there. */
static bool is_base(const struct walk *walk, gs_addr addr)
{
    const struct gs_layout *layout = &walk->stacks->threads->python->layout;
    return layout->ts_base_frame != GS_ABSENT &&
           addr == gs_get_addr(walk->member->stack.tstate_copy, layout->ts_base_frame);
}

/* One frame: checked, and shown if it is one of Python. */
static enum gs_walk walk_frame(struct walk *walk, gs_addr addr, gs_addr *previous)
{
    struct gs_stack_reader *stacks = walk->stacks;
    struct gs_member *member = walk->member;
    const struct gs_layout *layout = &stacks->threads->python->layout;
    size_t chunk = walk->above_chunk;
    bool in_chunk = chunk_at(stacks, member, addr, &chunk);
    const uint8_t *a = copy_of(walk, addr, in_chunk ? chunk : NO_CHUNK, 0);
    member->stack.unreadable = !a;
    if (!a)
        return GS_WALK_MISSING;
    *previous = gs_get_addr(a, layout->if_previous);
    int owner = a[layout->if_owner];
    walk->end.entered = owner >= layout->owner_shim && !in_chunk;
    if (!in_chunk && owner == OWNED_BY_THREAD)
        return GS_WALK_MISSING; /* in a chunk that was not known when this was predicted */
    if (stacks->stopping)
        return GS_WALK_OK;
    if (member->stack.doubled && !(in_chunk && chunk >= GS_CHUNKS_TWICE)) {
        const uint8_t *b = copy_of(walk, addr, in_chunk ? chunk : NO_CHUNK, 1);
        if (!b || !same(layout, a, b, addr == member->stack.current[0]))
            return GS_WALK_TORN;
    }
    bool c_stack = walk->end.entered && !is_base(walk, addr);
    if (member->stack.deep && !in_chunk)
        gs_deep_meet(stacks, member, addr, a, c_stack);
    if (c_stack)
        member->stack.c_stack = addr;
    if (walk->end.entered) {
        if (member->stack.frame_count > 0)
            member->stack.frames[member->stack.frame_count - 1].entry = true;
        return GS_WALK_OK;
    }
    gs_addr code_addr = gs_get_addr(a, layout->if_code) & ~(gs_addr)layout->ref_tag_mask;
    const struct gs_code *code = code_of(walk, code_addr);
    int32_t instr;
    if (!code || !gs_frame_instruction(&stacks->threads->python->layout, stacks->codes, code, a, &instr) ||
        (in_chunk ? owner != OWNED_BY_THREAD && owner < layout->owner_shim : owner != OWNED_BY_GENERATOR))
        return GS_WALK_TORN;
    walk->loose |= in_chunk && !fits(walk, addr, chunk, code);
    if (walk->loose && member->stack.doubled)
        return GS_WALK_TORN;
    if (code->trampoline || owner >= layout->owner_shim)
        return GS_WALK_OK;
    struct gs_frame *frame = gs_member_next(stacks, member);
    if (!frame)
        return GS_WALK_TORN;
    bool entry = layout->if_is_entry != GS_ABSENT && a[layout->if_is_entry] != 0;
    *frame =
        (struct gs_frame){.frame = addr, .code = code_addr, .instr = instr, .kind = GS_FRAME_PYTHON, .entry = entry};
    return GS_WALK_OK;
}

/* A chain that was cut (a generator being left has no caller for a moment) does not reach the root of the data
 * stack, although that is in use. That of a greenlet ends where it entered the evaluator, which knows of no caller:
 * TPythonState.cpp, set_initial_state (greenlet 3.5). */
static bool complete(const struct walk *walk)
{
    const struct gs_layout *layout = &walk->stacks->threads->python->layout;
    const struct gs_member *member = walk->member;
    if (layout->ts_base_frame != GS_ABSENT && walk->end.last)
        return is_base(walk, 0) || is_base(walk, walk->end.last) || walk->end.entered;
    if (member->stack.chunks.count == 0 || walk->end.at_root)
        return true;
    const struct gs_part *root = &member->stack.chunks.list[member->stack.chunks.count - 1];
    return !walk->above && member->stack.chunks.count == 1 &&
           gs_get_addr(member->stack.tstate_copy, layout->ts_datastack_top) ==
               chunk_first_frame(walk->stacks, root, true);
}

bool gs_chunk_as_predicted(const struct gs_stack_reader *stacks, const struct gs_member *member)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    const uint8_t *tstate = member->stack.tstate_copy;
    gs_addr chunk = gs_get_addr(tstate, layout->ts_datastack_chunk);
    if (chunk != (member->stack.chunks.count ? member->stack.chunks.list[0].addr : 0))
        return false;
    return layout->ts_cframe == GS_ABSENT || gs_get_addr(tstate, layout->ts_cframe) == member->stack.cframe;
}

enum gs_walk gs_chunk_walk(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct walk walk = {.stacks = stacks, .member = member};
    member->stack.frame_count = member->stack.same_count = 0;
    member->stack.c_stack = member->stack.cframe;
    if (!gs_chunk_as_predicted(stacks, member))
        return GS_WALK_MISSING;
    if (member->stack.current[0] != member->stack.current[1])
        return GS_WALK_TORN;
    bool deep = member->stack.deep && !stacks->stopping;
    if (deep)
        gs_deep_begin(stacks, member);
    gs_addr at = member->stack.current[0], mark = 0;
    for (size_t depth = 0; at; depth++) {
        if (gs_chain_turns(at, depth, &mark) || !gs_spend(stacks, 1))
            return GS_WALK_TORN;
        if (depth >= GS_FRAME_LIMIT || left_out(&walk, at)) {
            enum gs_gap gap = depth >= GS_FRAME_LIMIT ? GS_GAP_TOO_DEEP : GS_GAP_TOO_LARGE;
            (void)gs_member_push(stacks, member, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = gap});
            return GS_WALK_OK;
        }
        walk.end.last = at;
        enum gs_walk result = walk_frame(&walk, walk.end.last, &at);
        if (result != GS_WALK_OK)
            return result;
        if (deep && walk.above == walk.end.last && gs_deep_ends(stacks, member, walk.above_chunk, &walk.end))
            break;
    }
    if (stacks->stopping)
        return GS_WALK_OK;
    if (!complete(&walk))
        return GS_WALK_TORN;
    if (!walk.loose)
        gs_deep_keep(stacks, member, &walk.end);
    return GS_WALK_OK;
}
