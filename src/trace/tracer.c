/* From the kernel's records to events in the order of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/room.h"
#include "trace/tracer_parts.h"
#include "trace/trap.h"

enum {
    WAKES = 64,
    ROUND_NS =
        10000000,    /* a record that has its time already is written by then, also where a hypervisor steals some */
    RECORD_NS = 1000 /* what one that takes no trap costs, about */
};

/* The Python, and where the functions of its semaphore are. */
static bool has_sites(const struct gs_tracer *tracer, const struct gs_map *map)
{
    static const char *const names[] = {"libpthread", "libc.so.6", "libc-2."};
    const char *slash = strrchr(map->path, '/');
    if (!map->executable || !slash)
        return false;
    if (tracer->python->library && strcmp(map->path, tracer->python->library) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names && tracer->cover.spots.list[0].pointer; i++) {
        if (strncmp(slash + 1, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void open_codes(struct gs_tracer *tracer)
{
    const struct gs_target *target = tracer->python->target;
    for (size_t i = 0; i < target->map_count && tracer->code_count < GS_TRACER_CODES; i++) {
        const struct gs_map *map = &target->maps[i];
        int fd = has_sites(tracer, map) ? gs_target_open_near_file(target, map) : -1;
        char *path = fd >= 0 ? strdup(map->path) : NULL;
        if (path)
            tracer->codes[tracer->code_count++] = (struct gs_code_file){path, fd};
        else if (fd >= 0)
            close(fd);
    }
}

/* The kernel tells when a ring is half full. At the edge only: a thread that has ended makes its ring ready for good.
 */
static int watch_rings(struct gs_tracer *tracer)
{
    tracer->wake_fd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < tracer->cover.ring_count && tracer->wake_fd >= 0; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET};
        if (epoll_ctl(tracer->wake_fd, EPOLL_CTL_ADD, tracer->cover.rings[i].fd, &event) != 0)
            return errno;
    }
    return tracer->wake_fd < 0 ? errno : 0;
}

enum gs_status gs_tracer_open(struct gs_tracer **out, const struct gs_python *python,
                              const struct gs_tracer_options *options, struct gs_err *err)
{
    struct gs_tracer *tracer = calloc(1, sizeof *tracer);
    pid_t pid = python->target->pid;
    *out = NULL;
    if (!tracer)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)pid);
    tracer->python = python;
    tracer->wake_fd = -1;
    int failure = gs_trap_measure(&tracer->setup.trap_ns);
    enum gs_status status =
        failure ? gs_cover_refused(failure, true, pid, err) : gs_cover_open(&tracer->cover, python, options, err);
    const struct gs_cover *cover = &tracer->cover;
    if (!status && cover->late_count) {
        tracer->late = calloc(cover->late_count, sizeof *tracer->late);
        if (!tracer->late)
            status = gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)pid);
        for (size_t i = 0; i < cover->late_count && !status; i++)
            tracer->late[i].tid = cover->late[i];
    }
    if (!status && (failure = watch_rings(tracer)) != 0)
        status = gs_fail(err, GS_FAILED, "cannot trace process %d: epoll: %s", (int)pid, strerror(failure));
    if (status) {
        gs_tracer_close(tracer);
        return status;
    }
    open_codes(tracer);
    tracer->setup.spots = cover->spots;
    tracer->setup.threads = cover->covered_count;
    tracer->setup.watches = cover->watch_count;
    tracer->setup.switches = cover->switches;
    tracer->setup.gauges = cover->gauges;
    tracer->setup.waits_refused = cover->waits_refused;
    *out = tracer;
    return GS_OK;
}

void gs_tracer_close(struct gs_tracer *tracer)
{
    if (!tracer)
        return;
    gs_cover_close(&tracer->cover);
    for (size_t i = 0; i < tracer->code_count; i++) {
        close(tracer->codes[i].fd);
        free(tracer->codes[i].path);
    }
    if (tracer->wake_fd >= 0)
        close(tracer->wake_fd);
    free(tracer->late);
    free(tracer->held);
    free(tracer);
}

const struct gs_tracer_setup *gs_tracer_setup(const struct gs_tracer *tracer)
{
    return &tracer->setup;
}

int gs_tracer_wake_fd(const struct gs_tracer *tracer)
{
    return tracer->wake_fd;
}

static void enable(struct gs_tracer *tracer, bool on)
{
    tracer->on = on;
    for (size_t i = 0; i < tracer->cover.watch_count; i++)
        ioctl(tracer->cover.watches[i], on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
    for (size_t i = 0; i < tracer->cover.gauge_count; i++)
        ioctl(tracer->cover.gauge_list[i].fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

void gs_tracer_begin(struct gs_tracer *tracer)
{
    tracer->round_ns = tracer->until_ns = gs_clock_ns();
    enable(tracer, true);
}

uint64_t gs_tracer_cost_ns(const struct gs_tracer *tracer)
{
    return tracer->seen * tracer->setup.trap_ns + tracer->others * RECORD_NS;
}

void gs_tracer_numbers(const struct gs_tracer *tracer, struct gs_tracer_numbers *numbers)
{
    *numbers =
        (struct gs_tracer_numbers){.events = tracer->seen, .throttled = tracer->throttled, .unclear = tracer->unclear};
    for (size_t i = 0; i < tracer->cover.watch_count && !tracer->on; i++) {
        uint64_t hits;
        if (read(tracer->cover.watches[i], &hits, sizeof hits) == sizeof hits)
            numbers->hits += hits;
    }
    if (tracer->on)
        numbers->hits = numbers->events;
    numbers->lost = numbers->hits > numbers->events ? numbers->hits - numbers->events : 0;
    if (numbers->lost < tracer->lost)
        numbers->lost = tracer->lost;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = ((const struct gs_event *)a)->time_ns, right = ((const struct gs_event *)b)->time_ns;
    return left < right ? -1 : left > right;
}

/* A ring that is full has no place to say that more came; what is in it is whole. */
static enum gs_status empty_ring(struct gs_tracer *tracer, struct gs_cover_ring *ring)
{
    const struct perf_event_header *header;
    enum gs_status status = GS_OK;
    bool full = gs_ring_full(&ring->ring);
    uint64_t whole_ns = ring->told ? 0 : tracer->round_ns;
    while (!status && (header = gs_ring_next(&ring->ring))) {
        struct gs_perf_record record;
        if (!gs_perf_decode(header, gs_cover_has_ids(&tracer->cover), &record))
            continue;
        status = gs_tracer_record(tracer, &record, whole_ns);
        whole_ns = record.time_ns;
    }
    ring->told = full;
    return full && !status ? gs_tracer_hold_lost(tracer, whole_ns) : status;
}

/* Takes all records out of the rings, and sorts what is held. */
static enum gs_status collect(struct gs_tracer *tracer)
{
    struct epoll_event ready[WAKES];
    enum gs_status status = GS_OK;
    while (epoll_wait(tracer->wake_fd, ready, WAKES, 0) == WAKES)
        ; /* which of them does not matter: all are emptied */
    for (size_t i = 0; i < tracer->cover.ring_count && !status; i++)
        status = empty_ring(tracer, &tracer->cover.rings[i]);
    if (tracer->held_count > 1)
        qsort(tracer->held, tracer->held_count, sizeof *tracer->held, compare);
    return status;
}

static enum gs_status hand_on(struct gs_tracer *tracer, uint64_t until_ns, const struct gs_event_sink *sink)
{
    enum gs_status status = GS_OK;
    size_t done = 0;
    while (!status && done < tracer->held_count && tracer->held[done].time_ns < until_ns)
        status = sink->event(sink->context, &tracer->held[done++]);
    tracer->held_count -= done;
    if (tracer->held_count)
        memmove(tracer->held, tracer->held + done, tracer->held_count * sizeof *tracer->held);
    return status;
}

enum gs_status gs_tracer_drain(struct gs_tracer *tracer, const struct gs_event_sink *sink, uint64_t *until_ns)
{
    uint64_t now_ns = gs_clock_ns();
    if (now_ns - tracer->round_ns >= ROUND_NS) {
        tracer->until_ns = tracer->round_ns;
        tracer->round_ns = now_ns;
    }
    *until_ns = tracer->until_ns;
    enum gs_status status = collect(tracer);
    return status ? status : hand_on(tracer, *until_ns, sink);
}

const struct gs_event *gs_tracer_latest(const struct gs_tracer *tracer, unsigned lock)
{
    for (size_t i = tracer->held_count; i-- > 0;) {
        const struct gs_event *event = &tracer->held[i];
        if (event->act <= GS_ACT_CHANGE && event->lock == lock)
            return event;
    }
    return NULL;
}

enum gs_status gs_tracer_pause(struct gs_tracer *tracer, const struct gs_event_sink *sink, uint64_t *until_ns)
{
    *until_ns = gs_clock_ns();
    enable(tracer, false);
    enum gs_status status = collect(tracer);
    if (!status)
        status = hand_on(tracer, *until_ns, sink);
    tracer->held_count = 0; /* some threads were not watched any more */
    return status;
}
