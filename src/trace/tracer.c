/* From the kernel's records to events in the order of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/room.h"
#include "trace/cover.h"
#include "trace/site.h"
#include "trace/trap.h"

enum {
    SITES_MOST = 256, /* instructions; a Python has about ten */
    CODES_MOST = 4,
    WAKES = 64,
    ROUND_NS = 1000000, /* a record that has its time already is written by then */
    TWICE_NS = 20000    /* two records of one store, by two watches, are no further from each other */
};

/* A thread that may be watched twice. */
struct late {
    pid_t tid;
    gs_addr ip, addr;
    uint64_t time_ns;
};

/* A file that has instructions which store to the words. */
struct code {
    char *path; /* owned: maps are read anew */
    int fd;
};

struct gs_tracer {
    const struct gs_python *python;
    struct gs_cover cover;
    struct gs_tracer_setup setup;
    struct gs_site sites[SITES_MOST];
    size_t site_count, site_last;
    struct gs_event *held; /* not handed on yet */
    size_t held_count, held_room;
    struct late *late;
    struct code codes[CODES_MOST];
    size_t code_count;
    int wake_fd;       /* an epoll of all rings */
    uint64_t round_ns; /* when the last round of drains began, */
    uint64_t until_ns; /* and the one before: what is older has come */
    bool on;
    uint64_t seen; /* samples, */
    uint64_t lost, throttled, unclear;
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
    for (size_t i = 0; i < target->map_count && tracer->code_count < CODES_MOST; i++) {
        const struct gs_map *map = &target->maps[i];
        int fd = has_sites(tracer, map) ? gs_target_open_near_file(target, map) : -1;
        char *path = fd >= 0 ? strdup(map->path) : NULL;
        if (path)
            tracer->codes[tracer->code_count++] = (struct code){path, fd};
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
    enum gs_status status = failure ? gs_cover_refused(failure, true, pid, err)
                                    : gs_cover_open(&tracer->cover, python, options->switches, err);
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
}

void gs_tracer_begin(struct gs_tracer *tracer)
{
    tracer->round_ns = tracer->until_ns = gs_clock_ns();
    enable(tracer, true);
}

uint64_t gs_tracer_seen(const struct gs_tracer *tracer)
{
    return tracer->seen;
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

/* ---- what an instruction does ---- */

/* The bytes before ip: from the file, which stays what it is when the process is gone already, or runs another program;
 * from memory where it is not there. */
static bool read_code(const struct gs_tracer *tracer, gs_addr ip, uint8_t bytes[GS_SITE_BYTES])
{
    gs_addr from = ip - GS_SITE_BYTES;
    const struct gs_map *map = gs_target_map_at(tracer->python->target, from);
    for (size_t i = 0; map && i < tracer->code_count; i++) {
        if (strcmp(map->path, tracer->codes[i].path) == 0)
            return pread(tracer->codes[i].fd, bytes, GS_SITE_BYTES, (off_t)(map->file_offset + (from - map->start))) ==
                   GS_SITE_BYTES;
    }
    return gs_mem_read(tracer->python->mem, from, bytes, GS_SITE_BYTES) == GS_OK &&
           !gs_target_left_memory(tracer->python->target);
}

static const struct gs_site *find_site(struct gs_tracer *tracer, const struct gs_perf_record *record, size_t lock)
{
    uint8_t bytes[GS_SITE_BYTES];
    for (size_t i = 0; i < tracer->site_count; i++) {
        size_t at = (tracer->site_last + i) % tracer->site_count;
        if (tracer->sites[at].ip == record->ip && tracer->sites[at].addr == record->addr) {
            tracer->site_last = at;
            return &tracer->sites[at];
        }
    }
    struct gs_site *site = &tracer->sites[tracer->site_count % SITES_MOST];
    if (read_code(tracer, record->ip, bytes))
        *site = gs_site_read(bytes, record->ip, record->addr, &tracer->cover.spots.list[lock], record->registers);
    else /* it may be a take or a drop, unless it is another word than the owner's */
        *site = (struct gs_site){.ip = record->ip,
                                 .addr = record->addr,
                                 .kind = record->addr == tracer->cover.spots.list[lock].owner ? GS_SITE_UNKNOWN
                                                                                              : GS_SITE_NOTHING};
    if (tracer->site_count < SITES_MOST)
        tracer->site_count++;
    return site;
}

/* The GIL whose word it is; GS_SPOTS_MOST: none. */
static size_t lock_of(const struct gs_spots *spots, gs_addr addr)
{
    size_t i = 0;
    while (i < spots->count && spots->list[i].owner != addr && spots->list[i].wait != addr)
        i++;
    return i < spots->count ? i : GS_SPOTS_MOST;
}

/* ---- records ---- */

static enum gs_status hold(struct gs_tracer *tracer, const struct gs_event *event)
{
    if (!gs_room((void **)&tracer->held, &tracer->held_room, tracer->held_count + 1, sizeof *tracer->held))
        return GS_NO_MEMORY;
    tracer->held[tracer->held_count++] = *event;
    return GS_OK;
}

/* The same store, seen by a second watch. */
static bool is_twice(struct gs_tracer *tracer, const struct gs_perf_record *record)
{
    for (size_t i = 0; i < tracer->cover.late_count; i++) {
        struct late *late = &tracer->late[i];
        if (late->tid != record->tid)
            continue;
        bool twice = late->ip == record->ip && late->addr == record->addr && record->time_ns - late->time_ns < TWICE_NS;
        *late = (struct late){record->tid, record->ip, record->addr, record->time_ns};
        return twice;
    }
    return false;
}

static enum gs_status take_sample(struct gs_tracer *tracer, const struct gs_perf_record *record)
{
    static const uint8_t acts[] = {[GS_SITE_TAKE] = GS_ACT_TAKE,
                                   [GS_SITE_DROP] = GS_ACT_DROP,
                                   [GS_SITE_UNKNOWN] = GS_ACT_CHANGE,
                                   [GS_SITE_WAIT] = GS_ACT_WAIT};
    const struct gs_spots *spots = &tracer->cover.spots;
    size_t lock = lock_of(spots, record->addr);
    tracer->seen++;
    /* pid 0: the thread has ended, which is said no sooner than it did this; another one: a child that was forked */
    if (lock == GS_SPOTS_MOST || record->pid != tracer->python->target->pid || is_twice(tracer, record))
        return GS_OK;
    enum gs_site_kind kind = gs_site_now(find_site(tracer, record, lock), record->registers);
    if (kind == GS_SITE_NOTHING)
        return GS_OK;
    tracer->unclear += kind == GS_SITE_UNKNOWN;
    struct gs_event event = {
        .time_ns = record->time_ns, .tid = record->tid, .act = acts[kind], .lock = (uint8_t)lock, .cpu = record->cpu};
    return hold(tracer, &event);
}

static enum gs_status hold_lost(struct gs_tracer *tracer, uint64_t time_ns)
{
    struct gs_event event = {.time_ns = time_ns, .act = GS_ACT_LOST};
    return hold(tracer, &event);
}

/* whole_ns: when the record before it came, in the same ring; 0: what is missing before it is known already. */
static enum gs_status take_record(struct gs_tracer *tracer, const struct gs_perf_record *record, uint64_t whole_ns)
{
    struct gs_event event = {.time_ns = record->time_ns, .tid = record->tid, .cpu = record->cpu};
    bool theirs = record->pid == tracer->python->target->pid;
    switch (record->type) {
    case PERF_RECORD_SAMPLE:
        return take_sample(tracer, record);
    case PERF_RECORD_LOST: /* comes as soon as there is room again: what is missing was before it */
        tracer->lost += record->lost;
        return whole_ns ? hold_lost(tracer, whole_ns) : GS_OK;
    case PERF_RECORD_THROTTLE:
        tracer->throttled++;
        return hold_lost(tracer, record->time_ns);
    case PERF_RECORD_UNTHROTTLE:
        return hold_lost(tracer, record->time_ns);
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        event.act = record->type == PERF_RECORD_FORK ? GS_ACT_BORN : GS_ACT_ENDED;
        if (!theirs)
            return GS_OK;
        break;
    case PERF_RECORD_SWITCH:
        event.act = !(record->misc & PERF_RECORD_MISC_SWITCH_OUT)        ? GS_ACT_ON
                    : record->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT ? GS_ACT_PREEMPT
                                                                         : GS_ACT_OFF;
        if (!theirs)
            return GS_OK;
        break;
    default:
        return GS_OK;
    }
    return hold(tracer, &event);
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
        if (!gs_perf_decode(header, tracer->cover.spots.list[0].pointer, &record))
            continue;
        status = take_record(tracer, &record, whole_ns);
        whole_ns = record.time_ns;
    }
    ring->told = full;
    return full && !status ? hold_lost(tracer, whole_ns) : status;
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
