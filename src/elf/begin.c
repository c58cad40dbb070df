/* The sizes of the sections are looked at before libelf reads any of them: it allocates what the file claims. */
#include <gelf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/begin.h"

enum { SECTIONS_MOST = 1 << 16 };

static const uint64_t most_bytes = (uint64_t)1 << 30; /* of symbols and strings, or of debug information, unpacked */

/* libelf makes room for all sections at once. */
static bool has_few_sections(int fd)
{
    Elf64_Ehdr head;
    Elf64_Shdr first;
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || pread(fd, &head, sizeof head, 0) != sizeof head ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    if (head.e_shnum > 0 || head.e_shoff == 0)
        return true;
    return pread(fd, &first, sizeof first, (off_t)head.e_shoff) == sizeof first && first.sh_size <= SECTIONS_MOST;
}

/* What libelf and libdw would make of a section. */
static uint64_t unpacked_bytes(Elf_Scn *section, const GElf_Shdr *header)
{
    GElf_Chdr packed;
    return header->sh_flags & SHF_COMPRESSED && gelf_getchdr(section, &packed) ? packed.ch_size : header->sh_size;
}

static bool is_bounded(Elf *elf)
{
    GElf_Shdr header;
    uint64_t all = 0;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        bool known = gelf_getshdr(section, &header);
        bool program = known && (header.sh_flags & SHF_ALLOC) && header.sh_type == SHT_PROGBITS;
        uint64_t bytes = known && !program && header.sh_type != SHT_NOBITS ? unpacked_bytes(section, &header) : 0;
        if (bytes > most_bytes || (all += bytes) > most_bytes)
            return false;
    }
    return true;
}

Elf *gs_elf_begin(int fd)
{
    elf_version(EV_CURRENT);
    Elf *elf = has_few_sections(fd) ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    if (elf && elf_kind(elf) == ELF_K_ELF && is_bounded(elf))
        return elf;
    elf_end(elf);
    return NULL;
}
