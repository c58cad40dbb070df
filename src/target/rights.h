/* What the kernel compares when one process wants to read another, as /proc/PID/status tells it. */
#ifndef GS_TARGET_RIGHTS_H
#define GS_TARGET_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { GS_REAL, GS_EFFECTIVE, GS_SAVED, GS_IDS_COUNT };

struct gs_rights {
    uid_t uids[GS_IDS_COUNT];
    gid_t gids[GS_IDS_COUNT];
    uint64_t permitted, effective, bounding; /* capabilities, one bit each */
    int seccomp;                             /* 0 none, 1 strict, 2 a filter; -1: the kernel does not tell */
    bool no_new_privs;
};

/* From the text of a status file; false when the ids or capabilities are not all there. */
bool gs_rights_parse(const char *status, struct gs_rights *rights);
bool gs_rights_read(pid_t pid, struct gs_rights *rights);
/* All ids of both are the same, as __ptrace_may_access compares them: our real ones with each of theirs. */
bool gs_rights_same_ids(const struct gs_rights *ours, const struct gs_rights *theirs);
/* CAP_SYS_PTRACE is in the set. */
bool gs_caps_have_ptrace(uint64_t set);
/* "CAP_NET_ADMIN, CAP_SYS_PTRACE and 3 more" */
void gs_caps_print(uint64_t set, char *dst, size_t size);

#endif
