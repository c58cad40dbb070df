/* What files for programs tell about the run that they are of, and how they write times. */
#ifndef GS_EXPORT_ABOUT_H
#define GS_EXPORT_ABOUT_H

#include <jansson.h>
#include <stdio.h>

#include "profile/modes.h"

/* What is known when it begins: schema, version, host, time, rate, and what was selected. The caller may add to it.
 * NULL: out of memory. */
json_t *gs_about_begin(const struct gs_run_info *run, const struct gs_selection *selection);
/* What is known at its end: seconds, samples, whether it is complete, quality. */
json_t *gs_about_end(uint64_t begin_ns, const struct gs_run_end *end);

/* "5010000.25": nanoseconds as microseconds, without a loss. */
void gs_about_write_us(uint64_t ns, FILE *out);
/* Digits, without the cost of a format. */
void gs_about_write_number(uint64_t number, FILE *out);

#endif
