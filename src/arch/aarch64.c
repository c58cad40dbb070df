/* aarch64: static variables are addressed by the page that they lie in, relative to the instruction (Arm Architecture
 * Reference Manual, C6.2: encodings). Each instruction has four bytes. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "arch/arch.h"

enum {
    WORD = 4,
    CALL_NUMBER = 8, /* the register that has it, with arguments from the first on */
    PAGE_SHIFT = 12
};
static const uint32_t svc = 0xd4000001, ret = 0xd65f03c0, bti_c = 0xd503245f;

static uint32_t word_at(const uint8_t *code)
{
    uint32_t word;
    memcpy(&word, code, sizeof word);
    return word;
}

/* adrp: the page relative to that of the instruction at `at`. */
static bool makes_page(uint32_t word, gs_addr at, unsigned *reg, gs_addr *page)
{
    if ((word & 0x9f000000) != 0x90000000)
        return false;
    int64_t pages = gs_arch_signed_bits(word >> 5 << 2 | (word >> 29 & 3), 21);
    *reg = word & 31;
    *page = (at >> PAGE_SHIFT << PAGE_SHIFT) + ((gs_addr)pages << PAGE_SHIFT);
    return true;
}

/* What is named by `word` in the page that the register points to: an addition, or an access of 1 to 8 bytes. */
static bool names_in_page(uint32_t word, unsigned reg, gs_addr page, gs_addr *variable)
{
    unsigned scale;
    if ((word >> 5 & 31) != reg)
        return false;
    if ((word & 0xffc00000) == 0x91000000)
        scale = 0;
    else if ((word & 0x3f000000) == 0x39000000)
        scale = word >> 30;
    else
        return false;
    *variable = page + ((gs_addr)(word >> 10 & 0xfff) << scale);
    return true;
}

gs_addr gs_arch_first_variable(const uint8_t *code, size_t len, gs_addr at)
{
    unsigned reg = GS_ARCH_REGISTERS;
    gs_addr page = 0, variable;
    for (size_t i = 0; i + WORD <= len && word_at(code + i) != ret; i += WORD) {
        if (names_in_page(word_at(code + i), reg, page, &variable))
            return variable;
        makes_page(word_at(code + i), at + i, &reg, &page);
    }
    return 0;
}

gs_addr gs_arch_reference(const uint8_t *code, gs_addr at)
{
    unsigned reg;
    gs_addr page, variable;
    return at % WORD == 0 && makes_page(word_at(code), at, &reg, &page) &&
                   names_in_page(word_at(code + WORD), reg, page, &variable)
               ? variable
               : 0;
}

enum gs_arch_relocation gs_arch_relocation(uint32_t type)
{
    bool of_symbol = type == R_AARCH64_ABS64 || type == R_AARCH64_GLOB_DAT || type == R_AARCH64_JUMP_SLOT;
    return of_symbol ? GS_ARCH_OF_SYMBOL : type == R_AARCH64_RELATIVE ? GS_ARCH_OF_IMAGE : GS_ARCH_OF_NOTHING;
}

void gs_arch_registers_read(struct gs_arch_registers *registers, const gs_arch_regset *r)
{
    *registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_REGISTERS) - 1};
    memcpy(registers->value, r->regs, sizeof r->regs);
    registers->value[GS_ARCH_SP] = r->sp;
    registers->value[GS_ARCH_PC] = r->pc;
}

void gs_arch_registers_of_call(struct gs_arch_registers *registers, const uint64_t args[6], gs_addr sp, gs_addr pc)
{
    *registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC) | 0x3f};
    memcpy(registers->value, args, 6 * sizeof *args);
    registers->value[GS_ARCH_SP] = sp;
    registers->value[GS_ARCH_PC] = pc;
}

/* The kernel does not tell of a stopped thread whether it is in a system call: the number is forgotten before a tracer
 * or a core sees it, and the program counter goes back onto the call if that is to begin anew (do_signal in
 * arch/arm64/kernel/signal.c, 6.1). */
static bool stands_at_call(const gs_arch_regset *registers, struct gs_mem *mem, bool *before)
{
    uint32_t words[2];
    if (gs_mem_read(mem, registers->pc - sizeof *words, words, sizeof words) != GS_OK)
        return false;
    *before = words[1] == svc;
    return *before || words[0] == svc;
}

bool gs_arch_came_in(const gs_arch_regset *registers, struct gs_mem *mem)
{
    bool before;
    return stands_at_call(registers, mem, &before);
}

bool gs_arch_is_debug_trap(uint32_t word)
{
    return (word & 0xffe0001f) == 0xd4200000; /* brk */
}

void gs_arch_hypervisor(char name[GS_ARCH_HYPERVISOR_BYTES])
{
    name[0] = '\0'; /* no instruction tells a program */
}

bool gs_arch_is_call(const uint8_t before[GS_ARCH_CALL_BYTES], gs_addr back, gs_addr *callee)
{
    uint32_t word = word_at(before);
    *callee = 0;
    if ((word & 0xfc000000) == 0x94000000) { /* bl */
        *callee = back - WORD + (gs_addr)(gs_arch_signed_bits(word, 26) * WORD);
        return true;
    }
    return (word & 0xfffffc1f) == 0xd63f0000 || /* blr */
           (word & 0xfffff81f) == 0xd63f081f || /* blraaz, blrabz */
           (word & 0xfffff800) == 0xd73f0800;   /* blraa, blrab */
}

gs_addr gs_arch_stub_word(const uint8_t code[GS_ARCH_STUB_BYTES], gs_addr at)
{
    size_t i = word_at(code) == bti_c ? WORD : 0;
    uint32_t load = word_at(code + i + WORD);
    return (load & 0xffc00000) == 0xf9400000 ? gs_arch_reference(code + i, at + i) : 0;
}

/* Whoever calls a handler returns to the vdso, which has no rules for that on purpose, so that unwinders know it by its
 * instructions (arch/arm64/kernel/vdso/sigreturn.S, 6.1): mov x8, __NR_rt_sigreturn; svc. The frame is a siginfo_t,
 * then a ucontext_t (struct rt_sigframe, arch/arm64/kernel/signal.c), of which regs, sp and pc follow each other. */
gs_addr gs_arch_signal_registers(const uint8_t code[GS_ARCH_SIGNAL_BYTES], gs_addr sp)
{
    bool ends = word_at(code) == 0xd2801168 && word_at(code + WORD) == svc;
    return ends ? sp + sizeof(siginfo_t) + offsetof(ucontext_t, uc_mcontext.regs) : 0;
}

unsigned gs_arch_signal_place(unsigned reg)
{
    return reg;
}

/* A call that is to begin anew has its first argument again; of one that failed by EINTR it is lost. */
void gs_arch_thread_read(struct gs_arch_thread *thread, const gs_arch_regset *registers, struct gs_mem *mem)
{
    bool before;
    *thread = (struct gs_arch_thread){.call = -1};
    gs_arch_registers_read(&thread->registers, registers);
    if (!stands_at_call(registers, mem, &before) || (!before && registers->regs[0] != (uint64_t)-EINTR) ||
        registers->regs[CALL_NUMBER] > INT32_MAX)
        return;
    thread->call = (int)registers->regs[CALL_NUMBER];
    memcpy(thread->args, registers->regs, sizeof thread->args);
    if (!before)
        thread->args[0] = UINT64_MAX;
}
