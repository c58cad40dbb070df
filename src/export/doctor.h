/* What doctor found, as text and as JSON. */
#ifndef GS_EXPORT_DOCTOR_H
#define GS_EXPORT_DOCTOR_H

#include "base/console.h"
#include "diagnose/doctor.h"

/* quiet: only what dump lacks. */
enum gs_status gs_doctor_text(const struct gs_doctor *doctor, const struct gs_console *console,
                              bool quiet) GS_MUST_CHECK;
/* One JSON document and a line feed. Errors of the stream stay in it. */
enum gs_status gs_doctor_json(const struct gs_doctor *doctor, FILE *out) GS_MUST_CHECK;

#endif
