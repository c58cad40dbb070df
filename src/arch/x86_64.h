/* The numbers of x86-64. Only arch.h includes it. */
#ifndef GS_ARCH_X86_64_H
#define GS_ARCH_X86_64_H

/* The machine's number in ELF files (EM_X86_64), and its names. */
enum { GS_ARCH_ELF_MACHINE = 62 };
#define GS_ARCH_NAME  "x86-64"
#define GS_ARCH_UNAME "x86_64"

/* System V ABI, AMD64 supplement, figure 3.36. RETURN: where the rules of a frame say what the caller's PC is. */
enum { GS_ARCH_BP = 6, GS_ARCH_SP = 7, GS_ARCH_PC = 16, GS_ARCH_RETURN = GS_ARCH_PC, GS_ARCH_REGISTERS = 17 };
/* Those that a function gives back as it found them (the same, figure 3.4); the stack pointer is one of them. */
#define GS_ARCH_PRESERVED (1u << 3 | 1u << GS_ARCH_BP | 1u << GS_ARCH_SP | 0xfu << 12)
enum {
    GS_ARCH_RED_ZONE = 128,    /* so many bytes below the stack pointer may be in use */
    GS_ARCH_CALL_CFA = 8,      /* where the caller's frame ends when a function begins: behind the return address */
    GS_ARCH_RECORD_IS_TOP = 1, /* the caller's frame ends behind what the frame pointer points to */
    GS_ARCH_CALL_BYTES = 7,    /* the longest call */
    GS_ARCH_REFERENCE_BYTES = 4,
    GS_ARCH_TRAP_BACK = 1,
    GS_ARCH_SIGNAL_BYTES = 9
};

/* A return address as a function stored it, and the address that it is of. */
static inline uint64_t gs_arch_code_address(uint64_t stored)
{
    return stored;
}

/* The frame pointer of a function whose return address lies in `slot` and whose caller's frame ends `offset` bytes
 * above it. */
static inline uint64_t gs_arch_frame_pointer(uint64_t slot, int64_t offset)
{
    return slot + 8 - (uint64_t)offset;
}

/* An instruction of the unwind tables that is this processor's own, and changes no rule. */
static inline int gs_arch_is_own_cfa(unsigned op)
{
    (void)op;
    return 0;
}

/* glibc: sizeof pthread_mutex_t (sysdeps/x86/nptl); in struct pthread (nptl/descr.h; seen in 2.31 to 2.43): the
 * thread's id for itself, and whether it begins with its own address, twice (tcbhead_t, sysdeps/x86_64/nptl/tls.h). */
enum { GS_ARCH_MUTEX_BYTES = 40, GS_ARCH_PTHREAD_TID = 720, GS_ARCH_PTHREAD_HAS_SELF = 1 };
/* musl: the same in its struct pthread (src/internal/pthread_impl.h, 1.2.3). */
enum { GS_ARCH_MUSL_TID = 48 };

/* perf: all general registers, and none of the segments that 64-bit processes have no use for (asm/perf_regs.h), and
 * how many these are; how many addresses can be watched at once. */
#define GS_ARCH_PERF_MASK UINT64_C(0xff0fff)
enum { GS_ARCH_PERF_REGISTERS = 20, GS_ARCH_WATCHES = 4 };
/* The exception of a watch comes after the store: the sample's ip is the instruction that follows. */
enum { GS_ARCH_WATCH_BEFORE = 0, GS_ARCH_STORE_BACK = 16, GS_ARCH_STORE_BYTES = 16 };

#endif
