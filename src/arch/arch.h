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

/* What the dynamic linker writes: the address of a symbol, or one of the image itself, each with the addend. */
enum gs_arch_relocation { GS_ARCH_OF_NOTHING, GS_ARCH_OF_SYMBOL, GS_ARCH_OF_IMAGE };
enum gs_arch_relocation gs_arch_relocation(uint32_t type);

/* Registers by their numbers in DWARF (System V ABI, AMD64 supplement, figure 3.36). */
enum { GS_ARCH_BP = 6, GS_ARCH_SP = 7, GS_ARCH_PC = 16, GS_ARCH_REGISTERS = 17 };
/* Those that a function gives back as it found them (the same, figure 3.4); the stack pointer is one of them. */
#define GS_ARCH_PRESERVED (1u << 3 | 1u << GS_ARCH_BP | 1u << GS_ARCH_SP | 0xfu << 12)
/* Below the stack pointer so many bytes may be in use. */
enum { GS_ARCH_RED_ZONE = 128 };

struct gs_arch_registers {
    uint64_t value[GS_ARCH_REGISTERS];
    uint32_t known; /* a bit for each, the lowest for the first */
};
void gs_arch_registers_read(struct gs_arch_registers *registers, const struct user_regs_struct *from);
/* A thread that was stopped with these had come into a system call. */
bool gs_arch_came_in(const struct user_regs_struct *registers);
/* The byte is an instruction that traps into the debugger as a watched store does: whoever executed it meant that. */
bool gs_arch_is_debug_trap(uint8_t byte);
/* Who runs the virtual machine that this is ("KVMKVMKVM"), "" where it is none. */
enum { GS_ARCH_HYPERVISOR_BYTES = 13 };
void gs_arch_hypervisor(char name[GS_ARCH_HYPERVISOR_BYTES]);

/* Those of a thread in a system call, as far as its arguments tell. */
void gs_arch_registers_of_call(struct gs_arch_registers *registers, const uint64_t args[6], gs_addr sp, gs_addr pc);

/* The bytes before a return address end in a call; *callee: what it calls, 0 when that is told only when it runs. */
enum { GS_ARCH_CALL_BYTES = 7 };
bool gs_arch_is_call(const uint8_t before[GS_ARCH_CALL_BYTES], gs_addr back, gs_addr *callee);
/* The code at `at` only jumps to where a word says: the address of that word, 0 when it does not. */
enum { GS_ARCH_STUB_BYTES = 16 };
gs_addr gs_arch_stub_word(const uint8_t code[GS_ARCH_STUB_BYTES], gs_addr at);

/* What the registers tell of a thread that stands still, as a core has them. */
struct gs_arch_thread {
    int call; /* the system call that it is in, -1: none */
    uint64_t args[6];
    gs_addr self; /* where its thread-local storage begins: glibc's struct pthread */
    struct gs_arch_registers registers;
};
void gs_arch_thread_read(struct gs_arch_thread *thread, const struct user_regs_struct *registers);

#endif
