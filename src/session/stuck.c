/* What the kernel does not answer, and what it waits for as far as it tells. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session/stuck.h"
#include "target/procfs.h"

/* What a thread waits for in the kernel; "" when that is not told. */
static void read_wchan(char wchan[64], pid_t pid, const char *file)
{
    if (gs_proc_read(pid, file, wchan, 64) <= 0 || strcmp(wchan, "0") == 0)
        wchan[0] = '\0';
}

static char read_state(pid_t pid)
{
    char status[GS_PROC_STATUS];
    const char *state =
        gs_proc_read(pid, "status", status, sizeof status) > 0 ? gs_status_field(status, "State:") : NULL;
    return state && *state ? *state : '?';
}

/* " (it is in state D in nfs_wait_bit_killable, gilspy waits in rwsem_down_read_slowpath)": none of these files makes
 * who reads it wait. */
static void add_condition(char *text, size_t size, const struct gs_stuck *stuck, pid_t pid)
{
    char file[40], theirs[64], ours[64];
    snprintf(file, sizeof file, "task/%d/wchan", (int)stuck->tid);
    read_wchan(ours, getpid(), file);
    size_t used = strlen(text);
    if (pid > 0) {
        read_wchan(theirs, pid, "wchan");
        snprintf(text + used, size - used, " (it is in state %c%s%s%s%s)", read_state(pid), theirs[0] ? " in " : "",
                 theirs, ours[0] ? ", gilspy waits in " : "", ours);
    } else if (ours[0]) {
        snprintf(text + used, size - used, " (gilspy waits in %s)", ours);
    }
}

/* What lies there, as far as the maps are known. They are those of a look that was left behind, or stands still:
 * whoever reads them anew is not the one who is stuck at an address. */
static void add_place(char *text, size_t size, const struct gs_stuck *stuck, const struct gs_target *target)
{
    const struct gs_map *map = target ? gs_target_map_at(target, stuck->addr) : NULL;
    size_t used = strlen(text);
    snprintf(text + used, size - used, " at 0x%" PRIx64 "%s%s", stuck->addr, map && map->path[0] ? " in " : "",
             map ? map->path : "");
}

bool gs_stuck_tell(const struct gs_stuck *stuck, pid_t pid, const struct gs_target *target, bool first,
                   const struct gs_remarks *remarks, struct gs_err *err)
{
    char what[400];
    if (target && target->postmortem) /* of a core, the number says nothing now */
        pid = 0;
    if (pid > 0)
        snprintf(what, sizeof what, "the kernel does not answer: process %d, %s", (int)pid, stuck->what);
    else
        snprintf(what, sizeof what, "the kernel does not answer: %s", stuck->what);
    if (stuck->len)
        add_place(what, sizeof what, stuck, target);
    add_condition(what, sizeof what, stuck, pid);
    if (stuck->holding) {
        gs_fail(err, GS_FAILED, "%s", what);
        gs_err_todo(err, "Giving up at once, because a thread of it stands still");
        return false;
    }
    if (!stuck->spare) {
        gs_fail(err, GS_FAILED, "%s", what);
        return false;
    }
    gs_tell(remarks, "%s. %s", what, first ? "Going on without that" : "Left out too");
    return true;
}

void gs_stuck_end(const struct gs_stuck *stuck, const struct gs_target *target, const char *verb,
                  const struct gs_remarks *remarks, struct gs_err *err)
{
    if (gs_stuck_tell(stuck, target->pid, target, true, remarks, err))
        gs_fail(err, GS_FAILED, "cannot %s process %d any longer", verb, (int)target->pid);
}
