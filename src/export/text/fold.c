/* Finding threads that look alike: by a hash of what is shown of them, then by comparing it. */
#include <stdlib.h>
#include <string.h>

#include "export/text/fold.h"

/* A thread on its way to a fold. */
struct item {
    const struct gs_entry *entry;
    uint64_t hash;
    size_t position;
    enum gs_face face;
    size_t leader; /* position of the first that is like it */
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static int line_of(const struct gs_dump *dump, const struct gs_frame *frame)
{
    struct gs_frame_info info;
    gs_dump_frame(dump, frame, &info);
    return info.line;
}

static int call_of(const struct gs_thread *thread)
{
    return thread->activity.run == GS_RUN_SYSCALL ? thread->activity.number : -1;
}

static uint64_t hash_of(const struct gs_dump *dump, const struct gs_thread *thread)
{
    uint64_t hash = mix((uint64_t)thread->gil, (uint64_t)thread->activity.run);
    hash = mix(mix(hash, (uint64_t)call_of(thread)), thread->frame_count);
    for (uint32_t i = 0; i < thread->frame_count; i++)
        hash = mix(mix(hash, thread->frames[i].code), (uint64_t)line_of(dump, &thread->frames[i]));
    return hash;
}

static bool alike(const struct gs_dump *dump, const struct gs_thread *a, const struct gs_thread *b)
{
    if (a->gil != b->gil || a->activity.run != b->activity.run || call_of(a) != call_of(b) ||
        a->frame_count != b->frame_count)
        return false;
    for (uint32_t i = 0; i < a->frame_count; i++) {
        const struct gs_frame *f = &a->frames[i], *g = &b->frames[i];
        if (f->code != g->code || f->kind != g->kind || f->gap != g->gap)
            return false;
        if (f->instr != g->instr && line_of(dump, f) != line_of(dump, g))
            return false;
    }
    return true;
}

static int by_hash(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

static int by_place(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->face != b->face)
        return a->face < b->face ? -1 : 1;
    if (a->leader != b->leader)
        return a->leader < b->leader ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

/* Gives each item the first one that is like it, itself when there is none. */
static void find_leaders(const struct gs_dump *dump, struct item *items, size_t count)
{
    size_t first = 0;
    qsort(items, count, sizeof *items, by_hash);
    for (size_t i = 0; i < count; i++) {
        bool same = items[first].hash == items[i].hash && items[first].face != GS_FACE_HOLDS &&
                    alike(dump, items[first].entry->thread, items[i].entry->thread);
        first = same ? first : i;
        items[i].leader = items[first].position;
    }
}

enum gs_status gs_folds_init(struct gs_folds *folds, const struct gs_dump *dump, const struct gs_entries *entries,
                             bool apart)
{
    size_t count = entries->count, room = count > 0 ? count : 1;
    struct item *items = calloc(room, sizeof *items);
    *folds =
        (struct gs_folds){.list = calloc(room, sizeof *folds->list), .members = calloc(room, sizeof *folds->members)};
    if (!items || !folds->list || !folds->members) {
        free(items);
        return GS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct gs_entry *entry = &entries->list[i];
        uint64_t hash = apart ? 0 : hash_of(dump, entry->thread);
        items[i] = (struct item){entry, hash, i, gs_face_of(entry->thread), i};
    }
    if (!apart)
        find_leaders(dump, items, count);
    qsort(items, count, sizeof *items, by_place);
    for (size_t i = 0; i < count; i++) {
        folds->members[i] = items[i].entry;
        if (i == 0 || items[i].leader != items[i - 1].leader)
            folds->list[folds->count++] = (struct gs_fold){.members = &folds->members[i], .face = items[i].face};
        folds->list[folds->count - 1].count++;
    }
    free(items);
    return GS_OK;
}

void gs_folds_fini(struct gs_folds *folds)
{
    free(folds->list);
    free(folds->members);
}

/* Bytes that all names begin with. */
static size_t common(const struct gs_fold *fold, bool *equal)
{
    const char *first = fold->members[0]->name;
    size_t whole = strlen(first), same = whole;
    *equal = true;
    for (size_t i = 1; i < fold->count; i++) {
        const char *name = fold->members[i]->name;
        size_t n = 0;
        while (n < same && name[n] == first[n])
            n++;
        same = n;
        *equal = *equal && strcmp(name, first) == 0;
    }
    while (same > 0 && same < whole && ((unsigned char)first[same] & 0xc0) == 0x80)
        same--; /* not in the middle of a character */
    return same;
}

/* A few threads whose names have nothing in common are told by name. */
static bool each_by_name(const struct gs_fold *fold)
{
    enum { FEW = 4 };
    bool equal;
    return fold->count > 1 && fold->count <= FEW && common(fold, &equal) == 0;
}

static void put_named(struct gs_text *text, const struct gs_fold *fold, int columns)
{
    for (size_t i = 0; i < fold->count; i++) {
        gs_text_put(text, i > 0 ? ", %d" : "%d", (int)fold->members[i]->thread->tid);
        if (!*fold->members[i]->name)
            continue;
        gs_text_put(text, " \"");
        gs_text_fit(text, fold->members[i]->name, columns, GS_CUT_END);
        gs_text_put(text, "\"");
    }
}

void gs_fold_tids(struct gs_text *text, const struct gs_fold *fold, int columns)
{
    if (each_by_name(fold)) {
        put_named(text, fold, columns);
        return;
    }
    for (size_t i = 0; i < fold->count;) {
        size_t last = i;
        int tid = (int)fold->members[i]->thread->tid;
        while (last + 1 < fold->count && fold->members[last + 1]->thread->tid == tid + (int)(last + 1 - i))
            last++;
        gs_text_put(text, i > 0 ? ", %d" : "%d", tid);
        if (last > i)
            gs_text_put(text, last > i + 1 ? "-%d" : ", %d", tid + (int)(last - i));
        i = last + 1;
    }
}

void gs_fold_names(struct gs_text *text, const struct gs_fold *fold, int columns)
{
    bool equal;
    size_t same = common(fold, &equal);
    char *part = same > 0 ? strndup(fold->members[0]->name, same) : NULL;
    if (!part)
        return;
    gs_text_put(text, " \"");
    gs_text_fit(text, part, columns, GS_CUT_END);
    gs_text_put(text, equal ? "\"" : "*\"");
    free(part);
}
