/* Memory that goes and threads that come while a snapshot is taken, and what a snapshot costs. */
#include <string.h>

#include "support/mem_fake.h"
#include "support/process_event.h"
#include "support/unit.h"

#define PROVES GS_VERSION(3, 6) /* has a switch count */
#define CHUNKS GS_VERSION(3, 11)

/* ---- memory goes ---- */

/* The newest chunk is given back and the memory holds other things. */
static void drop_chunk(struct process *p)
{
    const struct gs_layout *layout = &p->o.layout;
    struct process_thread *holder = &p->threads[1];
    gs_addr chunk = holder->chunk, previous;
    memcpy(&previous, mem_fake_at(p->o.mem, chunk + (gs_addr)layout->ck_previous, 8), 8);
    if (!previous)
        return;
    process_return(p, holder, 0);
    uint64_t used;
    memcpy(&used, mem_fake_at(p->o.mem, previous + (gs_addr)layout->ck_top, 8), 8);
    holder->chunk = previous;
    holder->top = previous + (gs_addr)layout->ck_data + 8 * used;
    mem_fake_put64(p->o.mem, holder->addr + (gs_addr)layout->ts_datastack_chunk, previous);
    mem_fake_put64(p->o.mem, holder->addr + (gs_addr)layout->ts_datastack_top, holder->top);
    memset(mem_fake_at(p->o.mem, chunk, PROCESS_CHUNK_BYTES), 0x5a, PROCESS_CHUNK_BYTES);
}

static void chunk_gone(struct process *p)
{
    for (size_t index = 0; index < 40; index++) {
        process_reopen(p);
        mem_fake_put64(p->o.mem, p->interp + (gs_addr)p->o.layout.is_threads_head, 0);
        p->thread_count = 0;
        process_three_threads(p);
        process_chunk(p, &p->threads[1]);
        process_call(p, &p->threads[1], 2, 6);
        process_must_take(p);
        assert_string_equal(process_stack_of(p, 1), "h:6 g:1 f:1");
        struct process_event event = {0, index, drop_chunk, p, 0};
        mem_script_set(p->mem, process_event_script, &event);
        process_must_take(p);
        mem_script_set(p->mem, NULL, NULL);
        const char *seen = process_stack_of(p, 1);
        if (strcmp(seen, "h:6 g:1 f:1") != 0 && strcmp(seen, "g:1 f:1") != 0 && strcmp(seen, "?0") != 0)
            fail_msg("%s", seen);
        if (event.times == 0)
            break;
        process_must_take(p);
        assert_string_equal(process_stack_of(p, 1), "g:1 f:1");
    }
}

PROCESS_TEST(test_chunk_goes, CHUNKS, PROCESS_LAST, chunk_gone);

/* A thread ends and another starts while the lists are read. */
static void churn(struct process *p)
{
    process_unlink(p, &p->threads[1]);
    process_set_current(p, &p->threads[1], 0);
    process_drop(p);
    struct process_thread *fresh = process_thread(p, p->interp, p->sleepers[3]);
    process_call(p, fresh, 2, 8);
    process_take(p, fresh);
}

static void churned(struct process *p)
{
    for (size_t call = 0; call < 3; call++) {
        for (size_t index = 0; index < 40; index++) {
            process_reopen(p);
            mem_fake_put64(p->o.mem, p->interp + (gs_addr)p->o.layout.is_threads_head, 0);
            p->thread_count = 0;
            process_three_threads(p);
            if (call > 0)
                process_must_take(p);
            struct process_event event = {call, index, churn, p, 0};
            mem_script_set(p->mem, process_event_script, &event);
            enum gs_status status = process_take_snapshot(p);
            mem_script_set(p->mem, NULL, NULL);
            assert_int_equal(status, GS_OK);
            if (process_has(p, p->sleepers[1])) {
                const char *seen = process_stack_of(p, 1);
                if (strcmp(seen, "g:1 f:1") != 0 && strcmp(seen, "?0") != 0)
                    fail_msg("%s", seen);
            }
            process_must_take(p);
            assert_string_equal(process_stack_of(p, 0), "g:0 f:0");
            assert_string_equal(process_stack_of(p, 2), "g:2 f:2");
            if (event.times == 0)
                break;
            assert_false(process_has(p, p->sleepers[1]));
            assert_string_equal(process_stack_of(p, 3), "h:8");
            assert_int_equal(process_find(p, p->sleepers[3])->gil, GS_HOLDS);
        }
    }
}

PROCESS_TEST(test_churn, PROCESS_FIRST, PROCESS_LAST, churned);

/* ---- many threads ---- */

/* More threads than one read takes: all are seen, each with its own stack. */
static void many(struct process *p)
{
    enum { COUNT = 400 };
    for (size_t i = 0; i < COUNT; i++) {
        struct process_thread *thread = process_thread(p, p->interp, p->sleepers[i % PROCESS_SLEEPERS]);
        process_call(p, thread, 0, (int)(i % 20));
    }
    process_take(p, &p->threads[7]);
    process_must_take(p);
    process_must_take(p);
    assert_int_equal(gs_reader_quality(p->reader)->torn, 0);
    /* Several states of one thread in one interpreter are told once. */
    assert_int_equal(p->snapshot->thread_count, PROCESS_SLEEPERS);
    assert_string_equal(process_stack_of(p, 7), "f:7");
}

PROCESS_TEST(test_many_states, PROCESS_FIRST, PROCESS_LAST, many);

static void hand_over(struct process *p)
{
    struct process_thread *next = &p->threads[2];
    process_drop(p);
    process_take(p, next);
    process_step(p, next->frame, 1, 15);
    process_call(p, next, 2, 16);
}

/* With the words unchanged and only the holder to read, one scattered read is all that a snapshot takes, and another
 * now and then to see whether the code objects are what they were. */
static void cheap(struct process *p)
{
    process_three_threads(p);
    process_call(p, &p->threads[0], 2, 0); /* all code objects are known */
    process_must_take(p);
    mem_script_set(p->mem, NULL, NULL);
    process_must_take(p);
    assert_in_range(mem_script_calls(p->mem), 1, 2);
    hand_over(p);
    mem_script_set(p->mem, NULL, NULL);
    process_must_take(p);
    /* holder, new holder, what it called, the words again; and the code of each of the two */
    assert_true(mem_script_calls(p->mem) <= 6);
    assert_string_equal(process_stack_of(p, 2), "h:16 g:15 f:2");
}

PROCESS_TEST(test_cheap_when_still, PROVES, PROCESS_LAST, cheap);

/* The process is not the one that was opened. */
UNIT_TEST(test_gone)
{
    struct process p;
    process_init(&p, GS_VERSION(3, 11));
    process_open(&p, GS_STOP_NEVER);
    process_three_threads(&p);
    process_must_take(&p);
    mem_fake_put64(p.o.mem, p.interp + (gs_addr)p.o.layout.is_threads_head, 8);
    assert_int_equal(process_take_snapshot(&p), GS_LOST);
    p.target.start_ticks++;
    assert_int_equal(process_take_snapshot(&p), GS_GONE);
    process_fini(&p);
}
