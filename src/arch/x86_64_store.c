/* A store to memory ends in its displacement and its immediate operand, so that the four bytes before the next
 * instruction are the value, where it is one of ours. A register that is stored is found by its ModRM byte, and
 * believed only when the address that the instruction names is the watched one. */
#include <string.h>

#include "arch/arch.h"

enum {
    OP_STORE = 0x89,
    OP_STORE_BYTE = 0xc6,
    OP_STORE_IMMEDIATE = 0xc7,
    OP_XADD = 0xc1,
    OP_CMPXCHG = 0xb1,
    OP_TWO_BYTES = 0x0f,
    REX_W = 0x48,
    REX_MASK = 0xf8,
    TAIL_MOST = 5
};

/* Numbers of perf's registers (asm/perf_regs.h) by those of the machine: rax rcx rdx rbx rsp rbp rsi rdi r8-r15, as
 * they lie in a sample with GS_ARCH_PERF_MASK. */
static const uint8_t sampled[16] = {0, 2, 3, 1, 7, 6, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19};

bool gs_arch_steps(const gs_arch_regset *registers)
{
    (void)registers;
    return false;
}

static uint32_t word_before(const uint8_t *bytes, size_t distance)
{
    uint32_t value;
    memcpy(&value, bytes + GS_ARCH_STORE_BYTES - distance, sizeof value);
    return value;
}

/* So many bytes follow a ModRM byte that names memory. */
static size_t tail_of(uint8_t modrm)
{
    size_t sib = (modrm & 7) == 4;
    switch (modrm >> 6) {
    case 0:
        return (modrm & 7) == 5 ? 4 : sib;
    case 1:
        return 1 + sib;
    default:
        return 4 + sib;
    }
}

/* movb $value, addr or movw: its first byte. */
static bool stores_byte(const uint8_t *bytes, uint32_t *value)
{
    for (size_t operand = 1; operand <= 2; operand++) {
        for (size_t tail = 0; tail <= TAIL_MOST; tail++) {
            const uint8_t *at = bytes + GS_ARCH_STORE_BYTES - operand - tail - 2;
            if (at[0] == (operand == 1 ? OP_STORE_BYTE : OP_STORE_IMMEDIATE) && at[1] >> 6 != 3 &&
                (at[1] >> 3 & 7) == 0 && tail_of(at[1]) == tail)
                return *value = bytes[GS_ARCH_STORE_BYTES - operand], true;
        }
    }
    return false;
}

/* A 64-bit instruction of `len` bytes, with a REX prefix, ends here: its opcode and ModRM byte follow. */
static bool is_wide(const uint8_t *bytes, size_t len, uint8_t opcode)
{
    const uint8_t *at = bytes + GS_ARCH_STORE_BYTES - len;
    return (at[0] & REX_MASK) == REX_W && at[1] == opcode;
}

/* The address that the last `tail` bytes behind the ModRM byte (all but an immediate operand of `operand` bytes) name
 * is addr. modrm at distance `len` - 2 from the end. */
static bool names(const uint8_t *bytes, size_t len, size_t operand, gs_addr ip, gs_addr addr, const uint64_t *registers)
{
    const uint8_t *at = bytes + GS_ARCH_STORE_BYTES - len;
    uint8_t rex = at[0], mod = at[2] >> 6, base = at[2] & 7;
    size_t tail = len - 3 - operand;
    if (mod == 0 && base == 5) /* relative to the instruction that follows */
        return tail == 4 && ip + (gs_addr)(int64_t)(int32_t)word_before(bytes, operand + 4) == addr;
    if (mod == 0 && base == 4) /* a SIB byte, here without base and index */
        return tail == 5 && at[3] == 0x25 && (gs_addr)(int64_t)(int32_t)word_before(bytes, operand + 4) == addr;
    if (!registers || mod == 3 || base == 4)
        return false;
    gs_addr from = registers[sampled[base | (rex & 1) << 3]];
    if (mod == 0)
        return tail == 0 && from == addr;
    if (mod == 1)
        return tail == 1 && from + (gs_addr)(int64_t)(int8_t)at[3] == addr;
    return tail == 4 && from + (gs_addr)(int64_t)(int32_t)word_before(bytes, operand + 4) == addr;
}

/* mov %reg, addr */
static bool stores_register(const uint8_t *bytes, gs_addr ip, gs_addr addr, const uint64_t *registers, uint8_t *from)
{
    static const uint8_t lengths[] = {7, 8, 3, 4};
    for (size_t i = 0; i < sizeof lengths; i++) {
        const uint8_t *at = bytes + GS_ARCH_STORE_BYTES - lengths[i];
        if (!is_wide(bytes, lengths[i], OP_STORE) || !names(bytes, lengths[i], 0, ip, addr, registers))
            continue;
        *from = sampled[(at[2] >> 3 & 7) | (at[0] & 4) << 1];
        return true;
    }
    return false;
}

/* movq $0, addr */
static bool stores_zero(const uint8_t *bytes, gs_addr ip, gs_addr addr, const uint64_t *registers)
{
    static const uint8_t lengths[] = {11, 12, 7, 8};
    for (size_t i = 0; i < sizeof lengths; i++) {
        if (is_wide(bytes, lengths[i], OP_STORE_IMMEDIATE) && word_before(bytes, 4) == 0 &&
            names(bytes, lengths[i], 4, ip, addr, registers))
            return true;
    }
    return false;
}

struct gs_arch_store gs_arch_store(const uint8_t bytes[GS_ARCH_STORE_BYTES], gs_addr ip, gs_addr addr, uint8_t len,
                                   const uint64_t *registers)
{
    struct gs_arch_store store = {.value = len == 4 ? word_before(bytes, 4) : 0};
    if (len == 1 ? stores_byte(bytes, &store.value) : len == 4 || stores_zero(bytes, ip, addr, registers))
        store.how = GS_ARCH_STORE_VALUE;
    else if (len == 8 && stores_register(bytes, ip, addr, registers, &store.from))
        store.how = GS_ARCH_STORE_REGISTER;
    return store;
}

static bool has_two_bytes(const uint8_t bytes[GS_ARCH_STORE_BYTES], uint8_t opcode)
{
    for (size_t tail = 0; tail <= TAIL_MOST; tail++) {
        const uint8_t *at = bytes + GS_ARCH_STORE_BYTES - tail - 3;
        if (at[0] == OP_TWO_BYTES && at[1] == opcode && at[2] >> 6 != 3 && tail_of(at[2]) == tail)
            return true;
    }
    return false;
}

/* lock xadd %reg, addr */
bool gs_arch_store_adds(const uint8_t bytes[GS_ARCH_STORE_BYTES])
{
    return has_two_bytes(bytes, OP_XADD);
}

/* lock cmpxchg %reg, addr */
bool gs_arch_store_compares(const uint8_t bytes[GS_ARCH_STORE_BYTES])
{
    return has_two_bytes(bytes, OP_CMPXCHG);
}
