/* Many threads, of which most sleep on while others have the GIL: whoever moved is read anew, however little of it
 * changed, and nobody else. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sample/reader.h"
#include "support/mem_fake.h"
#include "support/process_event.h"
#include "support/unit.h"

#define PROVES GS_VERSION(3, 7) /* the switch count is always found */
#define CHUNKS GS_VERSION(3, 11)

enum { CROWD = 60, HOLDER = 3, OTHER = 5 };

static struct {
    pid_t tids[CROWD];
    pthread_t threads[CROWD];
    int pipe[2];
} crowd;

static void *sleeper(void *tid)
{
    char byte;
    __atomic_store_n((pid_t *)tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    return read(crowd.pipe[0], &byte, 1) ? tid : NULL;
}

static int gather(void **state)
{
    assert_int_equal(pipe(crowd.pipe), 0);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&crowd.threads[i], NULL, sleeper, &crowd.tids[i]), 0);
        while (__atomic_load_n(&crowd.tids[i], __ATOMIC_ACQUIRE) == 0)
            usleep(100);
    }
    return 0;
}

static int dismiss(void **state)
{
    close(crowd.pipe[1]);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(crowd.threads[i], NULL);
    close(crowd.pipe[0]);
    return 0;
}

/* Each with a stack of its own, HOLDER has the GIL; all are known. */
static void settle(struct process *p)
{
    for (size_t i = 0; i < CROWD; i++) {
        struct process_thread *thread = process_thread(p, p->interp, crowd.tids[i]);
        process_call(p, thread, 0, (int)i % 16);
        process_call(p, thread, 1, 2);
    }
    process_take(p, &p->threads[HOLDER]);
    process_must_take(p);
}

/* The GIL goes to another and back, so that anybody may have had it in between. */
static void hand_over(struct process *p)
{
    for (int i = 0; i < 2; i++) {
        process_drop(p);
        process_take(p, &p->threads[OTHER]);
        process_drop(p);
        process_take(p, &p->threads[HOLDER]);
    }
}

static const struct gs_thread *thread_at(struct process *p, size_t index)
{
    return process_find(p, crowd.tids[index]);
}

/* Nobody's stack but that of `moved` and of the holder was made anew in the last snapshot. */
static void check_rest(struct process *p, const uint32_t *before, size_t moved)
{
    for (size_t i = 0; i < CROWD; i++) {
        if (i == HOLDER || i == moved)
            continue;
        char stack[32];
        snprintf(stack, sizeof stack, "g:2 f:%d", (int)i % 16);
        assert_string_equal(process_stack(p, thread_at(p, i)), stack);
        assert_int_equal(thread_at(p, i)->read, before[i]);
    }
}

/* After hand-overs in which `move` happened to a thread, its stack is `stack`. */
static void check_move(struct process *p, size_t index, void (*move)(struct process *p, struct process_thread *thread),
                       const char *stack)
{
    uint32_t before[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        before[i] = thread_at(p, i)->read;
    hand_over(p);
    if (move)
        move(p, &p->threads[index]);
    process_must_take(p);
    assert_string_equal(process_stack(p, thread_at(p, index)), stack);
    if (move)
        assert_int_not_equal(thread_at(p, index)->read, before[index]);
    check_rest(p, before, index);
}

static void step(struct process *p, struct process_thread *thread)
{
    process_step(p, thread->frame, 1, 7);
}

static void step_back(struct process *p, struct process_thread *thread)
{
    process_step(p, thread->frame, 1, 2);
}

/* The frame that is left stays as it was, and so does that of its caller: only which is the innermost changes. */
static void leave(struct process *p, struct process_thread *thread)
{
    gs_addr caller;
    memcpy(&caller, mem_fake_at(p->o.mem, thread->frame + (gs_addr)p->o.layout.if_previous, 8), 8);
    process_set_current(p, thread, caller);
}

static void resume(struct process *p, struct process_thread *thread)
{
    process_resume(p, thread, 2, 4);
}

static void step_generator(struct process *p, struct process_thread *thread)
{
    process_step(p, thread->frame, 2, 6);
}

static void moves(struct process *p)
{
    settle(p);
    check_move(p, 10, NULL, "g:2 f:10");
    check_move(p, 10, step, "g:7 f:10");
    check_move(p, 10, NULL, "g:7 f:10");
    check_move(p, 10, step_back, "g:2 f:10");
    check_move(p, 20, resume, "h:4 g:2 f:4");
    check_move(p, 20, step_generator, "h:6 g:2 f:4");
}

PROCESS_TEST(test_whoever_moves_is_read, PROVES, PROCESS_LAST, moves);

static void leaves(struct process *p)
{
    settle(p);
    check_move(p, 30, leave, "f:14");
}

PROCESS_TEST(test_only_the_innermost_changed, CHUNKS, PROCESS_LAST, leaves);

/* A C function calls Python again: another evaluator has its own word for the innermost frame. */
static void nest(struct process *p, struct process_thread *thread)
{
    thread->cframe = objects_alloc(&p->o, 64);
    mem_fake_put64(p->o.mem, thread->addr + (gs_addr)p->o.layout.ts_cframe, thread->cframe);
    process_resume(p, thread, 2, 4);
}

static void nests(struct process *p)
{
    if (p->o.layout.ts_cframe == GS_ABSENT)
        return;
    settle(p);
    check_move(p, 30, nest, "h:4 g:2 f:14");
    /* One that was born, and had not begun. */
    struct process_thread *born = process_thread(p, p->interp, p->sleepers[0]);
    process_must_take(p);
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[0])), "");
    hand_over(p);
    nest(p, born);
    process_must_take(p);
    assert_string_equal(process_stack(p, process_find(p, p->sleepers[0])), "h:4");
}

PROCESS_TEST(test_another_evaluator, CHUNKS, PROCESS_LAST, nests);

/* A thread that ended is gone, though its memory is what it was. */
static void ends(struct process *p)
{
    settle(p);
    struct process_thread *thread = &p->threads[40];
    hand_over(p);
    process_unlink(p, thread);
    process_must_take(p);
    assert_false(process_has(p, crowd.tids[40]));
    assert_string_equal(process_stack(p, thread_at(p, 41)), "g:2 f:9");
}

PROCESS_TEST(test_whoever_ends_is_gone, PROVES, PROCESS_LAST, ends);

/* One has the GIL for a moment while the others are read, and what it did is seen in the next sample at the latest,
 * though nothing happens any more; or it keeps it, and is then shown as it is with it. */
enum { LATE = 15 };

static void pass_by(struct process *p)
{
    process_drop(p);
    process_take(p, &p->threads[LATE]);
    process_step(p, p->threads[LATE].frame, 1, 9);
    process_drop(p);
    process_take(p, &p->threads[HOLDER]);
}

static void come(struct process *p)
{
    process_drop(p);
    process_take(p, &p->threads[LATE]);
    process_step(p, p->threads[LATE].frame, 1, 9);
}

/* at_first: in the first look, behind which there may be no other. */
static void happens_late(struct process *p, void (*happen)(struct process *p), bool at_first)
{
    bool happened = true;
    settle(p);
    for (size_t call = 0; happened; call++) {
        struct process_event event = {call, 0, happen, p, 0};
        process_step(p, p->threads[LATE].frame, 1, 2);
        hand_over(p);
        process_reopen(p);
        if (!at_first)
            process_must_take(p);
        hand_over(p);
        mem_script_set(p->mem, process_event_script, &event);
        process_must_take(p);
        mem_script_set(p->mem, NULL, NULL);
        happened = event.times > 0;
        const struct gs_thread *late = thread_at(p, LATE);
        if (late->gil == GS_HOLDS)
            assert_string_equal(process_stack(p, late), "g:9 f:15");
        process_must_take(p);
        assert_string_equal(process_stack(p, thread_at(p, LATE)), happened ? "g:9 f:15" : "g:2 f:15");
    }
}

/* A glance that missed a hand-over spoils what follows it up to the next sample, and no further. */
static void misses(struct process *p)
{
    settle(p);
    for (int i = 0; i < 3; i++) {
        hand_over(p);
        p->reader->follow.whole = false;
        process_must_take(p);
        assert_true(p->reader->follow.whole);
        assert_int_equal(p->reader->follow.switches, p->switches);
    }
}

PROCESS_TEST(test_missed_glance, PROVES, PROCESS_LAST, misses);

static void passes_by(struct process *p)
{
    happens_late(p, pass_by, false);
    happens_late(p, pass_by, true);
}

static void comes(struct process *p)
{
    happens_late(p, come, false);
    happens_late(p, come, true);
}

UNIT_TEST(test_late)
{
    process_for_versions(PROVES, PROCESS_LAST, passes_by);
    process_for_versions(PROVES, PROCESS_LAST, comes);
}

UNIT_GROUP(gather, dismiss);
