/* Each event of a thread ends a piece of time in which it was on a processor or not, and held, waited or did without.
 */
#include <stdlib.h>

#include "base/ids.h"
#include "base/room.h"
#include "gil/counters.h"
#include "gil/account.h"

enum place { NOT_KNOWN, ON, OFF };

struct person {
    pid_t tid;
    uint8_t place;     /* enum place */
    bool told, placed; /* told: it was ready to run when it began; placed: it was on this processor */
    bool ended;
    uint16_t cpu;
    uint64_t since_ns; /* up to where its time is counted */
    uint64_t ran_ns;   /* when it was told */
    struct gs_gilstat_counts counts;
};

struct gs_gilcounts {
    const struct gs_gil_spans *gil_spans;
    struct person *people;
    size_t count, room;
    struct gs_ids by_tid;
    uint64_t begin_ns;
    struct gs_gilstat_counts all;
};

/* Of which counter a gauge is, and how many each record stands for. */
static const struct {
    enum gs_counter counter, also;
    bool both;
} meanings[GS_GAUGE_COUNTERS] = {
    [GS_GAUGE_MINOR_FAULTS] = {.counter = GS_PAGE_FAULTS},
    [GS_GAUGE_MAJOR_FAULTS] = {.counter = GS_PAGE_FAULTS, .also = GS_MAJOR_FAULTS, .both = true},
    [GS_GAUGE_CYCLES] = {.counter = GS_CYCLES},
    [GS_GAUGE_INSTRUCTIONS] = {.counter = GS_INSTRUCTIONS},
    [GS_GAUGE_CACHE_MISSES] = {.counter = GS_CACHE_MISSES},
};

struct gs_gilcounts *gs_gilcounts_new(const struct gs_gil_spans *gil_spans)
{
    struct gs_gilcounts *counts = calloc(1, sizeof *counts);
    if (counts)
        counts->gil_spans = gil_spans;
    return counts;
}

void gs_gilcounts_free(struct gs_gilcounts *counts)
{
    if (!counts)
        return;
    free(counts->people);
    gs_ids_fini(&counts->by_tid);
    free(counts);
}

uint32_t gs_gilcounts_known(const struct gs_gauges *gauges)
{
    uint32_t known = 1u << GS_TASK_CLOCK | 1u << GS_CONTEXT_SWITCHES | 1u << GS_PREEMPTIONS | 1u << GS_MIGRATIONS;
    for (int i = 0; i < GS_GAUGE_COUNTERS; i++) {
        if (gauges->there[i])
            known |= 1u << meanings[i].counter | (meanings[i].both ? 1u << meanings[i].also : 0);
    }
    return known;
}

/* ---- threads ---- */

/* NULL: there are too many. */
static struct person *find_or_add(struct gs_gilcounts *counts, pid_t tid)
{
    uint32_t index = gs_ids_find(&counts->by_tid, (uint32_t)tid);
    if (index != GS_IDS_NONE)
        return &counts->people[index];
    if (counts->count >= GS_ACCOUNT_THREADS ||
        !gs_room((void **)&counts->people, &counts->room, counts->count + 1, sizeof *counts->people) ||
        !gs_ids_set(&counts->by_tid, (uint32_t)tid, (uint32_t)counts->count))
        return NULL;
    struct person *person = &counts->people[counts->count++];
    *person = (struct person){.tid = tid, .since_ns = counts->begin_ns};
    return person;
}

static void add(struct gs_gilcounts *counts, struct person *person, enum gs_counter counter, uint64_t amount)
{
    enum gs_gil_word word = gs_gil_spans_word(counts->gil_spans, person->tid);
    word = word == GS_NONE ? GS_WITHOUT : word;
    person->counts.by_word[word][counter] += amount;
    counts->all.by_word[word][counter] += amount;
}

/* Time up to now was spent as it was, or, where that was not known, as this event says it must have been. */
static void spend(struct gs_gilcounts *counts, struct person *person, enum place was, uint64_t ns)
{
    was = person->place == NOT_KNOWN ? was : (enum place)person->place;
    if (was == ON && ns > person->since_ns)
        add(counts, person, GS_TASK_CLOCK, ns - person->since_ns);
    if (ns > person->since_ns)
        person->since_ns = ns;
}

/* ---- events ---- */

void gs_gilcounts_begin(struct gs_gilcounts *counts, uint64_t begin_ns)
{
    counts->begin_ns = begin_ns;
    for (size_t i = 0; i < counts->count; i++) {
        struct person *person = &counts->people[i];
        person->since_ns = begin_ns;
        person->place = NOT_KNOWN;
        person->told = person->placed = false;
    }
}

void gs_gilcounts_tell(struct gs_gilcounts *counts, pid_t tid, uint64_t ran_ns)
{
    struct person *person = find_or_add(counts, tid);
    if (!person)
        return;
    person->told = true;
    person->ran_ns = ran_ns;
}

static void come_on(struct gs_gilcounts *counts, struct person *person, const struct gs_event *event, bool counted)
{
    spend(counts, person, OFF, event->time_ns);
    if (person->placed && person->cpu != event->cpu && counted)
        add(counts, person, GS_MIGRATIONS, 1);
    person->place = ON;
    person->placed = true;
    person->cpu = event->cpu;
}

/* It may be told twice, by two watches. */
static void go_off(struct gs_gilcounts *counts, struct person *person, const struct gs_event *event, bool counted)
{
    spend(counts, person, ON, event->time_ns);
    if (person->place != OFF && counted) {
        add(counts, person, GS_CONTEXT_SWITCHES, 1);
        if (event->act == GS_ACT_PREEMPT)
            add(counts, person, GS_PREEMPTIONS, 1);
    }
    person->place = OFF;
    person->placed = true;
    person->cpu = event->cpu;
}

static void count(struct gs_gilcounts *counts, struct person *person, const struct gs_event *event, uint64_t amount)
{
    add(counts, person, meanings[event->what].counter, amount);
    if (meanings[event->what].both)
        add(counts, person, meanings[event->what].also, amount);
}

void gs_gilcounts_event(struct gs_gilcounts *counts, const struct gs_event *event)
{
    bool counted = event->time_ns > counts->begin_ns;
    bool theirs = event->act != GS_ACT_LOST && event->act != GS_ACT_WAKE;
    struct person *person = theirs ? find_or_add(counts, event->tid) : NULL;
    if (!person)
        return;
    person->ended = event->act == GS_ACT_ENDED;
    switch (event->act) {
    case GS_ACT_ON:
        come_on(counts, person, event, counted);
        break;
    case GS_ACT_PREEMPT:
    case GS_ACT_OFF:
        go_off(counts, person, event, counted);
        break;
    case GS_ACT_BORN:
    case GS_ACT_ENDED:
        spend(counts, person, event->act == GS_ACT_BORN ? OFF : ON, event->time_ns);
        person->place = OFF;
        break;
    default: /* what it does itself, it does on a processor */
        spend(counts, person, ON, event->time_ns);
        person->place = ON;
        if (event->act == GS_ACT_COUNT && event->what < GS_GAUGE_COUNTERS && counted)
            count(counts, person, event, gs_gauge_amount(event->what));
        break;
    }
}

void gs_gilcounts_cut(struct gs_gilcounts *counts, uint64_t ns, bool (*ran)(void *context, pid_t tid, uint64_t *ran_ns),
                      void *context)
{
    for (size_t i = 0; i < counts->count; i++) {
        struct person *person = &counts->people[i];
        uint64_t ran_ns, span_ns = ns > person->since_ns ? ns - person->since_ns : 0;
        if (person->place != NOT_KNOWN) {
            spend(counts, person, OFF, ns);
        } else if (person->told && ran(context, person->tid, &ran_ns) && ran_ns > person->ran_ns) {
            uint64_t more_ns = ran_ns - person->ran_ns;
            add(counts, person, GS_TASK_CLOCK, more_ns < span_ns ? more_ns : span_ns);
            person->ran_ns = ran_ns;
            person->since_ns = ns;
        }
    }
}

/* ---- figures ---- */

struct gs_gilstat_counts gs_gilcounts_of(const struct gs_gilcounts *counts, pid_t tid)
{
    uint32_t index = gs_ids_find(&counts->by_tid, (uint32_t)tid);
    return index == GS_IDS_NONE ? (struct gs_gilstat_counts){0} : counts->people[index].counts;
}

struct gs_gilstat_counts gs_gilcounts_all(const struct gs_gilcounts *counts)
{
    return counts->all;
}

/* Those who have ended make room. */
void gs_gilcounts_clear(struct gs_gilcounts *counts)
{
    size_t kept = 0;
    counts->all = (struct gs_gilstat_counts){0};
    gs_ids_clear(&counts->by_tid);
    for (size_t i = 0; i < counts->count; i++) {
        if (counts->people[i].ended || !gs_ids_set(&counts->by_tid, (uint32_t)counts->people[i].tid, (uint32_t)kept))
            continue;
        counts->people[kept] = counts->people[i];
        counts->people[kept++].counts = (struct gs_gilstat_counts){0};
    }
    counts->count = kept;
}
