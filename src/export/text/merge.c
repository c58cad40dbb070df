/* Stacks of many processes, the rarest first: who has it, then its frames as in a dump. */
#include <inttypes.h>
#include <string.h>

#include "base/table.h"
#include "base/wrap.h"
#include "export/files.h"
#include "export/merge.h"
#include "export/words.h"

enum { FUNCTION_MOST = 40, REPEATS_SHOWN = 3 };

struct page {
    const struct gs_merged *merged;
    const struct gs_console *console;
    struct gs_files files;
    bool verbose;
};

static const char *text_of(const json_t *frame, const char *key)
{
    const char *text = json_string_value(json_object_get(frame, key));
    return text ? text : "";
}

/* "0-17, 19-63" */
static void put_ranges(struct gs_text *text, const struct gs_merge_numbers *numbers)
{
    for (size_t i = 0, len; i < numbers->count; i += len) {
        len = gs_merge_range(numbers->list + i, numbers->count - i);
        gs_text_put(text, "%s%" PRId64, i > 0 ? ", " : "", numbers->list[i]);
        if (len > 1)
            gs_text_put(text, len > 2 ? "-%" PRId64 : ", %" PRId64, numbers->list[i + len - 1]);
    }
}

/* "62 of 64: ranks 0-17, 19-63". Where each has a rank, that is what it is called; of few, the process too. */
static void write_who(const struct page *page, struct gs_text *line, const struct gs_merge_stack *stack)
{
    enum { FEW = 3 };
    bool ranked = stack->ranks.count == stack->count;
    const struct gs_merge_numbers *shown = ranked ? &stack->ranks : &stack->pids;
    struct gs_text who;
    gs_text_init(&who, line->utf8);
    gs_text_put(&who, "%s ",
                ranked              ? (shown->count == 1 ? "rank" : "ranks")
                : shown->count == 1 ? "process"
                                    : "processes");
    put_ranges(&who, shown);
    if (ranked && stack->pids.count <= FEW) {
        gs_text_put(&who, " (%s ", stack->pids.count == 1 ? "process" : "processes");
        put_ranges(&who, &stack->pids);
        gs_text_put(&who, ")");
    }
    gs_text_style(line, GS_STYLE_BOLD);
    gs_text_put(line, "%zu of %zu: ", stack->count, page->merged->processes);
    gs_text_style(line, GS_STYLE_PLAIN);
    gs_wrap_write(line, page->console, 2, who.bytes ? who.bytes : "");
    line->failed = line->failed || who.failed;
    gs_text_fini(&who);
}

/* "MainThread holds the GIL", "worker-* (256 threads): 3 wait for the GIL, 253 without it" */
static void write_what(const struct page *page, struct gs_text *line, const struct gs_merge_stack *stack)
{
    static const char *const words[] = {[GS_HOLDS] = "with the GIL",
                                        [GS_WAITS] = "waiting for the GIL",
                                        [GS_WITHOUT] = "without the GIL",
                                        [GS_NONE] = "no GIL",
                                        [GS_UNKNOWN] = "unknown what with the GIL"};
    bool same, several = false;
    gs_merge_word(stack, &same);
    gs_text_pad(line, 2);
    gs_text_add(line, stack->name);
    if (stack->threads != stack->count) {
        gs_text_put(line, " (");
        gs_words_count(line, stack->threads, "thread", "threads");
        gs_text_put(line, ")");
    }
    for (enum gs_gil_word word = 0; word <= GS_UNKNOWN; word++) {
        if (stack->words[word] == 0)
            continue;
        gs_text_put(line, several ? ", " : ": ");
        if (!same)
            gs_text_put(line, "%zu ", stack->words[word]);
        gs_text_put(line, "%s", words[word]);
        several = true;
    }
    gs_text_write_cut(line, page->console);
}

/* Functions and modules of C have no file that is worth a common folder. */
static void put_place(struct gs_table *table, const struct page *page, const json_t *frame)
{
    const char *file = text_of(frame, "file"), *module = text_of(frame, "module");
    json_int_t number = json_integer_value(json_object_get(frame, "line"));
    if (*module)
        gs_text_add(&table->cell, module);
    else
        gs_text_add(&table->cell, page->verbose ? file : gs_files_shorten(&page->files, file));
    if (number > 0 && !*module)
        gs_text_put(&table->cell, ":%d", (int)number);
    gs_table_put(table, false);
}

static void put_frame(struct gs_table *table, const struct page *page, const json_t *frame)
{
    const char *qualname = text_of(frame, "qualname");
    bool gap = strcmp(text_of(frame, "kind"), "gap") == 0;
    gs_text_put(&table->cell, gap ? "    [gap: " : "    ");
    gs_text_fit(&table->cell, *qualname ? qualname : text_of(frame, "function"),
                page->console->columns > 0 && !page->verbose ? FUNCTION_MOST : 0, GS_CUT_END);
    gs_text_put(&table->cell, gap ? "]" : "");
    gs_table_put(table, false);
    put_place(table, page, frame);
    gs_table_end_row(table);
}

/* How many frames from `at` on are the same one: a function that calls itself. */
static size_t repeats(const json_t *frames, size_t at)
{
    size_t next = at + 1;
    while (next < json_array_size(frames) && json_equal(json_array_get(frames, at), json_array_get(frames, next)))
        next++;
    return next - at;
}

static void put_frames(struct gs_table *table, const struct page *page, const json_t *frames)
{
    size_t count = json_array_size(frames);
    for (size_t i = 0, same; i < count; i += same) {
        same = page->verbose ? 1 : repeats(frames, i);
        for (size_t k = 0; k < same && k < REPEATS_SHOWN; k++)
            put_frame(table, page, json_array_get(frames, i));
        if (same <= REPEATS_SHOWN)
            continue;
        gs_text_put(&table->line, "    [the line above ");
        gs_words_count(&table->line, same - REPEATS_SHOWN, "more time]", "more times]");
        gs_table_end_row(table);
    }
    if (count == 0) {
        gs_text_put(&table->line, "    (no frames)");
        gs_table_end_row(table);
    }
}

static enum gs_status write_stack(const struct page *page, struct gs_text *line, const struct gs_merge_stack *stack)
{
    struct gs_table table;
    gs_text_write(line, page->console);
    write_who(page, line, stack);
    write_what(page, line, stack);
    gs_table_init(&table, page->console);
    do
        put_frames(&table, page, stack->frames);
    while (gs_table_again(&table));
    return gs_table_fini(&table);
}

static void write_head(const struct page *page, struct gs_text *line)
{
    gs_words_count(line, page->merged->processes, "process", "processes");
    gs_text_put(line, ", ");
    gs_words_count(line, page->merged->count, "different stack", "different stacks, the rarest first");
    if (page->merged->failed_count > 0)
        gs_text_put(line, "; %zu more could not be read", page->merged->failed_count);
    gs_text_write(line, page->console);
}

enum gs_status gs_merge_show(const struct gs_merged *merged, const struct gs_console *console, bool verbose)
{
    struct page page = {.merged = merged, .console = console, .verbose = verbose};
    struct gs_text line;
    enum gs_status status = GS_OK;
    gs_text_init(&line, console->utf8);
    for (size_t i = 0; i < merged->count; i++) {
        size_t k;
        const json_t *frame;
        json_array_foreach(merged->stacks[i]->frames, k, frame)
        {
            if (*text_of(frame, "file") && !*text_of(frame, "module"))
                gs_files_learn(&page.files, text_of(frame, "file"));
        }
    }
    write_head(&page, &line);
    for (size_t i = 0; i < merged->count && !status; i++)
        status = write_stack(&page, &line, merged->stacks[i]);
    bool failed = line.failed;
    gs_text_fini(&line);
    return failed ? GS_NO_MEMORY : status;
}
