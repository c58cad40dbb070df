/* Unwinding over made stacks and made tables, and over those of somebody who means harm. */
#include <stdlib.h>
#include <string.h>

#include <elf.h>

#include "native/native.h"
#include "support/mem_fake.h"
#include "support/unit.h"

enum {
    IMAGE = 0x400000,
    IMAGE_BYTES = 0x4000,
    CODE = IMAGE + 0x1000,
    HEADER = IMAGE + 0x2000, /* .eh_frame_hdr */
    NOTES = IMAGE + 0x3800,
    CIE = IMAGE + 0x2100,
    FDES = IMAGE + 0x2200,
    STACK = 0x7f0000,
    STACK_BYTES = 0x4000,
    FUNCTION_BYTES = 0x100
};

struct made {
    struct gs_map maps[2];
    struct gs_target target;
    struct gs_native *native;
    struct gs_native_copy copy;
    struct gs_native_stack stack;
    size_t functions;
    gs_addr fde; /* where the next one goes */
};

/* Where function no. i lies. */
static gs_addr function(size_t i)
{
    return CODE + i * FUNCTION_BYTES;
}

static void put(struct made *made, gs_addr at, const void *bytes, size_t len)
{
    memcpy(mem_fake_at(made->target.mem, at, len), bytes, len);
}

/* An image of one segment with a description for each function, which are added one by one. */
static void begin(struct made *made)
{
    static const Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = IMAGE_BYTES, .p_memsz = IMAGE_BYTES},
        {.p_type = PT_GNU_EH_FRAME, .p_vaddr = HEADER - IMAGE, .p_filesz = 64, .p_memsz = 64},
        /* As patchelf leaves it: at the end of the file, and of the memory, at different distances. */
        {.p_type = PT_NOTE,
         .p_offset = 0x90000,
         .p_vaddr = NOTES - IMAGE,
         .p_filesz = 24,
         .p_memsz = 24,
         .p_align = 4}};
    static const uint32_t note[] = {4, 8, NT_GNU_BUILD_ID, 0x554e47 /* "GNU" */, 0x01020304, 0x05060708};
    Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                       .e_type = ET_DYN,
                       .e_machine = EM_X86_64,
                       .e_phoff = sizeof head,
                       .e_phentsize = sizeof *segments,
                       .e_phnum = sizeof segments / sizeof *segments};
    /* version 1, pointers relative to where they stand in 4 bytes; code unit 1, data unit -8, return address in 16;
     * the caller's frame ends 8 bytes above rsp, where the return address is. */
    static const uint8_t cie[] = {20, 0,    0,  0, 0,    0,    0, 0, 1,    'z', 'R', 0,
                                  1,  0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1,   0,   0};
    static const uint8_t header[] = {1, 0x1b, 3, 0x3b};
    struct gs_native_options options = {0};
    *made = (struct made){.fde = FDES};
    made->target.mem = mem_fake_new();
    made->target.maps = made->maps;
    made->target.map_count = 2;
    made->maps[0] = (struct gs_map){
        .start = IMAGE, .end = IMAGE + IMAGE_BYTES, .inode = 7, .readable = true, .executable = true, .path = "/made"};
    made->maps[1] =
        (struct gs_map){.start = STACK, .end = STACK + STACK_BYTES, .readable = true, .writable = true, .path = ""};
    static struct gs_postmortem still;
    made->target.postmortem = &still; /* its maps are as they are */
    mem_fake_map(made->target.mem, IMAGE, IMAGE_BYTES);
    mem_fake_map(made->target.mem, STACK, STACK_BYTES);
    put(made, IMAGE, &head, sizeof head);
    put(made, IMAGE + sizeof head, segments, sizeof segments);
    put(made, NOTES, note, sizeof note);
    put(made, CIE, cie, sizeof cie);
    put(made, HEADER, header, sizeof header);
    assert_int_equal(gs_native_new(&made->native, &made->target, &options), GS_OK);
    assert_true(gs_native_copy_reserve(&made->copy, STACK_BYTES));
}

static void end(struct made *made)
{
    gs_native_free(made->native);
    gs_native_copy_fini(&made->copy);
    free(made->stack.frames);
    gs_mem_free(made->target.mem);
}

/* The next function, with the instructions of its description. */
static void add_function(struct made *made, const uint8_t *code, size_t len)
{
    size_t index = made->functions++;
    uint32_t words[4] = {(uint32_t)(12 + 1 + len), (uint32_t)(made->fde + 4 - CIE),
                         (uint32_t)(function(index) - (made->fde + 8)), FUNCTION_BYTES};
    int32_t pair[2] = {(int32_t)(function(index) - HEADER), (int32_t)(made->fde - HEADER)};
    put(made, made->fde, words, sizeof words);
    put(made, made->fde + sizeof words + 1, code, len);
    put(made, HEADER + 12 + 8 * index, pair, sizeof pair);
    mem_fake_put32(made->target.mem, HEADER + 8, (uint32_t)made->functions);
    made->fde += (sizeof words + 1 + len + 7) & ~(size_t)7;
}

#define ADD(made, ...) add_function(made, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void unwind(struct made *made, gs_addr pc, gs_addr sp, gs_addr bp)
{
    made->copy.registers = (struct gs_arch_registers){.known = GS_ARCH_BIT(GS_ARCH_SP) | GS_ARCH_BIT(GS_ARCH_PC)};
    made->copy.registers.value[GS_ARCH_PC] = pc;
    made->copy.registers.value[GS_ARCH_SP] = sp;
    made->copy.registers.value[GS_ARCH_BP] = bp;
    made->copy.registers.known |= bp ? GS_ARCH_BIT(GS_ARCH_BP) : 0;
    assert_true(gs_native_copy_take(made->native, &made->copy, STACK_BYTES));
    gs_native_unwind(made->native, &made->copy, &made->stack);
}

static void check(const struct made *made, enum gs_native_end how, size_t count, const size_t *functions)
{
    assert_int_equal(made->stack.end, how);
    assert_int_equal(made->stack.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(made->stack.frames[i].start, function(functions[i]));
}

/* A frame of 32 bytes, one that is found by rbp, and the outermost function. */
static void add_usual(struct made *made)
{
    ADD(made, 0x44, 0x0e, 32);                                  /* 0: from byte 4 on the frame ends at rsp+32 */
    ADD(made, 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, GS_ARCH_BP); /* 1: push rbp; mov rbp, rsp */
    ADD(made, 0x07, GS_ARCH_PC);                                /* 2: there is no caller */
}

UNIT_TEST(from_frame_to_frame)
{
    struct made made;
    gs_addr sp = STACK + 0x2000, bp = sp + 0x100;
    begin(&made);
    add_usual(&made);
    struct gs_mem *mem = made.target.mem;
    mem_fake_put64(mem, sp + 24, function(1) + 0x20); /* called by 1, */
    mem_fake_put64(mem, bp, 0);
    mem_fake_put64(mem, bp + 8, function(2) + 9); /* which was called by 2 */
    unwind(&made, function(0) + 4, sp, bp);
    check(&made, GS_NATIVE_WHOLE, 3, (const size_t[]){0, 1, 2});
    assert_int_equal(made.stack.frames[0].pc, function(0) + 4);
    assert_int_equal(made.stack.frames[1].pc, function(1) + 0x1f); /* in the call */
    assert_int_equal(made.stack.frames[0].cfa, sp + 32);
    assert_int_equal(made.stack.frames[1].cfa, bp + 16);
    /* At its first instruction a function has no frame yet. */
    mem_fake_put64(mem, sp, function(2) + 9);
    unwind(&made, function(0), sp, bp);
    check(&made, GS_NATIVE_WHOLE, 2, (const size_t[]){0, 2});
    /* A null return address is an end as well. */
    mem_fake_put64(mem, sp, 0);
    unwind(&made, function(0), sp, bp);
    check(&made, GS_NATIVE_WHOLE, 1, (const size_t[]){0});
    end(&made);
}

UNIT_TEST(a_register_that_is_not_known)
{
    static const uint8_t call_1[] = {0xe8, 0, 0, 0, 0}, call_any[] = {0xff, 0xd0};
    struct made made;
    gs_addr sp = STACK + 0x2000, bp = sp + 0x200;
    begin(&made);
    add_usual(&made);
    struct gs_mem *mem = made.target.mem;
    uint8_t call[sizeof call_1];
    memcpy(call, call_1, sizeof call);
    int32_t distance = (int32_t)(function(1) - (function(2) + 0x40));
    memcpy(call + 1, &distance, sizeof distance);
    put(&made, function(2) + 0x40 - sizeof call, call, sizeof call);
    put(&made, function(2) + 0x60 - sizeof call_any, call_any, sizeof call_any);
    mem_fake_put64(mem, sp + 24, function(1) + 0x20);
    mem_fake_put64(mem, sp + 0x108, function(2) + 0x60); /* left over: behind a call of anything */
    mem_fake_put64(mem, bp + 8, function(2) + 0x40);     /* behind a call of function 1 */
    unwind(&made, function(0) + 4, sp, 0);
    check(&made, GS_NATIVE_WHOLE, 3, (const size_t[]){0, 1, 2});
    assert_int_equal(made.stack.frames[1].cfa, bp + 16);
    assert_false(made.stack.frames[0].inferred || made.stack.frames[1].inferred);
    assert_true(made.stack.frames[2].inferred);
    /* Without the sure one the other is taken; without any there is a gap. */
    mem_fake_put64(mem, bp + 8, 0);
    unwind(&made, function(0) + 4, sp, 0);
    check(&made, GS_NATIVE_WHOLE, 3, (const size_t[]){0, 1, 2});
    assert_int_equal(made.stack.frames[1].cfa, sp + 0x110);
    mem_fake_put64(mem, sp + 0x108, 0);
    unwind(&made, function(0) + 4, sp, 0);
    check(&made, GS_NATIVE_REGISTER, 2, (const size_t[]){0, 1});
    end(&made);
}

UNIT_TEST(stacks_that_lead_nowhere)
{
    struct made made;
    gs_addr sp = STACK + 0x2000;
    begin(&made);
    add_usual(&made);
    struct gs_mem *mem = made.target.mem;
    mem_fake_put64(mem, sp + 24, 0x1234); /* no code */
    unwind(&made, function(0) + 4, sp, 0);
    check(&made, GS_NATIVE_DAMAGED, 1, (const size_t[]){0});
    mem_fake_put64(mem, sp + 24, function(1) + 0x20);
    unwind(&made, function(0) + 4, sp, sp - 0x100); /* back to where it was */
    assert_int_equal(made.stack.end, GS_NATIVE_DAMAGED);
    unwind(&made, function(0) + 4, sp, UINT64_C(0xffffffffffffff00));
    assert_int_equal(made.stack.end, GS_NATIVE_DAMAGED);
    /* Recursion without end, as far as the stack goes. */
    for (gs_addr at = sp; at < STACK + STACK_BYTES; at += 8)
        mem_fake_put64(mem, at, function(0) + 8);
    unwind(&made, function(0) + 4, sp, 0);
    assert_int_equal(made.stack.end, GS_NATIVE_DAMAGED);
    assert_true(made.stack.count > 100 && made.stack.count < STACK_BYTES / 8);
    /* Less of it was copied than there is. */
    made.copy.first.len = 0x800;
    made.copy.first.whole = false;
    gs_native_unwind(made.native, &made.copy, &made.stack);
    assert_int_equal(made.stack.end, GS_NATIVE_CUT);
    end(&made);
}

UNIT_TEST(code_without_tables)
{
    static const uint8_t call_any[] = {0xff, 0xd0};
    struct made made;
    gs_addr sp = STACK + 0x2000, bp = sp + 0x40;
    begin(&made);
    add_usual(&made);
    struct gs_mem *mem = made.target.mem;
    put(&made, function(2) + 0x60 - sizeof call_any, call_any, sizeof call_any);
    mem_fake_put64(mem, bp, 0);
    mem_fake_put64(mem, bp + 8, function(2) + 0x60);
    unwind(&made, function(9), sp, bp);
    assert_int_equal(made.stack.end, GS_NATIVE_WHOLE);
    assert_int_equal(made.stack.count, 2);
    assert_true(!made.stack.frames[0].inferred && made.stack.frames[1].inferred);
    unwind(&made, function(9), sp, 0);
    assert_int_equal(made.stack.end, GS_NATIVE_UNKNOWN);
    assert_int_equal(made.stack.count, 1);
    end(&made);
}

/* Offsets at the ends of what 64 bits can count; the second counts downwards, as old compilers did. */
UNIT_TEST(far_offsets)
{
    struct made made;
    gs_addr sp = STACK + 0x2000;
    begin(&made);
    ADD(&made, 0x05, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    ADD(&made, 0x2f, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    mem_fake_put64(made.target.mem, sp, 0);
    for (size_t i = 0; i < made.functions; i++) {
        unwind(&made, function(i) + 4, sp, sp);
        check(&made, GS_NATIVE_WHOLE, 1, &i);
        assert_int_equal(made.stack.frames[0].cfa, sp + 8);
    }
    end(&made);
}

/* The linkage table's way: rsp+8, and 8 more behind its first push (what gcc's linker writes). */
UNIT_TEST(expressions)
{
    struct made made;
    gs_addr sp = STACK + 0x2000;
    begin(&made);
    ADD(&made, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
    ADD(&made, 0x0f, 3, 0x31, 0x30, 0x1b); /* divides by 0: what no compiler does */
    ADD(&made, 0x0f, 1, 0x22);             /* adds what is not there */
    ADD(&made, 0x0f, 3, 0x2f, 0xfd, 0xff); /* jumps back to itself */
    ADD(&made, 0x0f, 0x80);                /* longer than the description */
    struct gs_mem *mem = made.target.mem;
    mem_fake_put64(mem, sp, 0);
    mem_fake_put64(mem, sp + 8, 0);
    unwind(&made, function(0) + 4, sp, 0);
    assert_int_equal(made.stack.frames[0].cfa, sp + 8);
    unwind(&made, function(0) + 11, sp, 0);
    assert_int_equal(made.stack.frames[0].cfa, sp + 16);
    for (size_t i = 1; i < made.functions; i++) {
        unwind(&made, function(i), sp, 0);
        assert_int_equal(made.stack.count, 1);
        assert_true(made.stack.end == GS_NATIVE_DAMAGED || made.stack.end == GS_NATIVE_UNKNOWN);
    }
    end(&made);
}

/* Bytes of the tables are changed at random: each time there is an end, and nothing is read that is not there. */
UNIT_TEST(tables_of_somebody_who_means_harm)
{
    uint32_t dice = 12345;
    for (int round = 0; round < 3000; round++) {
        struct made made;
        gs_addr sp = STACK + 0x2000;
        begin(&made);
        add_usual(&made);
        ADD(&made, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
        for (int i = 0; i < 1 + round % 8; i++) {
            dice = dice * 1664525 + 1013904223;
            gs_addr at = (round % 3 ? HEADER : IMAGE) + dice % 0x300;
            *(uint8_t *)mem_fake_at(made.target.mem, at, 1) = (uint8_t)(dice >> 16);
        }
        for (gs_addr at = sp; at < STACK + STACK_BYTES; at += 8) {
            dice = dice * 1664525 + 1013904223;
            mem_fake_put64(made.target.mem, at, dice % 3 ? CODE + dice % 0x400 : STACK + dice % STACK_BYTES);
        }
        for (size_t i = 0; i < made.functions; i++)
            unwind(&made, function(i) + dice % FUNCTION_BYTES, sp, round % 2 ? sp + 0x20 : 0);
        assert_true(made.stack.count <= GS_NATIVE_FRAMES_MAX);
        end(&made);
    }
}

/* Whoever was given a name may look at it until the next sample; then it goes. */
/* Without it the file of an image that patchelf changed would not be believed, and its functions have no names. */
UNIT_TEST(build_id_far_from_the_beginning)
{
    static const uint32_t id[] = {0x01020304, 0x05060708};
    struct made made;
    begin(&made);
    const struct gs_module *module = gs_native_module(made.native, CODE);
    assert_non_null(module);
    assert_int_equal(module->build_id_len, sizeof id);
    assert_memory_equal(module->build_id, id, sizeof id);
    end(&made);
}

UNIT_TEST(names_are_forgotten)
{
    struct made made;
    const struct gs_native_name *name, *again;
    begin(&made);
    add_usual(&made);
    for (int i = 0; i < 100; i++) {
        uint64_t generation = gs_native_generation(made.native);
        name = gs_native_name(made.native, CODE + 0x10);
        assert_string_equal(name->function, "made+0x1010");
        assert_ptr_equal(gs_native_name(made.native, CODE + 0x10), name);
        made.native->unloaded++; /* some module */
        assert_int_not_equal(gs_native_generation(made.native), generation);
        again = gs_native_name(made.native, CODE + 0x10);
        assert_string_equal(name->function, again->function);
        gs_native_names_release(made.native);
        assert_string_equal(gs_native_name(made.native, CODE + 0x10)->function, "made+0x1010");
        assert_true(made.native->string_count <= 4 && made.native->left_count == 0);
    }
    end(&made);
}
