/* Goes from process to process, by what each of their threads sleeps on, until there is no new one; twice, so that it
 * is known that nobody ran between. All in a process of its own: files of /proc may wait for whoever they are about. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/futex.h"
#include "target/closed.h"
#include "target/procfs.h"
#include "target/unix_peer.h"

enum { THREADS_MOST = 2000, PATH_SIZE = 64 };

/* Files of the same kind in different places: a map's, an open one's. */
struct shared {
    uint32_t dev_major, dev_minor;
    uint64_t inode;
};

struct search {
    struct gs_closed *closed;
    pid_t set[GS_CLOSED_MOST];
    size_t count;
    uint64_t switches; /* of all threads, so far */
    size_t threads;
    bool main_sleeps, writes; /* of one process: its main thread waits for another one of it; one cannot write */
};

static bool add(struct search *s, pid_t pid)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->set[i] == pid)
            return true;
    }
    if (pid <= 0 || s->count == GS_CLOSED_MOST)
        return false;
    s->set[s->count++] = pid;
    return true;
}

static void tell(struct search *s, pid_t pid, pid_t tid, enum gs_closed_kind kind, pid_t other, const char *name)
{
    struct gs_closed *closed = s->closed;
    if (closed->count == GS_CLOSED_MOST || (closed->count > 0 && closed->list[closed->count - 1].pid == pid))
        return;
    struct gs_closed_wait *wait = &closed->list[closed->count++];
    *wait = (struct gs_closed_wait){.pid = pid, .tid = tid, .kind = kind, .other = other};
    gs_process_comm(pid, wait->comm);
    snprintf(wait->name, sizeof wait->name, "%.79s", name);
}

/* ---- semaphores ---- */

/* The line of a maps file is of that file, or holds that address. */
static bool find_map(pid_t pid, gs_addr addr, struct shared *file, char *name, size_t size)
{
    char path[PATH_SIZE], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (maps && !found && fgets(line, sizeof line, maps)) {
        struct shared one;
        uint64_t start, end;
        int at = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n", &start, &end,
                   &one.dev_major, &one.dev_minor, &one.inode, &at) < 5)
            continue;
        found = addr ? addr - start < end - start
                     : one.inode == file->inode && one.dev_major == file->dev_major && one.dev_minor == file->dev_minor;
        if (found && addr) {
            *file = one;
            line[strcspn(line, "\n")] = '\0';
            snprintf(name, size, "%s", at > 0 ? line + at : "");
        }
    }
    if (maps)
        fclose(maps);
    return found;
}

/* Everybody who has the semaphore's page may post it. */
static bool by_semaphore(struct search *s, pid_t pid, pid_t tid, gs_addr addr)
{
    struct shared file = {0};
    char name[GS_CLOSED_NAME] = "";
    pid_t *pids = NULL, other = 0;
    size_t count = 0;
    if (!find_map(pid, addr, &file, name, sizeof name) || file.inode == 0 ||
        gs_target_processes(&pids, &count) != GS_OK)
        return false;
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        if (pids[i] == pid || !find_map(pids[i], 0, &file, NULL, 0))
            continue;
        other = pids[i];
        all = add(s, pids[i]);
    }
    free(pids);
    if (all && other)
        tell(s, pid, tid, GS_CLOSED_SEMAPHORE, other, name);
    return all && other;
}

/* ---- pipes and sockets ---- */

/* The process has that open, for reading or for writing (`mode` of O_ACCMODE; O_RDWR: any). False: not, or it is not
 * told; *refused then. */
static bool has_open(pid_t pid, const char *link, int mode, bool *refused)
{
    char path[PATH_SIZE], name[64], target[GS_CLOSED_NAME];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    *refused |= !folder && access(path, F_OK) == 0;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;) {
        char info[256];
        unsigned flags = 0;
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        if (strcmp(target, link) != 0)
            continue;
        snprintf(name, sizeof name, "fdinfo/%.40s", entry->d_name);
        const char *at = gs_proc_read(pid, name, info, sizeof info) > 0 ? strstr(info, "flags:") : NULL;
        bool known = at && sscanf(at, "flags: %o", &flags) == 1;
        int access_mode = (int)(flags & O_ACCMODE);
        found = !known || mode == O_RDWR || access_mode == mode || access_mode == O_RDWR;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* Whoever has the other end of what the descriptor is. */
static bool by_descriptor(struct search *s, pid_t pid, pid_t tid, int fd, bool reads)
{
    char path[PATH_SIZE], link[GS_CLOSED_NAME], end[GS_CLOSED_NAME];
    unsigned inode;
    struct gs_unix_peer peer;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    ssize_t len = readlink(path, link, sizeof link - 1);
    if (len <= 0)
        return false;
    link[len] = '\0';
    bool socket = sscanf(link, "socket:[%u]", &inode) == 1;
    if (!socket && strncmp(link, "pipe:", 5) != 0)
        return false;
    snprintf(end, sizeof end, "%s", link);
    if (socket && !gs_unix_peer(pid, inode, &peer))
        return false;
    if (socket)
        snprintf(end, sizeof end, "socket:[%u]", peer.inode);
    pid_t *pids = NULL, other = 0;
    size_t count = 0;
    bool all = gs_target_processes(&pids, &count) == GS_OK, refused = false;
    for (size_t i = 0; i < count && all; i++) {
        if (!has_open(pids[i], end, socket ? O_RDWR : reads ? O_WRONLY : O_RDONLY, &refused))
            continue;
        other = pids[i] != pid ? pids[i] : other;
        all = add(s, pids[i]);
    }
    free(pids);
    s->writes |= !reads;
    if (all && other && !refused)
        tell(s, pid, tid, reads ? GS_CLOSED_READS : GS_CLOSED_WRITES, other, link);
    return all && !refused && other;
}

/* ---- threads ---- */

static bool by_children(struct search *s, pid_t pid, pid_t tid, pid_t child)
{
    pid_t *children = NULL;
    size_t count = 0;
    if (child <= 0 && (gs_target_children(pid, &children, &count) != GS_OK || count == 0)) {
        free(children);
        return false;
    }
    bool all = child <= 0 || add(s, child);
    for (size_t i = 0; i < count && all; i++)
        all = add(s, children[i]);
    tell(s, pid, tid, GS_CLOSED_CHILD, child > 0 ? child : children[0], "");
    free(children);
    return all;
}

static bool by_call(struct search *s, pid_t pid, pid_t tid, long number, const uint64_t args[6])
{
    switch (number) {
    case SYS_futex:
        if (!gs_futex_waits(args[1]) || args[3] != 0)
            return false;
        if (!(args[1] & FUTEX_PRIVATE_FLAG))
            return by_semaphore(s, pid, tid, args[0]);
        s->main_sleeps |= tid == pid;
        return true;
    case SYS_read:
    case SYS_recvfrom:
    case SYS_recvmsg:
        return by_descriptor(s, pid, tid, (int)args[0], true);
    case SYS_write:
    case SYS_sendto:
    case SYS_sendmsg:
        return by_descriptor(s, pid, tid, (int)args[0], false);
    case SYS_wait4:
        return by_children(s, pid, tid, (pid_t)(int)args[0]);
    case SYS_waitid:
        return by_children(s, pid, tid, args[0] == P_PID ? (pid_t)args[1] : 0);
    default:
        return false;
    }
}

static bool count_switches(struct search *s, pid_t pid, pid_t tid)
{
    char file[PATH_SIZE], text[GS_PROC_STATUS];
    uint64_t count;
    snprintf(file, sizeof file, "task/%d/status", (int)tid);
    const char *at =
        gs_proc_read(pid, file, text, sizeof text) > 0 ? gs_status_field(text, "voluntary_ctxt_switches:") : NULL;
    if (!at || sscanf(at, "%" SCNu64, &count) != 1)
        return false;
    s->switches += count;
    return ++s->threads <= THREADS_MOST;
}

static bool add_thread(struct search *s, pid_t pid, pid_t tid)
{
    char file[PATH_SIZE], text[256];
    long number;
    uint64_t args[6];
    snprintf(file, sizeof file, "task/%d/syscall", (int)tid);
    return count_switches(s, pid, tid) && gs_proc_read(pid, file, text, sizeof text) > 0 &&
           sscanf(text, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number, &args[0],
                  &args[1], &args[2], &args[3], &args[4], &args[5]) == 7 &&
           by_call(s, pid, tid, number, args);
}

static bool add_process(struct search *s, pid_t pid)
{
    char path[PATH_SIZE];
    bool all = true, any = false;
    s->main_sleeps = s->writes = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && all && (entry = readdir(folder)) != NULL;) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        any = true;
        all = add_thread(s, pid, tid);
    }
    if (folder)
        closedir(folder);
    return all && any && (!s->main_sleeps || s->writes);
}

static bool search(struct search *s, pid_t pid, struct gs_closed *closed)
{
    *s = (struct search){.closed = closed, .set = {pid}, .count = 1};
    *closed = (struct gs_closed){0};
    for (size_t i = 0; i < s->count; i++) {
        if (!add_process(s, s->set[i]))
            return false;
    }
    return s->count > 1;
}

struct answer {
    bool closed;
    struct gs_closed waits;
};

static void look(const void *context, void *result)
{
    const pid_t *pid = context;
    struct answer *answer = result;
    struct search first, second;
    answer->closed = search(&first, *pid, &answer->waits) && search(&second, *pid, &answer->waits) &&
                     first.count == second.count && first.threads == second.threads &&
                     first.switches == second.switches;
}

bool gs_target_closed(const struct gs_target *target, struct gs_closed *closed)
{
    struct answer answer = {0};
    *closed = (struct gs_closed){0};
    if (target->postmortem || gs_isolated_run(look, &target->pid, &answer, sizeof answer) != GS_ISOLATED_DONE ||
        !answer.closed)
        return false;
    *closed = answer.waits;
    return true;
}
