/* Opening the core file of a process. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/isolated.h"
#include "base/regular.h"
#include "base/sorted.h"
#include "base/watch.h"
#include "target/core.h"

enum { TID_MAX = 1 << 22 };

static const char build_ids[] = "/usr/lib/debug/.build-id";

/* What the target lives on. */
struct source {
    int fd;
    char *step; /* the name of reading it */
    struct gs_core core;
    struct gs_core_files *files;
};

static int open_file(void *files, const struct gs_map *map)
{
    const struct source *source = files;
    return map->inode ? gs_core_files_open(source->files, map->start) : -1;
}

static bool lack(const void *files, size_t i, const char **path, const char **why)
{
    return gs_core_files_lack(((const struct source *)files)->files, i, path, why);
}

static const char *misled(void *files)
{
    return gs_core_files_misled(((struct source *)files)->files);
}

static void free_source(void *files)
{
    struct source *source = files;
    gs_core_files_free(source->files);
    gs_core_close(&source->core);
    if (source->fd >= 0)
        close(source->fd);
    free(source->step);
    free(source);
}

/* ---- the file ---- */

static const struct {
    uint8_t magic[6];
    size_t len;
    const char *name, *unpack;
} packers[] = {{{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd", "zstd -d"},
               {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4", "lz4 -d"},
               {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, "xz", "xz -dk"},
               {{0x1f, 0x8b}, 2, "gzip", "gzip -dk"},
               {{'B', 'Z', 'h'}, 3, "bzip2", "bzip2 -dk"}};

static enum gs_status refuse_packed(const struct gs_bytes *bytes, const char *name, struct gs_err *err)
{
    uint8_t magic[sizeof packers->magic];
    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++) {
        if (!gs_bytes_read(bytes, 0, magic, packers[i].len) || memcmp(magic, packers[i].magic, packers[i].len) != 0)
            continue;
        gs_fail(err, GS_FAILED, "cannot read the core %s: it is compressed with %s", name, packers[i].name);
        gs_err_todo(err, "Unpack it with %s, or take it from systemd with coredumpctl dump -o FILE", packers[i].unpack);
        return GS_FAILED;
    }
    return GS_OK;
}

/* A regular file; a FIFO must not hold us up. */
static enum gs_status open_regular(const char *name, const char *what, int *fd, struct stat *st, struct gs_err *err)
{
    *fd = -1;
    if (!gs_isolated_answers(name))
        return gs_fail(err, GS_FAILED, "the kernel does not answer: opening or reading the %s %s", what, name);
    *fd = gs_open_regular(name, st);
    if (*fd >= 0)
        return GS_OK;
    if (!st->st_mode || S_ISREG(st->st_mode))
        return gs_fail(err, GS_FAILED, "cannot read the %s %s: %s", what, name, strerror(errno));
    gs_fail(err, GS_FAILED, "cannot read the %s %s: it is %s", what, name,
            S_ISDIR(st->st_mode)    ? "a directory"
            : S_ISFIFO(st->st_mode) ? "a pipe, and is not read from front to back"
                                    : "no regular file");
    if (S_ISFIFO(st->st_mode))
        gs_err_todo(err, "Write it to a file first");
    return GS_FAILED;
}

static enum gs_status check_exe(const char *exe, struct gs_watch *watch, struct gs_err *err)
{
    struct stat st;
    int fd;
    gs_watch_enter(watch, "opening the program that --exe names", 0, 0);
    enum gs_status status = open_regular(exe, "program", &fd, &st, err);
    gs_watch_leave(watch);
    if (fd >= 0)
        close(fd);
    return status;
}

static enum gs_status read_core(struct source *source, const char *name, struct gs_watch *watch, struct gs_err *err)
{
    struct gs_bytes bytes;
    struct gs_err why = {0};
    if (!gs_bytes_of_file(&bytes, source->fd, watch, source->step, false))
        return gs_fail(err, GS_FAILED, "cannot read the core %s: %s", name, strerror(errno));
    enum gs_status status = refuse_packed(&bytes, name, err);
    if (status)
        return status;
    status = gs_core_open(&source->core, &bytes, &why);
    return status ? gs_fail(err, status, "cannot read the core %s: %s", name, why.what) : GS_OK;
}

/* ---- threads ---- */

GS_BY(by_tid, struct gs_core_thread, tid);

/* gdb notes the ids that it sees, from outside of a container others than those inside: there the threads themselves
 * know better. */
static void find_ns_tids(struct gs_target *target, const struct gs_core *core)
{
    struct gs_postmortem *postmortem = target->postmortem;
    bool other = postmortem->task_count > 0;
    for (size_t i = 0; i < postmortem->task_count && other; i++) {
        uint32_t own;
        struct gs_arch_thread state;
        gs_arch_thread_read(&state, &core->threads[i].registers, target->mem);
        other = state.self && gs_mem_read_u32(target->mem, state.self + GS_ARCH_PTHREAD_TID, &own) == GS_OK &&
                own > 0 && own <= TID_MAX && (pid_t)own != postmortem->tasks[i].tid;
        postmortem->tasks[i].ns_tid = other ? (pid_t)own : postmortem->tasks[i].tid;
    }
    for (size_t i = 0; i < postmortem->task_count; i++) {
        if (!other)
            postmortem->tasks[i].ns_tid = postmortem->tasks[i].tid;
        if (postmortem->tasks[i].tid == target->pid)
            target->ns_pid = postmortem->tasks[i].ns_tid;
    }
    target->nested = target->ns_pid != target->pid;
}

/* Sorts the core's threads on the way. */
static bool fill_threads(struct gs_postmortem *postmortem, struct gs_core *core, struct gs_mem *mem)
{
    for (size_t i = 0; i < core->thread_count && postmortem->signal == 0; i++) {
        postmortem->signal = core->threads[i].signal;
        postmortem->signal_tid = postmortem->signal ? core->threads[i].tid : 0;
    }
    qsort(core->threads, core->thread_count, sizeof *core->threads, by_tid);
    postmortem->tasks = calloc(core->thread_count, sizeof *postmortem->tasks);
    postmortem->activities = calloc(core->thread_count, sizeof *postmortem->activities);
    postmortem->registers = calloc(core->thread_count, sizeof *postmortem->registers);
    if (!postmortem->tasks || !postmortem->activities || !postmortem->registers)
        return false;
    for (size_t i = 0; i < core->thread_count; i++) {
        const struct gs_core_thread *thread = &core->threads[i];
        struct gs_activity *activity = &postmortem->activities[i];
        struct gs_arch_thread state;
        gs_arch_thread_read(&state, &thread->registers, mem);
        postmortem->tasks[i] = (struct gs_task){thread->tid, thread->tid};
        activity->run = state.call >= 0 ? GS_RUN_SYSCALL : GS_RUN_RUNNING;
        activity->number = state.call;
        memcpy(activity->args, state.args, sizeof activity->args);
        postmortem->registers[i] = state.registers;
    }
    postmortem->task_count = core->thread_count;
    return true;
}

/* ---- the whole ---- */

static bool set_exe(struct gs_target *target, const struct source *source)
{
    const struct gs_core_file *program = gs_core_files_program(source->files);
    char path[4096] = "";
    gs_addr name = gs_core_aux(&source->core, AT_EXECFN);
    if (!program && (!name || gs_mem_read_cstr(target->mem, name, path, sizeof path)))
        path[0] = '\0';
    target->exe = strdup(program ? program->path : *path ? path : source->core.comm);
    return target->exe != NULL;
}

static bool fill(struct gs_target *target, struct source *source)
{
    struct gs_postmortem *postmortem = target->postmortem;
    struct gs_core *core = &source->core;
    if (!(target->mem = gs_mem_core_new(core, source->files)) || !fill_threads(postmortem, core, target->mem))
        return false;
    target->pid = target->ns_pid = core->has_process ? core->pid : postmortem->tasks[0].tid;
    memcpy(postmortem->comm, core->comm, sizeof postmortem->comm);
    postmortem->bytes = core->bytes.size;
    postmortem->whole_bytes = core->whole_bytes;
    postmortem->open_file = open_file;
    postmortem->lack = lack;
    postmortem->misled = misled;
    find_ns_tids(target, core);
    return gs_core_maps(target, core, source->files) && gs_core_command(target, core) && set_exe(target, source);
}

static enum gs_status open_core(struct gs_target *target, const char *name, const char *exe, struct gs_err *err)
{
    struct source *source = calloc(1, sizeof *source);
    struct gs_postmortem *postmortem = target->postmortem = calloc(1, sizeof *postmortem);
    struct stat st;
    if (!source || !postmortem || asprintf(&source->step, "opening or reading the core %s", name) < 0) {
        free(source);
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    }
    postmortem->files = source;
    postmortem->free = free_source;
    source->fd = -1;
    gs_watch_enter(target->watch, source->step, 0, 0);
    enum gs_status status = open_regular(name, "core", &source->fd, &st, err);
    gs_watch_leave(target->watch);
    if (!status && exe)
        status = check_exe(exe, target->watch, err);
    if (!status)
        status = read_core(source, name, target->watch, err);
    if (status)
        return status;
    postmortem->time_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    struct gs_core_files_options options = {exe, postmortem->time_ns, build_ids, target->watch};
    source->files = gs_core_files_new(&source->core, &options);
    if (!source->files || !fill(target, source))
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    return GS_OK;
}

enum gs_status gs_target_open_core(struct gs_target **out, const char *core, const char *exe, struct gs_watch *watch,
                                   struct gs_err *err)
{
    struct gs_target *target = calloc(1, sizeof *target);
    if (!target)
        return gs_fail(err, GS_NO_MEMORY, "out of memory");
    target->mem_fd = -1;
    target->watch = watch;
    enum gs_status status = open_core(target, core, exe, err);
    if (status) {
        gs_target_close(target);
        return status;
    }
    *out = target;
    return GS_OK;
}
