/* aarch64: the kernel steps over each watched store. A tracer of the thread that lets it go on meanwhile must not end
 * that: its watches would stay disabled. */
#include <linux/hw_breakpoint.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/child.h"
#include "target/seize.h"
#include "trace/perf.h"
#include "support/unit.h"

enum { STORES = 20000 };
static volatile uint32_t word; /* has the same address in a child */

static bool send_byte(int fd)
{
    return write(fd, ".", 1) == 1;
}

static bool wait_byte(int fd)
{
    char byte;
    return read(fd, &byte, 1) == 1;
}

static void store(int in, int out)
{
    if (wait_byte(in)) {
        for (uint32_t i = 0; i < STORES; i++)
            word = i;
    }
    send_byte(out);
    wait_byte(in);
    _exit(0);
}

static void trace(pid_t target, int out)
{
    static struct gs_request request;
    struct gs_seize_refusal refusal;
    gs_seize_begin(target, &request);
    if (!gs_seize_everybody(&refusal) || !send_byte(out))
        _exit(1);
    for (;;)
        pause();
}

UNIT_TEST(whoever_is_stopped_goes_on_stepping)
{
    struct gs_perf_watch watch = {.addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_4, .silent = true};
    int to[2], from[2], status;
    uint64_t hits = 0, stops = 0;
    assert_int_equal(pipe(to) | pipe(from), 0);
    pid_t target = gs_child_fork();
    if (target == 0)
        store(to[0], from[1]);
    pid_t tracer = gs_child_fork();
    if (tracer == 0)
        trace(target, from[1]);
    assert_true(wait_byte(from[0]));
    int fd = gs_perf_watch(&watch, target, -1);
    assert_true(fd >= 0 && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0 && send_byte(to[1]));
    for (struct pollfd done = {.fd = from[0], .events = POLLIN}; poll(&done, 1, 0) == 0; stops++)
        kill(target, SIGWINCH); /* which is ignored: it stops for its tracer alone */
    assert_int_equal(read(fd, &hits, sizeof hits), sizeof hits);
    assert_int_equal(hits, STORES);
    assert_true(stops > 0);
    kill(tracer, SIGKILL);
    gs_child_wait(tracer, &status);
    kill(target, SIGKILL);
    gs_child_wait(target, &status);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
    close(fd);
}
