/* The loop of a session: who is run, in which order, and what ends it. */
#include <signal.h>
#include <unistd.h>

#include "session/loop.h"
#include "session/signals.h"
#include "support/unit.h"

enum { EVENTS = 3, ROUNDS_MOST = 1000 };

/* A loop of three events that note when they are run. */
struct noted {
    struct gs_loop loop;
    uint64_t due_ns[EVENTS];
    char order[64]; /* a letter for each that was run, a dot for each round */
    size_t used;
    int wakes;   /* event that the others have run in the same round; negative: none */
    int rounds;  /* after so many it is over */
    int fails;   /* event that fails; negative: none */
    bool woken;  /* that one was told so */
    int next[2]; /* a pipe */
};

static struct noted noted;

static uint64_t due(int number, uint64_t now_ns)
{
    return noted.due_ns[number] ? noted.due_ns[number] : now_ns;
}

static enum gs_status run(int number, bool woken)
{
    noted.order[noted.used++] = (char)('a' + number);
    noted.woken = noted.woken || woken;
    if (noted.wakes >= 0 && noted.wakes != number)
        noted.loop.events[noted.wakes].due_ns = 0;
    return number == noted.fails ? GS_FAILED : GS_OK;
}

#define EVENT(number)                                                                                                  \
    static uint64_t due_##number(void *context, uint64_t now_ns)                                                       \
    {                                                                                                                  \
        (void)context;                                                                                                 \
        return due(number, now_ns);                                                                                    \
    }                                                                                                                  \
    static enum gs_status run_##number(void *context, uint64_t now_ns, bool woken)                                     \
    {                                                                                                                  \
        (void)context;                                                                                                 \
        (void)now_ns;                                                                                                  \
        return run(number, woken);                                                                                     \
    }
EVENT(0)
EVENT(1)
EVENT(2)

static bool over(void *context, uint64_t now_ns)
{
    (void)context;
    (void)now_ns;
    noted.order[noted.used++] = '.';
    return --noted.rounds == 0;
}

/* due: 0 as soon as possible, UINT64_MAX never. */
static void begin(uint64_t first, uint64_t second, uint64_t third)
{
    noted = (struct noted){.due_ns = {first, second, third}, .wakes = -1, .rounds = 1, .fails = -1};
    noted.loop = (struct gs_loop){
        .events = {{.due = due_0, .run = run_0}, {.due = due_1, .run = run_1}, {.due = due_2, .run = run_2}},
        .count = EVENTS,
        .fd = -1,
        .over = over};
    gs_signals_catch();
}

UNIT_TEST(test_order)
{
    begin(0, UINT64_MAX, 0);
    noted.rounds = 2;
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, "ac.ac.");
}

/* What one event makes due is run in the same round, if its turn is still to come, else in the next if it is then. */
UNIT_TEST(test_same_round)
{
    begin(0, UINT64_MAX, UINT64_MAX);
    noted.wakes = 2;
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, "ac.");
    begin(UINT64_MAX, 0, UINT64_MAX);
    noted.wakes = 0;
    noted.rounds = 2;
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, "b.b.");
}

UNIT_TEST(test_failure)
{
    begin(0, 0, 0);
    noted.fails = 1;
    assert_int_equal(gs_loop_run(&noted.loop), GS_FAILED);
    assert_string_equal(noted.order, "ab");
}

/* Nothing is due ever: a descriptor ends the wait, and only who asked for that is run. */
UNIT_TEST(test_descriptor)
{
    begin(UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_int_equal(pipe(noted.next), 0);
    assert_int_equal(write(noted.next[1], "x", 1), 1);
    noted.loop.fd = noted.next[0];
    noted.loop.events[1].wakes = true;
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, "b.");
    assert_true(noted.woken);
    close(noted.next[0]);
    close(noted.next[1]);
}

/* An event without anything to run has the round alone. */
UNIT_TEST(test_round_alone)
{
    begin(0, UINT64_MAX, UINT64_MAX);
    noted.loop.events[0].run = NULL;
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, ".");
}

/* Also where there is always something to do: signals are let in nevertheless. The last test: it is not forgotten. */
UNIT_TEST(test_signal)
{
    begin(UINT64_MAX, UINT64_MAX, UINT64_MAX);
    noted.loop.events[2].wakes = true;
    noted.rounds = 0;
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(gs_loop_run(&noted.loop), GS_OK);
    assert_string_equal(noted.order, "c.");
    assert_true(gs_signals_ended());
    assert_int_equal(gs_signals_sent(false), SIGTERM);
}
