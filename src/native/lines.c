/* Lines of source by libdw. */
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "native/symbols.h"

struct gs_lines {
    int fd;
    Dwarf *dwarf;
};

enum { COPIED_MOST = 1 << 30 };

/* Others than we and root may cut the file short. */
static bool is_safe(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* libdw maps the file: were it cut short meanwhile, to read on would kill us. What others may write is copied. Takes
 * the descriptor over; -1: it cannot be had. */
static int make_safe(int fd)
{
    struct stat st;
    if (is_safe(fd, &st))
        return fd;
    int copy = st.st_size < COPIED_MOST ? memfd_create("debug", MFD_CLOEXEC) : -1;
    for (off_t at = 0; copy >= 0 && at < st.st_size;) {
        if (sendfile(copy, fd, &at, (size_t)(st.st_size - at)) <= 0) {
            close(copy);
            copy = -1;
        }
    }
    close(fd);
    return copy;
}

struct gs_lines *gs_lines_open(int fd)
{
    fd = make_safe(fd);
    if (fd < 0)
        return NULL;
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
