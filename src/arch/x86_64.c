/* x86-64: static variables are addressed relative to the instruction pointer. */
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
