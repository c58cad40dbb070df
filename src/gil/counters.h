/* What the kernel counts of each thread, by what it did with the GIL meanwhile: time on a processor and changes of it
 * out of the scheduler's events, the rest out of gauges. Like the events themselves it is of the time that is traced.
 */
#ifndef GS_GIL_COUNTERS_H
#define GS_GIL_COUNTERS_H

#include "gil/gilstat.h"
#include "trace/gauges.h"
#include "trace/gil_spans.h"

struct gs_gilcounts;

/* gil_spans: tell what each thread does with the GIL. NULL: out of memory. */
struct gs_gilcounts *gs_gilcounts_new(const struct gs_gil_spans *gil_spans);
void gs_gilcounts_free(struct gs_gilcounts *counts);
/* Which of them can be known, as bits by enum gs_counter, with these gauges. */
uint32_t gs_gilcounts_known(const struct gs_gauges *gauges);

/* It is traced from here on: what was counted stays. */
void gs_gilcounts_begin(struct gs_gilcounts *counts, uint64_t begin_ns);
/* A thread is ready to run or runs then, and had a processor for so long before: should it have no event in the whole
 * time, this tells how long it had one. */
void gs_gilcounts_tell(struct gs_gilcounts *counts, pid_t tid, uint64_t ran_ns);
/* The next event, before gil_spans has it. Threads beyond GS_ACCOUNT_THREADS are left out. */
void gs_gilcounts_event(struct gs_gilcounts *counts, const struct gs_event *event);
/* Counts what goes on up to here, before the spans are cut. ran: of threads without an event, as told above (false: not
 * known). */
void gs_gilcounts_cut(struct gs_gilcounts *counts, uint64_t ns, bool (*ran)(void *context, pid_t tid, uint64_t *ran_ns),
                      void *context);

/* What was counted of a thread, all 0 where nothing was. */
struct gs_gilstat_counts gs_gilcounts_of(const struct gs_gilcounts *counts, pid_t tid);
/* Of all threads together, also those that are not listed. */
struct gs_gilstat_counts gs_gilcounts_all(const struct gs_gilcounts *counts);
/* A new span: everything is 0 again, what goes on goes on. */
void gs_gilcounts_clear(struct gs_gilcounts *counts);

#endif
