/* Symbols by libelf, names kept in one block: the files are closed again. */
#include <gelf.h>
#include <libelf.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/room.h"
#include "base/sorted.h"
#include "elf/begin.h"
#include "elf/bytes.h"
#include "elf/head.h"
#include "elf/symtab.h"

enum {
    SYMBOLS_MAX = 1 << 22,
    NAMES_MAX = 1 << 29,
    NAME_MAX_BYTES = 1 << 16,
    SECTIONS_MAX = 1 << 12,
    UNPACKED_MAX = 64 << 20,
    UNPACK_MEMORY = 256 << 20
};

void gs_symtab_fini(struct gs_symtab *symtab)
{
    free(symtab->list);
    free(symtab->names);
    *symtab = (struct gs_symtab){0};
}

bool gs_symtab_put(struct gs_symtab *symtab, uint64_t addr, uint64_t size, const char *name, bool local)
{
    size_t len = strnlen(name, NAME_MAX_BYTES) + 1;
    if (symtab->count >= SYMBOLS_MAX || symtab->names_len + len > NAMES_MAX || len > NAME_MAX_BYTES)
        return true;
    if (!gs_room((void **)&symtab->list, &symtab->room, symtab->count + 1, sizeof *symtab->list) ||
        !gs_room((void **)&symtab->names, &symtab->names_room, symtab->names_len + len, 1))
        return false;
    symtab->list[symtab->count++] =
        (struct gs_symbol){.addr = addr, .size = size, .name = (uint32_t)symtab->names_len, .local = local};
    memcpy(symtab->names + symtab->names_len, name, len);
    symtab->names_len += len;
    return true;
}

static bool add_table(struct gs_symtab *symtab, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym sym;
    for (int i = 0; data && i < SYMBOLS_MAX && gelf_getsym(data, i, &sym); i++) {
        unsigned type = GELF_ST_TYPE(sym.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || sym.st_shndx == SHN_UNDEF)
            continue;
        const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
        if (name && *name &&
            !gs_symtab_put(symtab, sym.st_value, sym.st_size, name, GELF_ST_BIND(sym.st_info) == STB_LOCAL))
            return false;
    }
    return true;
}

static bool add_elf(struct gs_symtab *symtab, Elf *elf, bool packed);

/* A small ELF file, in .xz, that has the symbols which the program itself lacks ("MiniDebugInfo"). */
static bool add_packed(struct gs_symtab *symtab, Elf_Scn *section)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    uint64_t memory = UNPACK_MEMORY;
    size_t from = 0, to = 0, room = data ? data->d_size * 16 : 0;
    if (!data || !data->d_buf || data->d_size == 0 || data->d_size > UNPACKED_MAX)
        return true;
    room = room < UNPACKED_MAX ? room : UNPACKED_MAX;
    uint8_t *bytes = malloc(room);
    bool ok = true;
    if (bytes &&
        lzma_stream_buffer_decode(&memory, 0, NULL, data->d_buf, &from, data->d_size, bytes, &to, room) == LZMA_OK) {
        Elf *elf = elf_memory((char *)bytes, to);
        ok = !elf || add_elf(symtab, elf, true);
        elf_end(elf);
    }
    free(bytes);
    return ok;
}

static bool add_elf(struct gs_symtab *symtab, Elf *elf, bool packed)
{
    size_t names;
    GElf_Shdr header;
    int sections = 0;
    if (elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names))
        return true;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) && sections < SECTIONS_MAX; sections++) {
        if (!gelf_getshdr(section, &header))
            continue;
        const char *name = elf_strptr(elf, names, header.sh_name);
        if ((header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) && !add_table(symtab, elf, section, &header))
            return false;
        if (!packed && name && strcmp(name, ".gnu_debugdata") == 0 && !add_packed(symtab, section))
            return false;
    }
    return true;
}

bool gs_symtab_add(struct gs_symtab *symtab, int fd)
{
    Elf *elf = gs_elf_begin(fd);
    bool ok = elf && add_elf(symtab, elf, false);
    elf_end(elf);
    return ok;
}

bool gs_symtab_has_local(const struct gs_symtab *symtab)
{
    bool found = false;
    for (size_t i = 0; i < symtab->count && !found; i++)
        found = symtab->list[i].local;
    return found;
}

bool gs_symtab_has_any(const struct gs_symtab *symtab, const char *beginning)
{
    size_t len = strlen(beginning);
    bool found = false;
    for (size_t i = 0; i < symtab->count && !found; i++)
        found = strncmp(gs_symtab_name(symtab, &symtab->list[i]), beginning, len) == 0;
    return found;
}

GS_BY_BOTH(by_addr, struct gs_symbol, addr, name);

void gs_symtab_sort(struct gs_symtab *symtab)
{
    if (symtab->count > 0)
        qsort(symtab->list, symtab->count, sizeof *symtab->list, by_addr);
}

/* Of several names for one function, the one that a programmer calls it by: poll, not __poll. */
static bool is_better(const struct gs_symtab *symtab, const struct gs_symbol *a, const struct gs_symbol *b)
{
    const char *x = gs_symtab_name(symtab, a), *y = gs_symtab_name(symtab, b);
    size_t lines_x = strspn(x, "_"), lines_y = strspn(y, "_");
    if ((a->size == 0) != (b->size == 0))
        return b->size == 0;
    if (a->local != b->local)
        return b->local;
    if (lines_x != lines_y)
        return lines_x < lines_y;
    return strlen(x) < strlen(y);
}

const struct gs_symbol *gs_symtab_find(const struct gs_symtab *symtab, uint64_t addr)
{
    enum {
        LOOK_BACK = 64, /* symbols, for one that reaches as far as addr */
        SIZELESS = 256  /* bytes that one without a size may have: musl's in assembly, behind which lie nameless ones */
    };
    const struct gs_symbol *list = symtab->list, *best = NULL;
    size_t behind = GS_FIRST_NOT(i, symtab->count, list[i].addr <= addr);
    uint64_t last = behind > 0 ? list[behind - 1].addr : 0;
    for (size_t i = behind; i-- > 0 && behind - i <= LOOK_BACK && (!best || list[i].addr == best->addr);) {
        bool reaches =
            list[i].size == 0 ? list[i].addr == last && addr - last < SIZELESS : addr - list[i].addr < list[i].size;
        if (reaches && (!best || is_better(symtab, &list[i], best)))
            best = &list[i];
    }
    return best;
}

const char *gs_symtab_name(const struct gs_symtab *symtab, const struct gs_symbol *symbol)
{
    return symtab->names + symbol->name;
}

size_t gs_elf_build_id(int fd, uint8_t *id, size_t size)
{
    struct gs_bytes bytes;
    struct gs_elf_head head;
    if (!gs_bytes_of_file(&bytes, fd, NULL, "", false) || !gs_elf_head_read(&head, &bytes) || head.build_id_len > size)
        return 0;
    memcpy(id, head.build_id, head.build_id_len);
    return head.build_id_len;
}

/* Calls back for each section until `visit` has enough. */
static bool visit_sections(int fd, bool (*visit)(const char *name, const GElf_Shdr *header, Elf_Scn *section, void *to),
                           void *to)
{
    Elf *elf = gs_elf_begin(fd);
    size_t names;
    GElf_Shdr header;
    bool found = false;
    int sections = 0;
    if (elf && elf_getshdrstrndx(elf, &names) == 0) {
        for (Elf_Scn *section = NULL; !found && (section = elf_nextscn(elf, section)) && sections < SECTIONS_MAX;
             sections++) {
            const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
            found = name && visit(name, &header, section, to);
        }
    }
    elf_end(elf);
    return found;
}

struct link {
    char *name;
    size_t size;
};

static bool read_link(const char *name, const GElf_Shdr *header, Elf_Scn *section, void *to)
{
    const struct link *link = to;
    Elf_Data *data =
        header->sh_type == SHT_PROGBITS && strcmp(name, ".gnu_debuglink") == 0 ? elf_rawdata(section, NULL) : NULL;
    if (!data || !data->d_buf || data->d_size == 0)
        return false;
    size_t len = strnlen(data->d_buf, data->d_size < link->size ? data->d_size : link->size - 1);
    memcpy(link->name, data->d_buf, len);
    link->name[len] = '\0';
    return true;
}

bool gs_elf_debug_link(int fd, char *name, size_t size)
{
    struct link link = {name, size};
    return visit_sections(fd, read_link, &link) && *name && !strchr(name, '/');
}

static bool is_debug(const char *name, const GElf_Shdr *header, Elf_Scn *section, void *to)
{
    (void)section;
    (void)to;
    return header->sh_type != SHT_NOBITS && strcmp(name, ".debug_info") == 0;
}

bool gs_elf_has_debug(int fd)
{
    return visit_sections(fd, is_debug, NULL);
}

static bool add_packed_debug(const char *name, const GElf_Shdr *header, Elf_Scn *section, void *to)
{
    (void)section;
    if (strncmp(name, ".debug_", 7) == 0 && (header->sh_flags & SHF_COMPRESSED))
        *(uint64_t *)to += header->sh_size;
    return false;
}

uint64_t gs_elf_packed_debug(int fd)
{
    uint64_t bytes = 0;
    (void)visit_sections(fd, add_packed_debug, &bytes);
    return bytes;
}
