/* Summing up what each thread did with the GIL. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "gil/account.h"

struct gs_account *gs_account_new(void)
{
    struct gs_account *sum = calloc(1, sizeof *sum);
    if (sum) {
        sum->places = gs_stacks_new();
        sum->folded = UINT32_MAX;
    }
    if (sum && !sum->places) {
        free(sum);
        return NULL;
    }
    return sum;
}

void gs_account_clear(struct gs_account *sum)
{
    for (size_t i = 0; i < sum->thread_count; i++) {
        free(sum->threads[i].name);
        free(sum->threads[i].holds);
    }
    for (size_t i = 0; i < sum->gil_count; i++) {
        struct gs_account_gil *gil = &sum->gils[i];
        gs_gil_sum_clear(&gil->sum);
        *gil = (struct gs_account_gil){.interpreter = gil->interpreter, .state = gil->state, .sum = gil->sum};
    }
    if (sum->pair_slots > 0)
        memset(sum->pairs, 0, sum->pair_slots * sizeof *sum->pairs);
    sum->thread_count = sum->pair_count = sum->hog_count = sum->left_out = 0;
    sum->vacant_count = sum->ended_count = 0;
    gs_ids_clear(&sum->by_tid);
    sum->folded = UINT32_MAX;
    gs_stacks_clear(sum->places);
}

void gs_account_free(struct gs_account *sum)
{
    if (!sum)
        return;
    gs_account_clear(sum);
    gs_ids_fini(&sum->by_tid);
    free(sum->threads);
    free(sum->pairs);
    free(sum->hogs);
    gs_stacks_free(sum->places);
    free(sum);
}

/* ---- threads ---- */

uint32_t gs_account_find(const struct gs_account *sum, pid_t tid)
{
    uint32_t at = tid > 0 ? gs_ids_find(&sum->by_tid, (uint32_t)tid) : GS_IDS_NONE;
    return at != GS_IDS_NONE && sum->threads[at].tid == tid && !sum->threads[at].vacant ? at : UINT32_MAX;
}

uint32_t gs_account_next(const struct gs_account *sum)
{
    return sum->vacant_count > 0 ? sum->vacant[sum->vacant_count - 1] : (uint32_t)sum->thread_count;
}

/* UINT32_MAX: there is none. */
static uint32_t find_slot(struct gs_account *sum)
{
    if (sum->vacant_count > 0)
        return sum->vacant[--sum->vacant_count];
    if (sum->thread_count >= GS_ACCOUNT_THREADS ||
        !gs_room((void **)&sum->threads, &sum->thread_room, sum->thread_count + 1, sizeof *sum->threads))
        return UINT32_MAX;
    return (uint32_t)sum->thread_count++;
}

uint32_t gs_account_add(struct gs_account *sum, pid_t tid, uint64_t ident, const char *name, bool main)
{
    uint32_t known = gs_account_find(sum, tid);
    if (known != UINT32_MAX) {
        sum->ended_count -= sum->threads[known].ended;
        sum->threads[known].ended = false;
        return known;
    }
    char *copy = strdup(name);
    uint32_t at = copy ? find_slot(sum) : UINT32_MAX;
    if (at == UINT32_MAX) {
        free(copy);
        sum->left_out++;
        return UINT32_MAX;
    }
    sum->threads[at] = (struct gs_account_thread){.tid = tid, .ident = ident, .name = copy, .main = main};
    /* Without memory for that it gets another row if it comes again. */
    if (tid > 0)
        (void)gs_ids_set(&sum->by_tid, (uint32_t)tid, at);
    return at;
}

struct gs_account_thread *gs_account_at(struct gs_account *sum, uint32_t thread)
{
    return &sum->threads[thread];
}

size_t gs_account_count(const struct gs_account *sum)
{
    return sum->thread_count;
}

void gs_account_rename(struct gs_account *sum, uint32_t thread, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return; /* the old name is better than none */
    free(sum->threads[thread].name);
    sum->threads[thread].name = copy;
}

/* ---- holds and waits ---- */

void gs_account_hold(struct gs_account *sum, uint32_t thread, uint64_t ns, uint64_t times)
{
    struct gs_account_thread *holder = &sum->threads[thread];
    struct gs_account_gil *gil = gs_account_gil_at(sum, holder->gil);
    if (!holder->holds)
        holder->holds = calloc(1, sizeof *holder->holds);
    if (holder->holds)
        gs_spread_add(holder->holds, ns, times);
    if (ns > holder->longest_hold_ns)
        holder->longest_hold_ns = ns;
    if (gil && ns > gil->longest_hold_ns) {
        gil->longest_hold_ns = ns;
        gil->longest_hold_tid = holder->tid;
    }
}

void gs_account_wait(struct gs_account *sum, uint32_t thread, uint64_t ns)
{
    struct gs_account_thread *waiter = &sum->threads[thread];
    waiter->waits++;
    if (ns > waiter->longest_wait_ns)
        waiter->longest_wait_ns = ns;
}

/* ---- the GIL ---- */

struct gs_account_gil *gs_account_gil_at(struct gs_account *sum, uint32_t gil)
{
    if (gil >= GS_GILS_MOST)
        return NULL;
    for (; sum->gil_count <= gil; sum->gil_count++)
        sum->gils[sum->gil_count].sum.averages = true;
    return &sum->gils[gil];
}

void gs_account_gil(struct gs_account *sum, uint32_t number, bool held, uint32_t waiters, uint64_t ns)
{
    struct gs_account_gil *gil = gs_account_gil_at(sum, number);
    if (!gil)
        return;
    gs_gil_sum_held(&gil->sum, held, ns);
    gs_gil_sum_waiters(&gil->sum, waiters, ns);
}

/* ---- who made whom wait ---- */

static struct gs_account_pair *slot_of(struct gs_account_pair *slots, size_t count, uint32_t waiter, uint32_t holder)
{
    size_t at = (size_t)((waiter * UINT64_C(0x9E3779B97F4A7C15) ^ holder * UINT64_C(0xC2B2AE3D27D4EB4F)) >> 20);
    for (;; at++) {
        struct gs_account_pair *pair = &slots[at & (count - 1)];
        if (pair->ns == 0 || (pair->waiter == waiter && pair->holder == holder))
            return pair;
    }
}

static bool make_room_for_pair(struct gs_account *sum)
{
    enum { FIRST = 64 };
    if (2 * (sum->pair_count + 1) <= sum->pair_slots)
        return true;
    size_t count = sum->pair_slots ? 2 * sum->pair_slots : FIRST;
    struct gs_account_pair *slots = sum->pair_count < GS_ACCOUNT_BLAME ? calloc(count, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (size_t i = 0; i < sum->pair_slots; i++) {
        const struct gs_account_pair *pair = &sum->pairs[i];
        if (pair->ns > 0)
            *slot_of(slots, count, pair->waiter, pair->holder) = *pair;
    }
    free(sum->pairs);
    sum->pairs = slots;
    sum->pair_slots = count;
    return true;
}

void gs_account_blame(struct gs_account *sum, uint32_t waiter, uint32_t holder, uint64_t ns)
{
    if (ns == 0 || !make_room_for_pair(sum))
        return;
    struct gs_account_pair *pair = slot_of(sum->pairs, sum->pair_slots, waiter, holder);
    sum->pair_count += pair->ns == 0;
    pair->waiter = waiter;
    pair->holder = holder;
    pair->ns += ns;
}

/* ---- what keeps it ---- */

/* What is called in one place is mostly the same; the rest is left out. */
static void add_native(struct gs_account *sum, struct gs_account_natives *natives, const struct gs_place *native,
                       uint64_t ns)
{
    uint32_t number = native ? gs_stacks_place(sum->places, native) : 0, at = 0;
    while (at < natives->count && natives->list[at].place != number)
        at++;
    if (at == GS_ACCOUNT_NATIVES)
        return;
    if (at == natives->count)
        natives->list[natives->count++].place = number;
    natives->list[at].ns += ns;
}

void gs_account_hog(struct gs_account *sum, uint32_t thread, const struct gs_account_part *part)
{
    uint32_t number = part->place ? gs_stacks_place(sum->places, part->place) : 0;
    size_t at = 0;
    while (at < sum->hog_count && (sum->hogs[at].thread != thread || sum->hogs[at].place != number))
        at++;
    if (at == sum->hog_count) {
        if (at == GS_ACCOUNT_HOGS || !gs_room((void **)&sum->hogs, &sum->hog_room, at + 1, sizeof *sum->hogs))
            return;
        sum->hogs[sum->hog_count++] = (struct gs_account_hog){.thread = thread, .place = number};
    }
    struct gs_account_hog *hog = &sum->hogs[at];
    hog->ns += part->ns;
    hog->holds += hog->last_hold != part->hold;
    hog->last_hold = part->hold;
    if (part->whole_ns > hog->longest_ns)
        hog->longest_ns = part->whole_ns;
    if (part->waiters > hog->waiters)
        hog->waiters = part->waiters;
    add_native(sum, &hog->natives, part->native, part->ns);
    add_native(sum, &hog->called, part->called, part->ns);
}
