/* Verdicts, as text and as JSON; the dump of the same moment goes with them. */
#ifndef GS_EXPORT_WHY_H
#define GS_EXPORT_WHY_H

#include "diagnose/why.h"
#include "export/dump.h"

/* The verdicts, then the dump. verbose: as in gs_dump_text. */
enum gs_status gs_why_text(const struct gs_why *why, const struct gs_dump *dump, const struct gs_console *console,
                           bool verbose) GS_MUST_CHECK;
/* One JSON object, without a line feed. Errors of the stream stay in it. */
enum gs_status gs_why_json(const struct gs_why *why, const struct gs_dump *dump, FILE *out) GS_MUST_CHECK;

#endif
