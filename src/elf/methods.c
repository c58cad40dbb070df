/* Looks for PyMethodDef through all of a file's writable words: {name, function, flags, documentation}, the same from
 * 2.7 to 3.15 (Include/methodobject.h). Whose it is follows from what points to the first of a row of them: PyModuleDef
 * (Include/moduleobject.h), PyTypeObject (Include/object.h up to 3.8, cpython/object.h), or the slots of a PyType_Spec.
 * The words are those of the loaded file: its segments with its relocations applied, as the dynamic linker would at
 * address 0. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/room.h"
#include "base/sorted.h"
#include "elf/head.h"
#include "elf/methods.h"

enum { GS_WORDS_PARTS = 16 };

/* Addresses are those of the file. */
struct gs_words {
    struct gs_words_part {
        uint64_t addr, len;
        uint8_t *bytes;
        bool code, data; /* can be run; can be written, at least until it is relocated */
    } parts[GS_WORDS_PARTS];
    size_t count;
};

enum {
    BYTES_MAX = 32 << 20, /* of all segments */
    DYNAMIC_MAX = 1 << 10,
    NAME_LEAST = 2,
    NAME_MOST = 200
};

/* So many bytes from addr on are in one part. */
static uint8_t *find(const struct gs_words *words, uint64_t addr, uint64_t len)
{
    for (size_t i = 0; i < words->count; i++) {
        const struct gs_words_part *part = &words->parts[i];
        uint64_t at = addr - part->addr;
        if (at < part->len && part->len - at >= len)
            return part->bytes + at;
    }
    return NULL;
}

static void words_fini(struct gs_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->parts[i].bytes);
    words->count = 0;
}

static bool load(struct gs_words *words, const struct gs_bytes *file, const struct gs_elf_head *head)
{
    uint64_t total = 0;
    for (size_t i = 0; i < head->segment_count; i++) {
        const Elf64_Phdr *segment = &head->segments[i];
        if (segment->p_type != PT_LOAD || segment->p_filesz == 0)
            continue;
        if (words->count >= GS_WORDS_PARTS || segment->p_filesz > BYTES_MAX - total)
            return false;
        uint8_t *bytes = malloc(segment->p_filesz);
        if (!bytes || !gs_bytes_read(file, segment->p_offset, bytes, segment->p_filesz)) {
            free(bytes);
            return false;
        }
        total += segment->p_filesz;
        words->parts[words->count++] = (struct gs_words_part){
            segment->p_vaddr, segment->p_filesz, bytes, (segment->p_flags & PF_X) != 0, (segment->p_flags & PF_W) != 0};
    }
    return words->count > 0;
}

/* What a symbol of .dynsym is; 0: of another file. */
static uint64_t symbol_at(const struct gs_words *words, uint64_t symbols, uint32_t number)
{
    Elf64_Sym symbol;
    const uint8_t *bytes = symbols ? find(words, symbols + number * sizeof symbol, sizeof symbol) : NULL;
    if (!bytes)
        return 0;
    memcpy(&symbol, bytes, sizeof symbol);
    return symbol.st_shndx != SHN_UNDEF ? symbol.st_value : 0;
}

/* Relocations without an addend of their own (DT_RELR) have it where it belongs already. */
static void relocate(const struct gs_words *words, uint64_t table, uint64_t bytes, uint64_t symbols)
{
    Elf64_Rela one;
    const uint8_t *from = bytes >= sizeof one ? find(words, table, bytes) : NULL;
    for (uint64_t at = 0; from && bytes - at >= sizeof one; at += sizeof one) {
        memcpy(&one, from + at, sizeof one);
        enum gs_arch_relocation kind = gs_arch_relocation((uint32_t)ELF64_R_TYPE(one.r_info));
        uint8_t *to = kind ? find(words, one.r_offset, sizeof(uint64_t)) : NULL;
        uint64_t base = kind == GS_ARCH_OF_SYMBOL ? symbol_at(words, symbols, (uint32_t)ELF64_R_SYM(one.r_info)) : 0;
        uint64_t value = base + (uint64_t)one.r_addend;
        if (to && (kind == GS_ARCH_OF_IMAGE || base))
            memcpy(to, &value, sizeof value);
    }
}

static void apply(const struct gs_words *words, const Elf64_Phdr *dynamic)
{
    uint64_t table = 0, bytes = 0, symbols = 0;
    for (size_t i = 0; i < DYNAMIC_MAX && i < dynamic->p_filesz / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn entry;
        const uint8_t *from = find(words, dynamic->p_vaddr + i * sizeof entry, sizeof entry);
        if (!from)
            break;
        memcpy(&entry, from, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_RELA)
            table = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_RELASZ)
            bytes = entry.d_un.d_val;
        else if (entry.d_tag == DT_SYMTAB)
            symbols = entry.d_un.d_ptr;
    }
    relocate(words, table, bytes, symbols);
}

/* False: it is no ELF file, too large a one, or out of memory. The descriptor stays the caller's. */
static bool words_open(struct gs_words *words, int fd)
{
    struct gs_bytes file;
    struct gs_elf_head head;
    words->count = 0;
    if (!gs_bytes_of_file(&file, fd, NULL, "", false) || !gs_elf_head_read(&head, &file) ||
        !load(words, &file, &head)) {
        words_fini(words);
        return false;
    }
    for (size_t i = 0; i < head.segment_count; i++) {
        if (head.segments[i].p_type == PT_DYNAMIC)
            apply(words, &head.segments[i]);
    }
    return true;
}

/* The word at addr, 0 where there is none. */
static uint64_t words_at(const struct gs_words *words, uint64_t addr)
{
    uint64_t word = 0;
    const uint8_t *from = find(words, addr, sizeof word);
    if (from)
        memcpy(&word, from, sizeof word);
    return word;
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The name at addr: letters, digits, underscores and dots, at least two; NULL: there is none. */
static const char *words_name(const struct gs_words *words, uint64_t addr)
{
    const char *name = (const char *)find(words, addr, 1);
    if (!name || !is_of_name(*name) || (*name >= '0' && *name <= '9'))
        return NULL;
    for (uint64_t len = 1; len <= NAME_MOST; len++) {
        if (!find(words, addr, len + 1))
            return NULL;
        if (name[len] == '\0')
            return len >= NAME_LEAST ? name : NULL;
        if (!is_of_name(name[len]))
            return NULL;
    }
    return NULL;
}

/* addr is in a part that can be run. */
static bool words_is_code(const struct gs_words *words, uint64_t addr)
{
    for (size_t i = 0; i < words->count; i++) {
        if (words->parts[i].code && addr - words->parts[i].addr < words->parts[i].len)
            return true;
    }
    return false;
}

/* addr is in a part. */
static bool words_has(const struct gs_words *words, uint64_t addr)
{
    return find(words, addr, 1) != NULL;
}

enum {
    WORD = 8,
    METHOD_BYTES = 4 * WORD,
    METHODS_MAX = 1 << 16,
    SIZE_MOST = 1 << 24,     /* of an object, or of a module's state */
    MODULE_NAME = -3 * WORD, /* from m_methods: m_name, m_doc, m_size */
    TYPE_NAME = -26 * WORD,  /* from tp_methods: tp_name, tp_basicsize, ... */
    SPEC_NAME = -3 * WORD,   /* from slots: name, basicsize and itemsize, flags */
    SLOTS_MOST = 100,
    SLOT_METHODS = 64 /* Py_tp_methods (Include/typeslots.h) */
};

struct method {
    uint64_t at, function;
    const char *name, *owner; /* in the words */
};

struct search {
    struct gs_words words;
    struct method *list; /* by `at` */
    size_t count, room;
};

/* METH_VARARGS and so on, alone or as they may be combined, besides METH_CLASS, METH_STATIC and METH_COEXIST. */
static bool is_convention(uint64_t flags)
{
    static const uint16_t conventions[] = {0x01, 0x02, 0x03, 0x04, 0x08, 0x80, 0x82, 0x282};
    bool found = false;
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions && !found; i++)
        found = (flags & ~UINT64_C(0x70)) == conventions[i];
    return found;
}

static bool is_method(const struct gs_words *words, uint64_t at, struct method *method)
{
    uint64_t flags = words_at(words, at + 2 * WORD), doc = words_at(words, at + 3 * WORD);
    if (!is_convention(flags))
        return false;
    method->at = at;
    method->function = words_at(words, at + WORD);
    if (!words_is_code(words, method->function) || (doc && !words_has(words, doc)))
        return false;
    method->name = words_name(words, words_at(words, at));
    method->owner = NULL;
    return method->name != NULL;
}

/* Of all writable ones; false as soon as visit is. */
static bool each_word(struct search *search, bool (*visit)(struct search *search, uint64_t at))
{
    for (size_t p = 0; p < search->words.count; p++) {
        const struct gs_words_part *part = &search->words.parts[p];
        uint64_t end = part->addr + part->len;
        for (uint64_t at = (part->addr + WORD - 1) & -(uint64_t)WORD; part->data && at < end; at += WORD) {
            if (!visit(search, at))
                return false;
        }
    }
    return true;
}

static bool find_method(struct search *search, uint64_t at)
{
    struct method found;
    if (!is_method(&search->words, at, &found) || search->count >= METHODS_MAX)
        return true;
    if (!gs_room((void **)&search->list, &search->room, search->count + 1, sizeof *search->list))
        return false;
    search->list[search->count++] = found;
    return true;
}

GS_BY(by_place, struct method, at);

static struct method *method_at(const struct search *search, uint64_t at)
{
    struct method wanted = {.at = at};
    if (search->count == 0 || at < search->list[0].at || at > search->list[search->count - 1].at)
        return NULL;
    return bsearch(&wanted, search->list, search->count, sizeof wanted, by_place);
}

static bool is_size(uint64_t word)
{
    return word + 1 <= SIZE_MOST; /* -1, too */
}

/* The name of what has a pointer to methods at `at`; NULL: it is neither a module nor a type. */
static const char *owner_of(const struct gs_words *words, uint64_t at)
{
    const char *name = words_name(words, words_at(words, at + (uint64_t)MODULE_NAME));
    uint64_t doc = words_at(words, at - 2 * WORD);
    if (name && is_size(words_at(words, at - WORD)) && (!doc || words_has(words, doc)))
        return name;
    name = words_name(words, words_at(words, at + (uint64_t)TYPE_NAME));
    bool sized = is_size(words_at(words, at + (uint64_t)TYPE_NAME + WORD)) &&
                 is_size(words_at(words, at + (uint64_t)TYPE_NAME + 2 * WORD));
    return sized ? name : NULL;
}

/* The word at `at` may point to the slots of a type. */
static void try_slots(struct search *search, uint64_t at)
{
    const struct gs_words *words = &search->words;
    uint64_t slots = words_at(words, at), first = slots ? words_at(words, slots) : 0;
    if (first == 0 || first > SLOTS_MOST || words_at(words, at - WORD) > UINT32_MAX)
        return;
    const char *name = words_name(words, words_at(words, at + (uint64_t)SPEC_NAME));
    for (uint64_t i = 0; name && i < SLOTS_MOST; i++) {
        uint64_t number = words_at(words, slots + i * 2 * WORD);
        struct method *method =
            number == SLOT_METHODS ? method_at(search, words_at(words, slots + (2 * i + 1) * WORD)) : NULL;
        if (method)
            method->owner = name;
        if (number == 0 || number > SLOTS_MOST)
            return;
    }
}

static bool find_owner(struct search *search, uint64_t at)
{
    struct method *method = method_at(search, words_at(&search->words, at));
    const char *owner = method ? owner_of(&search->words, at) : NULL;
    if (owner)
        method->owner = owner;
    else if (!method)
        try_slots(search, at);
    return true;
}

static void find_owners(struct search *search)
{
    each_word(search, find_owner);
    for (size_t i = 1; i < search->count; i++) {
        struct method *method = &search->list[i];
        if (!method->owner && method[-1].at + METHOD_BYTES == method->at)
            method->owner = method[-1].owner;
    }
}

static bool add(struct gs_symtab *symtab, const struct method *method)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s%s%s", method->owner ? method->owner : "", method->owner ? "." : "", method->name,
             method->owner ? "" : "()");
    return gs_symtab_put(symtab, method->function, 0, name, true);
}

bool gs_methods_add(struct gs_symtab *symtab, int fd, bool orphans)
{
    struct search search = {.count = 0};
    if (!words_open(&search.words, fd))
        return true;
    bool ok = each_word(&search, find_method);
    if (ok && search.count > 0) {
        qsort(search.list, search.count, sizeof *search.list, by_place);
        find_owners(&search);
    }
    for (size_t i = 0; i < search.count && ok; i++) {
        if (search.list[i].owner || orphans)
            ok = add(symtab, &search.list[i]);
    }
    free(search.list);
    words_fini(&search.words);
    return ok;
}
