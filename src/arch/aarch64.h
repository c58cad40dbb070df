/* The numbers of aarch64. Only arch.h includes it. */
#ifndef GS_ARCH_AARCH64_H
#define GS_ARCH_AARCH64_H

/* The machine's number in ELF files (EM_AARCH64), and its names. */
enum { GS_ARCH_ELF_MACHINE = 183 };
#define GS_ARCH_NAME  "aarch64"
#define GS_ARCH_UNAME "aarch64"

/* DWARF for the Arm 64-bit Architecture, 4.1: x0 to x30, SP, PC. RETURN: the link register, which the rules of a frame
 * speak of where they say what the caller's PC is. */
enum { GS_ARCH_BP = 29, GS_ARCH_RETURN = 30, GS_ARCH_SP = 31, GS_ARCH_PC = 32, GS_ARCH_REGISTERS = 33 };
/* Those that a function gives back as it found them (AAPCS64, 6.1.1), and the link register, in which a function that
 * calls none leaves its return address. */
#define GS_ARCH_PRESERVED (UINT64_C(0xfff) << 19 | UINT64_C(1) << GS_ARCH_SP)
enum {
    GS_ARCH_RED_ZONE = 0, /* nothing below the stack pointer is in use (AAPCS64, 6.2.2) */
    GS_ARCH_CALL_CFA = 0,
    GS_ARCH_RECORD_IS_TOP = 0, /* the frame record may lie anywhere in the frame (AAPCS64, 6.2.3) */
    GS_ARCH_CALL_BYTES = 4,
    GS_ARCH_REFERENCE_BYTES = 8,
    GS_ARCH_TRAP_BACK = 0,
    GS_ARCH_SIGNAL_BYTES = 8
};

/* The lowest bits as a signed number, as instructions have them. */
static inline int64_t gs_arch_signed_bits(uint32_t value, unsigned bits)
{
    uint32_t sign = UINT32_C(1) << (bits - 1);
    return (int64_t)((value & (2 * sign - 1)) ^ sign) - (int64_t)sign;
}

/* A return address without the signature that pointer authentication has put into the bits above those of addresses:
 * 48, as no process has an address above that unless it asks mmap for one (Documentation/arch/arm64/memory.rst). */
static inline uint64_t gs_arch_code_address(uint64_t stored)
{
    return stored & ((UINT64_C(1) << 48) - 1);
}

/* The frame pointer of a function whose return address lies in `slot`: it points to the frame record, of which that is
 * the second word. */
static inline uint64_t gs_arch_frame_pointer(uint64_t slot, int64_t offset)
{
    (void)offset;
    return slot - 8;
}

/* DW_CFA_AARCH64_negate_ra_state: from here on the return address is signed, or no longer. */
static inline int gs_arch_is_own_cfa(unsigned op)
{
    return op == 0x2d;
}

/* glibc: sizeof pthread_mutex_t (sysdeps/aarch64/nptl/bits/pthreadtypes-arch.h); in struct pthread
 * (nptl/descr.h, 2.36): the thread's id for itself, behind 24 words of padding and a list's two. */
enum { GS_ARCH_MUTEX_BYTES = 48, GS_ARCH_PTHREAD_TID = 208, GS_ARCH_PTHREAD_HAS_SELF = 0 };
/* musl: the same in its struct pthread (src/internal/pthread_impl.h, TLS_ABOVE_TP). */
enum { GS_ARCH_MUSL_TID = 32 };

/* perf: x0 to x30, SP and PC (asm/perf_regs.h). */
#define GS_ARCH_PERF_MASK UINT64_C(0x1ffffffff)
enum { GS_ARCH_PERF_REGISTERS = 33, GS_ARCH_WATCHES = 4 };
/* The exception of a watch comes before the store, which is at the sample's ip then, has no value in itself, and is
 * stepped over by the kernel: exclusive loads and stores never get on, and a signal makes it come twice
 * (arch/arm64/kernel/hw_breakpoint.c, 6.1). */
enum { GS_ARCH_WATCH_BEFORE = 1, GS_ARCH_STORE_BACK = 0, GS_ARCH_STORE_BYTES = 4 };

#endif
