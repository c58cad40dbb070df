/* What the kernel counted of threads by what they did with the GIL, in JSON and as a table. */
#ifndef GS_EXPORT_COUNTS_H
#define GS_EXPORT_COUNTS_H

#include <jansson.h>

#include "base/console.h"
#include "gil/gilstat.h"

/* Words that it is told by, and the names of counters as in JSON ("page_faults"). */
enum { GS_COUNTS_WORDS = 4 };
extern const enum gs_gil_word gs_counts_words[GS_COUNTS_WORDS];
const char *gs_counter_name(enum gs_counter counter);
/* What is told is so many of what is counted. */
uint32_t gs_counter_unit(enum gs_counter counter);

/* {"holds": {...}, "waits": {...}, "without": {...}, "unknown": {...}}; null where nothing could be counted. NULL: out
 * of memory. */
json_t *gs_counts_json(const struct gs_gilstat *stat, const struct gs_gilstat_counts *counts);
/* A row for each thread and state in which anything was counted, and the sums; nothing where nothing could be. */
enum gs_status gs_counts_text(const struct gs_gilstat *stat, const struct gs_console *console,
                              bool verbose) GS_MUST_CHECK;

#endif
