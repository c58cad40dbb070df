/* Copies of what a source tells of its processes and threads. */
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "recording/kept.h"

static bool copy_text(const char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

static size_t count_of(char *const *words)
{
    size_t count = 0;
    while (words && words[count])
        count++;
    return count;
}

enum gs_status gs_kept_process(struct gs_sampled_process *to, const struct gs_sampled_process *from)
{
    size_t count = count_of(from->command);
    char **command = calloc(count + 1, sizeof *command);
    *to = (struct gs_sampled_process){.pid = from->pid,
                                      .ns_pid = from->ns_pid,
                                      .command = command,
                                      .start_ticks = from->start_ticks,
                                      .exceptions = from->exceptions};
    bool done = command && copy_text(&to->python, from->python) && copy_text(&to->build, from->build) &&
                copy_text(&to->exe, from->exe);
    for (size_t i = 0; i < count && done; i++)
        done = (command[i] = strdup(from->command[i])) != NULL;
    return done ? GS_OK : GS_NO_MEMORY;
}

void gs_kept_process_fini(struct gs_sampled_process *process)
{
    for (size_t i = 0; process->command && process->command[i]; i++)
        free(process->command[i]);
    free((void *)process->command);
    free((void *)process->python);
    free((void *)process->build);
    free((void *)process->exe);
    *process = (struct gs_sampled_process){0};
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool gs_kept_same(const struct gs_sampled_process *a, const struct gs_sampled_process *b)
{
    size_t count = count_of(a->command);
    bool known = a->start_ticks && b->start_ticks;
    if ((known && a->start_ticks != b->start_ticks) || a->pid != b->pid || a->ns_pid != b->ns_pid ||
        !same_text(a->python, b->python) || !same_text(a->build, b->build) || !same_text(a->exe, b->exe) ||
        count != count_of(b->command))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a->command[i], b->command[i]) != 0)
            return false;
    }
    return true;
}

enum gs_status gs_kept_sample(struct gs_kept_sample *kept, const struct gs_sample *from)
{
    if (!gs_room((void **)&kept->threads, &kept->room, from->thread_count + 1, sizeof *kept->threads) ||
        !gs_room((void **)&kept->gils, &kept->gil_room, from->gil_count + 1, sizeof *kept->gils))
        return GS_NO_MEMORY;
    if (from->thread_count > 0)
        memcpy(kept->threads, from->threads, from->thread_count * sizeof *kept->threads);
    if (from->gil_count > 0)
        memcpy(kept->gils, from->gils, from->gil_count * sizeof *kept->gils);
    kept->sample = *from;
    kept->sample.threads = kept->threads;
    kept->sample.gils = kept->gils;
    return GS_OK;
}

void gs_kept_sample_fini(struct gs_kept_sample *kept)
{
    free(kept->threads);
    free(kept->gils);
    *kept = (struct gs_kept_sample){0};
}
