/* System calls in words: what is done, on which descriptor, file or address. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "diagnose/why_say.h"
#include "target/descriptor.h"
#include "target/kernel_state.h"

enum { WATCHED_NAMED = 3, POLLED = 256, SET_BYTES = 128 /* fd_set */ };

enum subject { NONE, DESCRIPTOR, EPOLL, POLL, SELECT, ADDRESS, PATH, PATH_AT, PROCESS };

/* What a call does, and which argument says on what. */
static const struct {
    const char *name; /* some processors have not all of them */
    const char *does;
    enum subject subject;
} calls[] = {
    {"read", "reads from", DESCRIPTOR},
    {"readv", "reads from", DESCRIPTOR},
    {"pread64", "reads from", DESCRIPTOR},
    {"recvfrom", "receives from", DESCRIPTOR},
    {"recvmsg", "receives from", DESCRIPTOR},
    {"write", "writes to", DESCRIPTOR},
    {"writev", "writes to", DESCRIPTOR},
    {"pwrite64", "writes to", DESCRIPTOR},
    {"sendto", "sends to", DESCRIPTOR},
    {"sendmsg", "sends to", DESCRIPTOR},
    {"sendfile", "sends to", DESCRIPTOR},
    {"accept", "waits for connections to", DESCRIPTOR},
    {"accept4", "waits for connections to", DESCRIPTOR},
    {"connect", "connects", ADDRESS},
    {"flock", "waits for the lock of", DESCRIPTOR},
    {"fcntl", "waits for the lock of", DESCRIPTOR},
    {"fsync", "writes out", DESCRIPTOR},
    {"fdatasync", "writes out", DESCRIPTOR},
    {"ioctl", "asks the driver of", DESCRIPTOR},
    {"getdents64", "reads the folder", DESCRIPTOR},
    {"poll", "waits for input on", POLL},
    {"ppoll", "waits for input on", POLL},
    {"select", "waits for input on", SELECT},
    {"pselect6", "waits for input on", SELECT},
    {"epoll_wait", "waits for input on", EPOLL},
    {"epoll_pwait", "waits for input on", EPOLL},
    {"open", "opens", PATH},
    {"stat", "looks up", PATH},
    {"openat", "opens", PATH_AT},
    {"newfstatat", "looks up", PATH_AT},
    {"wait4", "waits for the end of", PROCESS},
    {"waitid", "waits for the end of a process it started", NONE},
    {"nanosleep", "sleeps until a time is over", NONE},
    {"clock_nanosleep", "sleeps until a time is over", NONE},
    {"pause", "waits for a signal", NONE},
    {"rt_sigtimedwait", "waits for a signal", NONE},
    {"rt_sigsuspend", "waits for a signal", NONE},
    {"restart_syscall", "sleeps until a time is over", NONE},
    {"futex", "waits for a lock or a notice of C code", NONE},
};

static void add_descriptor(const struct gs_case *c, struct gs_said *said, int fd)
{
    char words[GS_DESCRIPTOR_WORDS], number[32];
    snprintf(number, sizeof number, "descriptor %d", fd);
    gs_said_append(said, number);
    if (!gs_descriptor_words(c->target, fd, words))
        return;
    gs_said_append(said, ": ");
    gs_said_append(said, words);
}

static void add_descriptors(const struct gs_case *c, struct gs_said *said, const int *fds, size_t count)
{
    char more[40];
    if (count == 0)
        snprintf(said->words, sizeof said->words, "sleeps until a time is over");
    for (size_t i = 0; i < count && i < WATCHED_NAMED; i++) {
        gs_said_append(said, i > 0 ? "; " : "");
        add_descriptor(c, said, fds[i]);
    }
    if (count > WATCHED_NAMED) {
        snprintf(more, sizeof more, "; and %zu more", count - WATCHED_NAMED);
        gs_said_append(said, more);
    }
}

/* struct pollfd: the descriptor, and two shorts. */
static void add_polled(const struct gs_case *c, struct gs_said *said, const uint64_t args[6])
{
    struct {
        int fd;
        short events, revents;
    } list[POLLED];
    int fds[POLLED];
    size_t count = args[1] < POLLED ? (size_t)args[1] : POLLED, used = 0;
    if (count > 0 && gs_mem_read(c->python->mem, args[0], list, count * sizeof list[0])) {
        gs_said_append(said, "descriptors that cannot be read");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].fd >= 0)
            fds[used++] = list[i].fd;
    }
    add_descriptors(c, said, fds, used);
}

static void add_selected(const struct gs_case *c, struct gs_said *said, const uint64_t args[6])
{
    uint8_t sets[3][SET_BYTES] = {0};
    int fds[POLLED];
    size_t most = args[0] < SET_BYTES * 8 ? (size_t)args[0] : SET_BYTES * 8, used = 0;
    for (int i = 0; i < 3; i++) {
        if (args[1 + i] != 0 && gs_mem_read(c->python->mem, args[1 + i], sets[i], (most + 63) / 64 * 8))
            memset(sets[i], 0, SET_BYTES);
    }
    for (size_t fd = 0; fd < most && used < POLLED; fd++) {
        if ((sets[0][fd / 8] | sets[1][fd / 8] | sets[2][fd / 8]) >> fd % 8 & 1)
            fds[used++] = (int)fd;
    }
    add_descriptors(c, said, fds, used);
}

static void add_address(const struct gs_case *c, struct gs_said *said, const uint64_t args[6])
{
    struct sockaddr_in6 six = {0};
    struct sockaddr_in four;
    char text[INET6_ADDRSTRLEN], words[INET6_ADDRSTRLEN + 40];
    size_t len = args[2] < sizeof six ? (size_t)args[2] : sizeof six;
    add_descriptor(c, said, (int)args[0]);
    if (len < sizeof four || gs_mem_read(c->python->mem, args[1], &six, len))
        return;
    memcpy(&four, &six, sizeof four);
    if (six.sin6_family == AF_INET && inet_ntop(AF_INET, &four.sin_addr, text, sizeof text))
        snprintf(words, sizeof words, ", to %s:%u", text, ntohs(four.sin_port));
    else if (six.sin6_family == AF_INET6 && inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text))
        snprintf(words, sizeof words, ", to [%s]:%u", text, ntohs(six.sin6_port));
    else
        return;
    gs_said_append(said, words);
}

static void add_path(const struct gs_case *c, struct gs_said *said, gs_addr at)
{
    char path[200];
    gs_said_append(said, gs_mem_read_cstr(c->python->mem, at, path, sizeof path) == GS_OK ? path : "a file");
}

static void add_process(struct gs_said *said, int pid)
{
    char words[40];
    snprintf(words, sizeof words, pid > 0 ? "process %d" : "a process that it started", pid);
    gs_said_append(said, words);
}

static void add_subject(const struct gs_case *c, struct gs_said *said, enum subject subject, const uint64_t args[6])
{
    int watched[POLLED];
    size_t count;
    switch (subject) {
    case DESCRIPTOR:
        add_descriptor(c, said, (int)args[0]);
        break;
    case EPOLL:
        count = gs_descriptor_watched(c->target, (int)args[0], watched, POLLED);
        if (count > 0 || !c->target->postmortem)
            add_descriptors(c, said, watched, count);
        else
            gs_said_append(said, "what an epoll descriptor watches");
        break;
    case POLL:
        add_polled(c, said, args);
        break;
    case SELECT:
        add_selected(c, said, args);
        break;
    case ADDRESS:
        add_address(c, said, args);
        break;
    case PATH:
    case PATH_AT:
        add_path(c, said, args[subject == PATH ? 0 : 1]);
        break;
    case PROCESS:
        add_process(said, (int)args[0]);
        break;
    default:
        break;
    }
}

struct gs_said gs_said_call(const struct gs_case *c, const struct gs_activity *activity)
{
    struct gs_said said = {""};
    const char *name = gs_syscall_name(activity->number);
    if (activity->run != GS_RUN_SYSCALL) {
        gs_said_append(&said, activity->run == GS_RUN_RUNNING ? "runs" : "sleeps in the kernel, outside a system call");
        return said;
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!name || strcmp(calls[i].name, name) != 0)
            continue;
        gs_said_append(&said, calls[i].does);
        if (calls[i].subject != NONE)
            gs_said_append(&said, " ");
        add_subject(c, &said, calls[i].subject, activity->args);
        gs_said_append(&said, " (");
        gs_said_append(&said, name);
        gs_said_append(&said, ")");
        return said;
    }
    gs_said_append(&said, "sleeps in ");
    if (name)
        gs_said_append(&said, name);
    else
        snprintf(said.words, sizeof said.words, "sleeps in system call %d", activity->number);
    return said;
}
