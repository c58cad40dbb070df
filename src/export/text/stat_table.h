/* The table of threads in stat's text. */
#ifndef GS_EXPORT_TEXT_STAT_TABLE_H
#define GS_EXPORT_TEXT_STAT_TABLE_H

#include "base/console.h"
#include "gil/gilstat.h"

/* verbose: threads that did nothing are not folded into one line, names are not cut. */
enum gs_status gs_stat_table(const struct gs_gilstat *stat, const struct gs_console *console,
                             bool verbose) GS_MUST_CHECK;

#endif
