/* What may be done with finished figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gil/gilstat.h"
#include "base/patterns.h"

const double gs_average_s[GS_AVERAGES] = {60, 300, 900};
const double gs_percentiles[GS_PERCENTILES] = {0.5, 0.9, 0.99};

const char *gs_method_name(enum gs_method method)
{
    static const char *const names[] = {
        [GS_METHOD_SAMPLED] = "sampled", [GS_METHOD_WINDOWS] = "windows", [GS_METHOD_EXACT] = "exact"};
    return names[method];
}

void gs_gilstat_keep_place(struct gs_gilstat_place *to, const struct gs_place *from)
{
    snprintf(to->function, sizeof to->function, "%s", from->qualname ? from->qualname : from->function);
    snprintf(to->file, sizeof to->file, "%s", from->file);
    to->line = from->line;
}

struct gs_place gs_gilstat_place_of(const struct gs_gilstat_place *from)
{
    return (struct gs_place){
        .function = from->function, .file = from->file, .line = from->line, .kind = GS_FRAME_PYTHON};
}

void gs_gilstat_fini(struct gs_gilstat *stat)
{
    free(stat->gils);
    free(stat->threads);
    free(stat->hogs);
    free(stat->blame);
    free(stat->loops);
    free(stat->locks);
    free(stat->gc.causes);
    free(stat->worlds.causes);
    free(stat->late);
    stat->gils = NULL;
    stat->threads = NULL;
    stat->hogs = NULL;
    stat->blame = NULL;
    stat->loops = NULL;
    stat->gc = stat->worlds = (struct gs_gilstat_pauses){.known = false};
    stat->late = NULL;
    stat->locks = NULL;
    stat->gil_count = stat->thread_count = stat->hog_count = stat->blame_count = stat->loop_count = stat->lock_count =
        stat->late_count = 0;
}

size_t gs_gilstat_threads(const struct gs_gilstat *stat)
{
    size_t count = 0;
    for (size_t i = 0; i < stat->thread_count; i++)
        count += stat->threads[i].folded ? stat->threads[i].folded : 1;
    return count;
}

const struct gs_gilstat_thread *gs_gilstat_find(const struct gs_gilstat *stat, pid_t tid)
{
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (stat->threads[i].tid == tid)
            return &stat->threads[i];
    }
    return NULL;
}

/* One of its threads had it, or waited for it. */
static bool concerns(const struct gs_gilstat *stat, const struct gs_gilstat_lock *lock)
{
    bool any = lock->holder > 0 && gs_gilstat_find(stat, lock->holder);
    for (size_t i = 0; i < lock->waiter_count && !any; i++)
        any = gs_gilstat_find(stat, lock->waiters[i]);
    return any;
}

void gs_gilstat_choose(struct gs_gilstat *stat, const char *const *patterns, size_t count)
{
    size_t threads = 0, hogs = 0, blame = 0, locks = 0;
    for (size_t i = 0; i < stat->thread_count; i++) {
        if (stat->threads[i].folded && count > 0)
            continue; /* nobody knows any more what they were called */
        if (gs_patterns_fit(patterns, count, stat->threads[i].tid, stat->threads[i].name))
            stat->threads[threads++] = stat->threads[i];
    }
    stat->threads_known = count > 0 ? gs_gilstat_threads(stat) : 0;
    stat->thread_count = threads;
    for (size_t i = 0; i < stat->hog_count; i++) {
        if (gs_gilstat_find(stat, stat->hogs[i].tid))
            stat->hogs[hogs++] = stat->hogs[i];
    }
    stat->hog_count = hogs;
    for (size_t i = 0; i < stat->blame_count; i++) {
        if (gs_gilstat_find(stat, stat->blame[i].waiter) || gs_gilstat_find(stat, stat->blame[i].holder))
            stat->blame[blame++] = stat->blame[i];
    }
    stat->blame_count = blame;
    for (size_t i = 0; i < stat->lock_count; i++) {
        if (count == 0 || concerns(stat, &stat->locks[i]))
            stat->locks[locks++] = stat->locks[i];
    }
    stat->lock_count = locks;
}
