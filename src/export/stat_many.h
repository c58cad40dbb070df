/* The figures of stat of all processes of a source of samples: collected, and shown one after the other. */
#ifndef GS_EXPORT_STAT_MANY_H
#define GS_EXPORT_STAT_MANY_H

#include "base/console.h"
#include "gil/sample_feed.h"

struct gs_stat_many {
    struct gs_sample_feed **polls; /* by number of the process */
    char **programs;               /* what each runs */
    size_t count, room, programs_room;
    struct gs_sample_feed_options options;
    bool shown; /* something was */
};

/* How they are shown. */
struct gs_stat_show {
    const struct gs_console *console;
    bool json, several, verbose; /* several: JSON is a list, also of one process */
    const char *const *patterns; /* only such threads, when there are any */
    size_t pattern_count;
    /* Fills in what samples do not tell: quality, overhead, why it is not exact. */
    void (*complete)(void *context, struct gs_gilstat *stat);
    void *context;
};

void gs_stat_many_fini(struct gs_stat_many *many);
/* As members of gs_sink. */
enum gs_status gs_stat_many_process(struct gs_stat_many *many, uint32_t number,
                                    const struct gs_sampled_process *process) GS_MUST_CHECK;
enum gs_status gs_stat_many_thread(struct gs_stat_many *many, uint32_t number,
                                   const struct gs_sampled_thread *thread) GS_MUST_CHECK;
enum gs_status gs_stat_many_sample(struct gs_stat_many *many, const struct gs_sample *sample) GS_MUST_CHECK;
void gs_stat_many_forget(struct gs_stat_many *many);
/* That process is no more, or runs another program now: nothing is asked about it any more. */
void gs_stat_many_over(struct gs_stat_many *many, pid_t pid);
/* Shows the processes that have had samples in this span, of several first all of them in one table, and begins another
 * span. */
enum gs_status gs_stat_many_show(struct gs_stat_many *many, const struct gs_stat_show *show) GS_MUST_CHECK;

#endif
