/* A snapshot to be read at three in the morning: the first lines answer, the rest is evidence. Threads that look
 * alike are found by a hash of what is shown of them, then by comparing it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/watch.h"
#include "export/text/page.h"

void gs_page_end_line(struct gs_page *page)
{
    gs_text_write_cut(&page->line, page->console);
}

int gs_page_room(const struct gs_page *page)
{
    int left = page->console->columns - page->line.columns;
    return page->console->columns == 0 ? 0 : left > 1 ? left : 1;
}

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

static enum gs_status init_folds(struct gs_folds *folds, const struct gs_dump *dump, const struct gs_entries *entries,
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

/* `apart`: every thread by itself. GS_NO_MEMORY or GS_OK; free with fini_folds in any case. */
static void fini_folds(struct gs_folds *folds)
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
        gs_text_fit(text, fold->members[i]->name, columns, GS_CUT_MIDDLE);
        gs_text_put(text, "\"");
    }
}

/* "4260-4262, 4270"; a few whose names have nothing in common with them: 4260 "reader", 4270 "writer". */
static void put_fold_tids(struct gs_text *text, const struct gs_fold *fold, int columns)
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

/* What the names have in common: "worker-*", in quotes; nothing when that is nothing. columns: as gs_text_fit. */
static void put_fold_names(struct gs_text *text, const struct gs_fold *fold, int columns)
{
    bool equal;
    size_t same = common(fold, &equal);
    char *part = same > 0 ? strndup(fold->members[0]->name, same) : NULL;
    if (!part)
        return;
    gs_text_put(text, " \"");
    gs_text_fit(text, part, columns, GS_CUT_MIDDLE);
    gs_text_put(text, equal ? "\"" : "*\"");
    free(part);
}

static enum gs_status write_fold(struct gs_page *page, const struct gs_fold *fold)
{
    struct gs_text *line = &page->line;
    const struct gs_entry *first = fold->members[0];
    gs_text_style(line, gs_face_style(fold->face));
    gs_text_put(line, "%s ", gs_face_symbol(fold->face, line->utf8));
    if (fold->count > 1)
        gs_words_count(line, fold->count, "thread", "threads");
    else if (first->thread->tid > 0)
        gs_text_put(line, "%d", (int)first->thread->tid);
    else
        gs_text_put(line, "(ident 0x%" PRIx64 ")", first->thread->ident);
    put_fold_names(line, fold, page->console->columns > 0 ? GS_PAGE_NAME_MOST : 0);
    gs_text_put(line, " ");
    gs_words_state(line, first->thread,
                   (fold->count > 1 ? GS_MANNER_SEVERAL : 0) | (page->verbose ? GS_MANNER_VERBOSE : 0) |
                       (page->dump->target->postmortem ? GS_MANNER_PAST : 0));
    gs_text_style(line, GS_STYLE_PLAIN);
    if (fold->count > 1) {
        gs_text_put(line, ": ");
        put_fold_tids(line, fold, page->console->columns > 0 ? GS_PAGE_NAME_MOST : 0);
    }
    gs_page_end_line(page);
    gs_page_stack(page, first->thread);
    enum gs_status status = GS_OK;
    for (size_t i = 0; i < fold->count && status == GS_OK; i++)
        status = gs_page_tasks(page, fold->members[i]);
    return status;
}

static void write_quality(struct gs_page *page)
{
    const struct gs_quality *q = page->dump->quality;
    gs_text_put(&page->line, "Read in ");
    gs_words_time(&page->line, q->took_us);
    gs_text_put(&page->line, "; threads stopped %" PRIu64 " times, ", q->stopped);
    gs_words_time(&page->line, q->stopped_us);
    gs_text_put(&page->line, " in all; %" PRIu64 " stacks read again; %" PRIu64 " snapshots lost", q->retried, q->lost);
    if (q->refused > 0)
        gs_text_put(&page->line, "; %" PRIu64 " threads could not be stopped: another program traces them", q->refused);
    gs_page_end_line(page);
}

/* What a core does not have: where a core file ends too early, and files that have changed since. */
static void write_lacks(struct gs_page *page, const struct gs_postmortem *postmortem)
{
    const char *path, *why;
    size_t count = 0;
    if (postmortem->bytes < postmortem->whole_bytes) {
        gs_text_put(&page->line, "The core is cut off: it has %" PRIu64 " of %" PRIu64 " bytes", postmortem->bytes,
                    postmortem->whole_bytes);
        gs_page_end_line(page);
    }
    for (; postmortem->lack && postmortem->lack(postmortem->files, count, &path, &why); count++) {
        gs_text_put(&page->line, "Part of the memory is not in the core, and ");
        gs_text_add(&page->line, path);
        gs_text_put(&page->line, " %s", why);
        gs_page_end_line(page);
    }
    if (count > 0) {
        gs_text_put(&page->line, "--exe tells where the program is now, and below which root its other files");
        gs_page_end_line(page);
    }
}

static bool is_whole(const struct gs_dump *dump)
{
    const struct gs_postmortem *postmortem = dump->target->postmortem;
    const char *path, *why;
    return !postmortem || (postmortem->bytes >= postmortem->whole_bytes &&
                           !(postmortem->lack && postmortem->lack(postmortem->files, 0, &path, &why)));
}

/* Only what is not whole, or what the reader would miss. */
static void write_remarks(struct gs_page *page, const struct gs_entries *entries)
{
    const struct gs_dump *dump = page->dump;
    size_t torn = 0;
    for (size_t i = 0; i < entries->count; i++)
        torn += entries->list[i].thread->torn;
    if (torn > 0 || dump->snapshot->partial || entries->count < entries->all || dump->child_count > 0 ||
        dump->holdup > 0 || page->verbose || !is_whole(dump))
        gs_page_end_line(page);
    if (dump->snapshot->partial) {
        gs_text_put(&page->line, "The list of threads cannot be read to its end: there may be more");
        gs_page_end_line(page);
    }
    if (torn > 0) {
        gs_text_put(&page->line, "%zu of ", torn);
        gs_words_count(&page->line, entries->count, "stack", "stacks");
        gs_text_put(&page->line, dump->target->postmortem || gs_watch_careful(dump->target->watch)
                                     ? " cannot be read whole: shown as far as it goes"
                                     : " changed while it was read: shown as far as it is certain");
        gs_page_end_line(page);
    }
    if (dump->holdup > 0) {
        gs_text_put(&page->line, "Threads that run could not be stopped to read their C stacks: ");
        gs_text_add(&page->line, dump->holdup_name);
        gs_text_put(&page->line, " (%d) traces them", (int)dump->holdup);
        gs_page_end_line(page);
    }
    if (!is_whole(dump))
        write_lacks(page, dump->target->postmortem);
    if (entries->count < entries->all) {
        gs_words_chosen(&page->line, entries->count, entries->all);
        gs_page_end_line(page);
    }
    if (dump->child_count > 0) {
        gs_text_put(&page->line, "It has started ");
        gs_words_count(&page->line, dump->child_count,
                       "other Python process, which -s shows too: ", "other Python processes, which -s shows too: ");
        for (size_t i = 0; i < dump->child_count; i++)
            gs_text_put(&page->line, i > 0 ? ", %d" : "%d", (int)dump->children[i]);
        gs_page_end_line(page);
    }
    if (page->verbose)
        write_quality(page);
}

enum gs_status gs_dump_text(const struct gs_dump *dump, const struct gs_console *console, bool verbose)
{
    struct gs_page page = {.dump = dump, .console = console, .verbose = verbose};
    struct gs_entries entries;
    struct gs_folds folds = {0};
    gs_text_init(&page.line, console->utf8);
    enum gs_status status = gs_entries_init(&entries, dump);
    if (status == GS_OK)
        status = init_folds(&folds, dump, &entries, verbose || dump->lookup.locals);
    if (status == GS_OK) {
        gs_page_head(&page, &entries);
        gs_page_measure(&page, &folds);
        for (size_t i = 0; i < folds.count && status == GS_OK; i++) {
            gs_page_end_line(&page);
            status = write_fold(&page, &folds.list[i]);
        }
        if (gs_dump_loop(dump, NULL, 0) && status == GS_OK) {
            gs_page_end_line(&page);
            status = gs_page_tasks(&page, NULL);
        }
        write_remarks(&page, &entries);
        status = page.line.failed ? GS_NO_MEMORY : status;
    }
    fini_folds(&folds);
    gs_entries_fini(&entries);
    gs_text_fini(&page.line);
    return status;
}
