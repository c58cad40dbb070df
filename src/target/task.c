/* The threads of a process, and what the kernel says that each does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/room.h"
#include "gilspy/target.h"
#include "target/procfs.h"
#include "target/postmortem.h"
#include "target/task.h"

/* Translates an id of ours into one of the pid namespace that a descriptor stands for: Linux 6.11 and later
 * (include/uapi/linux/nsfs.h, NS_GET_PID_IN_PIDNS). A fiftieth of the price of reading a status file. */
enum { PID_IN_NAMESPACE = _IOR(0xb7, 8, int) };

/* ns: a descriptor of the target's pid namespace, -1: cannot be had. */
static pid_t ns_tid_of(const struct gs_target *target, int ns, pid_t tid)
{
    char file[48], status[4096];
    if (!target->nested)
        return tid;
    int told = ns >= 0 ? ioctl(ns, PID_IN_NAMESPACE, tid) : -1;
    if (told > 0)
        return told;
    snprintf(file, sizeof file, "task/%d/status", (int)tid);
    return gs_proc_read(target->pid, file, status, sizeof status) > 0 ? gs_status_innermost_pid(status, tid) : tid;
}

static int open_namespace(const struct gs_target *target)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)target->living);
    return target->nested ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* The entries of a task folder that are threads. */
static enum gs_status list_tids(DIR *dir, struct gs_task **tasks, size_t *count)
{
    size_t room = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        int tid = atoi(entry->d_name);
        if (tid <= 0)
            continue;
        if (!gs_room((void **)tasks, &room, *count + 1, sizeof **tasks))
            return GS_NO_MEMORY;
        (*tasks)[(*count)++].tid = tid;
    }
    return *count ? GS_OK : GS_GONE;
}

enum gs_status gs_target_tasks(const struct gs_target *target, struct gs_task **tasks, size_t *count)
{
    char path[48];
    if (target->postmortem)
        return gs_postmortem_tasks(target->postmortem, tasks, count);
    snprintf(path, sizeof path, "/proc/%d/task", (int)target->pid);
    DIR *dir = opendir(path);
    if (!dir)
        return errno == EACCES || errno == EPERM ? GS_NOT_PERMITTED : GS_GONE;
    *tasks = NULL;
    *count = 0;
    enum gs_status status = list_tids(dir, tasks, count);
    closedir(dir);
    if (status) {
        free(*tasks);
        return status;
    }
    int ns = open_namespace(target);
    for (size_t i = 0; i < *count; i++)
        (*tasks)[i].ns_tid = ns_tid_of(target, ns, (*tasks)[i].tid);
    if (ns >= 0)
        close(ns);
    return GS_OK;
}

int gs_activity_open(const struct gs_target *target, pid_t tid)
{
    char path[64];
    if (target->postmortem)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)target->pid, (int)tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void gs_activity_parse(const char *text, struct gs_activity *activity)
{
    *activity = (struct gs_activity){.run = GS_RUN_UNKNOWN, .number = -1};
    if (strncmp(text, "running", 7) == 0) {
        activity->run = GS_RUN_RUNNING;
        return;
    }
    char *at;
    long number = strtol(text, &at, 10);
    if (at == text)
        return;
    activity->run = number < 0 ? GS_RUN_BLOCKED : GS_RUN_SYSCALL;
    if (number >= 0) {
        activity->number = (int)number;
        for (size_t i = 0; i < 6; i++)
            activity->args[i] = strtoull(at, &at, 16);
    }
    activity->sp = strtoull(at, &at, 16);
    activity->pc = strtoull(at, &at, 16);
}

void gs_activity_read(int fd, struct gs_activity *activity)
{
    char text[192];
    ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    int failure = errno;
    if (got <= 0) {
        *activity = (struct gs_activity){.run = GS_RUN_UNKNOWN, .number = -1};
        if (fd >= 0 && (got == 0 || failure == ESRCH))
            activity->run = GS_RUN_GONE;
        return;
    }
    text[got] = '\0';
    gs_activity_parse(text, activity);
}

int gs_runs_open(const struct gs_target *target, pid_t tid)
{
    char path[64];
    if (target->postmortem)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)target->pid, (int)tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

bool gs_runs_read(int fd, struct gs_runs *runs)
{
    char text[96], *at, *end;
    ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return false;
    text[got] = '\0';
    runs->ran_ns = strtoull(text, &at, 10);
    runs->waited_ns = strtoull(at, &at, 10);
    runs->count = strtoull(at, &end, 10);
    return end != at;
}

void gs_target_activity(const struct gs_target *target, pid_t tid, struct gs_activity *activity)
{
    if (target->postmortem) {
        gs_postmortem_activity(target->postmortem, tid, activity);
        return;
    }
    int fd = gs_activity_open(target, tid);
    int failure = errno;
    gs_activity_read(fd, activity);
    if (fd >= 0)
        close(fd);
    else if (failure == ENOENT || failure == ESRCH)
        activity->run = GS_RUN_GONE;
}

bool gs_proc_ran_ns(pid_t pid, pid_t tid, uint64_t *ran_ns)
{
    char file[48], text[96];
    unsigned long long ns;
    snprintf(file, sizeof file, "task/%d/schedstat", (int)tid);
    if (gs_proc_read(pid, file, text, sizeof text) <= 0 || sscanf(text, "%llu", &ns) != 1)
        return false;
    *ran_ns = ns;
    return true;
}

bool gs_target_kept_ns(const struct gs_target *target, pid_t tid, uint64_t *kept_ns)
{
    char file[48], text[96];
    unsigned long long ns;
    snprintf(file, sizeof file, "task/%d/schedstat", (int)tid);
    if (target->postmortem || gs_proc_read(target->pid, file, text, sizeof text) <= 0 ||
        sscanf(text, "%*u %llu", &ns) != 1)
        return false;
    *kept_ns = ns;
    return true;
}

bool gs_target_ran_ns(const struct gs_target *target, pid_t tid, uint64_t *ran_ns)
{
    return !target->postmortem && gs_proc_ran_ns(target->pid, tid, ran_ns);
}

bool gs_target_clock_ns(const struct gs_target *target, uint64_t *cpu_ns)
{
    /* What clock_getcpuclockid makes, which asks the kernel first whether it is one (CPUCLOCK_SCHED of Linux 6.18,
     * include/linux/posix-timers_types.h). */
    enum { CPUCLOCK_SCHED = 2 };
    clockid_t clock = (clockid_t)(~(unsigned)target->pid << 3 | CPUCLOCK_SCHED);
    struct timespec used;
    if (target->postmortem || clock_gettime(clock, &used))
        return false;
    *cpu_ns = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
    return true;
}

static void read_comm(pid_t pid, const char *file, char name[16])
{
    char text[64];
    ssize_t len = gs_proc_read(pid, file, text, sizeof text);
    if (len < 0)
        len = 0;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 15)
        len = 15;
    memcpy(name, text, (size_t)len);
    name[len] = '\0';
}

void gs_target_comm(const struct gs_target *target, pid_t tid, char name[16])
{
    char file[48];
    snprintf(file, sizeof file, "task/%d/comm", (int)tid);
    if (target->postmortem)
        memcpy(name, target->postmortem->comm, sizeof target->postmortem->comm);
    else
        read_comm(target->pid, file, name);
}

void gs_process_comm(pid_t pid, char name[16])
{
    read_comm(pid, "comm", name);
}

pid_t gs_target_process_of(pid_t pid)
{
    char status[4096];
    return gs_proc_read(pid, "status", status, sizeof status) > 0 ? gs_status_leader(status, pid) : pid;
}
