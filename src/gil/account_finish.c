/* The sums of a span made into figures. */
#include <stdlib.h>
#include <string.h>

#include "gil/account.h"

enum { NS_PER_US = 1000 };

static struct gs_count count_if(bool known, uint64_t value)
{
    return (struct gs_count){.value = known ? value : 0, .known = known};
}

static struct gs_figure share_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? gs_figure((double)part / (double)whole) : (struct gs_figure){0};
}

static void finish_averages(const struct gs_average *average, uint64_t watched_ns, struct gs_figure out[GS_AVERAGES])
{
    for (int i = 0; i < GS_AVERAGES; i++) {
        bool long_enough = (double)watched_ns >= gs_average_s[i] * 1e9 && average->weight[i] > 0;
        out[i] = long_enough ? gs_figure(average->value[i] / average->weight[i]) : (struct gs_figure){0};
    }
}

static void finish_gil(const struct gs_account_gil *sum, const struct gs_account_knows *knows,
                       struct gs_gilstat_gil *out)
{
    bool told = sum->state != GS_GIL_UNKNOWN;
    *out = (struct gs_gilstat_gil){
        .interpreter = sum->interpreter,
        .state = sum->state,
        .switches = sum->switches,
        .longest_hold_us = count_if(knows->longest && told, sum->longest_hold_ns / NS_PER_US),
        .longest_hold_tid = knows->longest && told ? sum->longest_hold_tid : 0,
    };
    if (told)
        out->held = share_of(sum->sum.held_ns, sum->sum.watched_ns);
    out->contended = share_of(sum->sum.contended_ns, sum->sum.asked_ns);
    out->mean_waiters = share_of(sum->sum.waiters_ns, sum->sum.asked_ns);
    if (told)
        finish_averages(&sum->sum.held_avg, sum->sum.averaged_ns, out->held_avg);
    finish_averages(&sum->sum.wait_avg, sum->sum.averaged_ns, out->wait_avg);
}

static void finish_thread(const struct gs_account_thread *sum, uint64_t span_ns, const struct gs_account_knows *knows,
                          struct gs_gilstat_thread *out)
{
    uint64_t known_ns = sum->word_ns[GS_HOLDS] + sum->word_ns[GS_WAITS] + sum->word_ns[GS_UNKNOWN];
    uint64_t all_ns = known_ns + sum->word_ns[GS_WITHOUT] + sum->word_ns[GS_NONE];
    double whole = (double)(all_ns > span_ns && !sum->folded ? all_ns : span_ns);
    if (whole <= 0)
        whole = 1;
    *out = (struct gs_gilstat_thread){
        .tid = sum->tid,
        .ident = sum->ident,
        .name = sum->name,
        .main = sum->main,
        .folded = sum->folded,
        .gil = sum->gil,
        .has = (double)sum->word_ns[GS_HOLDS] / whole,
        .waits = (double)sum->word_ns[GS_WAITS] / whole,
        .unknown = (double)sum->word_ns[GS_UNKNOWN] / whole,
        .half_width = sum->half_width,
        .on_cpu = sum->on_cpu,
        .acquisitions = count_if(knows->takes, sum->takes),
        .wait_count = count_if(knows->waits, sum->waits),
        .wait_us = gs_count(sum->word_ns[GS_WAITS] / NS_PER_US),
        .longest_wait_us = gs_count(sum->longest_wait_ns / NS_PER_US),
        .longest_hold_us = count_if(knows->longest, sum->longest_hold_ns / NS_PER_US),
    };
    out->without = sum->folded ? (double)(sum->word_ns[GS_WITHOUT] + sum->word_ns[GS_NONE]) / whole
                               : 1 - out->has - out->waits - out->unknown;
    if (out->without < 1e-12)
        out->without = 0; /* what rounding leaves */
    for (int i = 0; i < GS_PERCENTILES; i++)
        out->hold_us[i] = count_if(knows->holds && sum->holds,
                                   sum->holds ? gs_spread_at(sum->holds, gs_percentiles[i]) / NS_PER_US : 0);
}

static int by_tid(const void *a, const void *b)
{
    const struct gs_gilstat_thread *x = a, *y = b;
    if (x->main != y->main)
        return x->main ? -1 : 1;
    if (!x->folded != !y->folded)
        return x->folded ? 1 : -1;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

static int by_held(const void *a, const void *b)
{
    const struct gs_gilstat_hog *x = a, *y = b;
    return x->held_us != y->held_us ? (x->held_us < y->held_us ? 1 : -1) : (x->tid > y->tid) - (x->tid < y->tid);
}

static int by_us(const void *a, const void *b)
{
    const struct gs_gilstat_blame *x = a, *y = b;
    if (x->us != y->us)
        return x->us < y->us ? 1 : -1;
    return x->waiter != y->waiter ? (x->waiter > y->waiter) - (x->waiter < y->waiter)
                                  : (x->holder > y->holder) - (x->holder < y->holder);
}

/* That which has half of it, at least; 0: none has. */
static uint32_t most_of(const struct gs_account_natives *natives, uint64_t ns)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < natives->count; i++)
        most = 2 * natives->list[i].ns >= ns && natives->list[i].place ? natives->list[i].place : most;
    return most;
}

/* The C function in which most of it was spent, or which most of it was spent for. */
static void finish_native(const struct gs_account *sum, const struct gs_account_hog *hog, struct gs_gilstat_hog *out)
{
    uint32_t number = most_of(&hog->natives, hog->ns);
    if (!number)
        number = most_of(&hog->called, hog->ns);
    if (!number)
        return;
    const struct gs_place *native = gs_stacks_place_at(sum->places, number);
    out->native = native->function;
    out->module = native->module;
}

static void finish_hogs(const struct gs_account *sum, struct gs_gilstat *stat)
{
    for (size_t i = 0; i < sum->hog_count; i++) {
        const struct gs_account_hog *hog = &sum->hogs[i];
        const struct gs_account_thread *thread = &sum->threads[hog->thread];
        struct gs_gilstat_hog *out = &stat->hogs[stat->hog_count++];
        *out = (struct gs_gilstat_hog){.tid = thread->tid,
                                       .thread = thread->name,
                                       .place = {.function = "", .file = ""},
                                       .held_us = hog->ns / NS_PER_US,
                                       .longest_us = hog->longest_ns / NS_PER_US,
                                       .holds = hog->holds,
                                       .waiters = hog->waiters};
        if (hog->place > 0)
            out->place = *gs_stacks_place_at(sum->places, hog->place);
        finish_native(sum, hog, out);
    }
    if (stat->hog_count > 0)
        qsort(stat->hogs, stat->hog_count, sizeof *stat->hogs, by_held);
}

static void finish_blame(const struct gs_account *sum, struct gs_gilstat *stat)
{
    for (size_t i = 0; i < sum->pair_slots; i++) {
        const struct gs_account_pair *pair = &sum->pairs[i];
        if (pair->ns >= NS_PER_US)
            stat->blame[stat->blame_count++] = (struct gs_gilstat_blame){.waiter = sum->threads[pair->waiter].tid,
                                                                         .holder = sum->threads[pair->holder].tid,
                                                                         .us = pair->ns / NS_PER_US};
    }
    if (stat->blame_count > 0)
        qsort(stat->blame, stat->blame_count, sizeof *stat->blame, by_us);
}

enum gs_status gs_account_finish(struct gs_account *sum, uint64_t span_ns, const struct gs_account_knows *knows,
                                 struct gs_gilstat *stat)
{
    stat->gils = calloc(sum->gil_count + 1, sizeof *stat->gils);
    stat->threads = calloc(sum->thread_count + 1, sizeof *stat->threads);
    stat->hogs = calloc(sum->hog_count + 1, sizeof *stat->hogs);
    stat->blame = calloc(sum->pair_count + 1, sizeof *stat->blame);
    stat->gil_count = stat->thread_count = stat->hog_count = stat->blame_count = 0;
    if (!stat->gils || !stat->threads || !stat->hogs || !stat->blame) {
        gs_gilstat_fini(stat);
        return GS_NO_MEMORY;
    }
    for (size_t i = 0; i < sum->gil_count; i++)
        finish_gil(&sum->gils[i], knows, &stat->gils[stat->gil_count++]);
    for (size_t i = 0; i < sum->thread_count; i++) {
        if (!sum->threads[i].vacant)
            finish_thread(&sum->threads[i], span_ns, knows, &stat->threads[stat->thread_count++]);
    }
    if (stat->thread_count > 0)
        qsort(stat->threads, stat->thread_count, sizeof *stat->threads, by_tid);
    stat->threads_left_out = sum->left_out;
    finish_hogs(sum, stat);
    finish_blame(sum, stat);
    return GS_OK;
}
