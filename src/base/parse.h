/* What users type as values: numbers, times, shares, lists. Each function is true only when all of the text was
 * understood and is in range; the result is untouched otherwise. */
#ifndef GS_BASE_PARSE_H
#define GS_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Decimal digits only, min to max. */
bool gs_parse_int(const char *text, int64_t min, int64_t max, int64_t *value);
/* "30", "30s", "0.5", "500ms", "20us", "5m", "2h", "1d": more than nothing, at most 10 years. */
bool gs_parse_time_us(const char *text, uint64_t *time_us);
/* "500K", "64M", "1.5G", with or without a B behind it: K is 1024 bytes. */
bool gs_parse_size(const char *text, uint64_t *bytes);
/* "2%" or "0.02": over 0 and at most 1. */
bool gs_parse_share(const char *text, double *share);
/* Samples per second: "100", "0.5", up to a million; "max" is infinite. */
bool gs_parse_rate(const char *text, double *rate_hz);
/* "3.11" as GS_VERSION(3, 11). */
bool gs_parse_version(const char *text, uint32_t *version);

#endif
