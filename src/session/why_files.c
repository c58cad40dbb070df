/* Threads that sleep in flock or fcntl wait for what their arguments say. sqlite sleeps for 1 to 100 ms between two
 * tries (3.40: src/main.c, sqliteDefaultBusyCallback; src/os_unix.c, unixSleep): its C stack tells that it does. */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "diagnose/why_rules.h"
#include "sample/merge.h"
#include "session/why_files.h"
#include "session/why_lookup.h"

enum {
    SETLKW = 7,
    OFD_SETLKW = 38, /* include/uapi/asm-generic/fcntl.h */
    SUSPECTS_MOST = 16,
    TRIES = 20, /* to meet one between two of its tries */
    PAUSE_NS = 5000000
};

static bool waits_for_file(const struct gs_activity *activity)
{
    return activity->run == GS_RUN_SYSCALL &&
           (activity->number == SYS_flock ||
            (activity->number == SYS_fcntl && (activity->args[1] == SETLKW || activity->args[1] == OFD_SETLKW)));
}

/* Until a time has passed, not until a moment has come, as time.sleep does. */
static bool naps(const struct gs_activity *activity)
{
    return activity->run == GS_RUN_SYSCALL &&
           (activity->number == SYS_nanosleep || (activity->number == SYS_clock_nanosleep && activity->args[1] == 0));
}

static void note_threads(struct gs_why_file_owner *owner)
{
    static const struct gs_attach_options options = {.quiet = true, .reader.stopping = GS_STOP_NEVER};
    struct gs_attach *attach = NULL;
    struct gs_err err;
    enum gs_status status = gs_attach_open(&attach, owner->lock.pid, &options, GS_ATTACH_WHOLE, &err);
    if (status == GS_OK && attach->snapshot) {
        const struct gs_case c = {.target = attach->target,
                                  .python = attach->python,
                                  .snapshot = attach->snapshot,
                                  .lookup = gs_why_lookup_of(attach)};
        owner->threads = attach->snapshot->thread_count;
        for (size_t i = 0; i < owner->threads && i < GS_WHY_FILE_THREADS; i++) {
            const struct gs_thread *thread = &attach->snapshot->threads[i];
            snprintf(owner->list[i].who, sizeof owner->list[i].who, "%.119s", gs_said_thread(&c, thread).words);
            snprintf(owner->list[i].stack, sizeof owner->list[i].stack, "%s", gs_said_stack(&c, thread).words);
        }
    }
    gs_attach_close(attach);
}

static void add(struct gs_why_files *files, const struct gs_target *target, bool database, pid_t tid,
                const struct gs_file_lock *locks, size_t count)
{
    struct gs_why_file *file = NULL;
    for (size_t i = 0; i < files->count && !file; i++) {
        if (files->list[i].database == database && strcmp(files->list[i].owners[0].lock.path, locks[0].path) == 0)
            file = &files->list[i];
    }
    if (!file && files->count < GS_WHY_FILES) {
        file = &files->list[files->count++];
        *file = (struct gs_why_file){.database = database};
        for (; file->count < count; file->count++) {
            struct gs_why_file_owner *owner = &file->owners[file->count];
            owner->lock = locks[file->count];
            gs_process_comm(owner->lock.pid, owner->comm);
            if (owner->lock.pid != target->pid)
                note_threads(owner);
        }
    }
    if (file && file->tid_count < GS_WHY_FILE_WAITERS)
        file->tids[file->tid_count++] = tid;
}

/* One of sqlite's functions is among those that its innermost Python function has called. */
static bool in_sqlite(struct gs_attach *attach, pid_t tid)
{
    struct gs_native *natives = gs_reader_natives(attach->reader);
    struct gs_merge *merge = gs_merge_new();
    size_t count = 0;
    bool found = false;
    const struct gs_thread *threads = merge ? gs_merge_threads(merge, attach->snapshot, &count) : NULL;
    for (size_t i = 0; i < count && natives; i++) {
        const struct gs_thread *thread = &threads[i];
        for (uint32_t f = 0; thread->tid == tid && f < thread->frame_count && !found; f++) {
            if (thread->frames[f].kind != GS_FRAME_NATIVE)
                break;
            const struct gs_native_name *name = gs_native_name(natives, thread->frames[f].code);
            found = strstr(name->module, "sqlite3") || strncmp(name->function, "sqlite3", 7) == 0;
        }
    }
    gs_merge_free(merge);
    return found;
}

/* A thread that has just woken up is waited for. */
static bool meet(const struct gs_target *target, pid_t tid)
{
    struct gs_activity activity;
    for (int i = 0; i < TRIES; i++) {
        gs_target_activity(target, tid, &activity);
        if (naps(&activity))
            return true;
        if (activity.run == GS_RUN_SYSCALL)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return false;
}

static enum gs_status look_for_sqlite(struct gs_why_files *files, struct gs_attach *attach, const pid_t *tids,
                                      size_t tid_count)
{
    struct gs_file_lock locks[GS_FILE_LOCKS_MOST];
    size_t count = tid_count > 0 ? gs_file_locks_sqlite(attach->target, locks) : 0;
    enum gs_status status = GS_OK, off;
    for (size_t i = 0; i < tid_count && count > 0 && status == GS_OK; i++) {
        if (!meet(attach->target, tids[i]))
            continue;
        status = gs_reader_native(attach->reader, GS_NATIVE_LEAF, tids[i]);
        if (status == GS_OK)
            status = gs_reader_take(attach->reader, &attach->snapshot);
        if (status == GS_OK && in_sqlite(attach, tids[i]))
            add(files, attach->target, true, tids[i], locks, count);
    }
    if (count == 0)
        return GS_OK;
    off = gs_reader_native(attach->reader, GS_NATIVE_NONE, 0);
    return status != GS_OK ? status : off;
}

enum gs_status gs_why_files_find(struct gs_why_files *files, struct gs_attach *attach, const struct gs_why_watch *watch)
{
    struct gs_file_lock locks[GS_FILE_LOCKS_MOST];
    pid_t suspects[SUSPECTS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < attach->snapshot->thread_count; i++) {
        const struct gs_thread *thread = &attach->snapshot->threads[i];
        size_t found = waits_for_file(&thread->activity)
                           ? gs_file_locks_of(attach->target, (int)thread->activity.args[0], locks)
                           : 0;
        if (found > 0)
            add(files, attach->target, false, thread->tid, locks, found);
        else if ((naps(&thread->activity) || thread->activity.run == GS_RUN_RUNNING) && count < SUSPECTS_MOST &&
                 gs_why_watch_in_c_ns(watch, thread) >= GS_WHY_HANGS_NS)
            suspects[count++] = thread->tid;
    }
    return look_for_sqlite(files, attach, suspects, count);
}
