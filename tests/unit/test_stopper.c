/* One thread is stopped on request by whoever is the tracer of all, and goes on whatever becomes of the request. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "target/procfs.h"
#include "target/seize.h"
#include "target/stopper.h"
#include "support/unit.h"

enum { SIGNALS = 100, TRIES = 1000 };

/* What the processes of a test tell each other. */
struct board {
    volatile uint64_t turns;           /* of the thread that computes */
    volatile int got;                  /* signals */
    volatile bool ready, sleeps, deaf; /* the last: once, to a request */
    struct gs_request request;
};

struct scene {
    pid_t target;
    struct gs_stopper stopper;
};

static struct board *board;

static void take(int number)
{
    (void)number;
    board->got = board->got + 1;
}

static _Noreturn void compute(void)
{
    signal(SIGUSR2, take);
    board->ready = true;
    for (;;) {
        board->turns = board->turns + 1;
        while (board->sleeps)
            pause();
    }
}

static struct sigaction served;

static void miss(int number)
{
    board->deaf = false;
    sigaction(number, &served, NULL);
}

static _Noreturn void trace(pid_t target)
{
    struct gs_seize_refusal refusal;
    gs_seize_begin(target, &board->request);
    if (board->deaf)
        sigaction(GS_REQUEST_SIGNAL, &(struct sigaction){.sa_handler = miss}, &served);
    if (!gs_seize_everybody(&refusal))
        _exit(1);
    board->ready = true;
    for (;;)
        pause();
}

static void await_ready(void)
{
    while (!board->ready)
        usleep(100);
    board->ready = false;
}

static int begin_scene(void **state)
{
    static struct scene scene;
    scene = (struct scene){.target = gs_child_fork()};
    if (scene.target == 0)
        compute();
    await_ready();
    scene.stopper = (struct gs_stopper){.pid = gs_child_fork(), .request = &board->request};
    if (scene.stopper.pid == 0)
        trace(scene.target);
    await_ready();
    *state = &scene;
    return 0;
}

static int set_up(void **state)
{
    memset(board, 0, sizeof *board);
    return begin_scene(state);
}

static int set_up_deaf(void **state)
{
    memset(board, 0, sizeof *board);
    board->deaf = true;
    return begin_scene(state);
}

static int tear_down(void **state)
{
    const struct scene *scene = *state;
    int status;
    kill(scene->stopper.pid, SIGKILL);
    kill(scene->target, SIGKILL);
    gs_child_wait(scene->stopper.pid, &status);
    gs_child_wait(scene->target, &status);
    return 0;
}

static char state_of(pid_t pid)
{
    char text[1024];
    struct gs_proc_stat stat;
    assert_true(gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat));
    return stat.state;
}

static void await_turns(void)
{
    for (uint64_t before = board->turns; board->turns == before;)
        usleep(100);
}

/* It runs, but may have lost its processor to a signal at that moment. */
static void begin(struct scene *scene)
{
    enum gs_status status = GS_LOST;
    for (int i = 0; i < TRIES && status; i++) {
        if (i > 0)
            usleep(1000);
        status = gs_stopper_begin(&scene->stopper, scene->target);
    }
    assert_int_equal(status, GS_OK);
}

static void it_stands_still_until_it_is_let_go(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < SIGNALS; i++) {
        begin(scene);
        uint64_t turns = board->turns;
        if (gs_stopper_holds(&scene->stopper)) /* not so when we were away for 100 ms */
            assert_true(state_of(scene->target) == 't' || !gs_stopper_holds(&scene->stopper));
        assert_true(board->turns == turns || !gs_stopper_holds(&scene->stopper));
        assert_non_null(gs_stopper_registers(&scene->stopper));
        assert_true(gs_stopper_end(&scene->stopper) > 0);
        assert_false(gs_stopper_holds(&scene->stopper));
        await_turns();
    }
}

static void it_is_let_go_when_nobody_does(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    await_turns();
    assert_false(gs_stopper_holds(&scene->stopper));
    assert_true(gs_stopper_end(&scene->stopper) > 0);
    begin(scene);
    gs_stopper_end(&scene->stopper);
    await_turns();
}

static void it_is_let_go_with_its_tracer(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    kill(scene->stopper.pid, SIGKILL);
    await_turns();
    gs_stopper_end(&scene->stopper);
    assert_int_equal(gs_stopper_begin(&scene->stopper, scene->target), GS_LOST);
}

/* However many come, and whether it stands still then or not. */
static void signals_come(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < SIGNALS; i++) {
        if (i % 2)
            kill(scene->target, SIGUSR2);
        begin(scene);
        if (!(i % 2))
            kill(scene->target, SIGUSR2);
        gs_stopper_end(&scene->stopper);
        while (board->got != i + 1)
            usleep(100);
    }
}

static void it_is_stopped_by_a_signal(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    kill(scene->target, SIGSTOP);
    gs_stopper_end(&scene->stopper);
    while (state_of(scene->target) != 't') /* as a tracer's group stop is shown */
        usleep(100);
    assert_int_equal(gs_stopper_begin(&scene->stopper, scene->target), GS_LOST);
    kill(scene->target, SIGCONT);
    await_turns();
    begin(scene);
    gs_stopper_end(&scene->stopper);
    await_turns();
}

static void it_sleeps(void **state)
{
    struct scene *scene = *state;
    board->sleeps = true;
    while (state_of(scene->target) != 'S')
        usleep(100);
    assert_int_equal(gs_stopper_begin(&scene->stopper, scene->target), GS_LOST);
    assert_int_equal(state_of(scene->target), 'S');
}

/* As an interrupt in the middle of an exec sometimes is. */
static void a_request_that_is_lost_is_asked_again(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    assert_false(board->deaf);
    gs_stopper_end(&scene->stopper);
    await_turns();
}

static void it_ends(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    kill(scene->target, SIGKILL);
    while (state_of(scene->target) != 'Z')
        usleep(100);
    gs_stopper_end(&scene->stopper);
    assert_int_equal(gs_stopper_begin(&scene->stopper, scene->target), GS_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stands_still_until_it_is_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_let_go_when_nobody_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_let_go_with_its_tracer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_stopped_by_a_signal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_sleeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_that_is_lost_is_asked_again, set_up_deaf, tear_down),
        cmocka_unit_test_setup_teardown(it_ends, set_up, tear_down),
    };
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
