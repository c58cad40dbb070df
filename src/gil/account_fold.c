/* Threads that have ended become one row when there are many of them, so that a span takes the same memory however many
 * threads it saw. Those that had the GIL or waited the longest keep rows of their own. */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "gil/account.h"

static uint64_t weight(const struct gs_account_thread *thread)
{
    return thread->word_ns[GS_HOLDS] + thread->word_ns[GS_WAITS];
}

static int by_weight(const void *left, const void *right, void *context)
{
    const struct gs_account_thread *threads = context;
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    uint64_t a = weight(&threads[x]), b = weight(&threads[y]);
    return a != b ? (a < b ? 1 : -1) : (x > y) - (x < y);
}

static void join_spread(struct gs_account_thread *into, struct gs_account_thread *from)
{
    if (!from->holds)
        return;
    if (!into->holds) {
        into->holds = from->holds;
        from->holds = NULL;
        return;
    }
    into->holds->count += from->holds->count;
    into->holds->longest_ns = gs_most(into->holds->longest_ns, from->holds->longest_ns);
    for (size_t i = 0; i < GS_SPREAD_CLASSES; i++)
        into->holds->classes[i] += from->holds->classes[i];
}

static void join(struct gs_account_thread *into, struct gs_account_thread *from)
{
    for (int i = 0; i <= GS_UNKNOWN; i++)
        into->word_ns[i] += from->word_ns[i];
    for (int i = 0; i < GS_BOUNDS_PROCESSORS; i++)
        into->bounds.has_from_ns[i] += from->bounds.has_from_ns[i];
    into->takes += from->takes;
    into->waits += from->waits;
    into->longest_wait_ns = gs_most(into->longest_wait_ns, from->longest_wait_ns);
    into->longest_hold_ns = gs_most(into->longest_hold_ns, from->longest_hold_ns);
    into->bounds.error_ns2 += from->bounds.error_ns2;
    into->ran_ns.known = into->ran_ns.known && from->ran_ns.known;
    into->ran_ns.value += from->ran_ns.value;
    into->unread_ns += from->unread_ns;
    into->folded++;
    join_spread(into, from);
}

/* The slot of a thread is free for another one. */
static void vacate(struct gs_account *sum, uint32_t thread)
{
    free(sum->threads[thread].name);
    free(sum->threads[thread].holds);
    sum->threads[thread] = (struct gs_account_thread){.vacant = true};
    sum->vacant[sum->vacant_count++] = thread;
}

/* The first one that is folded makes room for the row of all. */
static void begin_row(struct gs_account *sum, uint32_t thread)
{
    struct gs_account_thread *row = &sum->threads[thread];
    sum->folded = thread;
    row->ended = false;
    row->folded = 1;
    row->tid = 0;
    row->name[0] = '\0';
}

static bool fold_pairs(struct gs_account *sum)
{
    struct gs_account_pair *old = sum->pairs;
    struct gs_account_pair *slots = sum->pair_slots > 0 ? calloc(sum->pair_slots, sizeof *slots) : NULL;
    if (sum->pair_slots > 0 && !slots)
        return false;
    sum->pairs = slots;
    sum->pair_count = 0;
    for (size_t i = 0; i < sum->pair_slots; i++) {
        struct gs_account_pair pair = old[i];
        pair.waiter = sum->threads[pair.waiter].folding ? sum->folded : pair.waiter;
        pair.holder = sum->threads[pair.holder].folding ? sum->folded : pair.holder;
        gs_account_blame(sum, pair.waiter, pair.holder, pair.ns);
    }
    free(old);
    return true;
}

static void join_natives(struct gs_account_natives *into, const struct gs_account_natives *from)
{
    for (uint32_t i = 0; i < into->count; i++) {
        for (uint32_t k = 0; k < from->count; k++)
            into->list[i].ns += from->list[k].place == into->list[i].place ? from->list[k].ns : 0;
    }
}

static void join_hog(struct gs_account_hog *into, const struct gs_account_hog *from)
{
    into->ns += from->ns;
    into->holds += from->holds;
    into->longest_ns = gs_most(into->longest_ns, from->longest_ns);
    into->waiters = into->waiters > from->waiters ? into->waiters : from->waiters;
    join_natives(&into->natives, &from->natives);
    join_natives(&into->called, &from->called);
}

static void fold_hogs(struct gs_account *sum)
{
    size_t kept = 0;
    for (size_t i = 0; i < sum->hog_count; i++) {
        struct gs_account_hog hog = sum->hogs[i];
        if (sum->threads[hog.thread].folding)
            hog.thread = sum->folded;
        size_t at = 0;
        while (at < kept &&
               (hog.thread != sum->folded || sum->hogs[at].thread != hog.thread || sum->hogs[at].place != hog.place))
            at++;
        if (at < kept)
            join_hog(&sum->hogs[at], &hog);
        else
            sum->hogs[kept++] = hog;
    }
    sum->hog_count = kept;
}

/* All of the `count` ended ones but those at the front of the list. */
static void fold(struct gs_account *sum, const uint32_t *ended, size_t count)
{
    size_t first = GS_ACCOUNT_ENDED_KEPT;
    if (sum->folded == UINT32_MAX)
        begin_row(sum, ended[first++]);
    for (size_t i = first; i < count; i++)
        sum->threads[ended[i]].folding = true;
    bool folded = fold_pairs(sum);
    if (folded)
        fold_hogs(sum);
    for (size_t i = first; i < count; i++) {
        sum->threads[ended[i]].folding = false;
        if (!folded)
            continue;
        join(&sum->threads[sum->folded], &sum->threads[ended[i]]);
        vacate(sum, ended[i]);
    }
}

/* The map forgets those that have no row of their own any more. */
static void map_anew(struct gs_account *sum)
{
    gs_ids_clear(&sum->by_tid);
    for (uint32_t i = 0; i < sum->thread_count; i++) {
        if (sum->threads[i].tid > 0 && !sum->threads[i].vacant)
            (void)gs_ids_set(&sum->by_tid, (uint32_t)sum->threads[i].tid, i);
    }
}

void gs_account_ended(struct gs_account *sum, uint32_t thread)
{
    uint32_t ended[GS_ACCOUNT_ENDED];
    size_t count = 0;
    sum->threads[thread].ended = true;
    if (++sum->ended_count < GS_ACCOUNT_ENDED)
        return;
    for (uint32_t i = 0; i < sum->thread_count && count < GS_ACCOUNT_ENDED; i++) {
        if (sum->threads[i].ended)
            ended[count++] = i;
    }
    qsort_r(ended, count, sizeof *ended, by_weight, sum->threads);
    fold(sum, ended, count);
    map_anew(sum);
    sum->ended_count = GS_ACCOUNT_ENDED_KEPT;
}
