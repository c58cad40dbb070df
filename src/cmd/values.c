/* Each frame's values are read in a thread of their own: that one can be left behind. */
#include <stdlib.h>

#include "base/watch.h"
#include "cmd/stuck.h"
#include "cmd/values.h"
#include "mem/metered.h"

enum { STUCK_MOST = 16, READS_MOST = 8 << 20 /* of all values together: a second or two */ };

struct gs_values {
    const struct gs_python *python;
    struct gs_watch *watch;
    struct gs_mem *own, *pages; /* own: NULL where python->mem is read */
    struct meter {
        struct gs_metered metered; /* pages, for as many reads as are left */
        uint64_t left;
    } * meter;
    int stuck; /* how many threads were left behind */
};

/* A memory that is watched, in place of the one with which a thread was left behind. */
static bool renew(struct gs_values *values, const struct gs_stuck *stuck)
{
    const struct gs_target *target = values->python->target;
    values->watch = gs_watch_new(values->watch, stuck);
    values->own = target->still ? NULL : gs_mem_live_new(target->living, values->watch);
    values->pages = gs_mem_cache_new(values->own ? values->own : values->python->mem);
    uint64_t left = values->meter ? values->meter->left : READS_MOST;
    values->meter = malloc(sizeof *values->meter);
    if (values->meter) {
        values->meter->left = left;
        gs_metered_init(&values->meter->metered, values->pages, &values->meter->left);
    }
    return values->watch && values->pages && values->meter && (values->own || target->still);
}

struct gs_values *gs_values_new(const struct gs_python *python)
{
    struct gs_values *values = calloc(1, sizeof *values);
    if (!values)
        return NULL;
    values->python = python;
    if (renew(values, NULL))
        return values;
    gs_values_free(values);
    return NULL;
}

bool gs_values_free(struct gs_values *values)
{
    if (!values)
        return true;
    bool all = values->stuck == 0;
    gs_mem_free(values->pages);
    free(values->meter);
    gs_mem_free(values->own);
    gs_watch_free(values->watch);
    free(values);
    return all;
}

struct reading {
    const struct gs_python *python;
    struct gs_mem *mem;
    gs_addr frame;
    const struct gs_code *code;
    struct gs_local *locals;
    size_t count;
};

static enum gs_status read_locals(void *context)
{
    struct reading *r = context;
    return gs_locals_read(r->python, r->mem, r->frame, r->code, &r->locals, &r->count);
}

enum gs_status gs_values_locals(struct gs_values *values, gs_addr frame, const struct gs_code *code,
                                struct gs_local **locals, size_t *count)
{
    const struct gs_target *target = values->python->target;
    while (values->stuck < STUCK_MOST) {
        struct gs_stuck stuck;
        struct gs_err err;
        struct reading *reading = malloc(sizeof *reading);
        if (!reading)
            return GS_NO_MEMORY;
        *reading = (struct reading){values->python, &values->meter->metered.mem, frame, code, NULL, 0};
        enum gs_status status = gs_watch_run(values->watch, read_locals, reading, &stuck);
        if (!stuck.what) {
            *locals = reading->locals;
            *count = reading->count;
            free(reading);
            return status;
        }
        gs_stuck_tell(&stuck, target->pid, target, values->stuck++ == 0, &err);
        if (!renew(values, &stuck))
            return GS_NO_MEMORY;
    }
    return GS_LOST;
}
