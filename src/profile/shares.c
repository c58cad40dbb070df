/* Summing up samples by thread. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "profile/shares.h"

void gs_shares_fini(struct gs_shares *shares)
{
    free(shares->list);
    *shares = (struct gs_shares){0};
}

/* Where tid is in the list, or belongs. */
static size_t place_of(const struct gs_shares *shares, pid_t tid)
{
    size_t low = 0, high = shares->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shares->list[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct gs_share *insert(struct gs_shares *shares, size_t place)
{
    if (!gs_room((void **)&shares->list, &shares->room, shares->count + 1, sizeof *shares->list))
        return NULL;
    struct gs_share *share = &shares->list[place];
    memmove(share + 1, share, (shares->count - place) * sizeof *share);
    shares->count++;
    return share;
}

/* A thread with states in several interpreters counts as what tells most. */
static bool tells_more(enum gs_gil_word word, enum gs_gil_word than)
{
    return word < than && (word == GS_HOLDS || word == GS_WAITS);
}

static enum gs_status note_thread(struct gs_shares *shares, const struct gs_thread *thread, uint64_t now_ns)
{
    size_t place = place_of(shares, thread->tid);
    struct gs_share *share = place < shares->count ? &shares->list[place] : NULL;
    if (!share || share->tid != thread->tid) {
        share = insert(shares, place);
        if (!share)
            return GS_NO_MEMORY;
        *share = (struct gs_share){.tid = thread->tid, .thread = *thread, .first_ns = now_ns, .since_ns = now_ns};
    } else if (share->sample == shares->samples && !tells_more(thread->gil, share->thread.gil)) {
        return GS_OK;
    }
    if (share->thread.gil != thread->gil)
        share->since_ns = now_ns;
    share->thread = *thread;
    share->sample = shares->samples;
    return GS_OK;
}

/* Charges the time to what each thread does; those that have ended are forgotten. */
static void charge(struct gs_shares *shares, uint64_t time_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < shares->count; i++) {
        struct gs_share *share = &shares->list[i];
        if (share->sample != shares->samples)
            continue;
        share->word_ns[share->thread.gil] += time_ns;
        if (share->thread.gil == GS_WAITS)
            shares->waiters_ns += time_ns;
        shares->list[kept++] = *share;
    }
    shares->count = kept;
}

static void note_gil(struct gs_shares *shares, const struct gs_gil *gil, uint64_t time_ns)
{
    if (gil->state == GS_GIL_HELD)
        shares->held_ns += time_ns;
    if (!gil->has_switches)
        return;
    if (!shares->has_switches)
        shares->first_switches = gil->switches;
    shares->has_switches = true;
    shares->last_switches = gil->switches;
}

enum gs_status gs_shares_add(struct gs_shares *shares, const struct gs_snapshot *snapshot, uint64_t max_gap_ns)
{
    uint64_t now = snapshot->time_ns, time_ns = shares->samples > 0 ? now - shares->last_ns : 0;
    if (shares->samples == 0)
        shares->first_ns = now;
    shares->samples++;
    shares->last_ns = now;
    shares->stale = false;
    if (time_ns > max_gap_ns) {
        shares->missed_ns += time_ns;
        time_ns = 0;
    }
    shares->watched_ns += time_ns;
    for (size_t i = 0; i < snapshot->thread_count; i++) {
        enum gs_status status = note_thread(shares, &snapshot->threads[i], now);
        if (status != GS_OK)
            return status;
    }
    charge(shares, time_ns);
    if (snapshot->gil_count > 0)
        note_gil(shares, &snapshot->gils[0], time_ns);
    return GS_OK;
}

void gs_shares_drop_frames(struct gs_shares *shares)
{
    shares->stale = true;
    for (size_t i = 0; i < shares->count; i++) {
        shares->list[i].thread.frames = NULL;
        shares->list[i].thread.frame_count = 0;
    }
}

double gs_shares_held(const struct gs_shares *shares)
{
    return shares->watched_ns > 0 ? (double)shares->held_ns / (double)shares->watched_ns : 0;
}

double gs_share_of(const struct gs_share *share, enum gs_gil_word word)
{
    uint64_t sum = 0;
    for (int i = 0; i <= GS_UNKNOWN; i++)
        sum += share->word_ns[i];
    return sum > 0 ? (double)share->word_ns[word] / (double)sum : 0;
}

double gs_shares_switches_hz(const struct gs_shares *shares)
{
    uint64_t time_ns = shares->last_ns - shares->first_ns;
    return time_ns > 0 ? (double)(shares->last_switches - shares->first_switches) * 1e9 / (double)time_ns : 0;
}
