/* Sentences in the width of a terminal. */
#ifndef GS_BASE_WRAP_H
#define GS_BASE_WRAP_H

#include "base/text.h"

/* Adds words of the target's to the line and writes all of it; further lines are indented. Not wrapped where the
 * console has no width, or hardly any beside the indent. */
void gs_wrap_write(struct gs_text *line, const struct gs_console *console, int indent, const char *theirs);

#endif
