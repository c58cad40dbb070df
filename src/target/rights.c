/* Ids and capabilities out of a status file, and their names. */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>

#include "target/procfs.h"
#include "target/rights.h"

enum { STATUS_BYTES = 8192, NAMES_MOST = 3 };

/* include/uapi/linux/capability.h, Linux 6.12 */
static const char *const names[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};

static bool read_ids(const char *status, const char *key, unsigned ids[GS_IDS_COUNT])
{
    const char *at = gs_status_field(status, key);
    return at && sscanf(at, "%u %u %u", &ids[GS_REAL], &ids[GS_EFFECTIVE], &ids[GS_SAVED]) == GS_IDS_COUNT;
}

static bool read_caps(const char *status, const char *key, uint64_t *set)
{
    const char *at = gs_status_field(status, key);
    char *end = NULL;
    if (at)
        *set = strtoull(at, &end, 16);
    return at && end > at;
}

static int read_number(const char *status, const char *key, int otherwise)
{
    const char *at = gs_status_field(status, key);
    return at && *at >= '0' && *at <= '9' ? atoi(at) : otherwise;
}

bool gs_rights_parse(const char *status, struct gs_rights *rights)
{
    *rights = (struct gs_rights){.seccomp = read_number(status, "Seccomp:", -1)};
    rights->no_new_privs = read_number(status, "NoNewPrivs:", 0) != 0;
    return read_ids(status, "Uid:", rights->uids) && read_ids(status, "Gid:", rights->gids) &&
           read_caps(status, "CapPrm:", &rights->permitted) && read_caps(status, "CapEff:", &rights->effective) &&
           read_caps(status, "CapBnd:", &rights->bounding);
}

bool gs_rights_read(pid_t pid, struct gs_rights *rights)
{
    char status[STATUS_BYTES];
    return gs_proc_read(pid, "status", status, sizeof status) > 0 && gs_rights_parse(status, rights);
}

bool gs_rights_same_ids(const struct gs_rights *ours, const struct gs_rights *theirs)
{
    for (int i = 0; i < GS_IDS_COUNT; i++) {
        if (theirs->uids[i] != ours->uids[GS_REAL] || theirs->gids[i] != ours->gids[GS_REAL])
            return false;
    }
    return true;
}

bool gs_caps_have_ptrace(uint64_t set)
{
    return set >> CAP_SYS_PTRACE & 1;
}

void gs_caps_print(uint64_t set, char *dst, size_t size)
{
    size_t used = 0, more = 0;
    int named = 0;
    dst[0] = '\0';
    for (int i = 0; i < 64; i++) {
        if (!(set >> i & 1))
            continue;
        if (named == NAMES_MOST || used >= size) {
            more++;
            continue;
        }
        const char *comma = named++ > 0 ? ", " : "";
        bool known = (size_t)i < sizeof names / sizeof *names;
        int len = known ? snprintf(dst + used, size - used, "%sCAP_%s", comma, names[i])
                        : snprintf(dst + used, size - used, "%scapability %d", comma, i);
        used += (size_t)len;
    }
    if (more > 0 && used < size)
        snprintf(dst + used, size - used, " and %zu more", more);
}
