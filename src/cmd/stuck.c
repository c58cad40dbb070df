/* What the kernel does not answer, and what it waits for as far as it tells. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/message.h"
#include "cmd/stuck.h"

/* What a thread waits for in the kernel; "" when that is not told. */
static void read_wchan(char wchan[64], const char *path)
{
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(wchan, 1, 63, file) : 0;
    if (file)
        fclose(file);
    wchan[len] = '\0';
    if (strcmp(wchan, "0") == 0)
        wchan[0] = '\0';
}

static char read_state(pid_t pid)
{
    char line[256], state = '?';
    snprintf(line, sizeof line, "/proc/%d/status", (int)pid);
    FILE *file = fopen(line, "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "State: %c", &state) != 1)
        ;
    if (file)
        fclose(file);
    return state;
}

/* " (it is in state D in nfs_wait_bit_killable, gilspy waits in rwsem_down_read_slowpath)": none of these files makes
 * who reads it wait. */
static void add_condition(char *text, size_t size, const struct gs_stuck *stuck, pid_t pid)
{
    char path[64], theirs[64], ours[64];
    snprintf(path, sizeof path, "/proc/%d/wchan", (int)pid);
    read_wchan(theirs, path);
    snprintf(path, sizeof path, "/proc/self/task/%d/wchan", (int)stuck->tid);
    read_wchan(ours, path);
    size_t used = strlen(text);
    snprintf(text + used, size - used, " (it is in state %c%s%s%s%s)", read_state(pid), theirs[0] ? " in " : "", theirs,
             ours[0] ? ", gilspy waits in " : "", ours);
}

/* What lies there, as far as the maps are known. */
static void add_place(char *text, size_t size, const struct gs_stuck *stuck, const struct gs_target *target)
{
    const struct gs_map *map = target ? gs_target_map_at(target, stuck->addr) : NULL;
    size_t used = strlen(text);
    snprintf(text + used, size - used, " at 0x%" PRIx64 "%s%s", stuck->addr, map && map->path[0] ? " in " : "",
             map ? map->path : "");
}

bool gs_stuck_tell(const struct gs_stuck *stuck, pid_t pid, const struct gs_target *target, bool first,
                   struct gs_err *err)
{
    char what[400];
    bool vital = stuck->len == 0 && strcmp(stuck->what, "reading its command line") != 0;
    snprintf(what, sizeof what, "the kernel does not answer: process %d, %s", (int)pid, stuck->what);
    if (stuck->len)
        add_place(what, sizeof what, stuck, target);
    add_condition(what, sizeof what, stuck, pid);
    if (stuck->holding) {
        gs_fail(err, GS_FAILED, "%s", what);
        gs_err_todo(err, "Giving up at once, because a thread of it stands still");
        _exit(gs_message(GS_FAILED, err));
    }
    if (vital) {
        gs_fail(err, GS_FAILED, "%s", what);
        return false;
    }
    gs_remark("%s. %s", what, first ? "Going on without that" : "Left out too");
    return true;
}
