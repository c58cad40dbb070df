/* A register that the kernel does not tell of a sleeping thread: the frame pointer, by which functions with frame
 * pointers, alloca or variable-length arrays find their frame. It points to where they saved their caller's, and behind
 * that lies the return address. */
#include <string.h>

#include "native/native.h"

enum { FRAME_MAX = 256 << 10 /* bytes in which a frame's end is looked for */ };

/* How well a return address fits a function: it calls just that, something that is told only when it runs, or
 * something else, which may have jumped on to it. */
enum fit { FITS, MAY_FIT, FITS_ANOTHER, NO_CALL };

static enum fit judge(struct gs_native *native, gs_addr back, gs_addr start)
{
    uint8_t before[GS_ARCH_CALL_BYTES], stub[GS_ARCH_STUB_BYTES];
    gs_addr callee, word, place;
    struct gs_module *module = gs_native_module(native, back - 1);
    if (!module || back - module->start < sizeof before ||
        gs_mem_read(native->text, back - sizeof before, before, sizeof before) != GS_OK ||
        !gs_arch_is_call(before, back, &callee))
        return NO_CALL;
    if (!callee || !start)
        return MAY_FIT;
    if (callee == start)
        return FITS;
    if (gs_native_module(native, callee) && gs_mem_read(native->text, callee, stub, sizeof stub) == GS_OK &&
        (word = gs_arch_stub_word(stub, callee)) && gs_mem_read_addr(native->target->mem, word, &place) == GS_OK)
        return place == start ? FITS : FITS_ANOTHER;
    return FITS_ANOTHER;
}

size_t gs_native_guess(struct gs_native *native, const struct gs_native_copy *copy, gs_addr sp, gs_addr start,
                       gs_addr guesses[GS_GUESSES])
{
    size_t count = 0, better = 0;
    /* When it was called the stack was aligned to 16 bytes, so it is where the frame pointer points. */
    for (gs_addr at = (sp + 15) & ~(gs_addr)15; at - sp < FRAME_MAX && better < GS_GUESSES; at += 16) {
        uint64_t back;
        if (!gs_native_copy_word(copy, at + 8, &back))
            break;
        enum fit fit = judge(native, back, start);
        if (fit == NO_CALL || (fit != FITS && count == GS_GUESSES))
            continue;
        if (fit == FITS && count == GS_GUESSES)
            count--;
        size_t place = fit == FITS ? better++ : count;
        memmove(guesses + place + 1, guesses + place, (count - place) * sizeof *guesses);
        guesses[place] = at;
        count++;
    }
    return count;
}
