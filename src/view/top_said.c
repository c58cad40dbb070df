/* Names and places of threads, asked for while they can be known. */
#include <stdlib.h>
#include <string.h>

#include "view/top_said.h"

/* False when out of memory. */
static bool ask_place(struct gs_top_said *said, const struct gs_thread *thread, const struct gs_lookup *lookup)
{
    struct gs_frame_info info;
    if (thread->frame_count == 0)
        return true;
    if (thread->frames[0].kind == GS_FRAME_GAP) {
        said->gap = true;
        said->why = (enum gs_gap)thread->frames[0].gap;
        return true;
    }
    if (!lookup->frame(lookup->context, &thread->frames[0], &info))
        return true;
    said->function = strdup(info.function);
    said->file = strdup(info.file);
    said->line = info.line;
    return said->function && said->file;
}

static bool ask(struct gs_top_said *said, const struct gs_thread *thread, const struct gs_lookup *lookup)
{
    char spare[16];
    *said = (struct gs_top_said){.tid = thread->tid};
    said->name = strdup(lookup->name(lookup->context, thread, spare));
    return ask_place(said, thread, lookup) && said->name;
}

void gs_top_said_free(struct gs_top_said *said, size_t count)
{
    for (size_t i = 0; said && i < count; i++) {
        free(said[i].name);
        free(said[i].function);
        free(said[i].file);
    }
    free(said);
}

enum gs_status gs_top_said_renew(struct gs_top_said **said, size_t *count, const struct gs_shares *shares,
                                 const struct gs_lookup *lookup)
{
    if (shares->stale)
        return GS_OK;
    struct gs_top_said *fresh = calloc(shares->count + 1, sizeof *fresh);
    bool enough = fresh != NULL;
    for (size_t i = 0; i < shares->count && enough; i++)
        enough = ask(&fresh[i], &shares->list[i].thread, lookup);
    if (!enough) {
        gs_top_said_free(fresh, shares->count);
        return GS_NO_MEMORY;
    }
    gs_top_said_free(*said, *count);
    *said = fresh;
    *count = shares->count;
    return GS_OK;
}

static int by_tid(const void *key, const void *element)
{
    pid_t tid = *(const pid_t *)key, other = ((const struct gs_top_said *)element)->tid;
    return (tid > other) - (tid < other);
}

const struct gs_top_said *gs_top_said_of(const struct gs_top_said *said, size_t count, pid_t tid)
{
    static const struct gs_top_said nothing = {.name = NULL};
    const struct gs_top_said *found = said ? bsearch(&tid, said, count, sizeof *said, by_tid) : NULL;
    return found ? found : &nothing;
}
