/* Opening as the target's user, in the target's root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/procfs.h"
#include "target/rights.h"
#include "target/source_file.h"

enum { NOBODY = 65534 };

/* Whose file it is that may be read. */
struct reader {
    uid_t uid;
    gid_t gid;
};

static bool still_there(pid_t pid, uint64_t start_ticks)
{
    char text[4096];
    struct gs_proc_stat stat;
    return start_ticks > 0 && gs_proc_read(pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat) &&
           stat.start_ticks == start_ticks;
}

static int open_root(pid_t pid, uint64_t start_ticks, struct reader *reader)
{
    char path[64];
    struct gs_rights rights;
    *reader = geteuid() == 0 ? (struct reader){NOBODY, NOBODY} : (struct reader){geteuid(), getegid()};
    if (!still_there(pid, start_ticks) || !gs_rights_read(pid, &rights))
        return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *reader = (struct reader){rights.uids[GS_EFFECTIVE], rights.gids[GS_EFFECTIVE]};
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_in(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static bool readable(const struct stat *st, const struct reader *reader)
{
    return S_ISREG(st->st_mode) && ((st->st_mode & S_IROTH) || st->st_uid == reader->uid || st->st_gid == reader->gid);
}

/* What is looked at first and opened then may be another one by then: what was opened is looked at again. */
static int open_readable(int root, const char *path, const struct reader *reader, struct stat *st)
{
    int seen = open_in(root, path, O_PATH), fd = -1;
    if (seen >= 0 && fstat(seen, st) == 0 && readable(st, reader))
        fd = open_in(root, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    else if (seen >= 0)
        errno = EACCES;
    if (seen >= 0)
        close(seen);
    if (fd >= 0 && (fstat(fd, st) != 0 || !readable(st, reader))) {
        close(fd);
        errno = EACCES;
        return -1;
    }
    return fd;
}

int gs_source_open(pid_t pid, uint64_t start_ticks, const char *path, struct stat *st)
{
    struct reader reader;
    int root = open_root(pid, start_ticks, &reader);
    if (root < 0)
        return -1;
    /* With another user for files the kernel takes root's rights over files away (setfsuid(2)). */
    int gid = setfsgid(reader.gid), uid = setfsuid(reader.uid);
    int fd = open_readable(root, path, &reader, st), reason = errno;
    setfsuid((uid_t)uid);
    setfsgid((gid_t)gid);
    close(root);
    errno = reason;
    return fd;
}
