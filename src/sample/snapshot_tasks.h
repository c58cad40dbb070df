/* The tasks of a process that is held. */
#ifndef GS_SAMPLE_SNAPSHOT_TASKS_H
#define GS_SAMPLE_SNAPSHOT_TASKS_H

#include "python/tasks.h"

/* Reads those of the threads of a snapshot, which was taken the moment before. now_s: CLOCK_MONOTONIC, 0: not known (a
 * core). GS_NO_MEMORY, GS_GONE; free the result in any case. */
enum gs_status gs_tasks_of(struct gs_tasks *tasks, const struct gs_python *python, struct gs_codes *codes,
                           const struct gs_snapshot *snapshot, double now_s) GS_MUST_CHECK;

#endif
