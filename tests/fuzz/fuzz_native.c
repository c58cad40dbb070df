/* C stacks: unwind tables, symbols and names of functions. The input: 4 bytes that say how long the image is, the image
 * of an ELF file as it lies in memory, and the stack, which begins with where the thread stands. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/mutate.h"
#include "fuzz/target.h"
#include "native/symbols.h"

enum { IMAGE = 0x400000, STACK = 0x7f0000, PAGE = 4096, HEAD = 4, WORDS = 16, MOST = 1 << 20 };

struct memory {
    struct gs_mem mem;
    uint8_t *bytes[2];
    gs_addr addr[2];
    size_t len[2];
};

static enum gs_status read_some(struct gs_mem *mem, gs_addr addr, void *dst, size_t len)
{
    const struct memory *memory = (const struct memory *)mem;
    for (int i = 0; i < 2; i++) {
        gs_addr at = addr - memory->addr[i];
        if (at < memory->len[i] && memory->len[i] - at >= len) {
            memcpy(dst, memory->bytes[i] + at, len);
            return GS_OK;
        }
    }
    return GS_UNREADABLE;
}

static enum gs_status read_many(struct gs_mem *mem, struct gs_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces[i].ok = read_some(mem, pieces[i].addr, pieces[i].dst, pieces[i].len) == GS_OK;
    return GS_OK;
}

static const struct gs_mem_ops ops = {read_some, read_many, NULL};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* In whole pages. */
static void map(struct memory *memory, int which, gs_addr addr, const uint8_t *data, size_t size)
{
    memory->addr[which] = addr;
    memory->len[which] = (size + PAGE) & ~(size_t)(PAGE - 1);
    memory->bytes[which] = calloc(1, memory->len[which]);
    if (!memory->bytes[which])
        abort();
    memcpy(memory->bytes[which], data, size);
}

static void unwind(struct memory *memory)
{
    struct gs_map maps[2] = {{.start = IMAGE,
                              .end = IMAGE + memory->len[0],
                              .inode = 1,
                              .readable = true,
                              .executable = true,
                              .path = "/fuzzed"},
                             {.start = STACK, .end = STACK + memory->len[1], .readable = true, .path = ""}};
    struct gs_postmortem still = {0};
    struct gs_target target = {.postmortem = &still, .mem = &memory->mem, .maps = maps, .map_count = 2};
    struct gs_native_options options = {0};
    struct gs_native *native;
    struct gs_native_copy copy = {0};
    struct gs_native_stack stack = {0};
    uint64_t pc, bp;
    memcpy(&pc, memory->bytes[1], sizeof pc);
    memcpy(&bp, memory->bytes[1] + 8, sizeof bp);
    if (gs_native_new(&native, &target, &options) != GS_OK || !gs_native_copy_reserve(&copy, MOST))
        abort();
    copy.registers.known = GS_ARCH_BIT(GS_ARCH_PC) | GS_ARCH_BIT(GS_ARCH_SP) | (bp ? GS_ARCH_BIT(GS_ARCH_BP) : 0);
    copy.registers.value[GS_ARCH_PC] = IMAGE + pc % memory->len[0];
    copy.registers.value[GS_ARCH_SP] = STACK + GS_ARCH_RED_ZONE + WORDS;
    copy.registers.value[GS_ARCH_BP] = STACK + bp;
    if (gs_native_copy_take(native, &copy, MOST))
        gs_native_unwind(native, &copy, &stack);
    for (size_t i = 0; i < stack.count; i++) {
        if (!gs_native_name(native, stack.frames[i].pc)->function)
            abort();
    }
    gs_native_free(native);
    gs_native_copy_fini(&copy);
    free(stack.frames);
}

static void read_symbols(const uint8_t *data, size_t size)
{
    struct gs_symtab symtab = {0};
    char name[256];
    int fd = memfd_create("elf", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    gs_symtab_add(&symtab, fd);
    gs_symtab_sort(&symtab);
    gs_elf_debug_link(fd, name, sizeof name);
    gs_elf_packed_debug(fd);
    for (size_t i = 0; i < symtab.count && i < 64; i++) {
        const struct gs_symbol *symbol = gs_symtab_find(&symtab, symtab.list[i].addr);
        gs_demangle(gs_symtab_name(&symtab, symbol ? symbol : &symtab.list[i]), name, sizeof name);
    }
    gs_symtab_fini(&symtab);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t len;
    struct memory memory = {.mem.ops = &ops};
    if (size < HEAD || size > MOST)
        return -1;
    memcpy(&len, data, sizeof len);
    len = len < size - HEAD ? len : (uint32_t)(size - HEAD);
    map(&memory, 0, IMAGE, data + HEAD, len);
    map(&memory, 1, STACK, data + HEAD + len, size - HEAD - len);
    unwind(&memory);
    read_symbols(data + HEAD, len);
    free(memory.bytes[0]);
    free(memory.bytes[1]);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct dice dice = {seed | 1};
    if (size < 64 || dice_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 1 + dice_roll(&dice, 3); i > 0; i--)
        mutate_word(data, size, &dice);
    return size;
}
