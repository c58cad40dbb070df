/* Stacks that make no sense, through a whole reader: what can be followed is shown, and that it ends. */
#include <string.h>

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

/* ---- hostile ---- */

static gs_addr code_word(struct process *p, gs_addr frame)
{
    const struct gs_layout *layout = &p->o.layout;
    return frame + (gs_addr)(layout->ts_frame != GS_ABSENT ? layout->fo_code : layout->if_code);
}

static gs_addr back_word(struct process *p, gs_addr frame)
{
    const struct gs_layout *layout = &p->o.layout;
    return frame + (gs_addr)(layout->ts_frame != GS_ABSENT ? layout->fo_back : layout->if_previous);
}

/* Two threads, the second holds; both stacks get the same damage in the middle frame. */
static void build_pair(struct process *p, gs_addr middle[2])
{
    for (size_t i = 0; i < 2; i++) {
        struct process_thread *thread = add(p, i);
        process_call(p, thread, 0, 1);
        middle[i] = process_call(p, thread, 1, 2);
        process_call(p, thread, 2, 3);
        process_take(p, thread);
    }
}

/* Without a switch count (2.7) nobody is known to stand still. */
static bool proves(const struct process *p)
{
    return p->o.layout.gil_home != GS_GIL_SEMAPHORE;
}

static void assert_damaged(struct process *p)
{
    process_must_take(p);
    assert_true(see(p, 0)->torn && see(p, 1)->torn);
    assert_string_equal(process_stack(p, see(p, 0)), proves(p) ? "h:3 ?3" : "?0");
    assert_string_equal(process_stack(p, see(p, 1)), "?0");
}

static void no_code(struct process *p)
{
    const uint64_t values[] = {0, 1, 8, UINT64_MAX, UINT64_MAX - 7, p->runtime, p->codes[0] + 16, p->interp};
    gs_addr middle[2];
    build_pair(p, middle);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t k = 0; k < 2; k++)
            mem_fake_put64(p->o.mem, code_word(p, middle[k]), values[i]);
        process_reopen(p);
        assert_damaged(p);
    }
}

PROCESS_TEST(test_code_that_is_none, PROCESS_FIRST, PROCESS_LAST, no_code);

static void odd_instructions(struct process *p)
{
    static const int bad[] = {-2, PROCESS_CODE_BYTES / 2, 1 << 28, -(1 << 29)};
    gs_addr middle[2];
    build_pair(p, middle);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        process_step(p, middle[0], 1, bad[i]);
        process_step(p, middle[1], 1, bad[i]);
        process_reopen(p);
        assert_damaged(p);
    }
    for (size_t k = 0; k < 2; k++)
        process_step(p, middle[k], 1, PROCESS_CODE_BYTES / 2 - 1);
    assert_stack(p, 1, "h:3 g:19 f:1");
}

PROCESS_TEST(test_instructions_out_of_range, PROCESS_FIRST, PROCESS_LAST, odd_instructions);

static void odd_pointers(struct process *p)
{
    gs_addr middle[2];
    build_pair(p, middle);
    /* The last one is mapped, but no frame: what comes of it differs. */
    const uint64_t values[] = {1, 4096, UINT64_MAX, UINT64_MAX - 40, INT64_MAX, p->threads[0].addr + 3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bool mapped = i + 1 == sizeof values / sizeof *values;
        for (size_t k = 0; k < 2; k++)
            mem_fake_put64(p->o.mem, back_word(p, middle[k]), values[i]);
        process_reopen(p);
        process_must_take(p);
        assert_true(see(p, 0)->torn && see(p, 1)->torn);
        const char *stack = process_stack(p, see(p, 0));
        assert_true(mapped || strcmp(stack, proves(p) ? "h:3 g:2 ?1" : "?0") == 0);
        assert_true(!proves(p) || strncmp(stack, "h:3 g:2 ?", 9) == 0);
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        process_set_current(p, &p->threads[1], values[i]);
        process_must_take(p);
        assert_true(see(p, 1)->torn);
    }
}

PROCESS_TEST(test_frames_nowhere, PROCESS_FIRST, PROCESS_LAST, odd_pointers);

static void cycles(struct process *p)
{
    gs_addr middle[2];
    build_pair(p, middle);
    for (size_t k = 0; k < 2; k++)
        mem_fake_put64(p->o.mem, back_word(p, middle[k]), middle[k]);
    process_must_take(p);
    assert_true(see(p, 0)->torn && see(p, 1)->torn);
    assert_true(see(p, 0)->frame_count < 100);
    for (size_t k = 0; k < 2; k++)
        mem_fake_put64(p->o.mem, back_word(p, middle[k]), p->threads[k].frame);
    process_must_take(p);
    assert_true(see(p, 0)->torn && see(p, 1)->torn);
    assert_true(see(p, 0)->frame_count < 100);
}

PROCESS_TEST(test_cycles, PROCESS_FIRST, PROCESS_LAST, cycles);

/* Generators that lead to each other in a circle. */
static void cycles_outside(struct process *p)
{
    gs_addr frames[2];
    for (size_t k = 0; k < 2; k++) {
        struct process_thread *thread = add(p, k);
        process_call(p, thread, 0, 1);
        frames[k] = process_resume(p, thread, 1, 1);
        process_resume(p, thread, 2, 1);
        process_take(p, thread);
        mem_fake_put64(p->o.mem, back_word(p, frames[k]), thread->frame);
    }
    process_must_take(p);
    assert_true(see(p, 0)->torn && see(p, 1)->torn);
    assert_true(see(p, 0)->frame_count < 100);
}

PROCESS_TEST(test_cycles_of_generators, CHUNKS, PROCESS_LAST, cycles_outside);

static void absurd_chunks(struct process *p)
{
    const struct gs_layout *layout = &p->o.layout;
    const struct {
        int32_t field;
        uint64_t value;
    } damages[] = {{layout->ck_size, 0},       {layout->ck_size, UINT64_MAX},
                   {layout->ck_size, 1 << 30}, {layout->ck_size, 8},
                   {layout->ck_previous, 8},   {layout->ck_previous, UINT64_MAX},
                   {layout->ck_previous, 0},   {layout->ck_top, UINT64_MAX},
                   {layout->ck_top, 1 << 20},  {layout->ck_top, UINT64_C(1) << 61}};
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    struct process_thread *both[] = {a, b};
    for (size_t k = 0; k < 2; k++) {
        process_call(p, both[k], 0, 1);
        process_chunk(p, both[k]);
        process_call(p, both[k], 1, 2);
        process_chunk(p, both[k]);
        process_call(p, both[k], 2, 3);
        process_take(p, both[k]);
    }
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        uint64_t before[2];
        gs_addr words[2];
        for (size_t k = 0; k < 2; k++) {
            gs_addr chunk;
            memcpy(&chunk, mem_fake_at(p->o.mem, both[k]->chunk + (gs_addr)layout->ck_previous, 8), 8);
            words[k] = chunk + (gs_addr)damages[i].field;
            memcpy(&before[k], mem_fake_at(p->o.mem, words[k], 8), 8);
            mem_fake_put64(p->o.mem, words[k], damages[i].value);
        }
        process_reopen(p);
        process_must_take(p);
        assert_true(see(p, 0)->torn && see(p, 1)->torn);
        for (size_t k = 0; k < 2; k++)
            mem_fake_put64(p->o.mem, words[k], before[k]);
        assert_stack(p, 1, "h:3 g:2 f:1");
    }
    /* Two chunks that lead to each other. */
    mem_fake_put64(p->o.mem, a->chunk + (gs_addr)layout->ck_previous, a->chunk);
    process_reopen(p);
    process_must_take(p);
    assert_true(see(p, 0)->torn);
}

PROCESS_TEST(test_absurd_chunks, CHUNKS, PROCESS_LAST, absurd_chunks);

/* No C frame yet, or no more. */
static void no_cframe(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_call(p, b, 0, 1);
    mem_fake_put64(p->o.mem, a->addr + (gs_addr)p->o.layout.ts_cframe, 0);
    process_take(p, b);
    assert_stack(p, 0, "");
    assert_stack(p, 1, "f:1");
    mem_fake_put64(p->o.mem, a->addr + (gs_addr)p->o.layout.ts_cframe, 8);
    process_take(p, a);
    process_must_take(p);
    assert_true(see(p, 0)->torn);
}

UNIT_TEST(test_no_cframe)
{
    process_for_versions(CHUNKS, GS_VERSION(3, 12), no_cframe);
}

static void endless(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    enum { DEEP = GS_FRAME_LIMIT + 50 };
    const struct gs_layout *layout = &p->o.layout;
    bool heap = layout->ts_frame != GS_ABSENT;
    gs_addr frames = process_map(p, (size_t)DEEP * 512);
    process_call(p, b, 0, 1);
    process_take(p, b);
    for (int i = 0; i < DEEP; i++) {
        if (!heap) {
            process_call(p, a, 0, 1);
            if (i % 64 == 0)
                process_chunk(p, a);
            continue;
        }
        gs_addr frame = frames + (gs_addr)i * 512;
        process_step(p, frame, 0, 1);
        mem_fake_put64(p->o.mem, frame + (gs_addr)layout->fo_back, a->frame);
        if (layout->fo_executing != GS_ABSENT)
            objects_put8(&p->o, frame + (gs_addr)layout->fo_executing, 1);
        if (layout->fo_tstate != GS_ABSENT)
            mem_fake_put64(p->o.mem, frame + (gs_addr)layout->fo_tstate, a->addr);
        process_set_current(p, a, frame);
    }
    process_must_take(p);
    assert_int_equal(see(p, 0)->frame_count, GS_FRAME_LIMIT + 1);
    assert_false(see(p, 0)->torn);
    assert_int_equal(see(p, 0)->frames[GS_FRAME_LIMIT].kind, GS_FRAME_GAP);
    assert_int_equal(see(p, 0)->frames[GS_FRAME_LIMIT].gap, GS_GAP_TOO_DEEP);
    assert_int_equal(see(p, 0)->frames[GS_FRAME_LIMIT - 1].kind, GS_FRAME_PYTHON);
    process_take(p, a);
    process_must_take(p);
    assert_int_equal(see(p, 0)->frame_count, GS_FRAME_LIMIT + 1);
}

UNIT_TEST(test_too_deep)
{
    process_for_versions(GS_VERSION(3, 8), GS_VERSION(3, 8), endless);
    process_for_versions(GS_VERSION(3, 13), GS_VERSION(3, 13), endless);
}
