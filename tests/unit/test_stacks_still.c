/* A process that stands still, as one out of a core: each stack is read once and is the truth, or ends where its memory
 * is missing; who waits is told by tables. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "support/mem_fake.h"
#include "support/process_fake.h"
#include "support/unit.h"

enum { THREADS = 3, FUTEX = SYS_futex, FUTEX_WAIT_BITSET = 9 };
#define NOWHERE UINT64_C(0x123456789000)

static int by_tid(const void *a, const void *b)
{
    const struct gs_task *x = a, *y = b;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

struct fixture {
    struct gs_postmortem still;
    struct gs_task tasks[THREADS];
    struct gs_activity activities[THREADS];
    struct process_thread *threads[THREADS];
};

/* Three threads f g h, all running, of which the last holds the GIL; their tids are those of the sleepers. */
static void stand(struct process *p, struct fixture *f)
{
    *f = (struct fixture){.still = {.tasks = f->tasks, .activities = f->activities, .task_count = THREADS}};
    for (size_t i = 0; i < THREADS; i++) {
        f->threads[i] = process_thread(p, p->interp, p->sleepers[i]);
        process_call(p, f->threads[i], 0, 1);
        process_call(p, f->threads[i], 1, 2);
        process_call(p, f->threads[i], 2, 3);
        process_take(p, f->threads[i]);
        f->tasks[i] = (struct gs_task){p->sleepers[i], p->sleepers[i]};
    }
    qsort(f->tasks, THREADS, sizeof *f->tasks, by_tid);
    for (size_t i = 0; i < THREADS; i++)
        f->activities[i] = (struct gs_activity){.run = GS_RUN_RUNNING, .number = -1};
    p->target.postmortem = &f->still;
    process_reopen(p);
}

static struct gs_activity *activity_of(struct process *p, struct fixture *f, size_t thread)
{
    size_t i = 0;
    while (f->tasks[i].tid != p->sleepers[thread])
        i++;
    return &f->activities[i];
}

static const struct gs_thread *see(struct process *p, size_t thread)
{
    return process_find(p, p->sleepers[thread]);
}

static gs_addr word_of(struct process *p, gs_addr frame, int32_t heap, int32_t chunk)
{
    return frame + (gs_addr)(p->o.layout.ts_frame != GS_ABSENT ? heap : chunk);
}

static void all_whole(struct process *p)
{
    struct fixture f;
    stand(p, &f);
    process_must_take(p);
    for (size_t i = 0; i < THREADS; i++) {
        assert_string_equal(process_stack(p, see(p, i)), "h:3 g:2 f:1");
        assert_false(see(p, i)->torn);
    }
    assert_int_equal(see(p, THREADS - 1)->gil, GS_HOLDS);
    const struct gs_quality *quality = gs_reader_quality(p->reader);
    assert_true(quality->stopped == 0 && quality->retried <= THREADS);
}

PROCESS_TEST(test_whole, PROCESS_FIRST, PROCESS_LAST, all_whole);

/* The frame below the innermost one of the holder and of another thread lies in memory that is missing. */
static void lost_frame(struct process *p)
{
    struct fixture f;
    stand(p, &f);
    for (size_t i = 1; i < THREADS; i++)
        mem_fake_put64(p->o.mem, word_of(p, f.threads[i]->frame, p->o.layout.fo_back, p->o.layout.if_previous),
                       NOWHERE);
    process_must_take(p);
    assert_string_equal(process_stack(p, see(p, 0)), "h:3 g:2 f:1");
    assert_string_equal(process_stack(p, see(p, 1)), "h:3 ?1");
    assert_string_equal(process_stack(p, see(p, 2)), "h:3 ?1");
    assert_true(see(p, 1)->torn && see(p, 2)->torn);
}

PROCESS_TEST(test_frame_missing, PROCESS_FIRST, PROCESS_LAST, lost_frame);

/* The code object of the second frame is missing; or what stands there is none. */
static void lost_code(struct process *p)
{
    struct fixture f;
    stand(p, &f);
    const uint64_t codes[] = {NOWHERE, p->interp};
    for (size_t i = 0; i < 2; i++) {
        gs_addr back;
        memcpy(&back,
               mem_fake_at(p->o.mem, word_of(p, f.threads[2]->frame, p->o.layout.fo_back, p->o.layout.if_previous), 8),
               8);
        mem_fake_put64(p->o.mem, word_of(p, back, p->o.layout.fo_code, p->o.layout.if_code), codes[i]);
        process_reopen(p);
        process_must_take(p);
        assert_string_equal(process_stack(p, see(p, 2)), i == 0 ? "h:3 ?1" : "h:3 ?3");
    }
}

PROCESS_TEST(test_code_missing, PROCESS_FIRST, PROCESS_LAST, lost_code);

/* The older chunk of the data stack is missing, with its head and the frames in it. */
static void lost_chunk(struct process *p)
{
    struct fixture f;
    const struct gs_layout *layout = &p->o.layout;
    stand(p, &f);
    for (size_t i = 1; i < THREADS; i++) {
        process_chunk(p, f.threads[i]);
        gs_addr frame = process_call(p, f.threads[i], 0, 5);
        mem_fake_put64(p->o.mem, f.threads[i]->chunk + (gs_addr)layout->ck_previous, NOWHERE);
        mem_fake_put64(p->o.mem, frame + (gs_addr)layout->if_previous, NOWHERE + 64);
    }
    process_reopen(p);
    process_must_take(p);
    assert_string_equal(process_stack(p, see(p, 0)), "h:3 g:2 f:1");
    assert_string_equal(process_stack(p, see(p, 1)), "f:5 ?1");
    assert_string_equal(process_stack(p, see(p, 2)), "f:5 ?1");
}

UNIT_TEST(test_chunk_missing)
{
    process_for_versions(GS_VERSION(3, 11), PROCESS_LAST, lost_chunk);
}

/* A thread that was running without the GIL is known to be without it: nothing moves. One that slept on the words of
 * the GIL waited for it, one that slept on others did not. */
static void told_by_tables(struct process *p)
{
    struct fixture f;
    stand(p, &f);
    bool told = p->o.layout.ts_gil_requested != GS_ABSENT;
    process_must_take(p);
    assert_int_equal(see(p, 0)->gil, GS_WITHOUT);
    assert_int_equal(see(p, 0)->evidence, told ? GS_EXACT : GS_INFERRED);
    *activity_of(p, &f, 0) = (struct gs_activity){
        .run = GS_RUN_SYSCALL, .number = FUTEX, .args = {process_gil_word(p, p->gil, PROCESS_COND), FUTEX_WAIT_BITSET}};
    *activity_of(p, &f, 1) =
        (struct gs_activity){.run = GS_RUN_SYSCALL, .number = FUTEX, .args = {NOWHERE, FUTEX_WAIT_BITSET}};
    process_reopen(p);
    process_must_take(p);
    if (!told)
        assert_int_equal(see(p, 0)->gil, GS_WAITS);
    assert_int_equal(see(p, 1)->gil, GS_WITHOUT);
    assert_int_equal(see(p, 2)->gil, GS_HOLDS);
}

UNIT_TEST(test_who_waits)
{
    process_for_versions(GS_VERSION(3, 7), PROCESS_LAST, told_by_tables);
}

/* A thread of which the core knows nothing is not shown. */
static void unknown_thread(struct process *p)
{
    struct fixture f;
    stand(p, &f);
    f.still.task_count = 2;
    pid_t left_out = f.tasks[2].tid;
    process_reopen(p);
    process_must_take(p);
    assert_false(process_has(p, left_out));
    assert_int_equal(p->snapshot->thread_count, 2);
}

PROCESS_TEST(test_thread_unknown, PROCESS_FIRST, PROCESS_LAST, unknown_thread);
