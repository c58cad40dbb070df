/* x86-64: which variable a tiny function of a stripped program names, what registers tell. */
#include <errno.h>

#include "arch/arch.h"
#include "support/unit.h"

#define AT UINT64_C(0x401000)

#define assert_names(expected, ...)                                                                                    \
    do {                                                                                                               \
        static const uint8_t code[] = {__VA_ARGS__};                                                                   \
        assert_int_equal(gs_arch_first_variable(code, sizeof code, AT), expected);                                     \
    } while (0)

UNIT_TEST(test_known_functions)
{
    /* PyInterpreterState_Head: mov rax, [rip+0x11223344]; ret */
    assert_names(AT + 7 + 0x11223344, 0x48, 0x8b, 0x05, 0x44, 0x33, 0x22, 0x11, 0xc3);
    /* PyEval_ThreadsInitialized of 2.7: xor eax, eax; cmp qword [rip+x], 0; setne al; ret */
    assert_names(AT + 10 + 0x1000, 0x31, 0xc0, 0x48, 0x83, 0x3d, 0x00, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x95, 0xc0, 0xc3);
    /* Of 3.6: mov eax, [rip+x]; not eax; shr eax, 31; ret */
    assert_names(AT + 6 + 0x2000, 0x8b, 0x05, 0x00, 0x20, 0x00, 0x00, 0xf7, 0xd0, 0xc1, 0xe8, 0x1f, 0xc3);
    /* _PyEval_SetSwitchInterval: mov [rip+x], rdi; ret */
    assert_names(AT + 7 + 0x30, 0x48, 0x89, 0x3d, 0x30, 0x00, 0x00, 0x00, 0xc3);
    /* cmp dword [rip+x], imm8 */
    assert_names(AT + 7 + 5, 0x83, 0x3d, 0x05, 0x00, 0x00, 0x00, 0xff, 0xc3);
    /* The variable lies before the code. */
    assert_names(AT + 7 - 0x100, 0x48, 0x8b, 0x05, 0x00, 0xff, 0xff, 0xff, 0xc3);
}

UNIT_TEST(test_prologues)
{
    /* endbr64 */
    assert_names(AT + 11 + 0x10, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8b, 0x05, 0x10, 0x00, 0x00, 0x00, 0xc3);
    /* push rbp; mov rbp, rsp; mov rax, [rip+x]; pop rbp; ret */
    assert_names(AT + 11 + 0x10, 0x55, 0x48, 0x89, 0xe5, 0x48, 0x8b, 0x05, 0x10, 0x00, 0x00, 0x00, 0x5d, 0xc3);
    /* endbr64; push rbp; mov rbp, rsp; mov [rbp-8], rdi; mov rax, [rbp-8]; mov [rip+x], rax */
    assert_names(AT + 23 + 0x10, 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0x7d, 0xf8, 0x48, 0x8b,
                 0x45, 0xf8, 0x48, 0x89, 0x05, 0x10, 0x00, 0x00, 0x00, 0x90, 0x5d, 0xc3);
}

UNIT_TEST(test_nothing_there)
{
    static const uint8_t head[] = {0x31, 0xc0, 0x48, 0x83, 0x3d, 0x00, 0x10, 0x00, 0x00, 0x00, 0x0f};
    for (size_t len = 0; len < 10; len++)
        assert_int_equal(gs_arch_first_variable(head, len, AT), 0);
    assert_int_equal(gs_arch_first_variable(head, 10, AT), AT + 10 + 0x1000);
    assert_int_equal(gs_arch_first_variable(NULL, 0, AT), 0);
    assert_names(0, 0x31, 0xc0, 0xc3, 0x48, 0x8b, 0x05, 0x10, 0x00, 0x00, 0x00); /* behind its end */
    assert_names(0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00);
    assert_names(0, 0xe9, 0x00, 0x10, 0x00, 0x00, 0x90, 0x90, 0x90); /* a jump elsewhere */
}

UNIT_TEST(test_reference)
{
    static const uint8_t ahead[] = {0x00, 0x20, 0x00, 0x00}, back[] = {0xfc, 0xff, 0xff, 0xff};
    assert_int_equal(gs_arch_reference(ahead, AT), AT + 4 + 0x2000);
    assert_int_equal(gs_arch_reference(back, AT), AT);
}

/* The numbers are DWARF's: rdi is 5, rsi 4, rdx 1. */
UNIT_TEST(registers_of_a_call)
{
    struct gs_arch_registers registers;
    const uint64_t args[6] = {10, 11, 12, 13, 14, 15};
    gs_arch_registers_of_call(&registers, args, 0x7000, 0x4000);
    assert_int_equal(registers.value[5], 10);
    assert_int_equal(registers.value[4], 11);
    assert_int_equal(registers.value[1], 12);
    assert_int_equal(registers.value[GS_ARCH_SP], 0x7000);
    assert_int_equal(registers.value[GS_ARCH_PC], 0x4000);
    assert_int_equal(registers.known, 1u << 1 | 3u << 4 | 1u << GS_ARCH_SP | 7u << 8 | 1u << GS_ARCH_PC);
}

UNIT_TEST(calls_in_cores)
{
    static const struct {
        uint64_t orig, result;
        int call;
    } rows[] = {{202, (uint64_t)-516, 202},
                {0, (uint64_t)-512, 0},
                {230, (uint64_t)-514, 230},
                {232, (uint64_t)-EINTR, 232},
                {60, (uint64_t)-ENOSYS, 60},
                {0, 0xfffffe00, 0},
                {0, (uint64_t)-511, -1},
                {0, (uint64_t)-517, -1},
                {234, 0, -1},
                {0, 1, -1},
                {UINT64_MAX, (uint64_t)-512, -1},
                {UINT64_C(1) << 32, (uint64_t)-512, -1},
                {0, 0x12fffffe00, -1},
                {1, (uint64_t)-EAGAIN, -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gs_arch_thread thread;
        gs_arch_regset registers = {
            .orig_rax = rows[i].orig, .rax = rows[i].result, .rdi = 5, .r10 = 7, .fs_base = 0x7000};
        gs_arch_thread_read(&thread, &registers, NULL);
        assert_int_equal(thread.call, rows[i].call);
        assert_int_equal(thread.args[0], rows[i].call >= 0 ? 5 : 0);
        assert_int_equal(thread.args[3], rows[i].call >= 0 ? 7 : 0);
        assert_int_equal(thread.self, 0x7000);
    }
}

/* musl's __restore_rt, and the kernel's ucontext_t: 40 bytes, then r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp,
 * rip. */
UNIT_TEST(test_signal_frames)
{
    static const uint8_t ends[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}, calls[GS_ARCH_SIGNAL_BYTES] = {0x48};
    assert_int_equal(gs_arch_signal_registers(ends, 0x7000), 0x7000 + 40);
    assert_int_equal(gs_arch_signal_registers(calls, 0x7000), 0);
    assert_int_equal(gs_arch_signal_place(GS_ARCH_PC), 16);
    assert_int_equal(gs_arch_signal_place(GS_ARCH_SP), 15);
    assert_int_equal(gs_arch_signal_place(GS_ARCH_BP), 10);
    assert_int_equal(gs_arch_signal_place(8), 0);
    assert_int_equal(gs_arch_signal_place(0), 13);
}
