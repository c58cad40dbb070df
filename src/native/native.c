/* The engine of C stacks of one target: its making, its end, and what is done between samples. */
#include "native/native.h"

#include <stdlib.h>

#include "base/clock.h"

enum gs_status gs_native_new(struct gs_native **out, struct gs_target *target, const struct gs_native_options *options)
{
    struct gs_native *native = calloc(1, sizeof *native);
    *out = NULL;
    if (!native)
        return GS_NO_MEMORY;
    native->target = target;
    native->options = *options;
    native->refreshed_ns = gs_clock_ns() - GS_MAPS_MISS_NS;
    native->text = gs_mem_cache_new(target->mem);
    native->rows = calloc(GS_ROWS, sizeof *native->rows);
    if (!native->text || !native->rows) {
        gs_native_free(native);
        return GS_NO_MEMORY;
    }
    *out = native;
    return GS_OK;
}

void gs_native_free(struct gs_native *native)
{
    if (!native)
        return;
    gs_modules_free(native);
    gs_native_names_free(native);
    free(native->rows);
    gs_mem_free(native->text);
    free(native);
}

void gs_native_refresh(struct gs_native *native)
{
    gs_native_names_release(native);
    gs_modules_refresh(native);
}
