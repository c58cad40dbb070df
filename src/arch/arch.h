/* What depends on the processor, in one place: this header, a header of its numbers, and a source file. */
#ifndef GS_ARCH_ARCH_H
#define GS_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "gilspy/mem.h"
#if defined __x86_64__
#include "arch/x86_64.h"
#elif defined __aarch64__
#include "arch/aarch64.h"
#else
#error "gilspy is for x86-64 and aarch64"
#endif

/* The registers of a thread as the kernel hands them out (NT_PRSTATUS). */
typedef struct user_regs_struct gs_arch_regset;

/* The address of the first variable that the machine code at `at` names, 0 when there is none in it: what tiny
 * functions that only load or store one static variable tell about a stripped program. */
gs_addr gs_arch_first_variable(const uint8_t *code, size_t len, gs_addr at);

/* What the bytes at `code` (at least GS_ARCH_REFERENCE_BYTES), which lie at `at`, would name if they were an
 * instruction's displacement, or instructions that make an address; 0: they cannot be. */
gs_addr gs_arch_reference(const uint8_t *code, gs_addr at);

/* What the dynamic linker writes: the address of a symbol, or one of the image itself, each with the addend. */
enum gs_arch_relocation { GS_ARCH_OF_NOTHING, GS_ARCH_OF_SYMBOL, GS_ARCH_OF_IMAGE };
enum gs_arch_relocation gs_arch_relocation(uint32_t type);

/* Registers by their numbers in DWARF. */
struct gs_arch_registers {
    uint64_t value[GS_ARCH_REGISTERS];
    uint64_t known; /* a bit for each, the lowest for the first */
};
#define GS_ARCH_BIT(reg) (UINT64_C(1) << (reg))
void gs_arch_registers_read(struct gs_arch_registers *registers, const gs_arch_regset *from);
/* A thread of that memory that was stopped with these had come into a system call. */
bool gs_arch_came_in(const gs_arch_regset *registers, struct gs_mem *mem);
/* The word GS_ARCH_TRAP_BACK bytes before the program counter is an instruction that traps into the debugger as a
 * watched store does: whoever executed it meant that. */
bool gs_arch_is_debug_trap(uint32_t word);
/* Who runs the virtual machine that this is ("KVMKVMKVM"), "" where it is none, or is not told. */
enum { GS_ARCH_HYPERVISOR_BYTES = 13 };
void gs_arch_hypervisor(char name[GS_ARCH_HYPERVISOR_BYTES]);

/* Those of a thread in a system call, as far as its arguments tell. */
void gs_arch_registers_of_call(struct gs_arch_registers *registers, const uint64_t args[6], gs_addr sp, gs_addr pc);

/* The bytes before a return address end in a call; *callee: what it calls, 0 when that is told only when it runs. */
bool gs_arch_is_call(const uint8_t before[GS_ARCH_CALL_BYTES], gs_addr back, gs_addr *callee);
/* The code at `at` only jumps to where a word says: the address of that word, 0 when it does not. */
enum { GS_ARCH_STUB_BYTES = 16 };
gs_addr gs_arch_stub_word(const uint8_t code[GS_ARCH_STUB_BYTES], gs_addr at);

/* The code at a place without unwind rules ends a signal handler, whose frame lies at sp: where that has the registers
 * of whom the signal interrupted; 0: it does not. */
gs_addr gs_arch_signal_registers(const uint8_t code[GS_ARCH_SIGNAL_BYTES], gs_addr sp);
/* Which of these a register is. */
unsigned gs_arch_signal_place(unsigned reg);

/* What the registers tell of a thread that stands still, as a core has them, whose memory is mem. */
struct gs_arch_thread {
    int call; /* the system call that it is in, -1: none */
    uint64_t args[6];
    gs_addr self; /* the C library's struct of the thread, 0: not told */
    struct gs_arch_registers registers;
};
void gs_arch_thread_read(struct gs_arch_thread *thread, const gs_arch_regset *registers, struct gs_mem *mem);

/* ---- stores to a watched word ----
 *
 * bytes: GS_ARCH_STORE_BYTES, which begin GS_ARCH_STORE_BACK before the ip of perf's sample. registers: as a sample has
 * them when GS_ARCH_PERF_MASK is asked for; NULL: there are none. */
enum gs_arch_store_how { GS_ARCH_STORE_UNKNOWN, GS_ARCH_STORE_VALUE, GS_ARCH_STORE_REGISTER };
struct gs_arch_store {
    enum gs_arch_store_how how;
    uint32_t value; /* that it has in itself, */
    uint8_t from;   /* or the place among `registers` of the one that it stores */
};
/* What is stored to the word of len bytes (1, 4 or 8) at addr. */
struct gs_arch_store gs_arch_store(const uint8_t bytes[GS_ARCH_STORE_BYTES], gs_addr ip, gs_addr addr, uint8_t len,
                                   const uint64_t *registers);
/* It stores to a word if that is what it expects. */
bool gs_arch_store_compares(const uint8_t bytes[GS_ARCH_STORE_BYTES]);
/* It adds to a word, and has what that was. */
bool gs_arch_store_adds(const uint8_t bytes[GS_ARCH_STORE_BYTES]);
/* Of GS_ARCH_WATCH_BEFORE: a thread that stands still with these is to step over a watched store, and not on without
 * that, or none of its stores is seen any more. */
bool gs_arch_steps(const gs_arch_regset *registers);

#endif
