/* Processes that are not named by number: by their command line, or by the cgroup that they lie in. */
#ifndef GS_SESSION_SEARCH_H
#define GS_SESSION_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "gilspy/status.h"

struct gs_search {
    const char *const *patterns; /* globs, one of which fits somewhere in the command line */
    size_t pattern_count;
    const char *const *cgroups; /* one of which it lies in, or in one below that */
    size_t cgroup_count;
    const char *const *excludes; /* globs, none of which fits there */
    size_t exclude_count;
    const uid_t *user; /* whose they are; NULL: anybody's */
    bool full;         /* nobody fits any more */
};

/* Adds the processes that fit to a list, each once: those that look like Python; if none does, all (a program that
 * has Python in it need not look like it). GS_NO_PROCESS: none fits. GS_FAILED: /proc tells nothing. err is filled. */
enum gs_status gs_search(const struct gs_search *search, pid_t **pids, size_t *count, struct gs_err *err) GS_MUST_CHECK;

/* Whether a process looks like Python, is not gilspy itself, and fits; without patterns and cgroups all do. */
bool gs_search_fits(const struct gs_search *search, pid_t pid);

/* Whether a pattern fits anywhere in a command line. */
bool gs_search_command(const char *pattern, const char *command);
/* Whether the text of /proc/PID/cgroup says that a process lies in this cgroup or in one below it. path: as in that
 * text (cgroups(7): "/user.slice", in the hierarchy of version 2 or in any of version 1), without the slash, or below
 * /sys/fs/cgroup. The text is cut up. */
bool gs_search_cgroup(const char *path, char *text);

/* Adds one to a list of processes, unless it is there. False: out of memory. */
bool gs_pids_add(pid_t **pids, size_t *count, pid_t pid);

#endif
