/* A collection that began at a look is another one than that of the look before when one has ended in between. */
#include "gil/pauses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "base/sorted.h"
#include "gil/hold_place.h"

enum {
    CAUSES_MOST = 256,    /* further ones become one, of nobody */
    AHEAD_NS = 1000000000 /* a sample's time is when it began: what ended until it was read is in it */
};

void gs_pauses_fini(struct gs_pauses *pauses)
{
    free(pauses->gc.list);
    free(pauses->worlds.list);
    free(pauses->heaps);
    free(pauses->late);
}

/* ---- one kind ---- */

static bool same_cause(const struct gs_gilstat_cause *a, const struct gs_gilstat_cause *b)
{
    return a->tid == b->tid && a->place.line == b->place.line && strcmp(a->why, b->why) == 0 &&
           strcmp(a->place.function, b->place.function) == 0 && strcmp(a->place.file, b->place.file) == 0;
}

static bool charge(struct gs_pause_sum *sum)
{
    struct gs_gilstat_cause cause = sum->cause;
    size_t at = 0;
    while (at < sum->list_count && !same_cause(&sum->list[at], &cause))
        at++;
    if (at == CAUSES_MOST) {
        at--;
        sum->list[at] = (struct gs_gilstat_cause){.us = sum->list[at].us};
    }
    if (at == sum->list_count) {
        if (!gs_room((void **)&sum->list, &sum->room, at + 1, sizeof *sum->list))
            return false;
        sum->list[sum->list_count++] = cause;
        sum->list[at].us = 0;
    }
    sum->list[at].us += sum->ns;
    sum->all_ns += sum->ns;
    sum->ns = 0;
    return true;
}

static void note_longest(struct gs_pause_sum *sum, uint64_t until_ns)
{
    uint64_t ns = until_ns > sum->begin_ns ? until_ns - sum->begin_ns : 0;
    if (!sum->on || ns <= sum->longest_ns)
        return;
    sum->longest_ns = ns;
    sum->longest = sum->cause;
}

bool gs_pause_sum_add(struct gs_pause_sum *sum, const struct gs_gilstat_cause *cause, uint64_t begin_ns,
                      uint64_t end_ns)
{
    sum->cause = *cause;
    sum->begin_ns = begin_ns;
    sum->ns = end_ns - begin_ns;
    sum->count++;
    sum->on = true;
    note_longest(sum, end_ns);
    sum->on = false;
    return charge(sum);
}

/* now: what goes on in this sample, NULL: nothing; other: it cannot be what went on in the one before. */
static bool step(struct gs_pause_sum *sum, const struct gs_gilstat_cause *now, bool other, uint64_t time_ns,
                 uint64_t gap_ns)
{
    uint64_t half_ns = gap_ns / 2, middle_ns = time_ns - half_ns;
    bool was = sum->on, goes_on = was && now && !other && gap_ns > 0 && now->tid == sum->cause.tid;
    sum->ns += was ? gap_ns - half_ns : 0;
    sum->end_ns = now ? time_ns : was ? middle_ns : sum->end_ns;
    if (goes_on) {
        sum->ns += half_ns;
        if (now->place.function[0])
            sum->cause = *now;
        note_longest(sum, time_ns);
        return true;
    }
    if (was) {
        note_longest(sum, middle_ns);
        if (!charge(sum))
            return false;
    }
    sum->on = now != NULL;
    if (now) {
        sum->cause = *now;
        sum->begin_ns = middle_ns;
        sum->ns = half_ns;
        sum->count++;
    }
    return true;
}

/* ---- collections that have ended ---- */

static struct gs_pauses_heap *heap_of(struct gs_pauses *pauses, const struct gs_interpreter *interpreter)
{
    for (size_t i = 0; i < pauses->heap_count; i++) {
        if (pauses->heaps[i].interpreter == interpreter->addr)
            return &pauses->heaps[i];
    }
    if (!gs_room((void **)&pauses->heaps, &pauses->room, pauses->heap_count + 1, sizeof *pauses->heaps))
        return NULL;
    struct gs_pauses_heap *heap = &pauses->heaps[pauses->heap_count++];
    *heap = (struct gs_pauses_heap){.interpreter = interpreter->addr};
    memcpy(heap->count, interpreter->collections->count, sizeof heap->count);
    for (size_t i = 0; i < interpreter->collections->last_count; i++)
        heap->end_ns = gs_most(heap->end_ns, interpreter->collections->last[i].end_ns);
    return heap;
}

static void take_timed(struct gs_pauses *pauses, const struct gs_collection *one)
{
    const struct gs_pause_sum *seen = &pauses->gc;
    uint64_t begin_ns = gs_most(one->begin_ns, pauses->from_ns), ns = one->end_ns - begin_ns;
    pauses->timed++;
    pauses->timed_ns += ns;
    if (ns < pauses->timed_longest_ns)
        return;
    pauses->timed_longest_ns = ns;
    pauses->timed_longest = (struct gs_gilstat_cause){.tid = 0};
    if (seen->begin_ns < one->end_ns && seen->end_ns >= one->begin_ns)
        pauses->timed_longest = seen->cause;
    pauses->timed_longest.generation = gs_count(one->generation);
}

/* How many ended since the sample before; *generation: of the last one. */
static uint64_t take_ended(struct gs_pauses *pauses, struct gs_pauses_heap *heap, const struct gs_collections *ended,
                           uint64_t now_ns, uint64_t *generation)
{
    uint64_t end_ns = heap->end_ns, all = 0;
    for (uint64_t g = 0; g < GS_GENERATIONS; g++) {
        uint64_t more = ended->count[g] > heap->count[g] ? ended->count[g] - heap->count[g] : 0;
        heap->count[g] = ended->count[g];
        pauses->collections[g] += more;
        all += more;
        *generation = more > 0 ? g : *generation;
    }
    for (size_t i = 0; i < ended->last_count; i++) {
        const struct gs_collection *one = &ended->last[i];
        if (one->end_ns > now_ns + AHEAD_NS)
            continue; /* that cannot be */
        if (one->end_ns > heap->end_ns && one->end_ns >= pauses->from_ns)
            take_timed(pauses, one);
        end_ns = gs_most(end_ns, one->end_ns);
    }
    heap->end_ns = end_ns;
    return all;
}

/* ---- from sample to sample ---- */

static void name_cause(struct gs_gilstat_cause *cause, const struct gs_sample *sample,
                       const struct gs_feed_threads *threads, size_t at)
{
    struct gs_hold_call call;
    uint32_t stack = sample->threads[at].stack;
    const struct gs_place *place = stack ? gs_hold_place(sample->stacks, stack, &call) : NULL;
    cause->tid = threads->at[at] ? threads->at[at]->tid : 0;
    if (place)
        gs_gilstat_keep_place(&cause->place, place);
    if (place && call.native && !cause->why[0])
        snprintf(cause->why, sizeof cause->why, "%s", call.native->function);
}

static bool collects(const struct gs_sample *sample, size_t at)
{
    return gs_hold_collects(sample->stacks, sample->threads[at].stack);
}

static bool add_late(struct gs_pauses *pauses, pid_t tid, uint64_t ns)
{
    size_t at = 0;
    while (at < pauses->late_count && pauses->late[at].tid != tid)
        at++;
    if (!gs_room((void **)&pauses->late, &pauses->late_room, at + 1, sizeof *pauses->late))
        return false;
    if (at == pauses->late_count)
        pauses->late[pauses->late_count++] = (struct gs_gilstat_late){.tid = tid};
    pauses->late[at].us += ns;
    return true;
}

/* Who stops all others, in *cause. */
static bool find_requester(struct gs_pauses *pauses, const struct gs_sample *sample,
                           const struct gs_feed_threads *threads, struct gs_gilstat_cause *cause)
{
    const struct gs_interpreter *stops = NULL;
    for (size_t i = 0; i < sample->interpreter_count; i++) {
        pauses->worlds_known |= sample->interpreters[i].world.known;
        stops = sample->interpreters[i].world.requested ? &sample->interpreters[i] : stops;
    }
    for (size_t i = 0; threads && stops && i < sample->thread_count; i++) {
        if (!threads->at[i] || threads->at[i]->tid != stops->world.requester)
            continue;
        snprintf(cause->why, sizeof cause->why, "%s", collects(sample, i) ? "gc" : "");
        name_cause(cause, sample, threads, i);
        break;
    }
    return stops;
}

enum gs_status gs_pauses_add(struct gs_pauses *pauses, const struct gs_sample *sample,
                             const struct gs_feed_threads *threads, uint64_t gap_ns)
{
    struct gs_gilstat_cause gc = {.tid = 0}, world = {.tid = 0};
    const struct gs_gilstat_cause *collector = NULL;
    uint64_t generation = 0, ended = 0;
    bool ok = true;
    pauses->from_ns = pauses->from_ns ? pauses->from_ns : sample->time_ns;
    for (size_t i = 0; i < sample->interpreter_count; i++) {
        const struct gs_interpreter *interpreter = &sample->interpreters[i];
        pauses->gc_known |= interpreter->collecting_known;
        if (!threads && interpreter->collecting_garbage)
            collector = &gc;
        if (!interpreter->collections)
            continue;
        struct gs_pauses_heap *heap = heap_of(pauses, interpreter);
        if (!heap)
            return GS_NO_MEMORY;
        pauses->counted = true;
        ended += take_ended(pauses, heap, interpreter->collections, sample->time_ns, &generation);
    }
    if (ended == 1 && pauses->gc.on)
        pauses->gc.cause.generation = gs_count(generation);
    for (size_t i = 0; threads && i < sample->thread_count && ok; i++) {
        if (sample->threads[i].late && threads->at[i])
            ok = add_late(pauses, threads->at[i]->tid, gap_ns);
        if (collector || !collects(sample, i))
            continue;
        name_cause(&gc, sample, threads, i);
        gc.why[0] = '\0';
        collector = &gc;
        pauses->gc_known = true;
    }
    ok = ok && step(&pauses->gc, collector, ended > 0, sample->time_ns, gap_ns);
    bool stops = find_requester(pauses, sample, threads, &world);
    ok = ok && step(&pauses->worlds, stops ? &world : NULL, ended > 0, sample->time_ns, gap_ns);
    pauses->last_ns = sample->time_ns;
    return ok ? GS_OK : GS_NO_MEMORY;
}

/* ---- the end of a span ---- */

static int by_time(const void *a, const void *b)
{
    const struct gs_gilstat_cause *x = a, *y = b;
    return (x->us < y->us) - (x->us > y->us);
}

static bool finish(struct gs_pause_sum *sum, bool known, uint64_t last_ns, struct gs_gilstat_pauses *out)
{
    note_longest(sum, last_ns);
    if (sum->on && !charge(sum))
        return false;
    for (size_t i = 0; i < sum->list_count; i++)
        sum->list[i].us /= 1000;
    if (sum->list_count > 0)
        qsort(sum->list, sum->list_count, sizeof *sum->list, by_time);
    *out = (struct gs_gilstat_pauses){.known = known,
                                      .count = gs_count(sum->count),
                                      .us = sum->all_ns / 1000,
                                      .longest_us = sum->longest_ns / 1000,
                                      .longest = sum->longest,
                                      .causes = sum->list,
                                      .cause_count = sum->list_count};
    sum->list = NULL;
    sum->list_count = sum->room = 0;
    return true;
}

GS_BY(by_tid, struct gs_gilstat_late, tid);

enum gs_status gs_pauses_finish(struct gs_pauses *pauses, uint64_t span_ns, struct gs_gilstat *stat)
{
    const struct gs_pause_sum *gc = &pauses->gc;
    uint64_t all_ns, going_ns = gc->on ? gc->ns : 0, going_long_ns = gc->on ? pauses->last_ns - gc->begin_ns : 0,
                     all = 0;
    if (!finish(&pauses->gc, pauses->gc_known, pauses->last_ns, &stat->gc) ||
        !finish(&pauses->worlds, pauses->worlds_known, pauses->last_ns, &stat->worlds))
        return GS_NO_MEMORY;
    all_ns = gc->all_ns;
    for (int g = 0; g < GS_GENERATIONS; g++)
        all += stat->collections[g] = pauses->collections[g];
    stat->gc.count = pauses->counted ? gs_count(all) : (struct gs_count){0};
    stat->by_generation = pauses->counted;
    if (pauses->timed > 0 && pauses->timed == all) {
        all_ns = pauses->timed_ns + going_ns;
        stat->gc.us = all_ns / 1000;
        if (pauses->timed_longest_ns >= going_long_ns) {
            stat->gc.longest_us = pauses->timed_longest_ns / 1000;
            stat->gc.longest = pauses->timed_longest;
        }
    }
    /* A sample that came late has seen what ended after its time. */
    stat->gc.share = span_ns > 0 ? (double)gs_least(all_ns, span_ns) / (double)span_ns : 0;
    for (size_t i = 0; i < pauses->late_count; i++)
        pauses->late[i].us /= 1000;
    if (pauses->late_count > 0)
        qsort(pauses->late, pauses->late_count, sizeof *pauses->late, by_tid);
    stat->late = pauses->late;
    stat->late_count = pauses->late_count;
    pauses->late = NULL;
    pauses->late_count = pauses->late_room = 0;
    return GS_OK;
}

static void begin_anew(struct gs_pause_sum *sum, uint64_t now_ns)
{
    sum->count = sum->on;
    sum->all_ns = sum->ns = sum->longest_ns = 0;
    sum->longest = (struct gs_gilstat_cause){.tid = 0};
    sum->begin_ns = now_ns;
}

void gs_pauses_next(struct gs_pauses *pauses)
{
    begin_anew(&pauses->gc, pauses->last_ns);
    begin_anew(&pauses->worlds, pauses->last_ns);
    memset(pauses->collections, 0, sizeof pauses->collections);
    pauses->timed = pauses->timed_ns = pauses->timed_longest_ns = 0;
    pauses->timed_longest = (struct gs_gilstat_cause){.tid = 0};
    pauses->from_ns = pauses->last_ns;
}
