/* x86-64: what an instruction did to a GIL, by the bytes before the one that follows it. */
#include <string.h>

#include "trace/site.h"
#include "support/unit.h"

enum { IP = 0x555555600000, OWNER = 0x555555800010, WAIT = 0x555555800000 };

static const struct gs_gil_address word = {
    .owner = OWNER, .owner_len = 4, .wait = WAIT, .wait_len = 8, .wait_reads = true};
static const struct gs_gil_address pointer = {
    .owner = OWNER, .owner_len = 8, .pointer = true, .wait = WAIT, .wait_len = 8};

static struct gs_site read_site(const uint8_t *code, size_t len, gs_addr addr, const struct gs_gil_address *address,
                                const uint64_t *registers)
{
    uint8_t bytes[GS_ARCH_STORE_BYTES];
    memset(bytes, 0x90, sizeof bytes);
    memcpy(bytes + sizeof bytes - len, code, len);
    return gs_site_read(bytes, IP, addr, address, registers);
}

UNIT_TEST(an_immediate_is_the_value)
{
    const uint8_t take[] = {0xc7, 0x43, 0x10, 1, 0, 0, 0}, drop[] = {0xc7, 0x83, 0, 2, 0, 0, 0, 0, 0, 0};
    const uint8_t other[] = {0x89, 0x83, 0x34, 0x12, 0, 0};
    assert_int_equal(read_site(take, sizeof take, OWNER, &word, NULL).kind, GS_SITE_TAKE);
    assert_int_equal(read_site(drop, sizeof drop, OWNER, &word, NULL).kind, GS_SITE_DROP);
    assert_int_equal(read_site(other, sizeof other, OWNER, &word, NULL).kind, GS_SITE_UNKNOWN);
    assert_int_equal(read_site(take, sizeof take, WAIT, &word, NULL).kind, GS_SITE_WAIT);
}

static void put_displacement(uint8_t *at)
{
    int32_t displacement = (int32_t)(OWNER - IP);
    memcpy(at, &displacement, sizeof displacement);
}

UNIT_TEST(a_register_is_found_by_the_address)
{
    uint64_t registers[GS_ARCH_PERF_REGISTERS] = {0};
    uint8_t relative[7] = {0x48, 0x89, 0x3d}; /* mov %rdi, _PyThreadState_Current(%rip) */
    const uint8_t indirect[] = {0x4c, 0x89, 0x00}, near[] = {0x49, 0x89, 0x74, 0x24, 0x08};
    const uint8_t based[] = {0x48, 0x89, 0x70, 0x08}; /* mov %rsi, 8(%rax) */
    put_displacement(relative + 3);
    struct gs_site site = read_site(relative, sizeof relative, OWNER, &pointer, registers);
    assert_int_equal(site.kind, GS_SITE_EITHER);
    assert_int_equal(gs_site_now(&site, registers), GS_SITE_DROP);
    registers[5] = 0x7f0000001000; /* rdi */
    assert_int_equal(gs_site_now(&site, registers), GS_SITE_TAKE);
    assert_int_equal(gs_site_now(&site, NULL), GS_SITE_UNKNOWN);

    assert_int_equal(read_site(indirect, sizeof indirect, OWNER, &pointer, registers).kind, GS_SITE_UNKNOWN);
    registers[0] = OWNER; /* rax: mov %r8, (%rax) */
    site = read_site(indirect, sizeof indirect, OWNER, &pointer, registers);
    assert_int_equal(site.kind, GS_SITE_EITHER);
    assert_int_equal(site.from, 12);
    registers[0] = OWNER - 8;
    site = read_site(based, sizeof based, OWNER, &pointer, registers);
    assert_int_equal(site.kind, GS_SITE_EITHER);
    assert_int_equal(site.from, 4);
    assert_int_equal(read_site(near, sizeof near, OWNER, &pointer, registers).kind, GS_SITE_UNKNOWN);
}

UNIT_TEST(zero_may_be_stored_to_a_pointer)
{
    uint8_t zero[11] = {0x48, 0xc7, 0x05};
    int32_t displacement = (int32_t)(OWNER - IP);
    memcpy(zero + 3, &displacement, sizeof displacement);
    assert_int_equal(read_site(zero, sizeof zero, OWNER, &pointer, NULL).kind, GS_SITE_DROP);
    zero[3] ^= 8; /* another address */
    assert_int_equal(read_site(zero, sizeof zero, OWNER, &pointer, NULL).kind, GS_SITE_UNKNOWN);
}

/* Of what is done to a semaphore only the beginning of a wait is an addition. */
UNIT_TEST(waits_for_a_semaphore_are_additions)
{
    const uint8_t add[] = {0xf0, 0x48, 0x0f, 0xc1, 0x07}, post[] = {0xf0, 0x48, 0x0f, 0xb1, 0x17};
    const uint8_t add_at[] = {0xf0, 0x48, 0x0f, 0xc1, 0x43, 0x08};
    assert_int_equal(read_site(add, sizeof add, WAIT, &pointer, NULL).kind, GS_SITE_WAIT);
    assert_int_equal(read_site(add_at, sizeof add_at, WAIT, &pointer, NULL).kind, GS_SITE_WAIT);
    assert_int_equal(read_site(post, sizeof post, WAIT, &pointer, NULL).kind, GS_SITE_NOTHING);
}

UNIT_TEST(worlds_are_stopped_by_a_byte)
{
    static const struct gs_gil_address world = {
        .owner = OWNER, .owner_len = 1, .wait = WAIT, .wait_len = 4, .world = true};
    const uint8_t stop[] = {0xc6, 0x43, 0x01, 1}, go[] = {0xc6, 0x45, 0x01, 0}, runtime[] = {0xc6, 0x05, 1, 2, 3, 4, 1};
    const uint8_t two[] = {0x66, 0x41, 0xc7, 0x44, 0x24, 0x01, 0, 0}, other[] = {0x88, 0x43, 0x01};
    const uint8_t begin[] = {0xf0, 0x0f, 0xb1, 0x11}, begin_far[] = {0xf0, 0x41, 0x0f, 0xb1, 0x94, 0x24, 1, 2, 3, 4};
    const uint8_t over[] = {0x87, 0x01};
    assert_int_equal(read_site(stop, sizeof stop, OWNER, &world, NULL).kind, GS_SITE_TAKE);
    assert_int_equal(read_site(runtime, sizeof runtime, OWNER, &world, NULL).kind, GS_SITE_TAKE);
    assert_int_equal(read_site(go, sizeof go, OWNER, &world, NULL).kind, GS_SITE_DROP);
    assert_int_equal(read_site(two, sizeof two, OWNER, &world, NULL).kind, GS_SITE_DROP);
    assert_int_equal(read_site(other, sizeof other, OWNER, &world, NULL).kind, GS_SITE_UNKNOWN);
    assert_int_equal(read_site(begin, sizeof begin, WAIT, &world, NULL).kind, GS_SITE_TAKE);
    assert_int_equal(read_site(begin_far, sizeof begin_far, WAIT, &world, NULL).kind, GS_SITE_TAKE);
    assert_int_equal(read_site(over, sizeof over, WAIT, &world, NULL).kind, GS_SITE_DROP);
}
