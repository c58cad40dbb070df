/* Lines of source by libdw. */
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <unistd.h>

#include "native/symbols.h"

struct gs_lines {
    int fd;
    Dwarf *dwarf;
};

struct gs_lines *gs_lines_open(int fd)
{
    struct gs_lines *lines = calloc(1, sizeof *lines);
    Dwarf *dwarf = lines ? dwarf_begin(fd, DWARF_C_READ) : NULL;
    if (!dwarf) {
        free(lines);
        close(fd);
        return NULL;
    }
    *lines = (struct gs_lines){fd, dwarf};
    return lines;
}

void gs_lines_close(struct gs_lines *lines)
{
    if (!lines)
        return;
    dwarf_end(lines->dwarf);
    close(lines->fd);
    free(lines);
}

bool gs_lines_find(struct gs_lines *lines, uint64_t addr, const char **file, int *line)
{
    Dwarf_Die unit;
    Dwarf_Line *found = dwarf_addrdie(lines->dwarf, addr, &unit) ? dwarf_getsrc_die(&unit, addr) : NULL;
    *file = found ? dwarf_linesrc(found, NULL, NULL) : NULL;
    return *file && dwarf_lineno(found, line) == 0;
}
