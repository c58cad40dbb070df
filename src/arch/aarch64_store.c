/* A store has no value in itself but zero: the register tells it, which a sample has as it was before the store.
 * Encodings: Arm Architecture Reference Manual, C4.1 (loads and stores). */
#include <string.h>

#include "arch/arch.h"

enum { ZERO = 31 /* as what is stored; as what is pointed with: the stack pointer, whose place in a sample it is */ };
static const uint64_t single_step = UINT64_C(1) << 21; /* PSTATE.SS: DBG_SPSR_SS of asm/debug-monitors.h */

/* At what the registers point to: one or two of `bytes`. */
struct form {
    int64_t offset;
    unsigned bytes, count;
};

/* str, strh and strb (unsigned offset, before and after it is added, unscaled, by a register), stlr and stlur; stp. */
static bool read_form(uint32_t word, const uint64_t *registers, struct form *form)
{
    unsigned size = word >> 30;
    bool two = (word & 0x7e400000) == 0x28000000;
    *form = (struct form){.bytes = two ? 4u << (size >> 1) : 1u << size, .count = two ? 2 : 1};
    if (two)
        form->offset = (word >> 23 & 3) == 1 ? 0 : gs_arch_signed_bits(word >> 15, 7) * (int64_t)form->bytes;
    else if ((word & 0x3fc00000) == 0x39000000)
        form->offset = (int64_t)((word >> 10 & 0xfff) << size);
    else if ((word & 0x3fe00000) == 0x38000000 || (word & 0x3fe00c00) == 0x19000000)
        form->offset = (word >> 10 & 3) == 1 ? 0 : gs_arch_signed_bits(word >> 12, 9);
    else if ((word & 0x3fe0ec00) == 0x38206800) /* a register of 64 bits */
        form->offset =
            (word >> 16 & 31) == ZERO ? 0 : (int64_t)(registers[word >> 16 & 31] << (word >> 12 & 1 ? size : 0));
    else
        return (word & 0x3ffffc00) == 0x089ffc00;
    return true;
}

/* The one of two that begins at addr; zero may be stored from before it on. */
struct gs_arch_store gs_arch_store(const uint8_t bytes[GS_ARCH_STORE_BYTES], gs_addr ip, gs_addr addr, uint8_t len,
                                   const uint64_t *registers)
{
    struct gs_arch_store store = {.how = GS_ARCH_STORE_UNKNOWN};
    struct form form;
    uint32_t word;
    (void)ip;
    memcpy(&word, bytes, sizeof word);
    if (!registers || !read_form(word, registers, &form))
        return store;
    uint64_t distance = addr - (registers[word >> 5 & 31] + (uint64_t)form.offset);
    if (distance >= (uint64_t)form.bytes * form.count || form.bytes - distance % form.bytes < len)
        return store;
    store.from = (uint8_t)((distance < form.bytes ? word : word >> 10) & 31);
    if (store.from == ZERO)
        store.how = GS_ARCH_STORE_VALUE;
    else if (distance % form.bytes == 0)
        store.how = GS_ARCH_STORE_REGISTER;
    return store;
}

/* Such words are not watched. */
bool gs_arch_store_compares(const uint8_t bytes[GS_ARCH_STORE_BYTES])
{
    (void)bytes;
    return false;
}

bool gs_arch_store_adds(const uint8_t bytes[GS_ARCH_STORE_BYTES])
{
    (void)bytes;
    return false;
}

/* The kernel tells a tracer what it will return to. PTRACE_CONT would end the step (ptrace_resume in kernel/ptrace.c),
 * by whose exception the thread's watches are enabled again (reinstall_suspended_bps in
 * arch/arm64/kernel/hw_breakpoint.c, 6.1). */
bool gs_arch_steps(const gs_arch_regset *registers)
{
    return registers->pstate & single_step;
}
