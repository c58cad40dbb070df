/* Code objects are known by address, and that of one that was freed may be another's by now: whether the frames that
 * were just read are of the code that is known there. */
#include "base/clock.h"
#include "sample/stack_reader.h"

enum { FRAMES_TOGETHER = 256 };

/* True when the innermost one is what it was when its name was read: its memory was copied together with the stack. */
static bool leaf_stands(struct gs_stack_reader *stacks, struct gs_member *member)
{
    const uint8_t *now = member->stack.leaf_copy;
    gs_addr addr =
        member->stack.frame_count && member->stack.frames[0].kind == GS_FRAME_PYTHON ? member->stack.frames[0].code : 0;
    const struct gs_code *code = addr ? gs_codes_find(stacks->codes, addr) : NULL;
    if (!code)
        return true;
    if (!now || addr != member->stack.leaf) {
        /* Many threads wait in the same function: it is read once after the copies of their stacks were taken. */
        struct gs_leaf *leaf = &stacks->leaf;
        if (leaf->addr != addr || leaf->reading != stacks->reading) {
            leaf->addr = 0;
            if (gs_mem_read(stacks->threads->python->mem, addr, leaf->bytes,
                            gs_code_span(&stacks->threads->python->layout)))
                return false;
            leaf->addr = addr;
            leaf->reading = stacks->reading;
        }
        now = leaf->bytes;
    }
    member->stack.leaf = addr;
    return gs_code_same(stacks->threads->python, code, now);
}

/* The same for all that are new, by their names too, and at once: until the end of the sample they may return. */
static bool all_stand(struct gs_stack_reader *stacks, const struct gs_member *member)
{
    gs_addr addrs[GS_CODES_TOGETHER], last = 0, before = 0; /* what calls itself is looked at once */
    uint64_t generation = gs_codes_generation(stacks->codes), now_ns = gs_clock_ns();
    size_t count = 0;
    for (size_t i = 0; i < member->stack.frame_count; i++) {
        const struct gs_frame *frame = &member->stack.frames[i];
        if (frame->kind != GS_FRAME_PYTHON || frame->code == last || frame->code == before)
            continue;
        before = last;
        addrs[count++] = last = frame->code;
        if (count < GS_CODES_TOGETHER)
            continue;
        gs_codes_confirm(stacks->codes, addrs, count, now_ns);
        count = 0;
    }
    gs_codes_confirm(stacks->codes, addrs, count, now_ns);
    return generation == gs_codes_generation(stacks->codes);
}

bool gs_codes_stand(struct gs_stack_reader *stacks, struct gs_member *member)
{
    bool stands = leaf_stands(stacks, member);
    if (!stands)
        stacks->codes_stale |= gs_codes_check(stacks->codes) > 0;
    return all_stand(stacks, member) && stands;
}

/* Frame `index` is of the code that it was of, and, where frames are objects that outlive their calls, still called by
 * the same one. */
static bool frame_stands(const struct gs_stack_reader *stacks, const struct gs_member *member, size_t index,
                         const gs_addr now[2])
{
    const struct gs_frame *frame = &member->stack.frames[index];
    if (stacks->heap_frames && index + 1 < member->stack.frame_count && now[1] != frame[1].frame)
        return false;
    return (now[0] & ~(gs_addr)stacks->threads->python->layout.ref_tag_mask) == frame->code;
}

static bool frames_stand(struct gs_stack_reader *stacks, const struct gs_member *member, size_t first, size_t count)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    gs_addr code = (gs_addr)(stacks->heap_frames ? layout->fo_code : layout->if_code);
    gs_addr caller = (gs_addr)(stacks->heap_frames ? layout->fo_back : layout->if_previous);
    gs_addr now[FRAMES_TOGETHER][2];
    struct gs_piece pieces[2 * FRAMES_TOGETHER];
    for (size_t i = 0; i < count; i++) {
        gs_addr frame = member->stack.frames[first + i].frame;
        pieces[2 * i] = (struct gs_piece){frame + code, &now[i][0], sizeof now[i][0], false};
        pieces[2 * i + 1] = (struct gs_piece){frame + caller, &now[i][1], sizeof now[i][1], false};
    }
    bool stand = gs_mem_read_many(stacks->threads->python->mem, pieces, 2 * count) == GS_OK;
    for (size_t i = 0; i < count && stand; i++) {
        stand = member->stack.frames[first + i].kind != GS_FRAME_PYTHON ||
                (pieces[2 * i].ok && pieces[2 * i + 1].ok && frame_stands(stacks, member, first + i, now[i]));
    }
    return stand;
}

bool gs_stack_stands(struct gs_stack_reader *stacks, const struct gs_member *member)
{
    gs_addr current, word = gs_current_word(stacks, member);
    if (!word || gs_mem_read_addr(stacks->threads->python->mem, word, &current) || current != member->stack.current[0])
        return false;
    for (size_t i = 0; i < member->stack.frame_count; i += FRAMES_TOGETHER) {
        size_t left = member->stack.frame_count - i;
        if (!frames_stand(stacks, member, i, left < FRAMES_TOGETHER ? left : FRAMES_TOGETHER))
            return false;
    }
    return true;
}
