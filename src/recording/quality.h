/* The figures of gs_quality one by one, in the order in which a recording has them. */
#ifndef GS_RECORDING_QUALITY_H
#define GS_RECORDING_QUALITY_H

#include "gilspy/snapshot.h"

enum {
    GS_QUALITY_FIELDS = sizeof(struct gs_quality) / sizeof(uint64_t),
    GS_QUALITY_FIRST = 10 /* that each recording has; others came later, behind them */
};

static inline uint64_t *gs_quality_field(struct gs_quality *quality, size_t i)
{
    uint64_t *const fields[] = {
        &quality->samples, &quality->torn,       &quality->retried,
        &quality->stopped, &quality->stopped_us, &quality->stopped_in_syscall,
        &quality->late,    &quality->lost,       &quality->took_us,
        &quality->cpu_us,  &quality->skipped,    &quality->refused,
    };
    _Static_assert(sizeof fields / sizeof *fields == GS_QUALITY_FIELDS, "a figure is missing");
    return fields[i];
}

static inline void gs_quality_add(struct gs_quality *sum, const struct gs_quality *more)
{
    for (size_t i = 0; i < GS_QUALITY_FIELDS; i++)
        *gs_quality_field(sum, i) += *gs_quality_field((struct gs_quality *)more, i);
}

/* What came since `before`. */
static inline void gs_quality_subtract(struct gs_quality *now, const struct gs_quality *before)
{
    for (size_t i = 0; i < GS_QUALITY_FIELDS; i++)
        *gs_quality_field(now, i) -= *gs_quality_field((struct gs_quality *)before, i);
}

#endif
