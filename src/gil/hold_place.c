/* What a stack was read for, when somebody had the GIL for long. */
#include "gil/hold_place.h"
#include "gilspy/native.h"
#include "gilspy/snapshot.h"

const struct gs_place *gs_hold_place(const struct gs_stacks *stacks, uint32_t stack, struct gs_hold_call *call)
{
    struct gs_native_telling telling = {.count = 0};
    const struct gs_place *told = NULL, *called = NULL;
    *call = (struct gs_hold_call){.native = NULL};
    for (bool cut = false; stack > 0; stack = gs_stacks_at(stacks, stack).caller) {
        const struct gs_place *place = gs_stacks_place_at(stacks, gs_stacks_at(stacks, stack).place);
        if (place->kind == GS_FRAME_PYTHON) {
            /* Where Python itself called what serves, that is what it does. */
            *call = (struct gs_hold_call){telling.tells || !cut ? told : NULL, cut ? NULL : called};
            return place;
        }
        cut |= place->kind == GS_FRAME_GAP;
        if (place->kind != GS_FRAME_NATIVE)
            continue;
        size_t number = telling.count;
        gs_native_tell(&telling, place->function, place->module);
        told = telling.told == number ? place : told;
        called = telling.calls && telling.called == number ? place : called;
    }
    return NULL;
}

bool gs_hold_collects(const struct gs_stacks *stacks, uint32_t stack)
{
    for (; stack > 0; stack = gs_stacks_at(stacks, stack).caller) {
        uint8_t kind = gs_stacks_place_at(stacks, gs_stacks_at(stacks, stack).place)->kind;
        if (kind != GS_FRAME_NATIVE)
            return kind == GS_FRAME_GC;
    }
    return false;
}
