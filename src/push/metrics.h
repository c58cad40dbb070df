/* Figures of the processes that are sampled, as Prometheus asks for them: counters that grow while a process lives. */
#ifndef GS_PUSH_METRICS_H
#define GS_PUSH_METRICS_H

#include <stdbool.h>

#include "gilspy/sample.h"
#include "push/sender.h"

struct gs_metrics;

/* Processes that there are series of; of others it is only told how many there are. */
enum { GS_METRICS_PROCESSES = 1000 };

/* What gilspy says of itself. */
struct gs_metrics_own {
    uint64_t at_ns; /* CLOCK_MONOTONIC: it was well then */
    double rate_hz;
    uint64_t cpu_us, bytes;
    struct gs_run_end run;
    struct gs_sent sent;
    bool pushes; /* sent is of something */
};

/* The sink is one thread's; all other functions may be called from any. more: who has the GIL and makes others wait, by
 * group of threads, collections and stopped worlds, too. GS_NO_MEMORY. */
enum gs_status gs_metrics_new(struct gs_metrics **metrics, bool more) GS_MUST_CHECK;
void gs_metrics_free(struct gs_metrics *metrics);
struct gs_sink *gs_metrics_sink(struct gs_metrics *metrics);
/* A process is sampled no more: its figures stay for a minute, so that they are asked for once more. */
void gs_metrics_gone(struct gs_metrics *metrics, pid_t pid);
/* Samples are taken so often from now on. */
void gs_metrics_rate(struct gs_metrics *metrics, double rate_hz);
void gs_metrics_own(struct gs_metrics *metrics, const struct gs_metrics_own *own);
/* It was told of itself lately. */
bool gs_metrics_well(struct gs_metrics *metrics);

/* The page: as OpenMetrics 1.0, else in Prometheus's text format 0.0.4. malloc'ed; GS_NO_MEMORY. */
enum gs_status gs_metrics_page(struct gs_metrics *metrics, bool open_metrics, char **text, size_t *len) GS_MUST_CHECK;

#endif
