/* aarch64: what an instruction does to a GIL, by itself and by the registers that it uses. */
#include "trace/site.h"
#include "support/unit.h"

enum { IP = 0x555555600000, OWNER = 0x555555800010, WAIT = 0x555555800000, SP = 31 };

static const struct gs_gil_address word = {
    .owner = OWNER, .owner_len = 4, .wait = WAIT, .wait_len = 8, .wait_reads = true};
static const struct gs_gil_address world = {.owner = OWNER + 1, .owner_len = 1, .world = true};

static struct gs_site read_site(uint32_t code, const struct gs_gil_address *address, const uint64_t *registers)
{
    return gs_site_read((const uint8_t *)&code, IP, address->owner, address, registers);
}

UNIT_TEST(zero_is_stored_by_its_register)
{
    uint64_t registers[GS_ARCH_PERF_REGISTERS] = {[19] = OWNER - 16, [SP] = OWNER - 8};
    assert_int_equal(read_site(0xb900127f, &word, registers).kind, GS_SITE_DROP); /* str wzr, [x19, 16] */
    assert_int_equal(read_site(0xb9000bff, &word, registers).kind, GS_SITE_DROP); /* str wzr, [sp, 8] */
    assert_int_equal(read_site(0xf9000a7f, &word, registers).kind, GS_SITE_DROP); /* str xzr, [x19, 16] */
    assert_int_equal(read_site(0xb900127f, &word, NULL).kind, GS_SITE_UNKNOWN);
    assert_int_equal(read_site(0xb900167f, &word, registers).kind, GS_SITE_UNKNOWN); /* to another place */
    assert_int_equal(read_site(0xb940127f, &word, registers).kind, GS_SITE_UNKNOWN); /* ldr */
}

/* Each by x19, or by x19 and x3, of what lies in w2: forms of one store. */
UNIT_TEST(a_register_is_stored)
{
    static const struct {
        uint32_t code;
        uint64_t base;
    } stores[] = {
        {0xb9001262, OWNER - 16},  /* str w2, [x19, 16] */
        {0xb80fc262, OWNER - 252}, /* stur w2, [x19, 252] */
        {0xb81fc262, OWNER + 4},   /* stur w2, [x19, -4] */
        {0xb8010662, OWNER},       /* str w2, [x19], 16 */
        {0xb8010e62, OWNER - 16},  /* str w2, [x19, 16]! */
        {0xb8236a62, OWNER - 5},   /* str w2, [x19, x3] */
        {0xb8237a62, OWNER - 20},  /* str w2, [x19, x3, lsl 2] */
        {0x889ffe62, OWNER},       /* stlr w2, [x19] */
        {0x99004262, OWNER - 4},   /* stlur w2, [x19, 4] */
        {0x29021262, OWNER - 16},  /* stp w2, w4, [x19, 16] */
        {0x29018a64, OWNER - 16},  /* stp w4, w2, [x19, 12] */
        {0xa93f0a64, OWNER + 8},   /* stp x4, x2, [x19, -16] */
        {0x288a1262, OWNER},       /* stp w2, w4, [x19], 80 */
    };
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        uint64_t registers[GS_ARCH_PERF_REGISTERS] = {[2] = UINT64_C(1) << 32 | 1, [3] = 5, [19] = stores[i].base};
        struct gs_site site = read_site(stores[i].code, &word, registers);
        assert_int_equal(site.kind, GS_SITE_EITHER);
        assert_int_equal(site.from, 2);
        assert_int_equal(gs_site_now(&site, registers), GS_SITE_TAKE);
        registers[2] = UINT64_C(1) << 32; /* of which the lower half is stored */
        assert_int_equal(gs_site_now(&site, registers), GS_SITE_DROP);
        registers[2] = UINT32_MAX;
        assert_int_equal(gs_site_now(&site, registers), GS_SITE_UNKNOWN);
        assert_int_equal(gs_site_now(&site, NULL), GS_SITE_UNKNOWN);
    }
}

UNIT_TEST(what_is_read_is_a_wait)
{
    struct gs_site site = gs_site_read((const uint8_t *)&(uint32_t){0xf9400260}, IP, WAIT, &word, NULL);
    assert_int_equal(site.kind, GS_SITE_WAIT);
}

UNIT_TEST(worlds_are_stopped_by_a_byte)
{
    uint64_t registers[GS_ARCH_PERF_REGISTERS] = {[2] = 0x101, [19] = OWNER};
    struct gs_site stop = read_site(0x39000662, &world, registers); /* strb w2, [x19, 1] */
    assert_int_equal(gs_site_now(&stop, registers), GS_SITE_TAKE);
    assert_int_equal(read_site(0x3900067f, &world, registers).kind, GS_SITE_DROP);    /* strb wzr, [x19, 1] */
    assert_int_equal(read_site(0x7900027f, &world, registers).kind, GS_SITE_DROP);    /* strh wzr, [x19] */
    assert_int_equal(read_site(0x79000262, &world, registers).kind, GS_SITE_UNKNOWN); /* strh w2, [x19] */
}
