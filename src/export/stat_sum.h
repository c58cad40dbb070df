/* Several processes' figures side by side, and their sums. */
#ifndef GS_EXPORT_STAT_SUM_H
#define GS_EXPORT_STAT_SUM_H

#include "base/console.h"
#include "gil/gilstat.h"

/* One process, or all of them. */
struct gs_stat_sum {
    pid_t pid;           /* 0: all */
    const char *program; /* as of gs_role_program; not owned */
    size_t processes, threads;
    struct gs_figure held, contended, waiting; /* of their main GILs, in GILs (1: one all the time); contended of one */
    struct gs_figure switches_per_second;
    struct gs_figure on_cpu; /* in processors */
    struct gs_count longest_hold_us;
};

/* Of a process with all its threads. */
struct gs_stat_sum gs_stat_sum_of(const struct gs_gilstat *stat, const char *program);
/* What is not known of one is not known of all. */
struct gs_stat_sum gs_stat_sum_all(const struct gs_stat_sum *sums, size_t count);

/* A table, those first that wait most, all in the last row. sums are sorted. */
enum gs_status gs_stat_sum_text(struct gs_stat_sum *sums, size_t count, const struct gs_console *console) GS_MUST_CHECK;
/* A list of one group of all processes, without a line feed. Errors of the stream stay in it. */
enum gs_status gs_stat_sum_json(const struct gs_stat_sum *sums, size_t count, FILE *out) GS_MUST_CHECK;

#endif
