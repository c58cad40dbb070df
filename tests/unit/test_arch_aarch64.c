/* aarch64: which variable a tiny function names, what a call and a linker's stub are, what registers tell. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch/arch.h"
#include "support/mem_fake.h"
#include "support/unit.h"

#define AT UINT64_C(0x401008)

enum {
    ADRP_X0 = (int)0xb0000000,      /* adrp x0, the page behind this one */
    ADRP_X0_BACK = (int)0xf0ffffe0, /* adrp x0, the page before */
    ADRP_X16 = (int)0xb0000010,
    RET = (int)0xd65f03c0,
    SVC = (int)0xd4000001,
    NOP = (int)0xd503201f
};

static gs_addr first_variable(const uint32_t *words, size_t count)
{
    return gs_arch_first_variable((const uint8_t *)words, count * sizeof *words, AT);
}

UNIT_TEST(variables)
{
    const uint32_t load[] = {ADRP_X0, 0xf9400400, RET};              /* ldr x0, [x0, 8] */
    const uint32_t load_word[] = {ADRP_X0, 0xb9400401, RET};         /* ldr w1, [x0, 4] */
    const uint32_t store[] = {ADRP_X0_BACK, NOP, 0xf9000801, RET};   /* str x1, [x0, 16] */
    const uint32_t sum[] = {ADRP_X0, 0x91004000, RET};               /* add x0, x0, 16 */
    const uint32_t other[] = {ADRP_X0, 0xf9400421, RET, 0xf9400400}; /* ldr x1, [x1, 8]; behind the end */
    assert_int_equal(first_variable(load, 3), 0x402008);
    assert_int_equal(first_variable(load, 1), 0);
    assert_int_equal(first_variable(load_word, 3), 0x402004);
    assert_int_equal(first_variable(store, 4), 0x400010);
    assert_int_equal(first_variable(sum, 3), 0x402010);
    assert_int_equal(first_variable(other, 4), 0);
    assert_int_equal(gs_arch_reference((const uint8_t *)load, AT), 0x402008);
    assert_int_equal(gs_arch_reference((const uint8_t *)load, AT + 2), 0);
    assert_int_equal(gs_arch_reference((const uint8_t *)store, AT), 0);
}

static bool is_call(uint32_t word, gs_addr *callee)
{
    return gs_arch_is_call((const uint8_t *)&word, AT, callee);
}

UNIT_TEST(calls)
{
    gs_addr callee;
    assert_true(is_call(0x94000003, &callee)); /* bl, three instructions on */
    assert_int_equal(callee, AT - 4 + 12);
    assert_true(is_call(0x97ffffff, &callee)); /* bl, to the one before */
    assert_int_equal(callee, AT - 8);
    assert_true(is_call(0xd63f0200, &callee)); /* blr x16 */
    assert_int_equal(callee, 0);
    assert_true(is_call(0xd63f0a1f, &callee));  /* blraaz x16 */
    assert_true(is_call(0xd73f0a11, &callee));  /* blraa x16, x17 */
    assert_false(is_call(0x14000003, &callee)); /* b */
    assert_false(is_call(0xd61f0200, &callee)); /* br x16 */
    assert_false(is_call(RET, &callee));
}

UNIT_TEST(stubs)
{
    const uint32_t plain[] = {ADRP_X16, 0xf9400611, 0x91002210, 0xd61f0220}; /* ldr x17, [x16, 8]; add; br x17 */
    const uint32_t marked[] = {0xd503245f, ADRP_X16, 0xf9400611, 0x91002210};
    assert_int_equal(gs_arch_stub_word((const uint8_t *)plain, AT), 0x402008);
    assert_int_equal(gs_arch_stub_word((const uint8_t *)marked, AT), 0x402008);
    assert_int_equal(gs_arch_stub_word((const uint8_t *)(const uint32_t[]){NOP, ADRP_X16, NOP, NOP}, AT), 0);
}

/* A signature lies above the 48 bits of an address. */
UNIT_TEST(signed_addresses)
{
    assert_int_equal(gs_arch_code_address(UINT64_C(0x007daaaac0401008)), UINT64_C(0xaaaac0401008));
    assert_int_equal(gs_arch_code_address(AT), AT);
}

/* The kernel has put the program counter back onto a call that is to begin anew; one that failed is behind it. */
UNIT_TEST(calls_in_cores)
{
    struct gs_mem *mem = mem_fake_new();
    static const uint32_t code[] = {NOP, SVC, NOP, NOP};
    gs_arch_regset registers = {.regs = {5, 137, [8] = SYS_futex}, .sp = 0x7000, .pc = AT + 4};
    struct gs_arch_thread thread;
    memcpy(mem_fake_map(mem, AT, sizeof code), code, sizeof code);
    gs_arch_thread_read(&thread, &registers, mem);
    assert_int_equal(thread.call, SYS_futex);
    assert_int_equal(thread.args[0], 5);
    assert_int_equal(thread.args[1], 137);
    assert_int_equal(thread.registers.value[GS_ARCH_SP], 0x7000);
    assert_int_equal(thread.registers.value[GS_ARCH_PC], AT + 4);
    assert_true(gs_arch_came_in(&registers, mem));
    registers.pc = AT + 8;
    gs_arch_thread_read(&thread, &registers, mem);
    assert_int_equal(thread.call, -1);
    registers.regs[0] = (uint64_t)-EINTR;
    gs_arch_thread_read(&thread, &registers, mem);
    assert_int_equal(thread.call, SYS_futex);
    assert_int_equal(thread.args[1], 137);
    registers.pc = AT + 12;
    gs_arch_thread_read(&thread, &registers, mem);
    assert_int_equal(thread.call, -1);
    assert_false(gs_arch_came_in(&registers, mem));
    registers.pc = 0; /* nothing can be read there */
    gs_arch_thread_read(&thread, &registers, mem);
    assert_int_equal(thread.call, -1);
    gs_mem_free(mem);
}

/* The kernel's trampoline and frame: 128 bytes of siginfo_t, 176 before the sigcontext, whose first word is an address.
 */
UNIT_TEST(signal_frames)
{
    static const uint32_t ends[] = {0xd2801168, SVC}, calls[] = {0xd2801088, SVC};
    assert_int_equal(gs_arch_signal_registers((const uint8_t *)ends, 0x7000), 0x7000 + 128 + 176 + 8);
    assert_int_equal(gs_arch_signal_registers((const uint8_t *)calls, 0x7000), 0);
}
