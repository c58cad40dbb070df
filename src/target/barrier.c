/* What the kernel asks before it lets one process read another (ptrace(2), PTRACE_MODE_ATTACH), in that order. */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/barrier.h"
#include "target/procfs.h"

/* kernel.yama.ptrace_scope, 0 where there is no Yama. */
static int yama_scope(void)
{
    char text[16] = "";
    int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    return len > 0 ? atoi(text) : 0;
}

/* It was marked as not dumpable (by prctl, or by a change of its user): its /proc files belong to root then. */
static bool is_closed(const struct gs_target *target, uid_t uid)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)target->pid);
    return stat(path, &info) == 0 && info.st_uid != uid;
}

static void tell_user(const struct gs_target *target, uid_t uid, struct gs_err *err)
{
    const struct passwd *user = getpwuid(uid);
    if (user)
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: it belongs to another user, %s", (int)target->pid,
                user->pw_name);
    else
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: it belongs to another user, number %u",
                (int)target->pid, (unsigned)uid);
}

enum gs_status gs_barrier_tell(const struct gs_target *target, struct gs_err *err)
{
    char status[4096];
    int pid = (int)target->pid, scope = yama_scope();
    const char *field =
        gs_proc_read(target->pid, "status", status, sizeof status) > 0 ? gs_status_field(status, "Uid:") : NULL;
    uid_t uid = field ? (uid_t)strtoul(field, NULL, 10) : geteuid();
    if (geteuid() == 0) {
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: the capability CAP_SYS_PTRACE is missing here", pid);
        gs_err_todo(err, "In a container it takes --cap-add=SYS_PTRACE");
        return GS_NOT_PERMITTED;
    }
    if (uid != geteuid())
        tell_user(target, uid, err);
    else if (is_closed(target, uid))
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: it does not let itself be looked at (not dumpable)",
                pid);
    else if (scope > 0)
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: Yama (kernel.yama.ptrace_scope = %d) forbids it", pid,
                scope);
    else
        gs_fail(err, GS_NOT_PERMITTED, "cannot read process %d: a user namespace or a security module forbids it", pid);
    gs_err_todo(err, "Try: sudo gilspy ... -p %d", pid);
    return GS_NOT_PERMITTED;
}
