/* The linker's stubs, by which a file calls functions of others: each jumps to where a word says, and a relocation of
 * that word names the function (System V ABI, AMD64 supplement, 5.2; .plt.sec: -z ibtplt). */
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/room.h"
#include "base/sorted.h"
#include "elf/begin.h"
#include "elf/stubs.h"

enum { NAME_BYTES = 512, RELOCATIONS_MAX = 1 << 20, STUB_BYTES = 16, STUBS_MAX = 1 << 20 };

struct word {
    uint64_t addr;
    const char *name; /* libelf's */
};

struct words {
    struct word *list;
    size_t count, room;
};

GS_BY(by_addr, struct word, addr);

static bool add_word(struct words *words, uint64_t addr, const char *name)
{
    if (!name || !*name)
        return true;
    if (!gs_room((void **)&words->list, &words->room, words->count + 1, sizeof *words->list))
        return false;
    words->list[words->count++] = (struct word){addr, name};
    return true;
}

/* The words that are to hold addresses of functions that have names. */
static bool add_relocations(struct words *words, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    GElf_Shdr of_symbols;
    Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
    Elf_Data *data = elf_getdata(section, NULL), *table = symbols ? elf_getdata(symbols, NULL) : NULL;
    GElf_Rela relocation;
    GElf_Sym symbol;
    if (!table || !gelf_getshdr(symbols, &of_symbols))
        return true;
    for (int i = 0; data && i < RELOCATIONS_MAX && gelf_getrela(data, i, &relocation); i++) {
        if (gs_arch_relocation(GELF_R_TYPE(relocation.r_info)) != GS_ARCH_OF_SYMBOL ||
            !gelf_getsym(table, (int)GELF_R_SYM(relocation.r_info), &symbol))
            continue;
        if (!add_word(words, relocation.r_offset, elf_strptr(elf, of_symbols.sh_link, symbol.st_name)))
            return false;
    }
    return true;
}

static bool put_stub(struct gs_symtab *symtab, const struct words *words, uint64_t addr, uint64_t word, uint64_t size)
{
    char text[NAME_BYTES];
    struct word key = {.addr = word};
    const struct word *found =
        words->count > 0 ? bsearch(&key, words->list, words->count, sizeof *words->list, by_addr) : NULL;
    snprintf(text, sizeof text, "%s@plt", found ? found->name : "");
    return gs_symtab_put(symtab, addr, size, found ? text : "plt", false);
}

static bool add_section(struct gs_symtab *symtab, const struct words *words, Elf_Scn *section, const GElf_Shdr *header,
                        uint64_t size)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t len = data && data->d_buf ? data->d_size : 0;
    for (size_t at = 0; at + size <= len && at / size < STUBS_MAX; at += size) {
        uint8_t code[GS_ARCH_STUB_BYTES] = {0};
        memcpy(code, (const uint8_t *)data->d_buf + at, size);
        uint64_t addr = header->sh_addr + at;
        if (!put_stub(symtab, words, addr, gs_arch_stub_word(code, addr), size))
            return false;
    }
    return true;
}

/* How long a stub of this section is; 0: it has none. */
static uint64_t stub_bytes(const char *section)
{
    if (strcmp(section, ".plt") == 0 || strcmp(section, ".plt.sec") == 0)
        return STUB_BYTES;
    return strcmp(section, ".plt.got") == 0 ? STUB_BYTES / 2 : 0;
}

static bool visit(struct gs_symtab *symtab, struct words *words, Elf *elf, bool stubs)
{
    size_t names;
    GElf_Shdr header;
    bool ok = elf_getshdrstrndx(elf, &names) == 0;
    for (Elf_Scn *section = NULL; ok && (section = elf_nextscn(elf, section));) {
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        uint64_t size = name && stubs ? stub_bytes(name) : 0;
        if (size > 0)
            ok = add_section(symtab, words, section, &header, size);
        else if (name && !stubs && header.sh_type == SHT_RELA)
            ok = add_relocations(words, elf, section, &header);
    }
    return ok;
}

bool gs_stubs_add(struct gs_symtab *symtab, int fd)
{
    struct words words = {0};
    Elf *elf = gs_elf_begin(fd);
    bool ok = elf && elf_kind(elf) == ELF_K_ELF && visit(symtab, &words, elf, false);
    if (ok && words.count > 0)
        qsort(words.list, words.count, sizeof *words.list, by_addr);
    ok = ok && visit(symtab, &words, elf, true);
    elf_end(elf);
    free(words.list);
    return ok;
}
