/* Columns that the lists of threads share. */
#include <stdio.h>

#include "view/parts.h"

static const struct gs_picture_thread *at(const struct gs_drawing *drawing, size_t row)
{
    return &drawing->picture->threads[row];
}

void gs_thread_put_state(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    enum gs_face face = gs_doing_face(at(drawing, row)->doing);
    (void)width;
    gs_text_style(text, gs_face_style(face));
    gs_text_put(text, "%s", gs_face_symbol(face, text->utf8));
    gs_text_style(text, GS_STYLE_PLAIN);
}

void gs_thread_put_name(const struct gs_drawing *drawing, size_t row, int width, struct gs_text *text)
{
    gs_text_fit(text, at(drawing, row)->name, width, GS_CUT_MIDDLE);
}

void gs_thread_put(struct gs_text *text, const char *name, pid_t tid, int width)
{
    enum { NAME_LEAST = 7 };
    char number[16];
    int left = width - snprintf(number, sizeof number, " (%d)", (int)tid);
    if (width == 0 || left >= NAME_LEAST)
        gs_words_thread(text, name, tid, width == 0 ? 0 : left);
    else
        gs_text_fit(text, name, width, GS_CUT_MIDDLE);
}
