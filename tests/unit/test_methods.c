/* Names out of tables of methods: those of this program, which look like a module's and a type's. */
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/methods.h"
#include "support/unit.h"

/* Include/methodobject.h, moduleobject.h, object.h */
struct method {
    const char *name;
    void *(*function)(void);
    long flags;
    const char *doc;
};
struct module {
    void *base[5];
    const char *name, *doc;
    long size;
    const struct method *methods;
};
struct type {
    void *base[3];
    const char *name;
    long basic_size, item_size;
    void *between[23];
    const struct method *methods;
};
struct slot {
    long number;
    const void *what;
};
struct spec {
    const char *name;
    int basic_size, item_size;
    unsigned long flags;
    const struct slot *slots;
};

#define FUNCTION(name, value)                                                                                          \
    static void *__attribute__((noinline, used)) name(void)                                                            \
    {                                                                                                                  \
        return (void *)(uintptr_t)(value);                                                                             \
    }
FUNCTION(walk, 1)
FUNCTION(run, 2)
FUNCTION(pour, 3)
FUNCTION(stir, 4)
FUNCTION(lost, 5)
FUNCTION(odd, 6)

static struct method of_module[] = {{"walk", walk, 1, NULL}, {"run", run, 0x82, "Runs."}, {NULL, NULL, 0, NULL}};
static struct method of_type[] = {{"pour", pour, 4 | 0x20, NULL}, {NULL, NULL, 0, NULL}};
static struct method of_spec[] = {{"stir", stir, 8, "Stirs."}, {NULL, NULL, 0, NULL}};
static struct method of_nobody[] = {{"lost", lost, 3, NULL}, {NULL, NULL, 0, NULL}};
/* No name that Python could call, no way to call it. */
static struct method no_methods[] = {{"odd one", odd, 1, NULL}, {"odd", odd, 0x1000, NULL}, {NULL, NULL, 0, NULL}};
static struct slot slots[] = {{70, "what it is"}, {64, of_spec}, {0, NULL}};

static struct module of_legs = {.name = "legs", .size = -1, .methods = of_module};
static struct type of_pots = {.name = "kitchen.Pot", .basic_size = 48, .methods = of_type};
static struct spec of_soups = {"kitchen.Soup", 32, 0, 1 << 18, slots};
static const struct method *others[] = {of_nobody, no_methods};

static int note_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1; /* this program is the first */
}

static const char *name_of(const struct gs_symtab *methods, void *(*function)(void))
{
    uint64_t bias = 0;
    dl_iterate_phdr(note_bias, &bias);
    const struct gs_symbol *method = gs_symtab_find(methods, (uint64_t)(uintptr_t)function - bias);
    return method && method->addr == (uint64_t)(uintptr_t)function - bias ? gs_symtab_name(methods, method) : "nothing";
}

UNIT_TEST(methods_of_this_program)
{
    /* They are used, or might be left out. */
    __asm__ volatile("" ::"r"(&of_legs), "r"(&of_pots), "r"(&of_soups), "r"(others) : "memory");
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int orphans = 0; orphans < 2; orphans++) {
        struct gs_symtab methods = {0};
        assert_true(gs_methods_add(&methods, fd, orphans));
        gs_symtab_sort(&methods);
        assert_string_equal(name_of(&methods, walk), "legs.walk");
        assert_string_equal(name_of(&methods, run), "legs.run");
        assert_string_equal(name_of(&methods, pour), "kitchen.Pot.pour");
        assert_string_equal(name_of(&methods, stir), "kitchen.Soup.stir");
        assert_string_equal(name_of(&methods, lost), orphans ? "lost()" : "nothing");
        assert_string_equal(name_of(&methods, odd), "nothing");
        gs_symtab_fini(&methods);
    }
    close(fd);
}

/* Each cut ends somewhere in a segment, each change is of some table's bytes: what comes out does not matter. */
UNIT_TEST(files_that_lie)
{
    static uint8_t bytes[1 << 20];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd = memfd_create("lying", MFD_CLOEXEC);
    ssize_t len = read(from, bytes, sizeof bytes);
    assert_true(len > 4096 && fd >= 0);
    uint32_t dice = 1;
    for (int i = 0; i < 200; i++) {
        struct gs_symtab methods = {0};
        uint8_t before[64];
        dice = dice * 1664525 + 1013904223;
        size_t at = dice % (size_t)(len - (ssize_t)sizeof before), end = i % 2 ? (size_t)len : at;
        memcpy(before, bytes + at, sizeof before);
        for (size_t k = 0; k < sizeof before; k++)
            bytes[at + k] = (uint8_t)(dice >> k % 24);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, end, 0), (ssize_t)end);
        assert_true(gs_methods_add(&methods, fd, true));
        gs_symtab_fini(&methods);
        memcpy(bytes + at, before, sizeof before);
    }
    close(fd);
    close(from);
}
