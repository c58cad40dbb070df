/* Pauses in words: for stat and trace. */
#ifndef GS_EXPORT_TEXT_PAUSES_H
#define GS_EXPORT_TEXT_PAUSES_H

#include "base/console.h"
#include "base/text.h"
#include "gil/gilstat.h"

/* What is known of collections of garbage, and of stopped worlds: each behind an empty line, with so many at most of
 * those who made them. line is a buffer that is empty before and after. */
void gs_stat_pauses(struct gs_text *line, const struct gs_gilstat *stat, const struct gs_console *console, size_t most);

#endif
