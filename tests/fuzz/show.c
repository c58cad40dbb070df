/* Dumps and judges a target as the program does, but into memory and without waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/why_waits.h"
#include "export/why.h"
#include "fuzz/show.h"
#include "mem/metered.h"
#include "sample/snapshot_tasks.h"

enum { READS_MOST = 8 << 20 /* for the values of variables */ };

/* One target on its way to the renderings. */
struct look {
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_tasks tasks;
    struct gs_mem *pages;
    struct gs_metered values;
    uint64_t left;
    struct gs_wish wish;
    const struct gs_snapshot *snapshot;
};

static bool find_frame(void *context, const struct gs_frame *frame, struct gs_frame_info *info)
{
    const struct look *look = context;
    const struct gs_code *code = gs_codes_find(gs_reader_codes(look->reader), frame->code);
    if (!code)
        return false;
    *info = (struct gs_frame_info){.function = code->function,
                                   .qualname = code->qualname,
                                   .file = code->file,
                                   .line = gs_code_line(&look->python->layout, code, frame->instr)};
    return true;
}

static const char *find_name(void *context, const struct gs_thread *thread, char spare[16])
{
    const struct look *look = context;
    const char *name = gs_names_get(look->names, thread->ident);
    if (name)
        return name;
    gs_target_comm(look->python->target, thread->tid, spare);
    return spare;
}

static enum gs_status find_locals(void *context, const struct gs_frame *frame, struct gs_local **locals, size_t *count)
{
    struct look *look = context;
    const struct gs_code *code = gs_codes_find(gs_reader_codes(look->reader), frame->code);
    return code ? gs_locals_read(look->python, &look->values.mem, frame->frame, code, &look->wish, locals, count)
                : GS_LOST;
}

static bool take(struct look *look, struct gs_target *target)
{
    struct gs_err err;
    struct gs_reader_options options = {.stopping = GS_STOP_NEVER};
    if (gs_python_open(&look->python, target, NULL, &err) || gs_reader_new(&look->reader, look->python, &options))
        return false;
    look->names = gs_names_new(look->python);
    look->pages = gs_mem_cache_new(look->python->mem);
    look->left = READS_MOST;
    gs_metered_init(&look->values, look->pages, &look->left);
    if (!look->names || !look->pages)
        abort();
    for (int i = 0; i < 2; i++) {
        gs_reader_full_census(look->reader);
        if (gs_reader_take(look->reader, &look->snapshot))
            return false;
    }
    for (size_t i = 0; i < look->snapshot->interpreter_count; i++)
        gs_names_refresh(look->names, look->snapshot->interpreters[i].addr);
    if (gs_tasks_of(&look->tasks, look->python, gs_reader_codes(look->reader), look->snapshot, 1000))
        abort();
    return true;
}

static FILE *open_stream(char **bytes, size_t *len)
{
    FILE *out = open_memstream(bytes, len);
    if (!out)
        abort();
    return out;
}

/* For a terminal of so many columns, 0: a file. */
static void render_text(const struct gs_dump *dump, bool utf8, int columns, bool verbose, char **text, size_t *len)
{
    struct gs_console console = {.out = open_stream(text, len), .utf8 = utf8, .columns = columns};
    enum gs_status status = gs_dump_text(dump, &console, verbose);
    if (fclose(console.out) || status)
        abort();
    show_check_text(*text, *len, !utf8);
}

static void render_json(const struct gs_dump *dump, char **json, size_t *len)
{
    FILE *out = open_stream(json, len);
    enum gs_status status = gs_dump_json(dump, out);
    if (fclose(out) || status)
        abort();
    show_check_json(*json, *len);
}

static bool find_place(void *context, const struct gs_frame *frame, struct gs_place *place)
{
    struct gs_frame_info info;
    if (!find_frame(context, frame, &info))
        return false;
    *place = (struct gs_place){.function = info.function, .file = info.file, .line = info.line};
    return true;
}

static const struct gs_code *find_code(void *context, const struct gs_frame *frame)
{
    const struct look *look = context;
    return gs_codes_find(gs_reader_codes(look->reader), frame->code);
}

/* Why it hangs, if it does. */
static void judge(struct look *look, const struct gs_dump *dump)
{
    struct gs_why_watch watch = {0};
    struct gs_waits waits;
    struct gs_why why = {0};
    struct gs_case facts = {.target = look->python->target,
                            .python = look->python,
                            .snapshot = look->snapshot,
                            .watch = &watch,
                            .now = &waits,
                            .cpu = -1,
                            .lookup = {look, find_name, find_place, find_code}};
    char *text, *json;
    size_t len;
    if (gs_why_watch_add(&watch, look->snapshot) ||
        gs_waits_read(&waits, look->python->target, look->python, look->snapshot, &facts.lookup) ||
        gs_why_judge(&why, &facts) || why.count == 0)
        abort();
    struct gs_console console = {.out = open_stream(&text, &len), .columns = 60};
    if (gs_why_text(&why, dump, &console, false) || fclose(console.out))
        abort();
    show_check_text(text, len, true);
    free(text);
    FILE *out = open_stream(&json, &len);
    if (gs_why_json(&why, dump, out) || fclose(out))
        abort();
    show_check_json(json, len);
    free(json);
    gs_why_fini(&why);
    gs_waits_fini(&waits);
    gs_why_watch_fini(&watch);
}

/* Values whole, and by path. */
static void render_values(struct look *look, struct gs_dump *dump)
{
    static const char *const paths[] = {
        "self.x", "self", "number", "values[0]", "names['a'][-1].b", "sys.modules['os'].path"};
    char *text;
    size_t len;
    look->wish =
        (struct gs_wish){.locals = true, .bytes = 512, .paths = paths, .path_count = sizeof paths / sizeof *paths};
    dump->lookup.whole = true;
    render_text(dump, false, 40, false, &text, &len);
    free(text);
}

static void render(struct show *show, struct look *look, bool locals)
{
    static const struct gs_quality none;
    struct gs_dump dump = {.target = look->python->target,
                           .python = look->python,
                           .snapshot = look->snapshot,
                           .quality = &none,
                           .tasks = &look->tasks,
                           .lookup = {.context = look, .frame = find_frame, .name = find_name},
                           .uptime_s = -1,
                           .rank = -1};
    char *narrow;
    size_t len;
    render_text(&dump, false, 40, false, &narrow, &len);
    free(narrow);
    dump.tree = true;
    render_text(&dump, true, 80, false, &narrow, &len);
    free(narrow);
    dump.tree = false;
    judge(look, &dump);
    if (locals) {
        dump.lookup.locals = find_locals;
        render_values(look, &dump);
    }
    look->wish = (struct gs_wish){.locals = true};
    dump.lookup.whole = false;
    render_text(&dump, true, 0, true, &show->text, &show->text_len);
    render_json(&dump, &show->json, &show->json_len);
    show->threads = look->snapshot->thread_count;
    for (size_t i = 0; i < show->threads; i++)
        show->frames += look->snapshot->threads[i].frame_count;
}

void show_target(struct show *show, struct gs_target *target, bool locals)
{
    struct look look = {0};
    *show = (struct show){0};
    if (take(&look, target))
        render(show, &look, locals);
    gs_tasks_free(&look.tasks);
    gs_mem_free(look.pages);
    gs_names_free(look.names);
    gs_reader_free(look.reader);
    gs_python_close(look.python);
}

void show_fini(struct show *show)
{
    free(show->text);
    free(show->json);
}
