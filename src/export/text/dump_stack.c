/* The stacks of a dump: functions in one column, files beside them, as short as they can be told apart. */
#include <string.h>

#include "base/shorten.h"
#include "export/text/page.h"

enum {
    FUNCTION_LEAST = 13, /* columns of functions' names: alike from dump to dump, */
    FUNCTION_MOST = 40,  /* and one long name does not push all files away */
    LATELY = 64,
    REPEATS_SHOWN = 3 /* of a line that calls itself */
};

/* Whole where all is to be shown. room: as gs_called. */
static const char *name_of(const struct gs_page *page, const struct gs_frame_info *info, char room[GS_CALLED])
{
    if (page->verbose)
        return info->qualname ? info->qualname : info->function;
    return gs_called(info->function, info->qualname, info->module, room);
}

/* One look at a function: how wide its name is, where its file lies. */
static void measure(struct gs_page *page, const struct gs_frame *frame, int most)
{
    struct gs_frame_info info;
    char room[GS_CALLED];
    gs_dump_frame(page->dump, frame, &info);
    if (!info.module)
        gs_files_learn(&page->files, info.file);
    int width = gs_text_width(name_of(page, &info, room), page->line.utf8);
    if (width > page->function_columns)
        page->function_columns = width < most ? width : most;
}

void gs_page_measure(struct gs_page *page, const struct gs_folds *folds)
{
    int most = FUNCTION_MOST;
    if (page->console->columns > 0 && page->console->columns / 2 < most)
        most = page->console->columns / 2;
    page->function_columns = FUNCTION_LEAST;
    for (size_t i = 0; i < folds->count; i++) {
        const struct gs_thread *thread = folds->list[i].members[0]->thread;
        for (uint32_t f = 0; f < thread->frame_count; f++) {
            if (thread->frames[f].kind != GS_FRAME_GAP &&
                (f == 0 || thread->frames[f].code != thread->frames[f - 1].code))
                measure(page, &thread->frames[f], most);
        }
    }
    gs_addr lately[LATELY] = {0}; /* tasks are many, their functions are few */
    for (size_t i = 0; page->dump->tasks && i < page->dump->tasks->frame_count; i++) {
        const struct gs_frame *frame = &page->dump->tasks->frames[i];
        if (frame->kind == GS_FRAME_GAP || lately[frame->code / 16 % LATELY] == frame->code)
            continue;
        lately[frame->code / 16 % LATELY] = frame->code;
        measure(page, frame, most);
    }
}

/* On as many lines as it takes where it is to be whole. */
static void write_value(struct gs_page *page, const char *value)
{
    if (!page->dump->lookup.whole || page->console->columns == 0) {
        gs_text_fit(&page->line, value, gs_page_room(page), GS_CUT_END);
        gs_page_end_line(page);
        return;
    }
    do {
        value = gs_text_fill(&page->line, value, gs_page_room(page));
        gs_page_end_line(page);
        gs_text_put(&page->line, *value ? "            " : "");
    } while (*value);
}

static void write_locals(struct gs_page *page, const struct gs_frame *frame)
{
    const struct gs_lookup *lookup = &page->dump->lookup;
    struct gs_local *locals;
    size_t count;
    if (!lookup->locals || frame->kind != GS_FRAME_PYTHON)
        return;
    if (lookup->locals(lookup->context, frame, &locals, &count) != GS_OK) {
        gs_text_put(&page->line, "        (moved on before its variables could be read)");
        gs_page_end_line(page);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        gs_text_put(&page->line, "        ");
        gs_text_add(&page->line, locals[i].name);
        gs_text_put(&page->line, " = ");
        write_value(page, locals[i].value);
    }
    gs_locals_free(locals, count);
}

/* Behind a function of C: the library, and where in its source, if that is known. */
static void write_module(struct gs_page *page, const struct gs_frame *frame, const struct gs_frame_info *info)
{
    struct gs_text *line = &page->line;
    if (!gs_called_address(info->function, info->module)) {
        gs_text_pad(line, 4 + page->function_columns);
        gs_text_put(line, "  ");
        gs_text_fit(line, info->module, gs_page_room(page), GS_CUT_START);
    }
    if (info->file && info->line > 0) {
        const char *slash = page->verbose ? NULL : strrchr(info->file, '/');
        gs_text_put(line, "  ");
        gs_text_fit(line, slash ? slash + 1 : info->file, gs_page_room(page), GS_CUT_START);
        gs_text_put(line, ":%d", info->line);
    }
    if (frame->inferred)
        gs_text_put(line, "  (inferred)");
}

static void write_frame(struct gs_page *page, const struct gs_frame *frame)
{
    struct gs_text *line = &page->line;
    struct gs_frame_info info;
    char room[GS_CALLED];
    gs_dump_frame(page->dump, frame, &info);
    if (frame->kind == GS_FRAME_GAP) {
        gs_text_put(line, "    [gap: %s]", info.function);
        gs_page_end_line(page);
        return;
    }
    bool cut = page->console->columns > 0;
    gs_text_put(line, "    ");
    const char *name = name_of(page, &info, room);
    if (info.module && gs_called_address(info.function, info.module))
        gs_text_fit(line, name, gs_page_room(page), GS_CUT_MIDDLE);
    else
        gs_text_fit(line, name, cut ? page->function_columns : 0, GS_CUT_MIDDLE);
    if (info.module) {
        write_module(page, frame, &info);
    } else if (*info.file) {
        char number[16] = "";
        if (info.line > 0)
            snprintf(number, sizeof number, ":%d", info.line);
        gs_text_pad(line, 4 + page->function_columns);
        gs_text_put(line, "  ");
        int left = gs_page_room(page) - (int)strlen(number);
        gs_text_fit(line, page->verbose ? info.file : gs_files_shorten(&page->files, info.file),
                    !cut       ? 0
                    : left > 1 ? left
                               : 1,
                    GS_CUT_START);
        gs_text_put(line, "%s", number);
    }
    gs_page_end_line(page);
    write_locals(page, frame);
}

/* How many frames from `at` on are on one line of one function: a function that calls itself. */
static uint32_t repeats(const struct gs_page *page, const struct gs_thread *thread, uint32_t at)
{
    const struct gs_frame *first = &thread->frames[at];
    uint32_t next = at + 1;
    if (page->verbose || page->dump->lookup.locals || first->kind == GS_FRAME_GAP)
        return 1;
    struct gs_frame_info info, other;
    gs_dump_frame(page->dump, first, &info);
    for (; next < thread->frame_count; next++) {
        const struct gs_frame *frame = &thread->frames[next];
        if (frame->kind != first->kind || frame->code != first->code)
            break;
        gs_dump_frame(page->dump, frame, &other);
        if (other.line != info.line)
            break;
    }
    return next - at;
}

void gs_page_stack(struct gs_page *page, const struct gs_thread *thread)
{
    uint32_t same;
    for (uint32_t i = 0; i < thread->frame_count; i += same) {
        same = repeats(page, thread, i);
        for (uint32_t shown = 0; shown < same && shown < REPEATS_SHOWN; shown++)
            write_frame(page, &thread->frames[i + shown]);
        if (same > REPEATS_SHOWN) {
            gs_text_put(&page->line, "    [the line above ");
            gs_words_count(&page->line, same - REPEATS_SHOWN, "more time]", "more times]");
            gs_page_end_line(page);
        }
    }
    if (thread->frame_count == 0) {
        gs_text_put(&page->line, thread->tstate ? "    (no Python frames)" : "    (no frames)");
        gs_page_end_line(page);
    }
}
