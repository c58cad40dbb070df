/* x86-64: static variables are addressed relative to the instruction pointer. */
#include <errno.h>
#include <string.h>

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

void gs_arch_thread_read(struct gs_arch_thread *thread, const struct user_regs_struct *registers)
{
    const struct user_regs_struct *r = registers;
    *thread = (struct gs_arch_thread){.call = -1, .self = r->fs_base};
    if (r->orig_rax > INT32_MAX || !interrupted(r->rax))
        return;
    const uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    thread->call = (int)r->orig_rax;
    memcpy(thread->args, args, sizeof args);
}
