/* Compares all that is shown of the threads' stacks, as one text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/room.h"
#include "export/dump_groups.h"
#include "export/json.h"

enum { TEXT_BYTES = 400 };

struct gs_dump_group {
    char *stacks;          /* of all threads, to compare by */
    char text[TEXT_BYTES]; /* of the first one */
    pid_t *pids;
    size_t count, room;
};

static void write_thread(const struct gs_dump *dump, const struct gs_thread *thread, FILE *out)
{
    fprintf(out, "%d\n", (int)thread->gil);
    for (uint32_t i = 0; i < thread->frame_count; i++) {
        struct gs_frame_info info;
        gs_dump_frame(dump, &thread->frames[i], &info);
        fprintf(out, " %s\n %s\n %s\n%d\n", info.function, info.file, info.module ? info.module : "", info.line);
    }
}

/* Malloc'ed; NULL: out of memory. */
static char *stacks_of(const struct gs_dump *dump, const struct gs_entries *entries)
{
    char *stacks = NULL;
    size_t size;
    FILE *out = open_memstream(&stacks, &size);
    for (size_t i = 0; out && i < entries->count; i++)
        write_thread(dump, entries->list[i].thread, out);
    if (out && fclose(out) == 0)
        return stacks;
    free(stacks);
    return NULL;
}

/* "MainThread holds the GIL, in f (a.py:3); 4 more threads" */
static void describe(const struct gs_dump *dump, const struct gs_entries *entries, char text[TEXT_BYTES])
{
    static const char *const states[] = {"holds the GIL", "waits for the GIL", "is without the GIL", "has no GIL",
                                         "is unknown"};
    struct gs_frame_info info = {.function = "no code of Python", .file = ""};
    char more[40] = "", place[16] = "";
    if (entries->count == 0) {
        snprintf(text, TEXT_BYTES, "no threads");
        return;
    }
    const struct gs_entry *first = &entries->list[0];
    if (first->thread->frame_count > 0)
        gs_dump_frame(dump, &first->thread->frames[0], &info);
    if (info.line > 0)
        snprintf(place, sizeof place, ":%d", info.line);
    if (entries->count > 1)
        snprintf(more, sizeof more, "; %zu more %s", entries->count - 1, entries->count == 2 ? "thread" : "threads");
    snprintf(text, TEXT_BYTES, "%.60s %s, in %.90s%s%.120s%s%s%s", first->name, states[first->thread->gil],
             info.function, info.file[0] ? " (" : "", info.file, place, info.file[0] ? ")" : "", more);
}

/* Takes stacks. */
static struct gs_dump_group *find_or_add(struct gs_dump_groups *groups, char *stacks, const struct gs_dump *dump,
                                         const struct gs_entries *entries)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->list[i].stacks, stacks) == 0) {
            free(stacks);
            return &groups->list[i];
        }
    }
    if (!gs_room((void **)&groups->list, &groups->room, groups->count + 1, sizeof *groups->list)) {
        free(stacks);
        return NULL;
    }
    struct gs_dump_group *added = &groups->list[groups->count++];
    *added = (struct gs_dump_group){.stacks = stacks};
    describe(dump, entries, added->text);
    return added;
}

enum gs_status gs_dump_groups_add(struct gs_dump_groups *groups, const struct gs_dump *dump)
{
    struct gs_entries entries;
    enum gs_status status = gs_entries_init(&entries, dump);
    char *stacks = status ? NULL : stacks_of(dump, &entries);
    struct gs_dump_group *group = stacks ? find_or_add(groups, stacks, dump, &entries) : NULL;
    gs_entries_fini(&entries);
    if (status || !group || !gs_room((void **)&group->pids, &group->room, group->count + 1, sizeof *group->pids))
        return status ? status : GS_NO_MEMORY;
    group->pids[group->count++] = dump->target->pid;
    return GS_OK;
}

static int by_count(const void *left, const void *right)
{
    const struct gs_dump_group *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->pids[0] < b->pids[0] ? -1 : 1;
}

static json_t *json_of(const struct gs_dump_group *group)
{
    json_t *pids = json_array();
    for (size_t i = 0; pids && i < group->count; i++) {
        if (json_array_append_new(pids, json_integer(group->pids[i])) != 0) {
            json_decref(pids);
            return NULL;
        }
    }
    return json_pack("{s:o, s:s, s:o}", "pids", pids, "kind", "stacks", "text", gs_json_text(group->text));
}

enum gs_status gs_dump_groups_json(struct gs_dump_groups *groups, FILE *out)
{
    enum gs_status status = GS_OK;
    if (groups->count > 0)
        qsort(groups->list, groups->count, sizeof *groups->list, by_count);
    fputc('[', out);
    for (size_t i = 0; i < groups->count && !status; i++) {
        fputs(i > 0 ? ", " : "", out);
        status = gs_json_write(json_of(&groups->list[i]), out);
    }
    fputc(']', out);
    return status;
}

void gs_dump_groups_fini(struct gs_dump_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->list[i].stacks);
        free(groups->list[i].pids);
    }
    free(groups->list);
}
