/* /proc/PID/maps, and the files behind its lines. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/regular.h"
#include "base/sorted.h"
#include "base/watch.h"
#include "gilspy/target.h"
#include "target/procfs.h"

static const char deleted_mark[] = " (deleted)";

void gs_maps_free(struct gs_map *maps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(maps[i].path);
    free(maps);
}

/* The kernel writes a newline of a path as \012, and nothing else so. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from; to++) {
        bool newline = strncmp(from, "\\012", 4) == 0;
        *to = newline ? '\n' : *from;
        from += newline ? 4 : 1;
    }
    *to = '\0';
}

static bool parse_line(const char *line, struct gs_map *map)
{
    char perms[5];
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &map->start, &map->end, perms,
               &map->file_offset, &map->dev_major, &map->dev_minor, &map->inode, &path_at) != 7)
        return false;
    map->readable = perms[0] == 'r';
    map->writable = perms[1] == 'w';
    map->executable = perms[2] == 'x';
    const char *path = line + path_at;
    size_t len = strlen(path), mark = sizeof deleted_mark - 1;
    map->deleted = map->inode && len > mark && strcmp(path + len - mark, deleted_mark) == 0;
    map->path = strndup(path, map->deleted ? len - mark : len);
    if (map->path)
        unescape(map->path);
    return map->path != NULL;
}

bool gs_maps_parse(char *text, struct gs_map **maps, size_t *count)
{
    size_t lines = 0;
    *count = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    *maps = calloc(lines + 1, sizeof **maps);
    if (!*maps)
        return false;
    for (char *line; *count < lines && (line = strsep(&text, "\n"));)
        *count += parse_line(line, &(*maps)[*count]);
    return true;
}

static enum gs_status refuse(const struct gs_target *target, ssize_t failure, struct gs_err *err)
{
    if (failure == -EACCES || failure == -EPERM)
        return GS_NOT_PERMITTED; /* whoever opens the process tells why */
    if (failure == -ENOENT || failure == -ESRCH)
        return gs_fail(err, GS_NO_PROCESS, "process %d has ended", (int)target->pid);
    return gs_fail(err, GS_FAILED, "the memory map of process %d cannot be read: %s", (int)target->pid,
                   strerror((int)-failure));
}

enum gs_status gs_target_refresh_maps(struct gs_target *target, struct gs_err *err)
{
    ssize_t len;
    if (target->postmortem)
        return GS_OK;
    gs_watch_enter(target->watch, "reading its memory map", 0, 0);
    char *text = gs_proc_read_all(target->living, "maps", &len);
    gs_watch_leave(target->watch);
    if (!text)
        return refuse(target, len, err);
    struct gs_map *maps;
    size_t count;
    bool parsed = gs_maps_parse(text, &maps, &count);
    free(text);
    if (!parsed)
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    gs_maps_free(target->maps, target->map_count);
    target->maps = maps;
    target->map_count = count;
    return GS_OK;
}

const struct gs_map *gs_target_map_at(const struct gs_target *target, gs_addr addr)
{
    size_t found = GS_FIRST_NOT(i, target->map_count, target->maps[i].end <= addr);
    return found < target->map_count && target->maps[found].start <= addr ? &target->maps[found] : NULL;
}

/* The beginning of the file is what stands in memory: of a program or library, its headers and the addresses of its
 * symbols. */
static bool same_contents(const struct gs_target *target, const struct gs_map *map, int fd)
{
    enum { BLOCK = 16384, MOST = 16 * BLOCK };
    char *ours = malloc(BLOCK), *theirs = malloc(BLOCK);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), all = map->end - map->start, len = all < MOST ? all : MOST, at = 0;
    bool same = ours && theirs && !map->writable, ended = false;
    for (; same && !ended && at < len; at += BLOCK) {
        size_t part = len - at < BLOCK ? len - at : BLOCK;
        ssize_t got = pread(fd, ours, part, (off_t)(map->file_offset + at));
        /* The file may end within the last page. */
        ended = got >= 0 && (size_t)got < part && all - at - (size_t)got < page;
        same = (got == (ssize_t)part || (ended && (got > 0 || at > 0))) &&
               (got == 0 || gs_mem_read(target->mem, map->start + at, theirs, (size_t)got) == GS_OK) &&
               memcmp(ours, theirs, (size_t)got) == 0;
    }
    free(ours);
    free(theirs);
    return same;
}

/* A path may lead to another file by now. The number of its device proves nothing: on overlayfs (containers) and btrfs
 * maps and stat tell different ones of the same file (fs/proc/task_mmu.c, show_map_vma). */
static int open_checked(const struct gs_target *target, const char *path, const struct gs_map *map)
{
    struct stat st;
    int fd = gs_open_regular(path, &st);
    if (fd < 0)
        return -1;
    if ((st.st_ino == map->inode && major(st.st_dev) == map->dev_major && minor(st.st_dev) == map->dev_minor) ||
        same_contents(target, map, fd))
        return fd;
    close(fd);
    return -1;
}

/* The kernel's own link to the file: no path is walked. */
static int open_mapped(const struct gs_target *target, const struct gs_map *map)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)target->living, map->start, map->end);
    return open_checked(target, path, map);
}

int gs_target_open_file(const struct gs_target *target, const struct gs_map *map)
{
    if (target->postmortem)
        return target->postmortem->open_file ? target->postmortem->open_file(target->postmortem->files, map) : -1;
    if (!map->inode)
        return -1;
    char path[4096];
    int fd = open_mapped(target, map);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)target->living);
    if ((fd = open_checked(target, path, map)) >= 0)
        return fd;
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)target->living, map->path);
    if ((fd = open_checked(target, path, map)) >= 0)
        return fd;
    return open_checked(target, map->path, map);
}

/* File systems that ask nobody (filesystems in the kernel's Documentation); the rest may. An overlay asks its layers,
 * which may be anywhere. */
static bool is_near(const char *type)
{
    static const char *const near[] = {"ext2",  "ext3",     "ext4",  "xfs",   "btrfs",  "f2fs",   "zfs",
                                       "tmpfs", "squashfs", "ramfs", "erofs", "rootfs", "iso9660"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        if (strcmp(type, near[i]) == 0)
            return true;
    }
    return false;
}

/* The device that the file is on has such a file system. */
static bool is_on_near(const struct gs_map *map)
{
    char line[4096], type[64], *dash;
    unsigned major_number, minor_number;
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        found = sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) == 2 && major_number == map->dev_major &&
                minor_number == map->dev_minor && (dash = strstr(line, " - ")) && sscanf(dash, " - %63s", type) == 1;
    }
    if (file)
        fclose(file);
    return found && is_near(type);
}

int gs_target_open_near_file(const struct gs_target *target, const struct gs_map *map)
{
    if (target->postmortem)
        return gs_target_open_file(target, map);
    return map->inode && is_on_near(map) ? open_mapped(target, map) : -1;
}
