/* What a record of the kernel means: which instruction did what to which word, what was counted, who was woken. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/room.h"
#include "trace/tracer_parts.h"

enum { TWICE_NS = 20000 /* two records of one store, by two watches, are no further from each other */ };

/* ---- what an instruction does ---- */

/* The instruction's bytes: from the file, which stays what it is when the process is gone already, or runs another
 * program; from memory where it is not there. */
static bool read_code(const struct gs_tracer *tracer, gs_addr ip, uint8_t bytes[GS_ARCH_STORE_BYTES])
{
    gs_addr from = ip - GS_ARCH_STORE_BACK;
    const struct gs_map *map = gs_target_map_at(tracer->python->target, from);
    for (size_t i = 0; map && i < tracer->code_count; i++) {
        if (strcmp(map->path, tracer->codes[i].path) == 0)
            return pread(tracer->codes[i].fd, bytes, GS_ARCH_STORE_BYTES,
                         (off_t)(map->file_offset + (from - map->start))) == GS_ARCH_STORE_BYTES;
    }
    return gs_mem_read(tracer->python->mem, from, bytes, GS_ARCH_STORE_BYTES) == GS_OK &&
           !gs_target_left_memory(tracer->python->target);
}

static const struct gs_site *find_site(struct gs_tracer *tracer, const struct gs_perf_record *record, size_t lock,
                                       const uint64_t *registers)
{
    uint8_t bytes[GS_ARCH_STORE_BYTES];
    for (size_t i = 0; i < tracer->site_count; i++) {
        size_t at = (tracer->site_last + i) % tracer->site_count;
        if (tracer->sites[at].ip == record->ip && tracer->sites[at].addr == record->addr) {
            tracer->site_last = at;
            return &tracer->sites[at];
        }
    }
    struct gs_site *site = &tracer->sites[tracer->site_count % GS_TRACER_SITES];
    if (read_code(tracer, record->ip, bytes))
        *site = gs_site_read(bytes, record->ip, record->addr, &tracer->facts.addresses.list[lock], registers);
    else /* it may be a take or a drop, unless it is another word than the owner's */
        *site = (struct gs_site){.ip = record->ip,
                                 .addr = record->addr,
                                 .kind = record->addr == tracer->facts.addresses.list[lock].owner ? GS_SITE_UNKNOWN
                                                                                                  : GS_SITE_NOTHING};
    if (tracer->site_count < GS_TRACER_SITES)
        tracer->site_count++;
    return site;
}

/* The GIL whose word it is; GS_ADDRESSES_MOST: none. */
static size_t lock_of(const struct gs_gil_addresses *addresses, gs_addr addr)
{
    size_t i = 0;
    while (i < addresses->count && addresses->list[i].owner != addr && addresses->list[i].wait != addr)
        i++;
    return i < addresses->count ? i : GS_ADDRESSES_MOST;
}

/* ---- records ---- */

static enum gs_status hold(struct gs_tracer *tracer, const struct gs_event *event)
{
    if (!gs_room((void **)&tracer->held, &tracer->held_room, tracer->held_count + 1, sizeof *tracer->held))
        return GS_NO_MEMORY;
    tracer->held[tracer->held_count++] = *event;
    return GS_OK;
}

/* NULL: the thread is watched once only. */
static struct gs_late *late_of(const struct gs_tracer *tracer, pid_t tid)
{
    size_t i = 0;
    while (i < tracer->facts.late_count && tracer->late[i].tid != tid)
        i++;
    return i < tracer->facts.late_count ? &tracer->late[i] : NULL;
}

/* Told again so soon, of the same place. Keeps this one as the last. */
static bool is_again(struct gs_told *last, const struct gs_perf_record *record)
{
    bool again = last->ip == record->ip && last->addr == record->addr && record->time_ns - last->time_ns < TWICE_NS;
    *last = (struct gs_told){record->id, record->ip, record->addr, record->time_ns};
    return again;
}

/* The same store, seen by a second watch. */
static bool is_twice(const struct gs_tracer *tracer, const struct gs_perf_record *record)
{
    struct gs_late *late = late_of(tracer, record->tid);
    return late && is_again(&late->store, record);
}

static enum gs_status take_store(struct gs_tracer *tracer, const struct gs_perf_record *record)
{
    static const uint8_t acts[] = {[GS_SITE_TAKE] = GS_ACT_TAKE,
                                   [GS_SITE_DROP] = GS_ACT_DROP,
                                   [GS_SITE_UNKNOWN] = GS_ACT_CHANGE,
                                   [GS_SITE_WAIT] = GS_ACT_WAIT};
    const struct gs_gil_addresses *addresses = &tracer->facts.addresses;
    size_t lock = lock_of(addresses, record->addr);
    tracer->seen++;
    if (record->time_ns < tracer->whole_since_ns)
        return GS_OK;
    /* pid 0: the thread has ended, which is said no sooner than it did this; another one: a child that was forked */
    if (lock == GS_ADDRESSES_MOST || record->pid != tracer->python->target->pid || is_twice(tracer, record))
        return GS_OK;
    const uint64_t *registers = gs_gil_addresses_take_registers(addresses) ? gs_perf_registers(record) : NULL;
    enum gs_site_kind kind = gs_site_now(find_site(tracer, record, lock, registers), registers);
    if (kind == GS_SITE_NOTHING)
        return GS_OK;
    tracer->unclear += kind == GS_SITE_UNKNOWN;
    struct gs_event event = {
        .time_ns = record->time_ns, .tid = record->tid, .act = acts[kind], .lock = (uint8_t)lock, .cpu = record->cpu};
    if (addresses->none)
        event.what = record->addr == addresses->list[lock].wait ? GS_PAUSE_GC : GS_PAUSE_WORLD;
    return hold(tracer, &event);
}

/* ---- gauges ---- */

static int by_id(const void *key, const void *element)
{
    uint64_t id = *(const uint64_t *)key, other = ((const struct gs_watchpoints_gauge *)element)->id;
    return (id > other) - (id < other);
}

/* GS_GAUGES: it is a watch's. */
static enum gs_gauge gauge_of(const struct gs_watchpoints_facts *facts, uint64_t id)
{
    const struct gs_watchpoints_gauge *found =
        facts->gauge_count > 0 ? bsearch(&id, facts->gauge_list, facts->gauge_count, sizeof *facts->gauge_list, by_id)
                               : NULL;
    return found ? found->gauge : GS_GAUGES;
}

/* The same, told by the descriptors of a second covering of the thread. */
static bool is_told_twice(const struct gs_tracer *tracer, const struct gs_perf_record *record, enum gs_gauge gauge)
{
    struct gs_late *late = late_of(tracer, record->tid);
    bool other = late && late->told[gauge].id != record->id;
    return late && is_again(&late->told[gauge], record) && other;
}

/* What the kernel calls a state (include/linux/sched.h, TASK_REPORT); a thread that lost its processor has none. */
static uint8_t letter_of(uint64_t state)
{
    static const char letters[] = "SDTtXZPI";
    for (unsigned i = 0; i < sizeof letters - 1; i++) {
        if (state >> i & 1)
            return (uint8_t)letters[i];
    }
    return 'R';
}

/* sched_waking tells of threads that ours wake, and of ours that are woken: who does it is the one that runs then,
 * unless an interrupt came. */
static bool take_wake(const struct gs_gauges *gauges, const struct gs_perf_record *record, struct gs_event *event)
{
    enum { FLAGS_AT = 2, IN_INTERRUPT = 0x08 | 0x10 }; /* common_flags: include/linux/trace_events.h, hard and soft */
    uint64_t wakee, flags;
    if (!gs_perf_raw(record, gauges->wakee.offset, gauges->wakee.bytes, &wakee) ||
        !gs_perf_raw(record, FLAGS_AT, 1, &flags))
        return false;
    event->act = GS_ACT_WAKE;
    event->tid = (pid_t)wakee;
    event->other = flags & IN_INTERRUPT ? 0 : record->tid;
    return true;
}

static enum gs_status take_gauge(struct gs_tracer *tracer, const struct gs_perf_record *record, enum gs_gauge gauge)
{
    const struct gs_gauges *gauges = &tracer->facts.gauges;
    struct gs_event event = {
        .time_ns = record->time_ns, .tid = record->tid, .act = GS_ACT_COUNT, .cpu = record->cpu, .what = gauge};
    uint64_t state;
    tracer->others++;
    if (gauge == GS_GAUGE_WAKES)
        return take_wake(gauges, record, &event) ? hold(tracer, &event) : GS_OK;
    if (record->pid != tracer->python->target->pid || is_told_twice(tracer, record, gauge))
        return GS_OK;
    if (gauge == GS_GAUGE_STATES) {
        if (!gs_perf_raw(record, gauges->state.offset, gauges->state.bytes, &state))
            return GS_OK;
        event.act = GS_ACT_STATE;
        event.what = letter_of(state);
    }
    return hold(tracer, &event);
}

static enum gs_status take_sample(struct gs_tracer *tracer, const struct gs_perf_record *record)
{
    enum gs_gauge gauge = gauge_of(&tracer->facts, record->id);
    return gauge == GS_GAUGES ? take_store(tracer, record) : take_gauge(tracer, record, gauge);
}

enum gs_status gs_tracer_hold_lost(struct gs_tracer *tracer, uint64_t time_ns)
{
    struct gs_event event = {.time_ns = time_ns, .act = GS_ACT_LOST};
    return hold(tracer, &event);
}

/* What was seen last of a GIL before that holds no longer. */
enum gs_status gs_tracer_hold_trap(struct gs_tracer *tracer, uint64_t time_ns)
{
    uint64_t before_ns = tracer->until_ns;
    for (size_t i = 0; i < tracer->held_count; i++) {
        const struct gs_event *event = &tracer->held[i];
        if (event->act <= GS_ACT_WAIT && event->time_ns < time_ns && event->time_ns > before_ns)
            before_ns = event->time_ns;
    }
    return gs_tracer_hold_lost(tracer, before_ns);
}

enum gs_status gs_tracer_record(struct gs_tracer *tracer, const struct gs_perf_record *record, uint64_t whole_ns)
{
    struct gs_event event = {.time_ns = record->time_ns, .tid = record->tid, .cpu = record->cpu};
    bool theirs = record->pid == tracer->python->target->pid;
    switch (record->type) {
    case PERF_RECORD_SAMPLE:
        return take_sample(tracer, record);
    case PERF_RECORD_LOST: /* comes as soon as there is room again: what is missing was before it */
        tracer->lost += record->lost;
        return whole_ns ? gs_tracer_hold_lost(tracer, whole_ns) : GS_OK;
    case PERF_RECORD_THROTTLE:
        tracer->throttled++;
        return gs_tracer_hold_lost(tracer, record->time_ns);
    case PERF_RECORD_UNTHROTTLE:
        return gs_tracer_hold_lost(tracer, record->time_ns);
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        event.act = record->type == PERF_RECORD_FORK ? GS_ACT_BORN : GS_ACT_ENDED;
        if (!theirs)
            return GS_OK;
        break;
    case PERF_RECORD_SWITCH:
        tracer->others++;
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
