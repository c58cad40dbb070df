/* Walks from a coroutine to what it awaits: that lies on the stack of its suspended frame.
 * Sources: _PyGen_yf in Objects/genobject.c (3.7-3.15), Modules/_asynciomodule.c. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "python/awaits.h"
#include "python/field.h"
#include "python/slots.h"

enum {
    BASES_MOST = 16,
    HEAD_MOST = 512,
    STACK_MOST = 1 << 16,
    UNIT_BYTES = 2,
    AWAITING = 2,
    IN_SLOT = INT32_MAX /* of a wrapper of Python code: its object is in the slot _coro */
};

/* ---- kinds of objects ---- */

/* Of the type itself; `heap`: a class of Python code. */
static enum gs_awaitable kind_by_name(const struct gs_layout *layout, const char *name, bool heap, int32_t *inner)
{
    const struct {
        const char *name;
        enum gs_awaitable kind;
        int32_t inner;
        bool pure;
    } known[] = {
        {"coroutine", GS_AWAITABLE_GENERATOR, 0, false},
        {"generator", GS_AWAITABLE_GENERATOR, 0, false},
        {"async_generator", GS_AWAITABLE_GENERATOR, 0, false},
        {"coroutine_wrapper", GS_AWAITABLE_WRAPPER, layout->cw_coroutine, false},
        {"async_generator_asend", GS_AWAITABLE_WRAPPER, layout->ags_gen, false},
        {"async_generator_athrow", GS_AWAITABLE_WRAPPER, layout->agt_gen, false},
        {"anext_awaitable", GS_AWAITABLE_WRAPPER, layout->anext_wrapped, false},
        {"_asyncio.FutureIter", GS_AWAITABLE_WRAPPER, layout->fi_future, false},
        {"_asyncio.Task", GS_AWAITABLE_TASK, 0, false},
        {"_asyncio.Future", GS_AWAITABLE_FUTURE, 0, false},
        /* What aiohttp's requests are awaited by: aiohttp/client.py, 3.0 to 3.14. */
        {"_BaseRequestContextManager", GS_AWAITABLE_WRAPPER, IN_SLOT, true},
        {"Task", GS_AWAITABLE_PURE_TASK, 0, true},
        {"Future", GS_AWAITABLE_PURE_FUTURE, 0, true},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        /* Types of _asyncio became heap types in 3.12; their names have the module, those of Python code have not. */
        if (strcmp(name, known[i].name) == 0 && (heap || !known[i].pure)) {
            *inner = known[i].inner;
            return known[i].kind == GS_AWAITABLE_WRAPPER && *inner == GS_ABSENT ? GS_AWAITABLE_OTHER : known[i].kind;
        }
    }
    return GS_AWAITABLE_OTHER;
}

static enum gs_awaitable find_kind(struct gs_awaits *awaits, gs_addr at, int32_t *inner)
{
    struct gs_type type;
    char name[32];
    for (int i = 0; i < BASES_MOST && at != 0; i++) {
        if (!gs_type_get(&awaits->types, awaits->layout, awaits->mem, at, &type) ||
            gs_mem_read_cstr(awaits->mem, type.name, name, sizeof name))
            break;
        enum gs_awaitable kind = kind_by_name(awaits->layout, name, gs_type_has(&type, GS_TYPE_HEAP), inner);
        if (kind != GS_AWAITABLE_OTHER)
            return kind;
        if (gs_mem_read_addr(awaits->mem, at + (gs_addr)awaits->layout->tp_base, &at))
            break;
    }
    return GS_AWAITABLE_OTHER;
}

static enum gs_awaitable kind_of(struct gs_awaits *awaits, gs_addr object, int32_t *inner)
{
    gs_addr type;
    *inner = 0;
    if (object == 0 || awaits->layout->tp_base == GS_ABSENT ||
        gs_mem_read_addr(awaits->mem, object + (gs_addr)awaits->layout->ob_type, &type) || type == 0)
        return GS_AWAITABLE_OTHER;
    size_t slot = (size_t)(type >> 4) % GS_KINDS_KNOWN;
    if (awaits->kinds[slot].type != type) {
        awaits->kinds[slot].kind = find_kind(awaits, type, &awaits->kinds[slot].inner);
        awaits->kinds[slot].type = type;
    }
    *inner = awaits->kinds[slot].inner;
    return awaits->kinds[slot].kind;
}

void gs_awaits_forget(struct gs_awaits *awaits, struct gs_mem *pages)
{
    gs_mem_cache_clear(pages);
    memset(&awaits->types, 0, sizeof awaits->types);
    memset(awaits->kinds, 0, sizeof awaits->kinds);
}

bool gs_awaits_named(struct gs_awaits *awaits, gs_addr object, const char *name)
{
    struct gs_type type;
    return object != 0 && object % 8 == 0 && gs_type_of(&awaits->types, awaits->layout, awaits->mem, object, &type) &&
           gs_type_named(&type, awaits->mem, name);
}

enum gs_awaitable gs_awaitable_kind(struct gs_awaits *awaits, gs_addr object)
{
    int32_t inner;
    return kind_of(awaits, object, &inner);
}

/* ---- one coroutine ---- */

struct coroutine {
    gs_addr frame, code;
    int32_t instr;
    bool ended, runs;
    gs_addr slot; /* on its stack, of what it awaits; 0: it awaits nothing */
};

/* The operation, and its argument, at an address in bytecode. */
static bool read_unit(struct gs_awaits *awaits, gs_addr at, uint8_t unit[UNIT_BYTES])
{
    return gs_mem_read(awaits->mem, at, unit, UNIT_BYTES) == GS_OK;
}

/* Up to 3.10: whether the instruction behind that of f_lasti is a YIELD_FROM. */
static bool yields_from(struct gs_awaits *awaits, const struct gs_code *code, int32_t instr)
{
    const struct gs_layout *layout = awaits->layout;
    gs_addr bytes;
    uint8_t unit[UNIT_BYTES];
    return instr >= 0 && instr + UNIT_BYTES < code->code_bytes && layout->co_code != GS_ABSENT &&
           gs_mem_read_addr(awaits->mem, code->addr + (gs_addr)layout->co_code, &bytes) == GS_OK &&
           read_unit(awaits, bytes + (gs_addr)layout->bytes_data + (gs_addr)instr + UNIT_BYTES, unit) &&
           unit[0] == layout->yield_from_op;
}

/* Up to 3.10: where the top of a suspended frame's stack is. */
static gs_addr top_slot(const struct gs_layout *layout, const uint8_t *frame)
{
    gs_addr stack = gs_get_addr(frame, layout->fo_value_stack), top = stack;
    if (layout->fo_stack_top != GS_ABSENT)
        top = gs_get_addr(frame, layout->fo_stack_top);
    else if (layout->fo_stack_depth != GS_ABSENT)
        top = stack + 8 * (gs_addr)(uint32_t)(int32_t)gs_get_u32(frame, layout->fo_stack_depth);
    return top - stack - 8 < STACK_MOST ? top - 8 : 0;
}

/* Up to 3.10 the frame is an object of its own. */
static bool read_heap(struct gs_awaits *awaits, gs_addr object, struct coroutine *c)
{
    const struct gs_layout *layout = awaits->layout;
    uint8_t frame[HEAD_MOST];
    enum gs_status why;
    if (layout->fo_localsplus > HEAD_MOST ||
        gs_mem_read_addr(awaits->mem, object + (gs_addr)layout->gen_frame, &c->frame))
        return false;
    c->ended = c->frame == 0;
    if (c->ended)
        return true;
    if (gs_mem_read(awaits->mem, c->frame, frame, (size_t)layout->fo_localsplus))
        return false;
    c->code = gs_get_addr(frame, layout->fo_code);
    const struct gs_code *code = gs_codes_get(awaits->codes, c->code, &why);
    int64_t lasti = (int32_t)gs_get_u32(frame, layout->fo_lasti);
    if (!code || lasti < -1 || lasti * layout->lasti_unit >= code->code_bytes)
        return false;
    c->instr = lasti < 0 ? -1 : (int32_t)lasti * layout->lasti_unit;
    c->runs = (layout->fo_executing != GS_ABSENT && frame[layout->fo_executing] != 0) ||
              (layout->fo_state != GS_ABSENT && frame[layout->fo_state] == layout->gen_runs);
    if (!c->runs && yields_from(awaits, code, c->instr))
        c->slot = top_slot(layout, frame);
    return true;
}

/* 3.11 and 3.12: whether it will go on with a RESUME behind an await. */
static bool resumes_await(struct gs_awaits *awaits, const uint8_t *frame)
{
    const struct gs_layout *layout = awaits->layout;
    uint8_t unit[UNIT_BYTES];
    if (layout->resume_op < 0)
        return true; /* its state said it all */
    return read_unit(awaits, gs_get_addr(frame, layout->if_instr) + UNIT_BYTES, unit) &&
           (unit[0] == layout->resume_op || unit[0] == layout->resume_op_else) && unit[1] >= AWAITING;
}

/* From 3.11 on: where the awaited object is on the stack that lies behind the frame's variables. */
static gs_addr awaited_slot(const struct gs_layout *layout, const struct gs_code *code, gs_addr frame,
                            const uint8_t *head)
{
    gs_addr locals = frame + (gs_addr)layout->if_localsplus, bottom = locals + 8 * (gs_addr)code->locals_count, top;
    if (layout->if_stackpointer != GS_ABSENT)
        top = gs_get_addr(head, layout->if_stackpointer);
    else
        top = locals + 8 * (gs_addr)(uint32_t)(int32_t)gs_get_u32(head, layout->if_stacktop);
    gs_addr slot = top - 8 * (gs_addr)layout->awaited_slot;
    return slot - bottom < STACK_MOST ? slot : 0;
}

/* From 3.11 on the frame is a part of the coroutine. */
static bool read_embedded(struct gs_awaits *awaits, gs_addr object, struct coroutine *c)
{
    const struct gs_layout *layout = awaits->layout;
    uint8_t bytes[HEAD_MOST];
    enum gs_status why;
    int64_t len = (int64_t)layout->gen_iframe + layout->if_localsplus;
    if (len > HEAD_MOST || layout->gen_frame_state == GS_ABSENT || gs_mem_read(awaits->mem, object, bytes, (size_t)len))
        return false;
    const uint8_t *frame = bytes + layout->gen_iframe;
    int state = (int8_t)bytes[layout->gen_frame_state];
    c->frame = object + (gs_addr)layout->gen_iframe;
    c->ended = state > layout->gen_runs;
    c->runs = state == layout->gen_runs;
    if (c->ended)
        return true;
    c->code = gs_get_addr(frame, layout->if_code) & ~(gs_addr)(uint32_t)layout->ref_tag_mask;
    const struct gs_code *code = gs_codes_get(awaits->codes, c->code, &why);
    if (!code || !gs_frame_instruction(layout, awaits->codes, code, frame, &c->instr))
        return false;
    if (!c->runs && state >= layout->gen_awaits && resumes_await(awaits, frame))
        c->slot = awaited_slot(layout, code, c->frame, frame);
    return true;
}

/* ---- the chain ---- */

bool gs_chain_add(struct gs_chain *chain, struct gs_frame frame)
{
    if (!gs_room((void **)&chain->frames, &chain->room, chain->count + 1, sizeof *chain->frames))
        return false;
    chain->frames[chain->count++] = frame;
    return true;
}

/* Goes on from a coroutine to *object, 0 at the end. */
static enum gs_status step(struct gs_awaits *awaits, gs_addr *object, struct gs_chain *chain)
{
    const struct gs_layout *layout = awaits->layout;
    struct coroutine c = {0};
    gs_addr next = 0;
    bool read = layout->gen_iframe != GS_ABSENT  ? read_embedded(awaits, *object, &c)
                : layout->gen_frame != GS_ABSENT ? read_heap(awaits, *object, &c)
                                                 : false;
    *object = 0;
    chain->torn = !read || (c.slot != 0 && gs_mem_read_addr(awaits->mem, c.slot, &next) != GS_OK);
    if (chain->torn || c.ended)
        return GS_OK;
    chain->running = c.runs;
    *object = next & ~(gs_addr)(uint32_t)layout->ref_tag_mask;
    const struct gs_frame frame = {
        .frame = c.frame, .code = c.code, .instr = c.instr, .kind = GS_FRAME_PYTHON, .entry = true};
    return gs_chain_add(chain, frame) ? GS_OK : GS_NO_MEMORY;
}

enum gs_status gs_chain_read(struct gs_awaits *awaits, gs_addr object, struct gs_chain *chain)
{
    gs_addr mark = 0;
    *chain = (struct gs_chain){.frames = chain->frames, .room = chain->room};
    for (size_t depth = 0; object != 0 && !chain->torn; depth++) {
        int32_t inner;
        enum gs_awaitable kind = kind_of(awaits, object, &inner);
        if (object == mark || depth == GS_CHAIN_MOST) {
            chain->torn = true;
            break;
        }
        if ((depth & (depth - 1)) == 0) /* a circle comes back to where it was at some power of 2 */
            mark = object;
        if (kind == GS_AWAITABLE_GENERATOR) {
            enum gs_status status = step(awaits, &object, chain);
            if (status != GS_OK)
                return status;
        } else if (kind == GS_AWAITABLE_WRAPPER) {
            if (inner == IN_SLOT)
                object = gs_slot_find(awaits->layout, awaits->mem, &awaits->types, object, "_coro");
            else if (gs_mem_read_addr(awaits->mem, object + (gs_addr)inner, &object))
                chain->torn = true;
        } else {
            chain->end = object;
            break;
        }
    }
    return GS_OK;
}

bool gs_coroutine_frame(struct gs_awaits *awaits, gs_addr object, struct gs_frame *frame)
{
    struct gs_chain chain = {0};
    bool found = gs_awaitable_kind(awaits, object) == GS_AWAITABLE_GENERATOR &&
                 step(awaits, &object, &chain) == GS_OK && !chain.torn && !chain.running && chain.count > 0;
    if (found)
        *frame = chain.frames[0];
    free(chain.frames);
    return found;
}
