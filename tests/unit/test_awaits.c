/* Chains of coroutines in made memory, in every version's shape: followed to their end, and no further. */
#include <stdlib.h>

#include "mem/metered.h"
#include "python/awaits.h"
#include "support/objects_fake.h"
#include "support/unit.h"

enum { INSTR = 8, CODE_BYTES = 40, STACK = 4, FRAME_BYTES = 600, READS = 100000 };

struct world {
    struct objects o;
    struct gs_python python;
    struct gs_awaits awaits;
    struct gs_metered metered; /* nothing reads for ever */
    uint64_t left;
    struct gs_chain chain;
    gs_addr code;
};

static void put_state(struct world *w, gs_addr object, int state)
{
    objects_put8(&w->o, object + (gs_addr)w->o.layout.gen_frame_state, (uint8_t)state);
}

/* The instruction behind that at which the frame stands. */
static void put_next(struct world *w, gs_addr bytes, int op)
{
    objects_put8(&w->o, bytes + INSTR + 2, (uint8_t)op);
    objects_put8(&w->o, bytes + INSTR + 3, 2);
}

/* A code object whose instruction INSTR is an await. */
static gs_addr make_code(struct world *w)
{
    static const uint8_t no_lines[2];
    const struct gs_layout *layout = &w->o.layout;
    const struct objects_code template = {.name = "f",
                                          .file = "f.py",
                                          .first_line = 1,
                                          .stack = STACK,
                                          .frame = 40,
                                          .locals = {"a"},
                                          .lines = no_lines,
                                          .code_bytes = CODE_BYTES};
    gs_addr code = objects_code(&w->o, &template), bytes;
    if (layout->co_code != GS_ABSENT) {
        assert_int_equal(gs_mem_read_addr(w->o.mem, code + (gs_addr)layout->co_code, &bytes), GS_OK);
        put_next(w, bytes + (gs_addr)layout->bytes_data, layout->yield_from_op);
    } else {
        put_next(w, code + (gs_addr)layout->co_code_adaptive, layout->resume_op > 0 ? layout->resume_op : 0);
    }
    return code;
}

static gs_addr make_heap(struct world *w, gs_addr coroutine, gs_addr awaited)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr frame = objects_new(&w->o, objects_type(&w->o, "frame"), FRAME_BYTES), stack = frame + 500;
    objects_put64(&w->o, coroutine + (gs_addr)layout->gen_frame, frame);
    objects_put64(&w->o, frame + (gs_addr)layout->fo_code, w->code);
    objects_put32(&w->o, frame + (gs_addr)layout->fo_lasti, (uint32_t)(INSTR / layout->lasti_unit));
    objects_put64(&w->o, frame + (gs_addr)layout->fo_value_stack, stack);
    objects_put64(&w->o, stack + 8, awaited);
    if (layout->fo_stack_top != GS_ABSENT)
        objects_put64(&w->o, frame + (gs_addr)layout->fo_stack_top, stack + 16);
    else
        objects_put32(&w->o, frame + (gs_addr)layout->fo_stack_depth, 2);
    if (layout->fo_state != GS_ABSENT)
        objects_put8(&w->o, frame + (gs_addr)layout->fo_state, 0xff);
    return coroutine;
}

static gs_addr make_embedded(struct world *w, gs_addr coroutine, gs_addr awaited)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr frame = coroutine + (gs_addr)layout->gen_iframe, locals = frame + (gs_addr)layout->if_localsplus;
    unsigned slots = 1 + 1 + (unsigned)layout->awaited_slot; /* a variable, one kept, and from what is awaited on */
    objects_put64(&w->o, frame + (gs_addr)layout->if_code, w->code);
    objects_put64(&w->o, frame + (gs_addr)layout->if_instr, w->code + (gs_addr)layout->co_code_adaptive + INSTR);
    objects_put64(&w->o, locals + 16, awaited | (layout->ref_tag_mask ? 1 : 0));
    if (layout->if_stackpointer != GS_ABSENT)
        objects_put64(&w->o, frame + (gs_addr)layout->if_stackpointer, locals + 8 * slots);
    else
        objects_put32(&w->o, frame + (gs_addr)layout->if_stacktop, slots);
    put_state(w, coroutine, layout->gen_awaits);
    return coroutine;
}

/* A coroutine that awaits an object. */
static gs_addr make_awaiting(struct world *w, gs_addr awaited)
{
    gs_addr coroutine = objects_new(&w->o, objects_type(&w->o, "coroutine"), FRAME_BYTES);
    return w->o.layout.gen_iframe != GS_ABSENT ? make_embedded(w, coroutine, awaited)
                                               : make_heap(w, coroutine, awaited);
}

static gs_addr await_slot(struct world *w, gs_addr coroutine)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr frame;
    if (layout->gen_iframe != GS_ABSENT)
        return coroutine + (gs_addr)layout->gen_iframe + (gs_addr)layout->if_localsplus + 16;
    assert_int_equal(gs_mem_read_addr(w->o.mem, coroutine + (gs_addr)layout->gen_frame, &frame), GS_OK);
    return frame + 508;
}

static void read_chain(struct world *w, gs_addr object)
{
    w->left = READS;
    assert_int_equal(gs_chain_read(&w->awaits, object, &w->chain), GS_OK);
    assert_true(w->left > 0);
}

/* Runs a test on each version that has coroutines of asyncio. */
static void each_version(void (*test)(struct world *w))
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w = {0};
        if (objects_versions[i] < GS_VERSION(3, 7))
            continue;
        objects_init(&w.o, objects_versions[i]);
        w.python = (struct gs_python){.mem = w.o.mem, .layout = w.o.layout};
        gs_metered_init(&w.metered, w.o.mem, &w.left);
        w.awaits = (struct gs_awaits){.layout = &w.python.layout,
                                      .mem = &w.metered.mem,
                                      .live = &w.metered.mem,
                                      .codes = gs_codes_new(&w.python)};
        w.code = make_code(&w);
        test(&w);
        free(w.chain.frames);
        gs_codes_free(w.awaits.codes);
        objects_fini(&w.o);
    }
}

static void followed(struct world *w)
{
    gs_addr end = objects_new(&w->o, objects_type(&w->o, "_asyncio.Future"), 128);
    gs_addr iter = objects_new(&w->o, objects_type(&w->o, "_asyncio.FutureIter"), 16);
    objects_put64(&w->o, iter + (gs_addr)w->o.layout.fi_future, end);
    gs_addr inner = make_awaiting(w, iter), outer = make_awaiting(w, inner);
    read_chain(w, outer);
    assert_false(w->chain.torn || w->chain.running);
    assert_int_equal(w->chain.count, 2);
    assert_int_equal(w->chain.end, end);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->chain.frames[i].code, w->code);
        assert_int_equal(w->chain.frames[i].instr, INSTR);
    }
    assert_true(w->chain.frames[0].frame != w->chain.frames[1].frame);
    assert_int_equal(gs_awaitable_kind(&w->awaits, end), GS_AWAITABLE_FUTURE);
}

UNIT_TEST(test_a_chain_is_followed_to_its_end)
{
    each_version(followed);
}

/* Memory that changes while it is read may look like that. */
static void turned(struct world *w)
{
    gs_addr first = make_awaiting(w, 0), second = make_awaiting(w, first), third = make_awaiting(w, second);
    objects_put64(&w->o, await_slot(w, first), third);
    read_chain(w, third);
    assert_true(w->chain.torn);
    objects_put64(&w->o, await_slot(w, first), first);
    read_chain(w, third);
    assert_true(w->chain.torn);
}

UNIT_TEST(test_circles_end)
{
    each_version(turned);
}

static void wild(struct world *w)
{
    static const gs_addr values[] = {8, 0x7fffffffffff, UINT64_MAX, UINT64_MAX - 7, UINT64_C(0x8000000000000000)};
    gs_addr coroutine = make_awaiting(w, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        objects_put64(&w->o, await_slot(w, coroutine), values[i]);
        read_chain(w, coroutine);
        assert_int_equal(w->chain.count, 1);
        read_chain(w, values[i]);
        assert_int_equal(w->chain.count, 0);
    }
}

UNIT_TEST(test_wild_pointers)
{
    each_version(wild);
}

/* What has not begun, what runs and what has ended awaits nothing, whatever its stack holds. */
static void other_states(struct world *w)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr inner = make_awaiting(w, 0), outer = make_awaiting(w, inner);
    if (layout->gen_iframe != GS_ABSENT) {
        put_state(w, outer, layout->gen_runs);
        read_chain(w, outer);
        assert_true(w->chain.running);
        assert_int_equal(w->chain.count, 1);
        put_state(w, outer, layout->gen_runs + 1);
        read_chain(w, outer);
        assert_int_equal(w->chain.count, 0);
        put_state(w, outer, layout->gen_awaits - 1);
        read_chain(w, outer);
        assert_int_equal(w->chain.count, 1);
        assert_int_equal(w->chain.end, 0);
    } else {
        gs_addr frame;
        assert_int_equal(gs_mem_read_addr(w->o.mem, outer + (gs_addr)layout->gen_frame, &frame), GS_OK);
        objects_put32(&w->o, frame + (gs_addr)layout->fo_lasti, UINT32_MAX);
        read_chain(w, outer);
        assert_int_equal(w->chain.count, 1);
        assert_int_equal(w->chain.frames[0].instr, -1);
        objects_put64(&w->o, outer + (gs_addr)layout->gen_frame, 0);
        read_chain(w, outer);
        assert_int_equal(w->chain.count, 0);
        assert_false(w->chain.torn);
    }
}

UNIT_TEST(test_what_awaits_nothing)
{
    each_version(other_states);
}
