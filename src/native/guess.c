/* A register that the kernel does not tell of a sleeping thread: the frame pointer, by which functions with frame
 * pointers, alloca or variable-length arrays find their frame. It points to where they saved their caller's, and behind
 * that lies the return address. */
#include <string.h>

#include "native/native.h"

enum { FRAME_MAX = 256 << 10 /* bytes in which a frame's end is looked for */ };

/* How well a return address fits a function: it calls just that, or something that is told only when it runs. What
 * calls another function might have come here by a jump of that one, but is rather left over from an earlier call. */
enum fit { FITS, MAY_FIT, NO_FIT };

/* Where the linkage table's entry at `callee` jumps to; callee itself where that is none. */
static gs_addr destination(struct gs_native *native, gs_addr callee)
{
    uint8_t stub[GS_ARCH_STUB_BYTES];
    gs_addr word, place;
    if (gs_native_module(native, callee) && gs_mem_read(native->text, callee, stub, sizeof stub) == GS_OK &&
        (word = gs_arch_stub_word(stub, callee)) && gs_mem_read_addr(native->target->mem, word, &place) == GS_OK)
        return place;
    return callee;
}

static enum fit judge(struct gs_native *native, gs_addr back, gs_addr start)
{
    uint8_t before[GS_ARCH_CALL_BYTES];
    gs_addr callee;
    struct gs_module *module = gs_native_module(native, back - 1);
    if (!module || back - module->start < sizeof before ||
        gs_mem_read(native->text, back - sizeof before, before, sizeof before) != GS_OK ||
        !gs_arch_is_call(before, back, &callee))
        return NO_FIT;
    if (!callee)
        return MAY_FIT;
    return callee == start || destination(native, callee) == start ? FITS : NO_FIT;
}

bool gs_native_guess(struct gs_native *native, const struct gs_native_copy *copy, gs_addr sp, gs_addr start, bool sure,
                     gs_addr *slot)
{
    uint64_t back;
    for (; *slot - sp < FRAME_MAX && gs_native_copy_word(copy, *slot, &back); *slot += 8) {
        /* Whoever calls by the rules has aligned the stack to 16 bytes. */
        if (!sure && (*slot + 8) % 16 != 0)
            continue;
        if (judge(native, back, start) == (sure ? FITS : MAY_FIT))
            return true;
    }
    return false;
}
