/* Which C function is to be named, out of merged frames. */
#include <stdio.h>

#include "diagnose/why_closer.h"

bool gs_why_closer_name(const struct gs_frame *frames, size_t count, struct gs_native *natives,
                        struct gs_why_closer *found)
{
    struct gs_native_telling telling = {.count = 0};
    size_t i = 0;
    for (; i < count && frames[i].kind == GS_FRAME_NATIVE && !telling.done; i++) {
        const struct gs_native_name *name = gs_native_name(natives, frames[i].code);
        gs_native_tell(&telling, name->function, name->module);
    }
    /* Python itself called what serves: then that is what it does. Where the stack breaks off, its caller is not known.
     */
    bool called = i < count && frames[i].kind == GS_FRAME_PYTHON;
    if (telling.count == 0 || !(telling.tells || called))
        return false;
    const struct gs_native_name *best = gs_native_name(natives, frames[telling.told].code);
    snprintf(found->function, sizeof found->function, "%s", best->function);
    snprintf(found->module, sizeof found->module, "%s", best->module);
    return true;
}

const struct gs_why_closer *gs_case_closer(const struct gs_case *c, pid_t tid)
{
    for (size_t i = c->closer_count; i > 0; i--) {
        if (c->closers[i - 1].tid == tid)
            return &c->closers[i - 1];
    }
    return NULL;
}
