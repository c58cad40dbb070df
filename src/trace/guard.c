/* Our side: starting it, and asking it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/room.h"
#include "target/stopper.h"
#include "trace/guard_parts.h"

enum { WAKES = 64, STOPPED_MS = 500 };

struct gs_guard {
    pid_t pid;
    int socket, epoll;
    struct gs_guard_shared *shared;
    struct gs_stopper stopper;
    struct gs_target *target; /* whose stopper it is; NULL: nobody's */
};

bool gs_guard_send(int socket, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = send(socket, (const uint8_t *)data + done, len - done, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

bool gs_guard_receive(int socket, void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = recv(socket, (uint8_t *)data + done, len - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* A guard that somebody stopped would keep the threads waiting that it traces, and us: it is made to go on. To one that
 * is busy SIGCONT is nothing. */
static bool hear(const struct gs_guard *guard, void *data, size_t len)
{
    struct pollfd said = {.fd = guard->socket, .events = POLLIN};
    while (poll(&said, 1, STOPPED_MS) <= 0)
        kill(guard->pid, SIGCONT);
    return gs_guard_receive(guard->socket, data, len);
}

/* ---- starting it ---- */

/* Its end wakes us as a full ring does. */
static bool make_epoll(struct gs_guard *guard)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    guard->epoll = epoll_create1(EPOLL_CLOEXEC);
    return guard->epoll >= 0 && epoll_ctl(guard->epoll, EPOLL_CTL_ADD, guard->socket, &event) == 0;
}

/* 0, or an errno. */
static int start(struct gs_guard *guard, const struct gs_watchpoints_facts *plan, const struct gs_target *target)
{
    int ends[2];
    guard->shared = mmap(NULL, sizeof *guard->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (guard->shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return errno;
    guard->socket = ends[0];
    if (!make_epoll(guard)) {
        int failure = errno;
        close(ends[1]);
        return failure;
    }
    guard->pid = fork();
    if (guard->pid == 0)
        gs_guard_stand(&(struct gs_guard_post){ends[1], guard->epoll, guard->shared, target, plan});
    int failure = guard->pid < 0 ? errno : 0;
    close(ends[1]);
    return failure;
}

/* A list of `count` elements of `size` bytes; false: the guard has ended, or out of memory. */
static bool receive_list(const struct gs_guard *guard, void **list, size_t *room, size_t count, size_t size)
{
    *list = NULL;
    *room = 0;
    return count == 0 || (gs_room(list, room, count, size) && hear(guard, *list, count * size));
}

static enum gs_status receive_facts(const struct gs_guard *guard, struct gs_watchpoints_facts *facts, pid_t pid,
                                    struct gs_err *err)
{
    struct gs_guard_opened opened;
    if (!hear(guard, &opened, sizeof opened))
        return gs_fail(err, GS_UNGUARDED, "cannot trace process %d: %s", (int)pid, gs_status_text(GS_UNGUARDED));
    if (opened.status) {
        *err = opened.err;
        return opened.status;
    }
    *facts = opened.facts;
    bool gauges = receive_list(guard, (void **)&facts->gauge_list, &facts->gauge_room, facts->gauge_count,
                               sizeof *facts->gauge_list);
    if (receive_list(guard, (void **)&facts->late, &facts->late_room, gauges ? facts->late_count : 0,
                     sizeof *facts->late) &&
        gauges)
        return GS_OK;
    return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)pid);
}

enum gs_status gs_guard_open(struct gs_guard **out, struct gs_watchpoints_facts *facts, struct gs_target *target,
                             struct gs_err *err)
{
    struct gs_guard *guard = malloc(sizeof *guard);
    pid_t pid = target->pid;
    *out = NULL;
    if (!guard)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)pid);
    *guard = (struct gs_guard){.pid = -1, .socket = -1, .epoll = -1};
    int failure = start(guard, facts, target);
    enum gs_status status = failure == EMFILE ? gs_watchpoints_too_many(EMFILE, pid, 1, 1, err)
                            : failure
                                ? gs_fail(err, GS_UNGUARDED, "cannot trace process %d: no process to guard it: %s",
                                          (int)pid, strerror(failure))
                                : receive_facts(guard, facts, pid, err);
    if (status) {
        gs_guard_close(guard);
        return status;
    }
    guard->stopper = (struct gs_stopper){.pid = guard->pid, .request = &guard->shared->request};
    guard->target = target;
    target->stopper = &guard->stopper;
    *out = guard;
    return GS_OK;
}

/* From now on it stops nobody for us. */
static void take_leave(struct gs_guard *guard)
{
    if (guard->target)
        guard->target->stopper = NULL;
    guard->target = NULL;
}

enum gs_status gs_guard_end(struct gs_guard *guard, struct gs_guard_numbers *numbers)
{
    struct gs_guard_answer last;
    take_leave(guard);
    bool told = shutdown(guard->socket, SHUT_WR) == 0 && hear(guard, &last, sizeof last);
    if (told)
        *numbers = last.numbers;
    gs_guard_close(guard);
    return told ? GS_OK : GS_UNGUARDED;
}

void gs_guard_close(struct gs_guard *guard)
{
    if (!guard)
        return;
    take_leave(guard);
    if (guard->socket >= 0)
        close(guard->socket);
    if (guard->epoll >= 0)
        close(guard->epoll);
    while (guard->pid > 0 && waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (guard->shared && guard->shared != MAP_FAILED)
        munmap(guard->shared, sizeof *guard->shared);
    free(guard);
}

int gs_guard_wake_fd(const struct gs_guard *guard)
{
    return guard->epoll;
}

/* ---- asking it ---- */

static enum gs_status ask(struct gs_guard *guard, enum gs_guard_order order, struct gs_guard_answer *answer)
{
    return gs_guard_send(guard->socket, &order, sizeof order) && hear(guard, answer, sizeof *answer) ? GS_OK
                                                                                                     : GS_UNGUARDED;
}

enum gs_status gs_guard_enable(struct gs_guard *guard, bool on)
{
    struct gs_guard_answer answer;
    return ask(guard, on ? GS_GUARD_ENABLE : GS_GUARD_DISABLE, &answer);
}

enum gs_status gs_guard_count(struct gs_guard *guard, struct gs_guard_numbers *numbers)
{
    struct gs_guard_answer answer;
    enum gs_status status = ask(guard, GS_GUARD_COUNT, &answer);
    if (!status)
        *numbers = answer.numbers;
    return status;
}

enum gs_status gs_guard_drain(struct gs_guard *guard,
                              enum gs_status (*take)(void *context, const struct perf_event_header *record),
                              void *context)
{
    struct epoll_event ready[WAKES];
    struct gs_guard_answer answer = {.more = true};
    enum gs_status status = GS_OK;
    while (epoll_wait(guard->epoll, ready, WAKES, 0) == WAKES)
        ; /* which of them does not matter: all are emptied */
    while (!status && answer.more) {
        status = ask(guard, GS_GUARD_DRAIN, &answer);
        for (size_t at = 0; !status && at < answer.bytes;) {
            const struct perf_event_header *record = (const void *)(guard->shared->buffer + at);
            status = take(context, record);
            at += record->size;
        }
    }
    return status;
}
