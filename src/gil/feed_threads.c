/* Who is there, and what each one does in a sample. */
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "base/room.h"
#include "gil/feed_threads.h"
#include "gil/gil_track.h"

enum {
    RAN_NS = 1000000000,   /* how often times on processors are read, for those that end */
    RAN_SOON_NS = 50000000 /* the same of a thread that is in the samples no more, which may have ended */
};

static void free_thread(struct gs_feed_thread *thread)
{
    free(thread->name);
    free(thread);
}

void gs_feed_threads_fini(struct gs_feed_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++)
        free_thread(threads->list[i]);
    free(threads->list);
    free(threads->states);
    free(threads->at);
    gs_ids_fini(&threads->by_tid);
}

/* ---- states and whose they are ---- */

static int by_number(const void *key, const void *element)
{
    uint32_t number = *(const uint32_t *)key, other = ((const struct gs_feed_state *)element)->number;
    return (number > other) - (number < other);
}

/* NULL: there is none. */
static struct gs_feed_state *find_state(const struct gs_feed_threads *threads, uint32_t number)
{
    return threads->state_count > 0
               ? bsearch(&number, threads->states, threads->state_count, sizeof *threads->states, by_number)
               : NULL;
}

struct gs_feed_thread *gs_feed_threads_of(const struct gs_feed_threads *threads, uint32_t number)
{
    const struct gs_feed_state *state = number == GS_NO_THREAD ? NULL : find_state(threads, number);
    return state ? state->thread : NULL;
}

static enum gs_status rename_thread(struct gs_feed_threads *threads, struct gs_feed_thread *thread, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return GS_NO_MEMORY;
    free(thread->name);
    thread->name = copy;
    if (thread->row != GS_FEED_NO_ROW)
        gs_account_rename(threads->account, thread->row, name);
    return GS_OK;
}

/* The native thread that this is a state of; one whose tid is not known is of a thread of its own. */
static struct gs_feed_thread *find_thread(struct gs_feed_threads *threads, const struct gs_sampled_thread *sampled)
{
    uint32_t known = sampled->tid > 0 ? gs_ids_find(&threads->by_tid, (uint32_t)sampled->tid) : GS_IDS_NONE;
    if (known != GS_IDS_NONE) {
        struct gs_feed_thread *thread = threads->list[known];
        thread->ident = sampled->ident; /* up to 3.11 a newborn's was its creator's */
        if (thread->row != GS_FEED_NO_ROW)
            gs_account_at(threads->account, thread->row)->ident = thread->ident;
        return thread;
    }
    struct gs_feed_thread *thread = calloc(1, sizeof *thread);
    char *name = strdup(sampled->name);
    if (!thread || !name ||
        !gs_room((void **)&threads->list, &threads->room, threads->count + 1, sizeof *threads->list) ||
        (sampled->tid > 0 && !gs_ids_set(&threads->by_tid, (uint32_t)sampled->tid, (uint32_t)threads->count))) {
        free(thread);
        free(name);
        return NULL;
    }
    *thread = (struct gs_feed_thread){.tid = sampled->tid,
                                      .ident = sampled->ident,
                                      .serial = ++threads->serials,
                                      .row = GS_FEED_NO_ROW,
                                      .name = name,
                                      .main = sampled->main,
                                      .word = GS_UNKNOWN};
    return threads->list[threads->count++] = thread;
}

enum gs_status gs_feed_threads_add(struct gs_feed_threads *threads, uint32_t number,
                                   const struct gs_sampled_thread *sampled)
{
    const struct gs_feed_state *known = find_state(threads, number);
    if (known)
        return rename_thread(threads, known->thread, sampled->name);
    struct gs_feed_thread *thread = find_thread(threads, sampled);
    if (!thread ||
        !gs_room((void **)&threads->states, &threads->state_room, threads->state_count + 1, sizeof *threads->states))
        return GS_NO_MEMORY;
    size_t at = threads->state_count++; /* mostly the highest number so far */
    for (; at > 0 && threads->states[at - 1].number > number; at--)
        threads->states[at] = threads->states[at - 1];
    threads->states[at] = (struct gs_feed_state){.number = number, .thread = thread};
    return GS_OK;
}

/* ---- time on processors ---- */

/* False: it has ended, or nobody can be asked. */
static bool note_ran(struct gs_feed_threads *threads, struct gs_feed_thread *thread, uint64_t now_ns)
{
    uint64_t ran_ns;
    if (!threads->ran || threads->over || !threads->ran(threads->pid, thread->tid, &ran_ns))
        return false;
    if (!thread->ran_known) {
        /* One that was born since the sample before had none until then; what another had, as a program that execs or a
         * thread that only now calls Python, is not of this span. */
        thread->ran_begin_ns = ran_ns <= now_ns - threads->last_ns && threads->samples > 1 ? 0 : ran_ns;
        thread->ran_from_ns = now_ns;
    }
    thread->ran_known = true;
    thread->ran_ns = ran_ns;
    thread->ran_at_ns = now_ns;
    return true;
}

void gs_feed_threads_ask(struct gs_feed_threads *threads, uint64_t now_ns)
{
    for (size_t i = 0; i < threads->count; i++)
        note_ran(threads, threads->list[i], now_ns);
}

/* ---- one sample ---- */

static void take_state(struct gs_feed_threads *threads, const struct gs_sample *sample, struct gs_feed_state *state,
                       const struct gs_thread_sample *now)
{
    struct gs_feed_thread *thread = state->thread;
    bool first = thread->sample != threads->samples;
    state->sample = threads->samples;
    if (thread->row == GS_FEED_NO_ROW) {
        note_ran(threads, thread, sample->time_ns);
        thread->row = gs_account_add(threads->account, thread->tid, thread->ident, thread->name, thread->main);
    }
    if (first) {
        thread->before = thread->word;
        thread->sample = threads->samples;
        thread->seen_ns = sample->time_ns;
    }
    if (!first && !gs_gil_word_tells(now->gil, thread->word))
        return;
    thread->word = now->gil;
    thread->gil = now->lock;
    if (thread->row != GS_FEED_NO_ROW)
        gs_account_at(threads->account, thread->row)->gil = thread->gil;
}

/* A thread that has no state in this sample does without the GIL, if it is there at all. */
static void take_absent(struct gs_feed_threads *threads, struct gs_feed_thread *thread, uint64_t now_ns)
{
    bool just = thread->sample + 1 == threads->samples, asked = threads->ran && !threads->over;
    if (asked && now_ns - thread->ran_at_ns >= (just ? RAN_SOON_NS : RAN_NS))
        asked = note_ran(threads, thread, now_ns);
    thread->ended = !asked;
    threads->same = threads->same && asked;
    thread->before = thread->word;
    thread->word = thread->ended ? thread->word : GS_WITHOUT;
}

enum gs_status gs_feed_threads_take(struct gs_feed_threads *threads, const struct gs_sample *sample)
{
    if (!gs_room((void **)&threads->at, &threads->at_room, sample->thread_count + 1, sizeof *threads->at))
        return GS_NO_MEMORY;
    size_t gils = gs_least(sample->gil_count, GS_GILS_MOST), taken = 0;
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *now = &sample->threads[i];
        struct gs_feed_state *state = i < threads->state_count && threads->states[i].number == now->thread
                                          ? &threads->states[i]
                                          : find_state(threads, now->thread);
        threads->left_out |= now->lock >= gils;
        threads->at[i] = state && now->lock < gils ? state->thread : NULL;
        if (!threads->at[i])
            continue;
        take_state(threads, sample, state, now);
        taken++;
    }
    threads->same = taken == threads->state_count;
    for (size_t i = 0; i < threads->count; i++) {
        if (threads->list[i]->any && threads->list[i]->sample != threads->samples)
            take_absent(threads, threads->list[i], sample->time_ns);
    }
    return GS_OK;
}

void gs_feed_threads_break_off(struct gs_feed_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++) {
        struct gs_feed_thread *thread = threads->list[i];
        if (thread->waits_ns > 0 && thread->row != GS_FEED_NO_ROW)
            gs_account_wait(threads->account, thread->row, threads->last_ns - thread->waits_ns);
        thread->waits_ns = 0;
        thread->any = thread->any && thread->sample + 1 == threads->samples;
    }
}

/* ---- ends ---- */

/* A thread that has ended, or the end of a span: what is known of it only now goes into the account. */
static void close_thread(struct gs_feed_threads *threads, struct gs_feed_thread *thread)
{
    if (thread->row == GS_FEED_NO_ROW)
        return;
    if (thread->waits_ns > 0)
        gs_account_wait(threads->account, thread->row, threads->last_ns - thread->waits_ns);
    struct gs_account_thread *row = gs_account_at(threads->account, thread->row);
    if (!thread->ran_known || thread->ran_ns < thread->ran_begin_ns || thread->ran_at_ns <= thread->ran_from_ns)
        return;
    row->ran_ns = gs_count(row->ran_ns.value + thread->ran_ns - thread->ran_begin_ns);
    row->unread_ns = thread->seen_ns > thread->ran_at_ns ? thread->seen_ns - thread->ran_at_ns : 0;
}

/* The map of tids is made anew: that took the memory once. */
static void keep(struct gs_feed_threads *threads, size_t count)
{
    if (count == threads->count)
        return;
    threads->count = count;
    gs_ids_clear(&threads->by_tid);
    for (size_t i = 0; i < count; i++) {
        if (threads->list[i]->tid > 0)
            (void)gs_ids_set(&threads->by_tid, (uint32_t)threads->list[i]->tid, (uint32_t)i);
    }
}

void gs_feed_threads_drop(struct gs_feed_threads *threads, uint64_t gap_ns,
                          void (*left)(void *context, const struct gs_feed_thread *thread), void *context)
{
    size_t kept = 0;
    if (threads->same)
        return;
    for (size_t i = 0; i < threads->state_count; i++) {
        const struct gs_feed_state *state = &threads->states[i];
        if (state->sample == threads->samples || state->sample == 0)
            threads->states[kept++] = *state;
    }
    threads->state_count = kept;
    kept = 0;
    for (size_t i = 0; i < threads->count; i++) {
        struct gs_feed_thread *thread = threads->list[i];
        if (!thread->ended) {
            threads->list[kept++] = thread;
            continue;
        }
        if (thread->row != GS_FEED_NO_ROW) {
            gs_account_spend(gs_account_at(threads->account, thread->row), thread->before, gap_ns / 2);
            close_thread(threads, thread);
            gs_account_ended(threads->account, thread->row);
        }
        left(context, thread);
        free_thread(thread);
    }
    keep(threads, kept);
}

void gs_feed_threads_cut(struct gs_feed_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++) {
        struct gs_feed_thread *thread = threads->list[i];
        note_ran(threads, thread, threads->last_ns);
        thread->seen_ns = threads->last_ns;
        close_thread(threads, thread);
        if (thread->row != GS_FEED_NO_ROW)
            gs_account_at(threads->account, thread->row)->to_the_end = true;
    }
}

void gs_feed_threads_next(struct gs_feed_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++) {
        struct gs_feed_thread *thread = threads->list[i];
        thread->row = thread->any
                          ? gs_account_add(threads->account, thread->tid, thread->ident, thread->name, thread->main)
                          : GS_FEED_NO_ROW;
        thread->ran_begin_ns = thread->ran_ns;
        thread->ran_from_ns = thread->ran_at_ns;
    }
}
