/* Whose C stacks are taken: the threads that the kernel has of the process, or one of them. */
#include <stdlib.h>
#include <unistd.h>

#include "sample/stack_reader.h"

enum { LIST_NS = 100000000, POLLED_MOST = 64 /* who is polled no more is forgotten some day */ };

static void drop(struct gs_cstack *cstack)
{
    if (cstack->syscall_fd >= 0)
        close(cstack->syscall_fd);
    if (cstack->runs_fd >= 0)
        close(cstack->runs_fd);
    free(cstack->stack.frames);
}

void gs_natives_free(struct gs_stack_reader *stacks)
{
    struct gs_natives *natives = &stacks->natives;
    for (size_t i = 0; i < natives->count; i++)
        drop(&natives->list[i]);
    free(natives->list);
    gs_native_copy_fini(&natives->copy);
    gs_native_free(natives->engine);
}

static int by_tid(const void *a, const void *b)
{
    const struct gs_cstack *x = a, *y = b;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

struct gs_cstack *gs_natives_find(const struct gs_stack_reader *stacks, pid_t tid)
{
    const struct gs_natives *natives = &stacks->natives;
    struct gs_cstack wanted = {.tid = tid};
    return natives->count > 0 ? bsearch(&wanted, natives->list, natives->count, sizeof wanted, by_tid) : NULL;
}

static bool add(struct gs_stack_reader *stacks, const struct gs_task *task)
{
    struct gs_thread_list *threads = stacks->threads;
    struct gs_natives *natives = &stacks->natives;
    const struct gs_target *target = threads->python->target;
    if (!gs_grow(stacks, (void **)&natives->list, &natives->room, natives->count + 1, sizeof *natives->list))
        return false;
    natives->list[natives->count++] =
        (struct gs_cstack){.tid = task->tid,
                           .ns_tid = task->ns_tid,
                           .found = true,
                           .syscall_fd = gs_identity_keep(threads, gs_activity_open(target, task->tid)),
                           .runs_fd = gs_identity_keep(threads, gs_runs_open(target, task->tid)),
                           .want = GS_NATIVE_COPY_BYTES};
    return true;
}

/* Takes in the threads that are there, and lets go of those that are no more. */
static bool take_in(struct gs_stack_reader *stacks, const struct gs_task *tasks, size_t count)
{
    struct gs_natives *natives = &stacks->natives;
    size_t known = natives->count, kept = 0;
    bool ok = true;
    for (size_t i = 0; i < known; i++)
        natives->list[i].found = false;
    for (size_t i = 0; i < count && ok; i++) {
        struct gs_cstack wanted = {.tid = tasks[i].tid};
        struct gs_cstack *old = known > 0 ? bsearch(&wanted, natives->list, known, sizeof wanted, by_tid) : NULL;
        /* Its number may be another thread's by now. */
        if (old && old->before.run != GS_RUN_GONE)
            old->found = true;
        else if (!natives->only || natives->only == tasks[i].tid)
            ok = add(stacks, &tasks[i]);
    }
    for (size_t i = 0; i < natives->count; i++) {
        if (natives->list[i].found)
            natives->list[kept++] = natives->list[i];
        else
            drop(&natives->list[i]);
    }
    natives->count = kept;
    if (kept > 0)
        qsort(natives->list, kept, sizeof *natives->list, by_tid);
    return ok;
}

enum gs_status gs_natives_list(struct gs_stack_reader *stacks)
{
    struct gs_thread_list *threads = stacks->threads;
    struct gs_natives *natives = &stacks->natives;
    struct gs_task *tasks;
    size_t count;
    if (natives->listed_ns && natives->discovery == threads->discovery &&
        threads->taken_ns - natives->listed_ns < LIST_NS)
        return GS_OK;
    enum gs_status status = gs_target_tasks(threads->python->target, &tasks, &count);
    if (status)
        return status;
    bool ok = take_in(stacks, tasks, count);
    free(tasks);
    natives->listed_ns = threads->taken_ns;
    natives->discovery = threads->discovery;
    return ok ? GS_OK : GS_NO_MEMORY;
}

struct gs_cstack *gs_natives_one(struct gs_stack_reader *stacks, pid_t tid, pid_t ns_tid)
{
    struct gs_natives *natives = &stacks->natives;
    struct gs_cstack *found = gs_natives_find(stacks, tid);
    natives->listed_ns = 0; /* it is no list of all any more */
    if (found && found->before.run != GS_RUN_GONE)
        return found;
    if (found || natives->count >= POLLED_MOST) {
        for (size_t i = 0; i < natives->count; i++)
            drop(&natives->list[i]);
        natives->count = 0;
    }
    if (!add(stacks, &(struct gs_task){.tid = tid, .ns_tid = ns_tid}))
        return NULL;
    qsort(natives->list, natives->count, sizeof *natives->list, by_tid);
    return gs_natives_find(stacks, tid);
}
