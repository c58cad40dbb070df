/* Collections and stopped worlds, each with who made them and from where. */
#include <inttypes.h>

#include "export/text/pauses.h"
#include "export/text/stat_words.h"
#include "export/words.h"

/* "  1.2 s by worker-2 (4250), in build (app.py:12)" for each of those that paused for longest. */
static void write_causes(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_gilstat_pauses *pauses,
                         const struct gs_console *console, size_t most)
{
    for (size_t i = 0; i < pauses->cause_count && i < most && pauses->causes[i].us > 0; i++) {
        const struct gs_gilstat_cause *cause = &pauses->causes[i];
        gs_text_put(line, "  ");
        gs_words_time(line, cause->us);
        gs_text_put(line, " by ");
        if (cause->tid > 0)
            gs_stat_put_thread(line, stat, cause->tid);
        else
            gs_text_put(line, "others");
        if (*cause->why) {
            gs_text_put(line, " for ");
            gs_text_add(line, cause->why);
        }
        gs_stat_add_place(line, &cause->place);
        gs_text_write_cut(line, console);
    }
}

/* "Garbage collection: 12.3 % of the time, 31 collections (2 full), the longest 52 ms" */
static void write_gc(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, size_t most)
{
    const struct gs_gilstat_pauses *gc = &stat->gc;
    if (!gc->known || (gc->us == 0 && gc->count.value == 0))
        return;
    gs_text_write_cut(line, console);
    gs_text_put(line, "Garbage collection: %.1f %% of the time", gc->share * 100);
    if (gc->count.known) {
        gs_text_put(line, ", ");
        gs_words_count(line, gc->count.value, "collection", "collections");
        if (stat->by_generation)
            gs_text_put(line, " (%" PRIu64 " full)", stat->collections[GS_GENERATIONS - 1]);
    }
    if (gc->longest_us > 0) {
        gs_text_put(line, ", the longest ");
        gs_words_time(line, gc->longest_us);
        if (gc->longest.generation.known)
            gs_text_put(line, " (generation %" PRIu64 ")", gc->longest.generation.value);
    }
    gs_text_write_cut(line, console);
    write_causes(line, stat, gc, console, most);
}

/* "All threads stopped: 12 times, 38 ms in all, the longest 9.1 ms" */
static void write_worlds(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console,
                         size_t most)
{
    const struct gs_gilstat_pauses *worlds = &stat->worlds;
    if (!worlds->known || worlds->count.value == 0)
        return;
    gs_text_write_cut(line, console);
    gs_text_put(line, stat->method == GS_METHOD_SAMPLED ? "All threads stopped: at least " : "All threads stopped: ");
    gs_words_count(line, worlds->count.value, "time", "times");
    gs_text_put(line, ", ");
    gs_words_time(line, worlds->us);
    gs_text_put(line, " in all, the longest ");
    gs_words_time(line, worlds->longest_us);
    gs_text_write_cut(line, console);
    write_causes(line, stat, worlds, console, most);
    for (size_t i = 0; i < stat->late_count; i++) {
        gs_text_put(line, "  ");
        gs_stat_put_thread(line, stat, stat->late[i].tid);
        gs_text_put(line, " kept them waiting for ");
        gs_words_time(line, stat->late[i].us);
        gs_text_write_cut(line, console);
    }
}

void gs_stat_pauses(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, size_t most)
{
    write_gc(line, stat, console, most);
    write_worlds(line, stat, console, most);
}
