/* Values are read in a thread of their own: that one can be left behind. As it takes longer to begin one than to read a
 * frame, several frames are read at once. */
#include <stdlib.h>
#include <string.h>

#include "base/watch.h"
#include "session/stuck.h"
#include "session/values.h"
#include "mem/metered.h"

enum { STUCK_MOST = 16, READS_MOST = 8 << 20 /* of all values together: a second or two */, AT_ONCE = 64 };

#define NOWHERE SIZE_MAX

/* Frames whose values are read by one thread, and what it read. */
struct batch {
    const struct gs_python *python;
    struct gs_mem *mem;
    const struct gs_frame *frames;
    size_t count;
    const struct gs_wish *wish;
    struct {
        const struct gs_code *code; /* NULL: not known, or no frame of Python */
        enum gs_status status;
        struct gs_local *locals;
        size_t count;
    } each[AT_ONCE];
};

/* What is read with; it stays with a thread that is left behind. */
struct means {
    struct gs_watch *watch;
    struct gs_mem *own, *pages; /* own: NULL for a core, whose files tell the target's watch */
    struct gs_metered metered;  /* pages, for as many reads as are left */
    uint64_t left;
};

struct gs_values {
    const struct gs_python *python;
    const struct gs_wish *wish;
    const struct gs_remarks *remarks;
    struct means *means;
    struct batch *batch; /* what was read last, as far as nobody has asked for it yet; or NULL */
    int stuck;           /* how many threads were left behind */
    uint64_t met;
};

static void free_means(const struct gs_target *target, struct means *means)
{
    if (!means)
        return;
    gs_mem_free(means->pages);
    gs_mem_free(means->own);
    if (!target->postmortem)
        gs_watch_free(means->watch);
    free(means);
}

/* before: those that were left behind at `stuck`, or NULL. Of a core there are no others then. */
static struct means *new_means(const struct gs_target *target, const struct means *before, const struct gs_stuck *stuck)
{
    struct means *means = before && target->postmortem ? NULL : calloc(1, sizeof *means);
    if (!means)
        return NULL;
    means->watch = target->postmortem ? target->watch : gs_watch_new(before ? before->watch : NULL, stuck);
    means->own = target->postmortem || !means->watch ? NULL : gs_mem_live_new(target->living, means->watch);
    means->pages = means->own || target->postmortem ? gs_mem_cache_new(means->own ? means->own : target->mem) : NULL;
    means->left = before ? before->left : READS_MOST;
    if (means->watch && means->pages) {
        gs_metered_init(&means->metered, means->pages, &means->left);
        return means;
    }
    free_means(target, means);
    return NULL;
}

struct gs_values *gs_values_new(const struct gs_python *python, const struct gs_wish *wish,
                                const struct gs_remarks *remarks)
{
    struct gs_values *values = calloc(1, sizeof *values);
    if (!values)
        return NULL;
    values->python = python;
    values->wish = wish;
    values->remarks = remarks;
    values->means = new_means(python->target, NULL, NULL);
    if (values->means)
        return values;
    free(values);
    return NULL;
}

static void free_batch(struct batch *batch)
{
    for (size_t i = 0; batch && i < batch->count; i++)
        gs_locals_free(batch->each[i].locals, batch->each[i].count);
    free(batch);
}

bool gs_values_free(struct gs_values *values)
{
    if (!values)
        return true;
    bool all = values->stuck == 0;
    free_batch(values->batch);
    free_means(values->python->target, values->means);
    free(values);
    return all;
}

static enum gs_status read_batch(void *context)
{
    struct batch *batch = context;
    for (size_t i = 0; i < batch->count; i++) {
        const struct gs_code *code = batch->each[i].code;
        batch->each[i].status = code ? gs_locals_read(batch->python, batch->mem, batch->frames[i].frame, code,
                                                      batch->wish, &batch->each[i].locals, &batch->each[i].count)
                                     : GS_LOST;
    }
    return GS_OK;
}

static struct batch *new_batch(const struct gs_values *values, const struct gs_frame *frames, size_t count,
                               const struct gs_codes *codes)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->python = values->python;
    batch->mem = &values->means->metered.mem;
    batch->frames = frames;
    batch->wish = values->wish;
    batch->count = count < AT_ONCE ? count : AT_ONCE;
    for (size_t i = 0; i < batch->count; i++)
        batch->each[i].code = frames[i].kind == GS_FRAME_PYTHON ? gs_codes_find(codes, frames[i].code) : NULL;
    return batch;
}

static enum gs_status fill(struct gs_values *values, const struct gs_frame *frames, size_t count,
                           const struct gs_codes *codes)
{
    const struct gs_target *target = values->python->target;
    free_batch(values->batch);
    values->batch = NULL;
    while (values->means && values->stuck < STUCK_MOST) {
        struct gs_stuck stuck;
        struct gs_err err;
        struct batch *batch = new_batch(values, frames, count, codes);
        if (!batch)
            return GS_NO_MEMORY;
        enum gs_status status = gs_watch_run(values->means->watch, read_batch, batch, &stuck);
        if (!stuck.what) {
            values->batch = batch;
            return status;
        }
        gs_stuck_tell(&stuck, target->pid, target, values->stuck++ == 0, values->remarks, &err);
        values->means = new_means(target, values->means, &stuck);
    }
    return GS_LOST;
}

static size_t place_in(const struct batch *batch, const struct gs_frame *frame)
{
    uintptr_t offset = batch ? (uintptr_t)frame - (uintptr_t)batch->frames : 0;
    return batch && offset < batch->count * sizeof *frame ? offset / sizeof *frame : NOWHERE;
}

static void note_met(struct gs_values *values, const struct gs_local *locals, size_t count)
{
    const struct gs_wish *wish = values->wish;
    for (size_t p = 0; p < wish->path_count && p < GS_VALUES_PATHS; p++) {
        for (size_t i = 0; i < count; i++)
            values->met |= (uint64_t)(strcmp(locals[i].name, wish->paths[p]) == 0) << p;
    }
}

uint64_t gs_values_met(const struct gs_values *values)
{
    return values ? values->met : 0;
}

enum gs_status gs_values_locals(struct gs_values *values, const struct gs_frame *frames, size_t frame_count,
                                const struct gs_codes *codes, struct gs_local **locals, size_t *count)
{
    size_t at = place_in(values->batch, frames);
    if (at == NOWHERE) {
        enum gs_status failure = fill(values, frames, frame_count, codes);
        if (failure)
            return failure;
        at = 0;
    }
    struct batch *batch = values->batch;
    *locals = batch->each[at].locals;
    *count = batch->each[at].count;
    note_met(values, *locals, *count);
    enum gs_status status = batch->each[at].status;
    batch->each[at].locals = NULL;
    batch->each[at].count = 0;
    batch->each[at].status = GS_LOST; /* it is handed out once */
    return status;
}
