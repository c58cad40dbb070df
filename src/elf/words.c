/* Loads a file's segments and applies its relocations, as the dynamic linker would at address 0. */
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "elf/head.h"
#include "elf/words.h"

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

void gs_words_fini(struct gs_words *words)
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

bool gs_words_open(struct gs_words *words, int fd)
{
    struct gs_bytes file;
    struct gs_elf_head head;
    words->count = 0;
    if (!gs_bytes_of_file(&file, fd, NULL, "", false) || !gs_elf_head_read(&head, &file) ||
        !load(words, &file, &head)) {
        gs_words_fini(words);
        return false;
    }
    for (size_t i = 0; i < head.segment_count; i++) {
        if (head.segments[i].p_type == PT_DYNAMIC)
            apply(words, &head.segments[i]);
    }
    return true;
}

uint64_t gs_words_at(const struct gs_words *words, uint64_t addr)
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

const char *gs_words_name(const struct gs_words *words, uint64_t addr)
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

bool gs_words_is_code(const struct gs_words *words, uint64_t addr)
{
    for (size_t i = 0; i < words->count; i++) {
        if (words->parts[i].code && addr - words->parts[i].addr < words->parts[i].len)
            return true;
    }
    return false;
}

bool gs_words_has(const struct gs_words *words, uint64_t addr)
{
    return find(words, addr, 1) != NULL;
}
