/* What a tracer of every thread does with traps: those without a reason end with it, those that were meant go on. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/child.h"
#include "target/seize.h"
#include "support/unit.h"

/* What the processes of a test tell each other. */
struct board {
    volatile int got; /* traps that came to the process */
    struct gs_seize_counts counts;
    struct gs_seize_refusal refusal;
    struct gs_seize_trap trap;
    struct gs_request request;
    bool told, told_again, owed;
};

static struct board *board;
extern const char debug_trap_end[];

static void take(int number)
{
    (void)number;
    board->got = board->got + 1;
}

static void trap_without_reason(void)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGTRAP;
    info.si_code = TRAP_BRKPT;
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGTRAP, &info);
}

static __attribute__((noinline)) void trap_by_instruction(void)
{
    __asm__ volatile(".byte 0xf1\n.globl debug_trap_end\ndebug_trap_end:");
}

static void trap_by_breakpoint(void)
{
    __asm__ volatile("int3");
}

/* Does it when it is told to, and tells that it has. */
static pid_t start_target(void (*act)(void), int in, int out)
{
    pid_t pid = gs_child_fork();
    char byte;
    if (pid != 0)
        return pid;
    signal(SIGTRAP, take);
    while (read(in, &byte, 1) == 1) {
        act();
        if (write(out, &byte, 1) != 1)
            break;
    }
    _exit(0);
}

/* Seizes it, lets it do what it does, and writes down what was seen. */
static void guard(pid_t target, gs_addr known, int to, int from)
{
    char byte = '.';
    gs_seize_begin(target, &board->request);
    if (!gs_seize_everybody(&board->refusal))
        _exit(0);
    if (known)
        gs_seize_know(known);
    if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
        _exit(1);
    board->counts = gs_seize_counted();
    board->told = gs_seize_next_trap(&board->trap);
    board->told_again = gs_seize_next_trap(&(struct gs_seize_trap){0});
    board->owed = gs_seize_is_owed();
    _exit(0);
}

static void run(void (*act)(void), gs_addr known)
{
    int to[2], from[2], status;
    memset(board, 0, sizeof *board);
    assert_int_equal(pipe(to) | pipe(from), 0);
    pid_t target = start_target(act, to[0], from[1]), tracer = gs_child_fork();
    if (tracer == 0)
        guard(target, known, to[1], from[0]);
    assert_true(gs_child_wait(tracer, &status));
    assert_int_equal(status, 0);
    close(to[1]);
    close(to[0]);
    kill(target, SIGKILL);
    gs_child_wait(target, &status);
    close(from[0]);
    close(from[1]);
    assert_int_equal(board->refusal.reason, 0);
    assert_false(board->owed);
}

static void a_trap_without_a_reason_is_taken_away(void **state)
{
    run(trap_without_reason, 0);
    assert_int_equal(board->got, 0);
    assert_int_equal(board->counts.traps, 1);
    assert_true(board->told);
    assert_false(board->told_again);
    assert_true(board->trap.tid > 0 && board->trap.time_ns > 0);
}

static void a_breakpoint_goes_on(void **state)
{
    run(trap_by_breakpoint, 0);
    assert_int_equal(board->got, 1);
    assert_int_equal(board->counts.traps, 0);
    assert_int_equal(board->counts.stops, 1);
    assert_false(board->told);
}

/* Unless the byte is known as the end of an instruction that stores to what is watched. One instruction may trap twice:
 * where a virtual machine has just been resumed, the hypervisor does it again once it has fetched the exception's
 * stack.
 */
static void an_instruction_that_traps_goes_on(void **state)
{
    run(trap_by_instruction, 0);
    assert_in_range(board->got, 1, 2);
    assert_int_equal(board->counts.traps, 0);
    assert_int_equal(board->counts.stops, board->got);
    run(trap_by_instruction, (gs_addr)(uintptr_t)debug_trap_end);
    assert_int_equal(board->got, 0);
    assert_in_range(board->counts.traps, 1, 2);
    assert_int_equal(board->counts.stops, board->counts.traps);
}

static void who_is_traced_already_is_refused(void **state)
{
    int ready[2], status;
    char byte = '.';
    memset(board, 0, sizeof *board);
    assert_int_equal(pipe(ready), 0);
    pid_t target = gs_child_fork();
    if (target == 0)
        for (;;)
            pause();
    pid_t first = gs_child_fork();
    if (first == 0) {
        gs_seize_begin(target, &board->request);
        if (!gs_seize_everybody(&board->refusal) || write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    pid_t second = gs_child_fork();
    if (second == 0) {
        gs_seize_begin(target, &board->request);
        _exit(gs_seize_everybody(&board->refusal));
    }
    assert_true(gs_child_wait(second, &status));
    assert_int_equal(status, 0);
    assert_int_equal(board->refusal.reason, EPERM);
    assert_int_equal(board->refusal.tid, target);
    assert_int_equal(board->refusal.tracer, first);
    kill(first, SIGKILL);
    gs_child_wait(first, &status);
    kill(target, SIGKILL);
    gs_child_wait(target, &status);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trap_without_a_reason_is_taken_away),
        cmocka_unit_test(a_breakpoint_goes_on),
        cmocka_unit_test(an_instruction_that_traps_goes_on),
        cmocka_unit_test(who_is_traced_already_is_refused),
    };
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
