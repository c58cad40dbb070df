/* Collecting what the barriers are judged by, and what helps against most of them. Everything here is open to every
 * user, for every process that /proc shows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "target/barrier.h"
#include "target/procfs.h"

/* The inode of the machine's own user namespace, the same in every kernel (include/linux/proc_ns.h,
 * PROC_USER_INIT_INO). */
static const ino_t initial_namespace = 0xEFFFFFFD;

int gs_setting_read(const char *path, int otherwise)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return otherwise;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    return len > 0 ? atoi(text) : otherwise;
}

int gs_barrier_try_ourselves(void)
{
    char from = 1, to = 0;
    struct iovec local = {&to, 1}, remote = {&from, 1};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 ? 0 : errno;
}

/* Its files belong to root then, where an ordinary process's belong to its effective user (fs/proc/base.c,
 * task_dump_owner). */
static bool is_closed(pid_t pid, uid_t effective)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return stat(path, &info) == 0 && info.st_uid != effective;
}

static bool namespace_of(pid_t pid, struct stat *info)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    return stat(path, info) == 0;
}

/* The namespace of a process that may not be read cannot be seen, but the ids that it maps can, relative to us. */
static bool same_namespace(pid_t pid, const struct stat *our_namespace)
{
    struct stat theirs;
    char our_map[4096], their_map[4096];
    if (namespace_of(pid, &theirs))
        return theirs.st_ino == our_namespace->st_ino && theirs.st_dev == our_namespace->st_dev;
    if (gs_proc_read(getpid(), "uid_map", our_map, sizeof our_map) < 0 ||
        gs_proc_read(pid, "uid_map", their_map, sizeof their_map) < 0)
        return true;
    return strcmp(our_map, their_map) == 0;
}

/* AppArmor: "docker-default (enforce)", SELinux: "system_u:system_r:init_t:s0". */
static void read_label(char *dst, size_t size)
{
    if (gs_proc_read(getpid(), "attr/current", dst, size) <= 0 || strcmp(dst, "unconfined\n") == 0)
        dst[0] = '\0';
    dst[strcspn(dst, "\n")] = '\0';
}

bool gs_barrier_gather(struct gs_barrier_facts *facts, pid_t pid)
{
    struct stat our_namespace;
    *facts = (struct gs_barrier_facts){
        .pid = pid, .initial = true, .yama = gs_setting_read("/proc/sys/kernel/yama/ptrace_scope", 0)};
    if (!gs_rights_read(getpid(), &facts->ours))
        return false;
    read_label(facts->label, sizeof facts->label);
    bool namespaces = namespace_of(getpid(), &our_namespace); /* none in a kernel without CONFIG_USER_NS */
    facts->initial = !namespaces || our_namespace.st_ino == initial_namespace;
    facts->theirs = facts->ours;
    if (pid == 0)
        return true;
    if (!gs_rights_read(pid, &facts->theirs))
        return false;
    facts->closed = is_closed(pid, facts->theirs.uids[GS_EFFECTIVE]);
    if (namespaces && !same_namespace(pid, &our_namespace))
        facts->elsewhere = facts->initial ? GS_ELSE_BELOW : GS_ELSE_OUTSIDE;
    return true;
}

void gs_barrier_elevate(const struct gs_barrier_facts *facts, char *dst, size_t size)
{
    if (!gs_caps_have_ptrace(facts->ours.bounding) || facts->ours.uids[GS_EFFECTIVE] == 0)
        snprintf(dst, size, "give gilspy CAP_SYS_PTRACE; a container gets it by --cap-add=SYS_PTRACE");
    else if (facts->ours.no_new_privs)
        snprintf(dst, size, "run it as root outside of this sandbox, where no_new_privs keeps sudo from working");
    else if (facts->pid > 0)
        snprintf(dst, size, "sudo gilspy ... -p %d", (int)facts->pid);
    else
        snprintf(dst, size, "sudo gilspy ...");
}
