/* Opening a live process: refusals in words, what is told about it once. */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/watch.h"
#include "gilspy/target.h"
#include "target/barrier.h"
#include "target/procfs.h"
#include "target/postmortem.h"

static bool same_namespace(pid_t pid, const char *kind)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    if (stat(path, &ours))
        return true;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
    return stat(path, &theirs) || (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev);
}

/* Splits the NUL-separated arguments; a process that has none gets its name in brackets, as ps shows it. */
static enum gs_status read_command(struct gs_target *target)
{
    ssize_t len = 0;
    char *text = NULL;
    size_t count = 0;
    if (gs_watch_enter_spare(target->watch, "reading its command line")) {
        text = gs_proc_read_all(target->living, "cmdline", &len);
        gs_watch_leave(target->watch);
    }
    for (ssize_t i = 0; i < len; i++)
        count += text[i] == '\0';
    if (len > 0 && text[len - 1] != '\0')
        count++;
    target->command = calloc(count + 2, sizeof *target->command);
    bool failed = !target->command;
    if (!failed && count == 0) {
        char name[16];
        gs_target_comm(target, target->pid, name);
        failed = asprintf(&target->command[0], "[%s]", name) < 0;
        target->command_count = 1;
    }
    const char *at = text;
    for (size_t i = 0; i < count && !failed; i++, at += strlen(at) + 1) {
        failed = !(target->command[i] = strdup(at));
        target->command_count = i + 1;
    }
    free(text);
    return !failed && gs_secret_hide(target->command, target->command_count) ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status read_exe(struct gs_target *target)
{
    char exe[GS_PROC_PATH];
    gs_proc_exe(target->living, exe);
    target->exe = strdup(exe);
    return target->exe ? GS_OK : GS_NO_MEMORY;
}

/* The ids and the state; a thread's id becomes that of its process. */
static enum gs_status read_identity(struct gs_target *target, pid_t pid, struct gs_err *err)
{
    char status[4096], text[1024];
    struct gs_proc_stat stat;
    if (pid <= 0 || gs_proc_read(pid, "status", status, sizeof status) <= 0)
        return gs_barrier_missing(pid, err);
    pid_t leader = gs_status_leader(status, pid);
    if (leader != pid)
        return read_identity(target, leader, err);
    target->pid = pid;
    target->ns_pid = gs_status_innermost_pid(status, pid);
    target->nested = gs_status_nested(status);
    if (gs_proc_read(pid, "stat", text, sizeof text) <= 0 || !gs_proc_stat_parse(text, &stat))
        return gs_fail(err, GS_NO_PROCESS, "process %d has ended", (int)pid);
    target->living = gs_proc_living(pid);
    if (!target->living)
        return gs_fail(err, GS_NO_PROCESS,
                       "process %d has ended: it is a zombie that its parent, %d, has not waited for", (int)pid,
                       (int)stat.parent);
    if (stat.flags & GS_PF_KTHREAD)
        return gs_fail(err, GS_NOT_PYTHON, "process %d is a thread of the kernel", (int)pid);
    target->start_ticks = stat.start_ticks;
    target->container = !same_namespace(target->living, "pid") || !same_namespace(target->living, "mnt");
    return GS_OK;
}

/* Whether its memory may be read, tried on a word of its first readable map. */
static enum gs_status try_memory(struct gs_target *target, struct gs_err *err)
{
    for (size_t i = 0; i < target->map_count; i++) {
        const struct gs_map *map = &target->maps[i];
        gs_addr word;
        if (!map->readable || !map->inode)
            continue;
        enum gs_status status = gs_mem_read_addr(target->mem, map->start, &word);
        if (status == GS_GONE)
            return gs_fail(err, GS_NO_PROCESS, "process %d has ended", (int)target->pid);
        if (status == GS_OK || status == GS_NOT_PERMITTED)
            return status;
    }
    if (gs_target_check(target) == GS_GONE)
        return gs_fail(err, GS_NO_PROCESS, "process %d has ended", (int)target->pid);
    return gs_fail(err, GS_NOT_PYTHON, "process %d maps no program", (int)target->pid);
}

static bool maps_program(const struct gs_target *target)
{
    size_t i = 0;
    while (i < target->map_count && !(target->maps[i].readable && target->maps[i].inode))
        i++;
    return i < target->map_count;
}

/* In the middle of an exec a process maps nothing for a moment. */
static enum gs_status read_maps(struct gs_target *target, struct gs_err *err)
{
    enum { ATTEMPTS = 20, PAUSE_NS = 1000000 };
    enum gs_status status = gs_target_refresh_maps(target, err);
    for (int i = 1; i < ATTEMPTS && !status && !maps_program(target) && gs_proc_living(target->pid); i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        status = gs_target_refresh_maps(target, err);
    }
    return status;
}

static int open_memory(const struct gs_target *target)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)target->living);
    gs_watch_enter(target->watch, "opening its memory", 0, 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gs_watch_leave(target->watch);
    return fd;
}

/* The process that was opened, and no other one: it may have ended, and its pid be another's. */
static bool is_same(const struct gs_target *target, struct gs_proc_stat *stat)
{
    char text[1024];
    return gs_proc_read(target->pid, "stat", text, sizeof text) > 0 && gs_proc_stat_parse(text, stat) &&
           stat->start_ticks == target->start_ticks;
}

/* Threads go on when the main thread ends alone: one of them takes its place. */
static pid_t find_heir(void *context, pid_t ended)
{
    struct gs_target *target = context;
    struct gs_proc_stat stat;
    if (!is_same(target, &stat) || gs_target_left_memory(target))
        return 0;
    pid_t heir = gs_proc_heir(target->pid, ended);
    if (heir)
        target->living = heir;
    return heir;
}

static enum gs_status open_target(struct gs_target *target, pid_t pid, struct gs_err *err)
{
    enum gs_status status = gs_proc_check(err);
    if (!status)
        status = read_identity(target, pid, err);
    if (status)
        return status;
    if (read_command(target) || read_exe(target) || !(target->mem = gs_mem_live_new(target->living, target->watch)))
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    gs_mem_live_heir(target->mem, find_heir, target);
    status = read_maps(target, err);
    target->mem_fd = open_memory(target);
    if (!status)
        status = try_memory(target, err);
    return status == GS_NOT_PERMITTED ? gs_barrier_tell(target, err) : status;
}

enum gs_status gs_target_open(struct gs_target **out, pid_t pid, struct gs_watch *watch, struct gs_err *err)
{
    struct gs_target *target = calloc(1, sizeof *target);
    if (!target)
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    target->mem_fd = -1;
    target->watch = watch;
    enum gs_status status = open_target(target, pid, err);
    if (status && status != GS_NOT_PERMITTED) {
        gs_target_close(target);
        return status;
    }
    *out = target;
    return status;
}

void gs_target_close(struct gs_target *target)
{
    if (!target)
        return;
    gs_mem_free(target->mem);
    if (target->mem_fd >= 0)
        close(target->mem_fd);
    gs_maps_free(target->maps, target->map_count);
    for (size_t i = 0; i < target->command_count; i++)
        free(target->command[i]);
    free(target->command);
    free(target->exe);
    free(target->service);
    free(target->cgroup);
    gs_postmortem_free(target->postmortem);
    free(target);
}

pid_t gs_target_lender(const struct gs_target *target)
{
    char text[1024];
    struct gs_proc_stat stat;
    if (target->postmortem || gs_proc_read(target->pid, "stat", text, sizeof text) <= 0 ||
        !gs_proc_stat_parse(text, &stat) || stat.parent <= 0)
        return 0;
    return syscall(SYS_kcmp, target->pid, stat.parent, KCMP_VM, 0UL, 0UL) == 0 ? stat.parent : 0;
}

/* Both run the same program since the same exec: where the kernel put things is another each time (man 3 getauxval). */
static bool same_exec(pid_t a, pid_t b)
{
    char one[1024], other[1024];
    ssize_t len = gs_proc_read(a, "auxv", one, sizeof one);
    return len > 0 && gs_proc_read(b, "auxv", other, sizeof other) == len && memcmp(one, other, (size_t)len) == 0;
}

bool gs_target_forked(const struct gs_target *target, pid_t *origin)
{
    enum { PF_FORKNOEXEC = 0x40 }; /* include/linux/sched.h */
    char text[1024];
    struct gs_proc_stat stat;
    *origin = 0;
    if (target->postmortem || gs_proc_read(target->pid, "stat", text, sizeof text) <= 0 ||
        !gs_proc_stat_parse(text, &stat) || !(stat.flags & PF_FORKNOEXEC))
        return false;
    if (stat.parent > 0 && same_exec(target->pid, stat.parent))
        *origin = stat.parent;
    return true;
}

bool gs_target_left_memory(const struct gs_target *target)
{
    char byte;
    if (target->mem_fd < 0)
        return false;
    /* The memory of a program that is no more reads as empty; an address that is not mapped as an error. */
    gs_watch_enter(target->watch, "asking whether it runs on", 0, 0);
    bool empty = pread(target->mem_fd, &byte, 1, 4096) == 0;
    gs_watch_leave(target->watch);
    return empty;
}

enum gs_status gs_target_check(const struct gs_target *target)
{
    struct gs_proc_stat stat;
    if (target->postmortem)
        return GS_OK;
    if (!is_same(target, &stat))
        return GS_GONE;
    bool ended = stat.state == 'Z' || stat.state == 'X' || stat.flags & GS_PF_EXITING;
    if (ended && !gs_proc_heir(target->pid, target->pid))
        return GS_GONE;
    return gs_target_left_memory(target) ? GS_EXECED : GS_OK;
}

/* Where the kernel lets tasks wait that are frozen: by version 1 of cgroups (kernel/freezer.c, 6.18), by version 2
 * (do_freezer_trap in kernel/signal.c, which compilers make a part of get_signal; who is stopped there by a signal or
 * a tracer has another state). */
static bool is_frozen(const struct gs_target *target)
{
    static const char *const places[] = {"__refrigerator", "do_freezer_trap", "get_signal"};
    char file[48], wchan[64];
    snprintf(file, sizeof file, "task/%d/wchan", (int)target->living);
    if (gs_proc_read(target->pid, file, wchan, sizeof wchan) <= 0)
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(wchan, places[i]) == 0)
            return true;
    }
    return false;
}

char gs_target_stopped(const struct gs_target *target, pid_t *tracer)
{
    char status[4096];
    *tracer = 0;
    if (target->postmortem || gs_proc_read(target->pid, "status", status, sizeof status) <= 0)
        return 0;
    const char *state = gs_status_field(status, "State:"), *by = gs_status_field(status, "TracerPid:");
    *tracer = by ? (pid_t)atoi(by) : 0;
    if (state && (*state == 'T' || *state == 't'))
        return *state;
    return is_frozen(target) ? 'F' : 0;
}

pid_t gs_target_tracer(const struct gs_target *target, pid_t tid)
{
    char file[48], status[4096];
    snprintf(file, sizeof file, "task/%d/status", (int)tid);
    if (target->postmortem || gs_proc_read(target->pid, file, status, sizeof status) <= 0)
        return 0;
    const char *by = gs_status_field(status, "TracerPid:");
    return by ? (pid_t)atoi(by) : 0;
}

double gs_target_uptime_s(const struct gs_target *target)
{
    struct timespec now;
    if (target->postmortem)
        return -1;
    clock_gettime(CLOCK_BOOTTIME, &now);
    double up =
        (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)target->start_ticks / (double)sysconf(_SC_CLK_TCK);
    return up > 0 ? up : 0;
}
