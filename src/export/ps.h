/* The list of Python processes, as text and as JSON. */
#ifndef GS_EXPORT_PS_H
#define GS_EXPORT_PS_H

#include "base/console.h"
#include "session/survey.h"

/* One JSON document and a line feed. Errors of the stream stay in it. */
enum gs_status gs_ps_json(const struct gs_ps *ps, FILE *out) GS_MUST_CHECK;
enum gs_status gs_ps_text(const struct gs_ps *ps, const struct gs_console *console, bool whole) GS_MUST_CHECK;

#endif
