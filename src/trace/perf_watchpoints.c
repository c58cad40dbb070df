/* Opening. Threads may be born while it goes on: those of a thread that is watched already are watched too, so that
 * lists are asked for until one has nobody new.
 *
 * With a ring for each processor all of it is covered by a few rings, but it takes a descriptor for each thread,
 * processor and word. Where that is too much, a ring for each thread and GIL does: an event that may run on any
 * processor cannot have a ring of its own while threads inherit it, but it may lend the ring of one that never comes.
 * The kernel does not expect several processors to write to one ring at a time; they do not, as whoever stores to a
 * GIL's words or waits for it has its mutex, and whoever stores to a world's `requested` the runtime's; collections
 * have none, so that they are not watched then. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/room.h"
#include "base/sorted.h"
#include "trace/perf_watchpoints.h"

enum {
    LISTS_MOST = 20,
    CPU_PAGES_MOST = 1024, /* of a ring for a processor: what some 100 ms of the highest rate fill, with registers */
    CPU_PAGES_LEAST = 64,
    ALL_PAGES = 8192, /* of all of them together, if it can be */
    THREAD_PAGES = 8,
    THREAD_PAGES_REGISTERS = 32, /* a record is four times as long with them */
    ALL_CPUS = -1
};

struct opening {
    struct gs_watchpoints *watchpoints;
    const struct gs_target *target;
    size_t pages;
    int cpus;
};

static void close_all(struct gs_watchpoints *watchpoints)
{
    for (size_t i = 0; i < watchpoints->ring_count; i++)
        gs_ring_close(&watchpoints->rings[i].ring);
    for (size_t i = 0; i < watchpoints->watch_count; i++)
        close(watchpoints->watches[i]);
    for (size_t i = 0; i < watchpoints->facts.gauge_count; i++)
        close(watchpoints->facts.gauge_list[i].fd);
    for (size_t i = 0; i < watchpoints->ring_count && !watchpoints->facts.per_cpu; i++)
        close(watchpoints->rings[i].fd);
    watchpoints->ring_count = watchpoints->watch_count = watchpoints->facts.gauge_count = watchpoints->covered_count =
        watchpoints->facts.late_count = 0;
}

void gs_watchpoints_close(struct gs_watchpoints *watchpoints)
{
    close_all(watchpoints);
    free(watchpoints->watches);
    free(watchpoints->rings);
    free(watchpoints->covered);
    gs_watchpoints_facts_fini(&watchpoints->facts);
    *watchpoints = (struct gs_watchpoints){0};
}

void gs_watchpoints_facts_fini(struct gs_watchpoints_facts *facts)
{
    free(facts->gauge_list);
    free(facts->late);
    *facts = (struct gs_watchpoints_facts){0};
}

static int keep_watch(struct gs_watchpoints *watchpoints, int fd)
{
    if (!gs_room((void **)&watchpoints->watches, &watchpoints->watch_room, watchpoints->watch_count + 1,
                 sizeof *watchpoints->watches)) {
        close(fd);
        return ENOMEM;
    }
    watchpoints->watches[watchpoints->watch_count++] = fd;
    return 0;
}

/* A ring on fd. Where it is too large for the memory that may be locked, all are made anew, half as large. */
static int add_ring(struct opening *opening, int fd, int cpu)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    if (!gs_room((void **)&watchpoints->rings, &watchpoints->ring_room, watchpoints->ring_count + 1,
                 sizeof *watchpoints->rings))
        return ENOMEM;
    struct gs_watchpoints_ring *ring = &watchpoints->rings[watchpoints->ring_count];
    int failure = gs_ring_open(&ring->ring, fd, opening->pages);
    if (failure)
        return failure == EPERM ? EAGAIN : failure;
    ring->fd = fd;
    ring->cpu = cpu;
    ring->told = false;
    watchpoints->ring_count++;
    return 0;
}

static const struct gs_watchpoints_ring *ring_of(const struct gs_watchpoints *watchpoints, int cpu)
{
    for (size_t i = 0; i < watchpoints->ring_count; i++) {
        if (watchpoints->rings[i].cpu == cpu)
            return &watchpoints->rings[i];
    }
    return NULL;
}

static struct gs_perf_watch describe(const struct opening *opening, const struct gs_gil_address *address, bool wait,
                                     bool first)
{
    const struct gs_watchpoints *watchpoints = opening->watchpoints;
    return (struct gs_perf_watch){.addr = wait ? address->wait : address->owner,
                                  .len = wait ? address->wait_len : address->owner_len,
                                  .reads = wait && address->wait_reads,
                                  .registers = gs_gil_addresses_take_registers(&watchpoints->facts.addresses),
                                  .inherit = true,
                                  .records = first && watchpoints->facts.per_cpu,
                                  .switches = first && watchpoints->facts.per_cpu && watchpoints->facts.switches,
                                  .ids = gs_watchpoints_has_ids(&watchpoints->facts),
                                  .wakes = address->world};
}

/* 0, or an errno: ESRCH the thread has ended, ENODEV there is no such processor now. */
static int open_watch(struct opening *opening, const struct gs_perf_watch *what, pid_t tid, int cpu)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    int fd = gs_perf_watch(what, tid, cpu), failure;
    if (fd < 0)
        return -fd;
    failure = keep_watch(watchpoints, fd);
    if (failure)
        return failure;
    const struct gs_watchpoints_ring *ring =
        watchpoints->facts.per_cpu ? ring_of(watchpoints, cpu) : &watchpoints->rings[watchpoints->ring_count - 1];
    if (!ring)
        return add_ring(opening, fd, cpu);
    return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) == 0 ? 0 : errno;
}

/* Both words of a GIL, of one thread. */
static int open_address(struct opening *opening, size_t number, pid_t tid, int cpu)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    const struct gs_gil_address *address = &watchpoints->facts.addresses.list[number];
    struct gs_perf_watch owner = describe(opening, address, false, number == 0),
                         wait = describe(opening, address, true, false);
    int failure = open_watch(opening, &owner, tid, cpu);
    if (failure || !watchpoints->facts.addresses.waits || !address->wait)
        return failure;
    failure = open_watch(opening, &wait, tid, cpu);
    if (failure == ENOSPC) {
        watchpoints->facts.waits_refused = true;
        return EAGAIN;
    }
    return failure;
}

static int open_gauge(struct opening *opening, enum gs_gauge gauge, pid_t tid, int cpu)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    struct gs_perf_gauge what = watchpoints->facts.gauges.what[gauge];
    const struct gs_watchpoints_ring *ring = ring_of(watchpoints, cpu);
    int fd = gs_perf_gauge(&what, tid, cpu);
    if (fd < 0)
        return -fd;
    if (!gs_room((void **)&watchpoints->facts.gauge_list, &watchpoints->facts.gauge_room,
                 watchpoints->facts.gauge_count + 1, sizeof *watchpoints->facts.gauge_list)) {
        close(fd);
        return ENOMEM;
    }
    watchpoints->facts.gauge_list[watchpoints->facts.gauge_count++] =
        (struct gs_watchpoints_gauge){.id = gs_perf_id(fd), .fd = fd, .gauge = gauge};
    return ring && ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) == 0 ? 0 : errno;
}

static int open_gauges(struct opening *opening, pid_t tid, int cpu)
{
    int failure = 0;
    for (int gauge = 0; gauge < GS_GAUGES && !failure; gauge++) {
        if (opening->watchpoints->facts.gauges.there[gauge])
            failure = open_gauge(opening, gauge, tid, cpu);
    }
    return failure;
}

static int open_on_cpus(struct opening *opening, pid_t tid)
{
    const struct gs_watchpoints *watchpoints = opening->watchpoints;
    int failure = ENODEV;
    for (int cpu = 0; cpu < opening->cpus; cpu++) {
        int one = 0;
        for (size_t i = 0; i < watchpoints->facts.addresses.count && !one; i++)
            one = open_address(opening, i, tid, cpu);
        if (!one)
            one = open_gauges(opening, tid, cpu);
        if (one && one != ENODEV)
            return one;
        failure = one == 0 ? 0 : failure;
    }
    return failure;
}

static int open_anywhere(struct opening *opening, pid_t tid)
{
    const struct gs_watchpoints *watchpoints = opening->watchpoints;
    for (size_t i = 0; i < watchpoints->facts.addresses.count; i++) {
        int fd = gs_perf_dummy(tid);
        if (fd < 0)
            return -fd;
        int failure = add_ring(opening, fd, ALL_CPUS);
        if (failure) {
            close(fd);
            return failure;
        }
        failure = open_address(opening, i, tid, ALL_CPUS);
        if (failure)
            return failure;
    }
    return 0;
}

/* ---- the threads ---- */

static size_t place_of(const struct gs_watchpoints *watchpoints, pid_t tid)
{
    return GS_FIRST_NOT(i, watchpoints->covered_count, watchpoints->covered[i] < tid);
}

static bool add_tid(pid_t **list, size_t *count, size_t *room, size_t place, pid_t tid)
{
    if (!gs_room((void **)list, room, *count + 1, sizeof **list))
        return false;
    memmove(*list + place + 1, *list + place, (*count - place) * sizeof **list);
    (*list)[place] = tid;
    (*count)++;
    return true;
}

/* Opens those that are new in the list; *any: there were some. 0, or an errno. */
static int open_new(struct opening *opening, const struct gs_task *tasks, size_t count, bool first, bool *any)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    for (size_t i = 0; i < count; i++) {
        pid_t tid = tasks[i].tid;
        size_t place = place_of(watchpoints, tid);
        if (place < watchpoints->covered_count && watchpoints->covered[place] == tid)
            continue;
        int failure = watchpoints->facts.per_cpu ? open_on_cpus(opening, tid) : open_anywhere(opening, tid);
        if (failure == ENOSPC && !first)
            failure = 0; /* its registers are in use by what it inherited */
        if (failure == ESRCH)
            continue; /* it has ended meanwhile */
        if (failure)
            return failure;
        *any = true;
        if (!add_tid(&watchpoints->covered, &watchpoints->covered_count, &watchpoints->covered_room, place, tid) ||
            (!first && !add_tid(&watchpoints->facts.late, &watchpoints->facts.late_count, &watchpoints->facts.late_room,
                                watchpoints->facts.late_count, tid)))
            return ENOMEM;
    }
    return 0;
}

static bool any_file_left(void)
{
    int fd = dup(STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != EMFILE;
}

/* 0, or an errno; EAGAIN: everything is to be opened anew, with less. */
static int open_everybody(struct opening *opening)
{
    bool any = true;
    for (int i = 0; i < LISTS_MOST && any; i++) {
        struct gs_task *tasks;
        size_t count;
        any = false;
        enum gs_status status = gs_target_tasks(opening->target, &tasks, &count);
        if (status)
            return status == GS_NO_MEMORY ? ENOMEM : any_file_left() ? ESRCH : EMFILE;
        int failure = open_new(opening, tasks, count, i == 0, &any);
        free(tasks);
        if (failure)
            return failure;
    }
    return opening->watchpoints->covered_count ? 0 : ESRCH;
}

/* ---- modes ---- */

static size_t words_of(const struct gs_gil_addresses *addresses)
{
    size_t words = addresses->count;
    for (size_t i = 0; i < addresses->count && addresses->waits; i++)
        words += addresses->list[i].wait != 0;
    return words;
}

static size_t pages_of_thread(const struct gs_watchpoints *watchpoints)
{
    return gs_gil_addresses_take_registers(&watchpoints->facts.addresses) ? THREAD_PAGES_REGISTERS : THREAD_PAGES;
}

static void use_thread_rings(struct gs_watchpoints_facts *facts)
{
    facts->per_cpu = false;
    facts->addresses.waits &= !facts->addresses.none;
}

/* Makes do with less after a refusal; false: there is nothing left to do without. */
static bool relent(struct opening *opening, int failure)
{
    struct gs_watchpoints *watchpoints = opening->watchpoints;
    if (failure == EAGAIN && watchpoints->facts.waits_refused && watchpoints->facts.addresses.waits)
        watchpoints->facts.addresses.waits = false;
    else if (failure == EAGAIN && opening->pages > 1)
        opening->pages /= 2;
    else if (failure == EMFILE && watchpoints->facts.per_cpu && gs_gauges_drop(&watchpoints->facts.gauges))
        ;
    else if (failure == EMFILE && watchpoints->facts.per_cpu) {
        use_thread_rings(&watchpoints->facts);
        opening->pages = pages_of_thread(watchpoints);
    } else
        return false;
    return true;
}

/* A power of two. */
static size_t pages_of_cpu(int cpus)
{
    size_t pages = CPU_PAGES_MOST;
    while (pages > CPU_PAGES_LEAST && pages * (size_t)cpus > ALL_PAGES)
        pages /= 2;
    return pages;
}

static size_t count_tasks(const struct gs_target *target)
{
    struct gs_task *tasks;
    size_t count = 0;
    if (gs_target_tasks(target, &tasks, &count) != GS_OK)
        return 1;
    free(tasks);
    return count;
}

/* With a ring for each processor, as far as descriptors go; what is counted beside is given up first. */
static void choose_mode(struct gs_watchpoints *watchpoints, size_t threads, int cpus)
{
    size_t allowed = gs_watchpoints_files() / 2, most = threads > 0 ? allowed / threads / (size_t)cpus : 0;
    watchpoints->facts.per_cpu = words_of(&watchpoints->facts.addresses) <= most;
    if (!watchpoints->facts.per_cpu)
        use_thread_rings(&watchpoints->facts);
    while (words_of(&watchpoints->facts.addresses) + gs_gauges_count(&watchpoints->facts.gauges) > most &&
           gs_gauges_drop(&watchpoints->facts.gauges))
        ;
}

/* Before 5.13 a watch goes on in whatever is forked, where nobody takes its traps away. */
static bool knows_threads(void)
{
    uint64_t word = 0;
    struct gs_perf_watch watch = {
        .addr = (uintptr_t)&word, .len = HW_BREAKPOINT_LEN_8, .inherit = true, .silent = true};
    int fd = gs_perf_watch(&watch, 0, -1);
    if (fd >= 0)
        close(fd);
    return fd != -EINVAL;
}

enum gs_status gs_watchpoints_plan(struct gs_watchpoints_facts *facts, const struct gs_python *python,
                                   const struct gs_tracer_options *options, struct gs_err *err)
{
    *facts = (struct gs_watchpoints_facts){.switches = options->switches || options->counters};
    enum gs_status status = gs_gil_addresses_find(&facts->addresses, python, err);
    if (!status && facts->addresses.count > 0 && !knows_threads())
        return gs_watchpoints_too_old(python->target->pid, err);
    if (!status && facts->addresses.count > 0)
        gs_gauges_find(&facts->gauges, options->counters, options->switches);
    return status;
}

enum gs_status gs_watchpoints_open(struct gs_watchpoints *watchpoints, const struct gs_target *target,
                                   struct gs_err *err)
{
    struct opening opening = {.watchpoints = watchpoints, .target = target};
    struct gs_watchpoints_facts *facts = &watchpoints->facts;
    size_t threads = count_tasks(target);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    opening.cpus = cpus > 0 ? (int)cpus : 1;
    choose_mode(watchpoints, threads, opening.cpus);
    opening.pages = facts->per_cpu ? pages_of_cpu(opening.cpus) : pages_of_thread(watchpoints);
    int failure = open_everybody(&opening);
    while (failure && relent(&opening, failure)) {
        close_all(watchpoints);
        failure = open_everybody(&opening);
    }
    facts->switches = facts->switches && facts->per_cpu;
    facts->threads = watchpoints->covered_count;
    facts->watches = watchpoints->watch_count;
    if (failure == EMFILE || failure == EAGAIN)
        return gs_watchpoints_too_many(failure, target->pid,
                                       threads * (words_of(&facts->addresses) + facts->addresses.count), threads, err);
    return failure ? gs_watchpoints_refused(failure, false, target->pid, err) : GS_OK;
}
