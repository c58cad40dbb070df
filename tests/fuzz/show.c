/* Dumps a target as the program does, but into memory and without waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/dump.h"
#include "fuzz/show.h"
#include "mem/metered.h"

enum { READS_MOST = 8 << 20 /* for the values of variables */ };

/* One target on its way to the renderings. */
struct look {
    struct gs_python *python;
    struct gs_reader *reader;
    struct gs_names *names;
    struct gs_mem *pages;
    struct gs_metered values;
    uint64_t left;
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
    return code ? gs_locals_read(look->python, &look->values.mem, frame->frame, code, locals, count) : GS_LOST;
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

static void render(struct show *show, struct look *look, bool locals)
{
    static const struct gs_quality none;
    struct gs_dump dump = {.target = look->python->target,
                           .python = look->python,
                           .snapshot = look->snapshot,
                           .quality = &none,
                           .lookup = {.context = look, .frame = find_frame, .name = find_name},
                           .uptime_s = -1};
    char *narrow;
    size_t len;
    render_text(&dump, false, 40, false, &narrow, &len);
    free(narrow);
    if (locals)
        dump.lookup.locals = find_locals;
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
