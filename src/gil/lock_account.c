/* Rows of locks by their words, and the wait that each thread is in. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ids.h"
#include "base/least.h"
#include "base/room.h"
#include "gil/lock_account.h"

enum {
    HOLDERS = 4,
    LITTLE_NS = 10000000, /* waits for an object that no look has told of */
    FORGET = 512 /* beyond so many, words that are not known to be locks, such objects, and threads that do not wait,
                    are forgotten */
};

struct row {
    struct gs_gilstat_lock lock; /* kind NONE: not found out (yet) to be one */
    gs_addr word;
    uint64_t wait_ns, longest_ns;
    struct gs_bounds_thread bounds;
    uint32_t now; /* who wait at this moment */
    struct holder {
        pid_t tid;
        uint32_t seen;
        struct gs_gilstat_place place;
    } holders[HOLDERS];
};

/* The wait that a thread is in. */
struct wait {
    pid_t tid;
    gs_addr word;
    uint64_t number, begin_ns, ns; /* number 0: none; ns: of this span */
    uint64_t moment, seen_ns;      /* the last one that had it, and when that was */
    bool none;                     /* it is for no lock */
    bool object;                   /* for that of an object, whatever a look has found */
};

struct gs_lock_account {
    struct row *rows;
    size_t row_count, row_room;
    struct gs_ids by_word;
    struct wait *waits;
    size_t wait_count, wait_room;
    struct gs_ids by_tid;
    uint64_t time_ns, gap_ns, moment;
};

struct gs_lock_account *gs_lock_account_new(void)
{
    return calloc(1, sizeof(struct gs_lock_account));
}

void gs_lock_account_free(struct gs_lock_account *sum)
{
    if (!sum)
        return;
    gs_ids_fini(&sum->by_word);
    gs_ids_fini(&sum->by_tid);
    free(sum->rows);
    free(sum->waits);
    free(sum);
}

static bool is_waited_for(const struct gs_lock_account *sum, gs_addr word)
{
    for (size_t i = 0; i < sum->wait_count; i++) {
        if (sum->waits[i].number && sum->waits[i].word == word)
            return true;
    }
    return false;
}

/* As far as is known. */
static bool is_nothing(const struct row *row)
{
    return row->lock.kind == GS_LOCK_NONE ||
           (row->lock.kind == GS_LOCK_OBJECT && !*row->lock.type && row->wait_ns <= LITTLE_NS);
}

/* Leaves out the rows of which nothing is to be told. */
static bool forget_rows(struct gs_lock_account *sum)
{
    size_t kept = 0;
    gs_ids_clear(&sum->by_word);
    for (size_t i = 0; i < sum->row_count; i++) {
        if (is_nothing(&sum->rows[i]) && !is_waited_for(sum, sum->rows[i].word))
            continue;
        sum->rows[kept] = sum->rows[i];
        if (!gs_ids_set(&sum->by_word, sum->rows[kept].word, (uint32_t)kept))
            return false;
        kept++;
    }
    sum->row_count = kept;
    return true;
}

/* NULL: out of memory. */
static struct row *row_of(struct gs_lock_account *sum, gs_addr word)
{
    uint32_t at = gs_ids_find(&sum->by_word, word);
    if (at != GS_IDS_NONE)
        return &sum->rows[at];
    if (sum->row_count >= FORGET && sum->row_count == sum->row_room && !forget_rows(sum))
        return NULL;
    if (!gs_room((void **)&sum->rows, &sum->row_room, sum->row_count + 1, sizeof *sum->rows) ||
        !gs_ids_set(&sum->by_word, word, (uint32_t)sum->row_count))
        return NULL;
    sum->rows[sum->row_count] = (struct row){.word = word, .lock.address = word};
    return &sum->rows[sum->row_count++];
}

static bool forget_waits(struct gs_lock_account *sum)
{
    size_t kept = 0;
    gs_ids_clear(&sum->by_tid);
    for (size_t i = 0; i < sum->wait_count; i++) {
        if (!sum->waits[i].number)
            continue;
        sum->waits[kept] = sum->waits[i];
        if (!gs_ids_set(&sum->by_tid, (uint64_t)sum->waits[kept].tid, (uint32_t)kept))
            return false;
        kept++;
    }
    sum->wait_count = kept;
    return true;
}

static struct wait *wait_of(struct gs_lock_account *sum, pid_t tid)
{
    uint32_t at = gs_ids_find(&sum->by_tid, (uint64_t)tid);
    if (at != GS_IDS_NONE)
        return &sum->waits[at];
    if (sum->wait_count >= FORGET && sum->wait_count == sum->wait_room && !forget_waits(sum))
        return NULL;
    if (!gs_room((void **)&sum->waits, &sum->wait_room, sum->wait_count + 1, sizeof *sum->waits) ||
        !gs_ids_set(&sum->by_tid, (uint64_t)tid, (uint32_t)sum->wait_count))
        return NULL;
    sum->waits[sum->wait_count] = (struct wait){.tid = tid};
    return &sum->waits[sum->wait_count++];
}

static void add_waiter(struct gs_gilstat_lock *lock, pid_t tid)
{
    for (size_t i = 0; i < lock->waiter_count; i++) {
        if (lock->waiters[i] == tid)
            return;
    }
    if (lock->waiter_count < GS_LOCK_WAITERS)
        lock->waiters[lock->waiter_count++] = tid;
    else
        lock->waiters_left_out++;
}

/* NULL: it is for no lock. */
static struct row *waited_for(const struct gs_lock_account *sum, const struct wait *wait)
{
    uint32_t at = wait->number && !wait->none ? gs_ids_find(&sum->by_word, wait->word) : GS_IDS_NONE;
    return at != GS_IDS_NONE ? &sum->rows[at] : NULL;
}

/* What a wait has come to goes to its lock. */
static void credit(struct row *row, struct wait *wait, uint64_t end_ns)
{
    if (row) {
        row->wait_ns += wait->ns;
        row->longest_ns = gs_most(row->longest_ns, end_ns > wait->begin_ns ? end_ns - wait->begin_ns : 0);
        if (wait->ns > 0)
            add_waiter(&row->lock, wait->tid);
    }
    wait->ns = 0;
}

static void jump(const struct gs_lock_account *sum, struct row *row)
{
    row->bounds.error_ns2 += (double)sum->gap_ns * (double)sum->gap_ns / 2;
}

/* It is over, about half way between the last moment and this one. */
static void end_wait(struct gs_lock_account *sum, struct wait *wait)
{
    struct row *row = waited_for(sum, wait);
    if (row) {
        row->lock.waits++;
        jump(sum, row);
    }
    wait->ns += sum->gap_ns / 2;
    credit(row, wait, wait->seen_ns + sum->gap_ns / 2);
    wait->number = 0;
}

void gs_lock_account_begin(struct gs_lock_account *sum, uint64_t time_ns, uint64_t gap_ns)
{
    sum->time_ns = time_ns;
    sum->gap_ns = gap_ns;
    sum->moment++;
    for (size_t i = 0; i < sum->row_count; i++)
        sum->rows[i].now = 0;
}

enum gs_status gs_lock_account_wait(struct gs_lock_account *sum, pid_t tid, const struct gs_lock_sample *now)
{
    struct wait *wait = wait_of(sum, tid);
    struct row *row = row_of(sum, now->word);
    uint64_t rest_ns = sum->gap_ns - sum->gap_ns / 2;
    if (!wait || !row)
        return GS_NO_MEMORY;
    if (wait->number == now->number) {
        wait->ns += sum->gap_ns;
    } else {
        if (wait->number)
            end_wait(sum, wait);
        *wait = (struct wait){.tid = tid,
                              .word = now->word,
                              .number = now->number,
                              .begin_ns = now->since_ns ? now->since_ns : sum->time_ns - rest_ns,
                              .ns = rest_ns,
                              .object = now->object};
        jump(sum, row);
    }
    if (now->object && row->lock.kind == GS_LOCK_NONE) {
        row->lock.kind = GS_LOCK_OBJECT;
        row->lock.address = now->object;
    }
    wait->moment = sum->moment;
    wait->seen_ns = sum->time_ns;
    if (!wait->none) {
        row->now++;
        row->lock.most_waiters = row->now > row->lock.most_waiters ? row->now : row->lock.most_waiters;
    }
    return GS_OK;
}

/* Of those that do not fit any more the one that was seen least makes room. */
static void add_holder(struct row *row, const struct gs_lock_look *look)
{
    struct holder *least = &row->holders[0];
    for (int i = 0; i < HOLDERS; i++) {
        struct holder *one = &row->holders[i];
        if (one->tid == look->holder) {
            least = one;
            break;
        }
        if (one->seen < least->seen)
            least = one;
    }
    if (least->tid != look->holder)
        *least = (struct holder){.tid = look->holder};
    least->seen++;
    if (look->held_in.function && *look->held_in.function)
        gs_gilstat_keep_place(&least->place, &look->held_in);
}

enum gs_status gs_lock_account_look(struct gs_lock_account *sum, const struct gs_lock_look *look)
{
    struct row *row = row_of(sum, look->word);
    if (!row)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sum->wait_count; i++) {
        struct wait *wait = &sum->waits[i];
        if (wait->number != look->number || look->kind != GS_LOCK_NONE || wait->none || wait->object)
            continue;
        wait->none = true;
        if (wait->moment == sum->moment && row->now > 0)
            row->now--;
    }
    if (look->kind == GS_LOCK_NONE)
        return GS_OK;
    row->lock.kind = look->kind;
    row->lock.address = look->object ? look->object : look->word;
    if (*look->type)
        snprintf(row->lock.type, sizeof row->lock.type, "%s", look->type);
    if (*look->name)
        snprintf(row->lock.name, sizeof row->lock.name, "%s", look->name);
    if (look->holder)
        add_holder(row, look);
    return GS_OK;
}

void gs_lock_account_end(struct gs_lock_account *sum)
{
    for (size_t i = 0; i < sum->wait_count; i++) {
        if (sum->waits[i].number && sum->waits[i].moment != sum->moment)
            end_wait(sum, &sum->waits[i]);
    }
}

static int by_wait(const void *a, const void *b)
{
    const struct gs_gilstat_lock *x = a, *y = b;
    return x->wait_us != y->wait_us ? (x->wait_us < y->wait_us ? 1 : -1)
                                    : (x->address > y->address) - (x->address < y->address);
}

static void finish_row(const struct row *row, const struct gs_bounds_span *span, double factor,
                       struct gs_gilstat_lock *lock)
{
    const struct holder *most = &row->holders[0];
    struct gs_bounds_span counted = *span;
    struct gs_bounds_thread bounds = row->bounds;
    counted.counted = true; /* nothing is changed by looking */
    bounds.has_ns = row->wait_ns;
    for (int i = 1; i < HOLDERS; i++)
        most = row->holders[i].seen > most->seen ? &row->holders[i] : most;
    *lock = row->lock;
    lock->mean_waiters = (double)row->wait_ns / (double)span->ns;
    lock->half_width = gs_bounds(&counted, &bounds);
    lock->wait_us = (uint64_t)((double)row->wait_ns * factor / 1000);
    lock->longest_wait_us = row->longest_ns / 1000;
    lock->holder = most->tid;
    lock->held_in = most->place;
}

enum gs_status gs_lock_account_finish(struct gs_lock_account *sum, const struct gs_bounds_span *span, double factor,
                                      struct gs_gilstat *stat)
{
    stat->locks = calloc(sum->row_count + 1, sizeof *stat->locks);
    if (!stat->locks)
        return GS_NO_MEMORY;
    for (size_t i = 0; i < sum->wait_count; i++)
        credit(waited_for(sum, &sum->waits[i]), &sum->waits[i], sum->time_ns);
    for (size_t i = 0; i < sum->row_count && span->ns > 0; i++) {
        if (sum->rows[i].lock.kind != GS_LOCK_NONE && sum->rows[i].wait_ns > 0)
            finish_row(&sum->rows[i], span, factor, &stat->locks[stat->lock_count++]);
    }
    if (stat->lock_count > 1)
        qsort(stat->locks, stat->lock_count, sizeof *stat->locks, by_wait);
    stat->locks_known = true;
    return GS_OK;
}

void gs_lock_account_next(struct gs_lock_account *sum)
{
    for (size_t i = 0; i < sum->row_count; i++) {
        struct row *row = &sum->rows[i];
        row->wait_ns = row->longest_ns = 0;
        row->bounds = (struct gs_bounds_thread){0};
        row->lock.most_waiters = 0;
        row->lock.waits = 0;
        row->lock.waiter_count = row->lock.waiters_left_out = 0;
        for (int k = 0; k < HOLDERS; k++)
            row->holders[k] = (struct holder){0};
    }
}
