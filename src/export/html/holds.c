/* Keeping the longest holds of each part of a run whose length is not known yet. */
#include <stdlib.h>
#include <string.h>

#include "export/html/holds.h"

enum { FIRST_PART_NS = 1000000 };

static uint64_t length(const struct gs_hold *hold)
{
    return hold->end_ns - hold->begin_ns;
}

static bool longer(const struct gs_hold *a, const struct gs_hold *b)
{
    return length(a) != length(b) ? length(a) > length(b) : a->samples > b->samples;
}

/* Of one thread only the longest is kept. */
static void insert(struct gs_hold part[GS_HOLD_EACH], const struct gs_hold *hold)
{
    size_t at = 0;
    while (at < GS_HOLD_EACH - 1 && part[at].samples > 0 && part[at].thread != hold->thread)
        at++;
    if (part[at].samples > 0 && !longer(hold, &part[at]))
        return;
    part[at] = *hold;
    for (; at > 0 && longer(&part[at], &part[at - 1]); at--) {
        struct gs_hold swap = part[at];
        part[at] = part[at - 1];
        part[at - 1] = swap;
    }
}

static void halve(struct gs_holds *holds)
{
    for (size_t i = 0; i < GS_HOLD_PARTS; i++) {
        struct gs_hold part[GS_HOLD_EACH];
        memcpy(part, holds->list[i], sizeof part);
        memset(holds->list[i], 0, sizeof part);
        for (size_t k = 0; k < GS_HOLD_EACH; k++) {
            if (part[k].samples > 0)
                insert(holds->list[i / 2], &part[k]);
        }
    }
    holds->part_ns *= 2;
}

struct gs_hold_look gs_hold_look_of(const struct gs_sample *sample, size_t gil)
{
    const struct gs_thread_sample *holder = gs_sample_holder(sample, gil);
    return (struct gs_hold_look){.ns = sample->time_ns,
                                 .holder = holder ? (uint64_t)holder->thread + 1 : 0,
                                 .switches = sample->gils[gil].switches,
                                 .held = sample->gils[gil].state == GS_GIL_HELD,
                                 .counted = sample->gils[gil].counted};
}

void gs_holds_add(struct gs_holds *holds, const struct gs_hold *hold)
{
    if (holds->part_ns == 0)
        holds->part_ns = FIRST_PART_NS;
    while (hold->begin_ns / holds->part_ns >= GS_HOLD_PARTS)
        halve(holds);
    insert(holds->list[hold->begin_ns / holds->part_ns], hold);
}

/* The leaf that is seen in more than half of the samples wins, whatever their order. */
void gs_hold_go_on(struct gs_hold *hold, uint64_t time_ns, uint32_t leaf, uint64_t waiters)
{
    hold->samples++;
    hold->waiters += waiters;
    hold->end_ns = time_ns;
    if (leaf == hold->leaf) {
        hold->majority++;
    } else if (hold->majority > 0) {
        hold->majority--;
    } else {
        hold->leaf = leaf;
        hold->majority = 1;
    }
}

static int by_length(const void *left, const void *right)
{
    const struct gs_hold *a = *(const struct gs_hold *const *)left, *b = *(const struct gs_hold *const *)right;
    if (longer(a, b) || longer(b, a))
        return longer(a, b) ? -1 : 1;
    return (a > b) - (a < b);
}

size_t gs_holds_sort(const struct gs_holds *holds, const struct gs_hold **sorted)
{
    size_t count = 0;
    for (size_t i = 0; i < GS_HOLD_PARTS; i++) {
        for (size_t k = 0; k < GS_HOLD_EACH; k++) {
            if (holds->list[i][k].samples > 0)
                sorted[count++] = &holds->list[i][k];
        }
    }
    qsort(sorted, count, sizeof *sorted, by_length);
    return count;
}
