/* From the kernel's records to events in the order of time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sorted.h"
#include "trace/tracer_parts.h"
#include "trace/trap.h"

enum {
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
    for (size_t i = 0; i < sizeof names / sizeof *names && tracer->facts.addresses.list[0].pointer; i++) {
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

static enum gs_status start(struct gs_tracer *tracer, const struct gs_tracer_options *options, struct gs_err *err)
{
    struct gs_target *target = tracer->python->target;
    struct gs_watchpoints_facts *facts = &tracer->facts;
    struct gs_trap trap;
    int failure = gs_trap_measure(GS_TRAP_BATCHES, &trap);
    if (failure)
        return gs_watchpoints_refused(failure, true, target->pid, err);
    tracer->setup.trap_ns = trap.cost_ns;
    enum gs_status status = gs_watchpoints_plan(facts, tracer->python, options, err);
    if (!status && facts->addresses.count > 0)
        status = gs_guard_open(&tracer->guard, facts, target, err);
    if (status || facts->late_count == 0)
        return status;
    tracer->late = calloc(facts->late_count, sizeof *tracer->late);
    if (!tracer->late)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)target->pid);
    for (size_t i = 0; i < facts->late_count; i++)
        tracer->late[i].tid = facts->late[i];
    return GS_OK;
}

enum gs_status gs_tracer_open(struct gs_tracer **out, const struct gs_python *python,
                              const struct gs_tracer_options *options, struct gs_err *err)
{
    struct gs_tracer *tracer = calloc(1, sizeof *tracer);
    *out = NULL;
    if (!tracer)
        return gs_fail(err, GS_NO_MEMORY, "cannot trace process %d: out of memory", (int)python->target->pid);
    tracer->python = python;
    enum gs_status status = start(tracer, options, err);
    if (status) {
        gs_tracer_close(tracer);
        return status;
    }
    open_codes(tracer);
    const struct gs_watchpoints_facts *facts = &tracer->facts;
    tracer->setup.addresses = facts->addresses;
    tracer->setup.threads = facts->threads;
    tracer->setup.watches = facts->watches;
    tracer->setup.switches = facts->switches;
    tracer->setup.gauges = facts->gauges;
    tracer->setup.waits_refused = facts->waits_refused;
    *out = tracer;
    return GS_OK;
}

static void ask_numbers(struct gs_tracer *tracer)
{
    if (tracer->guard && !tracer->failed)
        tracer->failed = gs_guard_count(tracer->guard, &tracer->counted);
}

void gs_tracer_end(struct gs_tracer *tracer)
{
    ask_numbers(tracer);
    struct gs_guard_numbers last = tracer->counted;
    if (tracer->guard && gs_guard_end(tracer->guard, &last) == GS_OK) {
        last.hits = tracer->counted.hits; /* its watches are closed */
        tracer->counted = last;
        if (tracer->traps < last.traps)
            tracer->traps = last.traps; /* after the last drain, or more at once than are told one by one */
    }
    tracer->guard = NULL;
}

void gs_tracer_close(struct gs_tracer *tracer)
{
    if (!tracer)
        return;
    gs_guard_close(tracer->guard);
    gs_watchpoints_facts_fini(&tracer->facts);
    for (size_t i = 0; i < tracer->code_count; i++) {
        close(tracer->codes[i].fd);
        free(tracer->codes[i].path);
    }
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
    return tracer->guard ? gs_guard_wake_fd(tracer->guard) : -1;
}

static void enable(struct gs_tracer *tracer, bool on)
{
    tracer->on = on;
    if (tracer->guard && !tracer->failed)
        tracer->failed = gs_guard_enable(tracer->guard, on);
}

void gs_tracer_begin(struct gs_tracer *tracer)
{
    tracer->round_ns = tracer->until_ns = gs_clock_ns();
    enable(tracer, true);
    tracer->whole_since_ns = gs_clock_ns();
}

uint64_t gs_tracer_cost_ns(const struct gs_tracer *tracer)
{
    return tracer->seen * tracer->setup.trap_ns + tracer->others * RECORD_NS;
}

void gs_tracer_numbers(struct gs_tracer *tracer, struct gs_tracer_numbers *numbers)
{
    ask_numbers(tracer);
    *numbers = (struct gs_tracer_numbers){.events = tracer->seen,
                                          .hits = tracer->seen,
                                          .throttled = tracer->throttled,
                                          .unclear = tracer->unclear,
                                          .lapses = tracer->lapses,
                                          .traps = tracer->traps,
                                          .stops = tracer->counted.stops,
                                          .guard_us = tracer->counted.cpu_us};
    if (!tracer->on && tracer->counted.hits > numbers->hits)
        numbers->hits = tracer->counted.hits;
    numbers->lost = numbers->hits - numbers->events;
    if (numbers->lost < tracer->lost)
        numbers->lost = tracer->lost;
    numbers->hits += numbers->traps;
    numbers->lost += numbers->traps;
}

GS_BY(compare, struct gs_event, time_ns);

/* A record of the kernel, or a mark of the guard. */
static enum gs_status take_record(void *context, const struct perf_event_header *header)
{
    struct gs_tracer *tracer = context;
    struct gs_perf_record record;
    if (header->type == GS_MARK_RING) {
        tracer->whole_ns = header->misc ? 0 : tracer->round_ns;
        return GS_OK;
    }
    if (header->type == GS_MARK_FULL)
        return gs_tracer_hold_lost(tracer, tracer->whole_ns);
    if (header->type == GS_MARK_TRAP) {
        tracer->traps++;
        return gs_tracer_hold_trap(tracer, ((const struct gs_guard_moment *)(const void *)header)->time_ns);
    }
    if (header->type == GS_MARK_LAPSE) {
        tracer->lapses++;
        return gs_tracer_hold_lost(tracer, ((const struct gs_guard_moment *)(const void *)header)->time_ns);
    }
    if (!gs_perf_decode(header, gs_watchpoints_has_ids(&tracer->facts), &record))
        return GS_OK;
    enum gs_status status = gs_tracer_record(tracer, &record, tracer->whole_ns);
    tracer->whole_ns = record.time_ns;
    return status;
}

/* Takes all records out of the rings, and sorts what is held. */
static enum gs_status collect(struct gs_tracer *tracer)
{
    if (tracer->guard && !tracer->failed)
        tracer->failed = gs_guard_drain(tracer->guard, take_record, tracer);
    if (tracer->held_count > 1)
        qsort(tracer->held, tracer->held_count, sizeof *tracer->held, compare);
    return tracer->failed;
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

const struct gs_event *gs_tracer_latest(const struct gs_tracer *tracer, unsigned lock, unsigned kind)
{
    for (size_t i = tracer->held_count; i-- > 0;) {
        const struct gs_event *event = &tracer->held[i];
        if (event->act <= GS_ACT_CHANGE && event->lock == lock && event->what == kind)
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
