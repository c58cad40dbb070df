/* Wraps at blanks. */
#include <stdio.h>
#include <string.h>

#include "base/wrap.h"

enum { NARROWEST = 24, WORD_MOST = 512 };

void gs_wrap_write(struct gs_text *line, const struct gs_console *console, int indent, const char *theirs)
{
    int room = console->columns;
    char word[WORD_MOST];
    bool first = true;
    while (*theirs) {
        size_t len = strcspn(theirs, " ");
        len = len < sizeof word ? len : sizeof word - 1;
        snprintf(word, sizeof word, "%.*s", (int)len, theirs);
        if (!first && room >= indent + NARROWEST && line->columns + 1 + gs_text_width(word, line->utf8) > room) {
            gs_text_write(line, console);
            gs_text_pad(line, indent);
            first = true;
        }
        gs_text_put(line, first ? "" : " ");
        gs_text_add(line, word);
        first = false;
        theirs += len;
        theirs += strspn(theirs, " ");
    }
    gs_text_write(line, console);
}
