/* ELF files by libelf. */
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/begin.h"
#include "elf/file.h"

struct gs_elf_file {
    int fd;
    Elf *elf;
    size_t names; /* index of the section of section names */
};

struct gs_elf_file *gs_elf_file_open(int fd)
{
    struct gs_elf_file *file = fd >= 0 ? calloc(1, sizeof *file) : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    file->fd = fd;
    file->elf = gs_elf_begin(fd);
    if (!file->elf || elf_getshdrstrndx(file->elf, &file->names)) {
        gs_elf_file_close(file);
        return NULL;
    }
    return file;
}

void gs_elf_file_close(struct gs_elf_file *file)
{
    if (!file)
        return;
    elf_end(file->elf);
    close(file->fd);
    free(file);
}

static Elf_Scn *find_section(const struct gs_elf_file *file, const char *wanted, GElf_Shdr *header)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section));) {
        const char *name = gelf_getshdr(section, header) ? elf_strptr(file->elf, file->names, header->sh_name) : NULL;
        if (name && strcmp(name, wanted) == 0)
            return section;
    }
    return NULL;
}

uint64_t gs_elf_file_section(const struct gs_elf_file *file, const char *name, uint64_t *len)
{
    GElf_Shdr header;
    bool found = find_section(file, name, &header) != NULL;
    if (len)
        *len = found ? header.sh_size : 0;
    return found ? header.sh_addr : 0;
}

size_t gs_elf_file_symbols(const struct gs_elf_file *file, const char *const names[], uint64_t values[], size_t count)
{
    GElf_Shdr header;
    memset(values, 0, count * sizeof *values);
    Elf_Scn *section = find_section(file, ".symtab", &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    size_t found = 0;
    GElf_Sym symbol;
    for (int i = 0; data && found < count && gelf_getsym(data, i, &symbol); i++) {
        const char *name = symbol.st_shndx != SHN_UNDEF ? elf_strptr(file->elf, header.sh_link, symbol.st_name) : NULL;
        for (size_t k = 0; name && k < count; k++) {
            if (!values[k] && strcmp(name, names[k]) == 0) {
                values[k] = symbol.st_value;
                found++;
            }
        }
    }
    return found;
}
