/* The child that works is a child of another one, its keeper, which only waits for it. A worker that cannot even be
 * killed is left to init with its keeper's end, so that whoever calls this often collects no zombies; it ends with us
 * if it can end at all. It hangs on nothing of ours: it has no descriptor but the pipe that its result comes by. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/clock.h"
#include "base/regular.h"

enum { PATIENCE_NS = 2000000000 };

/* Kernels before 5.9 have no close_range. */
static void close_between(unsigned first, unsigned last)
{
    struct rlimit limit;
    if (close_range(first, last, 0) == 0 || getrlimit(RLIMIT_NOFILE, &limit))
        return;
    for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++)
        close((int)fd);
}

static _Noreturn void be_worker(int out, void (*work)(const void *context, int out), const void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Whoever reads our output must not wait for the child's end. */
    if (out > 0)
        close_between(0, (unsigned)out - 1);
    close_between((unsigned)out + 1, ~0U);
    work(context, out);
    _exit(0);
}

static _Noreturn void be_keeper(int out, void (*work)(const void *context, int out), const void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t worker = fork();
    if (worker == 0)
        be_worker(out, work, context);
    close_between(0, ~0U); /* the pipe ends with the worker */
    while (worker > 0 && waitpid(worker, NULL, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}

bool gs_isolated_begin(struct gs_isolated_child *child, void (*work)(const void *context, int out), const void *context)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    *child = (struct gs_isolated_child){.keeper = fork(), .in = ends[0]};
    if (child->keeper == 0)
        be_keeper(ends[1], work, context);
    close(ends[1]);
    if (child->keeper < 0)
        close(ends[0]);
    return child->keeper > 0;
}

void gs_isolated_end(struct gs_isolated_child *child)
{
    close(child->in);
    kill(child->keeper, SIGKILL);
    while (waitpid(child->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}

bool gs_isolated_write(int out, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(out, (const uint8_t *)bytes + done, len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* Reads all of the result; what it returns is what gs_isolated_run does. */
static enum gs_isolated receive(int in, uint8_t *result, size_t len)
{
    uint64_t end_ns = gs_clock_ns() + PATIENCE_NS;
    for (size_t done = 0; done < len;) {
        uint64_t now_ns = gs_clock_ns();
        struct pollfd ready = {.fd = in, .events = POLLIN};
        int wait_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000) + 1 : 0;
        int count = poll(&ready, 1, wait_ms);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0 ? GS_ISOLATED_LATE : GS_ISOLATED_FAILED;
        ssize_t got = read(in, result + done, len - done);
        if (got <= 0)
            return GS_ISOLATED_FAILED;
        done += (size_t)got;
    }
    return GS_ISOLATED_DONE;
}

struct whole {
    void (*work)(const void *context, void *result);
    const void *context;
    void *result;
    size_t len;
};

static void give_whole(const void *context, int out)
{
    const struct whole *whole = context;
    whole->work(whole->context, whole->result);
    if (!gs_isolated_write(out, whole->result, whole->len))
        _exit(1);
}

enum gs_isolated gs_isolated_run(void (*work)(const void *context, void *result), const void *context, void *result,
                                 size_t len)
{
    const struct whole whole = {.work = work, .context = context, .result = result, .len = len};
    struct gs_isolated_child child;
    if (!gs_isolated_begin(&child, give_whole, &whole))
        return GS_ISOLATED_FAILED;
    enum gs_isolated outcome = receive(child.in, result, len);
    gs_isolated_end(&child);
    return outcome;
}

static void open_and_read(const void *context, void *result)
{
    struct stat st;
    uint8_t byte;
    int fd = gs_open_regular(context, &st);
    if (fd >= 0 && st.st_size > 0) /* whatever is read of it: the cache may have the beginning */
        *(bool *)result = pread(fd, &byte, 1, 0) == 1 && pread(fd, &byte, 1, st.st_size - 1) == 1;
}

bool gs_isolated_answers(const char *path)
{
    bool read = false;
    return gs_isolated_run(open_and_read, path, &read, sizeof read) != GS_ISOLATED_LATE;
}
