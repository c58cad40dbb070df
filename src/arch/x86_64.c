/* x86-64: static variables are addressed relative to the instruction pointer. */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "arch/arch.h"

/* An instruction with a 32-bit displacement from its own end: its first bytes, and how many immediate bytes follow. */
struct form {
    uint8_t bytes[3];
    uint8_t len, immediate;
};

static const struct form forms[] = {
    {{0x48, 0x8b, 0x05}, 3, 0}, /* mov rax, [rip+x] */
    {{0x8b, 0x05}, 2, 0},       /* mov eax, [rip+x] */
    {{0x48, 0x83, 0x3d}, 3, 1}, /* cmp qword [rip+x], imm8 */
    {{0x83, 0x3d}, 2, 1},       /* cmp dword [rip+x], imm8 */
    {{0x48, 0x89, 0x3d}, 3, 0}, /* mov [rip+x], rdi */
    {{0x48, 0x89, 0x05}, 3, 0}, /* mov [rip+x], rax */
};

gs_addr gs_arch_first_variable(const uint8_t *code, size_t len, gs_addr at)
{
    for (size_t i = 0; i < len && code[i] != 0xc3 /* ret */; i++) {
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            const struct form *form = &forms[k];
            size_t end = i + form->len + 4 + form->immediate;
            if (end > len || memcmp(code + i, form->bytes, form->len) != 0)
                continue;
            int32_t displacement;
            memcpy(&displacement, code + i + form->len, sizeof displacement);
            return at + end + (gs_addr)(int64_t)displacement;
        }
    }
    return 0;
}

gs_addr gs_arch_reference(const uint8_t *code, gs_addr at)
{
    int32_t displacement;
    memcpy(&displacement, code, sizeof displacement);
    return at + sizeof displacement + (gs_addr)(int64_t)displacement;
}

void gs_arch_registers_of_call(struct gs_arch_registers *registers, const uint64_t args[6], gs_addr sp, gs_addr pc)
{
    static const uint8_t numbers[6] = {5, 4, 1, 10, 8, 9}; /* rdi, rsi, rdx, r10, r8, r9 */
    *registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC)};
    registers->value[GS_ARCH_SP] = sp;
    registers->value[GS_ARCH_PC] = pc;
    for (size_t i = 0; i < sizeof numbers; i++) {
        registers->value[numbers[i]] = args[i];
        registers->known |= GS_ARCH_BIT(numbers[i]);
    }
}

void gs_arch_registers_read(struct gs_arch_registers *registers, const gs_arch_regset *r)
{
    *registers =
        (struct gs_arch_registers){.value = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
                                             r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip},
                                   .known = GS_ARCH_BIT(GS_ARCH_REGISTERS) - 1};
}

enum gs_arch_relocation gs_arch_relocation(uint32_t type)
{
    bool of_symbol = type == R_X86_64_64 || type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT;
    return of_symbol ? GS_ARCH_OF_SYMBOL : type == R_X86_64_RELATIVE ? GS_ARCH_OF_IMAGE : GS_ARCH_OF_NOTHING;
}

bool gs_arch_came_in(const gs_arch_regset *registers, struct gs_mem *mem)
{
    (void)mem;
    return registers->orig_rax <= INT32_MAX;
}

bool gs_arch_is_debug_trap(uint32_t word)
{
    return (uint8_t)word == 0xf1; /* int1; int3 raises another exception, which the kernel tells apart */
}

/* Leaf 1 says in the highest bit of ecx whether there is a hypervisor, leaf 0x40000000 whose it is (Linux:
 * arch/x86/kernel/cpu/hypervisor.c). */
void gs_arch_hypervisor(char name[GS_ARCH_HYPERVISOR_BYTES])
{
    unsigned eax, words[3], ecx = 0, unused;
    memset(name, 0, GS_ARCH_HYPERVISOR_BYTES);
    if (!__get_cpuid(1, &eax, &unused, &ecx, &unused) || !(ecx >> 31))
        return;
    __cpuid(0x40000000, eax, words[0], words[1], words[2]);
    memcpy(name, words, sizeof words);
    for (size_t i = 0; name[i]; i++)
        name[i] = name[i] >= ' ' && name[i] < 0x7f ? name[i] : '?';
    if (!name[0])
        strcpy(name, "not named");
}

/* The length of a ModRM byte and what follows it, for the group of near indirect calls (opcode ff /2). */
static size_t indirect_bytes(const uint8_t *modrm, bool has_sib)
{
    unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7;
    size_t len = 1 + (mod != 3 && rm == 4);
    if (mod == 3)
        return len;
    if (mod == 0)
        return len + (rm == 5 || (rm == 4 && has_sib && (modrm[1] & 7) == 5) ? 4 : 0);
    return len + (mod == 1 ? 1 : 4);
}

bool gs_arch_is_call(const uint8_t before[GS_ARCH_CALL_BYTES], gs_addr back, gs_addr *callee)
{
    const uint8_t *end = before + GS_ARCH_CALL_BYTES;
    *callee = 0;
    if (end[-5] == 0xe8) { /* call rel32 */
        *callee = gs_arch_reference(end - 4, back - 4);
        return true;
    }
    for (size_t len = 1; len < GS_ARCH_CALL_BYTES; len++) {
        const uint8_t *modrm = end - len;
        if (modrm[-1] == 0xff && (modrm[0] >> 3 & 7) == 2 && indirect_bytes(modrm, len > 1) == len)
            return true;
    }
    return false;
}

gs_addr gs_arch_stub_word(const uint8_t code[GS_ARCH_STUB_BYTES], gs_addr at)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    size_t i = memcmp(code, endbr64, sizeof endbr64) == 0 ? sizeof endbr64 : 0;
    i += code[i] == 0xf2;                         /* bnd */
    return code[i] == 0xff && code[i + 1] == 0x25 /* jmp *[rip+x] */
               ? gs_arch_reference(code + i + 2, at + i + 2)
               : 0;
}

/* What the kernel has in rax for a call that a signal or a tracer interrupted: it restarts or fails when the thread
 * goes on (include/linux/errno.h: ERESTARTSYS and the like are no errors that a program sees), and before a call
 * returned anything (arch/x86/entry/entry_64.S). */
static bool interrupted(uint64_t rax)
{
    enum { ERESTARTSYS = 512, ERESTART_RESTARTBLOCK = 516 };
    int64_t result = (int32_t)rax;
    bool sign_extended = rax >> 32 == 0 || rax >> 32 == UINT32_MAX;
    return sign_extended &&
           (result == -ENOSYS || result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK));
}

/* musl's __restore_rt (src/signal/x86_64/restore.s, 1.2.3), for which there are no rules, as glibc has them. What lies
 * at the stack pointer is a ucontext_t (struct rt_sigframe, arch/x86/include/asm/sigframe.h). */
gs_addr gs_arch_signal_registers(const uint8_t code[GS_ARCH_SIGNAL_BYTES], gs_addr sp)
{
    static const uint8_t restore[GS_ARCH_SIGNAL_BYTES] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    return memcmp(code, restore, sizeof restore) == 0 ? sp + offsetof(ucontext_t, uc_mcontext.gregs) : 0;
}

unsigned gs_arch_signal_place(unsigned reg)
{
    static const uint8_t places[GS_ARCH_REGISTERS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                                      REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                      REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    return places[reg];
}

void gs_arch_thread_read(struct gs_arch_thread *thread, const gs_arch_regset *registers, struct gs_mem *mem)
{
    const gs_arch_regset *r = registers;
    (void)mem;
    *thread = (struct gs_arch_thread){.call = -1, .self = r->fs_base};
    gs_arch_registers_read(&thread->registers, registers);
    if (r->orig_rax > INT32_MAX || !interrupted(r->rax))
        return;
    const uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    thread->call = (int)r->orig_rax;
    memcpy(thread->args, args, sizeof args);
}
