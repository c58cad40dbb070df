/* Reading of /proc files, for the sources of this folder. */
#ifndef GS_TARGET_PROCFS_H
#define GS_TARGET_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gilspy/status.h"

/* Flags of gs_proc_stat (include/linux/sched.h): it is about to end; it is a thread of the kernel. */
enum { GS_PF_EXITING = 0x00000004, GS_PF_KTHREAD = 0x00200000 };

enum { GS_PROC_PATH = 4096 /* PATH_MAX */, GS_PROC_STATUS = 8192 /* bytes that hold a status file */ };

/* A file of /proc/PID, read whole into dst and terminated: how many bytes, or -errno. A longer file is cut. */
ssize_t gs_proc_read(pid_t pid, const char *file, char *dst, size_t size);

/* The same into malloc'ed memory (terminated), however long up to 64 MiB; NULL and -errno in *len when it fails. */
char *gs_proc_read_all(pid_t pid, const char *file, ssize_t *len);

/* The path of the program, "" where that is not told: whether it was. The mark of one that was replaced by another
 * since it was started, " (deleted)", is taken away. */
bool gs_proc_exe(pid_t pid, char path[GS_PROC_PATH]);
/* The value of a variable in an environment: name=value, each with a NUL behind it, but for the last perhaps. NULL: it
 * is not there, or empty. */
const char *gs_environment_find(const char *environment, size_t len, const char *name, size_t *value_len);
/* A program's path, or the name of a process: it is called python-something. */
bool gs_called_python(const char *path);

/* GS_FAILED, and err is filled, where /proc is not there, or tells of another pid namespace than ours: a number would
 * then be one process in its files, and another one in a system call. */
enum gs_status gs_proc_check(struct gs_err *err) GS_MUST_CHECK;

/* What stands behind `key` (as "Tgid:") in the text of a status file; NULL when it is not there. */
const char *gs_status_field(const char *status, const char *key);

/* The process that the thread belongs to; `otherwise` where that is not told. */
pid_t gs_status_leader(const char *status, pid_t otherwise);

/* The id in its own pid namespace: the last of the NSpid line; `otherwise` where there is none. */
pid_t gs_status_innermost_pid(const char *status, pid_t otherwise);
/* It has more than one id: it lives in a pid namespace below the one whose /proc this is. */
bool gs_status_nested(const char *status);

/* /proc/PID/stat or /proc/PID/task/TID/stat */
struct gs_proc_stat {
    char state;
    pid_t parent, group, session;
    uint64_t flags, user_ticks, system_ticks, start_ticks;
};
bool gs_proc_stat_parse(const char *text, struct gs_proc_stat *stat);
/* The thread is in state D. */
bool gs_proc_sleeps_uninterruptibly(pid_t tid);

/* A thread of the process that has not ended: pid itself, unless the main thread went before the others (it is shown as
 * a zombie then, and by its number there is no memory to be had any more); 0: there is none. */
pid_t gs_proc_living(pid_t pid);
/* Another thread of it than `ended`, which is not about to end either; 0: there is none. */
pid_t gs_proc_heir(pid_t pid, pid_t ended);

struct gs_map;

/* The complete lines of a maps file, whose text is cut up on the way; false when out of memory. */
bool gs_maps_parse(char *text, struct gs_map **maps, size_t *count);
void gs_maps_free(struct gs_map *maps, size_t count);

/* Time in nanoseconds that a thread of the process was on a processor, as of the last tick of the kernel if it is on
 * one now; false when unknown. */
bool gs_proc_ran_ns(pid_t pid, pid_t tid, uint64_t *ran_ns);

#endif
