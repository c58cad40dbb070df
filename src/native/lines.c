/* Lines of source by libdw. What libdw opens by itself it maps, and it opens what the file tells it to: so it is given
 * files that are read, the shared part of the debug information (dwz) included. */
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/begin.h"
#include "native/symbols.h"

/* A file, read. */
struct part {
    int fd; /* -1: there is none */
    Elf *elf;
    Dwarf *dwarf;
};

struct gs_lines {
    struct part own, shared;
};

static void close_part(struct part *part)
{
    dwarf_end(part->dwarf);
    elf_end(part->elf);
    if (part->fd >= 0)
        close(part->fd);
}

/* Takes the descriptor over. False: there is no debug information in it. */
static bool open_part(struct part *part, int fd)
{
    *part = (struct part){.fd = fd};
    part->elf = fd >= 0 ? gs_elf_begin(fd) : NULL;
    part->dwarf = part->elf ? dwarf_begin_elf(part->elf, DWARF_C_READ, NULL) : NULL;
    return part->dwarf;
}

/* Where the file says that part of its debug information is in another one, that is found now; else libdw would look
 * for it. */
static bool open_shared(struct gs_lines *lines)
{
    const char *name;
    const void *id, *shared_id;
    ssize_t len = dwelf_dwarf_gnu_debugaltlink(lines->own.dwarf, &name, &id);
    if (len == 0)
        return true;
    if (len < 0 || !open_part(&lines->shared, gs_debug_file_shared(lines->own.fd, name)) ||
        dwelf_elf_gnu_build_id(lines->shared.elf, &shared_id) != len || memcmp(id, shared_id, (size_t)len) != 0)
        return false;
    dwarf_setalt(lines->own.dwarf, lines->shared.dwarf);
    return true;
}

struct gs_lines *gs_lines_open(int fd)
{
    struct gs_lines *lines = calloc(1, sizeof *lines);
    if (!lines) {
        close(fd);
        return NULL;
    }
    lines->shared.fd = -1;
    if (open_part(&lines->own, fd) && open_shared(lines))
        return lines;
    gs_lines_close(lines);
    return NULL;
}

void gs_lines_close(struct gs_lines *lines)
{
    if (!lines)
        return;
    close_part(&lines->own);
    close_part(&lines->shared);
    free(lines);
}

bool gs_lines_find(struct gs_lines *lines, uint64_t addr, const char **file, int *line)
{
    Dwarf_Die unit;
    Dwarf_Line *found = dwarf_addrdie(lines->own.dwarf, addr, &unit) ? dwarf_getsrc_die(&unit, addr) : NULL;
    *file = found ? dwarf_linesrc(found, NULL, NULL) : NULL;
    return *file && dwarf_lineno(found, line) == 0;
}
