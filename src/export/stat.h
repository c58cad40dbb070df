/* The renderings of stat: a table with what keeps the GIL in words, and a JSON document. */
#ifndef GS_EXPORT_STAT_H
#define GS_EXPORT_STAT_H

#include "base/console.h"
#include "gil/gilstat.h"

/* verbose: nothing shortened or folded. */
enum gs_status gs_stat_text(const struct gs_gilstat *stat, const struct gs_console *console,
                            bool verbose) GS_MUST_CHECK;
/* One JSON object, schema 1, in one line and without a line feed. Errors of the stream stay in it. */
enum gs_status gs_stat_json(const struct gs_gilstat *stat, FILE *out) GS_MUST_CHECK;

#endif
