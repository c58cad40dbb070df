/* Reading of /proc files: each read whole in one go where it can be, since the kernel makes it up at each read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/procfs.h"

enum { LONGEST_FILE = 64 << 20 };

static int open_file(pid_t pid, const char *file)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return open(path, O_RDONLY | O_CLOEXEC);
}

ssize_t gs_proc_read(pid_t pid, const char *file, char *dst, size_t size)
{
    int fd = open_file(pid, file);
    if (fd < 0)
        return -errno;
    size_t done = 0;
    ssize_t got = 0;
    while (done + 1 < size && (got = read(fd, dst + done, size - 1 - done)) > 0)
        done += (size_t)got;
    int failure = got < 0 ? errno : 0;
    close(fd);
    dst[done] = '\0';
    return failure ? -failure : (ssize_t)done;
}

char *gs_proc_read_all(pid_t pid, const char *file, ssize_t *len)
{
    int fd = open_file(pid, file);
    if (fd < 0) {
        *len = -errno;
        return NULL;
    }
    size_t size = 16384, done = 0;
    char *text = malloc(size);
    ssize_t got = 0;
    while (text && (got = read(fd, text + done, size - 1 - done)) > 0) {
        done += (size_t)got;
        if (done + 1 < size)
            continue;
        char *more = size < LONGEST_FILE ? realloc(text, size *= 2) : NULL;
        if (!more)
            break;
        text = more;
    }
    *len = !text ? -ENOMEM : got < 0 ? -errno : (ssize_t)done;
    close(fd);
    if (*len < 0) {
        free(text);
        return NULL;
    }
    text[done] = '\0';
    return text;
}

bool gs_proc_exe(pid_t pid, char path[GS_PROC_PATH])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t len = readlink(link, path, GS_PROC_PATH - 1);
    path[len < 0 ? 0 : len] = '\0';
    char *mark = strstr(path, " (deleted)");
    if (mark && mark[10] == '\0')
        *mark = '\0';
    return len >= 0;
}

const char *gs_environment_find(const char *environment, size_t len, const char *name, size_t *value_len)
{
    size_t name_len = strlen(name);
    for (const char *at = environment, *end = environment + len; at < end;) {
        size_t entry = strnlen(at, (size_t)(end - at));
        if (entry > name_len + 1 && memcmp(at, name, name_len) == 0 && at[name_len] == '=') {
            *value_len = entry - name_len - 1;
            return at + name_len + 1;
        }
        at += entry < (size_t)(end - at) ? entry + 1 : entry;
    }
    return NULL;
}

bool gs_called_python(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "python", 6) == 0;
}

enum gs_status gs_proc_check(struct gs_err *err)
{
    char self[16];
    ssize_t len = readlink("/proc/self", self, sizeof self - 1);
    if (len < 0) {
        gs_fail(err, GS_FAILED, "cannot look at any process: there is no /proc here");
    } else {
        self[len] = '\0';
        if (atoi(self) == getpid())
            return GS_OK;
        gs_fail(err, GS_FAILED, "cannot look at any process: /proc shows another pid namespace than ours");
    }
    gs_err_todo(err, "Mount the right one: mount -t proc proc /proc");
    return GS_FAILED;
}

const char *gs_status_field(const char *status, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = status; line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, len) == 0)
            return line + len + strspn(line + len, " \t");
        if (*line == '\0')
            break;
    }
    return NULL;
}

pid_t gs_status_leader(const char *status, pid_t otherwise)
{
    const char *leader = gs_status_field(status, "Tgid:");
    return leader && atoi(leader) > 0 ? atoi(leader) : otherwise;
}

/* How many ids it has; *innermost: the last of them, left alone where there is none. */
static int read_ids(const char *status, pid_t *innermost)
{
    const char *at = gs_status_field(status, "NSpid:");
    int count = 0;
    for (; at && *at >= '0' && *at <= '9'; count++) {
        char *end;
        *innermost = (pid_t)strtol(at, &end, 10);
        at = end + strspn(end, " \t");
    }
    return count;
}

pid_t gs_status_innermost_pid(const char *status, pid_t otherwise)
{
    read_ids(status, &otherwise);
    return otherwise;
}

bool gs_status_nested(const char *status)
{
    pid_t innermost;
    return read_ids(status, &innermost) > 1;
}

bool gs_proc_stat_parse(const char *text, struct gs_proc_stat *stat)
{
    /* The name may contain anything, brackets too: what counts stands behind the last one. */
    const char *rest = strrchr(text, ')');
    int parent, group, session;
    unsigned long flags, user, system;
    unsigned long long start;
    if (!rest || sscanf(rest + 1, " %c %d %d %d %*d %*d %lu %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu",
                        &stat->state, &parent, &group, &session, &flags, &user, &system, &start) != 8)
        return false;
    stat->parent = parent;
    stat->group = group;
    stat->session = session;
    stat->flags = flags;
    stat->user_ticks = user;
    stat->system_ticks = system;
    stat->start_ticks = start;
    return true;
}

/* flags: of those that have one of them it is not said. */
static bool lives(pid_t tid, uint64_t flags)
{
    char text[1024];
    struct gs_proc_stat stat;
    return gs_proc_read(tid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat) && stat.state != 'Z' &&
           stat.state != 'X' && !(stat.flags & flags);
}

static pid_t find_living(pid_t pid, pid_t but, uint64_t flags)
{
    char path[40];
    pid_t living = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && !living && (entry = readdir(dir));) {
        int tid = atoi(entry->d_name);
        if (tid > 0 && tid != but && lives(tid, flags))
            living = tid;
    }
    if (dir)
        closedir(dir);
    return living;
}

bool gs_proc_sleeps_uninterruptibly(pid_t tid)
{
    char text[1024];
    struct gs_proc_stat stat;
    return gs_proc_read(tid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, &stat) && stat.state == 'D';
}

pid_t gs_proc_living(pid_t pid)
{
    return lives(pid, 0) ? pid : find_living(pid, pid, 0);
}

pid_t gs_proc_heir(pid_t pid, pid_t ended)
{
    return find_living(pid, ended, GS_PF_EXITING);
}
