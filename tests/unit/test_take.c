/* What a target that runs while it is read can do to a snapshot: whatever comes out is right, or says that it is not.
 */
#include <string.h>

#include "support/mem_fake.h"
#include "support/process_event.h"
#include "support/unit.h"

#define PROVES GS_VERSION(3, 6) /* has a switch count */
#define CHUNKS GS_VERSION(3, 11)

/* Runs `happen` at every piece of the first read in turn, with a fresh state of affairs each time. */
static void at_each_piece(struct process *p, size_t call, void (*happen)(struct process *p),
                          void (*check)(struct process *p))
{
    for (size_t index = 0; index < 64; index++) {
        struct process_event event = {call, index, happen, p, 0};
        mem_script_set(p->mem, process_event_script, &event);
        enum gs_status status = process_take_snapshot(p);
        mem_script_set(p->mem, NULL, NULL);
        if (status == GS_OK)
            check(p);
        else
            assert_int_equal(status, GS_LOST);
        process_must_take(p);
        if (event.times == 0)
            return;
    }
}

/* ---- the holder calls and returns ---- */

static void swap_callee(struct process *p)
{
    struct process_thread *holder = &p->threads[1];
    bool first = holder->frame != 0;
    process_return(p, holder, PROCESS_FRAME_WORDS);
    process_step(p, holder->frame, 0, first ? 11 : 12);
    process_call(p, holder, 2, 13);
}

static void check_swapped(struct process *p)
{
    /* Old and new: never f at its old place under the new callee, or the other way round. */
    static const char *const right[] = {"g:1 f:1", "h:13 f:11", "?0"};
    const char *seen = process_stack_of(p, 1);
    bool ok = false;
    for (size_t i = 0; i < 3; i++)
        ok |= strcmp(seen, right[i]) == 0;
    if (!ok)
        fail_msg("%s", seen);
    assert_int_equal(process_find(p, p->sleepers[1])->torn, strcmp(seen, "?0") == 0);
    assert_string_equal(process_stack_of(p, 0), "g:0 f:0");
    assert_string_equal(process_stack_of(p, 2), "g:2 f:2");
}

static void callee_swapped(struct process *p)
{
    process_three_threads(p);
    for (size_t call = 0; call < 4; call++)
        at_each_piece(p, call, swap_callee, check_swapped);
}

PROCESS_TEST(test_holder_calls_another, PROCESS_FIRST, PROCESS_LAST, callee_swapped);

/* It never stands still: another instruction of the caller at each piece. */
static void run_on(struct process *p)
{
    static int step;
    gs_addr caller;
    const struct gs_layout *layout = &p->o.layout;
    gs_addr back = (gs_addr)(layout->ts_frame != GS_ABSENT ? layout->fo_back : layout->if_previous);
    memcpy(&caller, mem_fake_at(p->o.mem, p->threads[1].frame + back, 8), 8);
    process_step(p, caller, 0, step++ % 20);
}

static void never_still(struct process *p)
{
    process_three_threads(p);
    process_must_take(p);
    struct process_event event = {PROCESS_EVERY, PROCESS_EVERY, run_on, p, 0};
    mem_script_set(p->mem, process_event_script, &event);
    process_must_take(p);
    assert_true(event.times > 0);
    assert_true(process_find(p, p->sleepers[1])->torn);
    assert_string_equal(process_stack_of(p, 1), "?0");
    assert_string_equal(process_stack_of(p, 0), "g:0 f:0");
    assert_int_equal(gs_reader_quality(p->reader)->torn, 1);
    mem_script_set(p->mem, NULL, NULL);
    process_must_take(p);
    assert_false(process_find(p, p->sleepers[1])->torn);
    assert_int_equal(gs_reader_quality(p->reader)->torn, 1);
    assert_int_equal(gs_reader_quality(p->reader)->samples, 3);
}

PROCESS_TEST(test_holder_never_still, PROCESS_FIRST, PROCESS_LAST, never_still);

/* ---- the GIL is handed over ---- */

static void hand_over(struct process *p)
{
    struct process_thread *next = &p->threads[2];
    process_drop(p);
    process_take(p, next);
    process_step(p, next->frame, 1, 15);
    process_call(p, next, 2, 16);
}

static void check_handed(struct process *p)
{
    const char *one = process_stack_of(p, 1), *two = process_stack_of(p, 2);
    assert_string_equal(process_stack_of(p, 0), "g:0 f:0");
    assert_string_equal(one, "g:1 f:1");
    /* Calls follow calls in this test: any number of h over g. */
    const char *at = two;
    while (strncmp(at, "h:16 ", 5) == 0)
        at += 5;
    if (strcmp(two, "?0") != 0 && strcmp(at, "g:2 f:2") != 0 && strcmp(at, "g:15 f:2") != 0)
        fail_msg("%s", two);
    bool holds_two = process_find(p, p->sleepers[2])->gil == GS_HOLDS;
    bool holds_one = process_find(p, p->sleepers[1])->gil == GS_HOLDS;
    assert_false(holds_one && holds_two);
    assert_true(p->snapshot->gils[0].holder == p->sleepers[holds_two ? 2 : 1]);
}

static void handed_over(struct process *p)
{
    for (size_t call = 0; call < 4; call++) {
        for (size_t index = 0; index < 40; index++) {
            process_reopen(p);
            mem_fake_put64(p->o.mem, p->interp + (gs_addr)p->o.layout.is_threads_head, 0);
            p->thread_count = 0;
            process_three_threads(p);
            process_must_take(p);
            struct process_event event = {call, index, hand_over, p, 0};
            mem_script_set(p->mem, process_event_script, &event);
            enum gs_status status = process_take_snapshot(p);
            mem_script_set(p->mem, NULL, NULL);
            assert_int_equal(status, GS_OK);
            check_handed(p);
            process_must_take(p);
            check_handed(p);
            if (event.times > 0)
                assert_string_equal(process_stack_of(p, 2), "h:16 g:15 f:2");
            else
                break;
        }
    }
}

PROCESS_TEST(test_handed_over, PROCESS_FIRST, PROCESS_LAST, handed_over);

/* There and back again: the holder is the same, two hand-overs later, and the other has moved. */
static void there_and_back(struct process *p)
{
    struct process_thread *other = &p->threads[0];
    process_drop(p);
    process_take(p, other);
    process_step(p, other->frame, 1, 17);
    process_drop(p);
    process_take(p, &p->threads[1]);
}

static void back_again(struct process *p)
{
    process_three_threads(p);
    process_must_take(p);
    there_and_back(p);
    process_must_take(p);
    assert_string_equal(process_stack_of(p, 0), "g:17 f:0");
    assert_string_equal(process_stack_of(p, 1), "g:1 f:1");
    for (size_t index = 0; index < 40; index++) {
        process_step(p, p->threads[0].frame, 1, 0);
        there_and_back(p);
        process_must_take(p);
        process_step(p, p->threads[0].frame, 1, 3);
        struct process_event event = {0, index, there_and_back, p, 0};
        mem_script_set(p->mem, process_event_script, &event);
        enum gs_status status = process_take_snapshot(p);
        mem_script_set(p->mem, NULL, NULL);
        assert_int_equal(status, GS_OK);
        if (event.times == 0)
            break;
        process_must_take(p);
        assert_string_equal(process_stack_of(p, 0), "g:17 f:0");
    }
}

PROCESS_TEST(test_two_hand_overs, PROVES, PROCESS_LAST, back_again);

/* Thread 0 gets its turn in the middle of a read, and the holder has the GIL again behind it. Its frames lie in two
 * chunks, which are not read at once. */
static void turn_of_another(struct process *p)
{
    gs_addr caller, callee = p->threads[0].frame;
    memcpy(&caller, mem_fake_at(p->o.mem, callee + (gs_addr)p->o.layout.if_previous, 8), 8);
    process_drop(p);
    process_take(p, &p->threads[0]);
    process_step(p, caller, 0, 11);
    process_step(p, callee, 2, 13);
    process_drop(p);
    process_take(p, &p->threads[1]);
}

static void turned(struct process *p)
{
    for (size_t call = 0; call < 4; call++) {
        for (size_t index = 0; index < 40; index++) {
            process_reopen(p);
            mem_fake_put64(p->o.mem, p->interp + (gs_addr)p->o.layout.is_threads_head, 0);
            p->thread_count = 0;
            struct process_thread *other = process_thread(p, p->interp, p->sleepers[0]);
            process_call(p, other, 0, 0);
            process_chunk(p, other);
            process_call(p, other, 1, 0);
            process_call(p, process_thread(p, p->interp, p->sleepers[1]), 1, 1);
            process_take(p, &p->threads[1]);
            process_must_take(p);
            struct process_thread *third = process_thread(p, p->interp, p->sleepers[2]); /* all is read again */
            process_call(p, third, 2, 2);
            struct process_event event = {call, index, turn_of_another, p, 0};
            mem_script_set(p->mem, process_event_script, &event);
            process_must_take(p);
            mem_script_set(p->mem, NULL, NULL);
            const char *seen = process_stack_of(p, 0);
            if (strcmp(seen, "g:0 f:0") != 0 && strcmp(seen, "h:13 f:11") != 0 && strcmp(seen, "?0") != 0)
                fail_msg("%s", seen);
            if (event.times == 0)
                break;
        }
    }
}

PROCESS_TEST(test_turn_of_another, CHUNKS, PROCESS_LAST, turned);
