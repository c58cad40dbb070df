/* A store to memory ends in its displacement and its immediate operand, so that the four bytes before the next
 * instruction are the value, where it is one of ours. A register that is stored is found by its ModRM byte, and
 * believed only when the address that the instruction names is the watched one. */
#include <string.h>

#include "trace/site.h"

enum { OP_STORE = 0x89, OP_STORE_IMMEDIATE = 0xc7, OP_XADD = 0xc1, OP_TWO_BYTES = 0x0f, REX_W = 0x48, REX_MASK = 0xf8 };

/* Numbers of perf's registers (asm/perf_regs.h) by those of the machine: rax rcx rdx rbx rsp rbp rsi rdi r8-r15, as
 * they lie in a sample with GS_PERF_REGISTER_MASK. */
static const uint8_t sampled[16] = {0, 2, 3, 1, 7, 6, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19};

static uint32_t word_before(const uint8_t *bytes, size_t distance)
{
    uint32_t value;
    memcpy(&value, bytes + GS_SITE_BYTES - distance, sizeof value);
    return value;
}

/* A 64-bit instruction of `len` bytes, with a REX prefix, ends here: its opcode and ModRM byte follow. */
static bool is_wide(const uint8_t *bytes, size_t len, uint8_t opcode)
{
    const uint8_t *at = bytes + GS_SITE_BYTES - len;
    return (at[0] & REX_MASK) == REX_W && at[1] == opcode;
}

/* The address that the last `tail` bytes behind the ModRM byte (all but an immediate operand of `operand` bytes) name
 * is addr. modrm at distance `len` - 2 from the end. */
static bool names(const uint8_t *bytes, size_t len, size_t operand, gs_addr ip, gs_addr addr, const uint64_t *registers)
{
    const uint8_t *at = bytes + GS_SITE_BYTES - len;
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
static bool find_register(struct gs_site *site, const uint8_t *bytes, const uint64_t *registers)
{
    static const uint8_t lengths[] = {7, 8, 3, 4};
    for (size_t i = 0; i < sizeof lengths; i++) {
        const uint8_t *at = bytes + GS_SITE_BYTES - lengths[i];
        if (!is_wide(bytes, lengths[i], OP_STORE) || !names(bytes, lengths[i], 0, site->ip, site->addr, registers))
            continue;
        site->from = sampled[(at[2] >> 3 & 7) | (at[0] & 4) << 1];
        site->kind = GS_SITE_EITHER;
        return true;
    }
    return false;
}

/* movq $0, addr */
static bool stores_zero(const struct gs_site *site, const uint8_t *bytes, const uint64_t *registers)
{
    static const uint8_t lengths[] = {11, 12, 7, 8};
    for (size_t i = 0; i < sizeof lengths; i++) {
        if (is_wide(bytes, lengths[i], OP_STORE_IMMEDIATE) && word_before(bytes, 4) == 0 &&
            names(bytes, lengths[i], 4, site->ip, site->addr, registers))
            return true;
    }
    return false;
}

/* lock xadd %reg, (%reg), with or without a displacement of a byte. */
static bool adds(const uint8_t *bytes)
{
    const uint8_t *end = bytes + GS_SITE_BYTES;
    return (end[-3] == OP_TWO_BYTES && end[-2] == OP_XADD && end[-1] >> 6 == 0) ||
           (end[-4] == OP_TWO_BYTES && end[-3] == OP_XADD && end[-2] >> 6 == 1);
}

struct gs_site gs_site_read(const uint8_t bytes[GS_SITE_BYTES], gs_addr ip, gs_addr addr,
                            const struct gs_gil_address *address, const uint64_t *registers)
{
    struct gs_site site = {.ip = ip, .addr = addr, .kind = GS_SITE_UNKNOWN};
    uint32_t value = word_before(bytes, 4);
    if (addr == address->wait)
        site.kind = address->wait_reads || adds(bytes) ? GS_SITE_WAIT : GS_SITE_NOTHING;
    else if (!address->pointer)
        site.kind = value == 1 ? GS_SITE_TAKE : value == 0 ? GS_SITE_DROP : GS_SITE_UNKNOWN;
    else if (stores_zero(&site, bytes, registers))
        site.kind = GS_SITE_DROP;
    else
        find_register(&site, bytes, registers);
    return site;
}

enum gs_site_kind gs_site_now(const struct gs_site *site, const uint64_t *registers)
{
    if (site->kind != GS_SITE_EITHER)
        return site->kind;
    return !registers ? GS_SITE_UNKNOWN : registers[site->from] ? GS_SITE_TAKE : GS_SITE_DROP;
}
