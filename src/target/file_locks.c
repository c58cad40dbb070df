/* Compares the kernel's list with the files that the target has open, in a process of its own: files may lie with a
 * server that does not answer. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/room.h"
#include "target/file_locks.h"

/* sqlite's locks: of a database PENDING, RESERVED and 510 bytes SHARED (sqlite 3.40: src/os.h); in the mode WAL of its
 * file `-shm` WRITE, CKPT, RECOVER and five of readers (src/os_unix.c: UNIX_SHM_BASE; src/wal.c). */
enum { PENDING = 0x40000000, SHARED_LAST = PENDING + 511, WAL_WRITE = 120, WAL_CKPT = 121, WAL_READ_LAST = 127 };

struct lock {
    bool flock, writes;
    pid_t pid;
    unsigned dev_major, dev_minor;
    uint64_t inode, from, to;
};

struct search {
    pid_t pid;
    struct lock *locks;
    size_t count, room;
};

struct found {
    uint32_t count;
    struct gs_file_lock list[GS_FILE_LOCKS_MOST];
};

/* A line of who waits for one has an arrow for its kind. */
static bool parse(const char *line, struct lock *lock)
{
    char kind[8], mode[8], to[24];
    int pid;
    if (sscanf(line, "%*u: %7s %*s %7s %d %x:%x:%" SCNu64 " %" SCNu64 " %23s", kind, mode, &pid, &lock->dev_major,
               &lock->dev_minor, &lock->inode, &lock->from, to) != 8)
        return false;
    lock->flock = strcmp(kind, "FLOCK") == 0;
    lock->writes = strcmp(mode, "WRITE") == 0;
    lock->pid = pid;
    lock->to = strcmp(to, "EOF") == 0 ? UINT64_MAX : strtoull(to, NULL, 10);
    return pid > 0 && (lock->flock || strcmp(kind, "POSIX") == 0);
}

static void list_locks(struct search *s)
{
    char line[256];
    struct lock lock;
    FILE *file = fopen("/proc/locks", "re");
    while (file && fgets(line, sizeof line, file)) {
        if (parse(line, &lock) && gs_room((void **)&s->locks, &s->room, s->count + 1, sizeof *s->locks))
            s->locks[s->count++] = lock;
    }
    if (file)
        fclose(file);
}

/* What a descriptor is, if that is a regular file. */
static bool is_file(pid_t pid, const char *fd, struct stat *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%.16s", (int)pid, fd);
    return stat(path, file) == 0 && S_ISREG(file->st_mode);
}

static bool has_open(pid_t pid, const struct stat *file)
{
    char path[40];
    bool found = false;
    struct stat one;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;)
        found = is_file(pid, entry->d_name, &one) && one.st_ino == file->st_ino && one.st_dev == file->st_dev;
    if (folder)
        closedir(folder);
    return found;
}

/* btrfs and overlayfs have another device for the file than the list does: then the owner has it open. */
static bool is_of(const struct lock *lock, const struct stat *file)
{
    return lock->inode == file->st_ino &&
           ((lock->dev_major == major(file->st_dev) && lock->dev_minor == minor(file->st_dev)) ||
            has_open(lock->pid, file));
}

static void add(struct found *found, const struct lock *lock, const char *path)
{
    for (uint32_t i = 0; i < found->count; i++) {
        struct gs_file_lock *known = &found->list[i];
        if (known->pid != lock->pid || strcmp(known->path, path) != 0)
            continue;
        known->writes |= lock->writes;
        return;
    }
    if (found->count == GS_FILE_LOCKS_MOST)
        return;
    struct gs_file_lock *added = &found->list[found->count++];
    *added = (struct gs_file_lock){.pid = lock->pid, .writes = lock->writes};
    snprintf(added->path, sizeof added->path, "%s", path);
}

static void read_path(pid_t pid, const char *fd, char path[GS_FILE_LOCK_PATH])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%.16s", (int)pid, fd);
    ssize_t len = readlink(link, path, GS_FILE_LOCK_PATH - 1);
    path[len < 0 ? 0 : len] = '\0';
}

static bool covers(const struct lock *lock, uint64_t from, uint64_t to)
{
    return !lock->flock && lock->from <= to && lock->to >= from;
}

/* Readers keep only those waiting who want to write a database, or the log back into it, and have announced that. */
static bool announced(const struct search *s, const struct stat *file, uint64_t byte)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct lock *lock = &s->locks[i];
        if (lock->pid == s->pid && lock->writes && covers(lock, byte, byte) && is_of(lock, file))
            return true;
    }
    return false;
}

static void add_database(const struct search *s, const char *fd, struct found *others, struct found *own)
{
    struct stat file;
    char path[GS_FILE_LOCK_PATH];
    if (!is_file(s->pid, fd, &file))
        return;
    read_path(s->pid, fd, path);
    size_t len = strlen(path);
    bool wal = len > 4 && strcmp(path + len - 4, "-shm") == 0;
    if (wal)
        path[len - 4] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        const struct lock *lock = &s->locks[i];
        if (!covers(lock, wal ? WAL_WRITE : PENDING, wal ? WAL_READ_LAST : SHARED_LAST) || !is_of(lock, &file))
            continue;
        if (lock->pid != s->pid && (lock->writes || announced(s, &file, wal ? WAL_CKPT : PENDING)))
            add(others, lock, path);
        else if (lock->pid == s->pid && lock->writes)
            add(own, lock, path);
    }
}

static void look_for_sqlite(const void *context, void *result)
{
    struct search s = {.pid = *(const pid_t *)context};
    struct found *others = result, own = {0};
    char path[40];
    list_locks(&s);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)s.pid);
    DIR *folder = s.count > 0 ? opendir(path) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        add_database(&s, entry->d_name, others, &own);
    if (others->count == 0)
        *others = own;
}

struct question {
    pid_t pid;
    int fd;
};

static void look_for_file(const void *context, void *result)
{
    const struct question *question = context;
    struct search s = {.pid = question->pid};
    struct found *found = result;
    struct stat file;
    char fd[16], path[GS_FILE_LOCK_PATH];
    snprintf(fd, sizeof fd, "%d", question->fd);
    if (!is_file(s.pid, fd, &file))
        return;
    read_path(s.pid, fd, path);
    list_locks(&s);
    for (size_t i = 0; i < s.count; i++) {
        if ((s.locks[i].pid != s.pid || s.locks[i].flock) && is_of(&s.locks[i], &file))
            add(found, &s.locks[i], path);
    }
}

static size_t take(enum gs_isolated done, const struct found *found, struct gs_file_lock list[GS_FILE_LOCKS_MOST])
{
    size_t count = done == GS_ISOLATED_DONE && found->count <= GS_FILE_LOCKS_MOST ? found->count : 0;
    memcpy(list, found->list, count * sizeof *list);
    return count;
}

size_t gs_file_locks_of(const struct gs_target *target, int fd, struct gs_file_lock list[GS_FILE_LOCKS_MOST])
{
    const struct question question = {target->pid, fd};
    struct found found = {0};
    return target->postmortem ? 0 : take(gs_isolated_run(look_for_file, &question, &found, sizeof found), &found, list);
}

size_t gs_file_locks_sqlite(const struct gs_target *target, struct gs_file_lock list[GS_FILE_LOCKS_MOST])
{
    struct found found = {0};
    return target->postmortem
               ? 0
               : take(gs_isolated_run(look_for_sqlite, &target->pid, &found, sizeof found), &found, list);
}
