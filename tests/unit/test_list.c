/* The lists of interpreters and threads: who is found, what a list that contradicts itself does. */
#include <string.h>
#include <unistd.h>

#include "base/watch.h"
#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

static struct process_thread *add(struct process *p, size_t sleeper)
{
    struct process_thread *thread = process_thread(p, p->interp, p->sleepers[sleeper]);
    process_call(p, thread, sleeper % 3, (int)sleeper);
    return thread;
}

static void assert_lost(struct process *p)
{
    uint64_t lost = gs_reader_quality(p->reader)->lost;
    assert_int_equal(process_take_snapshot(p), GS_LOST);
    assert_int_equal(gs_reader_quality(p->reader)->lost, lost + 1);
}

static gs_addr head_word(struct process *p)
{
    return p->interp + (gs_addr)p->o.layout.is_threads_head;
}

static void order(struct process *p)
{
    /* The main thread stands first wherever it is in the list and by number. */
    add(p, 3);
    process_thread(p, p->interp, getpid());
    add(p, 1);
    add(p, 2);
    process_thread(p, p->interp, 0); /* made, not started */
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 4);
    assert_int_equal(p->snapshot->threads[0].tid, getpid());
    assert_true(p->snapshot->threads[0].main);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(p->snapshot->threads[i].tid, p->sleepers[i]);
        assert_int_equal(p->snapshot->threads[i].ns_tid, p->sleepers[i]);
        assert_false(p->snapshot->threads[i].main);
        assert_int_equal(p->snapshot->threads[i].activity.run, GS_RUN_SYSCALL);
    }
    /* The one that had not started runs now. */
    struct process_thread *late = &p->threads[4];
    if (p->o.layout.ts_native_thread_id != GS_ABSENT)
        mem_fake_put64(p->o.mem, late->addr + (gs_addr)p->o.layout.ts_native_thread_id, (uint64_t)p->sleepers[5]);
    mem_fake_put32(p->o.mem, late->ident + 720, (uint32_t)p->sleepers[5]);
    add(p, 6);
    process_must_take(p);
    assert_true(process_has(p, p->sleepers[5]) && process_has(p, p->sleepers[6]));
}

PROCESS_TEST(test_order, PROCESS_FIRST, PROCESS_LAST, order);

static void come_and_go(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1), *c = add(p, 2);
    process_take(p, b);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 3);
    process_unlink(p, c); /* the head */
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 2);
    process_unlink(p, b); /* the holder, in mid-list: its memory still looks alive */
    process_link(p, c);
    process_unlink(p, c);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 1);
    assert_true(process_has(p, p->sleepers[0]));
    process_link(p, c);
    process_must_take(p);
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[2])), "h:2");
    process_unlink(p, c);
    process_unlink(p, a);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 0);
}

PROCESS_TEST(test_threads_come_and_go, PROCESS_FIRST, PROCESS_LAST, come_and_go);

/* The last holder ends in mid-list: neither the head nor the switch count moves, and the freed memory reads on. */
static void ghost(struct process *p)
{
    add(p, 0);
    struct process_thread *b = add(p, 1);
    add(p, 2);
    process_take(p, b);
    process_drop(p);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 3);
    process_unlink(p, b);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 2);
    assert_false(process_has(p, p->sleepers[1]));
    assert_int_equal(p->snapshot->gils[0].state, GS_GIL_FREE);
}

PROCESS_TEST(test_ghost, PROCESS_FIRST, PROCESS_LAST, ghost);

/* Nobody in the list was the last holder: what moves later is seen all the same. */
static void unknown_holder(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_take(p, a);
    process_drop(p);
    process_unlink(p, a);
    process_must_take(p);
    process_must_take(p);
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[1])), "g:1");
    process_take(p, b);
    process_call(p, b, 2, 5);
    process_must_take(p);
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[1])), "h:5 g:1");
    assert_int_equal(p->snapshot->gils[0].holder, p->sleepers[1]);
    assert_int_equal(process_find(p, p->sleepers[1])->gil, GS_HOLDS);
}

PROCESS_TEST(test_last_holder_unknown, PROCESS_FIRST, PROCESS_LAST, unknown_holder);

/* Another thread's state in the same memory, at the same place of the list. */
static void reused(struct process *p)
{
    struct process_thread *a = add(p, 0), *b = add(p, 1);
    process_take(p, b);
    process_drop(p);
    process_must_take(p);
    gs_addr ident = p->threads[1].ident + 64;
    mem_fake_put32(p->o.mem, ident + 720, (uint32_t)p->sleepers[4]);
    mem_fake_put64(p->o.mem, b->addr + (gs_addr)p->o.layout.ts_thread_id, ident);
    if (p->o.layout.ts_native_thread_id != GS_ABSENT)
        mem_fake_put64(p->o.mem, b->addr + (gs_addr)p->o.layout.ts_native_thread_id, (uint64_t)p->sleepers[4]);
    process_set_current(p, b, 0);
    b->chunk = 0;
    process_call(p, b, 2, 9);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 2);
    assert_false(process_has(p, p->sleepers[1]));
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[4])), "h:9");
    assert_int_equal(process_find(p, p->sleepers[4])->ident, ident);
    assert_true(a->addr == process_find(p, p->sleepers[0])->tstate);
}

PROCESS_TEST(test_memory_of_a_state_used_again, PROCESS_FIRST, PROCESS_LAST, reused);

static void damaged(struct process *p)
{
    const struct gs_layout *layout = &p->o.layout;
    struct process_thread *a = add(p, 0), *b = add(p, 1), *c = add(p, 2);
    const struct {
        gs_addr word;
        uint64_t value;
    } damages[] = {{a->addr + (gs_addr)layout->ts_next, c->addr},
                   {a->addr + (gs_addr)layout->ts_next, a->addr},
                   {b->addr + (gs_addr)layout->ts_next, b->addr},
                   {b->addr + (gs_addr)layout->ts_interp, 0},
                   {b->addr + (gs_addr)layout->ts_interp, b->addr},
                   {head_word(p), UINT64_MAX - 8},
                   {head_word(p), p->codes[0]},
                   {a->addr + (gs_addr)layout->ts_next, 16},
                   {p->interp_head, UINT64_MAX - 64},
                   {p->interp_head, 8},
                   {p->interp + (gs_addr)layout->is_next, p->interp},
                   {p->interp + (gs_addr)layout->is_next, UINT64_MAX}};
    process_take(p, b);
    process_must_take(p);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        uint64_t before;
        memcpy(&before, mem_fake_at(p->o.mem, damages[i].word, 8), 8);
        process_reopen(p);
        mem_fake_put64(p->o.mem, damages[i].word, damages[i].value);
        assert_lost(p);
        /* Only what can move is looked at while the words of the GIL do not change. */
        if (damages[i].word == head_word(p) || damages[i].word == p->interp_head)
            assert_lost(p);
        mem_fake_put64(p->o.mem, damages[i].word, before);
        process_must_take(p);
        assert_int_equal(p->snapshot->thread_count, 3);
        mem_fake_put64(p->o.mem, damages[i].word, damages[i].value);
        /* Only what can move is looked at while the words of the GIL do not change. */
        if (damages[i].word == head_word(p) || damages[i].word == p->interp_head)
            assert_lost(p);
        else
            (void)process_take_snapshot(p);
        mem_fake_put64(p->o.mem, damages[i].word, before);
        process_must_take(p);
    }
}

PROCESS_TEST(test_damaged_lists, PROCESS_FIRST, PROCESS_LAST, damaged);

/* Nothing of a core becomes better by another look: what its lists lead to is shown. */
static void damaged_still(struct process *p)
{
    struct gs_task tasks[3];
    struct gs_activity activities[3];
    struct gs_postmortem still = {.tasks = tasks, .activities = activities, .task_count = 3};
    for (size_t i = 0; i < 3; i++) {
        add(p, i);
        tasks[i] = (struct gs_task){p->sleepers[i], p->sleepers[i]};
        activities[i] = (struct gs_activity){.run = GS_RUN_SYSCALL};
    }
    p->target.postmortem = &still;
    gs_addr next = p->threads[1].addr + (gs_addr)p->o.layout.ts_next;
    const gs_addr damages[] = {16, p->threads[2].addr, p->threads[1].addr};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        mem_fake_put64(p->o.mem, next, damages[i]);
        process_reopen(p);
        process_must_take(p);
        assert_int_equal(p->snapshot->thread_count, 2);
        assert_true(process_has(p, p->sleepers[1]) && process_has(p, p->sleepers[2]));
        assert_true(p->snapshot->partial && gs_reader_quality(p->reader)->lost > 0);
    }
    mem_fake_put64(p->o.mem, p->interp_head, 8);
    process_reopen(p);
    assert_int_equal(process_take_snapshot(p), GS_LOST);
    p->target.postmortem = NULL;
}

PROCESS_TEST(test_damaged_lists_that_stand_still, PROCESS_FIRST, PROCESS_LAST, damaged_still);

/* A page with a thread state that the kernel does not bring: who stands before it in the list is shown. */
static void never_comes(struct process *p)
{
    struct gs_watch *watches[3] = {gs_watch_new(NULL, NULL)};
    for (size_t i = 0; i < 3; i++)
        add(p, i);
    const struct gs_stuck stuck = {.what = "reading its memory", .addr = p->threads[0].addr, .len = 8};
    for (size_t i = 1; i < 3; i++)
        watches[i] = gs_watch_new(watches[i - 1], &stuck);
    p->target.watch = watches[2];
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 2);
    assert_true(p->snapshot->partial && process_has(p, p->sleepers[1]) && process_has(p, p->sleepers[2]));
    p->target.watch = NULL;
    process_reopen(p);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 3);
    assert_false(p->snapshot->partial);
    for (size_t i = 0; i < 3; i++)
        gs_watch_free(watches[i]);
}

PROCESS_TEST(test_state_that_never_comes, PROCESS_FIRST, PROCESS_LAST, never_comes);

static void wrong_back(struct process *p)
{
    add(p, 0);
    struct process_thread *b = add(p, 1);
    add(p, 2);
    add(p, 3);
    gs_addr word = p->threads[0].addr + (gs_addr)p->o.layout.ts_prev;
    mem_fake_put64(p->o.mem, word, p->threads[0].addr);
    assert_lost(p);
    mem_fake_put64(p->o.mem, word, 0);
    assert_lost(p);
    mem_fake_put64(p->o.mem, word, b->addr);
    process_must_take(p);
    assert_int_equal(p->snapshot->thread_count, 4);
}

UNIT_TEST(test_wrong_back_pointers)
{
    process_for_versions(GS_VERSION(3, 6), PROCESS_LAST, wrong_back);
}

/* A list of more states than any process has threads costs neither time nor memory. */
UNIT_TEST(test_far_too_many_threads)
{
    enum { COUNT = 100000, STRIDE = 512 };
    struct process p;
    process_init(&p, GS_VERSION(3, 11));
    process_open(&p, GS_STOP_NEVER);
    gs_addr all = process_map(&p, (size_t)COUNT * STRIDE + 4096);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t words[3] = {i ? all + (i - 1) * STRIDE : 0, i + 1 < COUNT ? all + (i + 1) * STRIDE : 0, p.interp};
        memcpy(mem_fake_at(p.o.mem, all + i * STRIDE, sizeof words), words, sizeof words);
    }
    mem_fake_put64(p.o.mem, head_word(&p), all);
    for (int i = 0; i < 5; i++)
        assert_lost(&p);
    assert_true(p.reader->threads.member_count < 20000);
    mem_fake_put64(p.o.mem, head_word(&p), 0);
    process_must_take(&p);
    assert_int_equal(p.snapshot->thread_count, 0);
    assert_int_equal(p.reader->threads.member_count, 0);
    process_fini(&p);
}

/* Legacy sub-interpreters share the GIL, isolated ones have their own. */
static void interpreters(struct process *p)
{
    bool own = p->o.layout.gil_home == GS_GIL_INTERPRETER;
    gs_addr gil = 0, shared = process_interpreter(p, NULL), isolated = own ? process_interpreter(p, &gil) : 0;
    struct process_thread *a = add(p, 0), *b = process_thread(p, shared, p->sleepers[1]), *c = NULL;
    process_call(p, b, 1, 2);
    if (own) {
        c = process_thread(p, isolated, p->sleepers[2]);
        process_call(p, c, 2, 3);
        mem_fake_put64(p->o.mem, process_gil_word(p, gil, PROCESS_LAST_HOLDER), c->addr);
        mem_fake_put32(p->o.mem, process_gil_word(p, gil, PROCESS_LOCKED), 1);
    }
    process_take(p, b);
    for (int i = 0; i < 3; i++) {
        process_must_take(p);
        assert_int_equal(p->snapshot->interpreter_count, own ? 3 : 2);
        assert_int_equal(p->snapshot->gil_count, own ? 2 : 1);
        assert_string_equal(process_stack(p, process_find(p, p->sleepers[0])), "f:0");
        assert_string_equal(process_stack(p, process_find(p, p->sleepers[1])), i < 2 ? "g:2" : "h:6 g:2");
        assert_int_equal(process_find(p, p->sleepers[0])->gil, GS_WITHOUT);
        assert_int_equal(process_find(p, p->sleepers[1])->gil, GS_HOLDS);
        const struct gs_thread *thread = process_find(p, p->sleepers[1]);
        assert_int_equal(p->snapshot->interpreters[thread->interpreter].addr, shared);
        /* 2.7 and 3.6 do not number them. */
        if (p->o.layout.is_id != GS_ABSENT)
            assert_int_equal(p->snapshot->interpreters[thread->interpreter].id, 1);
        assert_int_equal(p->snapshot->gils[p->snapshot->interpreters[thread->interpreter].gil].holder, p->sleepers[1]);
        if (own) {
            assert_int_equal(process_find(p, p->sleepers[2])->gil, GS_HOLDS);
            assert_string_equal(process_stack(p, process_find(p, p->sleepers[2])), "h:3");
        }
        if (i == 1)
            process_call(p, b, 2, 6);
    }
    (void)a;
    /* A new one is seen although nothing else moves. */
    gs_addr more = process_interpreter(p, NULL);
    struct process_thread *d = process_thread(p, more, p->sleepers[4]);
    process_call(p, d, 0, 4);
    process_must_take(p);
    process_must_take(p);
    assert_true(process_has(p, p->sleepers[4]));
}

PROCESS_TEST(test_interpreters, PROCESS_FIRST, PROCESS_LAST, interpreters);
