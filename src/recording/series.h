/* The files of a run that is divided: STEM.000001.gilspy, STEM.000002.gilspy and so on. */
#ifndef GS_RECORDING_SERIES_H
#define GS_RECORDING_SERIES_H

#include <stdint.h>

#include "base/destination.h"

struct gs_series {
    struct gs_destination in; /* their folder */
    char *stem;
    const char *base; /* its end, behind the folder */
    uint64_t number;  /* of the last file, 0: there is none */
};

/* output: "run.gilspy" or "run". The numbers go on after those of files that are there, whole or not.
 * GS_OUTPUT: there is no such folder; GS_NO_MEMORY. err is filled; free with gs_series_fini in any case. */
enum gs_status gs_series_init(struct gs_series *series, const char *output, struct gs_err *err) GS_MUST_CHECK;
void gs_series_fini(struct gs_series *series);
/* The name of a file, malloc'ed; NULL: out of memory. */
char *gs_series_name(const struct gs_series *series, uint64_t number);
/* Removes all but the last `keep` files in the order of their numbers, however far these are apart, and what runs that
 * broke off left of those. The numbers of those that are left, in rising order, are malloc'ed; NULL: out of memory, and
 * nothing is removed. */
uint64_t *gs_series_prune(const struct gs_series *series, uint64_t keep, size_t *count);

#endif
