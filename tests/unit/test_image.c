/* Symbols out of an ELF image that lies in memory: made by hand, whole and hostile. */
#include <elf.h>
#include <string.h>

#include "elf/image.h"
#include "support/mem_fake.h"
#include "support/unit.h"

/* Offsets in the image. */
enum {
    PHDRS = 0x40,
    DYNAMIC = 0x400,
    SYMBOLS = 0x800,
    STRINGS = 0x1000,
    TABLE = 0x1800,
    BYTES = 0x4000,
    DATA = 0x3000
};

#define BASE UINT64_C(0x7f1200000000)

enum hash { GNU, SYSV };

static const char *const names[] = {"", "_PyRuntime", "Py_Version", "undefined", "PyCode_Type", "_PyRuntimf"};
enum { COUNT = sizeof names / sizeof *names };

struct world {
    struct gs_mem *mem;
    gs_addr base;    /* where it lies */
    uint64_t linked; /* the address that the file says */
    bool relocated;  /* pointers of .dynamic were turned into addresses */
};

static void *at(struct world *w, size_t offset, size_t len)
{
    return mem_fake_at(w->mem, w->base + offset, len);
}

static void put32(struct world *w, size_t offset, uint32_t value)
{
    memcpy(at(w, offset, 4), &value, 4);
}

static Elf64_Ehdr *header(struct world *w)
{
    return at(w, 0, sizeof(Elf64_Ehdr));
}

static Elf64_Phdr *segment(struct world *w, size_t index)
{
    return at(w, PHDRS + index * sizeof(Elf64_Phdr), sizeof(Elf64_Phdr));
}

static Elf64_Dyn *dynamic(struct world *w, size_t index)
{
    return at(w, DYNAMIC + index * sizeof(Elf64_Dyn), sizeof(Elf64_Dyn));
}

static uint32_t gnu_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static uint32_t sysv_hash(const char *name)
{
    uint32_t hash = 0;
    for (; *name; name++) {
        hash = (hash << 4) + (unsigned char)*name;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    return hash;
}

/* One bucket for all: symbols 1 on, in their order. */
static void put_gnu(struct world *w)
{
    const uint32_t head[] = {1, 1, 1, 0};
    memcpy(at(w, TABLE, sizeof head), head, sizeof head);
    put32(w, TABLE + 24, 1);
    for (uint32_t i = 1; i < COUNT; i++)
        put32(w, TABLE + 28 + (i - 1) * 4, (gnu_hash(names[i]) & ~1u) | (i == COUNT - 1));
}

static void put_sysv(struct world *w)
{
    uint32_t last[2] = {0, 0};
    put32(w, TABLE, 2);
    put32(w, TABLE + 4, COUNT);
    for (uint32_t i = 1; i < COUNT; i++) {
        uint32_t bucket = sysv_hash(names[i]) % 2;
        put32(w, last[bucket] ? TABLE + 16 + last[bucket] * 4 : TABLE + 8 + bucket * 4, i);
        last[bucket] = i;
    }
}

static void put_symbols(struct world *w)
{
    uint32_t name_at = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        Elf64_Sym symbol = {
            .st_name = name_at, .st_shndx = i == 3 ? SHN_UNDEF : 5, .st_value = w->linked + DATA + i * 16};
        memcpy(at(w, SYMBOLS + i * sizeof symbol, sizeof symbol), &symbol, sizeof symbol);
        strcpy(at(w, STRINGS + name_at, strlen(names[i]) + 1), names[i]);
        name_at += (uint32_t)strlen(names[i]) + 1;
    }
}

static void build(struct world *w, gs_addr base, uint64_t linked, bool relocated, enum hash hash)
{
    *w = (struct world){mem_fake_new(), base, linked, relocated};
    mem_fake_map(w->mem, base, BYTES);
    Elf64_Ehdr *head = header(w);
    memcpy(head->e_ident, ELFMAG, SELFMAG);
    head->e_ident[EI_CLASS] = ELFCLASS64;
    head->e_ident[EI_DATA] = ELFDATA2LSB;
    head->e_phoff = PHDRS;
    head->e_phentsize = sizeof(Elf64_Phdr);
    head->e_phnum = 3;
    *segment(w, 0) = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = linked, .p_memsz = DATA};
    *segment(w, 1) =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = linked + DATA, .p_memsz = BYTES - DATA};
    *segment(w, 2) = (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_vaddr = linked + DYNAMIC, .p_memsz = 6 * sizeof(Elf64_Dyn)};
    uint64_t add = relocated ? base : linked;
    const Elf64_Dyn entries[] = {{DT_SYMTAB, {add + SYMBOLS}},
                                 {DT_STRTAB, {add + STRINGS}},
                                 {DT_STRSZ, {256}},
                                 {hash == GNU ? DT_GNU_HASH : DT_HASH, {add + TABLE}},
                                 {DT_NULL, {0}},
                                 {DT_SYMTAB, {1}}};
    memcpy(at(w, DYNAMIC, sizeof entries), entries, sizeof entries);
    put_symbols(w);
    if (hash == GNU)
        put_gnu(w);
    else
        put_sysv(w);
}

static void check_found(struct world *w)
{
    struct gs_image image;
    assert_int_equal(gs_image_open(&image, w->mem, w->base), GS_OK);
    assert_int_equal(image.bias, w->base - w->linked);
    assert_int_equal(image.end, w->base + BYTES);
    assert_int_equal(image.data_start, w->base + DATA);
    assert_int_equal(image.data_end, w->base + BYTES);
    assert_int_equal(gs_image_symbol(&image, "_PyRuntime"), w->base + DATA + 16);
    assert_int_equal(gs_image_symbol(&image, "Py_Version"), w->base + DATA + 32);
    assert_int_equal(gs_image_symbol(&image, "PyCode_Type"), w->base + DATA + 64);
    assert_int_equal(gs_image_symbol(&image, "undefined"), 0);
    assert_int_equal(gs_image_symbol(&image, "_PyRuntim"), 0);
    assert_int_equal(gs_image_symbol(&image, "missing"), 0);
    assert_int_equal(gs_image_symbol(&image, ""), 0);
}

UNIT_TEST(test_symbols)
{
    static const struct {
        gs_addr base;
        uint64_t linked;
        bool relocated;
    } places[] = {{BASE, 0, true},            /* ET_DYN under glibc */
                  {BASE, 0, false},           /* under musl */
                  {0x400000, 0x400000, true}, /* ET_EXEC */
                  {BASE, 0x10000, true},      /* linked for elsewhere */
                  {BASE, 0x10000, false}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (enum hash hash = GNU; hash <= SYSV; hash++) {
            struct world w;
            build(&w, places[i].base, places[i].linked, places[i].relocated, hash);
            check_found(&w);
            gs_mem_free(w.mem);
        }
    }
}

UNIT_TEST(test_no_image)
{
    struct gs_image image;
    struct world w;
    build(&w, BASE, 0, true, GNU);
    assert_int_equal(gs_image_open(&image, w.mem, 0x1000), GS_UNREADABLE);
    assert_int_equal(gs_image_open(&image, w.mem, UINT64_MAX - 16), GS_UNREADABLE);
    Elf64_Ehdr good = *header(&w);
    header(&w)->e_ident[0] = 0;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_NOT_PYTHON);
    *header(&w) = good;
    header(&w)->e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_NOT_PYTHON);
    *header(&w) = good;
    header(&w)->e_ident[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_NOT_PYTHON);
    *header(&w) = good;
    header(&w)->e_phnum = UINT16_MAX;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_NOT_PYTHON);
    *header(&w) = good;
    header(&w)->e_phentsize = 8;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_NOT_PYTHON);
    *header(&w) = good;
    header(&w)->e_phoff = UINT64_MAX - 8;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_UNREADABLE);
    *header(&w) = good;
    header(&w)->e_phnum = 0;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "_PyRuntime"), 0);
    gs_mem_free(w.mem);
}

/* Looks up everything; whatever is found must be an address that the tables name. */
static void look(struct world *w)
{
    struct gs_image image;
    if (gs_image_open(&image, w->mem, w->base))
        return;
    for (size_t i = 0; i < COUNT; i++)
        (void)gs_image_symbol(&image, names[i]);
    assert_int_equal(gs_image_symbol(&image, "missing"), 0);
}

UNIT_TEST(test_hostile_tables)
{
    static const uint32_t values[] = {0, 1, 2, 0x7fffffff, 0x80000000, UINT32_MAX, UINT32_MAX - 1};
    for (enum hash hash = GNU; hash <= SYSV; hash++) {
        for (size_t word = 0; word < 16; word++) {
            for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
                struct world w;
                build(&w, BASE, 0, true, hash);
                put32(&w, TABLE + word * 4, values[i]);
                look(&w);
                gs_mem_free(w.mem);
            }
        }
    }
    /* No bucket at all: nothing is found, and nothing divided by. */
    for (enum hash hash = GNU; hash <= SYSV; hash++) {
        struct world w;
        struct gs_image image;
        build(&w, BASE, 0, true, hash);
        put32(&w, TABLE, 0);
        assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
        assert_int_equal(gs_image_symbol(&image, "_PyRuntime"), 0);
        gs_mem_free(w.mem);
    }
}

UNIT_TEST(test_endless_chains)
{
    struct gs_image image;
    struct world w;
    build(&w, BASE, 0, true, SYSV);
    for (uint32_t i = 1; i < COUNT; i++)
        put32(&w, TABLE + 16 + i * 4, i); /* each its own next */
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "missing"), 0);
    gs_mem_free(w.mem);
    build(&w, BASE, 0, true, GNU);
    for (uint32_t i = TABLE + 28; i + 4 <= BYTES; i += 4)
        put32(&w, i, gnu_hash("missing") & ~1u); /* never the last one */
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "missing"), 0);
    gs_mem_free(w.mem);
}

UNIT_TEST(test_names_that_never_end)
{
    struct gs_image image;
    struct world w;
    build(&w, BASE, 0, true, GNU);
    memset(at(&w, STRINGS, 0x800), '_', 0x800);
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "_PyRuntime"), 0);
    /* Beyond the table of strings, or of what is mapped. */
    gs_mem_free(w.mem);
    build(&w, BASE, 0, true, GNU);
    dynamic(&w, 2)->d_un.d_val = 1;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "Py_Version"), 0);
    dynamic(&w, 2)->d_un.d_val = UINT64_MAX;
    dynamic(&w, 1)->d_un.d_val = UINT64_MAX - 4;
    assert_int_equal(gs_image_open(&image, w.mem, BASE), GS_OK);
    assert_int_equal(gs_image_symbol(&image, "Py_Version"), 0);
    gs_mem_free(w.mem);
}

/* Every 64-bit number of the headers in turn. */
UNIT_TEST(test_addresses_that_wrap)
{
    static const uint64_t values[] = {
        0,      1,         UINT64_MAX,         UINT64_MAX - 4095, INT64_MAX, UINT64_C(1) << 63,
        0x4000, BASE + 16, 0 - (uint64_t)BASE, BASE - 8};
    for (size_t offset = PHDRS; offset < PHDRS + 3 * sizeof(Elf64_Phdr); offset += 8) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            struct world w;
            build(&w, BASE, 0, true, GNU);
            memcpy(at(&w, offset, 8), &values[i], 8);
            look(&w);
            gs_mem_free(w.mem);
        }
    }
    for (size_t offset = DYNAMIC; offset < DYNAMIC + 6 * sizeof(Elf64_Dyn); offset += 8) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            struct world w;
            build(&w, BASE, 0, true, SYSV);
            memcpy(at(&w, offset, 8), &values[i], 8);
            look(&w);
            gs_mem_free(w.mem);
        }
    }
}
