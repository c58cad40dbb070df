/* What keeps the GIL, in words: for stat and trace. */
#ifndef GS_EXPORT_TEXT_HOGS_H
#define GS_EXPORT_TEXT_HOGS_H

#include "base/console.h"
#include "base/text.h"
#include "gil/gilstat.h"

/* An empty line, a title and the places where it was held for long; verbose: all of them, and their names whole. line
 * is a buffer that is empty before and after. */
void gs_stat_hogs(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, bool verbose);

#endif
