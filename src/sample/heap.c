/* Stacks up to 3.10: each frame is an object of its own that points to its caller.
 * Sources: Include/frameobject.h (2.7, 3.6-3.8), Include/cpython/frameobject.h (3.9, 3.10). */
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "sample/stack_reader.h"

enum {
    JOIN_BYTES = 4096,  /* frames closer than this are read in one piece: a piece costs as much as some KB */
    EXECUTING = 1,      /* f_executing, 3.6-3.9 */
    STATE_EXECUTING = 0 /* f_state, 3.10: FRAME_EXECUTING */
};

GS_BY_VALUE(by_addr, gs_addr);

bool gs_heap_predict(struct gs_stack_reader *stacks, struct gs_member *member)
{
    struct gs_thread_list *threads = stacks->threads;
    const struct gs_layout *layout = &threads->python->layout;
    gs_addr frame;
    size_t count = 0;
    if (gs_mem_read_addr(threads->cache, member->tstate + (gs_addr)layout->ts_frame, &frame))
        return gs_member_lacks(member);
    for (; frame && count < GS_FRAME_LIMIT; count++) {
        if (!gs_spend_frame(stacks, frame, count > 0 ? stacks->chain[count - 1] : 0) ||
            !gs_grow(stacks, (void **)&stacks->chain, &stacks->chain_room, count + 1, sizeof *stacks->chain))
            return false;
        stacks->chain[count] = frame;
        if (gs_mem_read_addr(threads->cache, frame + (gs_addr)layout->fo_back, &frame))
            break; /* what was found is read and checked */
    }
    gs_parts_age(stacks, &member->stack.extras);
    /* In rising order each frame joins the last part or follows it: no part is moved. */
    if (count > 0)
        qsort(stacks->chain, count, sizeof *stacks->chain, by_addr);
    for (size_t i = 0; i < count; i++) {
        if (!gs_parts_add(stacks, &member->stack.extras, stacks->chain[i], stacks->frame_bytes, JOIN_BYTES))
            return false;
    }
    gs_exceptions_predict(stacks, member);
    return true;
}

/* The innermost frame of a thread that stands still may be on its way in or out: linked, but not marked (any more). */
static bool executing(const struct gs_layout *layout, const struct gs_member *member, const uint8_t *frame,
                      bool innermost)
{
    if (innermost && !member->stack.doubled)
        return true;
    if (layout->fo_executing != GS_ABSENT && frame[layout->fo_executing] != EXECUTING)
        return false;
    if (layout->fo_state != GS_ABSENT && frame[layout->fo_state] != STATE_EXECUTING)
        return false;
    return layout->fo_tstate == GS_ABSENT || gs_get_addr(frame, layout->fo_tstate) == member->tstate;
}

static bool same(const struct gs_layout *layout, const uint8_t *a, const uint8_t *b, bool innermost)
{
    return gs_get_addr(a, layout->fo_code) == gs_get_addr(b, layout->fo_code) &&
           gs_get_addr(a, layout->fo_back) == gs_get_addr(b, layout->fo_back) &&
           (innermost || gs_get_u32(a, layout->fo_lasti) == gs_get_u32(b, layout->fo_lasti));
}

static enum gs_walk walk_frame(struct gs_stack_reader *stacks, struct gs_member *member, gs_addr addr, gs_addr *back)
{
    const struct gs_layout *layout = &stacks->threads->python->layout;
    const uint8_t *a = gs_parts_at(stacks, &member->stack.extras, addr, stacks->frame_bytes, 0);
    member->stack.unreadable = !a;
    if (!a)
        return GS_WALK_MISSING;
    *back = gs_get_addr(a, layout->fo_back);
    if (stacks->stopping)
        return GS_WALK_OK;
    if (member->stack.doubled) {
        const uint8_t *b = gs_parts_at(stacks, &member->stack.extras, addr, stacks->frame_bytes, 1);
        if (!b || !same(layout, a, b, addr == member->stack.current[0]))
            return GS_WALK_TORN;
    }
    enum gs_status why = GS_OK;
    gs_addr code_addr = gs_get_addr(a, layout->fo_code);
    const struct gs_code *code = gs_codes_get(stacks->codes, code_addr, &why);
    member->stack.lacks_code = why == GS_UNREADABLE && gs_reader_may_lack(stacks);
    member->stack.unreadable = member->stack.lacks_code;
    int64_t lasti = (int32_t)gs_get_u32(a, layout->fo_lasti);
    if (!code || lasti < -1 || lasti * layout->lasti_unit >= code->code_bytes ||
        !executing(layout, member, a, addr == member->stack.current[0]))
        return GS_WALK_TORN;
    struct gs_frame *frame = gs_member_next(stacks, member);
    if (!frame)
        return GS_WALK_TORN;
    int32_t instr = lasti < 0 ? -1 : (int32_t)lasti * layout->lasti_unit;
    gs_addr first = code->arg_count > 0 ? gs_get_addr(a, layout->fo_localsplus) : 0;
    *frame = (struct gs_frame){
        .frame = addr, .code = code_addr, .first = first, .instr = instr, .kind = GS_FRAME_PYTHON, .entry = true};
    return GS_WALK_OK;
}

enum gs_walk gs_heap_walk(struct gs_stack_reader *stacks, struct gs_member *member)
{
    member->stack.frame_count = 0;
    if (member->stack.current[0] != member->stack.current[1])
        return GS_WALK_TORN;
    gs_addr at = member->stack.current[0], mark = 0;
    for (size_t depth = 0; at; depth++) {
        if (gs_chain_turns(at, depth, &mark) || !gs_spend(stacks, 1))
            return GS_WALK_TORN;
        if (depth >= GS_FRAME_LIMIT) {
            (void)gs_member_push(stacks, member, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = GS_GAP_TOO_DEEP});
            return GS_WALK_OK;
        }
        enum gs_walk result = walk_frame(stacks, member, at, &at);
        if (result != GS_WALK_OK)
            return result;
    }
    return GS_WALK_OK;
}
