/* The guard's side: it does what it is told until there is nobody to tell it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scheduling.h"
#include "target/procfs.h"
#include "trace/guard_parts.h"

enum {
    QUIET_US = 10000,
    QUIET_LOOKS = 200,
    SILENT_MS = 1000,      /* gilspy drains fifty times a second while watches are enabled */
    STRAYS_NS = 250000000, /* how often threads are listed, lest one has a watch and no tracer */
    LEAVING_LOOKS =
        50 /* at another gilspy that has a thread, one each QUIET_US: a guard lets go after two of its own */
};

struct guard {
    const struct gs_guard_post *post;
    struct gs_target target;
    struct gs_watchpoints watchpoints;
    size_t ring;      /* that is emptied next, */
    bool begun, full; /* which was begun, and full then */
    size_t bytes;     /* in the buffer */
    bool on;          /* the watches are enabled */
    uint64_t listed_ns;
    uint64_t lapse_ns; /* when they were disabled because nobody asked; 0: they were not, or that is told */
};

static int guard_socket; /* for the handler */

/* ---- becoming one ---- */

static void hang_up(int number)
{
    (void)number;
    gs_seize_let_go();
    shutdown(guard_socket, SHUT_RDWR);
}

/* What is meant for gilspy is not meant for us: it tells us when it ends, by the socket or by its death. */
static void set_signals(void)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    struct sigaction action = {.sa_handler = hang_up, .sa_flags = SA_RESTART};
    gs_seize_signals(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Files of gilspy that we had would stay open and locked when it is killed. */
static void close_others(const struct gs_guard_post *post)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd > STDERR_FILENO && fd != post->socket && fd != post->epoll &&
            fd != dirfd(dir))
            close(fd);
    }
    closedir(dir);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
}

/* The kernel tells when a ring is half full. At the edge only: a thread that has ended makes its ring ready for good.
 */
static int watch_rings(const struct guard *guard)
{
    for (size_t i = 0; i < guard->watchpoints.ring_count; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET};
        if (epoll_ctl(guard->post->epoll, EPOLL_CTL_ADD, guard->watchpoints.rings[i].fd, &event) != 0)
            return errno;
    }
    return 0;
}

static bool is_gilspy(pid_t pid)
{
    static const char family[] = "gilspy";
    char name[16]; /* TASK_COMM_LEN */
    return pid > 0 && gs_proc_read(pid, "comm", name, sizeof name) > 0 && strncmp(name, family, sizeof family - 1) == 0;
}

/* Whoever was killed a moment ago may have a guard that has not let go yet, and a gilspy that samples is the tracer of
 * a thread for some microseconds. */
static bool seize_everybody(struct gs_seize_refusal *refusal)
{
    bool all = gs_seize_everybody(refusal);
    for (int i = 0; i < LEAVING_LOOKS && !all && is_gilspy(refusal->tracer); i++) {
        nanosleep(&(struct timespec){.tv_nsec = QUIET_US * 1000L}, NULL);
        all = gs_seize_everybody(refusal);
    }
    return all;
}

/* Everybody is seized before the first watch is opened. */
static enum gs_status open_all(struct guard *guard, struct gs_err *err)
{
    struct gs_seize_refusal refusal;
    gs_seize_begin(guard->target.pid, &guard->post->shared->request);
    if (!seize_everybody(&refusal))
        return gs_watchpoints_unguarded(&refusal, guard->target.pid, err);
    enum gs_status status = gs_watchpoints_open(&guard->watchpoints, &guard->target, err);
    int failure = status ? 0 : watch_rings(guard);
    return failure ? gs_fail(err, GS_FAILED, "cannot trace process %d: epoll: %s", (int)guard->target.pid,
                             strerror(failure))
                   : status;
}

static bool open_and_tell(struct guard *guard)
{
    struct gs_guard_opened opened = {.status = GS_OK};
    const struct gs_watchpoints_facts *facts = &guard->watchpoints.facts;
    int socket = guard->post->socket;
    opened.status = open_all(guard, &opened.err);
    opened.facts = *facts;
    return gs_guard_send(socket, &opened, sizeof opened) && !opened.status &&
           gs_guard_send(socket, facts->gauge_list, facts->gauge_count * sizeof *facts->gauge_list) &&
           gs_guard_send(socket, facts->late, facts->late_count * sizeof *facts->late);
}

/* ---- orders ---- */

static void enable(struct guard *guard, bool on)
{
    guard->on = on;
    unsigned long what = on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE;
    for (size_t i = 0; i < guard->watchpoints.watch_count; i++)
        ioctl(guard->watchpoints.watches[i], what, 0);
    for (size_t i = 0; i < guard->watchpoints.facts.gauge_count; i++)
        ioctl(guard->watchpoints.facts.gauge_list[i].fd, what, 0);
}

static void count(const struct guard *guard, struct gs_guard_numbers *numbers)
{
    for (size_t i = 0; i < guard->watchpoints.watch_count && !guard->on; i++) {
        uint64_t hits;
        if (read(guard->watchpoints.watches[i], &hits, sizeof hits) == sizeof hits)
            numbers->hits += hits;
    }
}

static void put(struct guard *guard, const void *record, size_t bytes)
{
    memcpy(guard->post->shared->buffer + guard->bytes, record, bytes);
    guard->bytes += bytes;
}

static void put_mark(struct guard *guard, uint32_t type, uint16_t misc)
{
    struct perf_event_header mark = {.type = type, .misc = misc, .size = sizeof mark};
    put(guard, &mark, sizeof mark);
}

static void put_moment(struct guard *guard, uint32_t type, uint64_t time_ns)
{
    struct gs_guard_moment mark = {{.type = type, .size = sizeof mark}, time_ns};
    put(guard, &mark, sizeof mark);
}

static bool has_room(const struct guard *guard)
{
    return guard->bytes + GS_RING_RECORD_MAX + sizeof(struct perf_event_header) <= GS_GUARD_BUFFER;
}

/* Where a watched word is stored to must be known when a trap comes from there. */
static void note_site(const struct guard *guard, const struct perf_event_header *header)
{
    const struct gs_watchpoints_facts *facts = &guard->watchpoints.facts;
    struct gs_perf_record record;
    if (header->type != PERF_RECORD_SAMPLE || !gs_perf_decode(header, gs_watchpoints_has_ids(facts), &record))
        return;
    for (size_t i = 0; i < facts->addresses.count; i++) {
        if (record.addr == facts->addresses.list[i].owner || record.addr == facts->addresses.list[i].wait)
            gs_seize_know(record.ip);
    }
}

/* A ring that is full has no place to say that more came; what is in it is whole. False: there is more than room. */
static bool empty_ring(struct guard *guard, struct gs_watchpoints_ring *ring)
{
    const struct perf_event_header *header;
    if (!guard->begun) {
        guard->full = gs_ring_full(&ring->ring);
        guard->begun = true;
        put_mark(guard, GS_MARK_RING, ring->told);
    }
    while (has_room(guard) && (header = gs_ring_next(&ring->ring))) {
        note_site(guard, header);
        put(guard, header, header->size);
    }
    if (!has_room(guard))
        return false;
    if (guard->full)
        put_mark(guard, GS_MARK_FULL, 0);
    ring->told = guard->full;
    guard->begun = false;
    return true;
}

/* Whether there is more. Traps come last: what was recorded before them is in the rings by then. */
static bool drain(struct guard *guard)
{
    struct gs_seize_trap trap;
    guard->bytes = 0;
    for (; guard->ring < guard->watchpoints.ring_count; guard->ring++) {
        if (!has_room(guard) || !empty_ring(guard, &guard->watchpoints.rings[guard->ring]))
            return true;
    }
    while (has_room(guard) && gs_seize_next_trap(&trap))
        put_moment(guard, GS_MARK_TRAP, trap.time_ns);
    if (!has_room(guard))
        return true;
    if (guard->lapse_ns)
        put_moment(guard, GS_MARK_LAPSE, guard->lapse_ns);
    guard->lapse_ns = 0;
    guard->ring = 0;
    return false;
}

static void tell_numbers(struct gs_guard_numbers *numbers)
{
    struct gs_seize_counts counts = gs_seize_counted();
    numbers->stops = counts.stops;
    numbers->traps = counts.traps;
    numbers->cpu_us = gs_clock_cpu_us();
}

static void obey(struct guard *guard, enum gs_guard_order order, struct gs_guard_answer *answer)
{
    if (order == GS_GUARD_ENABLE || order == GS_GUARD_DISABLE)
        enable(guard, order == GS_GUARD_ENABLE);
    else if (order == GS_GUARD_COUNT)
        count(guard, &answer->numbers);
    else
        answer->more = drain(guard);
    answer->bytes = order == GS_GUARD_DRAIN ? guard->bytes : 0;
    tell_numbers(&answer->numbers);
}

/* False: a thread has the watches, and another tracer, or none: nobody is watched from then on. */
static bool keeps_all(struct guard *guard)
{
    struct gs_seize_refusal refusal;
    uint64_t now_ns = gs_clock_ns();
    if (!guard->on || now_ns - guard->listed_ns < STRAYS_NS)
        return true;
    guard->listed_ns = now_ns;
    return gs_seize_strays(&refusal);
}

/* Whoever asks for nothing while the watches are enabled stands still himself (Ctrl-Z, a pipe that nobody reads), and
 * nobody sees to what they cost. False: nobody is there any more. */
static bool receive_order(struct guard *guard, enum gs_guard_order *order)
{
    struct pollfd asked = {.fd = guard->post->socket, .events = POLLIN};
    uint64_t since_ns = gs_clock_ns();
    while (guard->on) {
        uint64_t silent_ms = (gs_clock_ns() - since_ns) / 1000000;
        if (silent_ms < SILENT_MS && poll(&asked, 1, (int)(SILENT_MS - silent_ms)) > 0)
            break;
        if (silent_ms < SILENT_MS)
            continue; /* a stop that is handled cuts it short */
        guard->lapse_ns = gs_clock_ns();
        enable(guard, false);
    }
    return gs_guard_receive(asked.fd, order, sizeof *order);
}

/* A thread that has stopped for a signal stands still until the guard gets a processor. */
static bool await_order(struct guard *guard, enum gs_guard_order *order)
{
    struct gs_scheduling before;
    gs_scheduling_hurry(&before);
    bool received = receive_order(guard, order);
    gs_scheduling_calm(&before);
    return received;
}

/* ---- the end ---- */

/* A store that was done already may have its trap still before it. One that has just come is looked for a moment later
 * once more. */
static void wait_for_traps(void)
{
    int quiet = 0;
    for (int i = 0; i < QUIET_LOOKS && quiet < 2; i++) {
        uint64_t end_ns = gs_clock_ns() + QUIET_US * UINT64_C(1000);
        while (gs_clock_ns() < end_ns) /* a stop that is handled cuts a sleep short */
            nanosleep(&(struct timespec){.tv_nsec = QUIET_US * 1000L / 4}, NULL);
        quiet = gs_seize_is_owed() ? 0 : quiet + 1;
    }
}

_Noreturn void gs_guard_stand(const struct gs_guard_post *post)
{
    struct guard guard = {.post = post, .target = *post->target, .watchpoints = {.facts = *post->plan}};
    enum gs_guard_order order;
    guard.target.watch = NULL; /* it has a thread that is not here */
    guard_socket = post->socket;
    prctl(PR_SET_NAME, "gilspy-guard");
    setsid(); /* where sessions share processors (sched_autogroup), threads do not wait for us behind the user's jobs */
    gs_scheduling_shorten();
    set_signals();
    prctl(PR_SET_PDEATHSIG, SIGHUP);
    close_others(post);
    bool open = open_and_tell(&guard);
    while (open && keeps_all(&guard) && await_order(&guard, &order)) {
        struct gs_guard_answer answer = {.bytes = 0};
        obey(&guard, order, &answer);
        open = gs_guard_send(post->socket, &answer, sizeof answer);
    }
    enable(&guard, false);
    gs_watchpoints_close(&guard.watchpoints);
    wait_for_traps();
    struct gs_guard_answer last = {.bytes = 0};
    tell_numbers(&last.numbers);
    gs_guard_send(post->socket, &last, sizeof last);
    _exit(0);
}
