/* A snapshot to be read at three in the morning: the first lines answer, the rest is evidence. */
#include <inttypes.h>

#include "base/watch.h"
#include "export/text/page.h"

static void write_fold(struct gs_page *page, const struct gs_fold *fold)
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
    gs_fold_names(line, fold, page->console->columns > 0 ? GS_PAGE_NAME_MOST : 0);
    gs_text_put(line, " ");
    gs_words_state(line, first->thread,
                   (fold->count > 1 ? GS_MANNER_SEVERAL : 0) | (page->verbose ? GS_MANNER_VERBOSE : 0) |
                       (page->dump->target->still ? GS_MANNER_PAST : 0));
    gs_text_style(line, GS_STYLE_PLAIN);
    if (fold->count > 1) {
        gs_text_put(line, ": ");
        gs_fold_tids(line, fold, page->console->columns > 0 ? GS_PAGE_NAME_MOST : 0);
    }
    gs_page_end_line(page);
    gs_page_stack(page, first->thread);
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
static void write_lacks(struct gs_page *page, const struct gs_still *still)
{
    const char *path, *why;
    size_t count = 0;
    if (still->bytes < still->whole_bytes) {
        gs_text_put(&page->line, "The core is cut off: it has %" PRIu64 " of %" PRIu64 " bytes", still->bytes,
                    still->whole_bytes);
        gs_page_end_line(page);
    }
    for (; still->lack && still->lack(still->files, count, &path, &why); count++) {
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
    const struct gs_still *still = dump->target->still;
    const char *path, *why;
    return !still ||
           (still->bytes >= still->whole_bytes && !(still->lack && still->lack(still->files, 0, &path, &why)));
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
        gs_text_put(&page->line, dump->target->still || gs_watch_careful(dump->target->watch)
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
        write_lacks(page, dump->target->still);
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
        status = gs_folds_init(&folds, dump, &entries, verbose || dump->lookup.locals);
    if (status == GS_OK) {
        gs_page_head(&page, &entries);
        gs_page_measure(&page, &folds);
        for (size_t i = 0; i < folds.count; i++) {
            gs_page_end_line(&page);
            write_fold(&page, &folds.list[i]);
        }
        write_remarks(&page, &entries);
        status = page.line.failed ? GS_NO_MEMORY : GS_OK;
    }
    gs_folds_fini(&folds);
    gs_entries_fini(&entries);
    gs_text_fini(&page.line);
    return status;
}
