/* Functions and their lines, made to fit. */
#include <stdio.h>
#include <string.h>

#include "base/shorten.h"
#include "view/parts.h"

void gs_place_learn(struct gs_files *files, const struct gs_picture *picture)
{
    *files = (struct gs_files){0};
    for (size_t i = 0; i < picture->thread_count; i++) {
        const struct gs_picture_thread *thread = &picture->threads[i];
        if (thread->place.file)
            gs_files_learn(files, thread->place.file);
        for (size_t k = 0; k < thread->frame_count; k++)
            gs_files_learn(files, thread->frames[k].place.file);
    }
    for (size_t i = 0; i < picture->function_count; i++)
        gs_files_learn(files, picture->functions[i].place.file);
    for (size_t i = 0; i < picture->task_rows; i++) {
        if (picture->tasks[i].place.function)
            gs_files_learn(files, picture->tasks[i].place.file);
    }
    for (size_t i = 0; i < picture->wanted_count; i++)
        gs_files_learn(files, picture->wanted[i].lock.held_in.file);
}

/* As it is called, whole where files are. room: as gs_called. */
static const char *name_of(const struct gs_drawing *drawing, const struct gs_picture_place *place, char room[GS_CALLED])
{
    return drawing->view->full_files ? place->function
                                     : gs_called(place->function, place->function, place->native, room);
}

void gs_place_put_function(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                           struct gs_text *text)
{
    char room[GS_CALLED];
    if (!place->function)
        gs_text_put(text, "-");
    else if (place->gap)
        gs_text_put(text, "[gap: %s]", place->function);
    else
        gs_text_fit(text, name_of(drawing, place, room), width, GS_CUT_MIDDLE);
}

/* Nothing where it is not known. */
static void put_line(char *line, size_t size, const struct gs_picture_place *place)
{
    line[0] = '\0';
    if (place->line > 0)
        snprintf(line, size, ":%d", place->line);
}

void gs_place_put_file(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                       struct gs_text *text)
{
    char line[16];
    if (!place->function || place->gap || !place->file)
        return;
    put_line(line, sizeof line, place);
    int left = width - (int)strlen(line);
    const char *file = drawing->view->full_files ? place->file : gs_files_shorten(&drawing->files, place->file);
    gs_text_fit(text, file, width == 0 ? 0 : left > 1 ? left : 1, GS_CUT_START);
    gs_text_put(text, "%s", line);
}

enum { FUNCTION_MOST = 24, FILE_LEAST = 22, ALIGNED_LEAST = 56 };

/* What the file does not need, and at least half. */
static int function_room(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width, bool utf8)
{
    struct gs_text file;
    char name[GS_CALLED];
    if (!place->function || place->gap)
        return width;
    gs_text_init(&file, utf8);
    gs_place_put_file(drawing, place, 0, &file);
    int whole = gs_text_width(name_of(drawing, place, name), utf8), room = width - file.columns - 2;
    gs_text_fini(&file);
    room = room < width / 2 ? width / 2 : room;
    return whole < room ? whole : room;
}

void gs_place_put(const struct gs_drawing *drawing, const struct gs_picture_place *place, int width,
                  struct gs_text *text)
{
    if (width > 0 && width < FILE_LEAST && place->function && !place->gap) {
        char line[16], room[GS_CALLED];
        put_line(line, sizeof line, place);
        gs_text_fit(text, name_of(drawing, place, room), width - (int)strlen(line), GS_CUT_MIDDLE);
        gs_text_put(text, "%s", line);
        return;
    }
    int begin = text->columns, function = FUNCTION_MOST;
    if (width > 0 && width < ALIGNED_LEAST) /* there is no room for two columns: one behind the other */
        function = function_room(drawing, place, width, text->utf8);
    gs_place_put_function(drawing, place, function, text);
    if (!place->function || place->gap)
        return;
    gs_text_pad(text, begin + function);
    gs_text_put(text, "  ");
    int left = width - (text->columns - begin);
    gs_place_put_file(drawing, place, width == 0 ? 0 : left > 1 ? left : 1, text);
}

bool gs_place_fits(const struct gs_picture_place *place, const char *words)
{
    return gs_words_in(place->function, words) || gs_words_in(place->file, words);
}

uint64_t gs_place_id(uint64_t sum, const struct gs_picture_place *place)
{
    for (const char *p = place->function; p && *p; p++)
        sum = sum * 31 + (unsigned char)*p;
    return sum * 31 + (uint32_t)place->line;
}
