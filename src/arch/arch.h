/* What depends on the processor, in one place: x86-64 now. */
#ifndef GS_ARCH_ARCH_H
#define GS_ARCH_ARCH_H

#include <stddef.h>
#include <sys/user.h>

#include "gilspy/mem.h"

/* The machine's number in ELF files, and its name. */
enum { GS_ARCH_ELF_MACHINE = 62 };
#define GS_ARCH_NAME "x86-64"

/* The address of the first variable that the machine code at `at` names, 0 when there is none in it: what tiny
 * functions that only load or store one static variable tell about a stripped program. */
gs_addr gs_arch_first_variable(const uint8_t *code, size_t len, gs_addr at);

/* What the bytes at `code` (at least GS_ARCH_REFERENCE_BYTES), which lie at `at`, would name if they were the
 * displacement at the end of an instruction. */
enum { GS_ARCH_REFERENCE_BYTES = 4 };
gs_addr gs_arch_reference(const uint8_t *code, gs_addr at);

/* What the registers tell of a thread that stands still, as a core has them. */
struct gs_arch_thread {
    int call; /* the system call that it is in, -1: none */
    uint64_t args[6];
    gs_addr self; /* where its thread-local storage begins: glibc's struct pthread */
};
void gs_arch_thread_read(struct gs_arch_thread *thread, const struct user_regs_struct *registers);

#endif
