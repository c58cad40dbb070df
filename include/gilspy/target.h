/* A process that we look at, live or in a core: what the kernel says of it and its threads, the files that it maps. */
#ifndef GILSPY_TARGET_H
#define GILSPY_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/mem.h"
#include "gilspy/status.h"

/* One line of /proc/PID/maps. */
struct gs_map {
    gs_addr start, end;
    uint64_t file_offset;
    uint64_t inode;
    uint32_t dev_major, dev_minor;
    bool readable, writable, executable;
    bool deleted; /* " (deleted)" stood behind the path, which is without it */
    char *path;   /* owned; "" for anonymous memory */
};

/* What the kernel says that a thread does, from /proc/PID/task/TID/syscall. */
enum gs_run {
    GS_RUN_UNKNOWN, /* the file cannot be read */
    GS_RUN_RUNNING, /* runs or is ready to */
    GS_RUN_SYSCALL, /* blocked in system call `number` */
    GS_RUN_BLOCKED, /* blocked outside a system call: a page fault, a stop */
    GS_RUN_GONE     /* the thread has ended */
};

struct gs_activity {
    enum gs_run run;
    int number; /* system call; restart_syscall is shown as such */
    uint64_t args[6];
    gs_addr sp, pc; /* of a thread that does not run: its stack pointer, and where it goes on; 0: not told */
};

struct gs_task {
    pid_t tid;    /* as we see it */
    pid_t ns_tid; /* in the target's own pid namespace */
};

struct gs_arch_registers;

/* What is left of a process that runs no more: nothing of it changes. */
struct gs_postmortem {
    struct gs_task *tasks;               /* by tid */
    struct gs_activity *activities;      /* of each task */
    struct gs_arch_registers *registers; /* of each task */
    size_t task_count;
    char comm[16];
    int64_t time_ns; /* CLOCK_REALTIME of that moment, 0: not known */
    int signal;      /* what it got, 0: nothing that is known */
    pid_t signal_tid;
    uint64_t bytes, whole_bytes; /* of the core: as it is, and as it should be */
    /* The file behind a map, as gs_target_open_file; NULL: there are none. */
    int (*open_file)(void *files, const struct gs_map *map);
    /* The i-th file out of which memory was to be read and that is not to be had, and why ("is missing"); false: there
     * are no more. NULL: there are none. */
    bool (*lack)(const void *files, size_t i, const char **path, const char **why);
    /* Why the file that the user named as the program is not it; NULL: it is, or none was named, or nobody knows. To be
     * asked when everything else was read. */
    const char *(*misled)(void *files);
    void (*free)(void *files);
    void *files;
};

struct gs_target {
    struct gs_postmortem *postmortem; /* NULL: a live process */
    pid_t pid;                        /* as we see it */
    pid_t living;               /* the thread by which its memory is reached: pid, unless the main thread has ended */
    pid_t ns_pid;               /* in the target's own pid namespace */
    bool nested;                /* which is one below ours: its threads have other ids there */
    struct gs_watch *watch;     /* not owned, NULL: nobody watches */
    struct gs_stopper *stopper; /* not owned: who traces its threads for us and stops one of them; NULL: nobody */
    struct gs_mem *mem;
    int mem_fd; /* its /proc/PID/mem, which stays with the program that it ran when it was opened; -1: not permitted */
    struct gs_map *maps;
    size_t map_count;
    char *exe;      /* path of its program, without " (deleted)" */
    char **command; /* argument vector, NULL-terminated; at least one. What looks secret in it is <hidden> */
    size_t command_count;
    uint64_t start_ticks; /* when it started: clock ticks since boot */
    bool container;       /* in another pid or mount namespace than we are */
    /* By gs_target_surroundings; NULL: not asked for, or not told. */
    char *service; /* what OTEL_SERVICE_NAME is in its environment */
    char *cgroup;  /* the text of its /proc/PID/cgroup */
};

/* Opens a live process. pid may be a thread's id: its process is opened. watch (not owned, may be NULL) is told of each
 * step that may wait for ever. Fails with GS_NO_PROCESS (not there, all its threads have ended), GS_NOT_PYTHON (a
 * kernel thread), GS_NOT_PERMITTED, GS_FAILED; err is filled. With GS_NOT_PERMITTED *target is there all the same, and
 * is to be closed: it has what everybody is told, its ids, its command and perhaps its maps. */
enum gs_status gs_target_open(struct gs_target **target, pid_t pid, struct gs_watch *watch,
                              struct gs_err *err) GS_MUST_CHECK;
/* Opens the core file of a process. Memory that is not in it is read from the files that the process had mapped (exe:
 * where its program is now, NULL: where it was), if they are still the same ones. The ids of threads are those that the
 * core has: the kernel notes those of the process's own pid namespace, gdb those that it sees. watch: as above.
 * GS_FAILED when there is no core file, GS_NO_MEMORY; err is filled. */
enum gs_status gs_target_open_core(struct gs_target **target, const char *core, const char *exe, struct gs_watch *watch,
                                   struct gs_err *err) GS_MUST_CHECK;
void gs_target_close(struct gs_target *target);
/* Reads what a live process is to be called on servers. */
void gs_target_surroundings(struct gs_target *target);

/* Reads the maps again. */
enum gs_status gs_target_refresh_maps(struct gs_target *target, struct gs_err *err) GS_MUST_CHECK;
/* The map that holds addr, or NULL. */
const struct gs_map *gs_target_map_at(const struct gs_target *target, gs_addr addr);

/* Opens the file behind a map in whatever namespace it lives, also when it was deleted; only if it is a regular file,
 * and really the one that is mapped. Returns a descriptor, or -1. */
int gs_target_open_file(const struct gs_target *target, const struct gs_map *map);
/* The same, where it is sure that whoever opens and reads the file waits for no server and no other process: it lies in
 * a file system of this machine, and no path has to be walked. */
int gs_target_open_near_file(const struct gs_target *target, const struct gs_map *map);

/* The threads of the process, into a malloc'ed array that the caller frees. */
enum gs_status gs_target_tasks(const struct gs_target *target, struct gs_task **tasks, size_t *count) GS_MUST_CHECK;

/* What one thread does at this moment. */
void gs_target_activity(const struct gs_target *target, pid_t tid, struct gs_activity *activity);

/* The process runs on as it was opened: GS_OK; GS_GONE when it has ended (its pid may be another's by now), GS_EXECED
 * when it runs another program, or the same anew. */
enum gs_status gs_target_check(const struct gs_target *target);
/* A quick part of that: it has ended, or runs another program. False also where that is not told (mem_fd). */
bool gs_target_left_memory(const struct gs_target *target);

/* What holds up the whole process: 'T' it is stopped by a signal, 't' by its tracer, 'F' frozen by its cgroup, 0
 * nothing that is known. tracer: the process that traces it, 0: none. */
char gs_target_stopped(const struct gs_target *target, pid_t *tracer);

/* The process that traces one thread, 0: none, or not known. */
pid_t gs_target_tracer(const struct gs_target *target, pid_t tid);

/* Time in nanoseconds that the thread was on a processor, as of the last tick of the kernel if it is on one now; false
 * when unknown. */
bool gs_target_ran_ns(const struct gs_target *target, pid_t tid, uint64_t *ran_ns);
/* Time in nanoseconds that it could have run, but others had the processors; false when unknown. */
bool gs_target_kept_ns(const struct gs_target *target, pid_t tid, uint64_t *kept_ns);
/* Time in nanoseconds that all threads of the process together were on a processor, as of now. */
bool gs_target_clock_ns(const struct gs_target *target, uint64_t *cpu_ns);
/* Since it started, in seconds; below 0: not known. */
double gs_target_uptime_s(const struct gs_target *target);
/* The kernel's name of a thread, uncleaned. */
void gs_target_comm(const struct gs_target *target, pid_t tid, char name[16]);
/* The same of the main thread of any process. */
void gs_process_comm(pid_t pid, char name[16]);
/* Which one of a job of many processes it is, as whoever started them has put it into its environment: the first of
 * RANK, LOCAL_RANK (torchrun), OMPI_COMM_WORLD_RANK (Open MPI) and SLURM_PROCID (Slurm) that is a number; negative:
 * none is, or it is not known. The environment is that of its start. */
int64_t gs_process_rank(pid_t pid);
/* The children of a process, into a malloc'ed array. */
enum gs_status gs_target_children(pid_t pid, pid_t **children, size_t *count) GS_MUST_CHECK;
/* The same and their children, and so on, each behind its parent. */
enum gs_status gs_target_descendants(pid_t pid, pid_t **descendants, size_t *count) GS_MUST_CHECK;
/* The process that a thread belongs to; pid itself where that is not known. */
pid_t gs_target_process_of(pid_t pid);
/* It was forked and runs no program of its own since: its memory was a copy of the parent's. *origin: the process that
 * it was forked from; 0: that has ended. */
bool gs_target_forked(const struct gs_target *target, pid_t *origin);

/* The parent whose memory it uses, as a child of vfork does until it runs a program: threads and GIL in there are the
 * parent's. 0: its memory is its own, or the kernel does not tell. */
pid_t gs_target_lender(const struct gs_target *target);
/* All processes that are no kernel threads, into a malloc'ed array. */
enum gs_status gs_target_processes(pid_t **pids, size_t *count) GS_MUST_CHECK;

/* The name of a system call, or NULL. */
const char *gs_syscall_name(int number);

#endif
