/* Stacks through a whole reader, of every version's shape: plain ones, frames outside the data stack, several chunks.
 */
#include <string.h>

#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

#define CHUNKS GS_VERSION(3, 11)

static struct process_thread *add(struct process *p, size_t sleeper)
{
    return process_thread(p, p->interp, p->sleepers[sleeper]);
}

static const struct gs_thread *see(struct process *p, size_t sleeper)
{
    return process_find(p, p->sleepers[sleeper]);
}

/* The stack that a snapshot now shows of the thread of that sleeper. */
#define assert_stack(p, sleeper, expected)                                                                             \
    do {                                                                                                               \
        process_must_take(p);                                                                                          \
        assert_string_equal(process_stack(p, see(p, sleeper)), expected);                                              \
    } while (0)

static void plain(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_call(p, a, 0, 3);
    process_call(p, a, 1, 4);
    process_call(p, a, 2, -1);
    process_call(p, b, 2, 7);
    process_take(p, b);
    assert_stack(p, 0, "h:-1 g:4 f:3");
    assert_stack(p, 1, "h:7");
    assert_int_equal(p->snapshot->thread_count, 2);
    assert_false(see(p, 0)->torn || see(p, 1)->torn);
    assert_int_equal(gs_reader_quality(p->reader)->torn, 0);
    assert_int_equal(see(p, 0)->tstate, a->addr);
    assert_int_equal(see(p, 0)->ident, a->ident);
    /* It goes on: only the holder is read, and deeper than before. */
    process_call(p, b, 1, 8);
    process_call(p, b, 1, 9);
    assert_stack(p, 1, "g:9 g:8 h:7");
    for (int i = 0; i < 30; i++)
        process_call(p, b, 0, i % 20);
    process_must_take(p);
    assert_int_equal(see(p, 1)->frame_count, 33);
    assert_int_equal(see(p, 1)->frames[0].instr, 18);
    assert_false(see(p, 1)->torn);
    assert_string_equal(process_stack(p, see(p, 0)), "h:-1 g:4 f:3");
}

PROCESS_TEST(test_plain, PROCESS_FIRST, PROCESS_LAST, plain);

static void empty(struct process *p)
{
    add(p, 0);
    assert_stack(p, 0, "");
    assert_false(see(p, 0)->torn);
}

PROCESS_TEST(test_no_frames, PROCESS_FIRST, PROCESS_LAST, empty);

static void chunks(struct process *p)
{
    struct process_thread *a = add(p, 0);
    for (int i = 0; i < 5; i++) {
        process_call(p, a, 0, i);
        process_call(p, a, 1, i);
        process_chunk(p, a);
    }
    process_call(p, a, 2, 1);
    process_take(p, a);
    assert_stack(p, 0, "h:1 g:4 f:4 g:3 f:3 g:2 f:2 g:1 f:1 g:0 f:0");
    assert_false(see(p, 0)->torn);
    /* And filled to the brim: 85 frames go into the first, 85 into each other. */
    for (int i = 0; i < 400; i++)
        process_call(p, a, 1, 5);
    process_must_take(p);
    assert_int_equal(see(p, 0)->frame_count, 411);
    assert_false(see(p, 0)->torn);
}

PROCESS_TEST(test_chunks, CHUNKS, PROCESS_LAST, chunks);

static void generators(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_call(p, a, 0, 1);
    process_resume(p, a, 1, 2);
    process_resume(p, a, 2, 3);
    process_call(p, a, 0, 4);
    process_resume(p, a, 1, 5);
    process_call(p, b, 0, 1);
    process_resume(p, b, 2, 6);
    process_take(p, a);
    assert_stack(p, 0, "g:5 f:4 h:3 g:2 f:1");
    assert_stack(p, 1, "h:6 f:1");
    assert_false(see(p, 0)->torn || see(p, 1)->torn);
    process_return(p, a, 0);
    assert_stack(p, 0, "f:4 h:3 g:2 f:1");
}

PROCESS_TEST(test_generators, PROCESS_FIRST, PROCESS_LAST, generators);

static void shims(struct process *p)
{
    struct process_thread *a = add(p, 0);
    process_shim(p, a);
    process_call(p, a, 0, 1);
    process_call(p, a, 3, 2); /* a trampoline is not shown */
    process_shim(p, a);
    process_call(p, a, 1, 3);
    process_take(p, a);
    assert_stack(p, 0, "g:3 f:1");
    assert_false(see(p, 0)->torn);
}

UNIT_TEST(test_shims_and_trampolines)
{
    process_for_versions(GS_VERSION(3, 12), PROCESS_LAST, shims);
}

/* The item of a generator at this frame, which is the thread's own now. */
static gs_addr put_item(struct process *p, struct process_thread *thread, gs_addr frame, gs_addr value, gs_addr outer)
{
    const struct gs_layout *layout = &p->o.layout;
    gs_addr item = frame - 64;
    mem_fake_put64(p->o.mem, item + (gs_addr)layout->ei_value, value);
    mem_fake_put64(p->o.mem, item + (gs_addr)layout->ei_previous, outer);
    mem_fake_put64(p->o.mem, thread->addr + (gs_addr)layout->ts_exc_info, item);
    return item;
}

/* An exception that a generator handles is known by what was read together with its frame. */
static void handled(struct process *p)
{
    if (!gs_python_exceptions(&p->python))
        return;
    struct process_thread *a = add(p, 0);
    const struct gs_layout *layout = &p->o.layout;
    gs_addr exception = objects_str(&p->o, "it failed");
    process_call(p, a, 0, 1);
    gs_addr item = put_item(p, a, process_resume(p, a, 1, 2), exception, a->addr + (gs_addr)layout->ts_exc_state);
    process_take(p, a);
    assert_stack(p, 0, "g:2 f:1");
    assert_true(see(p, 0)->handles);
    struct gs_member *member = gs_list_find(&p->reader->threads, a->addr);
    assert_non_null(gs_parts_at(&p->reader->stacks, &member->stack.extras, item, 8, 0));
    assert_true(gs_unmoved_again(&p->reader->stacks, member, false));
    mem_fake_put64(p->o.mem, item + (gs_addr)layout->ei_value, 0);
    assert_false(gs_unmoved_again(&p->reader->stacks, member, false));
    assert_stack(p, 0, "g:2 f:1");
    assert_false(see(p, 0)->handles);
    /* One more is met, and the outer one is handling again. */
    mem_fake_put64(p->o.mem, item + (gs_addr)layout->ei_value, exception);
    put_item(p, a, process_resume(p, a, 2, 3), 0, item);
    for (int i = 0; i < 2; i++) {
        assert_stack(p, 0, "h:3 g:2 f:1");
        assert_true(see(p, 0)->handles);
    }
    mem_fake_put64(p->o.mem, a->addr + (gs_addr)layout->ts_exc_info, UINT64_C(0x123456789000));
    assert_stack(p, 0, "h:3 g:2 f:1");
    assert_false(see(p, 0)->handles);
}

PROCESS_TEST(test_generators_handle_exceptions, PROCESS_FIRST, PROCESS_LAST, handled);

/* 3.15 says where the chain ends. */
static void base_frame(struct process *p)
{
    struct process_thread *a = add(p, 0);
    gs_addr word = a->addr + (gs_addr)p->o.layout.ts_base_frame, base = process_shim(p, a);
    process_call(p, a, 0, 1);
    gs_addr generator = process_resume(p, a, 1, 2);
    process_call(p, a, 2, 3);
    mem_fake_put64(p->o.mem, word, base);
    process_take(p, a);
    assert_stack(p, 0, "h:3 g:2 f:1");
    assert_false(see(p, 0)->torn);
    /* A greenlet's ends at another one, by which it entered the evaluator. */
    mem_fake_put64(p->o.mem, word, base + 8);
    process_must_take(p);
    assert_stack(p, 0, "h:3 g:2 f:1");
    assert_false(see(p, 0)->torn);
    /* Cut short: the generator has no caller. */
    mem_fake_put64(p->o.mem, generator + (gs_addr)p->o.layout.if_previous, 0);
    process_must_take(p);
    assert_true(see(p, 0)->torn);
    assert_string_equal(process_stack(p, see(p, 0)), "?0");
}

UNIT_TEST(test_base_frame)
{
    process_for_versions(GS_VERSION(3, 15), PROCESS_LAST, base_frame);
}

/* A chain that ends at a generator, although frames lie below on the data stack. */
static void cut(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_call(p, a, 0, 1);
    gs_addr generator = process_resume(p, a, 1, 2);
    mem_fake_put64(p->o.mem, generator + (gs_addr)p->o.layout.if_previous, 0);
    process_call(p, b, 0, 1);
    gs_addr caller = process_call(p, b, 1, 2);
    mem_fake_put64(p->o.mem, caller + (gs_addr)p->o.layout.if_previous, 0);
    process_take(p, a);
    process_must_take(p);
    assert_true(see(p, 0)->torn && see(p, 1)->torn);
    assert_string_equal(process_stack(p, see(p, 0)), "?0");
    assert_string_equal(process_stack(p, see(p, 1)), "g:2 ?3");
    assert_int_equal(gs_reader_quality(p->reader)->torn, 1);
}

UNIT_TEST(test_cut_chain)
{
    process_for_versions(CHUNKS, GS_VERSION(3, 14), cut);
}

/* Free-threaded, 3.14 on: a frame that runs its thread's own copy of the bytecode. The fields are put where a build
 * with a GIL has others that are not read. */
static void copies(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    struct gs_layout *layout = &p->python.layout;
    layout->if_tlbc_index = layout->if_stackpointer;
    layout->co_tlbc = layout->co_code_adaptive - 8;
    layout->ca_size = 0;
    layout->ca_entries = 8;
    process_reopen(p);
    gs_addr page = process_map(p, 4096), array = page, other = page + 64, first = page + 1024, second = page + 2048;
    mem_fake_put64(p->o.mem, p->codes[0] + (gs_addr)layout->co_tlbc, array);
    mem_fake_put64(p->o.mem, array, 3);
    mem_fake_put64(p->o.mem, array + 8, p->codes[0] + (gs_addr)layout->co_code_adaptive);
    mem_fake_put64(p->o.mem, array + 24, first);
    gs_addr own = process_call(p, a, 0, 3);
    process_call(p, b, 0, 4);
    mem_fake_put32(p->o.mem, own + (gs_addr)layout->if_tlbc_index, 2);
    mem_fake_put64(p->o.mem, own + (gs_addr)layout->if_instr, first + 10);
    process_take(p, a);
    assert_stack(p, 0, "f:5");
    assert_stack(p, 1, "f:4");
    mem_fake_put64(p->o.mem, own + (gs_addr)layout->if_instr, first - 2);
    assert_stack(p, 0, "f:-1");
    /* The array was replaced, and the number is another copy's. */
    mem_fake_put64(p->o.mem, p->codes[0] + (gs_addr)layout->co_tlbc, other);
    mem_fake_put64(p->o.mem, other, 3);
    mem_fake_put64(p->o.mem, other + 24, second);
    mem_fake_put64(p->o.mem, other + 32, second); /* behind its end */
    mem_fake_put64(p->o.mem, own + (gs_addr)layout->if_instr, second + 14);
    assert_stack(p, 0, "f:7");
    /* Numbers and pointers that lead nowhere. */
    static const uint32_t wild[] = {1, 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        mem_fake_put32(p->o.mem, own + (gs_addr)layout->if_tlbc_index, wild[i]);
        process_must_take(p);
        assert_true(see(p, 0)->torn);
    }
    mem_fake_put32(p->o.mem, own + (gs_addr)layout->if_tlbc_index, 2);
    assert_stack(p, 0, "f:7");
    mem_fake_put64(p->o.mem, own + (gs_addr)layout->if_instr, second + PROCESS_CODE_BYTES);
    process_must_take(p);
    assert_true(see(p, 0)->torn);
    mem_fake_put64(p->o.mem, own + (gs_addr)layout->if_instr, second + 14);
    mem_fake_put64(p->o.mem, p->codes[0] + (gs_addr)layout->co_tlbc, 8);
    process_reopen(p);
    process_must_take(p);
    assert_true(see(p, 0)->torn);
}

UNIT_TEST(test_copies_of_bytecode)
{
    process_for_versions(GS_VERSION(3, 14), PROCESS_LAST, copies);
}
