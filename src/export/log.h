/* What a program that runs for long has to say, as lines for programs. */
#ifndef GS_EXPORT_LOG_H
#define GS_EXPORT_LOG_H

#include <stdio.h>

#include "gilspy/status.h"

/* {"time": "2026-01-31T12:00:00.123Z", "level": "warning", "message": "…"} */
enum gs_status gs_log_json(const char *level, const char *message, FILE *out) GS_MUST_CHECK;

#endif
