/* Which thread of the kernel a thread state belongs to. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/sorted.h"
#include "sample/thread_list.h"

/* In another C library than glibc the id is looked for. */
enum { PTHREAD_SELF = 16, PTHREAD_BYTES = 2304 };

/* A thread has a state in each interpreter that it was in. */
enum { STATES_UNASKED = 8192, STATES_PER_TASK = 8 };

GS_BY(by_ns_tid, struct gs_task, ns_tid);

static void ask(const struct gs_thread_list *threads, struct gs_kernel_threads *tasks)
{
    if (tasks->asked)
        return;
    tasks->asked = true;
    if (gs_target_tasks(threads->python->target, &tasks->list, &tasks->count))
        tasks->count = 0;
    if (tasks->count > 0)
        qsort(tasks->list, tasks->count, sizeof *tasks->list, by_ns_tid);
}

bool gs_identity_count(const struct gs_thread_list *threads, struct gs_kernel_threads *tasks)
{
    if (tasks->states++ < STATES_UNASKED)
        return true;
    ask(threads, tasks);
    return tasks->states <= STATES_UNASKED + STATES_PER_TASK * tasks->count;
}

static const struct gs_task *task_of(const struct gs_thread_list *threads, struct gs_kernel_threads *tasks,
                                     pid_t ns_tid)
{
    struct gs_task wanted = {.ns_tid = ns_tid};
    ask(threads, tasks);
    return tasks->count > 0 ? bsearch(&wanted, tasks->list, tasks->count, sizeof wanted, by_ns_tid) : NULL;
}

static bool is_glibc(const uint32_t *words, uint64_t ident)
{
    uint64_t first, self;
    memcpy(&first, words, sizeof first);
    memcpy(&self, words + PTHREAD_SELF / 4, sizeof self);
    return GS_ARCH_PTHREAD_HAS_SELF && first == ident && self == ident;
}

/* The kernel's id inside the thread's struct pthread, whose address is its ident. */
static pid_t tid_from_pthread(struct gs_thread_list *threads, struct gs_kernel_threads *tasks, uint64_t ident)
{
    uint32_t tid;
    struct gs_mem *mem = threads->python->mem;
    if (threads->pthread_tid != GS_ABSENT)
        return gs_mem_read_u32(mem, ident + (gs_addr)threads->pthread_tid, &tid) ? 0 : (pid_t)tid;
    if (threads->python->foreign_libc && ident && !gs_mem_read_u32(mem, ident + GS_ARCH_MUSL_TID, &tid) &&
        task_of(threads, tasks, (pid_t)tid)) {
        threads->pthread_tid = GS_ARCH_MUSL_TID;
        return (pid_t)tid;
    }
    uint32_t words[PTHREAD_BYTES / 4];
    if (!ident || gs_mem_read(mem, ident, words, sizeof words))
        return 0;
    size_t at = GS_ARCH_PTHREAD_TID / 4;
    /* In glibc's it is nowhere else, even when the thread has ended: a low id, as in a container, is found anywhere. */
    if (!is_glibc(words, ident) && !task_of(threads, tasks, (pid_t)words[at])) {
        for (at = 0; at < PTHREAD_BYTES / 4 && !task_of(threads, tasks, (pid_t)words[at]); at++)
            ;
        if (at == PTHREAD_BYTES / 4)
            return 0;
    }
    threads->pthread_tid = (int32_t)at * 4;
    return (pid_t)words[at];
}

int gs_identity_keep(const struct gs_thread_list *threads, int fd)
{
    if (fd < threads->kept_files)
        return fd;
    close(fd);
    return -1;
}

/* Whether the thread is there; *fd: its syscall file, or -1. */
static bool open_activity(const struct gs_thread_list *threads, pid_t tid, int *fd)
{
    int opened = gs_activity_open(threads->python->target, tid);
    *fd = gs_identity_keep(threads, opened);
    return opened >= 0;
}

/* Whether the process has such a thread; *fd: its syscall file, or -1. */
static bool is_task(const struct gs_thread_list *threads, struct gs_kernel_threads *tasks, pid_t ns_tid, pid_t *tid,
                    int *fd)
{
    *tid = ns_tid;
    *fd = -1;
    if (ns_tid <= 0)
        return false;
    if (!threads->python->target->nested && open_activity(threads, ns_tid, fd))
        return true;
    const struct gs_task *task = task_of(threads, tasks, ns_tid);
    if (!task)
        return false;
    *tid = task->tid;
    (void)open_activity(threads, task->tid, fd);
    return true;
}

void gs_identity_find(struct gs_thread_list *threads, struct gs_kernel_threads *tasks, struct gs_member *member,
                      uint64_t native)
{
    pid_t ns_tid = native ? (pid_t)native : tid_from_pthread(threads, tasks, member->ident);
    if (ns_tid == member->ns_tid && member->syscall_fd >= 0)
        return;
    if (member->syscall_fd >= 0)
        close(member->syscall_fd);
    if (member->runs_fd >= 0)
        close(member->runs_fd);
    member->runs_fd = -1;
    member->wait.runs_known = false;
    member->wait.runs_ns = 0;
    bool found = is_task(threads, tasks, ns_tid, &member->tid, &member->syscall_fd);
    /* A server that forks without telling Python, as uWSGI does, leaves the id of the parent's thread in the child. */
    if (!found && native) {
        ns_tid = tid_from_pthread(threads, tasks, member->ident);
        found = is_task(threads, tasks, ns_tid, &member->tid, &member->syscall_fd);
    }
    member->ns_tid = ns_tid;
    if (!found)
        member->tid = 0;
}
