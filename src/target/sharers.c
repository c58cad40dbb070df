/* Going through the maps of others, in a process of its own: the kernel makes who reads them wait for theirs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/isolated.h"
#include "target/sharers.h"

enum { FOUND_MOST = 64, PROCESSES_MOST = 5000 };

struct question {
    const struct gs_map *map;
    pid_t own;
};

struct found {
    uint32_t count;
    pid_t pids[FOUND_MOST];
};

static bool maps_it(pid_t pid, const struct gs_map *map)
{
    char path[40], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        uint32_t dev_major, dev_minor;
        uint64_t inode;
        found = sscanf(line, "%*x-%*x %*s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64, &dev_major, &dev_minor, &inode) == 3 &&
                inode == map->inode && dev_major == map->dev_major && dev_minor == map->dev_minor;
    }
    if (file)
        fclose(file);
    return found;
}

static void look(const void *context, void *result)
{
    const struct question *question = context;
    struct found *found = result;
    pid_t *pids = NULL;
    size_t count = 0;
    if (gs_target_processes(&pids, &count) != GS_OK)
        return;
    for (size_t i = 0; i < count && i < PROCESSES_MOST && found->count < FOUND_MOST; i++) {
        if (pids[i] != question->own && maps_it(pids[i], question->map))
            found->pids[found->count++] = pids[i];
    }
    free(pids);
}

size_t gs_target_sharers(const struct gs_target *target, gs_addr addr, pid_t *pids, size_t room)
{
    struct question question = {gs_target_map_at(target, addr), target->pid};
    struct found found = {0};
    if (target->postmortem || !question.map || question.map->inode == 0 ||
        gs_isolated_run(look, &question, &found, sizeof found) != GS_ISOLATED_DONE)
        return 0;
    size_t count = found.count < room ? found.count : room;
    for (size_t i = 0; i < count && i < FOUND_MOST; i++)
        pids[i] = found.pids[i];
    return count;
}
