/* Growing lines, fitting them into columns, and painting their style marks. */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"

void gs_text_init(struct gs_text *text, bool utf8)
{
    *text = (struct gs_text){.utf8 = utf8};
}

void gs_text_fini(struct gs_text *text)
{
    if (text)
        free(text->bytes);
}

void gs_text_clear(struct gs_text *text)
{
    text->len = 0;
    text->columns = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

/* Room for `more` bytes and the terminator. */
static bool reserve(struct gs_text *text, size_t more)
{
    if (more < text->size - text->len)
        return true;
    size_t size = (text->len + more + 1) * 2;
    char *bytes = realloc(text->bytes, size);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->size = size;
    return true;
}

static void append(struct gs_text *text, const char *bytes, size_t len, int columns)
{
    if (!reserve(text, len))
        return;
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
    text->columns += columns;
}

void gs_text_join(struct gs_text *text, const struct gs_text *other)
{
    append(text, other->bytes ? other->bytes : "", other->len, other->columns);
    text->failed = text->failed || other->failed;
}

void gs_text_put(struct gs_text *text, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len > 0 && reserve(text, (size_t)len)) {
        const char *p = text->bytes + text->len;
        vsnprintf(text->bytes + text->len, (size_t)len + 1, fmt, again);
        text->len += (size_t)len;
        for (; *p; p++) /* ours: each character takes one column */
            text->columns += ((unsigned char)*p & 0xc0) != 0x80;
    }
    va_end(again);
}

/* Hands each character's escaped form to append from the moment on that `skip` columns were left out, until `limit`
 * columns are used. */
static void add_part(struct gs_text *text, const char *theirs, int skip, int limit)
{
    size_t left = strlen(theirs);
    while (left > 0) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        int columns;
        size_t taken = gs_utf8_next(theirs, left, &c);
        size_t len = gs_escape_char(c, text->utf8, form, &columns);
        theirs += taken;
        left -= taken;
        if (skip > 0) {
            skip -= columns;
            continue;
        }
        if (columns > limit)
            return;
        limit -= columns;
        append(text, form, len, columns);
    }
}

void gs_text_add(struct gs_text *text, const char *theirs)
{
    add_part(text, theirs, 0, INT_MAX);
}

int gs_text_width(const char *theirs, bool utf8)
{
    size_t left = strlen(theirs);
    int width = 0;
    while (left > 0 && width < INT_MAX / 2) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        int columns;
        size_t taken = gs_utf8_next(theirs, left, &c);
        gs_escape_char(c, utf8, form, &columns);
        width += columns;
        theirs += taken;
        left -= taken;
    }
    return width;
}

void gs_text_fit(struct gs_text *text, const char *theirs, int columns, enum gs_cut cut)
{
    int width = columns > 0 ? gs_text_width(theirs, text->utf8) : 0;
    if (width <= columns) {
        gs_text_add(text, theirs);
        return;
    }
    const char *ellipsis = text->utf8 ? "…" : "...";
    int room = columns - (text->utf8 ? 1 : 3);
    if (room < 1) {
        add_part(text, theirs, cut == GS_CUT_END ? 0 : width - columns, columns);
    } else if (cut == GS_CUT_END) {
        add_part(text, theirs, 0, room);
        gs_text_put(text, "%s", ellipsis);
    } else {
        int before = cut == GS_CUT_MIDDLE ? room / 2 : 0, after = room - before;
        add_part(text, theirs, 0, before);
        gs_text_put(text, "%s", ellipsis);
        add_part(text, theirs, width - after, after);
    }
}

const char *gs_text_fill(struct gs_text *text, const char *theirs, int columns)
{
    size_t left = strlen(theirs), taken;
    for (int used = 0; left > 0; theirs += taken, left -= taken) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        int width;
        taken = gs_utf8_next(theirs, left, &c);
        size_t len = gs_escape_char(c, text->utf8, form, &width);
        if (used > 0 && used + width > columns)
            return theirs;
        append(text, form, len, width);
        used += width;
    }
    return theirs;
}

void gs_text_pad(struct gs_text *text, int column)
{
    if (column > text->columns)
        gs_text_put(text, "%*s", column - text->columns, "");
}

void gs_text_cut(struct gs_text *text, int columns)
{
    size_t kept = 0, taken;
    if (text->columns <= columns)
        return;
    text->columns = 0;
    for (size_t i = 0; i < text->len; i += taken) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        int width = 0;
        taken = gs_utf8_next(text->bytes + i, text->len - i, &c);
        bool mark = c < GS_STYLE_COUNT;
        if (!mark)
            gs_escape_char(c, true, form, &width);
        if (!mark && width > columns - text->columns) {
            columns = text->columns; /* nothing narrower comes after what did not fit */
            continue;
        }
        memmove(text->bytes + kept, text->bytes + i, taken);
        kept += taken;
        text->columns += width;
    }
    text->len = kept;
    text->bytes[kept] = '\0';
}

void gs_text_style(struct gs_text *text, enum gs_style style)
{
    char mark = (char)style;
    append(text, &mark, 1, 0);
}

void gs_text_write(struct gs_text *text, const struct gs_console *console)
{
    size_t begin = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char mark = (unsigned char)text->bytes[i];
        if (mark >= GS_STYLE_COUNT)
            continue;
        fwrite(text->bytes + begin, 1, i - begin, console->out);
        begin = i + 1;
        if (console->depth != GS_COLORS_NONE)
            fprintf(console->out, "\033[%sm", gs_style_sgr(console->depth, mark));
    }
    if (text->len > begin)
        fwrite(text->bytes + begin, 1, text->len - begin, console->out);
    fputc('\n', console->out);
    gs_text_clear(text);
}

void gs_text_write_cut(struct gs_text *text, const struct gs_console *console)
{
    if (console->columns > 0)
        gs_text_cut(text, console->columns);
    gs_text_write(text, console);
}
