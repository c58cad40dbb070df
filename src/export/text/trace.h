/* The table that trace ends with, as giltracer's users know it. */
#ifndef GS_EXPORT_TEXT_TRACE_H
#define GS_EXPORT_TEXT_TRACE_H

#include "base/console.h"
#include "gil/gilstat.h"

/* What was traced and what it is worth in a line or two; then a row for each thread: name (the main one starred), tid,
 * how long it was traced, shares without the GIL, with it, waiting. verbose: also those that did nothing. */
enum gs_status gs_trace_text(const struct gs_gilstat *stat, const struct gs_console *console,
                             bool verbose) GS_MUST_CHECK;

#endif
