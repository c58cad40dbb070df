#include <stdio.h>
#include <string.h>

#include "session/task_peers.h"
#include "target/descriptor.h"

enum { LOOKED_UP = 64 /* each reads a table of the kernel's */ };

/* "TCP 10.0.0.7:41234 to 10.0.0.9:5432, being closed" has its other end behind " to ". */
static bool find_end(const char *words, char end[GS_TASK_WORDS])
{
    const char *to = strncmp(words, "TCP ", 4) == 0 || strncmp(words, "UDP ", 4) == 0 ? strstr(words, " to ") : NULL;
    if (to)
        snprintf(end, GS_TASK_WORDS, "%.*s", (int)strcspn(to + 4, ","), to + 4);
    return to != NULL;
}

void gs_task_peers(struct gs_tasks *tasks, const struct gs_target *target)
{
    char words[GS_DESCRIPTOR_WORDS], end[GS_TASK_WORDS];
    int left = LOOKED_UP;
    for (size_t i = 0; i < tasks->task_count && left > 0; i++) {
        struct gs_await *await = &tasks->tasks[i].await;
        if (await->descriptor <= 0)
            continue;
        left--;
        char *what = strstr(await->words, " a "); /* "read from a socket" */
        if (!what || !gs_descriptor_words(target, await->descriptor, words))
            continue;
        if (find_end(words, end))
            snprintf(what + 1, (size_t)(await->words + sizeof await->words - what - 1), "%s", end);
        else if (strstr(words, ", for new connections"))
            snprintf(await->words, sizeof await->words, "connections");
    }
}
